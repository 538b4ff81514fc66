// Deltas out of the file for a session (store/sync_store.h): what the log lists as one
// part, all else by a scan that is cut into several (scan_point.h).
#pragma once

#include "store/sqlite/engine.h"
#include "store/sync_store.h"

namespace rejoin {

// ExtractPart of SyncStore. Each part is one read transaction.
Result<PartReport> ExtractPartOf(Engine& engine, const PartRequest& request, ByteSink& out);

}  // namespace rejoin
