#include "bindings/sqlite/database_file.h"

#include <utility>

#include "bindings/sqlite/connection.h"
#include "bindings/sqlite/register.h"

namespace rejoin {
namespace {

constexpr char kReadSomething[] = "SELECT count(*) FROM {s}.sqlite_schema";
// How long other connections' locks are waited for: longer than any merge holds one.
constexpr int kBusyTimeoutMs = 10'000;

int FlagsOf(OpenMode mode) {
  switch (mode) {
    case OpenMode::kCreate:
      return SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    case OpenMode::kReadWrite:
      return SQLITE_OPEN_READWRITE;
    case OpenMode::kRead:
      return SQLITE_OPEN_READONLY;
  }
  return SQLITE_OPEN_READONLY;
}

Error OpenError(int result, const std::string& path) {
  switch (result & 0xff) {
    case SQLITE_CANTOPEN:
      return {Code::kIo, path + ": there is no such file, or it cannot be opened"};
    case SQLITE_NOTADB:
      return {Code::kCorrupt, path + ": this is not an SQLite database, or it is encrypted"};
    case SQLITE_CORRUPT:
      return {Code::kCorrupt, path + ": the database is damaged; what can be saved of it is saved by: "
                                     "sqlite3 FILE .recover | sqlite3 NEW.db"};
    case SQLITE_BUSY:
      return {Code::kBusy, path + ": another program has locked it; try again later"};
    default:
      return {Code::kIo, path + ": cannot be opened: " + sqlite3_errstr(result)};
  }
}

}  // namespace

Result<DatabaseFile> DatabaseFile::Open(const std::string& path, OpenMode mode) {
  return Open(path, mode, {&SystemClock(), &SystemRandom()});
}

Result<DatabaseFile> DatabaseFile::Open(const std::string& path, OpenMode mode,
                                        const Environment& environment) {
  if (path.empty()) return Fail(Code::kInvalidArgument, "the file's name is empty");
  DatabaseFile file;
  const int opened = sqlite3_open_v2(path.c_str(), &file.handle_, FlagsOf(mode), nullptr);
  file.lock_wait_ = std::make_unique<LockWait>(kBusyTimeoutMs);
  file.lock_wait_->Install(file.handle_);
  REJOIN_TRY(file.Begin(opened, path, environment));
  return file;
}

Result<DatabaseFile> DatabaseFile::OpenBeside(const std::string& path, const std::string& vfs) {
  DatabaseFile file;
  const int flags = FlagsOf(OpenMode::kReadWrite) | SQLITE_OPEN_PRIVATECACHE;
  const int opened =
      sqlite3_open_v2(path.c_str(), &file.handle_, flags, vfs.empty() ? nullptr : vfs.c_str());
  REJOIN_TRY(file.Begin(opened, path, {&SystemClock(), &SystemRandom()}));
  return file;
}

Status DatabaseFile::Begin(int opened, const std::string& path, const Environment& environment) {
  if (opened != SQLITE_OK) return tl::unexpected(OpenError(opened, path));
  sqlite3_extended_result_codes(handle_, 1);
  database_ = std::make_unique<Database>(handle_, "main");
  if (!database_->Exec(kReadSomething)) return tl::unexpected(OpenError(sqlite3_errcode(handle_), path));
  const int result = RegisterRejoin(handle_, environment, &connection_);
  if (result != SQLITE_OK) return tl::unexpected(OpenError(result, path));
  if (connection_ == nullptr) {
    return Fail(Code::kUnsupported, path + ": Rejoin is loaded into every connection of this program by "
                                           "sqlite3_auto_extension; load it where it is needed instead");
  }
  return {};
}

DatabaseFile::DatabaseFile(DatabaseFile&& other) noexcept { *this = std::move(other); }

DatabaseFile& DatabaseFile::operator=(DatabaseFile&& other) noexcept {
  std::swap(handle_, other.handle_);
  std::swap(lock_wait_, other.lock_wait_);
  std::swap(connection_, other.connection_);
  std::swap(database_, other.database_);
  return *this;
}

DatabaseFile::~DatabaseFile() {
  database_.reset();
  if (connection_ != nullptr) connection_->FinalizeStatements();
  sqlite3_close(handle_);
}

bool DatabaseFile::IsReadOnly() const { return sqlite3_db_readonly(handle_, "main") == 1; }

SqliteStore DatabaseFile::Store() { return connection_->Store(); }

}  // namespace rejoin
