// Rows that were there before Rejoin was, or came in behind its back.
#pragma once

#include "store/sqlite/engine.h"

namespace rejoin {

// Gives every row of the table that has no metadata one incarnation of rank
// kAdopted, all under one fresh stamp, and tells the log. Rows that are also
// carried (a record by key) are joined with that state. `fresh`: the table is
// tracked just now, so that every row in it is new. Returns how many rows were
// adopted. Rows with a NULL in the key stay local. The log is folded.
Result<std::uint64_t> AdoptRows(Engine& engine, const TrackedTable& table, bool fresh);

}  // namespace rejoin
