// One conversation with a peer at a URL, step by step on the caller's thread.
//
// The store is used in Step only, and never while waiting for the network.
// Thread-compatible but for Wake and Close.
#pragma once

#include "replica/session.h"
#include "transport/blocking_link.h"

namespace rejoin {

class Client {
 public:
  // Begins to connect. `network` and `store` outlive it.
  Client(Network& network, const Url& url, SyncStore& store, SessionOptions options);

  // Sends what there is to send, then waits for a frame, wait_ms at most, and takes it and
  // all that have come. Error: the conversation is over; the peer was told why.
  Status Step(std::uint64_t wait_ms);
  // Step returns soon, or the next one does. From any thread.
  void Wake() { link_.Wake(); }

  Session& session() { return session_; }
  const Session& session() const { return session_; }
  // Both sides have everything that there was.
  bool Done() const { return session_.SentAll() && session_.ReceivedAll(); }

 private:
  Status SendAll();
  Status End(const Error& why);

  std::string url_;
  BlockingLink link_;
  Session session_;
  bool open_ = false;
};

}  // namespace rejoin
