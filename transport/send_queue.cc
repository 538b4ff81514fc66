#include "transport/send_queue.h"

#include <utility>

namespace rejoin {

SendQueue::SendQueue(const LinkOptions& options)
    : max_frame_bytes_(options.max_frame_bytes), max_bytes_(options.max_queue_bytes) {}

Sent SendQueue::Push(Frame frame, bool& first) {
  if (frame->size() > max_frame_bytes_) return Sent::kTooLarge;
  const std::size_t cost = Cost(*frame);
  const std::lock_guard lock(mutex_);
  if (closed_) return Sent::kClosed;
  // Into an empty queue any frame goes: else one larger than it would wait for ever.
  if (!frames_.empty() && (cost > max_bytes_ || bytes_ > max_bytes_ - cost)) {
    refused_ = true;
    return Sent::kFull;
  }
  first = frames_.empty();
  frames_.push_back(std::move(frame));
  bytes_ += cost;
  return Sent::kQueued;
}

SendQueue::Frame SendQueue::Front() const {
  const std::lock_guard lock(mutex_);
  return frames_.empty() ? nullptr : frames_.front();
}

bool SendQueue::Pop() {
  const std::lock_guard lock(mutex_);
  bytes_ -= Cost(*frames_.front());
  frames_.pop_front();
  return !closed_ && bytes_ <= max_bytes_ / 2 && std::exchange(refused_, false);
}

std::size_t SendQueue::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

bool SendQueue::Close(Unsent unsent) {
  const std::lock_guard lock(mutex_);
  while (unsent == Unsent::kDrop && frames_.size() > 1) {
    bytes_ -= Cost(*frames_.back());
    frames_.pop_back();
  }
  return !std::exchange(closed_, true);
}

void SendQueue::Clear() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  frames_.clear();
  bytes_ = 0;
}

bool SendQueue::closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

}  // namespace rejoin
