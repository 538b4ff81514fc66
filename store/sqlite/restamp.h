// Other stamps, in all metadata, for changes that nobody else has seen.
#pragma once

#include <functional>

#include "store/sqlite/engine.h"
#include "store/stamp_move.h"

namespace rejoin {

// Moves every stamp in runs, records and removes. Rewrites all metadata once; rare. The
// log is folded; its head is the caller's affair.
Status Restamp(Engine& engine, const StampMove& move);

// Calls `each` for every stamp in them, and for every tag that a remove observed; for
// many of them often. Likewise.
Status ForEachTime(Engine& engine, const std::function<void(const ReplicaId&, HybridTimestamp)>& each);

}  // namespace rejoin
