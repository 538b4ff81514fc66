// The shortest history that still fails: chunks of events are left out for as long as the
// same checker complains (Zeller, Hildebrandt, "Simplifying and isolating failure-inducing
// input", IEEE Trans. Softw. Eng. 28 (2002)).
#pragma once

#include "tests/sim/world.h"

namespace rejoin::sim {

struct Shrunk {
  Schedule schedule;
  Verdict verdict;
  std::size_t runs = 0;
};

// `schedule` fails with `verdict`. Runs worlds `most_runs` times at most.
Shrunk Shrink(const Schedule& schedule, const Verdict& verdict, Canary canary, std::size_t most_runs);

}  // namespace rejoin::sim
