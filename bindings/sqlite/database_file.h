// An SQLite file that a program of ours has opened, with Rejoin registered: for
// programs that are their own host. Closes the connection when destroyed.
#pragma once

#include <memory>
#include <string>

#include "store/sqlite/lock_wait.h"
#include "store/sqlite/sqlite_store.h"

namespace rejoin {

class Connection;

enum class OpenMode {
  kCreate,     // a missing file is made
  kReadWrite,  // a missing file is an error
  kRead,       // nothing is written, not even by SQLite's own recovery
};

class DatabaseFile {
 public:
  // Rejoin registered with the system's clock and chance, or with `environment`.
  // kIo where the file is missing or cannot be opened; kCorrupt where it is no
  // database; both name it. A file that can only be read is opened for reading. Others'
  // locks are waited for, for ten seconds: kBusy.
  static Result<DatabaseFile> Open(const std::string& path, OpenMode mode);
  static Result<DatabaseFile> Open(const std::string& path, OpenMode mode,
                                   const Environment& environment);

  // A second connection of a process to a file that its host has open, through the host's
  // VFS. It waits for no lock, and shares no cache.
  static Result<DatabaseFile> OpenBeside(const std::string& path, const std::string& vfs);

  DatabaseFile(DatabaseFile&& other) noexcept;
  DatabaseFile& operator=(DatabaseFile&& other) noexcept;
  ~DatabaseFile();

  // On the schema main.
  Database& sql() { return *database_; }
  bool IsReadOnly() const;
  SqliteStore Store();

 private:
  DatabaseFile() = default;
  Status Begin(int opened, const std::string& path, const Environment& environment);

  sqlite3* handle_ = nullptr;
  std::unique_ptr<LockWait> lock_wait_;  // none: it does not wait. SQLite knows its address
  std::shared_ptr<Connection> connection_;
  std::unique_ptr<Database> database_;
};

}  // namespace rejoin
