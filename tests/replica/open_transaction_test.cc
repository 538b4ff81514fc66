// The application writes through the connection that a session uses: the session waits for
// its COMMIT, wherever in the conversation it finds the transaction open.
#include "tests/replica/sessions_fixture.h"

namespace rejoin {
namespace {

class OpenTransactions : public Sessions {
 protected:
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

std::vector<TestReplicaMaker> SqliteMakers() {
  std::vector<TestReplicaMaker> makers;
  for (const SqliteKind& kind : AllSqliteKinds()) makers.push_back(SqliteReplicas(kind));
  return makers;
}

INSTANTIATE_TEST_SUITE_P(Stores, OpenTransactions, testing::ValuesIn(SqliteMakers()), testing::PrintToStringParamName());

}  // namespace
}  // namespace rejoin
