// Renaming the author of changes that nobody else has seen.
#pragma once

#include "store/sqlite/engine.h"

namespace rejoin {

// Every stamp (from, time) with time > after, in runs, records and removes,
// becomes (to, time). Rewrites all metadata once; rare. The log is folded.
Status Restamp(Engine& engine, ReplicaNumber from, ReplicaNumber to, HybridTimestamp after);

}  // namespace rejoin
