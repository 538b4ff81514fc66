#include "bindings/sqlite/functions.h"
#include "bindings/sqlite/options.h"

namespace rejoin {
namespace {

constexpr char kTable[] = "the table's name";

Result<TrackOptions> OptionsOf(const Call& call) {
  REJOIN_ASSIGN(const auto json, call.OptionalText(1, "the options"));
  if (!json) return TrackOptions();
  Result<TrackOptions> options = ParseTrackOptions(*json);
  if (!options) return call.Refuse(options.error().message);
  return options;
}

Status Track(Call& call) {
  REJOIN_ASSIGN(const std::string_view table, call.Text(0, kTable));
  REJOIN_ASSIGN(const TrackOptions options, OptionsOf(call));
  SqliteStore store = call.connection().Store();
  REJOIN_ASSIGN(const std::uint64_t adopted, store.Track(std::string(table), options));
  call.Return(static_cast<std::int64_t>(adopted));
  return {};
}

Status Untrack(Call& call) {
  REJOIN_ASSIGN(const std::string_view table, call.Text(0, kTable));
  SqliteStore store = call.connection().Store();
  REJOIN_TRY(store.Untrack(std::string(table)));
  call.Return(std::int64_t{1});
  return {};
}

Status DropColumn(Call& call) {
  REJOIN_ASSIGN(const std::string_view table, call.Text(0, kTable));
  REJOIN_ASSIGN(const std::string_view column, call.Text(1, "the column's name"));
  SqliteStore store = call.connection().Store();
  REJOIN_TRY(store.DropColumn(std::string(table), std::string(column)));
  call.Return(std::int64_t{1});
  return {};
}

Status Uninstall(Call& call) {
  SqliteStore store = call.connection().Store();
  REJOIN_TRY(store.Uninstall());
  call.Return(std::int64_t{1});
  return {};
}

constexpr FunctionSpec kFunctions[] = {
    {"rejoin_track", "rejoin_track(table [, options])", 1, 2, FunctionSpec::Kind::kEffect, Track},
    {"rejoin_untrack", "rejoin_untrack(table)", 1, 1, FunctionSpec::Kind::kEffect, Untrack},
    {"rejoin_drop_column", "rejoin_drop_column(table, column)", 2, 2, FunctionSpec::Kind::kEffect,
     DropColumn},
    {"rejoin_uninstall", "rejoin_uninstall()", 0, 0, FunctionSpec::Kind::kEffect, Uninstall},
};

}  // namespace

std::span<const FunctionSpec> TableFunctions() { return kFunctions; }

}  // namespace rejoin
