// What another connection sees, what ADD COLUMN costs, and what limits do.

#include <atomic>
#include <thread>

#include "store/sqlite/meta_schema.h"
#include "tests/scenarios/replicas.h"

namespace rejoin::testing {
namespace {

constexpr char kPair[] =
    "CREATE TABLE a(id INTEGER PRIMARY KEY, n INTEGER); CREATE TABLE b(id TEXT PRIMARY KEY NOT NULL, n INTEGER) WITHOUT ROWID;";
constexpr int kRows = 50;

// Reads until told to stop: how often rows of two transactions stood side by side.
int CountTornReads(const std::string& path, const std::atomic<bool>& stop, std::atomic<int>& reads) {
  sqlite3* db = nullptr;
  sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READONLY, nullptr);
  sqlite3_busy_timeout(db, 10'000);
  int torn = 0;
  while (!stop) {
    const auto seen = ExactRows(db, "SELECT count(*), count(DISTINCT n) FROM (SELECT n FROM a UNION ALL SELECT n FROM b)");
    ++reads;
    if (seen != std::vector<std::string>{"i" + std::to_string(2 * kRows) + " | i1"}) ++torn;
  }
  sqlite3_close(db);
  return torn;
}

TEST(Visibility, NobodySeesAMergeHalfDone) {
  for (const char* const mode : {"PRAGMA journal_mode = WAL", "PRAGMA journal_mode = DELETE"}) {
    SCOPED_TRACE(mode);
    ScratchFolder folder;
    TestDatabase writer(1);
    TestDatabase reader(2, folder.File("reader.db"));
    reader.Exec("PRAGMA synchronous = OFF");
    reader.Exec(mode);
    sqlite3_busy_timeout(reader.db, 10'000);
    for (TestDatabase* const each : {&writer, &reader}) {
      each->Exec(kPair);
      each->Track("a");
      each->Track("b");
    }
    writer.Exec("BEGIN");
    for (int i = 0; i < kRows; ++i) {
      const std::string id = std::to_string(i);
      writer.Exec("INSERT INTO a VALUES(" + id + ", 0); INSERT INTO b VALUES('" + id + "', 0)");
    }
    writer.Exec("COMMIT");
    reader.Pull(writer);
    std::atomic<bool> stop = false;
    std::atomic<int> reads = 0;
    int torn = 0;
    std::thread polling([&] { torn = CountTornReads(folder.File("reader.db"), stop, reads); });
    for (int n = 1; n <= 60; ++n) {
      const std::string value = std::to_string(n);
      writer.Exec("BEGIN; UPDATE a SET n = " + value + "; DELETE FROM b; INSERT INTO b SELECT id, " + value +
                  " FROM a; COMMIT");
      reader.Pull(writer);
    }
    stop = true;
    polling.join();
    EXPECT_EQ(torn, 0);
    EXPECT_GT(reads, 0);
    EXPECT_EQ(reader.One("SELECT DISTINCT n FROM b"), "60");
  }
}

TEST(AddColumn, OfALargeTableChangesNoRow) {
  constexpr char kFill[] =
      "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 200000) "
      "INSERT INTO t SELECT i, 'title' || i FROM n";
  Replicas all(2, {"CREATE TABLE t(id INTEGER PRIMARY KEY, title TEXT)", {"t"}});
  all.At(0, kFill);
  all.Pull(1, 0);
  const std::string digest = all[0].DigestHex();
  const std::string position = all[0].One("SELECT max(pos) FROM rejoin__log");
  all.At(0, "ALTER TABLE t ADD COLUMN done INTEGER NOT NULL DEFAULT 0");
  EXPECT_EQ(NewsFor(all[1], all[0]), 0u);
  EXPECT_EQ(all[0].DigestHex(), digest);
  EXPECT_EQ(all[0].One("SELECT max(pos) FROM rejoin__log"), position);
  EXPECT_EQ(all[0].One("SELECT count(*) FROM rejoin__row_1"), "0");

  // It needs no ceremony: the next write of the column is captured.
  all.At(0, "UPDATE t SET done = 1 WHERE id = 77");
  EXPECT_EQ(NewsFor(all[1], all[0]), 1u);
  all.Pull(1, 0);
  EXPECT_EQ(all[1].DigestHex(), all[0].DigestHex());
  all.At(1, "UPDATE t SET title = 'old schema' WHERE id = 78");
  all.At(1, "ALTER TABLE t ADD COLUMN done INTEGER NOT NULL DEFAULT 0");
  all.ExchangeAndExpectEqual();
  EXPECT_EQ(all[1].Query("SELECT * FROM t WHERE id IN (76, 77, 78)"),
            (std::vector<std::string>{"76|title76|0", "77|title77|1", "78|old schema|0"}));
}

TEST(Visibility, AMergeLeavesLastInsertRowidAlone) {
  Replicas all(2, {"CREATE TABLE n(id INTEGER PRIMARY KEY, a)", {"n"}});
  all.At(0, "INSERT INTO n VALUES(7, 'mine')");
  all.At(1, "INSERT INTO n VALUES(99, 'theirs')");
  all.Pull(0, 1);
  EXPECT_EQ(all[0].One("SELECT count(*) FROM n"), "2");
  EXPECT_EQ(sqlite3_last_insert_rowid(all[0].db), 7);
}

TEST(Visibility, ChangesAfterACommitAreThoseOfTheStatementBeforeIt) {
  Replicas all(1, {"CREATE TABLE n(id INTEGER PRIMARY KEY, a)", {"n"}});
  for (const int rows : {3, 1, 0}) {
    const std::string last = "UPDATE n SET a = id WHERE id <= " + std::to_string(rows);
    all.At(0, "BEGIN; REPLACE INTO n VALUES(1, 'x'), (2, 'x'), (3, 'x'), (4, 'x'); " + last + "; COMMIT");
    EXPECT_EQ(sqlite3_changes(all[0].db), rows);
  }
}

TEST(Limits, CellsBeyondTheirsStayAndAreListed) {
  Replicas all(3, {"CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL, a, b); "
                   "CREATE TABLE w(id TEXT PRIMARY KEY NOT NULL, a, b) WITHOUT ROWID", {"t", "w"}});
  for (std::size_t i = 0; i < 3; ++i) all[i].engine->limits.max_cell_bytes = 100;
  for (const std::string table : {"t", "w"}) {
    SCOPED_TRACE(table);
    const auto too_large = [&](std::size_t i) {
      return all[i].One("SELECT count(*) FROM rejoin__hidden AS h JOIN rejoin__table AS t ON t.number = h.tbl "
                        "WHERE t.name = '" + table + "' AND reason = " +
                        std::to_string(static_cast<int>(QuarantineReason::kTooLarge)));
    };
    all.At(0, "INSERT INTO " + table + " VALUES('k', zeroblob(101), 'b'), ('fits', zeroblob(100), 'b')");
    all.Pull(1, 0);
    EXPECT_EQ(all[1].Query("SELECT id, length(a), b FROM " + table + " ORDER BY id"),
              (std::vector<std::string>{"fits|100|b", "k|NULL|b"}));
    EXPECT_EQ(all[1].DigestHex(), all[0].DigestHex());
    EXPECT_EQ(too_large(0), "1");

    // A later value of another replica takes its place, as any later value would.
    all.At(1, "UPDATE " + table + " SET a = 'short' WHERE id = 'k'");
    all.Pull(0, 1);
    EXPECT_EQ(all[0].One("SELECT a FROM " + table + " WHERE id = 'k'"), "short");
    EXPECT_EQ(too_large(0), "0");
    all.Pull(2, 0);
    EXPECT_EQ(all[2].DigestHex(), all[0].DigestHex());
    EXPECT_EQ(SharedRows(all[2].db, table), SharedRows(all[0].db, table));

    // Over a shared value: the others keep that one, and hear of the rest.
    all.At(0, "UPDATE " + table + " SET a = zeroblob(200), b = 'c' WHERE id = 'k'");
    all.Pull(1, 0);
    EXPECT_EQ(all[1].One("SELECT a, b FROM " + table + " WHERE id = 'k'"), "short|c");
    EXPECT_EQ(too_large(0), "1");
    EXPECT_EQ(all[0].One("SELECT length(a) FROM " + table + " WHERE id = 'k'"), "200");
    all.At(0, "UPDATE " + table + " SET a = 'small again' WHERE id = 'k'");
    all.Pull(1, 0);
    EXPECT_EQ(SharedRows(all[1].db, table), SharedRows(all[0].db, table));
    EXPECT_EQ(all[1].DigestHex(), all[0].DigestHex());
    EXPECT_EQ(too_large(0), "0");

    // A delete takes the row from the list, whoever it is by.
    all.At(0, "INSERT INTO " + table + " VALUES('mine', zeroblob(101), 'b'), ('theirs', zeroblob(101), 'b')");
    all.Pull(1, 0);
    EXPECT_EQ(too_large(0), "2");
    all.At(0, "DELETE FROM " + table + " WHERE id = 'mine'");
    all.At(1, "DELETE FROM " + table + " WHERE id = 'theirs'");
    all.Pull(0, 1);
    EXPECT_EQ(too_large(0), "0");
    all.Pull(1, 0);
    EXPECT_EQ(SharedRows(all[1].db, table), SharedRows(all[0].db, table));
  }
}

// One row may be both: too large to leave, and hidden by another's UNIQUE value.
TEST(Limits, ARowThatIsHiddenComesBackThoughItIsTooLarge) {
  Replicas all(2, {"CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL, a, u UNIQUE)", {"t"}});
  for (std::size_t i = 0; i < 2; ++i) all[i].engine->limits.max_cell_bytes = 100;
  const auto listed = [&all] { return all[0].Query("SELECT reason FROM rejoin__hidden"); };
  all.At(0, "INSERT INTO t VALUES('large', zeroblob(101), 'x')");
  all.At(1, "INSERT INTO t VALUES('newer', 'a', 'x')");
  all.Pull(1, 0);
  all.Pull(0, 1);
  EXPECT_EQ(all[0].Query("SELECT id FROM t"), (std::vector<std::string>{"newer"}));
  ASSERT_FALSE(all[0].Delta().empty());  // everything, the large row too
  EXPECT_EQ(listed(), (std::vector<std::string>{"1"}));

  all.At(1, "UPDATE t SET u = 'y' WHERE id = 'newer'");
  all.Pull(0, 1);
  EXPECT_EQ(all[0].Query("SELECT id, length(a) FROM t ORDER BY id"), (std::vector<std::string>{"large|101", "newer|1"}));
  EXPECT_EQ(listed(), (std::vector<std::string>{"4"}));
}

// A transaction larger than what capture keeps in memory, with savepoints.
TEST(Limits, ASpilledTransactionIsAsGoodAsAnother) {
  Replicas all(2, {"CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL, a, b UNIQUE); "
                   "CREATE TABLE n(id INTEGER PRIMARY KEY, a)", {"t", "n"}});
  for (std::size_t i = 0; i < 2; ++i) {
    all[i].engine->limits.capture_memory_bytes = 4096;
    all[i].engine->limits.log_body_bytes = 2048;
    all[i].engine->limits.fold_batch_bytes = 8192;
  }
  all.At(0, "INSERT INTO n VALUES(-1, 'before')");
  all.At(0, R"sql(
BEGIN;
WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
INSERT INTO t SELECT 'key' || i, 'value' || i, i FROM n;
SAVEPOINT s;
DELETE FROM t WHERE b % 2;
INSERT INTO n SELECT b, a FROM t;
ROLLBACK TO s;
UPDATE t SET a = 'again' WHERE b % 3 = 0;
DELETE FROM t WHERE b % 5 = 0;
INSERT INTO n SELECT b, a FROM t WHERE b % 7 = 0;
UPDATE n SET a = 'twice', id = id + 100000;
COMMIT;
)sql");
  all.ExchangeAndExpectEqual();
  EXPECT_EQ(all[1].One("SELECT count(*), sum(a = 'again') FROM t"), "2400|800");
  EXPECT_EQ(all[1].One("SELECT count(*), min(id) FROM n"), "344|99999");
}

}  // namespace
}  // namespace rejoin::testing
