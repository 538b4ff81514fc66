// A captured local write, in the buffer and in the log.
//
// Capture triggers append entries in the order in which things happened.
// Coalesce turns the entries of one transaction into its net effect, at most one
// per key: only the difference between before and after counts.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "crdt/row_state.h"
#include "store/sqlite/catalog.h"

namespace rejoin {

enum class ChangeKind : std::uint8_t {
  kInsert = 1,  // absent before, present after; or present before with unknown values (REPLACE)
  kUpdate = 2,  // present before and after: `columns` changed
  kDelete = 3,  // present before, absent after: `old_values` has the row
  // In the buffer only: a row that the statement may be about to displace
  // (REPLACE). Coalesce keeps it, as a delete, where the row is gone.
  kProbe = 4,
};

struct Change {
  ChangeKind kind = ChangeKind::kInsert;
  TableNumber table = 0;
  std::uint64_t version = 0;      // TrackedTable::version that its trigger was made for
  Key key;                        // for KeyKind::kRowid too
  std::int64_t rowid = 0;         // after the change; of the deleted row for kDelete; 0 WITHOUT ROWID
  std::int64_t old_rowid = 0;     // before it, where the row was there before; else 0
  // kInsert that followed a key change in the same statement: the key before.
  // Cells of columns unknown here are copied from there.
  std::optional<Key> moved_from;
  // kUpdate: changed columns, ascending. In the buffer with the values before
  // the change (old_values, parallel to it), in the log without.
  // kDelete, kProbe: all local columns with their values.
  std::vector<ColumnId> columns;
  std::vector<Value> old_values;
};

void EncodeChange(Bytes& out, const Change& change);
// Marks the reader failed on damage.
Change DecodeChange(ByteReader& reader);

}  // namespace rejoin
