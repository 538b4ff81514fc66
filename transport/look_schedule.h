// When to look whether others have committed to a file. Pure: time is an argument, in
// milliseconds that only grow.
//
// The system tells of a write (Network::Watch), and a commit is seen only after it: with a
// write-ahead log when the disk has confirmed, which nothing tells of. So it is looked for
// at growing intervals after the last write that was told, for about a minute; then there is
// nothing to look for. Where the system tells nothing, it is looked every kPollMs.
#pragma once

#include <algorithm>
#include <cstdint>

namespace rejoin {

// Thread-compatible.
class LookSchedule {
 public:
  LookSchedule(bool is_told, std::uint64_t first_ms, std::uint64_t poll_ms)
      : is_told_(is_told), first_ms_(first_ms), poll_ms_(poll_ms) {}

  void OnWritten() { looks_ = 0; }
  void OnLooked(std::uint64_t now_ms) {
    OnHindered(now_ms);
    if (!IsOver()) ++looks_;
  }
  // It could not be looked now.
  void OnHindered(std::uint64_t now_ms) { looked_ms_ = now_ms; }

  // 0: now. kNever: when something has been written.
  std::uint64_t UntilNextMs(std::uint64_t now_ms) const {
    if (is_told_ && IsOver()) return kNever;
    const std::uint64_t pause_ms = is_told_ ? first_ms_ << looks_ : poll_ms_;
    const std::uint64_t passed_ms = now_ms - looked_ms_;
    return pause_ms - std::min(pause_ms, passed_ms);
  }

  static constexpr std::uint64_t kNever = ~std::uint64_t{0};

 private:
  // A disk that takes longer to confirm a write is broken.
  static constexpr std::uint64_t kLongestPauseMs = 30'000;

  bool IsOver() const { return first_ms_ << looks_ > kLongestPauseMs; }

  bool is_told_;
  std::uint64_t first_ms_;  // two looks are that far apart at least
  std::uint64_t poll_ms_;
  unsigned looks_ = 0;  // since something was written
  std::uint64_t looked_ms_ = 0;
};

}  // namespace rejoin
