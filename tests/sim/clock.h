// Simulated time, and what a wrong clock makes of it.
#pragma once

#include <algorithm>

#include "base/os.h"

namespace rejoin::sim {

inline constexpr std::uint64_t kBeginMs = 1'700'000'000'000;
inline constexpr std::uint64_t kEarliestMs = kBeginMs - std::uint64_t{120} * 24 * 3600 * 1000;

struct Truth {
  std::uint64_t ms = kBeginMs;
};

class SimClock final : public Clock {
 public:
  explicit SimClock(const Truth& truth) : truth_(truth) {}

  std::uint64_t WallMs() override {
    const std::int64_t passed = static_cast<std::int64_t>(truth_.ms - since_ms_) * rate_;
    return static_cast<std::uint64_t>(std::max<std::int64_t>(1, static_cast<std::int64_t>(then_ms_) + passed));
  }
  std::uint64_t SteadyMs() override { return truth_.ms; }

  // From here on it shows so much more than the truth.
  void SetOff(std::int64_t ahead_ms) { Run(1, static_cast<std::int64_t>(truth_.ms) + ahead_ms); }
  // 0: it stands still; -1: it runs backwards.
  void SetRate(std::int64_t rate) { Run(rate, static_cast<std::int64_t>(WallMs())); }

 private:
  void Run(std::int64_t rate, std::int64_t from_ms) {
    then_ms_ = static_cast<std::uint64_t>(std::max<std::int64_t>(1, from_ms));
    since_ms_ = truth_.ms;
    rate_ = rate;
  }

  const Truth& truth_;
  std::uint64_t then_ms_ = kBeginMs;  // what it showed when ...
  std::uint64_t since_ms_ = kBeginMs;
  std::int64_t rate_ = 1;
};

}  // namespace rejoin::sim
