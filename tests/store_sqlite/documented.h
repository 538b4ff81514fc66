// Bytes that docs/format.md shows.
#pragma once

#include <fstream>
#include <string>

#include "base/codec.h"

namespace rejoin::testing {

inline std::string HexOf(const Bytes& bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const char c : bytes) {
    hex.push_back(kDigits[static_cast<unsigned char>(c) >> 4]);
    hex.push_back(kDigits[static_cast<unsigned char>(c) & 15]);
  }
  return hex;
}

#ifdef REJOIN_SOURCE_DIR  // of every test program
// The hexadecimal bytes of a fenced block of docs/format.md, comments left out.
inline std::string Documented(const std::string& block) {
  std::ifstream file(std::string(REJOIN_SOURCE_DIR) + "/docs/format.md");
  std::string line;
  std::string hex;
  bool inside = false;
  while (std::getline(file, line)) {
    if (line.rfind("```", 0) == 0) inside = line == "```" + block;
    if (!inside || line[0] == '`') continue;
    for (const char c : line.substr(0, line.find('|'))) {
      if (c != ' ') hex.push_back(c);
    }
  }
  return hex;
}
#endif

}  // namespace rejoin::testing
