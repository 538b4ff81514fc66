#include "tests/sim/shrink.h"

#include <algorithm>

namespace rejoin::sim {
namespace {

Schedule Without(const Schedule& schedule, std::size_t first, std::size_t count) {
  Schedule shorter = schedule;
  const auto begin = shorter.events.begin() + static_cast<std::ptrdiff_t>(first);
  shorter.events.erase(begin, begin + static_cast<std::ptrdiff_t>(count));
  return shorter;
}

}  // namespace

Shrunk Shrink(const Schedule& schedule, const Verdict& verdict, Canary canary, std::size_t most_runs) {
  Shrunk best{schedule, verdict, 0};
  const auto try_it = [&](Schedule candidate) {
    ++best.runs;
    const Verdict seen = World(candidate, canary).Run();
    if (seen.checker != verdict.checker) return false;
    best.schedule = std::move(candidate);
    best.verdict = seen;
    return true;
  };
  // What came after the failure has not happened, unless it was healing that failed.
  if (verdict.event < schedule.events.size()) {
    try_it(Without(schedule, verdict.event, schedule.events.size() - verdict.event));
  }
  for (std::size_t chunk = std::max<std::size_t>(1, best.schedule.events.size() / 2); chunk > 0;) {
    bool shrank = false;
    for (std::size_t at = 0; at < best.schedule.events.size() && best.runs < most_runs;) {
      const std::size_t count = std::min(chunk, best.schedule.events.size() - at);
      if (try_it(Without(best.schedule, at, count))) {
        shrank = true;
      } else {
        at += count;
      }
    }
    if (best.runs >= most_runs) break;
    if (!shrank || chunk > 1) chunk = shrank ? std::min(chunk, best.schedule.events.size()) : chunk / 2;
  }
  return best;
}

}  // namespace rejoin::sim
