// Own changes that a wrong clock stamped get their times, on every store that writes.
#include "store/sync_store.h"
#include "tests/store/part_exchange.h"
#include "tests/store/replicas_fixture.h"
#include "tests/store/sqlite_replica.h"

namespace rejoin {
namespace {

constexpr std::int64_t kYearMs = std::int64_t{365} * 24 * 3600 * 1000;

class CorrectTimes : public ReplicasFixture {
 protected:
  // The replica whose clock is wrong, by `ahead_ms`.
  TestReplica& MakeOff(std::int64_t ahead_ms, const TableDef& def = ItemTable()) {
    off_.ahead_ms = ahead_ms;
    replicas_.push_back(GetParam().make(replicas_.size(), off_));
    Define(*replicas_.back(), def);
    return *replicas_.back();
  }
  static SyncStore& Sync(TestReplica& replica) { return dynamic_cast<SyncStore&>(replica.store()); }
  static ReplicaId IdOf(TestReplica& replica) { return replica.store().Replica().value_or(ReplicaId{}); }
  static HybridTimestamp OwnTime(TestReplica& replica) { return VectorOf(replica).Get(IdOf(replica)); }
  HybridTimestamp Now() const { return HybridTimestamp::FromWall(clock_.wall_ms); }

  // It learns what time it is; its clock is right from then on. Nothing of what it shows changes.
  bool Correct(TestReplica& replica, const VersionVector& peer_has = {}) {
    const std::string digest = DigestOf(replica);
    const Rows items = replica.Shown("item");
    const Rows people = replica.Shown("person");
    const auto corrected = Sync(replica).CorrectTime({clock_.wall_ms, -off_.ahead_ms, peer_has});
    EXPECT_TRUE(corrected) << corrected.error().message;
    EXPECT_EQ(DigestOf(replica), digest);
    EXPECT_TRUE(replica.Shown("item") == items);
    EXPECT_TRUE(replica.Shown("person") == people);
    EXPECT_EQ(replica.Damage(), "");
    return corrected.value_or(false);
  }
  Row Item(std::int64_t qty) { return {{"title", T("x")}, {"qty", N(qty)}}; }
  static Row Qty(std::int64_t qty) { return {{"qty", N(qty)}}; }

  // Two hands edit in turn, the wrong clock's first; the right one corrects it, and each
  // row shows who wrote it last in truth.
  void EditInTurn(std::int64_t ahead_ms) {
    TestReplica& off = MakeOff(ahead_ms);
    TestReplica& right = Make(ItemTable());
    for (const char* key : {"a", "b"}) Do(right, {Insert("item", K(key), Item(0))});
    Hear(off, right);
    Do(off, {Update("item", K("a"), Qty(1))});
    Do(right, {Update("item", K("a"), Qty(2)), Update("item", K("b"), Qty(2))});
    Do(off, {Update("item", K("b"), Qty(3)), Insert("item", K("c"), Item(3))});
    EXPECT_TRUE(Correct(off));
    EXPECT_LE(OwnTime(off), HybridTimestamp{Now().value + 9});
    Exchange();
    EXPECT_EQ(right.Shown("item").at(K("b")).at("qty"), N(3));
    EXPECT_EQ(right.Shown("item").at(K("c")), Item(3));
  }

  // Deletes of rows of one's own, of somebody else's, and of one that is edited elsewhere.
  void DeleteAndCorrect(std::int64_t ahead_ms) {
    TestReplica& off = MakeOff(ahead_ms);
    TestReplica& right = Make(ItemTable());
    Do(right, {Insert("item", K("theirs"), Item(1)), Insert("item", K("edited"), Item(1))});
    Hear(off, right);
    Do(off, {Insert("item", K("mine"), Item(1)), Update("item", K("theirs"), Qty(2))});
    Do(right, {Update("item", K("edited"), Qty(5))});
    Do(off, {Delete("item", K("mine")), Delete("item", K("theirs")), Delete("item", K("edited"))});
    EXPECT_TRUE(Correct(off));
    Exchange();
    EverybodyShows("item", {{K("edited"), Item(5)}});
  }

  OffClock off_{clock_};
};

std::vector<TestReplicaMaker> Makers() {
  std::vector<TestReplicaMaker> makers{MemoryReplicas()};
  for (const SqliteKind& kind : AllSqliteKinds()) makers.push_back(SqliteReplicas(kind));
  return makers;
}

TEST_P(CorrectTimes, OfAClockThatIsYearsAheadAreTrueAfterwards) {
  EditInTurn(2 * kYearMs);
  EXPECT_EQ(replicas_[1]->Shown("item").at(K("a")).at("qty"), N(2)) << "the later edit";
}

// A clock that is behind stamps just after what it saw: the moment is lost, the order is not.
TEST_P(CorrectTimes, OfAClockThatIsYearsBehindAreNotBeforeWhatTheySaw) { EditInTurn(-2 * kYearMs); }

TEST_P(CorrectTimes, OfAClockThatIsBehindAreTrueWhereNothingWasSeen) {
  TestReplica& off = MakeOff(-2 * kYearMs);
  TestReplica& right = Make(ItemTable());
  Do(off, {Insert("item", K("a"), Item(1)), Insert("item", K("b"), Item(1))});
  Do(right, {Insert("item", K("a"), Item(2)), Insert("item", K("b"), Item(2))});
  Do(off, {Update("item", K("b"), Item(3))});
  const std::uint64_t last_ms = clock_.wall_ms;
  clock_.wall_ms += 50'000;
  EXPECT_TRUE(Correct(off));
  EXPECT_EQ(OwnTime(off), HybridTimestamp::FromWall(last_ms));
  Exchange();
  EXPECT_EQ(right.Shown("item").at(K("a")), Item(2));
  EXPECT_EQ(right.Shown("item").at(K("b")), Item(3));
}

TEST_P(CorrectTimes, OfChangesThatLeftStay) {
  for (const std::int64_t ahead_ms : {kYearMs / 1000 / 365, -kYearMs}) {
    TestReplica& off = MakeOff(ahead_ms);
    Do(off, {Insert("item", K("seen"), Item(1))});
    const Bytes left = DeltaOf(off);
    const HybridTimestamp shown = OwnTime(off);
    EXPECT_FALSE(Correct(off)) << "all of it was seen";
    Do(off, {Insert("item", K("unseen"), Item(2))});
    EXPECT_TRUE(Correct(off));
    EXPECT_LT(shown, OwnTime(off));
    TestReplica& other = Make(ItemTable());
    ASSERT_TRUE(MergeBytes(other, left));
    EXPECT_EQ(OwnTime(off) > shown, VectorOf(other).Get(IdOf(off)) == shown);
    EXPECT_EQ(Hear(other, off).rows_changed, 1u);
    EXPECT_EQ(DigestOf(other), DigestOf(off));
    replicas_.clear();
  }
}

// What the peer that tells the time has, somebody has seen.
TEST_P(CorrectTimes, OfChangesThatThePeerHasStay) {
  TestReplica& off = MakeOff(kYearMs);
  Do(off, {Insert("item", K("a"), Item(1))});
  EXPECT_FALSE(Correct(off, VectorOf(off)));
}

TEST_P(CorrectTimes, OfChangesThatOthersWereMergedOverStay) {
  TestReplica& off = MakeOff(-kYearMs);
  TestReplica& right = Make(ItemTable());
  Do(off, {Insert("item", K("a"), Item(1))});
  Do(right, {Insert("item", K("a"), Item(2))});
  Hear(off, right);
  EXPECT_EQ(off.Shown("item").at(K("a")), Item(2));
  const HybridTimestamp before = OwnTime(off);
  EXPECT_FALSE(Correct(off));
  EXPECT_EQ(OwnTime(off), before);
  Do(off, {Insert("item", K("b"), Item(3))});
  EXPECT_TRUE(Correct(off));
  EXPECT_EQ(off.Shown("item").at(K("a")), Item(2));
  Exchange();
}

TEST_P(CorrectTimes, AreCorrectedOnce) {
  TestReplica& off = MakeOff(kYearMs);
  Do(off, {Insert("item", K("a"), Item(1))});
  EXPECT_TRUE(Correct(off));
  const HybridTimestamp corrected = OwnTime(off);
  EXPECT_FALSE(Correct(off)) << "another process, with the same wrong clock";
  EXPECT_EQ(OwnTime(off), corrected);
  Do(off, {Insert("item", K("b"), Item(2))});
  const std::uint64_t written_ms = clock_.wall_ms;
  clock_.wall_ms += 10'000;
  EXPECT_TRUE(Correct(off));
  EXPECT_EQ(OwnTime(off), HybridTimestamp::FromWall(written_ms));
}

TEST_P(CorrectTimes, ARightClockIsLeftAlone) {
  TestReplica& off = MakeOff(static_cast<std::int64_t>(kClockToleranceMs) - 1);
  Do(off, {Insert("item", K("a"), Item(1))});
  const std::string before = Everything(off);
  EXPECT_FALSE(Correct(off));
  EXPECT_EQ(Everything(off), before);
}

// It was mended before the session.
TEST_P(CorrectTimes, OfTheFutureAreFoundThoughTheClockIsRightByNow) {
  TestReplica& off = MakeOff(kYearMs);
  Do(off, {Insert("item", K("a"), Item(1))});
  Do(off, {Update("item", K("a"), Qty(2))});
  off_.ahead_ms = 0;
  EXPECT_TRUE(Correct(off));
  EXPECT_LE(OwnTime(off), HybridTimestamp{Now().value + 9});
  Do(off, {Update("item", K("a"), Qty(3))});
  EXPECT_EQ(OwnTime(off), Now()) << "the hybrid clock went back too";
}

TEST_P(CorrectTimes, WhoIsAtAPointOfBeforeSkipsNothing) {
  TestReplica& off = MakeOff(kYearMs);
  TestReplica& right = Make(ItemTable());
  Do(off, {Insert("item", K("a"), Item(1))});
  EXPECT_TRUE(Correct(off));
  ASSERT_TRUE(PullParts(Sync(right), Sync(off), std::size_t{1} << 20));
  Do(off, {Update("item", K("a"), Qty(2)), Insert("item", K("b"), Item(2))});
  EXPECT_TRUE(Correct(off));
  ASSERT_TRUE(PullParts(Sync(right), Sync(off), std::size_t{1} << 20));
  EXPECT_EQ(right.Shown("item"), off.Shown("item"));
  EXPECT_TRUE(VectorOf(right) == VectorOf(off));
}

TEST_P(CorrectTimes, OfDeletesAndWhatTheyObserved) { DeleteAndCorrect(kYearMs); }

TEST_P(CorrectTimes, OfDeletesByAClockThatIsBehindAndWhatTheyObserved) { DeleteAndCorrect(-kYearMs); }

TEST_P(CorrectTimes, WhoHoldsAUniqueValueStays) {
  TestReplica& off = MakeOff(kYearMs, PersonTable());
  TestReplica& right = Make(PersonTable());
  Do(right, {Insert("person", K("ann"), {{"email", T("x")}})});
  Do(off, {Insert("person", K("bob"), {{"email", T("x")}})});
  Hear(off, right);
  Do(off, {Insert("person", K("cid"), {{"email", T("y")}})});
  EXPECT_TRUE(Correct(off));
  Exchange();
}

TEST_P(CorrectTimes, BeyondReachTakeANewReplicaId) {
  TestReplica& off = MakeOff(2 * kYearMs);
  Do(off, {Insert("item", K("a"), Item(1))});
  DeltaOf(off);
  Do(off, {Update("item", K("a"), Qty(2)), Insert("item", K("b"), Item(2))});
  const ReplicaId before = IdOf(off);
  TestReplica& right = Make(ItemTable());
  EXPECT_TRUE(Correct(off, VectorOf(right)));
  EXPECT_NE(IdOf(off), before);
  EXPECT_LE(VectorOf(off).Get(before), Now());
  EXPECT_LE(OwnTime(off), HybridTimestamp{Now().value + 9});
  off_.ahead_ms = 0;
  Do(off, {Update("item", K("b"), Qty(3))});
  EXPECT_EQ(OwnTime(off), Now());
  Exchange();
  EverybodyShows("item", {{K("a"), Item(2)}, {K("b"), Item(3)}});
}

TEST_P(CorrectTimes, AheadButWithinReachKeepTheReplicaId) {
  TestReplica& off = MakeOff(static_cast<std::int64_t>(kDeviceBoundMs) - 10'000);
  Do(off, {Insert("item", K("a"), Item(1))});
  DeltaOf(off);
  Do(off, {Insert("item", K("b"), Item(2))});
  const ReplicaId before = IdOf(off);
  EXPECT_TRUE(Correct(off));
  EXPECT_EQ(IdOf(off), before);
  Make(ItemTable());
  Exchange();
}

INSTANTIATE_TEST_SUITE_P(Stores, CorrectTimes, testing::ValuesIn(Makers()), testing::PrintToStringParamName());

}  // namespace
}  // namespace rejoin
