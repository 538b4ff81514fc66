// All rows of a table with their states: the user's table and the metadata side
// by side, in one ordered pass, which may be broken off and gone on with later.
#pragma once

#include <cstdint>
#include <limits>

#include "crdt/inserted_row.h"
#include "store/sqlite/engine.h"

namespace rejoin {

// Where a scan of a table stands. First come the rows in the table, by rowid, then
// those that are not, by key (WITHOUT ROWID: all of them, by key). Rows beyond the last
// one that a stretch had when the scan came to it are not visited: or a scan would
// not end while somebody appends.
struct ScanPlace {
  bool in_table = false;
  std::int64_t rowid = std::numeric_limits<std::int64_t>::min();  // in_table: of the next row, or less
  std::int64_t last_rowid = 0;
  Key key;  // not in_table: of the next row, or less
  Key last_key;  // or the beginning of it; empty: there is none

  friend bool operator==(const ScanPlace&, const ScanPlace&) = default;
};

// A place tells so much of a key. A scan stops at no longer one.
inline constexpr std::size_t kMaxPlaceKeyBytes = std::size_t{64} << 10;

Result<ScanPlace> BeginningOf(Engine& engine, const TrackedTable& table);

// Takes a row's news. False: the scan is to stop behind it.
class RowVisitor {
 public:
  virtual ~RowVisitor() = default;
  virtual Result<bool> Take(RowDelta&& row) = 0;
  // Of a row in a run, which is news as a whole.
  virtual Result<bool> Take(const InsertedRow& row) = 0;
};

// Gives `visitor` what the holder of `since` lacks of each row from `place` on, rows
// without news left out. Values of rows without news are not read. Rows with a NULL in
// the key are local. kCorrupt where metadata belongs to a row with another key. The log
// is folded. Stops when the visitor says so, or `most_rows` were looked at, which
// becomes less by so many; then `place` is where to go on. True: at the end of the table.
Result<bool> ScanOn(Engine& engine, const TrackedTable& table, const VersionVector& since,
                    ScanPlace& place, std::uint64_t& most_rows, RowVisitor& visitor);

// All of it, within one transaction.
Status ScanTable(Engine& engine, const TrackedTable& table, const VersionVector& since, RowVisitor& visitor);

}  // namespace rejoin
