#include "transport/loop.h"

#include <utility>
#include <vector>

#include <unistd.h>

#include <boost/asio/post.hpp>

#include "transport/delay.h"
#include "transport/process.h"

namespace rejoin {
namespace {

constexpr int kOneThread = 1;  // lets Asio leave out some of its locking

}  // namespace

Loop::Loop()
    : process_(::getpid()), context_(kOneThread), work_(context_.get_executor()), patience_(context_) {}

// Here with a thread only where the thread itself let go of the loop last.
Loop::~Loop() {
  if (thread_.joinable()) thread_.detach();
}

bool Loop::InForkedChild() const { return ::getpid() != process_; }

Status Loop::StartThread() {
  REJOIN_ASSIGN(thread_, StartQuietThread("rejoin-net", [self = shared_from_this()] { self->Run(); }));
  return {};
}

void Loop::Run() {
  own_thread_ = std::this_thread::get_id();
  for (;;) {
    try {
      context_.run();
      return;
    } catch (...) {
      // A function given to Post or RunAfter threw, which it must not. Links catch
      // what their handlers throw; nobody here could do more about this one.
    }
  }
}

bool Loop::Post(std::function<void()> function) {
  const std::lock_guard lock(mutex_);
  if (ended_) return false;
  asio::post(context_, std::move(function));
  return true;
}

TimerId Loop::RunAfter(std::uint64_t delay_ms, std::function<void()> function) {
  TimerId id = 0;
  {
    const std::lock_guard lock(mutex_);
    id = ++last_timer_;
  }
  Post([this, id, delay_ms, run = std::move(function)]() mutable {
    StartTimer(id, delay_ms, std::move(run));
  });
  return id;
}

void Loop::StartTimer(TimerId id, std::uint64_t delay_ms, std::function<void()> function) {
  if (stopping_) return;
  Timer& timer = timers_.try_emplace(id, context_).first->second;
  timer.expires_after(Delay(delay_ms));
  timer.async_wait([this, id, run = std::move(function)](error_code) {
    // Not there: cancelled, perhaps after it had expired.
    if (timers_.erase(id) != 0) run();
  });
}

void Loop::CancelTimer(TimerId timer) {
  if (OnOwnThread()) {
    timers_.erase(timer);
    return;
  }
  Post([this, timer] { timers_.erase(timer); });
}

void Loop::Join(std::shared_ptr<Activity> activity) { activities_.insert(std::move(activity)); }

void Loop::Leave(const std::shared_ptr<Activity>& activity) {
  activities_.erase(activity);
  if (stopping_) EndIfIdle();
}

void Loop::Stop() {
  if (InForkedChild()) return;
  Post([this] { BeginStop(); });
  if (OnOwnThread()) return;
  const std::lock_guard lock(joining_);
  if (thread_.joinable()) thread_.join();
}

void Loop::BeginStop() {
  if (stopping_) return;
  stopping_ = true;
  timers_.clear();
  for (const auto& activity : std::vector(activities_.begin(), activities_.end())) activity->End();
  patience_.expires_after(Delay(Network::kStopTimeoutMs));
  patience_.async_wait([this](error_code cancelled) {
    if (!cancelled) AbortAll();
  });
  EndIfIdle();
}

void Loop::AbortAll() {
  for (const auto& activity : std::vector(activities_.begin(), activities_.end())) activity->Abort();
}

// What was posted before still runs; then nothing is left to wait for.
void Loop::EndIfIdle() {
  if (!activities_.empty()) return;
  patience_.cancel();
  work_.reset();
  const std::lock_guard lock(mutex_);
  ended_ = true;
}

}  // namespace rejoin
