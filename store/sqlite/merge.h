// Joining a delta into the file, in one transaction.
#pragma once

#include "store/sqlite/engine.h"
#include "store/store.h"

namespace rejoin {

// Which row a merge is writing at this moment: captures of it are its own.
struct MergeInProgress {
  TableNumber table = 0;
  const Key* key = nullptr;     // nullptr: none
  std::string foreign_write;    // set by capture: the table that something else wrote
};

// Folds, checks room and interval, joins every block, shows what changed, logs
// it, moves the vector. Refuses (kOpenTransaction) while captured changes are
// pending. On an error nothing is changed.
Result<MergeReport> MergeDelta(Engine& engine, ByteSource& in);

}  // namespace rejoin
