// Waits for other connections' locks, as sqlite3_busy_timeout() does, but looks often.
//
// SQLite gives a lock to whoever asks while it is free, whoever waited longest. Its own waiting
// comes to look every 100 ms only. Beside a program that writes all the time, and leaves the
// file free for a millisecond between two transactions, that is in vain: a disk that takes
// 20 ms for a sync was enough for 10 s to pass. A look costs some microseconds.
#pragma once

#include "store/sqlite/sqlite_api.h"

namespace rejoin {

class LockWait {
 public:
  // For one connection at a time. Thread rule: the connection's.
  explicit LockWait(int timeout_ms) : timeout_ms_(timeout_ms) {}
  LockWait(const LockWait&) = delete;
  LockWait& operator=(const LockWait&) = delete;

  // From here on `db` waits like this. Outlives the connection, or at least its last statement.
  void Install(sqlite3* db) { sqlite3_busy_handler(db, Wait, this); }

 private:
  static int Wait(void* self, int times);

  int timeout_ms_;
  int waited_ms_ = 0;
};

}  // namespace rejoin
