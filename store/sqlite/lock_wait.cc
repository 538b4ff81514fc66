#include "store/sqlite/lock_wait.h"

namespace rejoin {

namespace {
constexpr int kLookEveryMs = 2;
}  // namespace

// `times`: how often it was called for this lock.
int LockWait::Wait(void* self, int times) {
  LockWait& wait = *static_cast<LockWait*>(self);
  if (times == 0) wait.waited_ms_ = 0;
  if (wait.waited_ms_ >= wait.timeout_ms_) return 0;
  // What it says that it slept: where the system counts in seconds only, that is a second.
  wait.waited_ms_ += sqlite3_sleep(kLookEveryMs);
  return 1;
}

}  // namespace rejoin
