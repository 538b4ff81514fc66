// All rows of a table with their states: the user's table and the metadata side
// by side, in one ordered pass.
#pragma once

#include <functional>

#include "crdt/delta.h"
#include "store/sqlite/engine.h"

namespace rejoin {

// A row's news; it is the visitor's to keep.
using RowVisitor = std::function<Status(RowDelta&&)>;

// Calls `visit` with what the holder of `since` lacks of each row, rows without
// news left out: first rows in the table, ascending by rowid (in no order WITHOUT
// ROWID), then those that are not, ascending by key. Values of rows without news
// are not read. Rows with a NULL in the key are local. kCorrupt where metadata
// belongs to a row with another key. The log is folded.
Status ScanTable(Engine& engine, const TrackedTable& table, const VersionVector& since,
                 const RowVisitor& visit);

// Cells beyond Limits::max_cell_bytes stay here, and so do the largest of a row
// that is too large for a delta. Returns whether any was left out.
bool LeaveOutLarge(const Limits& limits, RowState& state);

}  // namespace rejoin
