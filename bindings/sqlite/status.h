// What rejoin_status() tells, as JSON.
#pragma once

#include <string>

#include "bindings/sqlite/connection.h"

namespace rejoin {

// {"version", "commit", "format", "protocol"}: of this build.
std::string VersionJson();

// The main file. Numbers that may pass 2^53 are strings.
Result<std::string> StatusJson(Connection& connection);

}  // namespace rejoin
