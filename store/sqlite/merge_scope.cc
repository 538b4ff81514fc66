#include "store/sqlite/merge_scope.h"

namespace rejoin {
namespace {

bool IsOn(sqlite3* db, int option) {
  int on = 0;
  sqlite3_db_config(db, option, -1, &on);
  return on != 0;
}

void Switch(sqlite3* db, int option, bool on) {
  if (IsOn(db, option) != on) sqlite3_db_config(db, option, on ? 1 : 0, nullptr);
}

}  // namespace

MergeScope::MergeScope(Engine& engine) : engine_(engine), outermost_(engine.merging == nullptr) {
  if (!outermost_) return;
  sqlite3* const db = engine_.db.handle();
  last_rowid_ = sqlite3_last_insert_rowid(db);
  foreign_keys_were_on_ = IsOn(db, SQLITE_DBCONFIG_ENABLE_FKEY);
  own_.triggers_were_on = IsOn(db, SQLITE_DBCONFIG_ENABLE_TRIGGER);
  Switch(db, SQLITE_DBCONFIG_ENABLE_FKEY, false);
  engine_.merging = &own_;
}

MergeScope::~MergeScope() {
  if (!outermost_) return;
  engine_.merging = nullptr;
  sqlite3* const db = engine_.db.handle();
  Switch(db, SQLITE_DBCONFIG_ENABLE_FKEY, foreign_keys_were_on_);
  Switch(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, own_.triggers_were_on);
  sqlite3_set_last_insert_rowid(db, last_rowid_);
}

void MergeScope::Enter(const TrackedTable& table) {
  engine_.merging->table = table.number;
  engine_.merging->key = nullptr;
  FireTriggers(table.fire_triggers);
}

void MergeScope::FireTriggers(bool on) {
  Switch(engine_.db.handle(), SQLITE_DBCONFIG_ENABLE_TRIGGER,
         on && engine_.merging->triggers_were_on);
}

}  // namespace rejoin
