// The frames that wait for a peer, in order, within a bound. Thread-safe.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>

#include "base/codec.h"
#include "transport/link.h"

namespace rejoin {

class SendQueue {
 public:
  using Frame = std::shared_ptr<const Bytes>;

  explicit SendQueue(const LinkOptions& options);

  // `first` is set where the queue was empty, so that somebody has to begin.
  Sent Push(Frame frame, bool& first);
  // The oldest frame, which stays and counts until Pop; nullptr where there is none.
  Frame Front() const;
  // True once after a Push that said kFull, when half of the queue is free.
  bool Pop();
  std::size_t bytes() const;

  // No frame comes in any more. The oldest one stays when others are dropped: it
  // may be on its way. False where the queue was closed before.
  bool Close(Unsent unsent);
  // Closes it, and nothing is on its way any more.
  void Clear();
  bool closed() const;

 private:
  static std::size_t Cost(const Bytes& frame) { return frame.size() + kQueuedFrameOverheadBytes; }

  const std::size_t max_frame_bytes_;
  const std::size_t max_bytes_;
  mutable std::mutex mutex_;  // guards these
  std::deque<Frame> frames_;
  std::size_t bytes_ = 0;
  bool refused_ = false;
  bool closed_ = false;
};

}  // namespace rejoin
