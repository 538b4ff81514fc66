// Frames that no peer should send, and frames that a link damaged: the conversation ends,
// and nothing changes.
#include "tests/replica/sessions_fixture.h"

namespace rejoin {
namespace {

class BadFrames : public Sessions {};

TEST_P(BadFrames, WhatIsNoProtocolEndsTheConversationAndChangesNothing) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Do(b, {Insert("item", K("milk"), Item(1))});
  const std::string before = Everything(b);
  const std::vector<Bytes> nonsense = {
      Bytes(), Bytes(1, '\0'), Bytes("GET / HTTP/1.1"), Bytes(300, '\xff'), Sealed(Bytes()), Sealed(Bytes(300, '\xff')),
      EncodeMessage(Ask{}), EncodeMessage(Ack{9, true}), EncodeMessage(Chunk{})};
  for (const Bytes& frame : nonsense) {
    Conversation talk(Sync(a), Sync(b), random_);
    talk.Deliver(talk.b(), frame);
    ASSERT_TRUE(talk.b().error);
    EXPECT_EQ(talk.b().error->code, Code::kProtocol);
    EXPECT_TRUE(talk.b().session.closed());
  }
  EXPECT_EQ(Everything(b), before);
}

TEST_P(BadFrames, APeerWithoutAnIdIsLeft) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Conversation talk(Sync(a), Sync(b), random_);
  talk.Deliver(talk.b(), EncodeMessage(Hello()));
  ASSERT_TRUE(talk.b().error);
  EXPECT_EQ(talk.b().error->code, Code::kProtocol);
  EXPECT_TRUE(talk.b().session.closed());
}

TEST_P(BadFrames, APeerThatAsksAgainAndAgainIsLeft) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Do(b, {Insert("item", K("milk"), Item(1))});
  Conversation talk(Sync(a), Sync(b), random_);
  talk.Run();
  Ask ask;
  for (ask.number = 2; ask.number < 10 && !talk.b().error; ++ask.number) {
    talk.Deliver(talk.b(), EncodeMessage(ask));
    while (talk.Next(talk.b())) {
    }
  }
  ASSERT_TRUE(talk.b().error);
  EXPECT_EQ(talk.b().error->code, Code::kProtocol);
  EXPECT_EQ(ask.number, 6u);
}

// Its Acks are what this side calls safe.
TEST_P(BadFrames, AnAckOfWhatWasNotSentEndsTheConversation) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Conversation talk(Sync(a), Sync(b), random_);
  talk.Run();
  Do(a, {Insert("item", K("milk"), Item(1))});
  talk.a().session.OnChange();
  const auto frame = talk.Next(talk.a());
  ASSERT_TRUE(frame);
  const auto sent = DecodeMessage(*frame);
  ASSERT_TRUE(sent && std::holds_alternative<Chunk>(*sent));
  talk.Deliver(talk.a(), EncodeMessage(Ack{std::get<Chunk>(*sent).part + 1, true}));
  ASSERT_TRUE(talk.a().error);
  EXPECT_EQ(talk.a().error->code, Code::kProtocol);
  EXPECT_FALSE(talk.a().session.SentAll());
}

// So are those for what has only begun to go out.
TEST_P(BadFrames, AnAckOfAPartThatIsStillGoingOutEndsTheConversation) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Conversation talk(Sync(a), Sync(b), random_);
  talk.Run();
  Bytes noise;  // that does not compress
  while (noise.size() < 2 * kMaxChunkBytes) noise += EncodeKey({N(static_cast<std::int64_t>(random_.Draw64()))});
  Do(a, {Insert("item", K("milk"), Item(1))});
  Do(a, {Update("item", K("milk"), {{"title", Value::Text(noise)}})});
  talk.a().session.OnChange();
  const auto frame = talk.Next(talk.a());
  ASSERT_TRUE(frame);
  const auto sent = DecodeMessage(*frame);
  ASSERT_TRUE(sent && std::holds_alternative<Chunk>(*sent));
  ASSERT_FALSE(std::get<Chunk>(*sent).last);
  talk.Deliver(talk.a(), EncodeMessage(Ack{std::get<Chunk>(*sent).part, true}));
  ASSERT_TRUE(talk.a().error);
  EXPECT_EQ(talk.a().error->code, Code::kProtocol);
}

// They would count apart from then on, and the sender wait for Acks that do not come.
TEST_P(BadFrames, APartThatALinkLosesOrRepeatsEndsTheConversation) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  for (const bool lost : {true, false}) {
    Conversation talk(Sync(a), Sync(b), random_);
    talk.Run();
    std::vector<Bytes> parts;
    for (int i = 0; i < 2; ++i) {
      Do(a, {Replace("item", K("milk"), Item(i))});
      talk.a().session.OnChange();
      const auto frame = talk.Next(talk.a());
      ASSERT_TRUE(frame);
      parts.push_back(*frame);
    }
    if (!lost) talk.Deliver(talk.b(), parts[0]);
    const std::string before = Everything(b);
    talk.Deliver(talk.b(), lost ? parts[1] : parts[0]);
    ASSERT_TRUE(talk.b().error) << (lost ? "lost" : "repeated");
    EXPECT_EQ(talk.b().error->code, Code::kProtocol);
    EXPECT_EQ(Everything(b), before);
    talk.Run();
    EXPECT_TRUE(talk.a().error) << "the peer is told";
  }
}

// Nor does its host have to keep what it cannot send.
TEST_P(BadFrames, APeerThatSendsAndDoesNotReadFillsNoQueue) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Conversation talk(Sync(a), Sync(b), random_);
  talk.Run();
  Chunk nothing;
  nothing.first = nothing.last = nothing.nothing = true;
  nothing.ask = 1;
  nothing.until = "there";
  for (nothing.part = 2; nothing.part < 100; ++nothing.part) talk.Deliver(talk.b(), EncodeMessage(nothing));
  ASSERT_FALSE(talk.b().error) << talk.b().error->message;
  const auto waits = talk.Next(talk.b());
  ASSERT_TRUE(waits);
  const auto ack = DecodeMessage(*waits);
  ASSERT_TRUE(ack && std::holds_alternative<Ack>(*ack));
  EXPECT_EQ(std::get<Ack>(*ack).part, 99u);
  EXPECT_FALSE(talk.Next(talk.b()));
}

// What is wrong with a part under way: by a flipped bit of the frame, or of the delta that a
// peer then frames well.
void FlipOfFrame(Bytes& frame) { frame.back() ^= 1; }
void FlipOfDelta(Bytes& frame) {
  const auto message = DecodeMessage(frame);
  Chunk chunk = std::get<Chunk>(*message);
  Bytes delta(chunk.bytes);
  delta.back() ^= 1;
  chunk.bytes = delta;
  frame = EncodeMessage(chunk);
}

class DamagedParts : public Sessions {
 protected:
  void AreRefused(void (*damage)(Bytes&), Code code) {
    TestReplica& a = Make(ItemTable());
    TestReplica& b = Make(ItemTable());
    Do(a, {Insert("item", K("milk"), Item(1))});
    const std::string before = Everything(b);
    Conversation talk(Sync(a), Sync(b), random_);
    for (bool moved = true; moved;) {
      moved = false;
      while (auto frame = talk.Next(talk.a())) {
        moved = true;
        const auto message = DecodeMessage(*frame);
        if (message && std::holds_alternative<Chunk>(*message)) damage(*frame);
        talk.Deliver(talk.b(), *frame);
      }
      while (auto frame = talk.Next(talk.b())) {
        moved = true;
        talk.Deliver(talk.a(), *frame);
      }
    }
    ASSERT_TRUE(talk.b().error);
    EXPECT_EQ(talk.b().error->code, code);
    ASSERT_TRUE(talk.a().error) << "the peer is told";
    EXPECT_EQ(talk.a().error->code, Code::kRefused);
    EXPECT_EQ(Everything(b), before);
  }
};

TEST_P(DamagedParts, OnTheirWayEndTheConversationAndChangeNothing) { AreRefused(FlipOfFrame, Code::kProtocol); }

TEST_P(DamagedParts, AtThePeerEndTheConversationAndChangeNothing) { AreRefused(FlipOfDelta, Code::kCorrupt); }

INSTANTIATE_TEST_SUITE_P(Stores, BadFrames, testing::ValuesIn(Makers()), testing::PrintToStringParamName());
INSTANTIATE_TEST_SUITE_P(Stores, DamagedParts, testing::ValuesIn(Makers()), testing::PrintToStringParamName());

}  // namespace
}  // namespace rejoin
