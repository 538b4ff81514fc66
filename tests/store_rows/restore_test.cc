// A hub's file that was put back to an earlier day: what it told since is not believed.
#include "store/rows/local_order.h"
#include "store/sqlite/sqlite_file.h"
#include "tests/store_rows/row_fixture.h"

namespace rejoin {
namespace {

class RowRestore : public RowFixture {
 protected:
  // The file is closed meanwhile, as when an administrator does it.
  void CopyAway(std::unique_ptr<RowStore>& hub) {
    hub.reset();
    CopyDatabase(path_.text(), copy_.text());
    hub = Open(path_.text());
  }
  void PutBack(std::unique_ptr<RowStore>& hub) {
    hub.reset();
    CopyDatabase(copy_.text(), path_.text());
    hub = Open(path_.text());
  }
};

TEST_F(RowRestore, APointGivenOutAfterTheCopyIsUnknown) {
  auto hub = Open(path_.text());
  PartDevice device = MakeDevice(1);
  Fill(device, 1, 10);
  Push(device, *hub);
  const ResumePoint before = Ask(*hub, {}).until;
  CopyAway(hub);
  Fill(device, 11, 12);
  Push(device, *hub);
  const ResumePoint after = Ask(*hub, {}).until;
  EXPECT_TRUE(Knows(*hub, before));
  EXPECT_TRUE(Knows(*hub, after));

  PutBack(hub);
  EXPECT_TRUE(Knows(*hub, before));
  EXPECT_FALSE(Knows(*hub, after)) << "its positions are not given out again yet";
  PartDevice other = MakeDevice(2);
  Fill(other, 21, 40);
  Push(other, *hub);
  EXPECT_TRUE(Knows(*hub, before));
  EXPECT_FALSE(Knows(*hub, after)) << "they are now, for other rows";
}

// The copy was taken while the hub ran: its last epoch is the one that goes on.
TEST_F(RowRestore, APointOfTheEpochThatTheCopyEndsInIsKnownUpToItsEnd) {
  auto hub = Open(path_.text());
  PartDevice device = MakeDevice(1);
  Fill(device, 1, 10);
  Push(device, *hub);
  const ResumePoint before = Ask(*hub, {}).until;
  CopyDatabase(path_.text(), copy_.text());
  Fill(device, 11, 12);
  Push(device, *hub);
  const ResumePoint after = Ask(*hub, {}).until;
  EXPECT_EQ(DecodePoint(after)->epoch, DecodePoint(before)->epoch);

  PutBack(hub);
  PartDevice other = MakeDevice(2);
  Fill(other, 21, 40);
  Push(other, *hub);
  EXPECT_TRUE(Knows(*hub, before));
  EXPECT_FALSE(Knows(*hub, after));
}

// A row that moved behind the place of the scan, before it came by, is not at the
// device; in the copy it still stands ahead of that place.
TEST_F(RowRestore, APlaceInTheMiddleOfAFirstSyncCountsAsOfTheHeadThen) {
  auto hub = Open(path_.text());
  PartDevice writer = MakeDevice(1);
  PartDevice reader = MakeDevice(2);
  Fill(writer, 1, 30);
  Push(writer, *hub);
  CopyDatabase(path_.text(), copy_.text());
  Do(writer, {Update("item", ItemKey(1), {{"qty", N(100)}})});
  Push(writer, *hub);
  Pull(reader, *hub, kTinyPart, 2);
  EXPECT_EQ(reader.store().Shown("item").count(ItemKey(1)), 0u);
  EXPECT_GT(reader.store().Shown("item").size(), 1u);

  PutBack(hub);
  Pull(reader, *hub);
  EXPECT_EQ(DigestOf(reader.store()), DigestOf(*hub));
  EXPECT_TRUE(VectorOf(reader.store()) == VectorOf(*hub));
  EXPECT_EQ(reader.store().Shown("item").size(), 30u);
}

// Two devices that were ahead of the backup bring everything again.
TEST_F(RowRestore, NobodySkipsARow) {
  auto hub = Open(path_.text());
  PartDevice a = MakeDevice(1);
  PartDevice b = MakeDevice(2);
  Fill(a, 1, 10);
  Push(a, *hub);
  CopyAway(hub);
  Fill(a, 11, 20);
  Push(a, *hub);
  Pull(b, *hub);
  PutBack(hub);
  Fill(b, 31, 45);
  Push(b, *hub);
  Fill(a, 21, 22);
  Push(a, *hub);
  for (PartDevice* device : {&a, &b}) Pull(*device, *hub);
  EXPECT_EQ(DigestOf(a.store()), DigestOf(b.store()));
  EXPECT_EQ(DigestOf(a.store()), DigestOf(*hub));
  EXPECT_EQ(a.store().Shown("item").size(), 37u);
}

TEST_F(RowRestore, OpeningWithoutWritingBeginsNoEpoch) {
  auto hub = Open(path_.text());
  const std::uint64_t first = hub->Head()->epoch;
  for (int i = 0; i < 3; ++i) {
    hub.reset();
    hub = Open(path_.text());
    EXPECT_EQ(hub->Head()->epoch, first);
  }
  ASSERT_TRUE(hub->SawPeer(TestReplicaId(1), "phone", 1));
  EXPECT_EQ(hub->Head()->epoch, first) << "the order stays as it is";
  PartDevice device = MakeDevice(1);
  Fill(device, 1, 1);
  Push(device, *hub);
  const std::uint64_t second = hub->Head()->epoch;
  EXPECT_NE(second, first);
  Fill(device, 2, 2);
  Push(device, *hub);
  EXPECT_EQ(hub->Head()->epoch, second);
}

TEST_F(RowRestore, AnEpochThatARefusedDeltaBeganIsBegunAgain) {
  auto hub = Open(path_.text());
  PartDevice device = MakeDevice(1);
  Fill(device, 1, 3);
  Push(device, *hub);
  const std::uint64_t first = hub->Head()->epoch;
  hub.reset();
  hub = Open(path_.text());
  BytesSink sink(kTestDeltaMaxBytes);
  ASSERT_TRUE(device.store().ExtractSince({}, sink));
  Bytes damaged = sink.Take();
  damaged.pop_back();
  ViewSource source(damaged);
  EXPECT_EQ(CodeOf(hub->Merge(source)), Code::kCorrupt);
  EXPECT_EQ(hub->Head()->epoch, first);
  Fill(device, 4, 4);
  Push(device, *hub);
  EXPECT_NE(hub->Head()->epoch, first);
}

TEST_F(RowRestore, OldEpochsAreForgottenInTheEnd) {
  auto opened = SqliteFile::Open(path_.text(), 0);
  ASSERT_TRUE(opened);
  Database& db = opened->sql();
  ASSERT_TRUE(db.Exec("CREATE TABLE epoch(number INTEGER PRIMARY KEY, id INTEGER, first_position INTEGER)"));
  ASSERT_TRUE(db.Exec("BEGIN"));
  std::vector<std::uint64_t> ids;
  for (std::int64_t i = 0; i < kMaxEpochs + 2; ++i) {
    ASSERT_TRUE(BeginEpoch(db, random_, static_cast<std::uint64_t>(10 * i)));
    ids.push_back(*LastEpoch(db));
  }
  const auto known = [&](std::size_t epoch, std::uint64_t position) {
    return *IsKnown(db, {ids[epoch], position, position}, 1'000'000);
  };
  EXPECT_FALSE(known(1, 15));
  EXPECT_TRUE(known(2, 25));
  EXPECT_TRUE(known(2, 30));
  EXPECT_FALSE(known(2, 31));
  EXPECT_TRUE(known(ids.size() - 1, 1'000'000));
  EXPECT_FALSE(known(ids.size() - 1, 1'000'001));
}

TEST(OrderPoints, ComeBackAsTheyWere) {
  for (const OrderPoint& point :
       {OrderPoint{1, 0, 0}, OrderPoint{~std::uint64_t{0}, 5, 5}, OrderPoint{7, 1, ~std::uint64_t{0}},
        OrderPoint{0, std::uint64_t{1} << 40, (std::uint64_t{1} << 40) + 300}}) {
    const ResumePoint bytes = EncodePoint(point);
    EXPECT_LE(bytes.size(), 37u);
    EXPECT_EQ(DecodePoint(bytes), point);
  }
  EXPECT_EQ(DecodePoint(""), std::nullopt);
  ResumePoint newer = EncodePoint({1, 2, 3});
  newer[0] = 2;
  EXPECT_EQ(DecodePoint(newer), std::nullopt);
}

// The worked bytes of docs/hub_format.md.
TEST(OrderPoints, HaveTheBytesOfTheirDocument) {
  const ResumePoint point = EncodePoint({0x1122334455667788u, 300, 301});
  EXPECT_EQ(ByteView(point).substr(0, 12),
            ByteView("\x01\x88\x77\x66\x55\x44\x33\x22\x11\xac\x02\x01", 12));
  EXPECT_EQ(point.size(), 20u);
}

}  // namespace
}  // namespace rejoin
