// An SQLite database in memory with Rejoin in it, without a test framework: what goes
// wrong here that must not is a find.
#pragma once

#include <memory>
#include <string>

#include "store/sqlite/sqlite_store.h"
#include "tests/store/fakes.h"

namespace rejoin::fuzz {

class TrackedDatabase {
 public:
  // Databases with one seed have one replica id.
  explicit TrackedDatabase(std::uint64_t seed) : TrackedDatabase(seed, nullptr) {}
  // A copy, with the replica id of the original, which is not to be written any more.
  TrackedDatabase(std::uint64_t seed, TrackedDatabase& original) : TrackedDatabase(seed, &original) {}
  TrackedDatabase(const TrackedDatabase&) = delete;
  TrackedDatabase& operator=(const TrackedDatabase&) = delete;
  ~TrackedDatabase();

  sqlite3* handle() const { return handle_; }
  Engine& engine() { return *engine_; }
  SqliteStore& store() { return *store_; }
  FakeClock& clock() { return clock_; }

  // Statements that cannot fail.
  void Exec(const std::string& sql);
  void Track(const std::string& table);
  // Whatever `from` has and this lacks.
  Status Pull(TrackedDatabase& from);

 private:
  TrackedDatabase(std::uint64_t seed, TrackedDatabase* original);

  FakeClock clock_;
  FakeRandom random_;
  sqlite3* handle_ = nullptr;
  std::shared_ptr<Engine> engine_;
  std::unique_ptr<SqliteStore> store_;
};

}  // namespace rejoin::fuzz
