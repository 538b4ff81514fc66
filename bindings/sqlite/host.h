// The host's own connections, which come before what runs in the background.
//
// SQLite lets one connection write at a time. The others are told SQLITE_BUSY, at once where they
// have no busy_timeout; and without write-ahead logging a reader keeps a writer from
// committing. An application that is alone with its file never sees that, and is not to see
// it because of us. So whoever works in the background does it in turns, and for each one
// takes the mutexes of all connections that this process has to the file (sqlite3_db_mutex):
// a statement that begins meanwhile waits for the end of the turn, a few milliseconds, and
// knows nothing of it. A turn is not taken while one of them is in a transaction that
// writes; one that reads is waited for kReaderPatienceMs, since its snapshot would be too old to
// write after the turn (SQLITE_BUSY_SNAPSHOT).
//
// A host that has switched off SQLite's mutexes (SQLITE_THREADSAFE=2, SQLITE_OPEN_NOMUTEX)
// cannot be waited for: it needs a busy_timeout, as with any second connection.
//
// A fork waits for the end of a turn; so no lock of SQLite's is held by a thread that the
// child does not have.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "store/sqlite/sqlite_api.h"
#include "transport/client.h"

namespace rejoin {

// One of the host's connections; registered for as long as it lives.
class HostConnection {
 public:
  explicit HostConnection(sqlite3* db);
  ~HostConnection();
  HostConnection(const HostConnection&) = delete;
  HostConnection& operator=(const HostConnection&) = delete;

  // The connection uses this file from now on (the main one is known).
  void Uses(const std::string& file);

  // The connection's thread waits for what runs in the background, inside a statement
  // and so with the connection's mutex: turns may be taken all the same.
  class Waiting {
   public:
    explicit Waiting(HostConnection* connection);
    ~Waiting();
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;

   private:
    HostConnection* connection_;
  };

 private:
  friend class HostTurn;
  static constexpr int kNotWaiting = -1;

  enum class Outcome { kHeld, kRunning, kInTransaction };

  // Without waiting. Turns hold the gate, and the mutex where the thread is not Waiting.
  Outcome TryHold(std::uint64_t now_ms);
  void Release();
  bool MayBePassed(int transaction, std::uint64_t now_ms);

  sqlite3* const db_;
  std::vector<std::string> files_;  // guarded by the registry's mutex
  std::mutex gate_;                 // guards what follows
  int waiting_in_ = kNotWaiting;    // the state of its transaction while Waiting
  bool holds_mutex_ = false;
  std::uint64_t reading_since_ms_ = 0;  // 0: it was not when last looked at
};

// The turns of one thread that works on one file in the background.
class HostTurn final : public StoreTurn {
 public:
  explicit HostTurn(std::string file) : file_(std::move(file)) {}

  // Tries for kTryMs where a statement is running: a host that runs one after another has
  // its mutex most of the time.
  bool Take() override;
  // Once.
  bool TryTake();
  void Give() override;
  // Without the host's connections, whatever they do: what is done then must be able to
  // fail, or need no lock of the file. Forks wait for it all the same.
  void TakeAlone();

  static constexpr std::uint64_t kTryMs = 20;
  static constexpr std::uint64_t kReaderPatienceMs = 2000;

 private:
  bool TakeUntil(std::uint64_t until_ms);  // by steady time
  HostConnection::Outcome TryHoldAll();

  const std::string file_;
  std::vector<HostConnection*> held_;
};

}  // namespace rejoin
