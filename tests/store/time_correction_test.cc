// How own times move: laws, over drawn times, floors and offsets.
#include "store/time_correction.h"

#include <set>

#include <gtest/gtest.h>

#include "store/stamp_move.h"
#include "tests/store/fakes.h"

namespace rejoin {
namespace {

constexpr std::uint64_t kNowMs = 1'700'000'000'000;
constexpr std::uint64_t kYearMs = std::uint64_t{365} * 24 * 3600 * 1000;

HybridTimestamp At(std::uint64_t wall_ms, std::uint64_t counter = 0) {
  return {HybridTimestamp::FromWall(wall_ms).value + counter};
}

TEST(NewTimes, AreMonotoneAboveTheFloorAndNotInTheFuture) {
  FakeRandom random(5);
  for (int round = 0; round < 2000; ++round) {
    const HybridTimestamp floor = At(kNowMs - random.Draw64() % (2 * kYearMs));
    TimeCorrection correction{kNowMs, static_cast<std::int64_t>(random.Draw64() % (4 * kYearMs)), {}};
    correction.offset_ms -= static_cast<std::int64_t>(2 * kYearMs);
    std::set<HybridTimestamp> own;
    const std::size_t count = 1 + random.Draw64() % 20;
    while (own.size() < count) own.insert({floor.value + 1 + random.Draw64() % (At(3 * kYearMs).value)});
    const std::vector<HybridTimestamp> was(own.begin(), own.end());
    const HybridTimestamp settled = random.Draw64() % 2 == 0 ? was[was.size() / 2] : HybridTimestamp{};
    const NewTimes times = NewTimes::Plan(was, floor, settled, correction);
    HybridTimestamp last = floor;
    for (const HybridTimestamp time : was) {
      ASSERT_LT(last, times.Of(time)) << "round " << round;
      last = times.Of(time);
    }
    EXPECT_EQ(times.last(), last);
    EXPECT_LE(last, At(kNowMs, count)) << "round " << round;
  }
}

TEST(NewTimes, AreTrueWhereOneClockStampedAll) {
  const auto offset = static_cast<std::int64_t>(kYearMs);
  for (const std::int64_t sign : {-1, 1}) {
    const std::uint64_t wrong_ms = kNowMs - static_cast<std::uint64_t>(sign * offset);
    const std::vector<HybridTimestamp> was{At(wrong_ms - 5000), At(wrong_ms - 4000, 7), At(wrong_ms - 4000, 8),
                                           At(wrong_ms)};
    const NewTimes times = NewTimes::Plan(was, {}, {}, {kNowMs, sign * offset, {}});
    EXPECT_EQ(times.Of(was[0]), At(kNowMs - 5000));
    EXPECT_EQ(times.Of(was[1]), At(kNowMs - 4000, 7));
    EXPECT_EQ(times.Of(was[2]), At(kNowMs - 4000, 8));
    EXPECT_EQ(times.Of(was[3]), At(kNowMs));
    EXPECT_EQ(times.Of(At(1)), At(1)) << "not planned for";
  }
}

// Before the last contact: the clock that is off by so much did not make it.
TEST(NewTimes, StayWhereTheClockCannotHaveMadeThem) {
  const HybridTimestamp floor = At(kNowMs - 10'000);
  const HybridTimestamp right = At(kNowMs - 3000);
  const HybridTimestamp ahead = At(kNowMs + kYearMs - 1000);
  const NewTimes times =
      NewTimes::Plan({right, ahead}, floor, {}, {kNowMs, -static_cast<std::int64_t>(kYearMs), {}});
  EXPECT_EQ(times.Of(right), right);
  EXPECT_EQ(times.Of(ahead), At(kNowMs - 1000));
}

// A clock that was mended before anybody noticed.
TEST(NewTimes, OfTheFutureBecomeNow) {
  const std::vector<HybridTimestamp> was{At(kNowMs - 1000), At(kNowMs + kYearMs), At(kNowMs + 2 * kYearMs)};
  const NewTimes times = NewTimes::Plan(was, {}, {}, {kNowMs, 100, {}});
  EXPECT_EQ(times.Of(was[0]), was[0]);
  EXPECT_EQ(times.Of(was[1]), At(kNowMs));
  EXPECT_EQ(times.Of(was[2]), At(kNowMs, 1));
}

TEST(NewTimes, AtTheEndsOfTime) {
  const HybridTimestamp first{1};
  const HybridTimestamp last{~std::uint64_t{0} - 5};
  for (const std::int64_t offset : {INT64_MIN, INT64_MIN + 1, INT64_MAX}) {
    const NewTimes times = NewTimes::Plan({first, last}, {}, {}, {kNowMs, offset, {}});
    EXPECT_LT(HybridTimestamp{}, times.Of(first));
    EXPECT_LT(times.Of(first), times.Of(last));
    EXPECT_LE(times.Of(last), At(kNowMs, 1));
  }
}

TEST(OwnTimes, NeedNoCorrectionWithoutReason) {
  const TimeCorrection right{kNowMs, 1000, {}};
  const TimeCorrection off{kNowMs, 60'000, {}};
  const OwnTimes own{At(kNowMs - 9000), At(kNowMs - 20'000), At(kNowMs - 30'000), {}};
  EXPECT_FALSE(own.NeedCorrection(right));
  EXPECT_TRUE(own.NeedCorrection(off));
  OwnTimes shown = own;
  shown.shown = own.latest;
  EXPECT_FALSE(shown.NeedCorrection(off));
  OwnTimes merged_over = own;
  merged_over.foreign = At(kNowMs - 1);
  EXPECT_FALSE(merged_over.NeedCorrection(off));
  OwnTimes settled = own;
  settled.settled = own.latest;
  EXPECT_FALSE(settled.NeedCorrection(off));
  settled.latest = settled.settled = At(kNowMs + 6000);
  EXPECT_TRUE(settled.NeedCorrection(right)) << "in the future, whatever made it so";
}

// --- Stamps of a row -------------------------------------------------------------------

TEST(StampMoves, TagsThatARemoveObservedFollow) {
  const ReplicaId own = TestReplicaId(1);
  const ReplicaId other = TestReplicaId(2);
  RowState state = InsertDelta({Rank::kWritten, At(500), own}, {});
  Join(state, InsertDelta({Rank::kWritten, At(100), other}, {}));
  Join(state, DeleteDelta(state, {Rank::kWritten, At(600), own}));
  ASSERT_FALSE(IsPresent(state, {}));
  const StampMove earlier{own, own, At(200), NewTimes::Plan({At(500), At(600)}, At(200), {}, {300, -6000, {}})};
  RowState moved = state;
  EXPECT_TRUE(Move(earlier, moved));
  EXPECT_FALSE(IsPresent(moved, {}));
  EXPECT_EQ(LatestTime(moved), At(300, 1));
  // The tag moved too: a change of the gap is not covered by it.
  Join(moved, InsertDelta({Rank::kWritten, At(400), own}, {}));
  EXPECT_TRUE(IsPresent(moved, {}));
}

TEST(StampMoves, ToAnotherReplicaKeepWhatTheOldOneHad) {
  const ReplicaId old_id = TestReplicaId(1);
  const ReplicaId new_id = TestReplicaId(2);
  for (const std::uint64_t kept : {std::uint64_t{0}, std::uint64_t{100}}) {
    RowState state = InsertDelta({Rank::kWritten, At(500), old_id}, {});
    Join(state, InsertDelta({Rank::kWritten, At(50), old_id}, {}));
    Join(state, DeleteDelta(state, {Rank::kWritten, At(600), old_id}));
    EXPECT_TRUE(Move({old_id, new_id, At(kept), {}}, state));
    EXPECT_FALSE(IsPresent(state, {})) << kept;
    for (const Remove& remove : state.removes) EXPECT_LT(HybridTimestamp{}, remove.tag);
    EXPECT_EQ(LargestStamp(state)->replica, new_id);
  }
}

}  // namespace
}  // namespace rejoin
