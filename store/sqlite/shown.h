// What a table shows: a function of the replicated state and the local schema.
//
// Among the present rows that pass their own row checks, in the order of
// show_order.h, each row that shares no UNIQUE value with one already taken. The
// others are hidden: they stay in the state and in rejoin__hidden with the reason.
//
// SQLite itself is the judge: what a constraint refuses is hidden. So partial and
// expression indexes, collations, CHECKs and STRICT types mean here what they
// mean everywhere.
#pragma once

#include <cstdint>
#include <vector>

#include "store/sqlite/row_access.h"

namespace rejoin {

// A row whose state or schema changed and whose table row may have to follow.
struct PendingRow {
  Key key;
  LocatedRow before;  // as LoadRow gave it
  RowState state;
  bool state_changed = true;  // false: only the schema or another row did
};

// A row that stands elsewhere than before: at another rowid, or no longer in the table, or
// in it again.
struct MovedRow {
  Key key;
  bool rose = false;  // its state did, too
};

struct ShowReport {
  std::uint64_t rows_written = 0;  // of the pending rows, those that the table shows otherwise now
  std::uint64_t hidden = 0;        // of the pending rows, those present but not shown
  std::vector<Key> displaced;      // rows that were not pending and have left the table
  std::vector<MovedRow> moved;     // of all, those that had a state before
};

// Writes the table rows of `pending` (all of one table, each key once, best
// ascending by key), with everything they drag along through UNIQUE values, and
// saves their metadata. Any division of rows into calls gives the same result.
// Inside a write transaction. Triggers and foreign keys: see merge_scope.h.
Result<ShowReport> ShowRows(Engine& engine, const TrackedTable& table,
                            std::vector<PendingRow> pending);

// Offers every hidden row of the table again: after a local commit freed a
// value, or after the schema changed. Returns the keys of those that moved where
// `list_moved`; else none.
Result<std::vector<Key>> ShowHiddenAgain(Engine& engine, const TrackedTable& table, bool list_moved);

}  // namespace rejoin
