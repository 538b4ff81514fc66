// A link for who would rather wait than be called: one connection, used by one
// thread at a time, with an inbox that slows the peer down when it is full.
//
// Close and Wake may be called from any thread, also while another one waits.
//
// Frames that came before the peer closed the link are received before its error is.
// After Close from here nothing is received, and nobody waits for the peer's answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/codec.h"
#include "base/status.h"
#include "transport/link.h"
#include "transport/network.h"

namespace rejoin {

struct BlockingLinkOptions {
  LinkOptions link;
  // Reading pauses when received frames hold so much, and goes on at half of it.
  std::size_t max_inbox_bytes = std::size_t{4} << 20;
};

class BlockingLink {
 public:
  // Begins to connect. What is sent meanwhile follows once the link is open.
  BlockingLink(Network& network, const Url& url, const BlockingLinkOptions& options = {});
  ~BlockingLink();  // Close(kDone, "")
  BlockingLink(const BlockingLink&) = delete;
  BlockingLink& operator=(const BlockingLink&) = delete;

  // Waits until the link is open, open_timeout_ms at most, or why it is not.
  Status WaitOpen();
  // The same, wait_ms at most. False: not yet.
  Result<bool> WaitOpen(std::uint64_t wait_ms);
  // Queues the frame, and waits for room where there is none. kNetwork when the time
  // is over: nothing was queued, and the link is as it was. Else why it is closed.
  Status Send(Bytes frame, std::uint64_t timeout_ms);
  // nullopt when the time is over, or after Wake.
  Result<std::optional<Bytes>> Receive(std::uint64_t timeout_ms);
  // Lets time pass, until Wake or the end of the link. Frames stay where they are.
  void Rest(std::uint64_t time_ms);
  // Receive or Rest, or the next one that would wait where none is waiting, returns at
  // once.
  void Wake();
  // Ends every waiting at once. What was sent is still handed over in the background.
  void Close(CloseCode code, std::string_view reason);

  const Link& link() const { return *link_; }

 private:
  class Inbox;
  const std::shared_ptr<Inbox> inbox_;
  const std::shared_ptr<Link> link_;
};

}  // namespace rejoin
