#include "store/stamp_move.h"

#include <algorithm>

namespace rejoin {
namespace {

// Where the author changes, a remove that observed tags of both keeps an entry of the
// old one too.
bool MoveRemoves(const StampMove& move, RowState& state) {
  bool changed = false;
  std::optional<Remove> of_another;
  for (Remove& remove : state.removes) {
    changed |= Move(move, remove.stamp);
    if (!move.Concerns(remove.replica, remove.tag)) continue;
    changed = true;
    const HybridTimestamp tag = move.times.Of(remove.tag);
    if (move.to == move.from) {
      remove.tag = tag;
    } else {
      of_another = Remove{move.to, tag, remove.stamp};
      remove.tag = move.after;
    }
  }
  if (of_another) {
    const auto observed_nothing = [](const Remove& remove) { return remove.tag == HybridTimestamp{}; };
    state.removes.erase(std::remove_if(state.removes.begin(), state.removes.end(), observed_nothing),
                        state.removes.end());
    RowState entry;
    entry.removes.push_back(*of_another);
    Join(state, entry);
  }
  return changed;
}

}  // namespace

bool Move(const StampMove& move, Stamp& stamp) {
  if (!move.Concerns(stamp.replica, stamp.time)) return false;
  stamp.replica = move.to;
  stamp.time = move.times.Of(stamp.time);
  return true;
}

bool Move(const StampMove& move, RowState& state) {
  bool changed = false;
  for (Incarnation& incarnation : state.incarnations) {
    changed |= Move(move, incarnation.birth);
    for (Cell& cell : incarnation.cells) changed |= Move(move, cell.stamp);
  }
  // Equal times under another id may stand in another order.
  std::sort(state.incarnations.begin(), state.incarnations.end(),
            [](const Incarnation& a, const Incarnation& b) { return a.birth < b.birth; });
  return MoveRemoves(move, state) || changed;
}

}  // namespace rejoin
