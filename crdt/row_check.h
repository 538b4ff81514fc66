// What a row in a delta has to be, told once for the writer and the reader:
// ordered, within its table's columns, of known ranks and with times. Not that the
// delta's end covers its stamps: a part of a first sync has no end, and a header may
// list only the entries that change (crdt/delta.h).
#pragma once

#include <cstddef>
#include <optional>

#include "crdt/delta.h"
#include "crdt/inserted_row.h"

namespace rejoin {

// What a row weighs against the limits of crdt/delta_format.h.
struct RowSize {
  std::size_t parts = 0;        // key values, incarnations, cells, removes
  std::uint64_t bytes = 0;      // key, and values as Value::size_bytes() counts them
  std::uint64_t largest_cell_bytes = 0;
};

RowSize SizeOf(const RowDelta& row, const DeltaTable& table);
RowSize SizeOf(const InsertedRow& row, const DeltaTable& table);

// The values of a key, which `values` then points into. False: it is not canonical, or not of
// exactly that many.
bool ReadKey(ByteView key, std::size_t key_parts, std::vector<ValueView>& values);

// Thread-compatible.
class RowChecker {
 public:
  // kUnsupported for a rank that this version does not know; otherwise `blame`,
  // with a message that is a clause: "its cells are not ascending by column".
  Status Check(const RowState& state, std::size_t columns, Code blame);
  Status Check(const InsertedRow& row, std::size_t columns, Code blame);

 private:
  bool IsKnownGood(const Stamp& stamp) const { return last_good_ == stamp; }
  Status CheckStamp(const Stamp& stamp, Code blame);

  std::optional<Stamp> last_good_;  // neighbours mostly share their stamp
};

}  // namespace rejoin
