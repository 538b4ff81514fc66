#include "transport/process.h"

#include <csignal>
#include <cstring>
#include <system_error>
#include <utility>

#include <pthread.h>
#include <unistd.h>

namespace rejoin {
namespace {

void NameThisThread(const char* name) {
#if defined(__APPLE__)
  ::pthread_setname_np(name);
#else
  ::pthread_setname_np(::pthread_self(), name);
#endif
}

}  // namespace

Result<std::thread> StartQuietThread(const char* name, std::function<void()> function) {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);  // a new thread inherits it
  Result<std::thread> thread;
  try {
    thread = std::thread([name, run = std::move(function)] {
      NameThisThread(name);
      run();
    });
  } catch (const std::system_error& failed) {
    thread = Fail(Code::kNetwork, std::string("the system gives no thread for the network: ") +
                                      std::strerror(failed.code().value()));
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

std::uint64_t ProcessId() { return static_cast<std::uint64_t>(::getpid()); }

void AroundForks(void (*before)(), void (*in_parent)(), void (*in_child)()) {
  // It fails where memory does; then a fork is as dangerous as in any program with threads.
  static_cast<void>(::pthread_atfork(before, in_parent, in_child));
}

}  // namespace rejoin
