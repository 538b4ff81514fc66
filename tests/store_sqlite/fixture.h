// A real SQLite database with Rejoin in it, for tests to write SQL against.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "store/sqlite/capture_table.h"
#include "store/sqlite/sqlite_store.h"

namespace rejoin::testing {

// A folder that goes with the test.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "rejoin-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = pattern;
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string File(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

// A clock that stands still until it is told otherwise.
class ManualClock : public Clock {
 public:
  std::uint64_t WallMs() override { return wall_ms; }
  std::uint64_t SteadyMs() override { return steady_ms; }
  void Advance(std::uint64_t ms) {
    wall_ms += ms;
    steady_ms += ms;
  }
  std::uint64_t wall_ms = 1'700'000'000'000;
  std::uint64_t steady_ms = 1'000;
};

// Reproducible (splitmix64).
class SeededRandom : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  std::uint64_t Draw64() override {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

 private:
  std::uint64_t state_;
};

// One connection. Each replica needs a seed of its own, or two would share an id.
class TestDatabase {
 public:
  explicit TestDatabase(std::uint64_t seed, const std::string& path = ":memory:",
                        int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)
      : random(seed) {
    const int opened = sqlite3_open_v2(path.c_str(), &db, flags, nullptr);
    if (opened != SQLITE_OK) ADD_FAILURE() << path << ": " << sqlite3_errmsg(db);
    sqlite3_extended_result_codes(db, 1);
    const Environment environment{&clock, &random};
    const int registered = RegisterCaptureModule(
        db, [this, environment](sqlite3* handle, const std::string& schema) {
          return FindEngine(handle, schema, environment);
        });
    if (registered != SQLITE_OK) ADD_FAILURE() << "the capture module was not registered";
    engine = FindEngine(db, "main", environment);
    store = std::make_unique<SqliteStore>(engine);
  }
  TestDatabase(const TestDatabase&) = delete;
  TestDatabase& operator=(const TestDatabase&) = delete;
  ~TestDatabase() { Close(); }

  void Close() {
    if (db == nullptr) return;
    engine->db.FinalizeAll();
    store.reset();
    engine.reset();
    attached_.clear();
    EXPECT_EQ(sqlite3_close(db), SQLITE_OK) << "a statement was left open";
    db = nullptr;
  }

  // SQLite's result code; `error` has its message.
  int Try(const std::string& sql) {
    char* message = nullptr;
    const int result = sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &message);
    error = message == nullptr ? "" : message;
    sqlite3_free(message);
    return result;
  }
  void Exec(const std::string& sql) {
    ASSERT_EQ(Try(sql), SQLITE_OK) << sql << "\n  " << error;
  }
  // One string per row: columns as text, NULL for null, joined by '|'.
  std::vector<std::string> Query(const std::string& sql) {
    std::vector<std::string> rows;
    char* message = nullptr;
    const int result = sqlite3_exec(db, ("SELECT * FROM (" + sql + ")").c_str(), CollectRow, &rows, &message);
    if (result != SQLITE_OK) ADD_FAILURE() << sql << "\n  " << (message == nullptr ? "" : message);
    sqlite3_free(message);
    return rows;
  }
  std::string One(const std::string& sql) {
    const std::vector<std::string> rows = Query(sql);
    return rows.size() == 1 ? rows.front() : "(" + std::to_string(rows.size()) + " rows)";
  }

  void Track(const std::string& table, const TrackOptions& options = {}) {
    const auto tracked = store->Track(table, options);
    ASSERT_TRUE(tracked) << tracked.error().message;
  }

  // Everything this replica has that `vector` lacks.
  Bytes Delta(const VersionVector& vector = {}) {
    BytesSink sink(std::size_t{1} << 30);
    const auto extracted = store->ExtractSince(vector, sink);
    if (!extracted) ADD_FAILURE() << extracted.error().message;
    return sink.Take();
  }
  Result<MergeReport> Merge(const Bytes& delta) {
    ViewSource source(delta);
    return store->Merge(source);
  }
  // What `from` has and this replica lacks.
  MergeReport Pull(TestDatabase& from) {
    const auto vector = store->Vector();
    if (!vector) ADD_FAILURE() << vector.error().message;
    const auto merged = Merge(from.Delta(*vector));
    if (!merged) ADD_FAILURE() << merged.error().message;
    return merged.value_or(MergeReport{});
  }
  std::string DigestHex() {
    const auto digest = store->StateDigest(std::nullopt);
    return digest ? digest->Hex() : digest.error().message;
  }

  sqlite3* db = nullptr;
  ManualClock clock;
  SeededRandom random;
  std::shared_ptr<Engine> engine;
  std::unique_ptr<SqliteStore> store;
  std::string error;

 private:
  std::shared_ptr<Engine> FindEngine(sqlite3* handle, const std::string& schema,
                                     const Environment& environment) {
    auto& found = schema == "main" ? engine : attached_[schema];
    if (found == nullptr) found = NewEngine(handle, schema, environment);
    return found;
  }

  static int CollectRow(void* into, int count, char** values, char** /*names*/) {
    std::string row;
    for (int i = 0; i < count; ++i) {
      if (i > 0) row += "|";
      row += values[i] == nullptr ? "NULL" : values[i];
    }
    static_cast<std::vector<std::string>*>(into)->push_back(row);
    return 0;
  }

  std::map<std::string, std::shared_ptr<Engine>> attached_;
};

// Both ways, until neither has news for the other.
inline void Exchange(TestDatabase& a, TestDatabase& b) {
  a.Pull(b);
  b.Pull(a);
}

}  // namespace rejoin::testing
