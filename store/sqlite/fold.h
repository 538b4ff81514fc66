// Folding: the log's local changes become metadata, in one sorted pass.
#pragma once

#include "store/sqlite/engine.h"

namespace rejoin {

// Folds everything in the log that is not folded yet; cheap where nothing is.
// Inside the caller's transaction, or in one of its own. Afterwards the metadata
// of every row is right for every commit so far.
Status Fold(Engine& engine);

// The log's position up to which it is folded.
Result<std::uint64_t> FoldedUpTo(Engine& engine);

// Did the table show the row at the last commit? Asks log and metadata, so that it
// can be told while a transaction has changed the table since. `rowid`: where the
// key is it.
Result<bool> WasShown(Engine& engine, const TrackedTable& table, const Key& key, std::int64_t rowid);

// Bytes of log bodies not folded yet.
Result<std::uint64_t> PendingBytes(Engine& engine);

}  // namespace rejoin
