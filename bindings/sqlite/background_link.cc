#include "bindings/sqlite/background_link.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>

#include "base/os.h"
#include "bindings/sqlite/database_file.h"
#include "bindings/sqlite/guard.h"
#include "bindings/sqlite/host.h"
#include "transport/process.h"

namespace rejoin {
namespace {

// How often the file is looked at for commits of other processes; those of this one are
// told. Also how long a commit may wait that was told of while we looked away.
constexpr std::uint64_t kLookMs = 1000;
// Until a file that could not be opened is tried again.
constexpr std::uint64_t kReopenMs = 1000;
// Each part is one transaction here, during which the application waits: a tenth of what
// who only waits for the sync takes at a time.
constexpr std::size_t kPartBytes = std::size_t{512} << 10;

std::chrono::milliseconds Milliseconds(std::uint64_t ms) {
  constexpr std::uint64_t kLongest = std::uint64_t{365} * 24 * 3600 * 1000;
  return std::chrono::milliseconds(ms < kLongest ? ms : kLongest);
}

}  // namespace

class BackgroundLink::Worker {
 public:
  Worker(std::shared_ptr<Network> network, BackgroundSpec spec)
      : network_(std::move(network)), spec_(std::move(spec)), turn_(spec_.file) {
    spec_.session.part_bytes = kPartBytes;
    spec_.session.durable = true;
  }

  Status StartThread(const std::shared_ptr<Worker>& self) {
    REJOIN_ASSIGN(thread_, StartQuietThread("rejoin-link", [self] { self->Run(); }));
    return {};
  }
  void Stop();

  // Any thread.
  void OnCommit();
  LiveStatus GetStatus();
  bool WaitSynced(std::uint64_t timeout_ms);

 private:
  void Run();
  bool IsStopping();
  // The file, with a connection of its own. Everything that calls SQLite is done in turns.
  struct Opened {
    explicit Opened(DatabaseFile opened, HostTurn& in_turn)
        : turn(in_turn), file(std::move(opened)), store(file->Store()) {}
    ~Opened() {
      turn.TakeAlone();
      store.reset();
      file.reset();
      turn.Give();
    }
    HostTurn& turn;
    std::optional<DatabaseFile> file;
    std::optional<SqliteStore> store;
  };
  Result<std::unique_ptr<Opened>> Open();
  void Serve(Opened& opened);
  void LookForCommits(Database& sql, LiveClient& client);
  void ServeWaiters(LiveClient& client);
  void Publish(const LiveStatus& status);
  void Rest(std::uint64_t time_ms);

  const std::shared_ptr<Network> network_;
  BackgroundSpec spec_;
  QuietThread thread_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  bool stopping_ = false;
  bool ended_ = false;
  bool committed_ = false;
  LiveClient* client_ = nullptr;
  std::uint64_t asked_ = 0;  // by WaitSynced
  std::uint64_t reached_ = 0;
  LiveStatus status_;

  // Of the thread.
  HostTurn turn_;
  std::uint64_t aimed_ = 0;
  std::int64_t data_version_ = 0;
  std::uint64_t looked_ms_ = 0;
};

// --- On the thread ------------------------------------------------------------------

void BackgroundLink::Worker::Run() {
  while (!IsStopping()) {
    LiveStatus failed;
    failed.phase = LiveStatus::Phase::kResting;
    failed.rest_ms = kReopenMs;
    const Status served = Guarded([this]() -> Status {
      REJOIN_ASSIGN(const auto opened, Open());
      Serve(*opened);
      return {};
    });
    if (served) continue;
    failed.error = served.error();
    Publish(failed);
    Rest(kReopenMs);
  }
  const std::lock_guard lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

bool BackgroundLink::Worker::IsStopping() {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

// To open a file is to read it.
auto BackgroundLink::Worker::Open() -> Result<std::unique_ptr<Opened>> {
  if (!turn_.Take()) return Fail(Code::kBusy, spec_.file + ": the application is writing");
  const struct Giving {
    HostTurn& turn;
    ~Giving() { turn.Give(); }
  } giving{turn_};
  REJOIN_ASSIGN(DatabaseFile file, DatabaseFile::OpenBeside(spec_.file, spec_.vfs));
  REJOIN_TRY(file.sql().Exec("PRAGMA synchronous = FULL"));
  return std::make_unique<Opened>(std::move(file), turn_);
}

void BackgroundLink::Worker::Serve(Opened& opened) {
  LiveClient client(*network_, spec_.url, *opened.store, spec_.session, &turn_);
  const auto announce = [this](LiveClient* at) {
    const std::lock_guard lock(mutex_);
    client_ = at;
  };
  announce(&client);
  const struct Retracting {
    const decltype(announce)& tell;
    ~Retracting() { tell(nullptr); }
  } retracting{announce};
  while (!IsStopping()) {
    client.Step(kLookMs);
    LookForCommits(opened.file->sql(), client);
    ServeWaiters(client);
    Publish(client.GetStatus());
  }
}

void BackgroundLink::Worker::LookForCommits(Database& sql, LiveClient& client) {
  {
    const std::lock_guard lock(mutex_);
    if (committed_) client.OnChange();
    committed_ = false;
  }
  const std::uint64_t now_ms = SystemClock().SteadyMs();
  if (now_ms - looked_ms_ < kLookMs || !turn_.Take()) return;
  const struct Giving {
    HostTurn& turn;
    ~Giving() { turn.Give(); }
  } giving{turn_};
  looked_ms_ = now_ms;
  const auto look = [&]() -> Result<std::int64_t> {
    REJOIN_ASSIGN(CachedStatement read, sql.Cached("PRAGMA data_version"));
    REJOIN_TRY(read->Step());
    return read->Integer(0);
  };
  const Result<std::int64_t> version = look();
  // A file that cannot be read is found out about when there is something to send.
  if (!version || *version == data_version_) return;
  data_version_ = *version;
  client.OnChange();
}

void BackgroundLink::Worker::ServeWaiters(LiveClient& client) {
  const std::lock_guard lock(mutex_);
  if (aimed_ < asked_) {
    aimed_ = asked_;
    client.Aim();
    client.EndRest();
    client.Wake();  // the next step begins at once
  } else if (reached_ < aimed_ && client.Reached()) {
    reached_ = aimed_;
    changed_.notify_all();
  }
}

void BackgroundLink::Worker::Publish(const LiveStatus& status) {
  const std::lock_guard lock(mutex_);
  status_ = status;
}

void BackgroundLink::Worker::Rest(std::uint64_t time_ms) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, Milliseconds(time_ms), [this] { return stopping_; });
}

// --- On others ----------------------------------------------------------------------

void BackgroundLink::Worker::Stop() {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  if (client_ != nullptr) client_->Wake();
  changed_.notify_all();
  const bool ended = changed_.wait_for(lock, Milliseconds(kStopMs), [this] { return ended_; });
  lock.unlock();
  if (ended) return thread_.join();
  thread_.detach();
}

void BackgroundLink::Worker::OnCommit() {
  const std::lock_guard lock(mutex_);
  committed_ = true;
  if (client_ != nullptr) client_->Wake();
}

LiveStatus BackgroundLink::Worker::GetStatus() {
  const std::lock_guard lock(mutex_);
  return status_;
}

bool BackgroundLink::Worker::WaitSynced(std::uint64_t timeout_ms) {
  std::unique_lock lock(mutex_);
  const std::uint64_t mine = ++asked_;
  if (client_ != nullptr) client_->Wake();
  return changed_.wait_for(lock, Milliseconds(timeout_ms),
                           [&] { return reached_ >= mine || stopping_; }) &&
         reached_ >= mine;
}

BackgroundLink::BackgroundLink(Url url, std::shared_ptr<Worker> worker)
    : url_(std::move(url)), process_(ProcessId()), worker_(std::move(worker)) {}

Result<std::shared_ptr<BackgroundLink>> BackgroundLink::Start(std::shared_ptr<Network> network,
                                                              BackgroundSpec spec) {
  Url url = spec.url;
  auto worker = std::make_shared<Worker>(std::move(network), std::move(spec));
  REJOIN_TRY(worker->StartThread(worker));
  return std::shared_ptr<BackgroundLink>(new BackgroundLink(std::move(url), std::move(worker)));
}

BackgroundLink::~BackgroundLink() {
  if (ProcessId() == process_) {
    worker_->Stop();
  } else {
    // Its mutex may be locked for ever, and its thread is not here.
    static_cast<void>(new std::shared_ptr<Worker>(std::move(worker_)));
  }
}

void BackgroundLink::OnCommit() { worker_->OnCommit(); }

LinkState BackgroundLink::GetState() { return {url_, true, worker_->GetStatus()}; }

bool BackgroundLink::WaitSynced(HostConnection* host, std::uint64_t timeout_ms) {
  const HostConnection::Waiting waiting(host);
  return worker_->WaitSynced(timeout_ms);
}

}  // namespace rejoin
