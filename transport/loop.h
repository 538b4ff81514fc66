// The thread of a Network and what runs on it.
//
// Whoever waits for something on the loop (a link, a visitor, an attempt to
// connect) is an Activity, and is kept alive by the loop until it leaves; so the
// loop can end what is there, and ends when nothing is.
//
// Private to transport/: this header brings Boost.Asio.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_set>

#include <sys/types.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "transport/network.h"
#include "transport/socket.h"

namespace rejoin {

class Activity {
 public:
  virtual ~Activity() = default;
  // The network stops: come to an end soon, politely.
  virtual void End() = 0;
  // Come to an end now, and leave the loop before returning.
  virtual void Abort() = 0;
};

class Loop : public std::enable_shared_from_this<Loop> {
 public:
  Loop();  // throws what the system's refusal of a descriptor makes Asio throw
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop();
  Status StartThread();

  // Any thread. False, and the function is dropped, when the loop has ended.
  bool Post(std::function<void()> function);
  TimerId RunAfter(std::uint64_t delay_ms, std::function<void()> function);
  void CancelTimer(TimerId timer);
  void Stop();
  bool OnOwnThread() const { return std::this_thread::get_id() == own_thread_.load(); }
  // In a child of the process that started it.
  bool InForkedChild() const;

  // The loop's thread only.
  asio::io_context& context() { return context_; }
  bool stopping() const { return stopping_; }
  void Join(std::shared_ptr<Activity> activity);
  void Leave(const std::shared_ptr<Activity>& activity);

 private:
  void Run();
  void BeginStop();
  void AbortAll();
  void EndIfIdle();
  void StartTimer(TimerId id, std::uint64_t delay_ms, std::function<void()> function);

  const pid_t process_;
  asio::io_context context_;
  asio::executor_work_guard<Executor> work_;
  Timer patience_;  // with those who end politely

  std::mutex mutex_;  // guards these
  bool ended_ = false;
  TimerId last_timer_ = 0;

  std::mutex joining_;  // whoever comes second to Stop waits for the first
  std::thread thread_;
  std::atomic<std::thread::id> own_thread_;

  // The loop's thread only.
  bool stopping_ = false;
  std::unordered_set<std::shared_ptr<Activity>> activities_;
  std::map<TimerId, Timer> timers_;
};

}  // namespace rejoin
