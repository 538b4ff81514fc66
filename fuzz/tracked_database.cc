#include "fuzz/tracked_database.h"

#include "fuzz/require.h"
#include "store/sqlite/capture_table.h"

namespace rejoin::fuzz {
namespace {

constexpr std::size_t kMaxDeltaBytes = std::size_t{64} << 20;

void Copy(sqlite3* into, sqlite3* from) {
  sqlite3_backup* const copy = sqlite3_backup_init(into, "main", from, "main");
  Require(copy != nullptr, "a database can be copied");
  Require(sqlite3_backup_step(copy, -1) == SQLITE_DONE && sqlite3_backup_finish(copy) == SQLITE_OK, "whole");
}

}  // namespace

TrackedDatabase::TrackedDatabase(std::uint64_t seed, TrackedDatabase* original) : random_(seed) {
  Require(sqlite3_open(":memory:", &handle_) == SQLITE_OK, "a database opens");
  sqlite3_extended_result_codes(handle_, 1);
  if (original != nullptr) Copy(handle_, original->handle());
  const Environment environment{&clock_, &random_};
  engine_ = NewEngine(handle_, "main", environment);
  const int registered = RegisterCaptureModule(
      handle_, [engine = engine_](sqlite3*, const std::string&) { return engine; });
  Require(registered == SQLITE_OK, "the capture module registers");
  store_ = std::make_unique<SqliteStore>(engine_);
}

TrackedDatabase::~TrackedDatabase() {
  engine_->db.FinalizeAll();
  store_.reset();
  engine_.reset();
  Require(sqlite3_close(handle_) == SQLITE_OK, "no statement is left open");
}

void TrackedDatabase::Exec(const std::string& sql) {
  if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    Abort(sql + ": " + sqlite3_errmsg(handle_));
  }
}

void TrackedDatabase::Track(const std::string& table) {
  const auto tracked = store_->Track(table, {});
  if (!tracked) Abort("tracking: " + tracked.error().message);
}

Status TrackedDatabase::Pull(TrackedDatabase& from) {
  REJOIN_ASSIGN(const VersionVector vector, store_->Vector());
  BytesSink sink(kMaxDeltaBytes);
  REJOIN_TRY(from.store().ExtractSince(vector, sink));
  const Bytes delta = sink.Take();
  ViewSource source(delta);
  REJOIN_TRY(store_->Merge(source));
  return {};
}

}  // namespace rejoin::fuzz
