#include "bindings/sqlite/live_link.h"

#include <algorithm>

#include "base/os.h"

namespace rejoin {

bool SteppedLink::Step(std::uint64_t wait_ms) {
  const std::uint64_t until_ms = SystemClock().SteadyMs() + wait_ms;
  client_.OnChange();
  client_.EndRest();
  for (;;) {
    const std::uint64_t now_ms = SystemClock().SteadyMs();
    client_.Step(now_ms < until_ms ? until_ms - now_ms : 0);
    if (client_.Done()) return true;
    if (SystemClock().SteadyMs() >= until_ms) return false;
  }
}

bool SteppedLink::WaitSynced(HostConnection*, std::uint64_t timeout_ms) {
  const std::uint64_t until_ms = SystemClock().SteadyMs() + timeout_ms;
  client_.Aim();
  client_.EndRest();
  for (;;) {
    const std::uint64_t now_ms = SystemClock().SteadyMs();
    client_.Step(now_ms < until_ms ? until_ms - now_ms : 0);
    if (client_.Reached()) return true;
    if (SystemClock().SteadyMs() >= until_ms) return false;
  }
}

}  // namespace rejoin
