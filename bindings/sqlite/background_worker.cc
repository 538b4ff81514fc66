#include "bindings/sqlite/background_worker.h"

#include <algorithm>
#include <chrono>

#include "base/os.h"
#include "bindings/sqlite/guard.h"
#include "bindings/sqlite/link_status.h"

namespace rejoin {
namespace {

// Between two looks for commits of other processes, where the system tells of writes and
// where it does not. Each holds the host up a little. Commits of this process are told.
constexpr std::uint64_t kLookMs = 50;
constexpr std::uint64_t kPollMs = 1000;
// Until a file that could not be opened is tried again.
constexpr std::uint64_t kReopenMs = 1000;
// Until another process' lock is tried again though nothing was told of it.
constexpr std::uint64_t kTryLockMs = 10'000;
// Other processes are told of new counts so often at most.
constexpr std::uint64_t kTellMs = 1000;
// Each part is one transaction here, during which the application waits: a tenth of what
// who only waits for the sync takes at a time.
constexpr std::size_t kPartBytes = std::size_t{512} << 10;

// With a write-ahead log the session waits for the disk before it tells a peer anything;
// until then the application need not wait, nor those who are shown what arrived.
Status CommitWithoutWaiting(Database& sql) {
  REJOIN_ASSIGN(Statement mode, sql.Prepare("PRAGMA {s}.journal_mode"));
  REJOIN_TRY(mode.Step());
  const bool stays = mode.Text(0) == "wal";
  return sql.Exec(stays ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = EXTRA");
}

std::chrono::milliseconds Milliseconds(std::uint64_t ms) {
  constexpr std::uint64_t kLongest = std::uint64_t{365} * 24 * 3600 * 1000;
  return std::chrono::milliseconds(ms < kLongest ? ms : kLongest);
}

}  // namespace

BackgroundWorker::BackgroundWorker(std::shared_ptr<Network> network, BackgroundSpec spec)
    : network_(std::move(network)),
      spec_(std::move(spec)),
      looks_(false, kLookMs, kPollMs),
      turn_(spec_.file) {
  spec_.session.part_bytes = kPartBytes;
  spec_.session.durable = true;
}

Status BackgroundWorker::StartThread() {
  REJOIN_ASSIGN(thread_, StartQuietThread("rejoin-link", [self = shared_from_this()] { self->Run(); }));
  return {};
}

// --- On the thread ------------------------------------------------------------------

void BackgroundWorker::Run() {
  while (!IsStopping()) {
    const Status served = Guarded([this]() -> Status {
      REJOIN_ASSIGN(const auto opened, Open());
      Serve(*opened);
      return {};
    });
    if (served) continue;
    WorkerStatus failed;
    failed.live.phase = LiveStatus::Phase::kResting;
    failed.live.rest_ms = kReopenMs;
    failed.live.error = served.error();
    Publish(failed);
    Rest(kReopenMs);
  }
  const std::lock_guard lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

bool BackgroundWorker::IsStopping() {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

BackgroundWorker::Opened::Opened(DatabaseFile opened, HostTurn& in_turn)
    : turn(in_turn), file(std::move(opened)), store(file->Store()) {}

BackgroundWorker::Opened::~Opened() {
  turn.TakeAlone();
  store.reset();
  file.reset();
  turn.Give();
}

// To open a file is to read it.
auto BackgroundWorker::Open() -> Result<std::unique_ptr<Opened>> {
  if (!turn_.Take()) return Fail(Code::kBusy, spec_.file + ": the application is writing");
  const TurnTaken taken(&turn_);
  REJOIN_ASSIGN(DatabaseFile file, DatabaseFile::OpenBeside(spec_.file, spec_.vfs));
  REJOIN_TRY(CommitWithoutWaiting(file.sql()));
  return std::make_unique<Opened>(std::move(file), turn_);
}

void BackgroundWorker::Serve(Opened& opened) {
  LinkLock lock(spec_.file, spec_.url.Text());
  while (!IsStopping()) {
    if (lock.TryHold()) {
      Converse(opened, &lock);
    } else if (MayConverse(false)) {
      Converse(opened, nullptr);
    } else {
      WaitForLock(lock);
    }
  }
}

// `lock`: the link is ours. Without, until nobody waits any more.
void BackgroundWorker::Converse(Opened& opened, const LinkLock* lock) {
  LiveClient client(*network_, spec_.url, *opened.store, spec_.session, &turn_);
  Announce(&client);
  const struct Retracting {
    BackgroundWorker* worker;
    ~Retracting() { worker->Announce(nullptr); }
  } retracting{this};
  const std::shared_ptr<FileWatch> watch = WatchCommits();
  while (MayConverse(lock != nullptr)) {
    client.Step(UntilNextLookMs());
    LookForCommits(opened.file->sql(), client);
    Publish({client.GetStatus(), lock == nullptr});  // before those who waited look at it
    ServeWaiters(client);
    if (lock != nullptr) TellOthers(*lock);
  }
}

void BackgroundWorker::Announce(LiveClient* client) {
  const std::lock_guard lock(mutex_);
  client_ = client;
  aimed_ = reached_;
}

bool BackgroundWorker::MayConverse(bool mine) {
  const std::lock_guard lock(mutex_);
  return !stopping_ && (mine || waiting_ > 0);
}

// Until there is something else to do. The file may be another one each time.
void BackgroundWorker::WaitForLock(LinkLock& lock) {
  const auto moved = [weak = weak_from_this()] {
    const std::shared_ptr<BackgroundWorker> self = weak.lock();
    if (self == nullptr) return;
    const std::lock_guard guard(self->mutex_);
    self->lock_moved_ = true;
    self->changed_.notify_all();
  };
  Publish({LiveStatus(), true});
  const std::shared_ptr<FileWatch> watch = network_->Watch({lock.path()}, moved);
  std::uint64_t poll_ms = kPollMs;  // it may have moved before it was watched
  while (!lock.TryHold()) {
    std::unique_lock guard(mutex_);
    changed_.wait_for(guard, Milliseconds(poll_ms),
                      [this] { return stopping_ || waiting_ > 0 || lock_moved_; });
    lock_moved_ = false;
    if (stopping_ || waiting_ > 0) return;
    if (watch != nullptr) poll_ms = kTryLockMs;
  }
}

std::shared_ptr<FileWatch> BackgroundWorker::WatchCommits() {
  const auto written = [weak = weak_from_this()] {
    const std::shared_ptr<BackgroundWorker> self = weak.lock();
    if (self == nullptr) return;
    const std::lock_guard lock(self->mutex_);
    self->looks_.OnWritten();
    if (self->client_ != nullptr) self->client_->Wake();
  };
  auto watch = network_->Watch({spec_.file, spec_.file + "-wal"}, written);
  const std::lock_guard lock(mutex_);
  looks_ = LookSchedule(watch != nullptr, kLookMs, kPollMs);
  return watch;
}

std::uint64_t BackgroundWorker::UntilNextLookMs() {
  const std::lock_guard lock(mutex_);
  return looks_.UntilNextMs(SystemClock().SteadyMs());
}

void BackgroundWorker::LookForCommits(Database& sql, LiveClient& client) {
  {
    const std::lock_guard lock(mutex_);
    if (committed_) client.OnChange();
    committed_ = false;
  }
  if (UntilNextLookMs() > 0) return;
  const bool mine = turn_.TryTake();
  {
    const std::lock_guard lock(mutex_);
    const std::uint64_t now_ms = SystemClock().SteadyMs();
    mine ? looks_.OnLooked(now_ms) : looks_.OnHindered(now_ms);
  }
  if (!mine) return;
  const TurnTaken taken(&turn_);
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

void BackgroundWorker::ServeWaiters(LiveClient& client) {
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

void BackgroundWorker::Publish(const WorkerStatus& status) {
  const std::lock_guard lock(mutex_);
  status_ = status;
  published_ms_ = SystemClock().SteadyMs();
}

// At once when it stands otherwise, of counts now and then.
void BackgroundWorker::TellOthers(const LinkLock& lock) {
  LinkState state{spec_.url, LinkState::Mode::kOtherProcess, false, GetStatus().live};
  const std::uint64_t now_ms = SystemClock().SteadyMs();
  const std::string standing = LinkStanding(state.live);
  if (standing == told_ && now_ms - told_ms_ < kTellMs) return;
  told_ = standing;
  told_ms_ = now_ms;
  lock.Tell(LinkJson(state).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

void BackgroundWorker::Rest(std::uint64_t time_ms) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, Milliseconds(time_ms), [this] { return stopping_; });
}

// --- On others ----------------------------------------------------------------------

void BackgroundWorker::Stop(std::uint64_t wait_ms) {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  if (client_ != nullptr) client_->Wake();
  changed_.notify_all();
  const bool ended = changed_.wait_for(lock, Milliseconds(wait_ms), [this] { return ended_; });
  lock.unlock();
  if (ended) return thread_.join();
  thread_.detach();
}

void BackgroundWorker::OnCommit() {
  const std::lock_guard lock(mutex_);
  committed_ = true;
  if (client_ != nullptr) client_->Wake();
}

WorkerStatus BackgroundWorker::GetStatus() {
  const std::lock_guard lock(mutex_);
  WorkerStatus status = status_;
  status.live.rest_ms -= std::min(status.live.rest_ms, SystemClock().SteadyMs() - published_ms_);
  return status;
}

bool BackgroundWorker::WaitSynced(std::uint64_t timeout_ms) {
  std::unique_lock lock(mutex_);
  const std::uint64_t mine = ++asked_;
  ++waiting_;
  if (client_ != nullptr) client_->Wake();
  changed_.notify_all();
  changed_.wait_for(lock, Milliseconds(timeout_ms), [&] { return reached_ >= mine || stopping_; });
  if (--waiting_ == 0 && client_ != nullptr) client_->Wake();
  return reached_ >= mine;
}

}  // namespace rejoin
