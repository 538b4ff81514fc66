// When a file that other programs use too is left alone for a while. Pure: time is an argument,
// in milliseconds that only grow.
//
// SQLite gives a lock to whoever asks while it is free, and a program that waits for it asks every
// 100 ms only (sqlite3_busy_timeout). Beside a first sync, which joins one part after another,
// that is in vain: at 1.5 million rows two of ten writes of an application failed after five
// seconds. So whoever has used the file for a second without such a pause makes one, in
// which everybody who waits asks at least once. That takes a tenth of the time of such a sync.
#pragma once

#include <algorithm>
#include <cstdint>

namespace rejoin {

// Thread-compatible.
class Breaks {
 public:
  static constexpr std::uint64_t kBreakMs = 110;
  static constexpr std::uint64_t kUsedMs = 1000;

  // The file was used from begin_ms to end_ms.
  void Used(std::uint64_t begin_ms, std::uint64_t end_ms) {
    if (begin_ms - end_ms_ >= kBreakMs) used_ms_ = 0;
    used_ms_ += end_ms - begin_ms;
    end_ms_ = end_ms;
  }
  // How long it is to be left alone from now on; 0: it may be used.
  std::uint64_t LeftMs(std::uint64_t now_ms) const {
    if (used_ms_ < kUsedMs) return 0;
    return kBreakMs - std::min(kBreakMs, now_ms - end_ms_);
  }

 private:
  std::uint64_t used_ms_ = 0;  // since the last break
  std::uint64_t end_ms_ = 0;
};

}  // namespace rejoin
