// Whose clock is right: a device learns the time from a peer that keeps it, and a side
// whose own clock may be trusted refuses what is stamped too far ahead.
#include <algorithm>

#include "base/version.h"
#include "replica/session.h"

namespace rejoin {
namespace {

constexpr std::uint64_t kLastWallMs = ~std::uint64_t{0} >> HybridTimestamp::kCounterBits;

// In the largest unit that it has two of.
std::string Duration(std::uint64_t ms) {
  struct Unit {
    const char* name;
    std::uint64_t ms;
  };
  constexpr Unit kUnits[] = {{" years", std::uint64_t{365} * 24 * 3600 * 1000},
                             {" days", std::uint64_t{24} * 3600 * 1000},
                             {" hours", std::uint64_t{3600} * 1000},
                             {" minutes", std::uint64_t{60} * 1000}};
  for (const Unit& unit : kUnits) {
    if (ms / unit.ms >= 2) return std::to_string(ms / unit.ms) + unit.name;
  }
  return std::to_string(ms / 1000) + " seconds";
}

}  // namespace

const std::uint64_t kBuiltMs = std::uint64_t{REJOIN_BUILT_S} * 1000;

std::uint64_t Session::BoundMs() const { return options_.keeps_time ? kHubBoundMs : kDeviceBoundMs; }

// What is stored passed the bound when it came, unless the clock was already wrong then:
// if it would not pass today, the clock is behind. Not one that was set back by no more
// than a right clock may be off, once to this side and once to that.
Result<bool> Session::MayJudge(Instant now) {
  if (peer_keeps_time_) return true;
  if (now.wall_ms < options_.earliest_ms) return false;
  REJOIN_ASSIGN(const HybridTimestamp latest, store_.LatestTimeSeen());
  return latest.wall_ms() <= now.wall_ms + BoundMs() + 2 * kClockToleranceMs;
}

// How old the Hello is nobody knows; it was said since this side said its own.
void Session::LearnTime(const Hello& hello, Instant now) {
  const bool plausible = hello.wall_ms >= options_.earliest_ms && hello.wall_ms <= kLastWallMs;
  const bool may_learn = !options_.keeps_time && options_.clock != nullptr;
  if (!hello.keeps_time || !may_learn || !plausible) return;
  peer_keeps_time_ = true;
  const std::uint64_t waited_ms = said_hello_ ? now.steady_ms - said_hello_ms_ : 0;
  const bool behind = now.wall_ms + kClockToleranceMs < hello.wall_ms;
  const bool ahead = now.wall_ms > hello.wall_ms + waited_ms + kClockToleranceMs;
  if (!behind && !ahead) return;
  options_.clock->Set(hello.wall_ms);
  correction_.offset_ms = report_.peer_ahead_ms;
}

// Before anything is joined or sent: until then nobody sees what the wrong clock stamped.
Status Session::CorrectStore(Instant now) {
  if (!peer_keeps_time_) return {};
  correction_.now_ms = now.wall_ms;
  const Result<bool> corrected = store_.CorrectTime(correction_);
  if (corrected) return {};
  return WaitIfLocked(Pending::kCorrect, tl::unexpected<Error>(corrected.error()));
}

tl::unexpected<Error> Session::RefuseTooNew(const TooNew& too_new, Instant now) const {
  const std::uint64_t ahead_ms = too_new.time.wall_ms() - std::min(now.wall_ms, too_new.time.wall_ms());
  const std::string name =
      too_new.replica == report_.peer && !report_.peer_name.empty() ? " (" + report_.peer_name + ")" : "";
  return Fail(Code::kClock, "replica " + too_new.replica.Hex() + name + " stamped a change " + Duration(ahead_ms) +
                                " ahead of the clock of replica " + self_.Hex() +
                                ": set right whichever of the two clocks is wrong, and sync again; all other "
                                "changes were taken");
}

}  // namespace rejoin
