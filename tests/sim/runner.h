// Runs schedule after schedule, in one thread or several, until there are enough or one
// fails.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/world.h"

namespace rejoin::sim {

struct RunOptions {
  std::vector<Scenario> scenarios;  // they take turns
  std::uint64_t first_seed = 1;
  std::uint64_t schedules = 100;
  double minutes = 0;  // instead of a number of schedules, where it is not 0
  unsigned jobs = 1;
  Canary canary = Canary::kNone;
  bool keep_going = false;  // where a schedule fails
  bool progress = true;     // on stderr, every few seconds
  // Once it is true, schedules that have begun are finished and no other begins; nullptr: never.
  const std::atomic<bool>* stop = nullptr;
};

struct RunResult {
  Tally tally;
  double seconds = 0;
  std::vector<std::uint32_t> sizes;  // operations and deliveries of each schedule
  std::vector<std::pair<Schedule, Verdict>> failures;  // by seed
};

RunResult RunSchedules(const RunOptions& options);

// One line: schedules, simulated hours, operations, deliveries, faults by kind.
std::string Summary(const RunResult& result);

}  // namespace rejoin::sim
