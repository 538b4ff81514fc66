// The version vector of a file. It is a fold of the log: foreign entries lie in
// rejoin__replica, and each row of the log says which of them rose with it. So a connection
// that knows the vector at one row has it at the last one by what came between, however many
// replicas there are.
#pragma once

#include <optional>

#include "crdt/version_vector.h"
#include "store/sqlite/commit_state.h"

namespace rejoin {

// The vector as it was at one row of the log. Who puts an older file, or another history, into
// the file's place has another row there: its tag is random.
struct KnownVector {
  LogHead head;
  VersionVector vector;
};

// Foreign entries, and the own one from the log.
Result<VersionVector> ReadVector(Engine& engine);

}  // namespace rejoin
