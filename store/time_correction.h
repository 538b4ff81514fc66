// What becomes of own changes that a wrong clock stamped.
//
// A device learns at the beginning of a session, from a peer whose clock may be trusted,
// what time it is. Changes that it stamped since its last contact then get the times
// that they would have had, by a strictly monotone map: their order stays. Only changes
// that nobody has seen are moved, and of them only those that are later than every
// stamp of others that was ever merged here: so each keeps its place among them too,
// and what is shown stays as it is. A change that others were merged over stays where it
// was.
//
// The estimate of a change's true time is its time plus the offset of the clock. It is
// wrong for a change that another clock stamped, as one that was right before: where the
// estimate would lie before the last contact, the time stays as it is; where it would lie
// in the future, the change counts as made at this moment. The latter is the lot
// of changes that a slow clock stamped after it saw others: their times are those of
// what it had seen (the hybrid clock's rule), and when they were made nobody knows.
//
// What was given its time once is *settled*: the next session does not move it again by
// its offset, though nobody may have seen it yet.
//
// Pure: no clock, no I/O.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "crdt/version_vector.h"

namespace rejoin {

// A clock that differs by less counts as right: people do not notice, and a slow link
// delays the Hello that tells the time by about so much.
inline constexpr std::uint64_t kClockToleranceMs = 5'000;

// How far ahead of the receiver's clock a stamp may be. The hub's is the smaller one: what it
// let pass, devices let pass too though their clocks are minutes behind; and it is well above
// the tolerance, so that a device whose clock counted as right is never refused.
inline constexpr std::uint64_t kHubBoundMs = 60'000;
inline constexpr std::uint64_t kDeviceBoundMs = 600'000;

struct TimeCorrection {
  std::uint64_t now_ms = 0;    // the true time at this moment
  std::int64_t offset_ms = 0;  // to be added to what the clock here tells
  VersionVector peer_has;      // the vector of the peer that told the time
};

bool IsOff(std::int64_t offset_ms);

// The times of a replica's changes, as they were and as they become.
class NewTimes {
 public:
  // `own`: ascending, each once, each later than `floor`. `settled`: up to here they
  // have been given their times before.
  static NewTimes Plan(const std::vector<HybridTimestamp>& own, HybridTimestamp floor,
                       HybridTimestamp settled, const TimeCorrection& correction);

  // Of one that was planned for; others stay.
  HybridTimestamp Of(HybridTimestamp was) const;
  bool moves_any() const;
  HybridTimestamp last() const { return moves_.empty() ? HybridTimestamp{} : moves_.back().second; }
  std::size_t size() const { return moves_.size(); }

 private:
  std::vector<std::pair<HybridTimestamp, HybridTimestamp>> moves_;  // ascending, both
};

// What a replica knows of its own changes, and whether there is anything to correct.
struct OwnTimes {
  HybridTimestamp latest;   // of its own stamps
  HybridTimestamp shown;    // the latest that may have been seen by others
  HybridTimestamp foreign;  // the latest stamp of others that was ever merged
  HybridTimestamp settled;

  // Later own changes may be moved.
  HybridTimestamp floor() const { return shown < foreign ? foreign : shown; }
  bool NeedCorrection(const TimeCorrection& correction) const;
};

// Own changes that others may have seen are further ahead than anybody takes: the peer
// that keeps the time has none of them, nor will it for as long. They cannot be left
// so, for all later changes come after them: the device would be shut out until that
// time has come. They are moved with the others, and all of them take a new replica id, since the
// old dots may be known somewhere. (They are joined there as changes of another replica:
// who merged a blob from such a device may see a row twice, or again.)
bool IsBeyondReach(HybridTimestamp shown, const TimeCorrection& correction);

}  // namespace rejoin
