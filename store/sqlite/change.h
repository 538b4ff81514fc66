// What a local transaction did to one row, as the log has it.
//
// Capture triggers append entries (capture_entry.h) in the order in which things
// happened; Coalesce (coalesce.h) turns those of one transaction into its net
// effect: only the difference between before and after counts.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "crdt/row_state.h"
#include "store/sqlite/catalog.h"

namespace rejoin {

enum class ChangeKind : std::uint8_t {
  kInsert = 1,  // absent before, present after; or present before with unknown values (REPLACE)
  kUpdate = 2,  // present before and after: `columns` changed
  kDelete = 3,  // present before, absent after: `old_values` has the row
  // In the capture buffer only: a row that the statement may be about to displace
  // (REPLACE). A delete where the row is gone at the commit.
  kProbe = 4,
};

// One change per key and transaction, but for one case: a row that REPLACE took,
// whose own row went again, is an insert directly followed by a delete. Nobody
// knows its values of before, so it goes with those that it had last.
struct Change {
  ChangeKind kind = ChangeKind::kInsert;
  TableNumber table = 0;
  std::uint64_t version = 0;      // TrackedTable::version at the commit
  Key key;                        // for KeyKind::kRowid too; empty where key_hash is there
  // Instead of the key, KeyHash of it: of an insert by a transaction that did nothing but
  // insert new rows into a table of KeyKind::kIndexed. See new_row_keys.h.
  std::optional<std::uint64_t> key_hash;
  std::int64_t rowid = 0;         // after the change; of the deleted row for kDelete; 0 WITHOUT ROWID
  std::int64_t old_rowid = 0;     // before it, where it is known that the row was there; else 0
  // Where the row came from another key: that key. Cells of columns unknown here
  // are copied from there.
  std::optional<Key> moved_from;
  // kUpdate: the changed columns, ascending; none where only the rowid changed.
  // kDelete: all local columns, with their values in old_values, but for those
  // larger than Limits::max_cell_bytes and those added since the triggers were made.
  std::vector<ColumnId> columns;
  std::vector<Value> old_values;
};

}  // namespace rejoin
