#include "hub/guest.h"

#include <chrono>

namespace rejoin {

void Mailbox::Put(Event event) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (closed_) return;
  events_.push_back(std::move(event));
  filled_.notify_one();
}

std::vector<Event> Mailbox::Take(std::uint64_t wait_ms) {
  std::unique_lock<std::mutex> lock(mutex_);
  filled_.wait_for(lock, std::chrono::milliseconds(wait_ms), [this] { return woken_ || !events_.empty(); });
  woken_ = false;
  std::vector<Event> taken;
  std::size_t bytes = 0;
  while (!events_.empty() && bytes < kBatchBytes) {
    bytes += events_.front().frame.size();
    taken.push_back(std::move(events_.front()));
    events_.pop_front();
  }
  return taken;
}

void Mailbox::Wake() {
  const std::lock_guard<std::mutex> lock(mutex_);
  woken_ = true;
  filled_.notify_one();
}

void Mailbox::Close() {
  std::deque<Event> dropped;  // without the lock: its guests may be gone with it
  const std::lock_guard<std::mutex> lock(mutex_);
  closed_ = true;
  dropped.swap(events_);
}

void Guest::OnOpen(const std::shared_ptr<Link>& link) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    link_ = link;
  }
  mailbox_->Put({shared_from_this(), Event::Kind::kOpen, {}, link, {}});
}

void Guest::OnFrame(Bytes frame) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    waiting_bytes_ += frame.size() + kQueuedFrameOverheadBytes;
    if (!paused_ && waiting_bytes_ > kMaxWaitingBytes) {
      paused_ = true;
      link_->PauseReading();
    }
  }
  mailbox_->Put({shared_from_this(), Event::Kind::kFrame, std::move(frame), nullptr, {}});
}

void Guest::OnWritable() {
  mailbox_->Put({shared_from_this(), Event::Kind::kWritable, {}, nullptr, {}});
}

void Guest::OnClosed(const Error& why) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    link_.reset();
  }
  mailbox_->Put({shared_from_this(), Event::Kind::kClosed, {}, nullptr, why});
}

void Guest::Taken(std::size_t bytes) {
  const std::lock_guard<std::mutex> lock(mutex_);
  waiting_bytes_ -= bytes + kQueuedFrameOverheadBytes;
  if (!paused_ || waiting_bytes_ > kMaxWaitingBytes / 2) return;
  paused_ = false;
  if (link_) link_->ResumeReading();
}

}  // namespace rejoin
