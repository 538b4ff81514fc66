// Folding: the log's local changes become metadata, in one sorted pass.
#pragma once

#include "store/sqlite/engine.h"

namespace rejoin {

// Folds everything in the log that is not folded yet; cheap where nothing is.
// Inside the caller's transaction, or in one of its own. Afterwards the metadata
// of every row is right for every commit so far.
Status Fold(Engine& engine);

// Bytes of log bodies not folded yet.
Result<std::uint64_t> PendingBytes(Engine& engine);

}  // namespace rejoin
