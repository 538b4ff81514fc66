// What every SyncStore promises of points and rooms: whose they are, and what becomes
// of damaged ones.
#include "tests/store/sync_fixture.h"

namespace rejoin {
namespace {

class SyncPoints : public SyncFixture {
 protected:
  // What is said to one who comes with `point`.
  static Code Asked(SyncStore& store, const ResumePoint& point) {
    BytesSink sink(kTestDeltaMaxBytes);
    const auto part = store.ExtractPart({point, {}, kOnePart}, sink);
    return part ? Code::kInternal : part.error().code;
  }
  static SentPart WithRoom(SentPart part, const RoomId& room) {
    ViewSource source(part.delta);
    auto delta = ReadDelta(source);
    delta->header.room = room;
    BytesSink sink(kTestDeltaMaxBytes);
    EXPECT_TRUE(WriteDelta(*delta, sink));
    part.delta = sink.Take();
    return part;
  }
};

TEST_P(SyncPoints, APointOfAnotherStoreIsNotCovered) {
  SyncStore& a = Make().store();
  SyncStore& b = Make().store();
  PartDevice& device = MakeDevice();
  FillItems(device, 1, 20);
  Push(device, a);
  Push(device, b);
  const SentPart part = Next(b, a, kTinyPart);
  EXPECT_EQ(Asked(b, part.report.until), Code::kNotCovered);
  EXPECT_EQ(Asked(b, "nonsense"), Code::kNotCovered);
  EXPECT_EQ(Asked(b, Bytes(kMaxResumePointBytes, 'x')), Code::kNotCovered);
  EXPECT_EQ(Asked(a, part.report.until), Code::kInternal) << "its own is known";
}

TEST_P(SyncPoints, ADamagedPointIsNeverBelieved) {
  SyncStore& a = Make().store();
  PartDevice& device = MakeDevice();
  FillItems(device, 1, 40);
  Push(device, a);
  const auto part = NextPart(a, {}, {}, kTinyPart);
  ASSERT_TRUE(part);
  const ResumePoint& point = part->report.until;
  const auto refused = [&](const ResumePoint& damaged) {
    const Code code = Asked(a, damaged);
    return code == Code::kNotCovered || code == Code::kCorrupt;
  };
  for (std::size_t length = 1; length < point.size(); ++length) {
    EXPECT_TRUE(refused(point.substr(0, length))) << length;
  }
  for (std::size_t bit = 0; bit < 8 * point.size(); ++bit) {
    ResumePoint flipped = point;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_TRUE(refused(flipped)) << bit;
  }
  EXPECT_TRUE(refused(point + "x"));
}

TEST_P(SyncPoints, APointTooLargeIsRefused) {
  SyncStore& a = Make().store();
  SyncStore& b = Make().store();
  PartDevice& device = MakeDevice();
  FillItems(device, 1, 2);
  Push(device, a);
  SentPart part = Next(b, a, kOnePart);
  const std::string before = Everything(b, a);
  part.origin.until = Bytes(kMaxResumePointBytes + 1, 'p');
  EXPECT_EQ(CodeOf(TakePart(b, part)), Code::kLimit);
  EXPECT_EQ(Everything(b, a), before);
  part.origin.until = Bytes(kMaxResumePointBytes, 'p');
  EXPECT_TRUE(TakePart(b, part));
  EXPECT_EQ(PointAt(b, a), part.origin.until);
}

TEST_P(SyncPoints, PointsSurviveReopening) {
  TestSyncStore& a = Make();
  TestSyncStore& b = Make();
  PartDevice& device = MakeDevice();
  FillItems(device, 1, 20);
  Push(device, a.store());
  Pull(b.store(), a.store());
  const ResumePoint point = PointAt(b.store(), a.store());
  b.Reopen();
  a.Reopen();
  EXPECT_EQ(PointAt(b.store(), a.store()), point);
  FillItems(device, 21, 22);
  Push(device, a.store());
  const SentPart part = Next(b.store(), a.store(), kOnePart);
  EXPECT_EQ(part.origin.from, point);
  EXPECT_EQ(part.report.rows, 2u) << "the point still counts";
  ASSERT_TRUE(TakePart(b.store(), part));
  ExpectEqual(b.store(), a.store());
}

TEST_P(SyncPoints, ADamagedPartChangesNothing) {
  SyncStore& a = Make().store();
  SyncStore& b = Make().store();
  PartDevice& device = MakeDevice();
  FillItems(device, 1, 5);
  Push(device, a);
  const SentPart whole = Next(b, a, kOnePart);
  const std::string before = Everything(b, a);
  SentPart damaged = whole;
  for (std::size_t length = 0; length < whole.delta.size(); ++length) {
    damaged.delta = whole.delta.substr(0, length);
    EXPECT_EQ(CodeOf(TakePart(b, damaged)), Code::kCorrupt) << length;
  }
  for (std::size_t at = 0; at < whole.delta.size(); ++at) {
    damaged.delta = whole.delta;
    damaged.delta[at] = static_cast<char>(damaged.delta[at] ^ 0x04);
    EXPECT_EQ(CodeOf(TakePart(b, damaged)), Code::kCorrupt) << at;
  }
  EXPECT_EQ(Everything(b, a), before);
  EXPECT_TRUE(TakePart(b, whole));
  ExpectEqual(b, a);
}

TEST_P(SyncPoints, AnotherRoomIsRefused) {
  SyncStore& a = Make().store();
  SyncStore& b = Make().store();
  PartDevice& device = MakeDevice();
  FillItems(device, 1, 5);
  Push(device, a);
  EXPECT_FALSE(a.Room()->IsSet());
  RoomId kitchen;
  kitchen.bytes.fill(1);
  RoomId office;
  office.bytes.fill(2);
  ASSERT_TRUE(a.SetRoom(kitchen));
  ASSERT_TRUE(a.SetRoom(kitchen));
  const Status moved = a.SetRoom(office);
  EXPECT_TRUE(!moved && moved.error().code == Code::kForeignRoom);
  EXPECT_EQ(*a.Room(), kitchen);

  const SentPart part = Next(b, a, kOnePart);
  ASSERT_TRUE(TakePart(b, part));
  EXPECT_EQ(*b.Room(), kitchen) << "the first delta that has a room sets it";
  FillItems(device, 6, 6);
  Push(device, a);
  const SentPart next = Next(b, a, kOnePart);
  const std::string before = Everything(b, a);
  EXPECT_EQ(CodeOf(TakePart(b, WithRoom(next, office))), Code::kForeignRoom);
  EXPECT_EQ(Everything(b, a), before);
  EXPECT_TRUE(TakePart(b, WithRoom(next, RoomId{}))) << "of no room yet";
  ExpectEqual(b, a);
}

INSTANTIATE_TEST_SUITE_P(Stores, SyncPoints, testing::ValuesIn(AllSyncStoreMakers()),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace rejoin
