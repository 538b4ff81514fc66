#include "store/sqlite/correct_time.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "store/sqlite/events.h"
#include "store/sqlite/extract.h"
#include "store/sqlite/fold.h"
#include "store/sqlite/identity.h"
#include "store/sqlite/log.h"
#include "store/sqlite/merge.h"
#include "store/sqlite/peers.h"
#include "store/sqlite/restamp.h"

namespace rejoin {
namespace {

constexpr char kIssued[] = "SELECT time FROM {s}.rejoin__issued";
constexpr char kSettled[] = "settled";

class Correcting {
 public:
  Correcting(Engine& engine, const TimeCorrection& correction)
      : engine_(engine), correction_(correction) {}

  // By vectors alone: cheap, and no lock is taken.
  Result<bool> MayBeNeeded();
  // The caller has the write transaction.
  Result<bool> Run();

 private:
  Status Look();
  Status LookWithin();
  Status FindShown();
  Status Write(const StampMove& move);
  Result<bool> IsCopy();

  Engine& engine_;
  const TimeCorrection& correction_;
  ReplicaId self_;
  OwnTimes own_;
  bool renames_ = false;                // see IsBeyondReach
  std::set<HybridTimestamp> movable_;   // own times later than own_.floor()
};

// Of what has left the file, and of what the peer says it has.
Status Correcting::FindShown() {
  const HybridTimestamp seen = correction_.peer_has.Get(self_);
  REJOIN_ASSIGN(const HybridTimestamp issued, LatestIssued(engine_));
  own_.shown = std::max(issued, seen);
  renames_ = IsBeyondReach(own_.shown, correction_) && !IsBeyondReach(seen, correction_);
  if (!renames_) return {};
  own_.shown = seen;
  REJOIN_ASSIGN(Statement each, engine_.db.Prepare(kIssued));
  for (;;) {
    REJOIN_ASSIGN(const bool row, each.Step());
    if (!row) return {};
    const HybridTimestamp time{each.Unsigned(0)};
    if (!IsBeyondReach(time, correction_)) own_.shown = std::max(own_.shown, time);
  }
}

Status Correcting::Look() {
  own_ = {};
  REJOIN_ASSIGN(self_, ReadReplica(engine_));
  REJOIN_ASSIGN(const LogHead head, ReadLogHead(engine_));
  own_.latest = head.own;
  REJOIN_TRY(FindShown());
  REJOIN_ASSIGN(VersionVector merged, ReadVector(engine_));
  REJOIN_ASSIGN(const VersionVector ahead, ReadAhead(engine_));
  merged.Join(ahead);
  for (const auto& [replica, time] : merged.entries()) {
    if (replica != self_) own_.foreign = std::max(own_.foreign, time);
  }
  REJOIN_ASSIGN(const auto settled, engine_.Meta(kSettled));
  if (settled) own_.settled.value = settled->bits;
  return {};
}

Result<bool> Correcting::MayBeNeeded() {
  REJOIN_TRY(Look());
  return own_.NeedCorrection(correction_);
}

// Rows may have stamps of former ids of this file that no vector tells of.
Status Correcting::LookWithin() {
  REJOIN_TRY(Look());
  movable_ = {own_.latest};
  const auto take = [this](const ReplicaId& replica, HybridTimestamp time) {
    if (replica != self_) {
      own_.foreign = std::max(own_.foreign, time);
    } else if (time > own_.shown) {
      movable_.insert(time);
    }
  };
  REJOIN_TRY(ForEachTime(engine_, take));
  movable_.erase(movable_.begin(), movable_.upper_bound(own_.floor()));
  return {};
}

Result<bool> Correcting::IsCopy() {
  const ReplicaId before = self_;
  REJOIN_TRY(FenceBeforeCommit(engine_));
  REJOIN_ASSIGN(const ReplicaId fenced, ReadReplica(engine_));
  if (fenced != before) return true;
  return CheckAgainstPeer(engine_, correction_.peer_has.Get(before));
}

Result<bool> Correcting::Run() {
  REJOIN_TRY(engine_.catalog.Refresh());
  REJOIN_TRY(Look());
  REJOIN_ASSIGN(const bool copy, IsCopy());
  if (copy) return false;
  REJOIN_TRY(Fold(engine_));
  REJOIN_TRY(LookWithin());
  if (!own_.NeedCorrection(correction_)) return false;
  StampMove move{self_, self_, own_.floor(),
                 NewTimes::Plan({movable_.begin(), movable_.end()}, own_.floor(), own_.settled,
                                correction_)};
  if (!move.times.moves_any()) return false;
  REJOIN_TRY(Write(move));
  return true;
}

Status Correcting::Write(const StampMove& move) {
  REJOIN_TRY(Restamp(engine_, move));
  const HybridTimestamp last = move.times.last();
  // Later than everything of others: it is the clock, too.
  REJOIN_TRY(RestartLog(engine_, last, last));
  REJOIN_TRY(engine_.SetMeta(kSettled, Value::Integer(static_cast<std::int64_t>(last.value))));
  REJOIN_TRY(NoteEvent(engine_, "clock",
                       std::to_string(move.times.size()) + " own transactions that nobody had seen were given "
                       "other times: the latest was of " + std::to_string(own_.latest.wall_ms()) +
                       " ms and is of " + std::to_string(last.wall_ms()) + " ms now"));
  if (!renames_) return {};
  return TakeNewIdentity(engine_, {own_.floor(), own_.floor()},
                         "changes that had left this file were further ahead than anybody takes");
}

}  // namespace

Result<bool> CorrectOwnTimes(Engine& engine, const TimeCorrection& correction) {
  REJOIN_ASSIGN(const bool needed, Correcting(engine, correction).MayBeNeeded());
  if (!needed) return false;
  REJOIN_ASSIGN(Savepoint savepoint, Savepoint::Begin(engine.db));
  REJOIN_TRY(TakeWriteLock(engine));
  Correcting correcting(engine, correction);
  const Result<bool> corrected = correcting.Run();
  if (!corrected) {
    engine.catalog.Invalidate();
    return tl::unexpected<Error>(corrected.error());
  }
  REJOIN_TRY(savepoint.Release());
  FenceAfterCommit(engine);
  return corrected;
}

}  // namespace rejoin
