// A peer that is connected to a server: its link, and what has arrived on it.
//
// The link's events come on the network's thread and go into the server's mailbox;
// everything else happens on the server's thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "transport/network.h"

namespace rejoin {

class Guest;

struct Event {
  enum class Kind { kOpen, kFrame, kWritable, kClosed };
  std::shared_ptr<Guest> guest;
  Kind kind = Kind::kFrame;
  Bytes frame;
  std::shared_ptr<Link> link;   // of kOpen
  std::optional<Error> error;   // of kClosed
};

// Thread-safe. What a guest may have in it is bounded by Guest.
class Mailbox {
 public:
  void Put(Event event);
  // Waits until there is something, wait_ms at most, and takes what is there; about
  // kBatchBytes of it, so that nobody waits long for an acknowledgement.
  std::vector<Event> Take(std::uint64_t wait_ms);
  void Wake();
  // Nobody takes anything any more: what is there and what comes is dropped. It would keep the
  // guests, who keep the mailbox.
  void Close();

  static constexpr std::size_t kBatchBytes = std::size_t{8} << 20;

 private:
  std::mutex mutex_;
  std::condition_variable filled_;
  std::deque<Event> events_;
  bool woken_ = false;
  bool closed_ = false;
};

class Guest final : public LinkHandler, public std::enable_shared_from_this<Guest> {
 public:
  Guest(std::shared_ptr<Mailbox> mailbox, Visitor visitor)
      : mailbox_(std::move(mailbox)), visitor_(std::move(visitor)) {}

  const Visitor& visitor() const { return visitor_; }

  void OnOpen(const std::shared_ptr<Link>& link) override;
  void OnFrame(Bytes frame) override;
  void OnWritable() override;
  void OnClosed(const Error& why) override;

  // The server is done with so many bytes of what arrived.
  void Taken(std::size_t bytes);

 private:
  // Of frames that wait in the mailbox; beyond, TCP slows the peer down.
  static constexpr std::size_t kMaxWaitingBytes = std::size_t{4} << 20;

  std::shared_ptr<Mailbox> mailbox_;
  Visitor visitor_;
  std::mutex mutex_;
  std::shared_ptr<Link> link_;
  std::size_t waiting_bytes_ = 0;
  bool paused_ = false;
};

}  // namespace rejoin
