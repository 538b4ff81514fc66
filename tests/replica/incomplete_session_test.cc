// A file that rows are missing from after a rebuild asks in a session for everything.
#include "store/sqlite/fold.h"
#include "store/sqlite/log.h"
#include "tests/replica/conversation.h"
#include "tests/store_sqlite/part_fixture.h"

namespace rejoin {
namespace {

using testing::TestDatabase;

class IncompleteSessions : public testing::PartFixture {
 protected:
  void Begin(TestDatabase& file) {
    MakeTable(file, "id TEXT PRIMARY KEY NOT NULL, title, qty");
    Fill(file, 1, 40);
    SendAll(*file.store);
  }
  static void LoseRows(TestDatabase& file) {
    file.Exec("CREATE TABLE new(id TEXT PRIMARY KEY NOT NULL, title, qty);"
              "INSERT INTO new SELECT * FROM t WHERE qty % 2 = 0; DROP TABLE t;"
              "ALTER TABLE new RENAME TO t");
  }
  Conversation Talk(SyncStore& a, SyncStore& b) {
    SessionOptions options;
    options.part_bytes = kTinyPart;
    return Conversation(a, b, random_, options);
  }
};

TEST_F(IncompleteSessions, BringAllRowsBackInParts) {
  TestDatabase file(1);
  Begin(file);
  LoseRows(file);
  file.Exec("INSERT INTO t VALUES('new', 'since', 1000)");
  Conversation talk = Talk(*file.store, *hub_);
  talk.Run();
  EXPECT_FALSE(talk.a().error || talk.b().error);
  EXPECT_TRUE(talk.Done());
  EXPECT_EQ(file.One("SELECT count(*) FROM t"), "41");
  ExpectHubHasAllOf(*file.store);
}

TEST_F(IncompleteSessions, AreGoneOnWithWhereverTheLinkBroke) {
  for (std::size_t frames = 0;; ++frames) {
    TestDatabase file(1 + frames);
    SetUp();
    Begin(file);
    LoseRows(file);
    const std::size_t carried = Talk(*file.store, *hub_).Run(frames);
    Conversation again = Talk(*hub_, *file.store);
    again.Run();
    EXPECT_FALSE(again.a().error || again.b().error);
    EXPECT_TRUE(again.Done()) << frames;
    EXPECT_EQ(file.One("SELECT count(*) FROM t"), "40");
    ExpectHubHasAllOf(*file.store);
    if (carried < frames || HasFailure()) break;
  }
}

// The next part begins where one of nothing ends: it is waited for, as any other.
TEST_F(IncompleteSessions, WaitForALockToMoveThePointWhereMoreFollows) {
  TestDatabase peer(1);
  MakeTable(peer, "id TEXT PRIMARY KEY NOT NULL, title, qty");
  const testing::ScratchFolder folder;
  TestDatabase receiver(2, folder.File("b.db"));
  MakeTable(receiver, "id TEXT PRIMARY KEY NOT NULL, title, qty");
  TestDatabase other(3, folder.File("b.db"));
  Conversation talk = Talk(*peer.store, *receiver.store);
  const auto hello = talk.Next(talk.a());
  ASSERT_TRUE(hello);
  talk.Deliver(talk.b(), *hello);
  Chunk nothing;
  nothing.part = nothing.ask = 1;
  nothing.first = nothing.last = nothing.nothing = nothing.more = true;
  nothing.until = "further";
  other.Exec("BEGIN IMMEDIATE");
  talk.Deliver(talk.b(), EncodeMessage(nothing));
  EXPECT_TRUE(talk.b().session.blocked());
  other.Exec("ROLLBACK");
  ASSERT_TRUE(talk.b().session.Resume(talk.now));
  EXPECT_FALSE(talk.b().session.blocked());
  EXPECT_EQ(receiver.store->PointOf(*peer.store->Replica()), ResumePoint("further"));
}

// What nobody has does not come back, and that is said.
TEST_F(IncompleteSessions, EndWithAnErrorWhereThePeerHasNothing) {
  TestDatabase file(1);
  TestDatabase empty(2);
  TestDatabase other(3);
  Begin(file);
  Begin(other);
  MakeTable(empty, "id TEXT PRIMARY KEY NOT NULL, title, qty");
  LoseRows(file);
  LoseRows(other);
  for (TestDatabase* const peer : {&empty, &other}) {
    Conversation talk = Talk(*file.store, *peer->store);
    talk.Run();
    ASSERT_TRUE(talk.a().error);
    EXPECT_NE(talk.a().error->message.find("missing"), std::string::npos) << talk.a().error->message;
  }
}

}  // namespace
}  // namespace rejoin
