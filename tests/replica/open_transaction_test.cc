// The application has a transaction open, on the connection that a session uses or on another: the
// session waits for its COMMIT, wherever in the conversation it finds the transaction open.
#include "tests/replica/sessions_fixture.h"

namespace rejoin {
namespace {

class OpenTransactions : public Sessions {
 protected:
  template <class Outcome>
  static bool Waits(const Outcome& outcome) {
    return !outcome && outcome.error().code == Code::kOpenTransaction;
  }

  // So many frames, and none is lost. How many there were.
  static std::size_t Carry(Conversation& talk, std::size_t frames) {
    std::size_t carried = 0;
    for (bool moved = true; moved && carried < frames;) {
      moved = false;
      for (Conversation::Side* const from : {&talk.a(), &talk.b()}) {
        while (carried < frames) {
          const auto frame = talk.Next(*from);
          if (!frame) break;
          talk.Deliver(from == &talk.a() ? talk.b() : talk.a(), *frame);
          ++carried;
          moved = true;
        }
      }
    }
    return carried;
  }

  // Whatever can be carried while `waiting` may be blocked; it gets nothing then.
  static void RunWhileOpen(Conversation& talk, Conversation::Side& waiting, Conversation::Side& other) {
    for (bool moved = true; moved;) {
      moved = false;
      while (!waiting.session.blocked()) {
        const auto frame = talk.Next(other);
        if (!frame) break;
        moved = true;
        talk.Deliver(waiting, *frame);
      }
      while (const auto frame = talk.Next(waiting)) {
        moved = true;
        talk.Deliver(other, *frame);
      }
      if (!waiting.session.blocked()) moved = talk.Slice(waiting) || moved;
      moved = talk.Slice(other) || moved;
    }
  }

  // After `frames` frames one of the two sides begins a transaction. How many were carried.
  std::size_t Play(std::size_t frames, bool on_a, bool knows_room) {
    replicas_.clear();
    TestReplica& a = Make(ItemTable());
    TestReplica& b = Make(ItemTable());
    if (knows_room) Diverge(a, b);
    Do(a, {Insert("item", K("apple"), Item(1))});
    Do(b, {Insert("item", K("bread"), Item(2))});
    Conversation talk(Sync(a), Sync(b), random_);
    const std::size_t carried = Carry(talk, frames);
    TestReplica& writer = on_a ? a : b;
    Conversation::Side& waiting = on_a ? talk.a() : talk.b();
    EXPECT_TRUE(writer.Begin() && writer.Run(Insert("item", K("cake"), Item(3))));
    waiting.session.OnChange();
    RunWhileOpen(talk, waiting, on_a ? talk.b() : talk.a());
    EXPECT_FALSE(waiting.error) << waiting.error->message;
    EXPECT_TRUE(writer.Commit());
    waiting.session.OnChange();
    EXPECT_TRUE(waiting.session.Resume(talk.now));
    talk.Run();
    EXPECT_FALSE(waiting.error) << waiting.error->message;
    EXPECT_TRUE(talk.Done());
    Equal(a, b);
    return carried;
  }
};

// The session's own. Of another connection's transaction it knows nothing before that writes.
class OpenTransactionsOfOneConnection : public OpenTransactions {};

TEST_P(OpenTransactions, AreWaitedForAtEveryPointOfAConversation) {
  for (const bool knows_room : {false, true}) {
    for (const bool on_a : {false, true}) {
      for (std::size_t frames = 0; !HasFailure(); ++frames) {
        SCOPED_TRACE(std::to_string(frames) + (on_a ? " frames, then a" : " frames, then b") + (knows_room ? "" : ", no room yet"));
        if (Play(frames, on_a, knows_room) < frames) break;
      }
    }
  }
}

// What waits for the COMMIT is not joined yet, and may never be.
TEST_P(OpenTransactions, HoldBackWhatThePeerCountsAsSafe) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Conversation talk(Sync(a), Sync(b), random_);
  talk.Run();
  Do(a, {Insert("item", K("apple"), Item(1))});
  talk.a().session.OnChange();
  const std::uint64_t written = Sync(a).Head()->position;
  ASSERT_TRUE(b.Begin() && b.Run(Insert("item", K("cake"), Item(3))));
  RunWhileOpen(talk, talk.b(), talk.a());
  ASSERT_TRUE(talk.b().session.blocked());
  EXPECT_FALSE(talk.a().session.SentAll());
  EXPECT_LT(talk.a().session.Acknowledged(false)->position, written);
  ASSERT_TRUE(b.Commit());
  ASSERT_TRUE(talk.b().session.Resume(talk.now));
  talk.b().session.OnChange();
  talk.Run();
  EXPECT_TRUE(talk.a().session.SentAll());
  EXPECT_GE(talk.a().session.Acknowledged(false)->position, written);
}

// One that has written nothing may still take back what is joined inside it.
TEST_P(OpenTransactionsOfOneConnection, AreWaitedForThoughTheyHaveWrittenNothing) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Conversation talk(Sync(a), Sync(b), random_);
  talk.Run();
  Do(a, {Insert("item", K("apple"), Item(1))});
  talk.a().session.OnChange();
  const std::uint64_t written = Sync(a).Head()->position;
  ASSERT_TRUE(b.Begin());
  RunWhileOpen(talk, talk.b(), talk.a());
  ASSERT_TRUE(talk.b().session.blocked());
  EXPECT_LT(talk.a().session.Acknowledged(false)->position, written);
  ASSERT_TRUE(b.RollBack());
  ASSERT_TRUE(talk.b().session.Resume(talk.now));
  talk.Run();
  EXPECT_TRUE(talk.Done());
  EXPECT_GE(talk.a().session.Acknowledged(false)->position, written);
  Equal(a, b);
}

// What one has merged by itself is not told to a peer, which would never send it again.
TEST_P(OpenTransactionsOfOneConnection, TellNothingOfWhatTheyMayTakeBack) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Diverge(a, b);
  Talk(a, b);
  Do(a, {Insert("item", K("apple"), Item(1))});
  ASSERT_TRUE(b.Begin());
  ASSERT_TRUE(Pull(b, a));
  Conversation talk(Sync(a), Sync(b), random_);
  RunWhileOpen(talk, talk.b(), talk.a());
  ASSERT_TRUE(b.RollBack());
  ASSERT_TRUE(talk.b().session.Resume(talk.now));
  talk.Run();
  EXPECT_TRUE(talk.Done());
  Equal(a, b);
}

TEST_P(OpenTransactionsOfOneConnection, HandOutNothingThatTheyMayTakeBack) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  TestReplica& c = Make(ItemTable());
  Conversation talk(Sync(a), Sync(b), random_);
  talk.Run();
  Do(c, {Insert("item", K("apple"), Item(1))});
  ASSERT_TRUE(b.Begin());
  ASSERT_TRUE(Pull(b, c));
  talk.b().session.OnChange();
  const std::uint64_t probe = talk.a().session.SendProbe();
  RunWhileOpen(talk, talk.b(), talk.a());
  EXPECT_EQ(talk.a().session.report().rows_received, 0U);
  EXPECT_LT(talk.a().session.Echoed(), probe);
  ASSERT_TRUE(b.RollBack());
  talk.Run();
  EXPECT_TRUE(talk.Done());
  EXPECT_EQ(talk.a().session.Echoed(), probe);
  Equal(a, b);
}

TEST_P(OpenTransactionsOfOneConnection, RefuseWhateverASessionDoes) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Diverge(a, b);
  SyncStore& store = Sync(b);
  const auto before = DigestOf(b);
  BytesSink sink(kTestDeltaMaxBytes);
  const Bytes delta = DeltaSince(a, VersionVector()).value();
  ViewSource source(delta);
  PartOrigin origin;
  origin.peer = a.store().Replica().value();
  ASSERT_TRUE(b.Begin());
  EXPECT_TRUE(Waits(store.ExtractPart({}, sink)));
  EXPECT_TRUE(Waits(store.MergePart(source, origin)));
  EXPECT_TRUE(Waits(store.PointOf(origin.peer)));
  EXPECT_TRUE(Waits(store.SkipTo(origin)));
  EXPECT_TRUE(Waits(store.SetRoom(RoomId{{1}})));
  EXPECT_TRUE(Waits(store.CorrectTime({})));
  EXPECT_TRUE(Waits(store.MarkState(1000)));
  EXPECT_TRUE(Waits(store.RememberComparison(origin.peer, {})));
  EXPECT_TRUE(Waits(store.NoteFinding("a finding")));
  ASSERT_TRUE(b.Commit());
  EXPECT_EQ(DigestOf(b), before);
  EXPECT_TRUE(store.PointOf(origin.peer));
}

std::vector<TestReplicaMaker> SqliteMakers(const std::vector<SqliteKind>& kinds) {
  std::vector<TestReplicaMaker> makers;
  for (const SqliteKind& kind : kinds) makers.push_back(SqliteReplicas(kind));
  return makers;
}

INSTANTIATE_TEST_SUITE_P(Stores, OpenTransactions, testing::ValuesIn(SqliteMakers(AllSqliteKinds())),
                         testing::PrintToStringParamName());
INSTANTIATE_TEST_SUITE_P(Stores, OpenTransactionsOfOneConnection,
                         testing::ValuesIn(SqliteMakers(SqliteKindsOfOneConnection())), testing::PrintToStringParamName());

}  // namespace
}  // namespace rejoin
