// Rows of tests in the form that does without a RowState.
#pragma once

#include <vector>

#include "crdt/inserted_row.h"

namespace rejoin {

// Of a row with one incarnation, whose cells have the stamp of its birth. The row outlives it.
class WithoutState {
 public:
  explicit WithoutState(const RowDelta& row) : row_(row) {
    for (const Cell& cell : row.state.incarnations.at(0).cells) {
      columns_.push_back(cell.column);
      values_.push_back(cell.value);
    }
  }
  // Points into this and the row.
  InsertedRow row() const { return {row_.key, row_.state.incarnations.at(0).birth, columns_, values_}; }

 private:
  const RowDelta& row_;
  std::vector<ColumnId> columns_;
  std::vector<ValueView> values_;
};

}  // namespace rejoin
