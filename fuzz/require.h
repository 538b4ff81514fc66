// What has to hold whatever the input is. An abort is what both libFuzzer and
// replay_main.cc report, with the input.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>

namespace rejoin::fuzz {

[[noreturn]] inline void Abort(const std::string& what) {
  std::fprintf(stderr, "fuzz: does not hold: %s\n", what.c_str());
  std::abort();
}

inline void Require(bool condition, const char* what) {
  if (!condition) Abort(what);
}

}  // namespace rejoin::fuzz
