// Other stamps for changes that nobody else has seen: another author, other times, or both.
#pragma once

#include "crdt/row_state.h"
#include "store/time_correction.h"

namespace rejoin {

// Every stamp (from, t) with t > after becomes (to, times.Of(t)). `to` is `from`, or a
// replica that has stamped nothing yet; the order of times stays.
struct StampMove {
  ReplicaId from;
  ReplicaId to;
  HybridTimestamp after;
  NewTimes times;  // empty: they stay

  bool Concerns(const ReplicaId& replica, HybridTimestamp time) const {
    return replica == from && time > after;
  }
};

// True: it changed.
bool Move(const StampMove& move, Stamp& stamp);
// All stamps in the state, and the tags that its removes observed.
bool Move(const StampMove& move, RowState& state);

}  // namespace rejoin
