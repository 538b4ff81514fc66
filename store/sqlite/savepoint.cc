#include "store/sqlite/sql.h"

namespace rejoin {
namespace {

constexpr char kSavepoint[] = "SAVEPOINT rejoin__savepoint";
constexpr char kUndo[] = "ROLLBACK TO rejoin__savepoint";
constexpr char kRelease[] = "RELEASE rejoin__savepoint";
constexpr char kUndoAll[] = "ROLLBACK";

}  // namespace

Status Database::CheckNothingIsOwed() const {
  if (owed_undos_ == 0) return {};
  return Fail(Code::kNoMemory, "what failed earlier could not be undone for want of memory, and must not be "
                               "committed; ROLLBACK, and do again what came after it");
}

// By its name: where the transaction has ended meanwhile there is none, which is an error too.
Status Database::UndoWhatIsOwed() {
  const auto run = [this](const char* sql) -> Status {
    ++writes_;
    const int result = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
    if (result != SQLITE_OK && result != SQLITE_ERROR) return Failed(result, sql);
    return {};
  };
  while (owed_undos_ > 0) {
    if (committing_) return CheckNothingIsOwed();
    REJOIN_TRY(run(kUndo));
    --owed_undos_;  // to release the outermost one commits
    const Status released = run(kRelease);
    if (released) continue;
    ++owed_undos_;
    return released;
  }
  return {};
}

Result<Savepoint> Savepoint::Begin(Database& db) {
  Savepoint savepoint;
  if (db.committing()) return savepoint;
  REJOIN_ASSIGN(savepoint.undo_all_, db.Prepare(kUndoAll));
  if (db.InTransaction()) {
    REJOIN_ASSIGN(savepoint.undo_, db.Prepare(kUndo));
    REJOIN_ASSIGN(savepoint.release_, db.Prepare(kRelease));
  }
  REJOIN_TRY(db.Run(kSavepoint));
  savepoint.db_ = &db;
  ++db.open_savepoints_;
  return savepoint;
}

Savepoint::~Savepoint() {
  if (db_ == nullptr) return;
  --db_->open_savepoints_;
  // A failed statement may have ended the whole transaction already.
  if (!db_->InTransaction()) return;
  if (undo_ && undo_.TryRun() && release_.TryRun()) return;
  if (!undo_all_.TryRun() && db_->InTransaction()) ++db_->owed_undos_;
}

Status Savepoint::Release() {
  if (db_ == nullptr) return {};
  --db_->open_savepoints_;  // the outermost commits
  const Status released = db_->Run(kRelease);
  if (released) {
    db_ = nullptr;
  } else {
    ++db_->open_savepoints_;
  }
  return released;
}

}  // namespace rejoin
