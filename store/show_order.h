// Which of two rows that share a UNIQUE value is shown: the one rule of it.
#pragma once

#include <vector>

#include "crdt/row_state.h"

namespace rejoin {

// A row's place in the order in which rows are taken: greater stamps first, then
// lesser keys. A row is shown unless it shares a UNIQUE value with one taken.
//
// The stamp is the largest among the shown cells of `unique_columns` (all columns
// of all UNIQUE constraints, any order); where none of them has a cell, the birth
// of the shown incarnation. The row is present.
Stamp ShowStamp(const RowState& state, RowRules rules, const std::vector<ColumnId>& unique_columns);

}  // namespace rejoin
