#include "bench/database.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>

#include "base/os.h"

namespace rejoin::bench {
namespace {

double CpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double WallSeconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

void Die(const std::string& what) {
  std::fprintf(stderr, "rejoin-bench: %s\n", what.c_str());
  std::exit(1);
}

Spent Time(const std::function<void()>& work) {
  const double cpu = CpuSeconds();
  const double wall = WallSeconds();
  work();
  return {CpuSeconds() - cpu, WallSeconds() - wall};
}

Prepared::Prepared(sqlite3* db, const std::string& sql) {
  if (sqlite3_prepare_v2(db, sql.c_str(), -1, &statement_, nullptr) != SQLITE_OK) {
    Die(sql.substr(0, 200) + ": " + sqlite3_errmsg(db));
  }
}

Prepared::~Prepared() { sqlite3_finalize(statement_); }

bool Prepared::Step() {
  const int result = sqlite3_step(statement_);
  if (result != SQLITE_ROW && result != SQLITE_DONE) {
    Die(std::string(sqlite3_sql(statement_)).substr(0, 200) + ": " + sqlite3_errmsg(sqlite3_db_handle(statement_)));
  }
  return result == SQLITE_ROW;
}

void Prepared::Run() {
  while (Step()) continue;
  sqlite3_reset(statement_);
}

RunFolder::RunFolder(const std::string& within)
    : path_(within + "/rejoin-bench-" + std::to_string(SystemRandom().Draw64())) {
  std::error_code failed;
  if (!std::filesystem::create_directory(path_, failed)) Die("cannot make " + path_ + ": " + failed.message());
}

RunFolder::~RunFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Database::Database(const FileOptions& options, const std::string& name) : path_(options.folder + "/" + name + ".db") {
  Remove();
  if (sqlite3_open(path_.c_str(), &db_) != SQLITE_OK) Die("cannot open " + path_ + ": " + sqlite3_errmsg(db_));
  Exec("PRAGMA journal_mode = wal; PRAGMA synchronous = normal; PRAGMA temp_store = memory");
  Exec("PRAGMA cache_size = -" + std::to_string(options.cache_mb * 1000));
}

Database::~Database() {
  if (sqlite3_close(db_) != SQLITE_OK) std::fprintf(stderr, "rejoin-bench: %s stays open\n", path_.c_str());
  Remove();
}

void Database::Exec(const std::string& sql) {
  char* message = nullptr;
  if (sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, &message) == SQLITE_OK) return;
  Die(sql.substr(0, 200) + ": " + (message == nullptr ? "" : message));
}

std::string Database::Query(const std::string& sql, const std::string& blob) {
  Prepared statement(db_, sql);
  if (!blob.empty()) sqlite3_bind_blob64(statement.raw(), 1, blob.data(), blob.size(), SQLITE_STATIC);
  if (!statement.Step()) Die(sql + ": no row");
  const auto* const bytes = static_cast<const char*>(sqlite3_column_blob(statement.raw(), 0));
  return bytes == nullptr ? std::string()
                          : std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement.raw(), 0)));
}

void Database::Attach(const std::string& path, const std::string& schema) {
  Exec("ATTACH '" + path + "' AS " + schema);
}

std::uint64_t Database::FileBytes() {
  Exec("PRAGMA wal_checkpoint(TRUNCATE)");
  return std::filesystem::file_size(path_);
}

void Database::Remove() const {
  for (const char* const suffix : {"", "-wal", "-shm", "-journal", "-rejoin"}) {
    std::filesystem::remove(path_ + suffix);
  }
}

}  // namespace rejoin::bench
