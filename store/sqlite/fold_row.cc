#include "store/sqlite/fold_row.h"

#include <algorithm>
#include <iterator>

namespace rejoin {
namespace {

// From here on the table holds `columns` of the incarnation. What it held of
// another one was overwritten by whoever wrote the table, and is gone.
void HoldInTable(PackedRow& row, const Stamp& birth, const std::vector<ColumnId>& columns) {
  if (row.in_table.empty() || row.table_birth != birth) {
    BringInline(row, [](ColumnId) { return std::nullopt; });
    row.table_birth = birth;
    row.in_table = columns;
    return;
  }
  std::vector<ColumnId> both;
  std::set_union(row.in_table.begin(), row.in_table.end(), columns.begin(), columns.end(),
                 std::back_inserter(both));
  row.in_table = std::move(both);
}

// The values are in the table, so the cells carry none.
std::vector<Cell> CellsOf(const std::vector<ColumnId>& columns, const std::vector<Cell>& carried) {
  std::vector<Cell> cells;
  cells.reserve(columns.size() + carried.size());
  for (const ColumnId column : columns) cells.push_back({column, {}, {}});
  cells.insert(cells.end(), carried.begin(), carried.end());
  return cells;
}

void Insert(const LocalChange& to_apply, PackedRow& row) {
  const Stamp& stamp = to_apply.stamp;
  Join(row.state, InsertDelta(stamp, CellsOf(to_apply.local, to_apply.carried)));
  HoldInTable(row, stamp, to_apply.local);
}

// Stamps columns of the incarnation born `birth`.
void Edit(const LocalChange& to_apply, const Stamp& birth, const std::vector<ColumnId>& columns,
          PackedRow& row) {
  RowState delta = InsertDelta(to_apply.stamp, CellsOf(columns, to_apply.carried));
  delta.incarnations.front().birth = birth;
  Join(row.state, delta);
  HoldInTable(row, birth, columns);
}

void ApplyInsert(const LocalChange& to_apply, PackedRow& row) {
  const Incarnation* const shown = ShownIncarnation(row.state, to_apply.table.rules);
  if (shown == nullptr || to_apply.stamp.rank == Rank::kAdopted) return Insert(to_apply, row);
  const Stamp birth = shown->birth;
  Edit(to_apply, birth, to_apply.local, row);
}

void ApplyUpdate(const LocalChange& to_apply, PackedRow& row) {
  const auto& columns = to_apply.table.columns;
  std::vector<ColumnId> changed;
  for (const ColumnId column : to_apply.change.columns) {
    if (column < columns.size() && columns[column].local) changed.push_back(column);
  }
  const RowRules rules = to_apply.table.rules;
  const Incarnation* const shown = ShownIncarnation(row.state, rules);
  if (shown != nullptr) {
    const Stamp birth = shown->birth;
    return Edit(to_apply, birth, changed, row);
  }
  // The user saw a row that is absent by its state (it was not tracked well, or
  // adopted over a delete): his edit brings it back.
  if (row.in_table.empty() || rules.delete_wins) return Insert(to_apply, row);
  const Stamp birth = row.table_birth;
  Edit(to_apply, birth, changed, row);
}

void ApplyDelete(const LocalChange& to_apply, PackedRow& row) {
  const Change& change = to_apply.change;
  BringInline(row, [&change](ColumnId column) -> std::optional<Value> {
    const auto at = std::lower_bound(change.columns.begin(), change.columns.end(), column);
    if (at == change.columns.end() || *at != column) return std::nullopt;
    return change.old_values[static_cast<std::size_t>(at - change.columns.begin())];
  });
  auto& incarnations = row.state.incarnations;
  incarnations.erase(std::remove_if(incarnations.begin(), incarnations.end(),
                                    [&to_apply](const Incarnation& incarnation) {
                                      return incarnation.birth == to_apply.stamp;
                                    }),
                     incarnations.end());
  if (!IsPresent(row.state, to_apply.table.rules)) return;
  Join(row.state, DeleteDelta(row.state, to_apply.stamp));
}

}  // namespace

void Apply(const LocalChange& local_change, PackedRow& row) {
  switch (local_change.change.kind) {
    case ChangeKind::kInsert:
      row.shown = true;
      return ApplyInsert(local_change, row);
    case ChangeKind::kUpdate:
      row.shown = true;
      return ApplyUpdate(local_change, row);
    case ChangeKind::kDelete:
      row.shown = false;
      return ApplyDelete(local_change, row);
    case ChangeKind::kProbe:
      return;  // of the capture buffer only
  }
}

std::vector<Cell> CarriedCells(const TrackedTable& table, const RowState& from, const RowState& to) {
  const std::vector<const Cell*> there = ShownCells(to, table.rules);
  std::vector<const Cell*> source = ShownCells(from, table.rules);
  if (source.empty() && !from.incarnations.empty()) {
    // Deleted a moment ago, by an earlier part of the same transaction.
    for (const Cell& cell : from.incarnations.back().cells) source.push_back(&cell);
  }
  std::vector<Cell> cells;
  for (const Cell* cell : source) {
    if (cell->column >= table.columns.size() || table.columns[cell->column].local) continue;
    const bool same = std::any_of(there.begin(), there.end(), [cell](const Cell* other) {
      return other->column == cell->column && other->value == cell->value;
    });
    if (!same) cells.push_back(*cell);
  }
  return cells;
}

}  // namespace rejoin
