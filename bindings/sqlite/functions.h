// The SQL functions, by concern. Each is told in docs/sql.md.
#pragma once

#include <span>

#include "bindings/sqlite/call.h"

namespace rejoin {

std::span<const FunctionSpec> TableFunctions();     // rejoin_track, rejoin_untrack, ...
std::span<const FunctionSpec> ValueFunctions();     // rejoin_uuid, rejoin_id
std::span<const FunctionSpec> ExchangeFunctions();  // rejoin_vv, rejoin_delta, rejoin_merge, ...
std::span<const FunctionSpec> NetworkFunctions();   // rejoin_sync
std::span<const FunctionSpec> LinkFunctions();      // rejoin_connect, rejoin_disconnect, ...
std::span<const FunctionSpec> StatusFunctions();    // rejoin_version, rejoin_replica, rejoin_status

}  // namespace rejoin
