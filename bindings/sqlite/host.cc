#include "bindings/sqlite/host.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>

#include "base/os.h"
#include "transport/process.h"

namespace rejoin {
namespace {

// Between two tries. Longer than most pauses between statements would miss them all.
constexpr std::chrono::microseconds kBetweenTries{50};

// Of the process. Never destroyed: threads in the background outlive main().
struct Registry {
  std::mutex turns;  // held during a turn, by the thread that has it
  std::mutex mutex;  // guards `connections`, and the files of each
  std::vector<HostConnection*> connections;

  static Registry& Get() {
    static Registry* const registry = [] {
      AroundForks([] { Get().Lock(); }, [] { Get().Unlock(); },
                  [] {
                    Get().connections.clear();  // what the child inherited has no thread behind it
                    Get().Unlock();
                  });
      return new Registry;
    }();
    return *registry;
  }

  void Lock() {
    turns.lock();
    mutex.lock();
  }
  void Unlock() {
    mutex.unlock();
    turns.unlock();
  }
};

void Pause() {
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, kBetweenTries);
}

}  // namespace

HostConnection::HostConnection(sqlite3* db) : db_(db) {
  Registry& registry = Registry::Get();
  const char* const main_file = sqlite3_db_filename(db, "main");
  if (main_file != nullptr) files_.emplace_back(main_file);
  const std::lock_guard lock(registry.mutex);
  registry.connections.push_back(this);
}

HostConnection::~HostConnection() {
  Registry& registry = Registry::Get();
  {
    const std::lock_guard lock(registry.mutex);
    registry.connections.erase(
        std::remove(registry.connections.begin(), registry.connections.end(), this),
        registry.connections.end());
  }
  const std::lock_guard end_of_turn(gate_);
}

void HostConnection::Uses(const std::string& file) {
  const std::lock_guard lock(Registry::Get().mutex);
  if (std::find(files_.begin(), files_.end(), file) == files_.end()) files_.push_back(file);
}

HostConnection::Waiting::Waiting(HostConnection* connection) : connection_(connection) {
  if (connection_ == nullptr) return;
  const int transaction = sqlite3_txn_state(connection_->db_, nullptr);
  const std::lock_guard lock(connection_->gate_);
  connection_->waiting_in_ = transaction;
}

// Waits for the end of a turn.
HostConnection::Waiting::~Waiting() {
  if (connection_ == nullptr) return;
  const std::lock_guard lock(connection_->gate_);
  connection_->waiting_in_ = kNotWaiting;
}

HostConnection::Outcome HostConnection::TryHold(std::uint64_t now_ms) {
  if (!gate_.try_lock()) return Outcome::kRunning;
  int transaction = waiting_in_;
  holds_mutex_ = waiting_in_ == kNotWaiting;
  if (holds_mutex_) {
    // No mutex: nobody can be kept out, and nothing of the connection may be read.
    sqlite3_mutex* const mutex = sqlite3_db_mutex(db_);
    holds_mutex_ = mutex != nullptr;
    if (mutex == nullptr) return Outcome::kHeld;
    if (sqlite3_mutex_try(mutex) != SQLITE_OK) {
      gate_.unlock();
      return Outcome::kRunning;
    }
    transaction = sqlite3_txn_state(db_, nullptr);
  }
  if (MayBePassed(transaction, now_ms)) return Outcome::kHeld;
  Release();
  return Outcome::kInTransaction;
}

bool HostConnection::MayBePassed(int transaction, std::uint64_t now_ms) {
  if (transaction == SQLITE_TXN_WRITE) return false;
  if (transaction != SQLITE_TXN_READ) {
    reading_since_ms_ = 0;
    return true;
  }
  if (reading_since_ms_ == 0) reading_since_ms_ = now_ms;
  return now_ms - reading_since_ms_ >= HostTurn::kReaderPatienceMs;
}

void HostConnection::Release() {
  if (holds_mutex_) sqlite3_mutex_leave(sqlite3_db_mutex(db_));
  gate_.unlock();
}

bool HostTurn::Take() { return TakeUntil(SystemClock().SteadyMs() + kTryMs); }

bool HostTurn::TryTake() { return TakeUntil(0); }

bool HostTurn::TakeUntil(std::uint64_t until_ms) {
  Registry::Get().turns.lock();
  auto outcome = TryHoldAll();
  while (outcome == HostConnection::Outcome::kRunning && SystemClock().SteadyMs() < until_ms) {
    Pause();
    outcome = TryHoldAll();
  }
  if (outcome == HostConnection::Outcome::kHeld) return true;
  Registry::Get().turns.unlock();
  return false;
}

void HostTurn::TakeAlone() { Registry::Get().turns.lock(); }

HostConnection::Outcome HostTurn::TryHoldAll() {
  const std::uint64_t now_ms = SystemClock().SteadyMs();
  Registry& registry = Registry::Get();
  const std::lock_guard lock(registry.mutex);
  for (HostConnection* const connection : registry.connections) {
    const auto& files = connection->files_;
    if (std::find(files.begin(), files.end(), file_) == files.end()) continue;
    const auto outcome = connection->TryHold(now_ms);
    if (outcome == HostConnection::Outcome::kHeld) {
      held_.push_back(connection);
      continue;
    }
    for (HostConnection* const held : held_) held->Release();
    held_.clear();
    return outcome;
  }
  return HostConnection::Outcome::kHeld;
}

void HostTurn::Give() {
  for (HostConnection* const held : held_) held->Release();
  held_.clear();
  Registry::Get().turns.unlock();
}

}  // namespace rejoin
