#include "bindings/sqlite/functions.h"
#include "bindings/sqlite/status.h"

namespace rejoin {
namespace {

Status Version(Call& call) {
  call.Return(std::string_view(VersionJson()));
  return {};
}

Status Replica(Call& call) {
  SqliteStore store = call.connection().Store();
  REJOIN_ASSIGN(const ReplicaId replica, store.Replica());
  call.Return(std::string_view(replica.Hex()));
  return {};
}

Status ShowStatus(Call& call) {
  REJOIN_ASSIGN(const std::string json, StatusJson(call.connection()));
  call.Return(std::string_view(json));
  return {};
}

constexpr FunctionSpec kFunctions[] = {
    {"rejoin_version", "rejoin_version()", 0, 0, FunctionSpec::Kind::kAnswer, Version},
    {"rejoin_replica", "rejoin_replica()", 0, 0, FunctionSpec::Kind::kAnswer, Replica},
    {"rejoin_status", "rejoin_status()", 0, 0, FunctionSpec::Kind::kEffect, ShowStatus},
};

}  // namespace

std::span<const FunctionSpec> StatusFunctions() { return kFunctions; }

}  // namespace rejoin
