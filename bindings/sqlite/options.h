// JSON that comes in through SQL: options of a table, version vectors.
//
// Everything is checked: unknown names, wrong types and damage are
// kInvalidArgument with a clause that names the place and what is allowed.
#pragma once

#include <string>
#include <string_view>

#include "store/sqlite/sqlite_store.h"

namespace rejoin {

// {"same_key": "merge" | "newest", "delete_wins": bool, "fire_triggers": bool,
//  "name": text}; every member may be left out.
Result<TrackOptions> ParseTrackOptions(std::string_view json);

// How to sync: {"name": text, "timeout_ms": number}.
struct SyncOptions {
  std::string name;              // what people call this device
  std::uint64_t timeout_ms = 0;  // 0: as long as it takes
};
Result<SyncOptions> ParseSyncOptions(std::string_view json);

// How to stay in sync: {"name": text, "step": bool}.
struct ConnectOptions {
  std::string name;   // what people call this device
  bool step = false;  // without a thread: all is done in rejoin_step
};
Result<ConnectOptions> ParseConnectOptions(std::string_view json);

// {"<32 hexadecimal digits of a replica>": "<timestamp in decimal>", ...}.
// Timestamps are strings because they do not fit into a JavaScript number.
Result<VersionVector> ParseVector(std::string_view json);
std::string VectorToJson(const VersionVector& vector);

}  // namespace rejoin
