#include "store/sqlite/restamp.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "store/sqlite/row_record.h"

namespace rejoin {
namespace {

constexpr std::int64_t kBatchRecords = 10'000;

constexpr char kRestampRuns[] =
    "UPDATE {s}.rejoin__run SET replica = ?2 WHERE replica = ?1 AND time > ?3";

struct Renaming {
  ReplicaId from;
  ReplicaId to;
  HybridTimestamp after;

  bool Apply(Stamp& stamp) const {
    if (stamp.replica != from || stamp.time <= after) return false;
    stamp.replica = to;
    return true;
  }
};

// A remove that observed tags of both ids keeps the entry of the old one too.
bool RenameRemoves(const Renaming& renaming, RowState& state) {
  bool changed = false;
  std::optional<Remove> moved;
  for (Remove& remove : state.removes) {
    changed |= renaming.Apply(remove.stamp);
    if (remove.replica == renaming.from && remove.tag > renaming.after) {
      moved = Remove{renaming.to, remove.tag, remove.stamp};
      remove.tag = renaming.after;
      changed = true;
    }
  }
  if (moved) {
    RowState entry;
    entry.removes.push_back(*moved);
    Join(state, entry);
  }
  return changed;
}

bool Rename(const Renaming& renaming, PackedRow& row) {
  bool changed = renaming.Apply(row.table_birth);
  for (Incarnation& incarnation : row.state.incarnations) {
    changed |= renaming.Apply(incarnation.birth);
    for (Cell& cell : incarnation.cells) changed |= renaming.Apply(cell.stamp);
  }
  // Equal times under another id may stand in another order.
  std::sort(row.state.incarnations.begin(), row.state.incarnations.end(),
            [](const Incarnation& a, const Incarnation& b) { return a.birth < b.birth; });
  return RenameRemoves(renaming, row.state) || changed;
}

// Where the records of one table are kept by `id` (rowid, or key).
Status RestampRecords(Engine& engine, const TrackedTable& table, const Renaming& renaming,
                      const std::string& where, const std::string& id) {
  Value last;
  for (;;) {
    std::vector<std::pair<Value, Bytes>> rewritten;
    std::int64_t seen = 0;
    {
      REJOIN_ASSIGN(Statement read,
                    engine.db.Prepare("SELECT " + id + ", record FROM {s}." + where + " WHERE ?1 IS NULL OR " +
                                      id + " > ?1 ORDER BY " + id + " LIMIT ?2"));
      read.BindValue(1, last).Bind(2, kBatchRecords);
      for (;;) {
        REJOIN_ASSIGN(const bool row, read.Step());
        if (!row) break;
        ++seen;
        last = read.ColumnValue(0);
        REJOIN_ASSIGN(PackedRow packed, UnpackRecord({engine.catalog, table}, read.Text(1)));
        if (!Rename(renaming, packed)) continue;
        REJOIN_ASSIGN(Bytes record, PackRecord({engine.catalog, table}, packed));
        rewritten.emplace_back(last, std::move(record));
      }
    }
    for (const auto& [place, record] : rewritten) {
      REJOIN_ASSIGN(CachedStatement write, engine.db.Cached("UPDATE {s}." + where + " SET record = ?2 WHERE " +
                                                            id + " = ?1"));
      write->BindValue(1, place).BindBlob(2, record);
      REJOIN_TRY(write->Run());
    }
    if (seen < kBatchRecords) return {};
  }
}

}  // namespace

Status Restamp(Engine& engine, ReplicaNumber from, ReplicaNumber to, HybridTimestamp after) {
  const ReplicaId* const from_id = engine.catalog.Lookup(from);
  const ReplicaId* const to_id = engine.catalog.Lookup(to);
  if (from_id == nullptr || to_id == nullptr) {
    return Fail(Code::kInternal, "an unknown replica was to be renamed");
  }
  const Renaming renaming{*from_id, *to_id, after};
  {
    REJOIN_ASSIGN(CachedStatement runs, engine.db.Cached(kRestampRuns));
    runs->Bind(1, std::int64_t{from}).Bind(2, std::int64_t{to}).Bind(3, after.value);
    REJOIN_TRY(runs->Run());
  }
  for (const auto& table : engine.catalog.tables()) {
    REJOIN_TRY(RestampRecords(engine, *table, renaming, table->key_table(), "key"));
    const bool by_rowid = table->local && table->shape.kind != KeyKind::kWithoutRowid;
    if (by_rowid) REJOIN_TRY(RestampRecords(engine, *table, renaming, table->row_table(), "rowid"));
  }
  return {};
}

}  // namespace rejoin
