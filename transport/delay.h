// Milliseconds as callers give them, so bounded that no clock runs over.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace rejoin {

inline constexpr std::uint64_t kLongestDelayMs = std::uint64_t{10} * 365 * 24 * 3600 * 1000;

inline std::chrono::milliseconds Delay(std::uint64_t ms) {
  return std::chrono::milliseconds(std::min(ms, kLongestDelayMs));
}

}  // namespace rejoin
