// How a link stands, as rejoin_status() tells it.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "bindings/sqlite/live_link.h"

namespace rejoin {

nlohmann::ordered_json LinkJson(const LinkState& state);

// Another text whenever something but a count or a time is told otherwise.
std::string LinkStanding(const LiveStatus& live);

}  // namespace rejoin
