// The memory store's own times, when the clock that made them was wrong.
#include <algorithm>

#include "store/memory/memory_store.h"

namespace rejoin {
namespace {

template <class Take>
void ForEachTime(const RowState& state, const Take& take) {
  for (const Incarnation& incarnation : state.incarnations) {
    take(incarnation.birth.replica, incarnation.birth.time);
    for (const Cell& cell : incarnation.cells) take(cell.stamp.replica, cell.stamp.time);
  }
  for (const Remove& remove : state.removes) {
    take(remove.stamp.replica, remove.stamp.time);
    take(remove.replica, remove.tag);
  }
}

}  // namespace

OwnTimes MemoryStore::LookAtTimes(HybridTimestamp shown) const {
  OwnTimes own{vector_.Get(replica_), shown, {}, settled_};
  const auto take = [&](const ReplicaId& replica, HybridTimestamp time) {
    if (replica != replica_) own.foreign = std::max(own.foreign, time);
  };
  for (const auto& [replica, time] : vector_.entries()) take(replica, time);
  for (const auto& [name, table] : tables_) {
    for (const auto& [key, state] : table.rows) ForEachTime(state, take);
  }
  return own;
}

Result<bool> MemoryStore::CorrectTime(const TimeCorrection& correction) {
  const HybridTimestamp seen = correction.peer_has.Get(replica_);
  HybridTimestamp shown = std::max(shown_.empty() ? HybridTimestamp{} : *shown_.rbegin(), seen);
  const bool renames = IsBeyondReach(shown, correction) && !IsBeyondReach(seen, correction);
  if (renames) {
    shown = seen;
    for (const HybridTimestamp time : shown_) {
      if (!IsBeyondReach(time, correction)) shown = std::max(shown, time);
    }
  }
  const OwnTimes own = LookAtTimes(shown);
  if (!own.NeedCorrection(correction)) return false;

  std::set<HybridTimestamp> times{own.latest};
  const auto take = [&](const ReplicaId& replica, HybridTimestamp time) {
    if (replica == replica_ && time > own.floor()) times.insert(time);
  };
  for (const auto& [name, table] : tables_) {
    for (const auto& [key, state] : table.rows) ForEachTime(state, take);
  }
  StampMove move{replica_, replica_, own.floor(),
                 NewTimes::Plan({times.begin(), times.end()}, own.floor(), own.settled, correction)};
  if (!move.times.moves_any()) return false;
  if (renames) {
    const std::uint64_t first = random_->Draw64();
    move.to = ReplicaId::Random(first, random_->Draw64());
  }
  MoveOwn(move);
  return true;
}

void MemoryStore::MoveOwn(const StampMove& move) {
  for (auto& [name, table] : tables_) {
    for (auto& [key, state] : table.rows) Move(move, state);
  }
  const HybridTimestamp last = move.times.last();
  if (move.to != move.from) {
    vector_.Set(move.from, move.after);
    points_.clear();
    shown_.clear();
  }
  replica_ = move.to;
  vector_.Set(replica_, last);
  settled_ = last;
  latest_ = last;  // later than what others stamped
  epoch_ = random_->Draw64() | 1;
  TrimLog();
}

}  // namespace rejoin
