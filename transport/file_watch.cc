#include "transport/file_watch.h"

#include <utility>

#if defined(__linux__)

#include <array>
#include <cerrno>

#include <sys/inotify.h>
#include <unistd.h>

#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include "transport/delay.h"

namespace rejoin {

using Descriptor = asio::posix::basic_stream_descriptor<Executor>;

// All on the loop's thread.
class WatchActivity final : public Activity, public std::enable_shared_from_this<WatchActivity> {
 public:
  WatchActivity(std::shared_ptr<Loop> loop, int inotify, std::vector<std::string> files,
                std::function<void()> changed)
      : loop_(std::move(loop)),
        files_(std::move(files)),
        changed_(std::move(changed)),
        descriptor_(loop_->context(), inotify),
        quiet_(loop_->context()) {}

  void Start() {
    loop_->Join(shared_from_this());
    if (loop_->stopping()) return Abort();
    WatchMissing();
    Wait();
  }
  void End() override { Abort(); }
  void Abort() override {
    if (std::exchange(ended_, true)) return;
    changed_ = nullptr;
    error_code ignored;
    descriptor_.close(ignored);
    quiet_.cancel();
    loop_->Leave(shared_from_this());
  }

 private:
  // Who writes much is told of it now and then, not at each write.
  static constexpr std::uint64_t kQuietMs = 5;

  // A file that is not there yet (a journal) is tried again whenever another changes. Of one that is
  // watched already nothing comes of it.
  void WatchMissing() {
    for (const std::string& file : files_) {
      ::inotify_add_watch(descriptor_.native_handle(), file.c_str(), IN_MODIFY | IN_DELETE_SELF | IN_MOVE_SELF);
    }
  }

  void Wait() {
    descriptor_.async_wait(Descriptor::wait_read, [self = shared_from_this()](error_code failed) {
      if (!failed && !self->ended_) self->OnEvents();
    });
  }

  void OnEvents() {
    quiet_.expires_after(Delay(kQuietMs));
    quiet_.async_wait([self = shared_from_this()](error_code cancelled) {
      if (!cancelled && !self->ended_) self->Wait();
    });
    Drain();
    WatchMissing();
    changed_();
  }

  // What they say is all the same.
  void Drain() {
    alignas(inotify_event) std::array<char, 4096> events;
    while (::read(descriptor_.native_handle(), events.data(), events.size()) > 0) {
    }
  }

  const std::shared_ptr<Loop> loop_;
  const std::vector<std::string> files_;
  std::function<void()> changed_;
  Descriptor descriptor_;
  Timer quiet_;
  bool ended_ = false;
};

std::shared_ptr<FileWatch> WatchFiles(const std::shared_ptr<Loop>& loop, std::vector<std::string> files,
                                      std::function<void()> changed) {
  const int inotify = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (inotify < 0) return nullptr;
  std::shared_ptr<WatchActivity> activity;
  try {
    activity = std::make_shared<WatchActivity>(loop, inotify, std::move(files), std::move(changed));
  } catch (...) {
    ::close(inotify);
    return nullptr;
  }
  if (!loop->Post([activity] { activity->Start(); })) return nullptr;
  return std::make_shared<FileWatch>(loop, std::move(activity));
}

FileWatch::FileWatch(std::shared_ptr<Loop> loop, std::shared_ptr<WatchActivity> activity)
    : loop_(std::move(loop)), activity_(std::move(activity)) {}

FileWatch::~FileWatch() {
  if (loop_->InForkedChild()) return;
  loop_->Post([activity = activity_] { activity->Abort(); });
}

}  // namespace rejoin

#else

namespace rejoin {

class WatchActivity {};

std::shared_ptr<FileWatch> WatchFiles(const std::shared_ptr<Loop>&, std::vector<std::string>,
                                      std::function<void()>) {
  return nullptr;
}

FileWatch::FileWatch(std::shared_ptr<Loop> loop, std::shared_ptr<WatchActivity> activity)
    : loop_(std::move(loop)), activity_(std::move(activity)) {}
FileWatch::~FileWatch() = default;

}  // namespace rejoin

#endif
