// Merges of few rows leave the connection's triggers, and so its prepared statements, alone.
#include <gtest/gtest.h>

#include "tests/store_sqlite/fixture.h"

namespace rejoin::testing {
namespace {

constexpr char kItem[] = "CREATE TABLE item(id TEXT PRIMARY KEY NOT NULL, a, b)";

class SmallMerges : public ::testing::Test {
 protected:
  SmallMerges() {
    for (TestDatabase* db : {&ours_, &peer_}) {
      db->Exec(kItem);
      db->Track("item");
      db->Exec("CREATE TABLE heard(what)");
    }
    peer_.Exec("INSERT INTO item VALUES('a', 1, 1), ('b', 2, 2)");
    ours_.Pull(peer_);
  }

  // The peer makes a row, changes one and deletes one.
  void PeerWrites() {
    peer_.clock.Advance(10);
    peer_.Exec("DELETE FROM item WHERE id = 'b'; INSERT INTO item VALUES('b', 'again', " + std::to_string(++written_) + ")");
    peer_.Exec("UPDATE item SET a = " + std::to_string(written_) + " WHERE id = 'a'");
    peer_.Exec("INSERT INTO item VALUES('new' || " + std::to_string(written_) + ", 1, 2)");
    peer_.Exec("DELETE FROM item WHERE id = 'new' || " + std::to_string(written_ - 1));
  }
  void ExpectEqual() {
    EXPECT_EQ(ours_.Query("SELECT * FROM item ORDER BY id"), peer_.Query("SELECT * FROM item ORDER BY id"));
    EXPECT_EQ(ours_.DigestHex(), peer_.DigestHex());
  }
  static std::string TriggersOnAll(const std::string& kind) {
    std::string sql;
    for (const char* const event : {"INSERT", "UPDATE", "DELETE"}) {
      sql += "CREATE " + kind + " hear_" + event + " AFTER " + event + " ON item BEGIN INSERT INTO heard VALUES('" +
             event + "'); END;";
    }
    return sql;
  }
  std::string Heard() { return ours_.One("SELECT count(*) FROM heard"); }

  const ScratchFolder folder_;
  TestDatabase ours_{1, folder_.File("a.db")};
  TestDatabase peer_{2};
  int written_ = 0;
};

TEST_F(SmallMerges, LeaveStatementsPrepared) {
  sqlite3_stmt* statement = nullptr;
  ASSERT_EQ(sqlite3_prepare_v2(ours_.db, "SELECT count(*) FROM item", -1, &statement, nullptr), SQLITE_OK);
  for (int i = 0; i < 3; ++i) {
    PeerWrites();
    ours_.Pull(peer_);
    EXPECT_EQ(sqlite3_step(statement), SQLITE_ROW);
    sqlite3_reset(statement);
  }
  EXPECT_EQ(sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_REPREPARE, 0), 0);
  sqlite3_finalize(statement);
  ExpectEqual();
}

// To look for the row that has a value takes no switch, though it tries an insert: a switch in the
// middle would take the prepared statements away that undo the merge.
TEST_F(SmallMerges, LeaveStatementsPreparedWhereRowsClash) {
  for (TestDatabase* db : {&ours_, &peer_}) db->Exec("CREATE UNIQUE INDEX one_each ON item(b)");
  ours_.Pull(peer_);
  sqlite3_stmt* statement = nullptr;
  ASSERT_EQ(sqlite3_prepare_v2(ours_.db, "SELECT count(*) FROM item", -1, &statement, nullptr), SQLITE_OK);
  for (int i = 0; i < 3; ++i) {
    const std::string number = std::to_string(i);
    ours_.Exec("INSERT INTO item VALUES('ours " + number + "', 1, 'taken " + number + "')");
    peer_.clock.Advance(10);
    peer_.Exec("INSERT INTO item VALUES('theirs " + number + "', 1, 'taken " + number + "')");
    const std::string before = ours_.One("SELECT count(*) FROM rejoin__hidden");
    ours_.Pull(peer_);
    EXPECT_NE(ours_.One("SELECT count(*) FROM rejoin__hidden"), before);
    EXPECT_EQ(sqlite3_step(statement), SQLITE_ROW);
    sqlite3_reset(statement);
  }
  EXPECT_EQ(sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_REPREPARE, 0), 0);
  sqlite3_finalize(statement);
  peer_.Pull(ours_);
  ExpectEqual();
}

// A table that is not known here gets its metadata in the middle of the merge: the schema is another
// one then, and triggers count as older than it.
TEST_F(SmallMerges, FindWhoHasAValueThoughTheyMadeTables) {
  for (TestDatabase* db : {&ours_, &peer_}) db->Exec("CREATE UNIQUE INDEX one_each ON item(b)");
  ours_.Pull(peer_);
  ours_.Exec("INSERT INTO item VALUES('ours', 1, 'taken')");
  peer_.clock.Advance(10);
  // Tracked before: its rows come first.
  peer_.Exec("CREATE TABLE unknown(id TEXT PRIMARY KEY NOT NULL, x)");
  peer_.Track("unknown");
  peer_.Exec("CREATE TABLE later(id TEXT PRIMARY KEY NOT NULL, b UNIQUE)");
  peer_.Track("later");
  ours_.Exec("CREATE TABLE later(id TEXT PRIMARY KEY NOT NULL, b UNIQUE)");
  ours_.Track("later");
  ours_.Exec("INSERT INTO later VALUES('ours', 'taken')");
  peer_.Exec("INSERT INTO unknown VALUES('k', 1); INSERT INTO later VALUES('theirs', 'taken')");
  const auto merged = ours_.Merge(peer_.Delta(*ours_.store->Vector()));
  ASSERT_TRUE(merged) << merged.error().message;
  EXPECT_EQ(ours_.One("SELECT count(*) FROM later"), "1");
  peer_.Pull(ours_);
  EXPECT_EQ(ours_.Query("SELECT * FROM later"), peer_.Query("SELECT * FROM later"));
}

TEST_F(SmallMerges, FireNoTriggerOfTheApplication) {
  ours_.Exec(TriggersOnAll("TRIGGER"));
  PeerWrites();
  ours_.Pull(peer_);
  EXPECT_EQ(Heard(), "0");
  ExpectEqual();
}

// SQLite does not switch off those of the connection itself (since 3.35).
TEST_F(SmallMerges, FireTemporaryTriggers) {
  ours_.Exec("CREATE TEMP TRIGGER hear AFTER UPDATE ON item BEGIN INSERT INTO heard VALUES('UPDATE'); END");
  PeerWrites();
  ours_.Pull(peer_);
  EXPECT_NE(Heard(), "0");
  ExpectEqual();
}

// Whatever the size of the merge: what such a trigger wrote would be unknown to us, else.
TEST_F(SmallMerges, EndWhereATemporaryTriggerWritesATrackedTable) {
  ours_.Exec("CREATE TEMP TRIGGER hear AFTER UPDATE ON item BEGIN INSERT INTO item VALUES('heard', 1, 1); END");
  for (const int more : {1, 5'000}) {
    PeerWrites();
    peer_.Exec("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT " + std::to_string(more) +
               ") INSERT OR REPLACE INTO item SELECT 'row ' || i, random(), 1 FROM n");
    const auto merged = ours_.Merge(peer_.Delta(*ours_.store->Vector()));
    ASSERT_FALSE(merged);
    EXPECT_EQ(merged.error().code, Code::kTriggerWrote) << merged.error().message;
    EXPECT_EQ(ours_.One("SELECT count(*) FROM item"), "2");
  }
  ours_.Exec("DROP TRIGGER hear");
  ours_.Pull(peer_);
  ExpectEqual();
}

TEST_F(SmallMerges, FireNoTriggerThatAnotherConnectionMade) {
  PeerWrites();
  ours_.Pull(peer_);
  TestDatabase other(3, folder_.File("a.db"));
  other.Exec(TriggersOnAll("TRIGGER"));
  PeerWrites();
  ours_.Pull(peer_);
  EXPECT_EQ(Heard(), "0");
  ExpectEqual();
}

// It comes in when the merge has looked for triggers, and waits for the file.
TEST_F(SmallMerges, FireNoTriggerThatIsMadeWhileTheyWait) {
  PeerWrites();
  ours_.Pull(peer_);
  TestDatabase other(3, folder_.File("a.db"));
  other.Exec("BEGIN IMMEDIATE; " + TriggersOnAll("TRIGGER"));
  const auto commit = [](void* connection, int) {
    static_cast<TestDatabase*>(connection)->Exec("COMMIT");
    return 1;
  };
  sqlite3_busy_handler(ours_.db, commit, &other);
  PeerWrites();
  ours_.Pull(peer_);
  EXPECT_NE(sqlite3_get_autocommit(other.db), 0) << "nobody waited: what the test is about did not happen";
  EXPECT_EQ(Heard(), "0");
  ExpectEqual();
}

// The schema's cookie is the same for what is made after a rollback.
TEST_F(SmallMerges, FireNoTriggerThatCameAfterARollback) {
  PeerWrites();
  ours_.Exec("BEGIN; CREATE TABLE more(x)");
  ours_.Pull(peer_);
  ours_.Exec("ROLLBACK");
  ours_.Exec("CREATE TRIGGER hear AFTER UPDATE ON item BEGIN INSERT INTO heard VALUES('UPDATE'); END");
  ours_.Pull(peer_);
  PeerWrites();
  ours_.Pull(peer_);
  EXPECT_EQ(Heard(), "0");
  ExpectEqual();
}

TEST_F(SmallMerges, AreNotTakenForLocalWrites) {
  const std::string before = ours_.One("SELECT max(own) FROM rejoin__log");
  PeerWrites();
  ours_.Exec("BEGIN");
  ours_.Pull(peer_);
  ours_.Exec("INSERT INTO item VALUES('mine', 1, 1)");
  ours_.Exec("COMMIT");
  EXPECT_NE(ours_.One("SELECT max(own) FROM rejoin__log"), before);
  PeerWrites();
  ours_.Pull(peer_);
  const std::string after = ours_.One("SELECT max(own) FROM rejoin__log");
  PeerWrites();
  ours_.Pull(peer_);
  EXPECT_EQ(ours_.One("SELECT max(own) FROM rejoin__log"), after);
  peer_.Pull(ours_);
  EXPECT_EQ(peer_.One("SELECT a FROM item WHERE id = 'mine'"), "1");
  ExpectEqual();
}

// Of a wide row capture hears in several pieces.
TEST_F(SmallMerges, OfWideRowsAreOneWriteEach) {
  std::string columns;
  std::string changes;
  for (int i = 0; i < 130; ++i) {
    columns += ", c" + std::to_string(i);
    changes += (i == 0 ? "c" : ", c") + std::to_string(i) + " = 'changed'";
  }
  for (const bool fire : {false, true}) {
    const std::string table = fire ? "wide_fired" : "wide";
    TrackOptions options;
    options.fire_triggers = fire;
    for (TestDatabase* db : {&ours_, &peer_}) {
      db->Exec("CREATE TABLE " + table + "(id TEXT PRIMARY KEY NOT NULL" + columns + ")");
      db->Track(table, options);
    }
    peer_.Exec("INSERT INTO " + table + "(id) VALUES('a'), ('b')");
    ours_.Pull(peer_);
    peer_.clock.Advance(10);
    peer_.Exec("UPDATE " + table + " SET " + changes + " WHERE id = 'a'; DELETE FROM " + table + " WHERE id = 'b'");
    ours_.Pull(peer_);
    EXPECT_EQ(ours_.One("SELECT c0 || c129 FROM " + table), "changedchanged");
  }
  ExpectEqual();
}

}  // namespace
}  // namespace rejoin::testing
