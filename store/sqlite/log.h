// The log: what was committed here, in local order. Position = local cursor.
//
// A body holds either the net changes of (a part of) a local transaction, which
// folding turns into metadata, or the keys that a merge changed. Either way it
// says by how much which vector entries advanced, so the vector at any earlier
// position can be had by walking back.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "crdt/version_vector.h"
#include "store/store.h"
#include "store/sqlite/change.h"
#include "store/sqlite/commit_state.h"
#include "store/sqlite/engine.h"

namespace rejoin {

struct Advance {
  ReplicaNumber replica = 0;
  HybridTimestamp from;  // exclusive
  HybridTimestamp to;    // inclusive
};

struct TouchedKey {
  TableNumber table = 0;
  Key key;
};

struct LogRecord {
  Cursor cursor;
  HybridTimestamp own;              // the stamp of `changes`
  Rank rank = Rank::kWritten;
  std::vector<Advance> advances;
  // Local: net changes, sorted by (table, key). A transaction that spilled is
  // sorted in parts, and so is one with several records.
  std::vector<Change> changes;
  // Merged, or moved by what was merged or folded.
  std::vector<TouchedKey> touched;
  // A merge too large to list all of its keys: whoever is behind this row is served by
  // vector. Those of rows that moved are listed (scan_point.h).
  bool overflow = false;
};

Result<LogHead> ReadLogHead(Engine& engine);

// Called in xSync under the write lock: coalesces the capture buffer and appends
// the transaction with a fresh stamp; nothing where it changed nothing. Called
// again for the same transaction (COMMIT was refused with BUSY) it replaces its
// own rows, if anything happened since. changes() and last_insert_rowid() are
// afterwards what they were, but changes() of more than kMaxKeptChanges.
inline constexpr std::int64_t kMaxKeptChanges = 10'000;
Status FlushCapture(Engine& engine);

// Appends what a merge did. `clock` is joined into the hybrid clock.
Status AppendMerge(Engine& engine, const std::vector<Advance>& advances,
                   const std::vector<TouchedKey>& touched, bool overflow, HybridTimestamp clock);
// Appends a local stamp whose rows are not listed (adoption): whoever is behind it
// is served by vector. own becomes stamp.time.
Status AppendAdoption(Engine& engine, const Stamp& stamp);

// Calls `each` for the rows after `position` in order, until it returns false. The record is its
// to take apart.
Status ForEachAfter(Engine& engine, std::uint64_t position,
                    const std::function<Result<bool>(LogRecord&)>& each);
// The same from the end backwards, down to and without `position`. A body may be
// a megabyte: `stop_before`, where given, sees each row before it is read, with
// cursor and own only, and may end the walk there.
Status ForEachBackwards(Engine& engine, std::uint64_t position,
                        const std::function<Result<bool>(const LogRecord&)>& each,
                        const std::function<bool(const LogRecord&)>& stop_before = {});

// Is the cursor's row there, with its tag and epoch?
Result<bool> IsKnown(Engine& engine, const Cursor& cursor);

// Drops folded rows from the tail until the log is within its bound. The last row
// stays.
Status TrimLog(Engine& engine);

// Drops all of it, which is folded, and begins a new epoch: no cursor of before is known
// any more. For whoever rewrote the history that they stand in.
Status RestartLog(Engine& engine, HybridTimestamp clock, HybridTimestamp own);

// --- For those who append ------------------------------------------------------

// Appends one row with a random tag. `head` is the last row, and is afterwards
// this one.
Status AppendLogRow(Engine& engine, LogHead& head, HybridTimestamp clock, HybridTimestamp own,
                    ByteView body);

}  // namespace rejoin
