#include "store/sqlite/sqlite_file.h"

#include <utility>

namespace rejoin {

Result<SqliteFile> SqliteFile::Open(const std::string& path, int busy_timeout_ms) {
  if (path.empty()) return Fail(Code::kInvalidArgument, "the file's name is empty");
  SqliteFile file;
  const int result = sqlite3_open_v2(path.c_str(), &file.handle_,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  if (result != SQLITE_OK) {
    return Fail(Code::kIo, path + ": cannot be opened: " + sqlite3_errstr(result));
  }
  sqlite3_extended_result_codes(file.handle_, 1);
  file.lock_wait_ = std::make_unique<LockWait>(busy_timeout_ms);
  file.lock_wait_->Install(file.handle_);
  if (sqlite3_db_readonly(file.handle_, "main") == 1) {
    return Fail(Code::kReadOnly, path + ": the file can only be read; look at its permissions");
  }
  file.database_ = std::make_unique<Database>(file.handle_, "main");
  return file;
}

SqliteFile& SqliteFile::operator=(SqliteFile&& other) noexcept {
  std::swap(handle_, other.handle_);
  std::swap(lock_wait_, other.lock_wait_);
  std::swap(database_, other.database_);
  return *this;
}

SqliteFile::~SqliteFile() {
  database_.reset();
  sqlite3_close(handle_);
}

}  // namespace rejoin
