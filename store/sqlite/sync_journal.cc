#include "store/sqlite/sync_journal.h"

namespace rejoin {

Status SyncJournal(Database& db) {
  sqlite3_file* file = nullptr;
  const int found = sqlite3_file_control(db.handle(), db.schema().c_str(), SQLITE_FCNTL_JOURNAL_POINTER,
                                         static_cast<void*>(&file));
  if (found != SQLITE_OK || file == nullptr || file->pMethods == nullptr) return {};
  const int synced = file->pMethods->xSync(file, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
  if (synced == SQLITE_OK) return {};
  const char* const path = sqlite3_db_filename(db.handle(), db.schema().c_str());
  return Fail(Code::kIo, std::string(path == nullptr ? "the database" : path) +
                             ": what was committed may not be on the disk yet (" + sqlite3_errstr(synced) +
                             "); check the disk");
}

}  // namespace rejoin
