// Several connections on one file, attached files, busy and locked.

#include "tests/plain/twin.h"

namespace rejoin::testing {
namespace {

constexpr char kTables[] =
    "CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL, a); CREATE TABLE n(id INTEGER PRIMARY KEY, a UNIQUE);";

TwinOptions Connections(int count) {
  TwinOptions options;
  options.schema = kTables;
  options.tables = {"t", "n"};
  options.connections = count;
  return options;
}

TEST(PlainConnections, TakeTurns) {
  Twin twin(Connections(3));
  for (int round = 0; round < 5; ++round) {
    for (int connection = 0; connection < 3; ++connection) {
      const std::string value = std::to_string(round * 3 + connection);
      twin.Run("INSERT INTO t VALUES('k" + value + "', " + value + ");", connection);
      twin.Run("BEGIN; UPDATE t SET a = a + 1 WHERE a % 2; INSERT INTO n(a) VALUES(" + value +
                   "); DELETE FROM n WHERE a % 5 = 4; COMMIT;",
               connection);
    }
    twin.Arrives();
  }
}

TEST(PlainConnections, BusyOnTheFirstWrite) {
  for (const char* const mode : {"PRAGMA journal_mode = DELETE;", "PRAGMA journal_mode = WAL;"}) {
    SCOPED_TRACE(mode);
    Twin twin(Connections(2));
    twin.Run(mode);
    twin.Run("INSERT INTO t VALUES('a', 1);");
    twin.Run("BEGIN IMMEDIATE; INSERT INTO t VALUES('b', 1);", 1);
    twin.Expect(SQLITE_BUSY, "INSERT INTO t VALUES('c', 1);");
    twin.Expect(SQLITE_BUSY, "UPDATE t SET a = 2;");
    twin.Run("COMMIT;", 1);
    twin.Expect(SQLITE_OK, "UPDATE t SET a = 2;");
    twin.Arrives();
  }
}

TEST(PlainConnections, BusyAtCommitThenRetried) {
  Twin twin(Connections(2));
  twin.Run("PRAGMA journal_mode = DELETE;");
  twin.Run("INSERT INTO t VALUES('a', 1);");
  twin.Run("BEGIN; SELECT * FROM t;", 1);
  twin.Run("BEGIN; INSERT INTO t VALUES('b', 1); UPDATE t SET a = 2;");
  twin.Expect(SQLITE_BUSY, "COMMIT;");
  twin.Expect(SQLITE_BUSY, "COMMIT;");
  twin.Run("INSERT INTO n(a) VALUES('between the attempts'); DELETE FROM t WHERE id = 'a';");
  twin.Expect(SQLITE_BUSY, "COMMIT;");
  twin.Run("COMMIT;", 1);
  twin.Expect(SQLITE_OK, "COMMIT;");
  EXPECT_EQ(twin.tracked().One("SELECT count(*) FROM (SELECT DISTINCT own FROM rejoin__log WHERE own > 0)"), "2")
      << "one stamp per transaction";
  twin.Arrives();
}

TEST(PlainConnections, BusyAtCommitThenRolledBack) {
  Twin twin(Connections(2));
  twin.Run("PRAGMA journal_mode = DELETE;");
  twin.Run("INSERT INTO t VALUES('a', 1);");
  twin.Run("BEGIN; SELECT * FROM t;", 1);
  twin.Run("BEGIN; INSERT INTO t VALUES('b', 1); SAVEPOINT s; UPDATE t SET a = 2;");
  twin.Expect(SQLITE_BUSY, "COMMIT;");
  twin.Run("ROLLBACK TO s; DELETE FROM t WHERE id = 'a';");
  twin.Expect(SQLITE_BUSY, "COMMIT;");
  twin.Run("ROLLBACK;");
  twin.Run("COMMIT;", 1);
  twin.Run("INSERT INTO t VALUES('c', 1);");
  twin.Arrives();
}

// What the refused COMMIT has logged goes with the savepoint.
TEST(PlainConnections, BusyAtCommitThenRolledBackToASavepoint) {
  Twin twin(Connections(2));
  twin.Run("PRAGMA journal_mode = DELETE;");
  twin.Run("INSERT INTO t VALUES('a', 1);");
  twin.Run("BEGIN; SELECT * FROM t;", 1);
  twin.Run("BEGIN; INSERT INTO t VALUES('b', 1); SAVEPOINT s; UPDATE t SET a = 2;");
  twin.Expect(SQLITE_BUSY, "COMMIT;");
  twin.Run("ROLLBACK TO s;");
  twin.Run("COMMIT;", 1);
  twin.Expect(SQLITE_OK, "COMMIT;");
  twin.Arrives();
}

TEST(PlainConnections, BusyWhenAutocommitCannotCommit) {
  Twin twin(Connections(2));
  twin.Run("PRAGMA journal_mode = DELETE;");
  twin.Run("INSERT INTO t VALUES('a', 1);");
  twin.Run("BEGIN; SELECT * FROM t;", 1);
  twin.Expect(SQLITE_BUSY, "INSERT INTO t VALUES('b', 1);");
  twin.Run("COMMIT;", 1);
  twin.Expect(SQLITE_OK, "INSERT INTO t VALUES('b', 2);");
  twin.Arrives();
}

TEST(PlainConnections, ASnapshotTooOldToWrite) {
  Twin twin(Connections(2));
  twin.Run("PRAGMA journal_mode = WAL;");
  twin.Run("INSERT INTO t VALUES('a', 1);");
  twin.Run("BEGIN; SELECT * FROM t;", 1);
  twin.Run("INSERT INTO t VALUES('b', 1);");
  twin.Expect(SQLITE_BUSY_SNAPSHOT, "UPDATE t SET a = 2;", 1);
  twin.Run("ROLLBACK; UPDATE t SET a = 3;", 1);
  twin.Arrives();
}

TEST(PlainConnections, SchemaChangesOfAnotherConnection) {
  Twin twin(Connections(2));
  twin.Run("INSERT INTO t VALUES('a', 1);", 0);
  twin.Run("INSERT INTO t VALUES('b', 1);", 1);
  twin.Run("CREATE INDEX i ON t(a); CREATE TABLE other(x); ANALYZE;", 1);
  twin.Run("UPDATE t SET a = 5; INSERT INTO other VALUES(1);", 0);
  twin.Run("DROP TABLE other; DROP INDEX i; UPDATE t SET a = 6 WHERE id = 'b';", 0);
  twin.Run("INSERT INTO t VALUES('c', 1); VACUUM; DELETE FROM t WHERE id = 'a';", 1);
  twin.Run("UPDATE t SET a = 7;", 0);
  twin.Arrives();
}

// The outcomes of what cannot be written as statements one after another.
using Outcomes = std::vector<Outcome>;

void ExpectAlike(Twin& twin, const std::function<Outcomes(sqlite3*)>& deeds) {
  EXPECT_EQ(deeds(twin.tracked().db), deeds(twin.plain()));
}

TEST(PlainConnections, LockedByAReadOfTheSameConnection) {
  Twin twin(Connections(1));
  twin.Run("INSERT INTO t VALUES('a', 1), ('b', 2), ('c', 3);");
  ExpectAlike(twin, [](sqlite3* db) {
    Outcomes outcomes;
    sqlite3_stmt* reader = nullptr;
    sqlite3_prepare_v2(db, "SELECT * FROM t", -1, &reader, nullptr);
    sqlite3_step(reader);
    for (const char* const sql :
         {"UPDATE t SET a = 9 WHERE id = 'c'", "DROP TABLE n", "VACUUM", "BEGIN",
          "INSERT INTO t VALUES('d', 4)", "COMMIT", "BEGIN", "DELETE FROM t", "ROLLBACK"}) {
      outcomes.push_back(RunStatement(db, sql));
    }
    sqlite3_finalize(reader);
    return outcomes;
  });
  ExpectAlike(twin, [](sqlite3* db) {
    Outcomes outcomes;
    sqlite3_stmt* writer = nullptr;
    outcomes.push_back(RunStatement(db, "BEGIN"));
    sqlite3_prepare_v2(db, "UPDATE t SET a = a + 1 RETURNING id, a", -1, &writer, nullptr);
    sqlite3_step(writer);
    outcomes.push_back(RunStatement(db, "COMMIT"));
    outcomes.push_back(RunStatement(db, "INSERT INTO t VALUES('e', 5)"));
    while (sqlite3_step(writer) == SQLITE_ROW) outcomes.push_back({0, RowText(writer), {}, 0, 0, true});
    sqlite3_finalize(writer);
    outcomes.push_back(RunStatement(db, "COMMIT"));
    return outcomes;
  });
  twin.Run("SELECT * FROM t;");
  twin.Arrives();
}

TEST(PlainConnections, AWriterThatIsInterrupted) {
  Twin twin(Connections(1));
  twin.Run("INSERT INTO t VALUES('a', 1);");
  ExpectAlike(twin, [](sqlite3* db) {
    int steps = 20;
    sqlite3_progress_handler(
        db, 50, [](void* left) { return --*static_cast<int*>(left) < 0 ? 1 : 0; }, &steps);
    Outcomes outcomes{RunStatement(db,
                                   "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n "
                                   "WHERE i < 10000) INSERT INTO t SELECT 'n' || i, i FROM n")};
    sqlite3_progress_handler(db, 0, nullptr, nullptr);
    outcomes.front().last_insert_rowid = 0;  // see twin.h
    return outcomes;
  });
  twin.Run("INSERT INTO t VALUES('b', 1);");
  twin.Arrives();
}

// Statements that write to a file attached as `aux`, by a connection whose main is another.
void WriteAttached(const std::string& main_uri) {
  Twin twin(Connections(1));
  twin.Run("INSERT INTO t VALUES('a', 1); INSERT INTO n VALUES(7, 'x');");
  const auto attach = [](const char* file) {
    return "ATTACH " + QuoteText(file) + " AS \"au x\"";
  };
  TestDatabase ours(300, main_uri, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI);
  sqlite3* plain = nullptr;
  ASSERT_EQ(sqlite3_open_v2(main_uri.c_str(), &plain,
                            SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI, nullptr),
            SQLITE_OK);
  sqlite3_extended_result_codes(plain, 1);
  ours.Exec(attach(sqlite3_db_filename(twin.tracked().db, "main")));
  EXPECT_EQ(RunStatement(plain, attach(sqlite3_db_filename(twin.plain(), "main"))).code, SQLITE_OK);
  for (const char* const sql : {
           "INSERT INTO \"au x\".t VALUES('b', 2) RETURNING *",
           "UPDATE t SET a = 5",
           "BEGIN",
           "REPLACE INTO n VALUES(8, 'x')",
           "SAVEPOINT s",
           "DELETE FROM \"au x\".t",
           "ROLLBACK TO s",
           "INSERT INTO t VALUES('a', 9)",
           "COMMIT",
           "SELECT * FROM t",
           "INSERT INTO main.own VALUES(1)",
       }) {
    EXPECT_EQ(RunStatement(ours.db, sql), RunStatement(plain, sql)) << sql;
  }
  ours.Exec("DETACH \"au x\"");
  EXPECT_EQ(sqlite3_close(plain), SQLITE_OK);
  twin.Arrives();
}

TEST(PlainConnections, AttachedFilesAreCaptured) { WriteAttached(":memory:"); }

TEST(PlainConnections, AttachedFilesAreCapturedWhereMainIsReadOnly) {
  ScratchFolder folder;
  {
    TestDatabase other(400, folder.File("main.db"));
    other.Exec("CREATE TABLE own(x)");
  }
  WriteAttached("file:" + folder.File("main.db") + "?mode=ro");
}

// Both files tracked, both written in one transaction.
TEST(PlainConnections, TwoTrackedFilesInOneTransaction) {
  Twin first(Connections(1));
  Twin second(Connections(1));
  const std::string attach = "ATTACH '";
  first.tracked().Exec(attach + sqlite3_db_filename(second.tracked().db, "main") + "' AS two");
  EXPECT_EQ(RunStatement(first.plain(), attach + sqlite3_db_filename(second.plain(), "main") +
                                            "' AS two").code, SQLITE_OK);
  first.Run(R"sql(
BEGIN;
INSERT INTO main.t VALUES('here', 1);
INSERT INTO two.t VALUES('there', 1);
SAVEPOINT s;
UPDATE two.t SET a = 2;
DELETE FROM main.t;
ROLLBACK TO s;
INSERT INTO two.n SELECT 3, id FROM main.t;
COMMIT;
UPDATE two.t SET a = 3;
)sql");
  first.Arrives();
  second.Arrives();
  EXPECT_EQ(second.replica().One("SELECT * FROM t"), "there|3");
}

TEST(PlainConnections, SharedCacheLocks) {
  ScratchFolder folder;
  std::vector<Outcomes> sides;
  for (const bool track : {true, false}) {
    const std::string uri = "file:" + folder.File(track ? "a.db" : "b.db") + "?cache=shared";
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI;
    TestDatabase writer(1, uri, flags);
    TestDatabase reader(2, uri, flags);
    writer.Exec(kTables);
    if (track) writer.Track("t");
    sqlite3_stmt* reading = nullptr;
    writer.Exec("INSERT INTO t VALUES('a', 1), ('b', 2)");
    sqlite3_prepare_v2(reader.db, "SELECT * FROM t", -1, &reading, nullptr);
    sqlite3_step(reading);
    Outcomes outcomes{RunStatement(writer.db, "UPDATE t SET a = 5")};
    sqlite3_finalize(reading);
    outcomes.push_back(RunStatement(writer.db, "UPDATE t SET a = 6"));
    outcomes.push_back(RunStatement(reader.db, "SELECT * FROM t"));
    sides.push_back(outcomes);
  }
  EXPECT_EQ(sides[0], sides[1]);
  EXPECT_EQ(sides[1].front().code, SQLITE_LOCKED_SHAREDCACHE);
}

}  // namespace
}  // namespace rejoin::testing
