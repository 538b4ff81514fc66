#include "transport/blocking_link.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

#include "transport/delay.h"
#include "transport/wording.h"

namespace rejoin {

// What the network's thread leaves for the one that waits.
class BlockingLink::Inbox final : public LinkHandler {
 public:
  explicit Inbox(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  void OnOpen(const std::shared_ptr<Link>& link) override {
    const std::lock_guard lock(mutex_);
    link_ = link;
    changed_.notify_all();
  }
  void OnFrame(Bytes frame) override {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    bytes_ += Cost(frame);
    frames_.push_back(std::move(frame));
    paused_ = bytes_ >= max_bytes_;
    if (paused_) link_->PauseReading();
    changed_.notify_all();
  }
  void OnWritable() override {
    const std::lock_guard lock(mutex_);
    writable_ = true;
    changed_.notify_all();
  }
  void OnClosed(const Error& why) override {
    const std::lock_guard lock(mutex_);
    link_ = nullptr;
    if (!closed_) closed_ = why;
    changed_.notify_all();
  }

  // Closed from here.
  void End(const Error& why) {
    const std::lock_guard lock(mutex_);
    if (!closed_) closed_ = why;
    frames_.clear();
    changed_.notify_all();
  }

  Result<bool> WaitOpen(std::uint64_t wait_ms) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, Delay(wait_ms), [this] { return link_ != nullptr || closed_; });
    if (closed_) return tl::unexpected(*closed_);
    return link_ != nullptr;
  }

  Status WaitOpen() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return link_ != nullptr || closed_; });
    if (closed_) return tl::unexpected(*closed_);
    return {};
  }

  // What is not queued is queued at the first moment when there is room.
  Status Send(Link& link, Bytes bytes, std::uint64_t timeout_ms) {
    const auto frame = std::make_shared<const Bytes>(std::move(bytes));
    const auto until = Clock::now() + Delay(timeout_ms);
    std::unique_lock lock(mutex_);
    for (;;) {
      writable_ = false;
      switch (link.Send(frame)) {
        case Sent::kQueued:
          return {};
        case Sent::kTooLarge:
          return Fail(Code::kLimit, "a frame of " + std::to_string(frame->size()) +
                                        " bytes is larger than max_frame_bytes");
        case Sent::kClosed:
          // OnClosed may still be on its way; it says why.
          changed_.wait_until(lock, until, [this] { return closed_.has_value(); });
          if (closed_) return tl::unexpected(*closed_);
          return Fail(Code::kNetwork, link.peer() + " is closing the connection");
        case Sent::kFull:
          break;
      }
      if (!changed_.wait_until(lock, until, [this] { return writable_ || closed_; })) {
        return Fail(Code::kNetwork, link.peer() + " has taken nothing for " +
                                        std::to_string(timeout_ms) + " ms, and no more fits "
                                        "between");
      }
    }
  }

  Result<std::optional<Bytes>> Receive(std::uint64_t timeout_ms) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, Delay(timeout_ms),
                      [this] { return !frames_.empty() || closed_ || woken_; });
    // Who does not wait is not woken: the next one who does is.
    if (timeout_ms > 0 && std::exchange(woken_, false)) return std::optional<Bytes>();
    if (frames_.empty() && closed_) return tl::unexpected(*closed_);
    if (frames_.empty()) return std::optional<Bytes>();
    std::optional<Bytes> frame = std::move(frames_.front());
    frames_.pop_front();
    bytes_ -= Cost(*frame);
    if (paused_ && bytes_ <= max_bytes_ / 2 && link_ != nullptr) {
      paused_ = false;
      link_->ResumeReading();
    }
    return frame;
  }

  void Rest(std::uint64_t time_ms) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, Delay(time_ms), [this] { return woken_ || closed_; });
    woken_ = false;
  }

  void Wake() {
    const std::lock_guard lock(mutex_);
    woken_ = true;
    changed_.notify_all();
  }

 private:
  using Clock = std::chrono::steady_clock;
  static std::size_t Cost(const Bytes& frame) { return frame.size() + kQueuedFrameOverheadBytes; }

  const std::size_t max_bytes_;
  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::shared_ptr<Link> link_;  // while it is open
  std::optional<Error> closed_;
  std::deque<Bytes> frames_;
  std::size_t bytes_ = 0;
  bool paused_ = false;
  bool writable_ = false;
  bool woken_ = false;
};

BlockingLink::BlockingLink(Network& network, const Url& url, const BlockingLinkOptions& options)
    : inbox_(std::make_shared<Inbox>(options.max_inbox_bytes)),
      link_(network.Connect(url, inbox_, options.link)) {}

BlockingLink::~BlockingLink() { Close(CloseCode::kDone, ""); }

Status BlockingLink::WaitOpen() { return inbox_->WaitOpen(); }

Result<bool> BlockingLink::WaitOpen(std::uint64_t wait_ms) { return inbox_->WaitOpen(wait_ms); }

Status BlockingLink::Send(Bytes frame, std::uint64_t timeout_ms) {
  return inbox_->Send(*link_, std::move(frame), timeout_ms);
}

Result<std::optional<Bytes>> BlockingLink::Receive(std::uint64_t timeout_ms) {
  return inbox_->Receive(timeout_ms);
}

void BlockingLink::Rest(std::uint64_t time_ms) { inbox_->Rest(time_ms); }

void BlockingLink::Wake() { inbox_->Wake(); }

void BlockingLink::Close(CloseCode code, std::string_view reason) {
  link_->Close(code, reason);
  inbox_->End(ClosedHere(link_->peer(), reason));
}

}  // namespace rejoin
