#include "replica/session.h"

#include <set>

#include "store/rows/row_store.h"
#include "tests/replica/sessions_fixture.h"

namespace rejoin {
namespace {

TEST_P(Sessions, TwoReplicasBecomeOne) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Diverge(a, b);
  Talk(b, a);
  Equal(a, b);
  EverybodyShows("item", {{K("milk"), {{"title", T("oat")}, {"qty", N(3)}}},
                          {K("rice"), Item(5)},
                          {K("tea"), Item(4)}});
}

TEST_P(Sessions, ALinkThatBreaksAfterAnyFrameLosesNothing) {
  for (std::size_t frames = 0;; ++frames) {
    replicas_.clear();
    TestReplica& a = Make(ItemTable());
    TestReplica& b = Make(ItemTable());
    Diverge(a, b);
    const std::size_t carried = Talk(a, b, frames);
    Do(a, {Insert("item", K("late"), Item(6))});
    Talk(b, a);
    Equal(a, b);
    if (carried < frames) break;
  }
}

TEST_P(Sessions, WhatWasJoinedIsNotSentAgain) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Diverge(a, b);
  Talk(a, b);
  Conversation again(Sync(a), Sync(b), random_);
  again.Run();
  EXPECT_TRUE(again.Done());
  EXPECT_EQ(again.a().session.report().rows_sent, 0u);
  EXPECT_EQ(again.b().session.report().rows_sent, 0u);
}

// Of deltas, by the merging condition, all the same.
TEST_P(Sessions, PointsAreOnlyAShortCut) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Diverge(a, b);
  Talk(a, b);
  Do(a, {Update("item", K("tea"), {{"qty", N(9)}})});
  a.TrimLog();
  b.TrimLog();
  Talk(a, b);
  Equal(a, b);
}

// A log that was cut off, or a file that was put back. Whoever is at no such place takes the answer all the same.
TEST_P(Sessions, TheAnswerToAPointThatIsNotKnownBeginsNowhere) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Do(a, {Insert("item", K("milk"), Item(1))});
  Conversation talk(Sync(a), Sync(b), random_);
  talk.Deliver(talk.a(), *talk.Next(talk.b()));  // its Hello
  Ask ask;
  ask.number = 1;
  ask.point = "a place in another order";
  talk.Deliver(talk.a(), EncodeMessage(ask));
  int parts = 0;
  while (const auto frame = talk.Next(talk.a())) {
    const auto message = DecodeMessage(*frame);
    ASSERT_TRUE(message);
    if (const Chunk* const chunk = std::get_if<Chunk>(&*message)) {
      ++parts;
      EXPECT_TRUE(chunk->from.empty());
    }
    talk.Deliver(talk.b(), *frame);
  }
  EXPECT_EQ(parts, 1);
  EXPECT_EQ(b.Shown("item"), a.Shown("item"));
}

TEST_P(Sessions, ChangesFollowWhileTheConversationLasts) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Do(a, {Insert("item", K("milk"), Item(1))});
  Conversation talk(Sync(a), Sync(b), random_);
  talk.Run();
  for (int i = 0; i < 5; ++i) {
    Do(i % 2 == 0 ? a : b, {Update("item", K("milk"), {{"qty", N(10 + i)}})});
    (i % 2 == 0 ? talk.a() : talk.b()).session.OnChange();
    EXPECT_FALSE((i % 2 == 0 ? talk.a() : talk.b()).session.SentAll());
    talk.Run();
    EXPECT_TRUE(talk.Done()) << i;
    Equal(a, b);
  }
  // Nobody hears their own words.
  EXPECT_EQ(talk.a().session.report().rows_sent, 1u + 3u);
  EXPECT_EQ(talk.b().session.report().rows_sent, 2u);
}

TEST_P(Sessions, WhatComesThroughAnotherIsHandedOn) {
  TestReplica& a = Make(ItemTable());
  TestReplica& hub = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Conversation left(Sync(a), Sync(hub), random_);
  Conversation right(Sync(hub), Sync(b), random_);
  left.Run();
  right.Run();
  for (int i = 0; i < 3; ++i) {
    Do(a, {Replace("item", K("milk"), Item(i))});
    left.a().session.OnChange();
    left.Run();
    left.b().session.OnChange();
    right.a().session.OnChange();
    left.Run();
    right.Run();
    EXPECT_EQ(DigestOf(a), DigestOf(b));
  }
  EXPECT_EQ(left.b().session.report().rows_sent, 0u);
}

TEST_P(Sessions, AcknowledgedIsWhatThePeerHas) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Do(a, {Insert("item", K("milk"), Item(1))});
  Conversation talk(Sync(a), Sync(b), random_);
  EXPECT_FALSE(talk.a().session.Acknowledged(false));
  talk.Run();
  const auto head = Sync(a).Head();
  ASSERT_TRUE(head);
  ASSERT_TRUE(talk.a().session.Acknowledged(true));
  EXPECT_TRUE(*talk.a().session.Acknowledged(true) == *head);
}

TEST_P(Sessions, APeerThatIsNotDurableAcknowledgesLess) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Do(a, {Insert("item", K("milk"), Item(1))});
  SessionOptions options;
  options.durable = false;
  Conversation talk(Sync(a), Sync(b), random_, options);
  talk.Run();
  EXPECT_TRUE(talk.a().session.Acknowledged(false));
  EXPECT_FALSE(talk.a().session.Acknowledged(true));
}

// The order moved on by what the peer sent, while its Ack was on the way.
TEST_P(Sessions, AnAckIsForWhatWasNothingForThePeerToo) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Conversation talk(Sync(a), Sync(b), random_);
  talk.Run();
  Do(a, {Insert("item", K("mine"), Item(1))});
  Do(b, {Insert("item", K("theirs"), Item(2))});
  talk.a().session.OnChange();
  talk.b().session.OnChange();
  const auto mine = talk.Next(talk.a());
  const auto theirs = talk.Next(talk.b());
  ASSERT_TRUE(mine && theirs);
  talk.Deliver(talk.a(), *theirs);
  talk.a().session.OnChange();
  std::vector<Bytes> rest;
  while (const auto frame = talk.Next(talk.a())) rest.push_back(*frame);
  talk.Deliver(talk.b(), *mine);
  for (const Bytes& frame : rest) talk.Deliver(talk.b(), frame);
  talk.Run();
  ASSERT_TRUE(talk.a().session.Acknowledged(true));
  EXPECT_TRUE(*talk.a().session.Acknowledged(true) == *Sync(a).Head());
}

TEST_P(Sessions, OneLargePartComesInManyChunks) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Transaction many;
  FakeRandom letters(3);
  for (int i = 0; i < 40; ++i) {
    std::string text;
    for (int k = 0; k < 4000; ++k) text += static_cast<char>('a' + letters.Draw64() % 26);
    many.push_back(Insert("item", EncodeKey({N(i)}), {{"title", Value::Text(text)}}));
  }
  for (int round = 0; round < 10; ++round) {
    for (Op& op : many) {
      op.key = EncodeKey({N(round * 1000 + (&op - many.data()))});
    }
    Do(a, many);
  }
  Talk(a, b);
  Equal(a, b);
}

TEST_P(Sessions, AnotherRoomIsRefusedByBoth) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  RoomId one;
  one.bytes[0] = 1;
  RoomId two;
  two.bytes[0] = 2;
  ASSERT_TRUE(Sync(a).SetRoom(one));
  ASSERT_TRUE(Sync(b).SetRoom(two));
  Do(a, {Insert("item", K("milk"), Item(1))});
  Conversation talk(Sync(a), Sync(b), random_);
  talk.Run();
  ASSERT_TRUE(talk.a().error);
  ASSERT_TRUE(talk.b().error);
  EXPECT_EQ(talk.b().error->code, Code::kForeignRoom);
  EXPECT_NE(talk.a().error->message.find("room"), std::string::npos);
  EXPECT_TRUE(b.Shown("item").empty());
}

TEST_P(Sessions, ARoomIsAgreedOnOnce) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  TestReplica& c = Make(ItemTable());
  Do(a, {Insert("item", K("milk"), Item(1))});
  Talk(a, b);
  Talk(b, a);
  Talk(c, b);
  ASSERT_TRUE(Sync(a).Room()->IsSet());
  EXPECT_TRUE(*Sync(a).Room() == *Sync(b).Room());
  EXPECT_TRUE(*Sync(a).Room() == *Sync(c).Room());
}

// A room that nobody has yet, and two that come before either was told of one.
TEST_P(Sessions, TwoThatComeAtOnceAreToldOneRoom) {
  TestReplica& hub = Make(ItemTable());
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Conversation left(Sync(a), Sync(hub), random_);
  Conversation right(Sync(b), Sync(hub), random_);
  for (Conversation* const talk : {&left, &right}) {
    const auto hello = talk->Next(talk->b());
    ASSERT_TRUE(hello);
    talk->Deliver(talk->a(), *hello);
  }
  for (int i = 0; i < 3; ++i) {
    left.Run();
    right.Run();
  }
  EXPECT_TRUE(left.Done() && right.Done());
  EXPECT_TRUE(Sync(a).Room()->IsSet());
  EXPECT_TRUE(*Sync(a).Room() == *Sync(hub).Room());
  EXPECT_TRUE(*Sync(b).Room() == *Sync(hub).Room());
}

TEST_P(Sessions, AFileIsNotItsOwnPeer) {
  TestReplica& a = Make(ItemTable());
  Conversation talk(Sync(a), Sync(a), random_);
  talk.Run();
  ASSERT_TRUE(talk.b().error);
  EXPECT_EQ(talk.b().error->code, Code::kProtocol);
  EXPECT_EQ(talk.b().session.report().peer, ReplicaId()) << "a hub would keep itself as one of its peers";
}

// A hub's store, which knows no schema and tells everything in small parts.
class ThroughAHub : public Sessions {
 protected:
  void TalkToHub(TestReplica& device, std::size_t frames = kNever) {
    SessionOptions options;
    options.part_bytes = 100;
    Conversation talk(Sync(device), *hub_, random_, options);
    talk.Run(frames);
    EXPECT_FALSE(talk.a().error) << talk.a().error->message;
    EXPECT_FALSE(talk.b().error) << talk.b().error->message;
    EXPECT_TRUE(talk.Done() || frames != kNever);
  }
  void SetUp() override {
    RowStoreOptions options;
    options.random = &random_;
    options.durable = false;
    options.max_read_bytes = 1000;
    auto hub = RowStore::Open(":memory:", options);
    ASSERT_TRUE(hub) << hub.error().message;
    hub_ = std::move(*hub);
  }
  std::string HubDigest() { return hub_->StateDigest({})->Hex(); }

  std::unique_ptr<RowStore> hub_;
};

TEST_P(ThroughAHub, DevicesBecomeOneWhicheverFrameIsTheLast) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  int next = 0;
  for (std::size_t frames = 0; frames < 40; ++frames) {
    Do(a, {Replace("item", EncodeKey({N(next++ % 13)}), Item(next))});
    Do(b, {Replace("item", EncodeKey({N(next++ % 7)}), Item(next)),
           Insert("item", EncodeKey({N(1000 + next)}), Item(next))});
    Do(b, {Delete("item", EncodeKey({N(next % 5)}))});
    TalkToHub(a, frames);
    TalkToHub(b, (frames * 7) % 40);
    if (frames % 8 != 7) continue;
    TalkToHub(a);
    TalkToHub(b);
    TalkToHub(a);
    Equal(a, b);
    EXPECT_EQ(HubDigest(), DigestOf(a));
  }
}

TEST_P(ThroughAHub, ANewDeviceGetsEverythingInPartsThoughTheLinkBreaks) {
  TestReplica& a = Make(ItemTable());
  for (int i = 0; i < 50; ++i) Do(a, {Insert("item", EncodeKey({N(i)}), Item(i))});
  TalkToHub(a);
  TestReplica& b = Make(ItemTable());
  // Each conversation gets a little further: what was joined does not come again.
  for (int attempt = 0; attempt < 200 && DigestOf(b) != DigestOf(a); ++attempt) TalkToHub(b, 9);
  TalkToHub(b);
  Equal(a, b);
}

// The hub looks at much that the peer wrote itself, finds nothing, and looks on.
TEST_P(ThroughAHub, WhatThePeerWroteHidesNothingBehindIt) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Conversation left(Sync(a), *hub_, random_);
  Conversation right(Sync(b), *hub_, random_);
  left.Run();
  right.Run();
  for (int i = 0; i < 100; ++i) Do(a, {Insert("item", EncodeKey({N(i)}), Item(i))});
  left.a().session.OnChange();
  left.Run();
  Do(b, {Insert("item", EncodeKey({N(1000)}), Item(1000))});
  right.a().session.OnChange();
  right.Run();
  left.b().session.OnChange();
  left.Run();
  EXPECT_TRUE(left.Done());
  EXPECT_EQ(DigestOf(a), HubDigest());
}

TEST_P(ThroughAHub, HowMuchHasComeGrowsUntilItIsAll) {
  TestReplica& a = Make(ItemTable());
  for (int i = 0; i < 200; ++i) Do(a, {Insert("item", EncodeKey({N(i)}), Item(i))});
  TalkToHub(a);
  Conversation talk(Sync(Make(ItemTable())), *hub_, random_);
  std::set<std::uint64_t> seen;
  for (bool moved = true; moved;) {
    moved = false;
    for (Conversation::Side* const from : {&talk.a(), &talk.b()}) {
      const auto frame = talk.Next(*from);
      if (!frame) continue;
      moved = true;
      talk.Deliver(from == &talk.a() ? talk.b() : talk.a(), *frame);
      const std::uint64_t come = talk.a().session.report().received_permille;
      EXPECT_TRUE(seen.empty() || come >= *seen.rbegin());
      seen.insert(come);
    }
  }
  EXPECT_EQ(*seen.rbegin(), 1000u);
  EXPECT_GT(seen.size(), 4u);
}

INSTANTIATE_TEST_SUITE_P(Stores, ThroughAHub, testing::ValuesIn(Makers()),
                         testing::PrintToStringParamName());
INSTANTIATE_TEST_SUITE_P(Stores, Sessions, testing::ValuesIn(Makers()),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace rejoin
