// What a table shows: a function of the replicated state and the local schema.
//
// Among the present rows that pass their own row checks, in the order of
// (largest stamp of the row's UNIQUE cells, newest first; then key bytes), each
// row that shares no UNIQUE value with one already taken. The others are hidden:
// they stay in the state and in rejoin__hidden with the reason.
//
// SQLite itself is the judge: a row is offered to the table in that order, and
// what a constraint refuses is hidden. So partial and expression indexes,
// collations, CHECKs and STRICT types mean here what they mean everywhere.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "store/sqlite/row_access.h"

namespace rejoin {

// A row whose state changed and whose table row may have to follow.
struct PendingRow {
  Key key;
  LocatedRow before;
  RowState state;
};

struct ShowReport {
  std::uint64_t rows_written = 0;
  std::uint64_t hidden = 0;  // of the pending rows, those present but not shown
};

// Writes the table rows of `pending` (all of one table), with everything they
// drag along through UNIQUE values, and saves their metadata. Inside a merge's
// transaction, with triggers and foreign keys as the merge set them.
Result<ShowReport> ShowRows(Engine& engine, const TrackedTable& table,
                            std::vector<PendingRow> pending);

// Offers every hidden row of the table again: after a local commit freed a
// value, or after the schema changed.
Result<ShowReport> ShowHiddenAgain(Engine& engine, const TrackedTable& table);

}  // namespace rejoin
