// An SQLite file that is wholly ours, opened by a program of ours: nobody's tables
// but those that its owner makes. Closes the connection when destroyed.
//
// Not for the extension: that one lives in its host's connection, and never opens
// or closes a file.
#pragma once

#include <memory>
#include <string>

#include "store/sqlite/lock_wait.h"
#include "store/sqlite/sql.h"

namespace rejoin {

class SqliteFile {
 public:
  // A missing file is made; ":memory:" is one that goes with the object. kIo where
  // it cannot be opened; kReadOnly where it cannot be written. Names the path. Its
  // connection waits for others' locks as a LockWait does.
  static Result<SqliteFile> Open(const std::string& path, int busy_timeout_ms);

  SqliteFile(SqliteFile&& other) noexcept { *this = std::move(other); }
  SqliteFile& operator=(SqliteFile&& other) noexcept;
  ~SqliteFile();

  // On the schema main.
  Database& sql() { return *database_; }

 private:
  SqliteFile() = default;

  sqlite3* handle_ = nullptr;
  std::unique_ptr<LockWait> lock_wait_;  // SQLite knows its address
  std::unique_ptr<Database> database_;
};

}  // namespace rejoin
