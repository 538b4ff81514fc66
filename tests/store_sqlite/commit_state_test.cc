// What a connection keeps of its last commit, and when it must not believe it.
#include <gtest/gtest.h>

#include "store/sqlite/log.h"
#include "tests/store_sqlite/fixture.h"

namespace rejoin::testing {
namespace {

constexpr char kNote[] = "CREATE TABLE note(id TEXT PRIMARY KEY NOT NULL, text)";

class CommitStates : public ::testing::Test {
 protected:
  CommitStates() {
    db_.Exec(kNote);
    db_.Track("note");
  }

  void Write(TestDatabase& db, const std::string& key) {
    db.Exec("INSERT OR REPLACE INTO note VALUES(" + QuoteText(key) + ", 'from " + std::to_string(++written_) + "')");
  }
  // Of the log, less the one of rejoin_track; each under a stamp of its own.
  int Rows(TestDatabase& db) { return std::stoi(db.One("SELECT count(DISTINCT own) - 1 FROM rejoin__log")); }

  // The peer's clock is an hour ahead: who goes by a stale head stamps the next write before
  // what it overwrites.
  void LetWriteAhead(TestDatabase& peer) {
    peer.clock.Advance(3'600'000);
    peer.Exec(kNote);
    peer.Track("note");
    Write(db_, "a");
    peer.Pull(db_);
    Write(peer, "a");
    Write(db_, "b");
  }
  // What the next commit would go by.
  void ExpectTrue() {
    const auto current = CurrentState(*db_.engine);
    const auto state = ReadCommitState(*db_.engine);
    ASSERT_TRUE(current && state);
    const CommitState& known = *current;
    EXPECT_EQ(known.head.cursor, state->head.cursor);
    EXPECT_EQ(known.head.clock, state->head.clock);
    EXPECT_EQ(known.head.own, state->head.own);
    EXPECT_EQ(known.head.total_bytes, state->head.total_bytes);
    EXPECT_EQ(known.catalog_stamp, state->catalog_stamp);
    EXPECT_EQ(known.replica, state->replica);
    EXPECT_EQ(known.token, state->token);
    EXPECT_EQ(known.committed_tag, state->committed_tag);
  }

  const ScratchFolder folder_;
  TestDatabase db_{1, folder_.File("a.db")};
  int written_ = 0;
};

TEST_F(CommitStates, AreKeptFromCommitToCommit) {
  Write(db_, "a");
  Write(db_, "b");
  ASSERT_TRUE(db_.engine->known_state);
  ExpectTrue();
}

TEST_F(CommitStates, OfAnotherConnectionAreSeen) {
  TestDatabase other(2, folder_.File("a.db"));
  for (int i = 0; i < 5; ++i) {
    Write(db_, "a");
    Write(db_, "b");
    Write(other, "a");
    Write(other, "b");
  }
  EXPECT_EQ(Rows(db_), 20);
}

TEST_F(CommitStates, OfAMergeAreSeen) {
  TestDatabase peer(2);
  LetWriteAhead(peer);
  db_.Pull(peer);
  Write(db_, "a");
  Exchange(db_, peer);
  EXPECT_EQ(peer.One("SELECT text FROM note WHERE id = 'a'"), "from " + std::to_string(written_));
  EXPECT_EQ(db_.DigestHex(), peer.DigestHex());
}

TEST_F(CommitStates, OfAMergeInTheSameTransactionAreSeen) {
  TestDatabase peer(2);
  LetWriteAhead(peer);
  db_.Exec("BEGIN");
  db_.Pull(peer);
  Write(db_, "a");
  db_.Exec("COMMIT");
  Exchange(db_, peer);
  EXPECT_EQ(peer.One("SELECT text FROM note WHERE id = 'a'"), "from " + std::to_string(written_));
}

TEST_F(CommitStates, OfARolledBackTransactionAreForgotten) {
  Write(db_, "a");
  db_.Exec("BEGIN; INSERT INTO note VALUES('b', 'x'); ROLLBACK");
  Write(db_, "c");
  db_.Exec("BEGIN; INSERT INTO note VALUES('d', 'x'); SAVEPOINT s; INSERT INTO note VALUES('e', 'x'); ROLLBACK TO s; COMMIT");
  Write(db_, "f");
  EXPECT_EQ(Rows(db_), 4);
}

// A commit that is refused has written its row already; what is done before it is tried again
// counts.
TEST_F(CommitStates, OfACommitThatWasRefusedAreNotKept) {
  TestDatabase other(2, folder_.File("a.db"));
  db_.Exec("PRAGMA journal_mode = DELETE");
  Write(db_, "a");
  other.Exec("BEGIN");
  ASSERT_EQ(other.One("SELECT count(*) FROM note"), "1");
  db_.Exec("BEGIN; INSERT INTO note VALUES('b', 'x')");
  EXPECT_EQ(db_.Try("COMMIT"), SQLITE_BUSY);
  db_.Exec("INSERT INTO note VALUES('c', 'x')");
  EXPECT_EQ(db_.Try("COMMIT"), SQLITE_BUSY);
  ASSERT_TRUE(db_.engine->SetMeta("epoch", Value::Integer(77)));
  other.Exec("COMMIT");
  db_.Exec("COMMIT");
  ExpectTrue();
  Write(db_, "d");
  EXPECT_EQ(Rows(db_), 3);
  TestDatabase peer(3);
  peer.Exec(kNote);
  peer.Track("note");
  peer.Pull(db_);
  EXPECT_EQ(peer.One("SELECT count(*) FROM note"), "4");
}

// Data versions count from the moment that a file is attached.
TEST_F(CommitStates, OfAFileThatWasAttachedBeforeAreForgotten) {
  TestDatabase host(2);
  db_.Exec("CREATE TABLE untracked(x)");
  for (int i = 0; i < 4; ++i) {
    host.Exec("ATTACH " + QuoteText(folder_.File("a.db")) + " AS x");
    for (int n = 0; n < i; ++n) host.Exec("INSERT INTO x.untracked VALUES(1)");
    host.Exec("INSERT OR REPLACE INTO x.note VALUES('b', " + std::to_string(i) + ")");
    host.Exec("DETACH x");
    Write(db_, "a");
  }
  EXPECT_EQ(Rows(db_), 8);
}

}  // namespace
}  // namespace rejoin::testing
