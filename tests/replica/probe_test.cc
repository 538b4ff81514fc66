// Knowing that everything has come which the peer had at a moment: Probe and Echo.
#include "tests/replica/sessions_fixture.h"

namespace rejoin {
namespace {

class Probes : public Sessions {};

TEST_P(Probes, AnEchoComesBehindAllThatWasThere) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Do(a, {Insert("item", K("milk"), Item(1))});
  Conversation talk(Sync(a), Sync(b), random_);
  talk.Run();
  EXPECT_EQ(talk.b().session.Echoed(), 0u);
  Do(a, {Insert("item", K("tea"), Item(2))});  // a's host does not tell its session
  const std::uint64_t probe = talk.b().session.SendProbe();
  talk.Run();
  EXPECT_EQ(talk.b().session.Echoed(), probe);
  Equal(a, b);
}

// Frame by frame, while more is written than is sent.
TEST_P(Probes, AnEchoIsNeitherEarlyNorPutOffByWhatComesLater) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Conversation talk(Sync(a), Sync(b), random_);
  talk.Run();
  Do(a, {Insert("item", K("asked for"), Item(1))});
  talk.a().session.OnChange();
  const std::uint64_t probe = talk.b().session.SendProbe();
  for (int later = 0; later < 100 && talk.b().session.Echoed() < probe; ++later) {
    Do(a, {Insert("item", EncodeKey({N(later)}), Item(later))});
    talk.a().session.OnChange();
    EXPECT_FALSE(talk.b().session.Echoed() >= probe);
    if (auto frame = talk.Next(talk.b())) talk.Deliver(talk.a(), *frame);
    if (auto frame = talk.Next(talk.a())) talk.Deliver(talk.b(), *frame);
    if (talk.b().session.Echoed() == probe) {
      EXPECT_EQ(b.Shown("item").count(K("asked for")), 1u);
    }
  }
  EXPECT_EQ(talk.b().session.Echoed(), probe);
}

// What the peer has moved on by is nothing that we lack.
TEST_P(Probes, AnEchoComesWhereThereIsNothingToSend) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Conversation talk(Sync(a), Sync(b), random_);
  talk.Run();
  Do(b, {Insert("item", K("mine"), Item(1))});
  talk.b().session.OnChange();
  const std::uint64_t probe = talk.b().session.SendProbe();
  talk.Run();
  EXPECT_EQ(talk.b().session.Echoed(), probe);
  EXPECT_EQ(talk.b().session.SendProbe(), probe + 1);
  talk.Run();
  EXPECT_EQ(talk.b().session.Echoed(), probe + 1);
}

TEST_P(Probes, OneThatIsSentAtOnceIsAnsweredAfterTheFirstSync) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  for (int i = 0; i < 20; ++i) Do(a, {Insert("item", EncodeKey({N(i)}), Item(i))});
  Conversation talk(Sync(a), Sync(b), random_);
  const std::uint64_t probe = talk.b().session.SendProbe();
  for (bool moved = true; moved && talk.b().session.Echoed() < probe;) {
    moved = false;
    for (const bool from_a : {true, false}) {
      const auto frame = talk.Next(from_a ? talk.a() : talk.b());
      if (frame) talk.Deliver(from_a ? talk.b() : talk.a(), *frame);
      moved |= frame.has_value();
    }
  }
  EXPECT_EQ(talk.b().session.Echoed(), probe);
  EXPECT_EQ(b.Shown("item"), a.Shown("item"));
}

TEST_P(Probes, AnEchoThatNobodyAskedForEndsTheConversation) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Conversation talk(Sync(a), Sync(b), random_);
  talk.Run();
  talk.Deliver(talk.a(), EncodeMessage(Echo{1}));
  ASSERT_TRUE(talk.a().error);
  EXPECT_EQ(talk.a().error->code, Code::kProtocol);
}

INSTANTIATE_TEST_SUITE_P(Stores, Probes, testing::ValuesIn(Makers()),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace rejoin
