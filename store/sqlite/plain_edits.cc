#include "store/sqlite/plain_edits.h"

#include <algorithm>

#include "store/sqlite/large_rows.h"

namespace rejoin {
namespace {

// The UPDATE compares as many columns, in an expression that deep; SQLite takes 1,000 of them.
constexpr std::size_t kMaxChanged = 64;

// All of it stands in the table, and it is one life that nobody has ended.
bool StandsInTable(const PackedRow& row) {
  const auto& lives = row.state.incarnations;
  return row.shown && lives.size() == 1 && row.state.removes.empty() && lives.front().birth == row.table_birth &&
         lives.front().cells.size() == row.in_table.size();
}

}  // namespace

Result<bool> PlainEdits::MayTake(Engine& engine, const TrackedTable& table) {
  if (!table.local || table.fire_triggers || !table.shape.uniques.empty()) return false;
  // An edit may make a row small enough to travel, which takes looking at all of it.
  REJOIN_ASSIGN(const bool any_large, IsAnyListedLarge(engine, table.number));
  return !any_large;
}

PlainEdits::PlainEdits(Engine& engine, const TrackedTable& table, MergeScope& scope)
    : engine_(engine), table_(table), writer_(engine, table, scope) {
  scope.Enter(table);
}

Result<PlainEdits::Found> PlainEdits::Read(RowReader& reader, RowDelta& row, std::optional<std::int64_t> rowid,
                                           std::vector<PlainEdit>& edits) {
  if (row.state.incarnations.size() != 1 || !row.state.removes.empty()) return Found::kOther;
  const Incarnation& theirs = row.state.incarnations.front();
  REJOIN_ASSIGN(PackedRow* const packed, reader.PackedAt(row.key, rowid));
  if (packed == nullptr || !StandsInTable(*packed) || packed->table_birth != theirs.birth) return Found::kOther;

  Image changed;
  auto& ours = packed->state.incarnations.front().cells;
  auto at = ours.begin();
  for (const Cell& cell : theirs.cells) {
    while (at != ours.end() && at->column < cell.column) ++at;
    if (at == ours.end() || at->column != cell.column) return Found::kOther;
    if (cell.stamp < at->stamp) continue;
    if (cell.stamp == at->stamp) {
      REJOIN_ASSIGN(const bool same, reader.HasValue(row.key, rowid, cell.column, cell.value));
      if (!same) return Found::kOther;  // two values under one stamp?
      continue;
    }
    if (MayAlter(table_.columns[cell.column].affinity, cell.value)) return Found::kOther;
    changed.push_back({cell.column, &cell.value});
    at->stamp = cell.stamp;
  }
  if (changed.empty()) {
    // What somebody removed unseen comes back.
    REJOIN_ASSIGN(const bool there, reader.IsThere(row.key, rowid));
    return there ? Found::kKnown : Found::kOther;
  }
  if (changed.size() > kMaxChanged) return Found::kOther;
  REJOIN_ASSIGN(Bytes record, PackRecord({engine_.catalog, table_}, *packed));
  edits.push_back({&row, rowid, std::move(changed), std::move(record)});
  return Found::kNews;
}

Result<bool> PlainEdits::Write(const PlainEdit& edit) {
  const Key& key = edit.row->key;
  REJOIN_ASSIGN(const Written written, writer_.UpdateDiffering(key, edit.rowid.value_or(0), edit.changed));
  if (written != Written::kDone) return false;
  if (!put_) {
    const RowSql& sql = engine_.row_sql.For(table_);
    REJOIN_ASSIGN(put_, engine_.db.Prepare(edit.rowid ? sql.put_override : sql.put_keyed));
  }
  if (edit.rowid) {
    put_.Bind(1, *edit.rowid);
  } else {
    put_.BindBlob(1, key);
  }
  put_.BindBlob(2, edit.record);
  REJOIN_TRY(put_.Run());
  return true;
}

}  // namespace rejoin
