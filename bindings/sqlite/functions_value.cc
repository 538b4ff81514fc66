#include "bindings/sqlite/functions.h"

namespace rejoin {
namespace {

Status Uuid(Call& call) {
  call.Return(std::string_view(call.connection().ids().Uuid()));
  return {};
}

Status Id(Call& call) {
  call.Return(call.connection().ids().Id());
  return {};
}

constexpr FunctionSpec kFunctions[] = {
    {"rejoin_uuid", "rejoin_uuid()", 0, 0, FunctionSpec::Kind::kValue, Uuid},
    {"rejoin_id", "rejoin_id()", 0, 0, FunctionSpec::Kind::kValue, Id},
};

}  // namespace

std::span<const FunctionSpec> ValueFunctions() { return kFunctions; }

}  // namespace rejoin
