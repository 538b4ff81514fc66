// Joining a delta into the file, in one transaction.
#pragma once

#include "store/sqlite/engine.h"
#include "store/sync_store.h"

namespace rejoin {

// Which row a merge is writing at this moment. Capture, which runs where a table lets the
// user's triggers fire or the merge leaves triggers on (merge_scope.h), tells the merge's own
// write of that row from what a trigger wrote: the latter ends the merge with kTriggerWrote.
struct MergeInProgress {
  TableNumber table = 0;
  const Key* key = nullptr;   // nullptr: none
  bool probing = false;       // with an update that changes nothing (RowWriter::FindHolder)
  int own_writes = 0;         // counted by capture: writes of this row since it was named
  std::string foreign_write;  // set by capture: the table that something else wrote
  bool triggers_were_on = true;  // as the connection had it
  bool ours_may_fire = false;    // triggers stay on, for there are none but capture's
};

// Folds, checks room and interval, joins every block, shows what changed, logs
// it, moves the vector. Every row is joined, whatever the delta's end says: what
// was applied before raises nothing. On an error nothing is changed:
// - kOpenTransaction while captured changes are pending, or a statement writes;
// - kNotCovered where the delta starts beyond what this file holds;
// - kForeignRoom, kCorrupt, kUnsupported, kNewerFormat: not for this file or version;
// - kInvalidArgument where a table has another key or other options here;
// - kTriggerWrote where a user's trigger wrote to a tracked table.
Result<MergeReport> MergeDelta(Engine& engine, ByteSource& in);

// To begin a transaction with that reads before it writes: what is read stays true, and
// a busy_timeout is respected, where SQLite would else refuse to wait.
Status TakeWriteLock(Engine& engine);

// The same for a part of a session, whose `until` is remembered with it. Who is at
// `from` need not cover the delta's start; of a partial one only the rows count.
Result<MergeReport> MergePartOf(Engine& engine, ByteSource& in, const PartOrigin& origin);
// Remembers that nothing is between origin.from and origin.until, if the file is
// at the former.
Status SkipPart(Engine& engine, const PartOrigin& origin);

}  // namespace rejoin
