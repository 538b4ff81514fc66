#include "cli/print.h"

#include <iostream>

#include <nlohmann/json.hpp>

namespace rejoin::cli {

void PrintLine(const std::string& line) { std::cout << line << '\n'; }

void PrintJson(const Json& json) {
  std::cout << json.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
}

std::string Count(std::uint64_t number, const std::string& noun) {
  return std::to_string(number) + ' ' + noun + (number == 1 ? "" : "s");
}

}  // namespace rejoin::cli
