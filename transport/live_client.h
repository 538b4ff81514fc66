// A conversation that lasts: whenever it ends it is begun again, after a pause that grows
// with every failure and is partly drawn by chance, so that a thousand devices do not come
// back to a hub in one moment (F7).
//
// Thread-compatible but for Wake.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>

#include "transport/client.h"

namespace rejoin {

struct LiveStatus {
  enum class Phase {
    kConnecting,   // no Hello has come yet
    kCatchingUp,   // one side lacks something that the other had when they met
    kLive,         // changes go out and come in as they happen
    kResting,      // until the next attempt
  };
  Phase phase = Phase::kConnecting;
  std::optional<Error> error;       // of the last conversation that ended, until one is live
  std::uint64_t rest_ms = 0;        // kResting: how much longer
  SessionReport report;             // peer and offset of the latest conversation, sums of all
  std::uint64_t conversations = 0;  // that came as far as a Hello
};

class LiveClient {
 public:
  // What it is given outlives it; `turn` as for Client.
  LiveClient(Network& network, Url url, SyncStore& store, SessionOptions options, StoreTurn* turn = nullptr);

  // A step of the conversation, or of the pause before the next; wait_ms at most.
  void Step(std::uint64_t wait_ms);
  // Step returns soon, or the next one does. From any thread.
  void Wake();
  // The store may hold something new.
  void OnChange();
  // A pause ends now.
  void EndRest() { rest_until_ms_ = 0; }

  // From now on Reached() tells whether all that is here at the next Step is durable at the
  // peer, and all that the peer has when it is asked is here.
  void Aim();
  bool Reached() const { return !aim_ || aim_->reached; }

  // Nothing is left to do: both sides have what there was.
  bool Done() const { return client_ != nullptr && client_->Done(); }
  LiveStatus GetStatus() const;

  // The pause after the first failure, and the longest: each is drawn between half of it
  // and the whole.
  static constexpr std::uint64_t kFirstRestMs = 500;
  static constexpr std::uint64_t kLongestRestMs = 30'000;

 private:
  struct Target {
    bool set = false;  // what follows is of this conversation
    Cursor head;
    std::uint64_t probe = 0;
    bool reached = false;
  };

  bool IsLive() const;  // with a client only
  void Begin();
  void End(const Error& why);
  void Rest(std::uint64_t wait_ms);
  Status Pursue();
  Status SetTarget();

  Network& network_;
  Url url_;
  SyncStore& store_;
  SessionOptions options_;
  StoreTurn* turn_;

  std::mutex mutex_;  // guards what Wake needs: client_ as a pointer, woken_
  std::condition_variable wakes_;
  bool woken_ = false;
  std::unique_ptr<Client> client_;  // nullptr: resting

  std::uint64_t rest_until_ms_ = 0;  // steady
  std::uint64_t next_rest_ms_ = kFirstRestMs;
  std::optional<Error> error_;
  SessionReport before_;  // of the conversations that ended
  std::uint64_t conversations_ = 0;
  std::optional<Target> aim_;
};

}  // namespace rejoin
