// One conversation with a peer at a URL, step by step on the caller's thread.
//
// The store is used in Step only, and never while waiting for the network; nor without breaks, since
// its file may be used by others.
// Thread-compatible but for Wake.
#pragma once

#include "replica/session.h"
#include "transport/blocking_link.h"
#include "transport/breaks.h"

namespace rejoin {

// Others use the store too, and come first.
class StoreTurn {
 public:
  virtual ~StoreTurn() = default;
  // False: not now; to be asked again soon. True: the store is ours until Give.
  virtual bool Take() = 0;
  virtual void Give() = 0;
};

// A turn that was taken, given back at the end of the scope, whatever is thrown: it holds
// the others up. nullptr: there are no others.
class TurnTaken {
 public:
  explicit TurnTaken(StoreTurn* turn) : turn_(turn) {}
  ~TurnTaken() {
    if (turn_ != nullptr) turn_->Give();
  }
  TurnTaken(const TurnTaken&) = delete;
  TurnTaken& operator=(const TurnTaken&) = delete;

 private:
  StoreTurn* turn_;
};

class Client {
 public:
  // Begins to connect. What it is given outlives it; without a `turn` the store is the
  // caller's alone.
  Client(Network& network, const Url& url, SyncStore& store, SessionOptions options,
         StoreTurn* turn = nullptr);

  // Sends what there is to send, then waits for a frame, wait_ms at most, and takes it; or,
  // where the store is not to be had, or is left alone, waits for that. Error: the conversation is over; the peer was told why.
  Status Step(std::uint64_t wait_ms);
  // Step returns soon, or the next one does. From any thread.
  void Wake() { link_.Wake(); }

  Session& session() { return session_; }
  const Session& session() const { return session_; }
  bool IsOpen() const { return open_; }
  // Both sides have everything that there was, and it was compared, if it was to be.
  bool Done() const { return session_.SentAll() && session_.ReceivedAll() && !session_.Comparing(); }

 private:
  std::uint64_t BreakLeftMs() const;
  Status Advance();
  Status SendAll();
  Status Compare(std::uint64_t wait_ms);
  // Runs `work` when it is our turn; nullopt: it is not.
  template <class Work>
  auto InTurn(Work work) -> std::optional<decltype(work())>;
  Status Lost(const Error& why);
  Status End(const Error& why);

  std::string url_;
  StoreTurn* turn_;
  BlockingLink link_;
  Session session_;
  std::optional<Bytes> frame_;  // arrived, and not taken yet
  bool open_ = false;
  Breaks breaks_;
};

}  // namespace rejoin
