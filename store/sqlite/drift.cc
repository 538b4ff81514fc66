#include "store/sqlite/drift.h"

#include <algorithm>

#include "store/sqlite/adopt.h"
#include "store/sqlite/columns.h"
#include "store/sqlite/events.h"
#include "store/sqlite/fold.h"
#include "store/sqlite/peers.h"
#include "store/sqlite/remap.h"
#include "store/sqlite/scan_point.h"
#include "store/sqlite/shown.h"
#include "store/sqlite/triggers.h"

namespace rejoin {
namespace {

constexpr char kSchemaCookie[] = "PRAGMA {s}.schema_version";
constexpr char kFindTrigger[] =
    "SELECT tbl_name FROM {s}.sqlite_schema WHERE type = 'trigger' AND name = ?1";

struct TriggerState {
  std::size_t present = 0;
  std::size_t expected = 0;
  std::string on_table;  // what SQLite says they are on: a renamed table takes them along
};

Result<TriggerState> FindTriggers(Engine& engine, const TrackedTable& table) {
  TriggerState state;
  for (const std::string& name : CaptureTriggerNames(table)) {
    ++state.expected;
    REJOIN_ASSIGN(CachedStatement find, engine.db.Cached(kFindTrigger));
    find->BindText(1, name);
    REJOIN_ASSIGN(const bool found, find->Step());
    if (!found) continue;
    ++state.present;
    state.on_table = std::string(find->Text(0));
  }
  return state;
}

// The schema, whose cookie has 32 bits, and what triggers say.
Value Fingerprint(std::int64_t cookie) {
  constexpr std::int64_t kCookies = std::int64_t{1} << 32;
  return Value::Integer(kTriggersVersion * kCookies + static_cast<std::uint32_t>(cookie));
}

Status MarkIncomplete(Engine& engine, std::string_view message) {
  // What is missing lies before every point.
  REJOIN_TRY(ForgetPoints(engine));
  REJOIN_TRY(engine.SetMeta("incomplete", Value::Integer(1)));
  return NoteEvent(engine, "schema", message);
}

// The table is gone, or is no longer one that can be tracked. Its metadata
// without its rows says nothing that could be handed on: it goes, and what peers
// know of the table is carried from now on.
Status TableIsGone(Engine& engine, TrackedTable& table, const std::string& why) {
  const std::string name = *table.local;
  const std::string number = std::to_string(table.number);
  REJOIN_TRY(DropCaptureTriggers(engine, table.number));
  table.local.reset();
  table.shape = {};
  for (TrackedColumn& column : table.columns) column.local.reset();
  REJOIN_TRY(engine.catalog.SaveTable(table));
  engine.db.FinalizeAll();
  for (const char* const from : {"rejoin__run", "rejoin__hash", "rejoin__hidden", "rejoin__clash"}) {
    REJOIN_TRY(engine.db.Exec("DELETE FROM {s}." + std::string(from) + " WHERE tbl = " + number));
  }
  REJOIN_TRY(engine.db.Exec("DROP TABLE IF EXISTS {s}." + table.row_table()));
  REJOIN_TRY(engine.db.Exec("UPDATE {s}.rejoin__table SET high_rowid = 0 WHERE number = " + number));
  REJOIN_TRY(ChangeLayout(engine));
  return MarkIncomplete(engine, "table " + name + " " + why +
                                    ": it is carried for others from now on; merge a full delta "
                                    "of a peer, or call rejoin_untrack('" +
                                    table.name + "')");
}

// Its triggers are gone: it was rebuilt, re-created or written without us.
Status TableWasRebuilt(Engine& engine, TrackedTable& table) {
  REJOIN_TRY(NoteEvent(engine, "schema",
                       "table " + *table.local +
                           " was rebuilt, or its triggers were dropped: its metadata was mapped "
                           "anew by key"));
  REJOIN_ASSIGN(const std::uint64_t missing, RemapRows(engine, table));
  if (missing == 0) return {};
  return MarkIncomplete(engine, "table " + *table.local + " lacks " + std::to_string(missing) +
                                    " rows that it had before it was rebuilt; they are not taken "
                                    "for deleted: merge a full delta of a peer to get them back");
}

Status FollowTable(Engine& engine, TrackedTable& table) {
  REJOIN_ASSIGN(const TriggerState triggers, FindTriggers(engine, table));
  const bool intact = triggers.present == triggers.expected;
  if (triggers.present > 0 && triggers.on_table != *table.local) {
    REJOIN_TRY(NoteEvent(engine, "schema", "table " + *table.local + " is now " + triggers.on_table));
    table.local = triggers.on_table;
    REJOIN_TRY(engine.catalog.SaveTable(table));
  }
  Result<TableShape> shape = ReadTableShape(engine.db, *table.local);
  if (!shape && shape.error().code == Code::kUnknownTable) {
    return TableIsGone(engine, table, "was dropped");
  }
  if (!shape && shape.error().code == Code::kNotTrackable) {
    return TableIsGone(engine, table, "cannot be tracked any more (" + shape.error().message + ")");
  }
  if (!shape) return Forward(shape);
  if (shape->key.size() != table.key_parts || shape->kind != table.shape.kind) {
    return TableIsGone(engine, table, "has another primary key now");
  }
  REJOIN_ASSIGN(const ColumnDrift drift, CompareColumns(engine, table, *shape, intact));
  const bool changed = !drift.empty();
  table.shape = std::move(*shape);
  REJOIN_ASSIGN(const bool moved, RowsHaveMoved(engine, table));
  // A new index may displace rows, and columns may have been adopted by a commit.
  REJOIN_ASSIGN(const bool current, CaptureTriggersAreCurrent(engine, table));
  if (intact && !changed && !moved && current) return {};

  REJOIN_TRY(ChangeLayout(engine));
  if (changed) REJOIN_TRY(ApplyColumnDrift(engine, table, drift));
  if (!drift.lost.empty()) {
    REJOIN_TRY(MarkIncomplete(engine, "table " + *table.local + " lost a column in a rebuild; use "
                                          "rejoin_drop_column to drop one: its values are asked "
                                          "for again from a peer"));
  }
  if (!intact || moved) REJOIN_TRY(TableWasRebuilt(engine, table));
  if (changed || !current) REJOIN_TRY(CreateCaptureTriggers(engine, table));
  if (!intact || moved) REJOIN_TRY(AdoptRows(engine, table, false));
  if (!drift.shown_now.empty()) REJOIN_TRY(ReshowRecords(engine, table));
  REJOIN_TRY(ShowHiddenAgain(engine, table, false));
  return {};
}

Status FollowInTransaction(Engine& engine) {
  // What was written under the old schema is folded under the old catalog.
  REJOIN_TRY(Fold(engine));
  for (const auto& table : engine.catalog.tables()) {
    if (table->local) REJOIN_TRY(FollowTable(engine, *table));
  }
  return RememberSchema(engine);
}

}  // namespace

Status FollowSchema(Engine& engine) {
  REJOIN_TRY(engine.catalog.Refresh());
  REJOIN_ASSIGN(const bool remembered, IsSchemaRemembered(engine));
  if (remembered) return {};
  // A file that cannot be written is read as it is.
  if (sqlite3_db_readonly(engine.db.handle(), engine.db.schema().c_str()) == 1) return {};

  const sqlite3_int64 rowid = sqlite3_last_insert_rowid(engine.db.handle());
  const Status followed = [&engine]() -> Status {
    REJOIN_ASSIGN(Savepoint savepoint, Savepoint::Begin(engine.db));
    REJOIN_TRY(FollowInTransaction(engine));
    return savepoint.Release();
  }();
  sqlite3_set_last_insert_rowid(engine.db.handle(), rowid);
  engine.catalog.Invalidate();
  if (!followed) return followed;
  REJOIN_TRY(engine.catalog.Refresh());
  return {};
}

Status AdoptSchemaChange(Engine& engine, TrackedTable& table) {
  REJOIN_TRY(Fold(engine));
  REJOIN_ASSIGN(TableShape shape, ReadTableShape(engine.db, *table.local));
  REJOIN_ASSIGN(const ColumnDrift drift, CompareColumns(engine, table, shape, true));
  table.shape = std::move(shape);
  // Triggers are made anew by the next FollowSchema: a commit is no place for DDL.
  return ApplyColumnDrift(engine, table, drift);
}

Result<bool> IsIncomplete(Engine& engine) {
  REJOIN_ASSIGN(const auto incomplete, engine.Meta("incomplete"));
  return incomplete.has_value();
}

Status MarkComplete(Engine& engine) {
  return engine.db.Exec("DELETE FROM {s}.rejoin__meta WHERE name = 'incomplete'");
}

Status RefuseIncomplete(Engine& engine) {
  REJOIN_ASSIGN(const bool incomplete, IsIncomplete(engine));
  if (!incomplete) return {};
  return Fail(Code::kNotCovered,
              "rows of a tracked table went missing (rejoin_log says which); merge a full "
              "rejoin_delta() of another replica first, or rejoin_untrack the table to let them go");
}

Result<std::int64_t> SchemaCookie(Engine& engine) {
  REJOIN_ASSIGN(CachedStatement read, engine.db.Cached(kSchemaCookie));
  REJOIN_TRY(read->Step());
  return read->Integer(0);
}

Result<bool> IsSchemaRemembered(Engine& engine) {
  REJOIN_ASSIGN(const std::int64_t cookie, SchemaCookie(engine));
  REJOIN_ASSIGN(const auto seen, engine.Meta("fingerprint"));
  return seen == Fingerprint(cookie);
}

Status RememberSchema(Engine& engine) {
  REJOIN_ASSIGN(const std::int64_t cookie, SchemaCookie(engine));
  return engine.SetMeta("fingerprint", Fingerprint(cookie));
}

Status DropColumnOf(Engine& engine, TrackedTable& table, const std::string& column) {
  REJOIN_TRY(Fold(engine));
  REJOIN_TRY(KeepValuesOf(engine, table, column));
  REJOIN_TRY(DropCaptureTriggers(engine, table.number));
  engine.db.FinalizeAll();
  REJOIN_TRY(engine.db.Exec("ALTER TABLE {s}." + QuoteName(*table.local) + " DROP COLUMN " +
                            QuoteName(column)));
  REJOIN_ASSIGN(table.shape, ReadTableShape(engine.db, *table.local));
  REJOIN_TRY(CreateCaptureTriggers(engine, table));
  return RememberSchema(engine);
}

}  // namespace rejoin
