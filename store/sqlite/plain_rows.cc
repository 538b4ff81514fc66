#include "store/sqlite/plain_rows.h"

#include <algorithm>

namespace rejoin {

bool IsPlain(const TrackedTable& table, const RowState& state) {
  if (state.incarnations.size() != 1 || !state.removes.empty()) return false;
  const Incarnation& only = state.incarnations.front();
  return std::all_of(only.cells.begin(), only.cells.end(), [&](const Cell& cell) {
    const TrackedColumn& column = table.columns[cell.column];
    return cell.stamp == only.birth && column.local && !MayAlter(column.affinity, cell.value);
  });
}

PlainRows::PlainRows(Engine& engine, const TrackedTable& table, MergeScope& scope)
    : engine_(engine), table_(table), writer_(engine, table, scope) {
  scope.Enter(table);
}

Result<bool> PlainRows::Insert(const Key& key, const RowState& state) {
  if (table_.shape.kind == KeyKind::kWithoutRowid || !IsPlain(table_, state)) return false;
  if (!runs_) {
    REJOIN_ASSIGN(runs_, RunAppender::BeginBeyondRecords(engine_, table_));
  }
  REJOIN_ASSIGN(const std::optional<std::int64_t> rowid, RowidFor(key));
  if (!rowid || *rowid <= runs_->high_rowid()) return false;

  const Incarnation& only = state.incarnations.front();
  image_.clear();
  for (const Cell& cell : only.cells) image_.push_back({cell.column, &cell.value});
  REJOIN_ASSIGN(const Written written, writer_.Insert(key, *rowid, image_));
  if (written != Written::kDone) return false;
  REJOIN_ASSIGN(const ColsetNumber colset, ColsetOf(only));
  const bool hashed = table_.shape.kind == KeyKind::kIndexed;
  REJOIN_TRY(runs_->Add(only.birth, colset, {*rowid, hashed ? KeyHash(key) : 0}));
  return true;
}

Status PlainRows::Finish() { return runs_ ? runs_->Finish() : Status(); }

// nullopt: the key is not one that the table takes.
Result<std::optional<std::int64_t>> PlainRows::RowidFor(const Key& key) {
  if (table_.shape.kind == KeyKind::kIndexed) {
    REJOIN_ASSIGN(const std::int64_t made, writer_.NewRowid());
    return std::optional<std::int64_t>(made);
  }
  ByteReader parts(key);
  const auto part = ReadKeyPart(parts);
  if (!part || part->type != ValueType::kInteger) return std::optional<std::int64_t>();
  return std::optional<std::int64_t>(static_cast<std::int64_t>(part->bits));
}

Result<ColsetNumber> PlainRows::ColsetOf(const Incarnation& incarnation) {
  const auto& cells = incarnation.cells;
  const bool known = colset_ != 0 && std::equal(colset_columns_.begin(), colset_columns_.end(),
                                                cells.begin(), cells.end(),
                                                [](ColumnId column, const Cell& cell) {
                                                  return column == cell.column;
                                                });
  if (known) return colset_;
  colset_columns_.clear();
  for (const Cell& cell : cells) colset_columns_.push_back(cell.column);
  REJOIN_ASSIGN(colset_, engine_.catalog.InternColset(table_.number, colset_columns_));
  return colset_;
}

}  // namespace rejoin
