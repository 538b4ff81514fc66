// What a file looks like that many others have written to, without waiting for them.
#pragma once

#include <cstdint>
#include <string>

#include "bench/tables.h"

namespace rejoin::bench {

// A delta without rows whose end lists `count` replicas: who merges it has them in its vector.
std::string DeltaOfReplicas(int count);

// A delta of one row of table t of the kind, whose column c0 replica number `replica` wrote; number 0
// made the row. The row's key is no key of the source.
std::string DeltaOfOneEdit(const TableKind& kind, int replica);

}  // namespace rejoin::bench
