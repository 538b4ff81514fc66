// A row as its INSERT left it, without a RowState around it.
//
// Most rows are like that: one incarnation, every cell of which has the stamp of its birth,
// and no remove. A delta and a digest take such a row from where its values lie; a RowState
// of it, with a string for each value, costs more than all else that they do with it.
#pragma once

#include <span>

#include "crdt/delta.h"

namespace rejoin {

// Owns nothing: what it points to outlives the call that it is handed to.
struct InsertedRow {
  ByteView key;
  Stamp birth;
  std::span<const ColumnId> columns;  // ascending, each once
  std::span<const ValueView> values;  // of each of them
};

// The same row, for those who join it or look into it.
RowDelta RowDeltaOf(const InsertedRow& row);

}  // namespace rejoin
