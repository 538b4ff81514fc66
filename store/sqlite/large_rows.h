// What is too large for a delta: it stays on this replica, and is listed.
//
// Such a row is in its table like any other. Its entry in rejoin__hidden gives way
// to that of a row which the table cannot show, and goes when nothing in the row is
// too large any more: after a fold or a merge that touched it.
#pragma once

#include <cstdint>

#include "crdt/inserted_row.h"
#include "store/sqlite/engine.h"

namespace rejoin {

enum class Large : std::uint8_t {
  kNothing,
  kCell,  // a cell beyond Limits::max_cell_bytes
  kRow,   // together its cells are more than a delta carries: its largest
  kKey,   // a value of the key is beyond the limit: the whole row
};

// What of the row stays here.
Large FindLarge(const Limits& limits, const Key& key, const RowState& state);
// FindLarge would find something.
bool IsAnythingLarge(const Limits& limits, const InsertedRow& row);
// Takes that out of it; of a row that stays as a whole nothing is left.
Large LeaveOutLarge(const Limits& limits, RowDelta& row);

struct LargeRow {
  TableNumber table = 0;
  Key key;
  Large what = Large::kNothing;
};
Status ListLarge(Engine& engine, const LargeRow& row);
// Takes it from the list, where it is there for that reason.
Status UnlistLarge(Engine& engine, TableNumber table, const Key& key);
Result<bool> IsListedLarge(Engine& engine, TableNumber table, const Key& key);
Result<bool> IsAnyListedLarge(Engine& engine, TableNumber table);

}  // namespace rejoin
