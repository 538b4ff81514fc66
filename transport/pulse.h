// When to tell the peer that we live, when to ask whether it does, and when to give
// it up. Pure: time is an argument, in milliseconds that only grow.
//
// Who has sent nothing for ping_after_ms tells: an unsolicited pong (RFC 6455,
// section 5.5.3), which asks for no answer. Between two of ours that is enough. A
// peer that does not do so, such as a browser, is asked by a ping at half of
// silence_ms. Nobody is judged whom we do not listen to: it may have said a lot.
#pragma once

#include <cstdint>

#include "transport/link.h"

namespace rejoin {

// Thread-compatible.
class Pulse {
 public:
  enum class Act { kWait, kTell, kAsk, kGiveUp };
  struct Advice {
    Act act = Act::kWait;
    std::uint64_t again_ms = 0;  // when to ask for advice again; an event in between may be ignored
  };

  Pulse(const LinkOptions& options, std::uint64_t now_ms);

  void OnHeard(std::uint64_t now_ms);
  void OnSent(std::uint64_t now_ms) { sent_ms_ = now_ms; }
  // We listen again: what was not heard before does not count.
  void OnListening(std::uint64_t now_ms) { OnHeard(now_ms); }

  // `busy`: something is being sent already.
  Advice Next(std::uint64_t now_ms, bool listening, bool busy);

 private:
  std::uint64_t tell_after_ms_;
  std::uint64_t silence_ms_;
  std::uint64_t heard_ms_;
  std::uint64_t sent_ms_;
  bool asked_ = false;  // since the peer was heard
};

}  // namespace rejoin
