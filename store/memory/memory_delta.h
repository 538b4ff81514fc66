// A delta as a value: all of it at once, for small worlds.
#pragma once

#include <vector>

#include "crdt/delta_codec.h"

namespace rejoin {

struct MemoryDelta {
  DeltaHeader header;
  std::vector<DeltaTable> tables;
  std::vector<DeltaBlock> blocks;
};

// Returns the number of rows written.
Result<std::uint64_t> WriteDelta(MemoryDelta delta, ByteSink& out);
Result<MemoryDelta> ReadDelta(ByteSource& in);

}  // namespace rejoin
