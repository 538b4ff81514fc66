// Two sessions and the link between them, which may break after any frame.
#pragma once

#include <deque>
#include <limits>

#include "replica/session.h"

namespace rejoin {

inline constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();

class Conversation {
 public:
  struct Side {
    Side(SyncStore& store, Random& random, SessionOptions options)
        : session(store, random, std::move(options)) {}

    Session session;
    std::deque<Bytes> arriving;
    std::optional<Error> error;
  };

  Conversation(SyncStore& a, SyncStore& b, Random& random, const SessionOptions& options = {})
      : Conversation(a, b, random, options, options) {}
  Conversation(SyncStore& a, SyncStore& b, Random& random, const SessionOptions& options_a,
               const SessionOptions& options_b)
      : a_(a, random, Named(options_a, "a")), b_(b, random, Server(Named(options_b, "b"))) {}

  // Carries frames, and lets both compare, until there are none, or the link breaks: after `frames` of them,
  // which then do not arrive any more. Returns how many were carried.
  std::size_t Run(std::size_t frames = kNever) {
    std::size_t carried = 0;
    for (bool moved = true; moved;) {
      moved = false;
      for (const bool from_a : {true, false}) {
        Side& from = from_a ? a_ : b_;
        Side& to = from_a ? b_ : a_;
        while (auto frame = Next(from)) {
          if (carried == frames) return carried;
          ++carried;
          moved = true;
          Deliver(to, *frame);
        }
        moved = Slice(from) || moved;
      }
    }
    return carried;
  }

  // The frames alone: until the two would compare.
  void Carry() {
    for (bool moved = true; moved;) {
      moved = false;
      for (const bool from_a : {true, false}) {
        while (const auto frame = Next(from_a ? a_ : b_)) {
          moved = true;
          Deliver(from_a ? b_ : a_, *frame);
        }
      }
    }
  }

  // False: there was nothing to do.
  bool Slice(Side& side) {
    if (!side.session.WantsSlice()) return false;
    const auto sliced = side.session.Slice(now);
    if (!sliced && !side.error) side.error = sliced.error();
    return sliced && *sliced;
  }

  // It waits where the side is blocked, and so does what comes behind it.
  void Deliver(Side& to, ByteView frame) {
    to.arriving.emplace_back(frame);
    TakeWhatArrived(to);
  }
  void TakeWhatArrived(Side& side) {
    for (;;) {
      if (side.session.blocked()) Note(side, side.session.Resume(now));
      if (side.session.blocked() || side.arriving.empty()) return;
      Note(side, side.session.OnFrame(side.arriving.front(), now));
      side.arriving.pop_front();
    }
  }
  std::optional<Bytes> Next(Side& from) {
    auto frame = from.session.NextFrame(now);
    if (frame) return *frame;
    if (!from.error) from.error = frame.error();
    return std::nullopt;
  }

  bool Done() const {
    return a_.session.SentAll() && a_.session.ReceivedAll() && b_.session.SentAll() &&
           b_.session.ReceivedAll();
  }
  Side& a() { return a_; }
  Side& b() { return b_; }

  Instant now{1000, 1'700'000'000'000};

 private:
  static void Note(Side& side, const Status& done) {
    if (!done && !side.error) side.error = done.error();
  }

  static SessionOptions Named(SessionOptions options, const char* name) {
    options.name = name;
    return options;
  }

  static SessionOptions Server(SessionOptions options) {
    options.is_server = true;
    return options;
  }

  Side a_;
  Side b_;
};

}  // namespace rejoin
