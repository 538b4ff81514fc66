#include "store/sqlite/sql.h"

namespace rejoin {
namespace {

constexpr char kSavepoint[] = "SAVEPOINT rejoin__savepoint";
constexpr char kUndo[] = "ROLLBACK TO rejoin__savepoint";
constexpr char kRelease[] = "RELEASE rejoin__savepoint";
constexpr char kUndoAll[] = "ROLLBACK";

}  // namespace

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
  undo_all_.TryRun();
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
