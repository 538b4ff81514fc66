// What is stamped too far ahead is left out of a part; the rest of it is joined.
#include "tests/store/sync_fixture.h"

namespace rejoin {
namespace {

constexpr std::uint64_t kYearMs = std::uint64_t{365} * 24 * 3600 * 1000;

class TooNewParts : public SyncFixture {
 protected:
  // `to` takes what `from` has for it, and nothing later than `ahead_ms` from now.
  Result<MergeReport> Take(SyncStore& to, SyncStore& from, std::uint64_t ahead_ms = 60'000) {
    SentPart part = Next(to, from, kOnePart);
    part.origin.newest = HybridTimestamp::FromWall(clock_.wall_ms + ahead_ms);
    return TakePart(to, part);
  }
  // A transaction of a device whose clock is years ahead.
  void DoAhead(PartDevice& device, const Transaction& transaction) {
    clock_.wall_ms += 2 * kYearMs;
    Do(device, transaction);
    clock_.wall_ms -= 2 * kYearMs;
  }
  static Row Item(int qty) { return {{"title", T("x")}, {"qty", N(qty)}}; }
};

TEST_P(TooNewParts, AreJoinedWithoutWhatIsTooNew) {
  SyncStore& store = Make().store();
  PartDevice& device = MakeDevice();
  PartDevice& honest = MakeDevice();
  FillItems(device, 1, 3);
  FillItems(honest, 1, 3);
  Do(honest, {Update("item", ItemKey(1), {{"qty", N(77)}})});
  DoAhead(device, {Insert("item", ItemKey(4), Item(4)), Delete("item", ItemKey(2)),
                   Update("item", ItemKey(3), {{"title", T("of the future")}})});
  const auto taken = Take(store, device.store());
  ASSERT_TRUE(taken) << taken.error().message;
  ASSERT_TRUE(taken->too_new);
  EXPECT_EQ(taken->too_new->replica, IdOf(device.store()));
  EXPECT_EQ(taken->too_new->time, VectorOf(device.store()).Get(IdOf(device.store())));
  EXPECT_EQ(taken->rows_changed, 3u);

  EXPECT_TRUE(VectorOf(store).empty());
  EXPECT_EQ(PointAt(store, device.store()), ResumePoint());
  const auto clock = store.LatestTimeSeen();
  ASSERT_TRUE(clock);
  EXPECT_LE(*clock, HybridTimestamp::FromWall(clock_.wall_ms));
  // Neither the insert nor the delete nor the edit: whole transactions.
  PartDevice& reader = MakeDevice();
  Pull(reader.store(), store, kOnePart);
  const Rows shown = reader.store().Shown("item");
  EXPECT_EQ(shown.size(), 3u);
  EXPECT_EQ(shown.count(ItemKey(2)), 1u);
  EXPECT_EQ(shown.count(ItemKey(4)), 0u);
  EXPECT_NE(shown.at(ItemKey(3)).at("title"), T("of the future"));
}

TEST_P(TooNewParts, ComeAgainWhole) {
  SyncStore& store = Make().store();
  PartDevice& device = MakeDevice();
  FillItems(device, 1, 3);
  DoAhead(device, {Insert("item", ItemKey(4), Item(4))});
  for (int i = 0; i < 3; ++i) {
    const auto taken = Take(store, device.store());
    ASSERT_TRUE(taken);
    EXPECT_TRUE(taken->too_new);
    EXPECT_EQ(taken->rows_changed, i == 0 ? 3u : 0u);
  }
  clock_.wall_ms += 2 * kYearMs;
  const auto taken = Take(store, device.store());
  ASSERT_TRUE(taken);
  EXPECT_FALSE(taken->too_new);
  EXPECT_EQ(taken->rows_changed, 1u);
  ExpectEqual(store, device.store());
}

TEST_P(TooNewParts, DoNotKeepOthersOut) {
  SyncStore& store = Make().store();
  PartDevice& device = MakeDevice();
  PartDevice& honest = MakeDevice();
  FillItems(device, 1, 3);
  DoAhead(device, {Update("item", ItemKey(1), {{"qty", N(99)}})});
  ASSERT_TRUE(Take(store, device.store()));
  FillItems(honest, 11, 12);
  const auto taken = Take(store, honest.store());
  ASSERT_TRUE(taken);
  EXPECT_FALSE(taken->too_new);
  const ReplicaId id = IdOf(honest.store());
  EXPECT_EQ(VectorOf(store).Get(id), VectorOf(honest.store()).Get(id));
  Pull(honest.store(), store, kOnePart);
  EXPECT_EQ(honest.store().Shown("item").size(), 5u) << "the rest of the part was handed on";
}

// Whoever has them already, as from a time without a guard, is not bothered by them.
TEST_P(TooNewParts, AreNoNewsToWhoHasThem) {
  SyncStore& store = Make().store();
  PartDevice& device = MakeDevice();
  FillItems(device, 1, 2);
  DoAhead(device, {Update("item", ItemKey(1), {{"qty", N(99)}})});
  const SentPart part = Next(store, device.store(), kOnePart);
  ASSERT_TRUE(TakePart(store, part)) << "no limit";
  const std::string before = Everything(store, device.store());
  SentPart again = part;
  again.origin.newest = HybridTimestamp::FromWall(clock_.wall_ms);
  const auto taken = TakePart(store, again);
  ASSERT_TRUE(taken);
  EXPECT_FALSE(taken->too_new);
  EXPECT_EQ(Everything(store, device.store()), before);
}

// No row has the time at which it ends, and no clock is to be drawn there.
TEST_P(TooNewParts, OnlyByTheirEnd) {
  SyncStore& store = Make().store();
  PartDevice& device = MakeDevice();
  FillItems(device, 1, 2);
  MemoryDelta delta = device.store().CollectSince({});
  const HybridTimestamp far = HybridTimestamp::FromWall(clock_.wall_ms + kYearMs);
  delta.header.end.Raise(TestReplicaId(55), far);
  BytesSink sink(kTestDeltaMaxBytes);
  ASSERT_TRUE(WriteDelta(delta, sink));
  const Bytes bytes = sink.Take();
  ViewSource source(bytes);
  PartOrigin origin{IdOf(device.store()), {}, "there", false};
  origin.newest = HybridTimestamp::FromWall(clock_.wall_ms);
  const auto taken = store.MergePart(source, origin);
  ASSERT_TRUE(taken) << taken.error().message;
  ASSERT_TRUE(taken->too_new);
  EXPECT_EQ(taken->too_new->replica, TestReplicaId(55));
  EXPECT_EQ(taken->rows_changed, 2u);
  EXPECT_TRUE(VectorOf(store).empty());
  EXPECT_LT(*store.LatestTimeSeen(), far);
}

TEST_P(TooNewParts, AtTheBoundAreTaken) {
  SyncStore& store = Make().store();
  PartDevice& device = MakeDevice();
  FillItems(device, 1, 1);
  const auto taken = Take(store, device.store(), 0);
  ASSERT_TRUE(taken);
  EXPECT_FALSE(taken->too_new);
  FillItems(device, 2, 2);
  clock_.wall_ms -= 1;
  const auto beyond = Take(store, device.store(), 0);
  ASSERT_TRUE(beyond);
  EXPECT_TRUE(beyond->too_new);
}

INSTANTIATE_TEST_SUITE_P(Stores, TooNewParts, testing::ValuesIn(AllSyncStoreMakers()),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace rejoin
