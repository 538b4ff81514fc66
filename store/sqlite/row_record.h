// The packed metadata of one row, and how it is told from the row itself.
//
// A record holds a RowState, less the values that stand in the user's table: a
// cell is *in the table* where it is the one that the row shows (ShownCells),
// belongs to the shown incarnation, its column is local, and the table keeps its
// value as it is (MayAlter says no). All others are inline. Bytes: docs/format.md.
#pragma once

#include <functional>

#include "crdt/row_state.h"
#include "store/sqlite/catalog.h"

namespace rejoin {

struct RecordContext {
  Catalog& catalog;
  const TrackedTable& table;
};

// `shown`: the user's table holds the row. False: every value is inline.
// `key_hash`: of the row's key where KeyKind is kIndexed, else 0 (not stored).
Result<Bytes> EncodeRecord(const RecordContext& context, const RowState& state, bool shown,
                           std::uint64_t key_hash);

struct DecodedRecord {
  RowState state;
  std::uint64_t key_hash = 0;
};
// `table_value` gives the value of a local column of the row in the user's table.
// kCorrupt names the table. A cell larger than the record is impossible.
Result<DecodedRecord> DecodeRecord(const RecordContext& context, ByteView record,
                                   const std::function<Value(ColumnId)>& table_value);

// XXH3 of the key's bytes.
std::uint64_t KeyHash(const Key& key);

}  // namespace rejoin
