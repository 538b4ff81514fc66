// What every SyncStore promises of parts: any of them may be lost, come again or come
// late, and no row is skipped.
#include "tests/store/sync_fixture.h"

namespace rejoin {
namespace {

class SyncContract : public SyncFixture {};

TEST_P(SyncContract, AFirstSyncInPartsEndsEqual) {
  SyncStore& a = MakeCutting();
  SyncStore& b = Make().store();
  PartDevice& device = MakeDevice();
  FillItems(device, 1, 60);
  Do(device, {Delete("item", ItemKey(7))});
  Push(device, a);
  EXPECT_GT(Pull(b, a), 3u);
  ExpectEqual(a, b);
  ExpectEqual(b, device.store());
}

// Wherever they are cut: a digest does not tell of deletes, but what comes late does.
TEST_P(SyncContract, DeletesComeInPartsToo) {
  SyncStore& a = Make().store();
  PartDevice& device = MakeDevice();
  FillItems(device, 1, 8);
  BytesSink all(kOnePart);
  ASSERT_TRUE(device.store().ExtractSince({}, all));
  const Bytes before_deletes = all.Take();
  Do(device, {Delete("item", ItemKey(1)), Delete("item", ItemKey(8))});
  Push(device, a);
  for (const std::size_t target_bytes : {std::size_t{1}, std::size_t{100}, kTinyPart, kOnePart}) {
    SyncStore& b = Make().store();
    Pull(b, a, target_bytes);
    ViewSource late(before_deletes);
    ASSERT_TRUE(b.Merge(late));
    EXPECT_EQ(DigestOf(b), DigestOf(a)) << target_bytes;
  }
}

TEST_P(SyncContract, AFirstSyncIsCutIntoPartsOrWhole) {
  SyncStore& a = Make().store();
  SyncStore& b = MakeCutting();
  PartDevice& device = MakeDevice();
  FillItems(device, 1, 60);
  Push(device, a);
  EXPECT_EQ(Pull(b, a) > 3, GetParam().cuts);
  ExpectEqual(a, b);
}

TEST_P(SyncContract, APartInTheMiddleLeavesTheVectorAsItIs) {
  SyncStore& a = MakeCutting();
  SyncStore& b = Make().store();
  PartDevice& device = MakeDevice();
  FillItems(device, 1, 60);
  Push(device, a);
  for (;;) {
    const SentPart part = Next(b, a);
    EXPECT_EQ(part.report.partial, part.report.more);
    EXPECT_EQ(part.report.partial, part.report.end.empty());
    ASSERT_TRUE(TakePart(b, part));
    EXPECT_EQ(PointAt(b, a), part.report.until);
    if (!part.report.more) break;
    EXPECT_TRUE(VectorOf(b).empty());
  }
  EXPECT_TRUE(VectorOf(b) == VectorOf(a));
}

// Whatever its sender wrote into it.
TEST_P(SyncContract, APartInTheMiddleThatClaimsAVectorMovesNone) {
  SyncStore& a = MakeCutting();
  SyncStore& b = Make().store();
  PartDevice& device = MakeDevice();
  FillItems(device, 1, 5);
  Push(device, a);
  SentPart part = Next(b, a, kOnePart);
  part.origin.partial = true;
  ASSERT_TRUE(TakePart(b, part));
  EXPECT_EQ(DigestOf(b), DigestOf(a));
  EXPECT_TRUE(VectorOf(b).empty());
}

TEST_P(SyncContract, AFirstSyncThatIsBrokenOffGoesOnWhereItWas) {
  SyncStore& a = MakeCutting();
  PartDevice& device = MakeDevice();
  FillItems(device, 1, 60);
  Push(device, a);
  const std::size_t parts = Pull(Make().store(), a);
  for (std::size_t after = 1; after < parts; ++after) {
    TestSyncStore& b = Make();
    Pull(b.store(), a, kTinyPart, after);
    const ResumePoint point = PointAt(b.store(), a);
    b.Reopen();
    EXPECT_EQ(PointAt(b.store(), a), point);
    EXPECT_EQ(after + Pull(b.store(), a), parts);
    ExpectEqual(b.store(), a);
  }
}

TEST_P(SyncContract, APartThatComesAgainIsHarmless) {
  SyncStore& a = MakeCutting();
  SyncStore& b = Make().store();
  PartDevice& device = MakeDevice();
  FillItems(device, 1, 60);
  Push(device, a);
  std::vector<SentPart> sent;
  do {
    sent.push_back(Next(b, a));
    ASSERT_TRUE(TakePart(b, sent.back()));
    for (const SentPart& again : sent) {
      const auto taken = TakePart(b, again);
      EXPECT_TRUE(taken || taken.error().code == Code::kNotCovered);
      EXPECT_EQ(taken ? taken->rows_changed : 0, 0u);
    }
  } while (Next(b, a).report.more);
  Pull(b, a);
  ExpectEqual(b, a);
}

TEST_P(SyncContract, APartThatComesTooEarlyIsRefusedAndChangesNothing) {
  SyncStore& a = MakeCutting();
  SyncStore& b = Make().store();
  SyncStore& late = Make().store();
  PartDevice& device = MakeDevice();
  FillItems(device, 1, 60);
  Push(device, a);
  std::vector<SentPart> sent;
  do {
    sent.push_back(Next(b, a));
    ASSERT_TRUE(TakePart(b, sent.back()));
  } while (sent.back().report.more);
  ASSERT_GT(sent.size(), 3u);

  for (std::size_t joined = 0; joined < sent.size(); ++joined) {
    for (std::size_t early = joined + 1; early < sent.size(); ++early) {
      const std::string before = Everything(late, a);
      EXPECT_EQ(CodeOf(TakePart(late, sent[early])), Code::kNotCovered) << joined << " " << early;
      EXPECT_EQ(Everything(late, a), before);
    }
    ASSERT_TRUE(TakePart(late, sent[joined]));
  }
  ExpectEqual(late, a);
}

// Without a point the vector alone counts, also where none is remembered.
TEST_P(SyncContract, APartForSomebodyWhoHasMoreIsRefused) {
  SyncStore& a = Make().store();
  SyncStore& b = Make().store();
  PartDevice& device = MakeDevice();
  FillItems(device, 1, 5);
  Push(device, a);
  const VersionVector before = VectorOf(a);
  FillItems(device, 6, 7);
  Push(device, a);
  const auto part = NextPart(a, {}, before, kOnePart);
  ASSERT_TRUE(part);
  EXPECT_EQ(part->report.rows, 2u);
  const std::string nothing = Everything(b, a);
  EXPECT_EQ(CodeOf(TakePart(b, *part)), Code::kNotCovered);
  EXPECT_EQ(Everything(b, a), nothing);
}

TEST_P(SyncContract, ChangesDuringAFirstSyncAreNotLost) {
  SyncStore& a = MakeCutting();
  SyncStore& b = Make().store();
  PartDevice& device = MakeDevice();
  FillItems(device, 1, 60);
  Push(device, a);
  int step = 0;
  constexpr std::size_t kTwoRows = 100;
  while (Next(b, a, kTwoRows).report.more) {
    Pull(b, a, kTwoRows, 1);
    if (++step > 20) continue;  // or there would always be more
    Do(device, {Update("item", ItemKey(step), {{"qty", N(1000 + step)}}),
                Update("item", ItemKey(61 - step), {{"qty", N(2000 + step)}}),
                Delete("item", ItemKey(30 + step % 3))});
    FillItems(device, 100 + step, 100 + step);
    Push(device, a);
  }
  EXPECT_GT(step, 20);
  Pull(b, a);
  ExpectEqual(b, a);
  ExpectEqual(b, device.store());
}

TEST_P(SyncContract, FromAPointOnlyWhatCameAfterItIsSent) {
  SyncStore& a = Make().store();
  SyncStore& b = Make().store();
  PartDevice& device = MakeDevice();
  FillItems(device, 1, 60);
  Push(device, a);
  Pull(b, a);
  Do(device, {Update("item", ItemKey(3), {{"qty", N(33)}})});
  Do(device, {Delete("item", ItemKey(4))});
  Push(device, a);
  const SentPart part = Next(b, a, kOnePart);
  EXPECT_EQ(part.report.rows, 2u);
  EXPECT_FALSE(part.report.more);
  EXPECT_TRUE(part.report.end == VectorOf(a));
  const auto taken = TakePart(b, part);
  ASSERT_TRUE(taken) << taken.error().message;
  EXPECT_EQ(taken->rows_changed, 2u);
  ExpectEqual(b, a);
}

TEST_P(SyncContract, WhatThePeerHasIsNotSentToIt) {
  SyncStore& a = Make().store();
  PartDevice& device = MakeDevice();
  PartDevice& other = MakeDevice();
  FillItems(device, 1, 10);
  FillItems(other, 11, 20);
  Push(device, a);
  Push(other, a);
  const auto part = NextPart(a, {}, *device.store().Vector(), kOnePart);
  ASSERT_TRUE(part);
  EXPECT_EQ(part->report.rows, 10u);
  EXPECT_FALSE(part->report.nothing);
}

TEST_P(SyncContract, WhereThereIsNothingOnlyThePointMoves) {
  SyncStore& a = Make().store();
  SyncStore& b = Make().store();
  PartDevice& device = MakeDevice();
  FillItems(device, 1, 10);
  Push(device, a);
  Push(device, b);  // by another way
  const SentPart part = Next(b, a, kOnePart);
  EXPECT_TRUE(part.report.nothing);
  EXPECT_FALSE(part.report.more);
  EXPECT_EQ(part.report.rows, 0u);
  EXPECT_TRUE(part.delta.empty());
  ASSERT_TRUE(b.SkipTo(part.origin));
  EXPECT_EQ(PointAt(b, a), part.report.until);
  const SentPart again = Next(b, a, kOnePart);
  EXPECT_TRUE(again.report.nothing);
  EXPECT_EQ(again.report.until, part.report.until);
}

TEST_P(SyncContract, APartTellsWhereTheOrderEnds) {
  SyncStore& a = Make().store();
  SyncStore& b = Make().store();
  PartDevice& device = MakeDevice();
  FillItems(device, 1, 60);
  Push(device, a);
  for (SentPart part = Next(b, a);; part = Next(b, a)) {
    EXPECT_EQ(part.report.head, *a.Head());
    ASSERT_TRUE(TakePart(b, part));
    if (!part.report.more) break;
  }
  const SentPart nothing = Next(b, a);
  EXPECT_TRUE(nothing.report.nothing);
  EXPECT_EQ(nothing.report.head, *a.Head());
}

TEST_P(SyncContract, AMarkInSlicesIsTheDigestOfAll) {
  SyncStore& a = Make().store();
  PartDevice& device = MakeDevice();
  FillItems(device, 1, 20);
  Push(device, a);
  std::optional<StateMark> mark;
  for (int slice = 0; !mark && slice < 100; ++slice) {
    const auto next = a.MarkState(3);
    ASSERT_TRUE(next) << next.error().message;
    mark = *next;
  }
  ASSERT_TRUE(mark);
  EXPECT_EQ(mark->digest.Hex(), DigestOf(a));
  EXPECT_EQ(mark->head, *a.Head());
  EXPECT_TRUE(mark->vector == VectorOf(a));
}

TEST_P(SyncContract, AMarkIsOfOneMoment) {
  SyncStore& a = Make().store();
  PartDevice& device = MakeDevice();
  FillItems(device, 1, 20);
  Push(device, a);
  for (int slice = 0; slice < 3; ++slice) ASSERT_TRUE(a.MarkState(3));
  Do(device, {Delete("item", ItemKey(1)), Update("item", ItemKey(20), {{"qty", N(7)}})});
  Push(device, a);
  std::optional<StateMark> mark;
  for (int slice = 0; !mark && slice < 100; ++slice) mark = a.MarkState(3).value_or(std::nullopt);
  ASSERT_TRUE(mark);
  EXPECT_EQ(mark->digest.Hex(), DigestOf(a));
  EXPECT_EQ(mark->head, *a.Head());
}

TEST_P(SyncContract, SkippingFromElsewhereDoesNothing) {
  SyncStore& a = Make().store();
  const ReplicaId peer = TestReplicaId(7);
  ASSERT_TRUE(a.SkipTo({peer, {}, "first", false}));
  ASSERT_TRUE(a.SkipTo({peer, "elsewhere", "second", false}));
  EXPECT_EQ(*a.PointOf(peer), "first");
  ASSERT_TRUE(a.SkipTo({peer, "first", "second", false}));
  EXPECT_EQ(*a.PointOf(peer), "second");
  ASSERT_TRUE(a.SkipTo({peer, {}, "third", false}));  // everybody is past the beginning
  EXPECT_EQ(*a.PointOf(peer), "third");
  EXPECT_EQ(*a.PointOf(TestReplicaId(8)), "");
}

// Rows that came by parts are there before the vector says so. A vector of the past
// does not vouch for what was there: only the point does.
TEST_P(SyncContract, RowsAheadOfTheVectorAreHandedOnAndNobodySkipsThem) {
  SyncStore& a = MakeCutting();
  SyncStore& hub = Make().store();
  SyncStore& b = Make().store();
  SyncStore& stranger = Make().store();
  PartDevice& device = MakeDevice();
  PartDevice& other = MakeDevice();
  FillItems(device, 1, 60);
  Push(device, a);
  FillItems(other, 100, 102);
  Push(other, hub);
  Pull(b, hub);
  Pull(stranger, hub);  // has heard of all that the hub's vector says

  while (Next(hub, a).report.more) Pull(hub, a, kTinyPart, 1);
  Pull(b, hub);  // b has those rows now, and its vector tells of none of them
  EXPECT_EQ(DigestOf(b), DigestOf(hub));
  EXPECT_TRUE(VectorOf(b) == VectorOf(hub));
  Pull(hub, a);  // the last part moves the vector

  const SentPart last = Next(b, hub, kOnePart);
  const auto taken = TakePart(stranger, last);  // either the rows are in it, or it is refused
  if (taken) {
    ExpectEqual(stranger, hub);
  } else {
    EXPECT_EQ(taken.error().code, Code::kNotCovered);
    EXPECT_FALSE(VectorOf(stranger).Covers(VectorOf(hub)));
  }
  ASSERT_TRUE(TakePart(b, last));
  ExpectEqual(b, hub);
  Pull(stranger, hub);
  ExpectEqual(stranger, hub);
}

// Nor who asks with a vector: that of before does not tell where those rows are.
TEST_P(SyncContract, RowsAheadOfTheVectorAreFoundByVector) {
  SyncStore& a = MakeCutting();
  SyncStore& hub = Make().store();
  SyncStore& b = Make().store();
  PartDevice& device = MakeDevice();
  PartDevice& other = MakeDevice();
  FillItems(device, 1, 60);
  Push(device, a);
  FillItems(other, 100, 102);
  Push(other, hub);
  Pull(hub, a, kTinyPart, 2);
  FillItems(other, 103, 103);  // something that b has already comes in between
  Push(other, hub);
  Push(other, b);
  Pull(hub, a);
  const auto part = NextPart(hub, {}, VectorOf(b), kOnePart);
  ASSERT_TRUE(part);
  ASSERT_TRUE(TakePart(b, *part));
  ExpectEqual(b, hub);

  BytesSink sink(kTestDeltaMaxBytes);  // and as a blob
  SyncStore& c = Make().store();
  Push(other, c);
  ASSERT_TRUE(hub.ExtractSince(VectorOf(c), sink));
  const Bytes delta = sink.Take();
  ViewSource source(delta);
  ASSERT_TRUE(c.Merge(source));
  ExpectEqual(c, hub);
}

TEST_P(SyncContract, AVectorThatMovedAloneIsPassedOn) {
  SyncStore& a = Make().store();
  SyncStore& b = Make().store();
  PartDevice& device = MakeDevice();
  PartDevice& witness = MakeDevice();
  FillItems(device, 1, 3);
  Push(device, a);
  Pull(b, a);
  ASSERT_TRUE(witness.Pull(a, kOnePart));
  const Cursor head = *a.Head();
  EXPECT_EQ(*a.Head(), head);

  // A transaction of which a later one left nothing.
  VersionVector end = VectorOf(a);
  end.Raise(TestReplicaId(50), {77});
  BytesSink sink(kTestDeltaMaxBytes);
  ASSERT_TRUE(WriteDelta({{TestReplicaId(50), {}, 0, VectorOf(a), end}, {}, {}}, sink));
  const Bytes delta = sink.Take();
  ViewSource source(delta);
  ASSERT_TRUE(a.Merge(source));
  EXPECT_NE(*a.Head(), head) << "there is something to send";
  const SentPart part = Next(b, a, kOnePart);
  EXPECT_FALSE(part.report.nothing);
  ASSERT_TRUE(TakePart(b, part));
  ExpectEqual(b, a);
}

INSTANTIATE_TEST_SUITE_P(Stores, SyncContract, testing::ValuesIn(AllSyncStoreMakers()),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace rejoin
