// What tests of links are made of: handlers that write down what happens and let a
// test wait for it, and a listener that collects the links of its visitors.
//
// A wait ends as soon as what it waits for is there; its deadline only says that a
// test failed.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "transport/network.h"

namespace rejoin::testing {

inline constexpr std::chrono::seconds kPatience{60};

class Recorder : public LinkHandler {
 public:
  void OnOpen(const std::shared_ptr<Link>& link) override;
  void OnFrame(Bytes frame) override;
  void OnWritable() override;
  void OnClosed(const Error& why) override;

  // Called by the network's thread after the event was written down.
  std::function<void(Link&)> on_open;
  std::function<void(Link&, const Bytes&)> on_frame;
  std::function<void(Link&)> on_writable;

  // The link, or nullptr (and a failed test) where it did not open.
  std::shared_ptr<Link> WaitOpen();
  std::vector<Bytes> WaitFrames(std::size_t count);
  void WaitWritable(std::size_t times);
  Error WaitClosed();
  // Sends the frame until the queue is full and stays so, and returns how often it
  // was queued; or `max`, for a peer that takes all.
  std::size_t SendUntilStalled(const std::shared_ptr<const Bytes>& frame, std::size_t max);
  // Events so far.
  std::size_t frames() const;
  std::size_t writable() const;
  bool closed() const;

 private:
  template <class Condition>
  bool Wait(std::unique_lock<std::mutex>& lock, Condition condition, const char* what);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<Link> link_;
  std::vector<Bytes> frames_;
  std::size_t writable_ = 0;
  std::optional<Error> closed_;
};

// Gives every visitor a Recorder.
class Hall : public Acceptor {
 public:
  Result<std::shared_ptr<LinkHandler>> OnVisitor(const Visitor& visitor) override;
  std::optional<Page> OnPage(std::string_view path) override;

  // Set before anybody comes. `prepare` gets the handler of each visitor first.
  std::function<void(Recorder&)> prepare;
  std::optional<Error> refusal;
  std::optional<Page> page;

  std::shared_ptr<Recorder> WaitVisitor(std::size_t index = 0);
  std::vector<Visitor> visitors() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::shared_ptr<Recorder>> handlers_;
  std::vector<Visitor> visitors_;
};

// Two networks, one of which listens.
class Peers : public ::testing::Test {
 protected:
  Peers();

  // Listens on a free port, which url() then names.
  void Listen(const LinkOptions& options = {}, std::size_t max_connections = 100);
  Url url(const std::string& room = "room") const;
  // Connects from the client's network; the visitor is the index-th at the hall.
  std::shared_ptr<Recorder> Connect(const LinkOptions& options = {});
  static std::shared_ptr<const Bytes> Frame(Bytes bytes) {
    return std::make_shared<const Bytes>(std::move(bytes));
  }

  std::shared_ptr<Hall> hall = std::make_shared<Hall>();
  std::unique_ptr<Network> server;
  std::unique_ptr<Network> client;
  std::uint16_t port = 0;
};

// Bytes that compress badly and differ by seed.
Bytes Noise(std::size_t size, std::uint64_t seed);

}  // namespace rejoin::testing
