// A database as metadata format 1 keeps it. It stays usable for ever: the file is
// never written anew, a later format adds its own folder.
//
// To make the file of a new format: REJOIN_WRITE_GOLDEN=<folder> runs this test
// and leaves database.db and database.txt, what is in it for people, there.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "tests/store_sqlite/fixture.h"
#include "tests/store_sqlite/rows.h"

namespace rejoin::testing {
namespace {

constexpr char kSchema[] = R"sql(
CREATE TABLE note(id TEXT PRIMARY KEY NOT NULL, title TEXT, n INTEGER CHECK(n IS NOT 13), u UNIQUE);
CREATE TABLE item(id INTEGER PRIMARY KEY, a, b);
CREATE TABLE pair(x, y, a, PRIMARY KEY(x, y)) WITHOUT ROWID;
)sql";
constexpr const char* kTables[] = {"note", "item", "pair"};
constexpr char kFolder[] = REJOIN_SOURCE_DIR "/tests/golden/database_v1/";

void SetUp(TestDatabase& database, const std::string& more = "") {
  database.Exec(kSchema + more);
  for (const char* const table : kTables) database.Track(table);
}

// Every way in which a file keeps a row: in a run, with an override, by key, dead,
// hidden, clashing, carried, in a log that nobody folded, with values that the table alters.
void WriteWorld(const std::string& path) {
  TestDatabase peer(2);
  peer.Exec("CREATE TABLE extra(id INTEGER PRIMARY KEY, a)");
  SetUp(peer, "ALTER TABLE item ADD COLUMN more TEXT");
  peer.Track("extra");
  TestDatabase database(1, path);
  database.Exec("PRAGMA page_size = 512; VACUUM");
  database.Exec(std::string(kSchema) + "INSERT INTO item VALUES(100, 'adopted', NULL)");
  for (const char* const table : kTables) database.Track(table);
  database.Exec("INSERT INTO note WITH RECURSIVE i(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i LIMIT 6) "
                "SELECT 'k' || i, 'title ' || i, i, i FROM i");
  database.Exec("INSERT INTO item VALUES(1, 1, 1.5), (2, x'00ff', ''), (3, NULL, 9223372036854775807)");
  database.Exec("INSERT INTO pair VALUES(1, 'a', 1), (1, 'A', 2), (2.5, x'01', 3)");
  Exchange(database, peer);
  peer.clock.Advance(5);
  database.clock.Advance(9);
  peer.Exec("INSERT INTO note VALUES('late', 'loses or wins u', 1, 'same')");
  peer.Exec("UPDATE note SET n = 5 WHERE id = 'k3'; INSERT INTO item VALUES(7, 'peer', 'peer', 'unknown column')");
  peer.Exec("INSERT INTO extra VALUES(1, 'a table that is unknown here'); UPDATE pair SET a = '7' WHERE x = 1");
  database.Exec("INSERT INTO note VALUES('own', 'same u', 2, 'same'); DELETE FROM note WHERE id = 'k2'");
  database.Exec("UPDATE note SET title = 'edited' WHERE id = 'k3'; INSERT INTO item VALUES(7, 'own', 'own')");
  database.Exec("DELETE FROM pair WHERE y = 'A'; REPLACE INTO note VALUES('k4', 'again', 4, 4)");
  Exchange(database, peer);
  database.clock.Advance(60'000);
  database.Exec("UPDATE item SET b = -0.0 WHERE id = 1; DELETE FROM item WHERE id = 2");
  database.Exec("UPDATE note SET id = 'k1 moved' WHERE id = 'k1'");
  database.Exec("BEGIN; UPDATE note SET n = n + 100; DELETE FROM note WHERE id = 'k6'; COMMIT");
}

// What a person sees of it, and its digest.
std::string Describe(TestDatabase& database) {
  std::ostringstream text;
  for (const char* const table : kTables) {
    text << table << '\n';
    for (const std::string& row : SharedRows(database.db, table)) text << "  " << row << '\n';
  }
  text << "hidden\n";
  for (const std::string& row : database.Query("SELECT tbl, hex(key), reason FROM rejoin__hidden ORDER BY 1, 2")) {
    text << "  " << row << '\n';
  }
  text << "clashes\n";
  for (const std::string& row : database.Query("SELECT tbl, hex(key) FROM rejoin__clash ORDER BY 1, 2")) {
    text << "  " << row << '\n';
  }
  text << "vector\n";
  const auto vector = database.store->Vector();
  EXPECT_TRUE(vector) << vector.error().message;
  if (vector) {
    for (const auto& [id, time] : vector->entries()) text << "  " << id.Hex() << ' ' << time.value << '\n';
  }
  text << "digest\n  " << database.DigestHex() << '\n';
  return text.str();
}

std::string TextOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void LeaveIn(const std::string& folder) {
  namespace fs = std::filesystem;
  ScratchFolder scratch;
  WriteWorld(scratch.File("database.db"));
  fs::copy_file(scratch.File("database.db"), folder + "/database.db", fs::copy_options::overwrite_existing);
  TestDatabase database(3, scratch.File("database.db"));
  std::ofstream(folder + "/database.txt") << Describe(database);
}

class DatabaseGolden : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const char* folder = std::getenv("REJOIN_WRITE_GOLDEN")) LeaveIn(folder);
    std::filesystem::copy_file(std::string(kFolder) + "database.db", path_);
  }

  ScratchFolder folder_;
  std::string path_ = folder_.File("database.db");
};

TEST_F(DatabaseGolden, Version1ShowsAndSharesWhatItAlwaysDid) {
  TestDatabase database(9, path_);
  EXPECT_EQ(database.One("SELECT value FROM rejoin__meta WHERE name = 'format'"), "1");
  EXPECT_EQ(Describe(database), TextOf(std::string(kFolder) + "database.txt"));
  const auto findings = database.store->Check();
  ASSERT_TRUE(findings) << findings.error().message;
  for (const Finding& finding : *findings) ADD_FAILURE() << finding.table << ": " << finding.problem;
}

TEST_F(DatabaseGolden, Version1GoesOnAsAReplica) {
  TestDatabase database(9, path_);
  TestDatabase fresh(10);
  ::rejoin::testing::SetUp(fresh);
  fresh.Pull(database);
  EXPECT_EQ(fresh.DigestHex(), database.DigestHex());
  database.Exec("UPDATE note SET title = 'on'; DELETE FROM item WHERE id = 3; INSERT INTO pair VALUES(9, 9, 9)");
  fresh.Exec("UPDATE pair SET a = 'fresh'");
  for (int round = 0; round < 2; ++round) Exchange(database, fresh);
  EXPECT_EQ(fresh.DigestHex(), database.DigestHex());
  for (const char* const table : kTables) EXPECT_EQ(SharedRows(fresh.db, table), SharedRows(database.db, table));
}

// Every kind of row is in the file, or the tests above say little.
TEST_F(DatabaseGolden, Version1HasEveryKindOfRow) {
  TestDatabase database(9, path_);
  EXPECT_NE(database.One("SELECT value FROM rejoin__meta WHERE name = 'folded'"),
            database.One("SELECT max(pos) FROM rejoin__log"));
  ASSERT_EQ(database.DigestHex().size(), 32u);  // folds
  for (const char* const table : {"rejoin__run", "rejoin__hash", "rejoin__row_1", "rejoin__row_2", "rejoin__key_1",
                                  "rejoin__key_2", "rejoin__key_3", "rejoin__hidden", "rejoin__clash"}) {
    EXPECT_NE(database.One(std::string("SELECT count(*) FROM ") + table), "0") << table;
  }
  EXPECT_EQ(database.One("SELECT count(*) FROM rejoin__table WHERE local IS NULL"), "1");
  EXPECT_EQ(database.One("SELECT count(*) FROM rejoin__column WHERE local IS NULL AND name = 'more'"), "1");
}

TEST_F(DatabaseGolden, ANewerFormatIsReadAndNotWritten) {
  {
    TestDatabase database(9, path_);
    database.Exec("UPDATE rejoin__meta SET value = 2 WHERE name = 'format'");
  }
  TestDatabase database(9, path_);
  EXPECT_NE(database.One("SELECT count(*) FROM note"), "0");
  EXPECT_NE(database.Try("INSERT INTO note VALUES('x', 'x', 1, 'x')"), SQLITE_OK);
  EXPECT_NE(database.error.find("format 2"), std::string::npos) << database.error;
  const auto merged = database.Merge(Bytes());
  ASSERT_FALSE(merged);
  EXPECT_EQ(merged.error().code, Code::kNewerFormat);
}

}  // namespace
}  // namespace rejoin::testing
