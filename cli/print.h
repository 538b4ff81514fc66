// How commands print.
#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "base/status.h"

namespace rejoin::cli {

using Json = nlohmann::ordered_json;

// One line on stdout.
void PrintLine(const std::string& line);
// A document on stdout. Text that is no UTF-8 is shown with U+FFFD.
void PrintJson(const Json& json);

// "1 row", "2 rows"
std::string Count(std::uint64_t number, const std::string& noun);

}  // namespace rejoin::cli
