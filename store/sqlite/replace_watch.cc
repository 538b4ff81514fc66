#include "store/sqlite/replace_watch.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "store/sqlite/meta_schema.h"
#include "store/sqlite/sql_text.h"

namespace rejoin {
namespace {

// To look at the schemas costs about as much as to look for a row.
constexpr std::uint64_t kRowsLookedFor = 2;

constexpr char kListSchemas[] = "PRAGMA database_list";
constexpr char kReadTriggers[] = ".sqlite_master WHERE type = 'trigger'";
constexpr std::string_view kOwnTriggers = "rejoin__";

bool Mentions(std::string_view text, std::string_view lower_case) {
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b; };
  return std::search(text.begin(), text.end(), lower_case.begin(), lower_case.end(), same) != text.end();
}

Result<std::int64_t> CookieOf(Database& db, const std::string& schema) {
  REJOIN_ASSIGN(CachedStatement read, db.Cached("PRAGMA " + QuoteName(schema) + ".schema_version"));
  REJOIN_TRY(read->Step());
  return read->Integer(0);
}

Result<bool> HasReplacingTrigger(Database& db, const std::string& schema) {
  REJOIN_ASSIGN(Statement triggers, db.Prepare("SELECT name, sql FROM " + QuoteName(schema) + kReadTriggers));
  for (;;) {
    REJOIN_ASSIGN(const bool row, triggers.Step());
    if (!row) return false;
    const bool own = triggers.Text(0).substr(0, kOwnTriggers.size()) == kOwnTriggers;
    if (!own && Mentions(triggers.Text(1), "replace")) return true;
  }
}

void Ask(sqlite3_context* context, int, sqlite3_value**) {
  const auto& watch = *static_cast<const std::shared_ptr<ReplaceWatch>*>(sqlite3_user_data(context));
  sqlite3_result_int(context, watch->looks() ? 1 : 0);
}

}  // namespace

void ReplaceWatch::Forget(bool rolled_back) {
  rows_ = 0;
  spares_ = false;
  if (rolled_back) schemas_.clear();
}

Status ReplaceWatch::NoteInsert(Engine& engine) {
  if (sqlite3_vtab_on_conflict(engine.db.handle()) == SQLITE_REPLACE) {
    if (!spares_) return {};
    return Fail(Code::kInternal, "a statement began to REPLACE in its middle; please report it");
  }
  if (spares_ || ++rows_ != kRowsLookedFor) return {};
  REJOIN_ASSIGN(const bool replaces, AnyTriggerReplaces(engine.db));
  spares_ = !replaces;
  return {};
}

// A trigger's own statement may say REPLACE where the one that fired it does not.
Result<bool> ReplaceWatch::AnyTriggerReplaces(Database& db) {
  // temp is listed only once it is used: to ask for it would make its file.
  std::vector<std::string> names;
  {
    REJOIN_ASSIGN(CachedStatement list, db.Cached(kListSchemas));
    for (;;) {
      REJOIN_ASSIGN(const bool row, list->Step());
      if (!row) break;
      names.emplace_back(list->Text(1));
    }
  }
  bool any = false;
  for (const std::string& name : names) {
    REJOIN_ASSIGN(const std::int64_t cookie, CookieOf(db, name));
    Schema& schema = schemas_[name];
    if (schema.cookie != cookie) {
      schema.cookie = -1;
      REJOIN_ASSIGN(schema.has_replacing_trigger, HasReplacingTrigger(db, name));
      schema.cookie = cookie;
    }
    any = any || schema.has_replacing_trigger;
  }
  return any;
}

int RegisterReplaceWatch(sqlite3* db, const std::shared_ptr<ReplaceWatch>& watch) {
  auto owned = std::make_unique<std::shared_ptr<ReplaceWatch>>(watch);
  return sqlite3_create_function_v2(
      db, kCaptureModule, 0, SQLITE_UTF8 | SQLITE_INNOCUOUS, owned.release(), Ask, nullptr, nullptr,
      [](void* aux) { delete static_cast<std::shared_ptr<ReplaceWatch>*>(aux); });
}

}  // namespace rejoin
