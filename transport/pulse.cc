#include "transport/pulse.h"

#include <algorithm>

namespace rejoin {

Pulse::Pulse(const LinkOptions& options, std::uint64_t now_ms)
    : tell_after_ms_(options.ping_after_ms), silence_ms_(options.silence_ms), heard_ms_(now_ms),
      sent_ms_(now_ms) {}

void Pulse::OnHeard(std::uint64_t now_ms) {
  heard_ms_ = now_ms;
  asked_ = false;
}

Pulse::Advice Pulse::Next(std::uint64_t now_ms, bool listening, bool busy) {
  const std::uint64_t tell_ms = (busy ? now_ms : sent_ms_) + tell_after_ms_;
  if (!listening) {
    if (now_ms >= tell_ms) return {Act::kTell, now_ms + tell_after_ms_};
    return {Act::kWait, tell_ms};
  }
  const std::uint64_t give_up_ms = heard_ms_ + silence_ms_;
  const std::uint64_t ask_ms = heard_ms_ + silence_ms_ / 2;
  if (now_ms >= give_up_ms) return {Act::kGiveUp, now_ms};
  if (now_ms >= ask_ms && !asked_ && !busy) {
    asked_ = true;
    return {Act::kAsk, std::min(give_up_ms, now_ms + tell_after_ms_)};
  }
  const std::uint64_t listen_ms = asked_ || now_ms >= ask_ms ? give_up_ms : ask_ms;
  if (now_ms >= tell_ms) return {Act::kTell, std::min(listen_ms, now_ms + tell_after_ms_)};
  return {Act::kWait, std::min(listen_ms, tell_ms)};
}

}  // namespace rejoin
