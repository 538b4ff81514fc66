#include "replica/session.h"

#include "tests/replica/conversation.h"
#include "tests/store/replicas_fixture.h"

namespace rejoin {
namespace {

class Sessions : public ReplicasFixture {
 protected:
  std::size_t Talk(TestReplica& a, TestReplica& b, std::size_t frames = kNever) {
    Conversation talk(a.store(), b.store(), random_);
    const std::size_t carried = talk.Run(frames);
    EXPECT_FALSE(talk.a().error) << talk.a().error->message;
    EXPECT_FALSE(talk.b().error) << talk.b().error->message;
    EXPECT_TRUE(talk.Done() || frames != kNever);
    return carried;
  }
  void Equal(TestReplica& a, TestReplica& b) {
    EXPECT_EQ(DigestOf(a), DigestOf(b));
    EXPECT_TRUE(VectorOf(a) == VectorOf(b));
  }
  Row Item(std::int64_t qty) { return {{"title", T("x")}, {"qty", N(qty)}}; }
  // Two replicas that know of each other and have each changed since.
  void Diverge(TestReplica& a, TestReplica& b) {
    Do(a, {Insert("item", K("milk"), Item(1)), Insert("item", K("eggs"), Item(2))});
    Talk(a, b);
    Do(a, {Update("item", K("milk"), {{"qty", N(3)}}), Insert("item", K("tea"), Item(4))});
    Do(b, {Delete("item", K("eggs")), Insert("item", K("rice"), Item(5))});
    Do(b, {Update("item", K("milk"), {{"title", T("oat")}})});
  }

  FakeRandom random_{7};
};

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
  Conversation again(a.store(), b.store(), random_);
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

TEST_P(Sessions, ChangesFollowWhileTheConversationLasts) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Do(a, {Insert("item", K("milk"), Item(1))});
  Conversation talk(a.store(), b.store(), random_);
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
  Conversation left(a.store(), hub.store(), random_);
  Conversation right(hub.store(), b.store(), random_);
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
  Conversation talk(a.store(), b.store(), random_);
  EXPECT_FALSE(talk.a().session.Acknowledged(false));
  talk.Run();
  const auto head = a.store().Head();
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
  Conversation talk(a.store(), b.store(), random_, options);
  talk.Run();
  EXPECT_TRUE(talk.a().session.Acknowledged(false));
  EXPECT_FALSE(talk.a().session.Acknowledged(true));
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
  ASSERT_TRUE(a.store().SetRoom(one));
  ASSERT_TRUE(b.store().SetRoom(two));
  Do(a, {Insert("item", K("milk"), Item(1))});
  Conversation talk(a.store(), b.store(), random_);
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
  ASSERT_TRUE(a.store().Room()->IsSet());
  EXPECT_TRUE(*a.store().Room() == *b.store().Room());
  EXPECT_TRUE(*a.store().Room() == *c.store().Room());
}

TEST_P(Sessions, AFileIsNotItsOwnPeer) {
  TestReplica& a = Make(ItemTable());
  Conversation talk(a.store(), a.store(), random_);
  talk.Run();
  ASSERT_TRUE(talk.b().error);
  EXPECT_EQ(talk.b().error->code, Code::kProtocol);
}

TEST_P(Sessions, WhatIsNoProtocolEndsTheConversationAndChangesNothing) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Do(b, {Insert("item", K("milk"), Item(1))});
  const std::string before = Everything(b);
  const std::vector<Bytes> nonsense = {
      Bytes(), Bytes(1, '\0'), Bytes("GET / HTTP/1.1"), Bytes(300, '\xff'),
      EncodeMessage(Ask{}), EncodeMessage(Ack{9, true}), EncodeMessage(Chunk{})};
  for (const Bytes& frame : nonsense) {
    Conversation talk(a.store(), b.store(), random_);
    talk.Deliver(talk.b(), frame);
    ASSERT_TRUE(talk.b().error);
    EXPECT_EQ(talk.b().error->code, Code::kProtocol);
    EXPECT_TRUE(talk.b().session.closed());
  }
  EXPECT_EQ(Everything(b), before);
}

TEST_P(Sessions, ADamagedPartEndsTheConversationAndChangesNothing) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Do(a, {Insert("item", K("milk"), Item(1))});
  const std::string before = Everything(b);
  Conversation talk(a.store(), b.store(), random_);
  for (bool moved = true; moved;) {
    moved = false;
    while (auto frame = talk.Next(talk.a())) {
      moved = true;
      const auto message = DecodeMessage(*frame);
      if (message && std::holds_alternative<Chunk>(*message)) frame->back() ^= 1;
      talk.Deliver(talk.b(), *frame);
    }
    while (auto frame = talk.Next(talk.b())) {
      moved = true;
      talk.Deliver(talk.a(), *frame);
    }
  }
  ASSERT_TRUE(talk.b().error);
  EXPECT_EQ(talk.b().error->code, Code::kCorrupt);
  ASSERT_TRUE(talk.a().error) << "the peer is told";
  EXPECT_EQ(talk.a().error->code, Code::kRefused);
  EXPECT_EQ(Everything(b), before);
}

INSTANTIATE_TEST_SUITE_P(Stores, Sessions, testing::ValuesIn(AllReplicaMakers()),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace rejoin
