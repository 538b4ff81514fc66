#include "store/sqlite/row_access.h"

#include "store/sqlite/row_reader.h"

namespace rejoin {
namespace {

constexpr char kAddClash[] = "INSERT OR IGNORE INTO {s}.rejoin__clash(tbl, key) VALUES(?1, ?2)";
constexpr char kDropClash[] = "DELETE FROM {s}.rejoin__clash WHERE tbl = ?1 AND key = ?2";

}  // namespace

Result<LocatedRow> LoadRow(Engine& engine, const TrackedTable& table, const Key& key) {
  return RowReader(engine, table).Load(key);
}

Result<LocatedRow> LoadRowAt(Engine& engine, const TrackedTable& table, std::int64_t rowid) {
  return RowReader(engine, table).LoadAnyAt(rowid);
}

// The old record, unless the new one replaces it in its place.
Status RowSaver::DropOldRecord(const Key& key, const LocatedRow& before, bool now_keyed,
                               std::optional<std::int64_t> now_rowid) {
  if (!before.has_record) return {};
  if (before.keyed) {
    if (now_keyed) return {};
    REJOIN_ASSIGN(CachedStatement drop, engine_.db.Cached(sql_.drop_keyed));
    drop->BindBlob(1, key);
    return drop->Run();
  }
  if (now_rowid == before.rowid) return {};
  const bool indexed = table_.shape.kind == KeyKind::kIndexed;
  REJOIN_ASSIGN(CachedStatement drop,
                engine_.db.Cached(indexed ? sql_.drop_override_of : sql_.drop_override));
  Bytes hash;
  PutFixed64(hash, KeyHash(key));
  drop->Bind(1, before.rowid);
  if (indexed) drop->BindBlob(2, hash);
  return drop->Run();
}

Status RowSaver::Save(const Key& key, const LocatedRow& before, const RowState& state, bool in_table,
                      std::int64_t rowid) {
  const bool stored = !state.empty();
  const bool by_rowid = stored && in_table && table_.shape.kind != KeyKind::kWithoutRowid;
  const bool by_key = stored && !by_rowid;
  REJOIN_TRY(DropOldRecord(key, before, by_key,
                           by_rowid ? std::optional<std::int64_t>(rowid) : std::nullopt));
  if (stored) {
    const std::uint64_t hash = by_rowid && table_.shape.kind == KeyKind::kIndexed ? KeyHash(key) : 0;
    REJOIN_ASSIGN(const Bytes record, EncodeRecord({engine_.catalog, table_}, state, in_table, hash));
    REJOIN_ASSIGN(CachedStatement put,
                  engine_.db.Cached(by_rowid ? sql_.put_override : sql_.put_keyed));
    if (by_rowid) {
      put->Bind(1, rowid);
    } else {
      put->BindBlob(1, key);
    }
    put->BindBlob(2, record);
    REJOIN_TRY(put->Run());
  }
  const bool clash = HasKeyClash(state, table_.rules);
  if (clash == HasKeyClash(before.state, table_.rules)) return {};
  return ListClash(engine_, table_, key, clash);
}

Status ListClash(Engine& engine, const TrackedTable& table, const Key& key, bool clash) {
  REJOIN_ASSIGN(CachedStatement write, engine.db.Cached(clash ? kAddClash : kDropClash));
  write->Bind(1, std::int64_t{table.number}).BindBlob(2, key);
  return write->Run();
}

}  // namespace rejoin
