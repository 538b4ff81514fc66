// What samples and generators are made of.
#pragma once

#include <cstdint>
#include <vector>

#include "crdt/delta.h"

namespace rejoin {

// A delta as a reader sees it, all of it at once.
struct WholeDelta {
  DeltaHeader header;
  std::vector<DeltaTable> tables;
  std::vector<DeltaBlock> blocks;  // one per table at most
};

// The pool of replicas: "0001...", "0002...", and so on.
inline ReplicaId PoolReplica(std::uint8_t number) {
  ReplicaId id;
  id.bytes[1] = number;
  id.bytes[15] = 1;
  return id;
}

}  // namespace rejoin
