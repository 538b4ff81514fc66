// The packed metadata of one row, and how it is told from the row itself.
//
// A record holds a RowState, less the values that stand in the user's table: a
// cell is *in the table* where it is the one that the row shows (ShownCells),
// belongs to the shown incarnation, its column is local, and the table keeps its
// value as it is (MayAlter says no). All others are inline. Which cells are in
// the table is part of the record, so a column that becomes local later keeps
// its inline values until somebody stores the row again. One that stops being
// local takes its values along: they have to be brought inline before (DropColumnOf
// does); what was not comes back without that cell. Bytes: docs/format.md.
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
  bool shown = false;
};
// `table_value` gives the value of a local column of the row in the user's table.
// kCorrupt names the table. A cell larger than the record is impossible.
Result<DecodedRecord> DecodeRecord(const RecordContext& context, ByteView record,
                                   const std::function<Value(ColumnId)>& table_value);

// --- Without the user's table ------------------------------------------------------

// A record as it stands: cells in the table have no value (NULL). Whoever stamps
// cells whose values the table has (folding does) need not read it.
struct PackedRow {
  RowState state;
  // The columns, ascending, whose cells in the incarnation born `table_birth` are
  // in the table. Where there are none, the birth means nothing.
  Stamp table_birth;
  std::vector<ColumnId> in_table;
  bool shown = false;
  std::uint64_t key_hash = 0;
};

Result<PackedRow> UnpackRecord(const RecordContext& context, ByteView record);
Result<Bytes> PackRecord(const RecordContext& context, const PackedRow& row);

// Gives every cell in the table its value, after which all of them are inline.
// A column for which `value` has none (nullopt) loses its cell.
void BringInline(PackedRow& row, const std::function<std::optional<Value>(ColumnId)>& value);

// The same without decoding it: a record that is not shown has all values inline.
inline constexpr std::uint8_t kRecordHasHash = 1;
inline constexpr std::uint8_t kRecordIsShown = 2;
inline bool IsShownRecord(ByteView record) {
  return !record.empty() && (static_cast<std::uint8_t>(record.front()) & kRecordIsShown) != 0;
}

// XXH3 of the key's bytes.
std::uint64_t KeyHash(ByteView key);

}  // namespace rejoin
