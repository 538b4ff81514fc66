#include "store/sqlite/row_access.h"

#include "store/sqlite/runs.h"

namespace rejoin {
namespace {

constexpr char kAddClash[] = "INSERT OR IGNORE INTO {s}.rejoin__clash(tbl, key) VALUES(?1, ?2)";
constexpr char kDropClash[] = "DELETE FROM {s}.rejoin__clash WHERE tbl = ?1 AND key = ?2";

void TakeTableRow(const Statement& found, const TrackedTable& table, const RowSql& sql,
                  LocatedRow& row) {
  row.in_table = true;
  if (table.shape.kind != KeyKind::kWithoutRowid) row.rowid = found.Integer(0);
  row.table_values.resize(table.columns.size());
  for (std::size_t i = 0; i < sql.local.size(); ++i) {
    row.table_values[sql.local[i]] = found.ColumnValue(sql.values_at + static_cast<int>(i));
  }
}

std::uint64_t StoredHash(const TrackedTable& table, const Key& key) {
  return table.shape.kind == KeyKind::kIndexed ? KeyHash(key) : 0;
}

// Reads the record that `sql` finds, if any, into the row.
Result<bool> TakeRecord(Engine& engine, const TrackedTable& table, Statement& get,
                        std::uint64_t key_hash, LocatedRow& row) {
  REJOIN_ASSIGN(const bool found, get.Step());
  if (!found) return false;
  REJOIN_ASSIGN(DecodedRecord record,
                DecodeRecord({engine.catalog, table}, get.Text(0), [&row](ColumnId column) {
                  return row.table_values.empty() ? Value() : row.table_values[column];
                }));
  if (record.key_hash != key_hash) return WrongRow(table, row.rowid);
  row.state = std::move(record.state);
  row.has_record = true;
  return true;
}

Result<bool> TakeOverride(Engine& engine, const TrackedTable& table, const RowSql& sql,
                          const Key& key, LocatedRow& row) {
  REJOIN_ASSIGN(CachedStatement get, engine.db.Cached(sql.get_override));
  get->Bind(1, row.rowid);
  return TakeRecord(engine, table, *get, StoredHash(table, key), row);
}

Result<bool> TakeRun(Engine& engine, const TrackedTable& table, LocatedRow& row) {
  REJOIN_ASSIGN(const std::optional<Run> run, FindRun(engine, table, row.rowid));
  if (!run) return false;
  PackedRow packed = RowOfRun(table, *run);
  BringInline(packed, [&row](ColumnId column) { return std::optional<Value>(row.table_values[column]); });
  row.state = std::move(packed.state);
  return true;
}

Result<bool> TakeKeyed(Engine& engine, const RowSql& sql, const TrackedTable& table, const Key& key,
                       LocatedRow& row) {
  REJOIN_ASSIGN(CachedStatement get, engine.db.Cached(sql.get_keyed));
  get->BindBlob(1, key);
  REJOIN_ASSIGN(row.keyed, TakeRecord(engine, table, *get, 0, row));
  return row.keyed;
}

// Adds the state to what is known of the row in the user's table.
Status TakeState(Engine& engine, const TrackedTable& table, const RowSql& sql, const Key& key,
                 LocatedRow& row) {
  if (row.in_table && table.shape.kind != KeyKind::kWithoutRowid) {
    REJOIN_ASSIGN(const bool overridden, TakeOverride(engine, table, sql, key, row));
    if (overridden) return {};
    REJOIN_ASSIGN(const bool in_run, TakeRun(engine, table, row));
    if (in_run) return {};
  }
  // Of a row that came into the table unseen, what was known before it did.
  const auto keyed = TakeKeyed(engine, sql, table, key, row);
  if (!keyed) return tl::unexpected(keyed.error());
  return {};
}

// The old record, unless the new one replaces it in its place.
Status DropOldRecord(Engine& engine, const TrackedTable& table, const RowSql& sql, const Key& key,
                     const LocatedRow& before, bool now_keyed, std::optional<std::int64_t> now_rowid) {
  if (!before.has_record) return {};
  if (before.keyed) {
    if (now_keyed) return {};
    REJOIN_ASSIGN(CachedStatement drop, engine.db.Cached(sql.drop_keyed));
    drop->BindBlob(1, key);
    return drop->Run();
  }
  if (now_rowid == before.rowid) return {};
  const bool indexed = table.shape.kind == KeyKind::kIndexed;
  REJOIN_ASSIGN(CachedStatement drop,
                engine.db.Cached(indexed ? sql.drop_override_of : sql.drop_override));
  Bytes hash;
  PutFixed64(hash, KeyHash(key));
  drop->Bind(1, before.rowid);
  if (indexed) drop->BindBlob(2, hash);
  return drop->Run();
}

}  // namespace

Result<LocatedRow> LoadRow(Engine& engine, const TrackedTable& table, const Key& key) {
  const RowSql& sql = engine.row_sql.For(table);
  LocatedRow row;
  if (table.local) {
    REJOIN_ASSIGN(CachedStatement read, engine.db.Cached(sql.read_by_key));
    if (BindKey(*read, table, key)) {
      REJOIN_ASSIGN(const bool found, read->Step());
      // SQL calls keys equal that are not the same bytes (NOCASE, 1 and 1.0).
      Key found_key;
      const bool same = found && (table.shape.kind == KeyKind::kRowid ||
                                  (ReadRowKey(*read, sql, table.shape.kind, found_key) &&
                                   found_key == key));
      if (same) TakeTableRow(*read, table, sql, row);
    }
  }
  REJOIN_TRY(TakeState(engine, table, sql, key, row));
  return row;
}

Result<LocatedRow> LoadRowAt(Engine& engine, const TrackedTable& table, std::int64_t rowid) {
  const RowSql& sql = engine.row_sql.For(table);
  LocatedRow row;
  Key key;
  {
    REJOIN_ASSIGN(CachedStatement read, engine.db.Cached(sql.read_by_rowid));
    read->Bind(1, rowid);
    REJOIN_ASSIGN(const bool found, read->Step());
    if (!found) return row;
    TakeTableRow(*read, table, sql, row);
    if (!ReadRowKey(*read, sql, table.shape.kind, key)) return row;
  }
  REJOIN_TRY(TakeState(engine, table, sql, key, row));
  return row;
}

Status SaveRow(Engine& engine, const TrackedTable& table, const Key& key, const LocatedRow& before,
               const RowState& state, bool in_table, std::int64_t rowid) {
  const RowSql& sql = engine.row_sql.For(table);
  const bool stored = !state.empty();
  const bool by_rowid = stored && in_table && table.shape.kind != KeyKind::kWithoutRowid;
  const bool by_key = stored && !by_rowid;
  REJOIN_TRY(DropOldRecord(engine, table, sql, key, before, by_key,
                           by_rowid ? std::optional<std::int64_t>(rowid) : std::nullopt));
  if (stored) {
    REJOIN_ASSIGN(const Bytes record, EncodeRecord({engine.catalog, table}, state, in_table,
                                                   by_rowid ? StoredHash(table, key) : 0));
    REJOIN_ASSIGN(CachedStatement put,
                  engine.db.Cached(by_rowid ? sql.put_override : sql.put_keyed));
    if (by_rowid) {
      put->Bind(1, rowid);
    } else {
      put->BindBlob(1, key);
    }
    put->BindBlob(2, record);
    REJOIN_TRY(put->Run());
  }
  const bool clash = HasKeyClash(state, table.rules);
  if (clash == HasKeyClash(before.state, table.rules)) return {};
  return ListClash(engine, table, key, clash);
}

Status ListClash(Engine& engine, const TrackedTable& table, const Key& key, bool clash) {
  REJOIN_ASSIGN(CachedStatement write, engine.db.Cached(clash ? kAddClash : kDropClash));
  write->Bind(1, std::int64_t{table.number}).BindBlob(2, key);
  return write->Run();
}

}  // namespace rejoin
