#include "store/time_correction.h"

#include <algorithm>

namespace rejoin {
namespace {

constexpr std::uint64_t kLastWallMs = ~std::uint64_t{0} >> HybridTimestamp::kCounterBits;

// Keeps the counter. Saturates at both ends.
HybridTimestamp Shifted(HybridTimestamp time, std::int64_t by_ms) {
  const std::uint64_t wall_ms = time.wall_ms();
  const std::uint64_t distance_ms =
      by_ms < 0 ? ~static_cast<std::uint64_t>(by_ms) + 1 : static_cast<std::uint64_t>(by_ms);
  const std::uint64_t room_ms = by_ms < 0 ? wall_ms : kLastWallMs - wall_ms;
  const std::uint64_t step_ms = std::min(distance_ms, room_ms);
  const std::uint64_t step = step_ms << HybridTimestamp::kCounterBits;
  return {by_ms < 0 ? time.value - step : time.value + step};
}

HybridTimestamp Ahead(std::uint64_t now_ms, std::uint64_t by_ms) {
  return HybridTimestamp::FromWall(std::min(kLastWallMs, now_ms + by_ms));
}

HybridTimestamp Estimate(HybridTimestamp was, HybridTimestamp floor, HybridTimestamp settled,
                         const TimeCorrection& correction) {
  HybridTimestamp estimate = was;
  if (IsOff(correction.offset_ms) && was > settled) {
    const HybridTimestamp shifted = Shifted(was, correction.offset_ms);
    if (shifted > floor) estimate = shifted;
  }
  return std::min(estimate, HybridTimestamp::FromWall(correction.now_ms));
}

}  // namespace

bool IsOff(std::int64_t offset_ms) {
  constexpr auto kTolerance = static_cast<std::int64_t>(kClockToleranceMs);
  return offset_ms > kTolerance || offset_ms < -kTolerance;
}

NewTimes NewTimes::Plan(const std::vector<HybridTimestamp>& own, HybridTimestamp floor,
                        HybridTimestamp settled, const TimeCorrection& correction) {
  NewTimes times;
  times.moves_.reserve(own.size());
  HybridTimestamp last = floor;
  for (const HybridTimestamp was : own) {
    last = std::max(HybridTimestamp{last.value + 1}, Estimate(was, floor, settled, correction));
    times.moves_.emplace_back(was, last);
  }
  return times;
}

HybridTimestamp NewTimes::Of(HybridTimestamp was) const {
  const auto at = std::lower_bound(moves_.begin(), moves_.end(), was,
                                   [](const auto& move, HybridTimestamp time) { return move.first < time; });
  return at != moves_.end() && at->first == was ? at->second : was;
}

bool NewTimes::moves_any() const {
  return std::any_of(moves_.begin(), moves_.end(),
                     [](const auto& move) { return move.first != move.second; });
}

bool OwnTimes::NeedCorrection(const TimeCorrection& correction) const {
  if (latest <= floor()) return false;
  return (IsOff(correction.offset_ms) && latest > settled) ||
         latest > Ahead(correction.now_ms, kClockToleranceMs);
}

bool IsBeyondReach(HybridTimestamp shown, const TimeCorrection& correction) {
  return shown > Ahead(correction.now_ms, kDeviceBoundMs);
}

}  // namespace rejoin
