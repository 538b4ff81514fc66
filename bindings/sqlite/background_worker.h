// The thread of a link in the background (background_link.h).
//
// One process has the link of a file to a URL (transport/link_lock.h). In others the thread waits
// for its turn; what they commit is sent by the one that has it. Who waits there until
// everything is synced gets a conversation of its own meanwhile.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "bindings/sqlite/database_file.h"
#include "bindings/sqlite/host.h"
#include "transport/link_lock.h"
#include "transport/live_client.h"
#include "transport/look_schedule.h"
#include "transport/process.h"

namespace rejoin {

// Where and as whom; a copy goes to the thread.
struct BackgroundSpec {
  std::string file;  // as SQLite names it
  std::string vfs;   // the host's
  Url url;
  SessionOptions session;
};

struct WorkerStatus {
  LiveStatus live;
  bool elsewhere = false;  // another process has the link
};

class BackgroundWorker : public std::enable_shared_from_this<BackgroundWorker> {
 public:
  BackgroundWorker(std::shared_ptr<Network> network, BackgroundSpec spec);
  // kNetwork where the system gives no thread.
  Status StartThread();
  // Waits for the thread, wait_ms at most; one that takes longer ends by itself.
  void Stop(std::uint64_t wait_ms);

  // Any thread.
  void OnCommit();
  WorkerStatus GetStatus();
  bool WaitSynced(std::uint64_t timeout_ms);

 private:
  // The file, with a connection of its own. Everything that calls SQLite is done in turns.
  struct Opened {
    explicit Opened(DatabaseFile opened, HostTurn& in_turn);
    ~Opened();
    HostTurn& turn;
    std::optional<DatabaseFile> file;
    std::optional<SqliteStore> store;
  };

  void Run();
  bool IsStopping();
  Result<std::unique_ptr<Opened>> Open();
  void Serve(Opened& opened);
  void Converse(Opened& opened, const LinkLock* lock);
  bool MayConverse(bool mine);
  void WaitForLock(LinkLock& lock);
  std::shared_ptr<FileWatch> WatchCommits();
  void LookForCommits(Database& sql, LiveClient& client);
  std::uint64_t UntilNextLookMs();
  void ServeWaiters(LiveClient& client);
  void Publish(const WorkerStatus& status);
  void TellOthers(const LinkLock& lock);
  void Rest(std::uint64_t time_ms);
  void Announce(LiveClient* client);

  const std::shared_ptr<Network> network_;
  BackgroundSpec spec_;
  QuietThread thread_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  bool stopping_ = false;
  bool ended_ = false;
  bool committed_ = false;
  bool lock_moved_ = false;
  LookSchedule looks_;
  LiveClient* client_ = nullptr;
  int waiting_ = 0;  // in WaitSynced
  std::uint64_t asked_ = 0;
  std::uint64_t reached_ = 0;
  WorkerStatus status_;
  std::uint64_t published_ms_ = 0;

  // Of the thread.
  HostTurn turn_;
  std::uint64_t aimed_ = 0;
  std::int64_t data_version_ = 0;
  std::string told_;
  std::uint64_t told_ms_ = 0;
};

}  // namespace rejoin
