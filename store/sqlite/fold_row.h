// What one local change does to the packed state of its row. Pure: values that
// the user's table holds are not needed, since whatever a change writes is there.
#pragma once

#include <vector>

#include "store/sqlite/change.h"
#include "store/sqlite/row_record.h"

namespace rejoin {

struct LocalChange {
  const TrackedTable& table;
  const std::vector<ColumnId>& local;  // Catalog::LocalColumns(table)
  const Change& change;
  Stamp stamp;
  // For a key change: cells of columns unknown here, from the key before.
  std::vector<Cell> carried;
};

// Joins the change into `row`; `row.shown` tells afterwards whether the table
// holds the row.
//
// An insert may be followed by a delete of the same transaction (change.h). Both have its stamp,
// which nobody else has seen yet, so the delete takes back what was inserted.
void Apply(const LocalChange& local_change, PackedRow& row);

// What the row shows in columns that are unknown here, where `to` does not show
// the same: the cells that a change of key takes along.
std::vector<Cell> CarriedCells(const TrackedTable& table, const RowState& from, const RowState& to);

}  // namespace rejoin
