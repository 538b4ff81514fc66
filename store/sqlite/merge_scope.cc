#include "store/sqlite/merge_scope.h"

#include "store/sqlite/drift.h"

namespace rejoin {
namespace {

constexpr char kFindTrigger[] =
    "SELECT 1 FROM {s}.sqlite_schema WHERE type = 'trigger' AND name NOT GLOB 'rejoin__*' LIMIT 1";
constexpr char kListSchemas[] = "PRAGMA database_list";
constexpr char kFindTemporary[] = "SELECT 1 FROM temp.sqlite_master WHERE type = 'trigger' LIMIT 1";

Result<bool> Any(Engine& engine, const char* sql) {
  REJOIN_ASSIGN(CachedStatement find, engine.db.Cached(sql));
  return find->Step();
}

// temp is listed only once it is used: to ask for it before would make its file.
Result<bool> HasTemporaryTriggers(Engine& engine) {
  {
    REJOIN_ASSIGN(CachedStatement list, engine.db.Cached(kListSchemas));
    bool used = false;
    for (;;) {
      REJOIN_ASSIGN(const bool row, list->Step());
      if (!row) break;
      used = used || list->Text(1) == "temp";
    }
    if (!used) return false;
  }
  return Any(engine, kFindTemporary);
}

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
}

Result<std::optional<std::int64_t>> MergeScope::SpareTriggers(bool few_rows) {
  REJOIN_ASSIGN(const bool temporary, HasTemporaryTriggers(engine_));
  if (!few_rows && !temporary) return std::optional<std::int64_t>();
  REJOIN_ASSIGN(const std::int64_t cookie, SchemaCookie(engine_));
  if (engine_.cookie_without_triggers != cookie) {
    REJOIN_ASSIGN(const bool has_triggers, Any(engine_, kFindTrigger));
    if (has_triggers) return std::optional<std::int64_t>();
    // What a transaction makes and takes back again leaves its cookie for something else.
    if (!engine_.db.InTransaction()) engine_.cookie_without_triggers = cookie;
  }
  engine_.merging->ours_may_fire = true;
  return std::optional<std::int64_t>(cookie);
}

void MergeScope::Enter(const TrackedTable& table) {
  engine_.merging->table = table.number;
  engine_.merging->key = nullptr;
  if (table.fire_triggers || !engine_.merging->ours_may_fire) FireTriggers(table.fire_triggers);
}

void MergeScope::FireTriggers(bool on) {
  if (!on) engine_.merging->ours_may_fire = false;
  Switch(engine_.db.handle(), SQLITE_DBCONFIG_ENABLE_TRIGGER,
         on && engine_.merging->triggers_were_on);
}

}  // namespace rejoin
