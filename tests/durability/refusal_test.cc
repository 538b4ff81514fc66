// A full disk and a file that cannot be written: one clear error, no change.

#include <fstream>
#include <iterator>

#include "tests/store_sqlite/fixture.h"
#include "tests/store_sqlite/rows.h"

namespace rejoin::testing {
namespace {

constexpr char kSchema[] =
    "CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL, a, u UNIQUE); CREATE TABLE n(id INTEGER PRIMARY KEY, a);";

void Fill(TestDatabase& database, int from, int to) {
  const std::string range = "WITH RECURSIVE n(i) AS (VALUES(" + std::to_string(from) +
                            ") UNION ALL SELECT i + 1 FROM n WHERE i < " + std::to_string(to) + ") ";
  database.Exec(range + "INSERT INTO t SELECT 'key' || i, printf('%.*c', 200, 'x'), i FROM n");
  database.Exec(range + "INSERT INTO n SELECT i, printf('%.*c', 200, 'y') FROM n");
}

std::vector<std::string> Picture(TestDatabase& database) {
  std::vector<std::string> picture = SharedRows(database.db, "t");
  for (const std::string& row : SharedRows(database.db, "n")) picture.push_back(row);
  picture.push_back(database.One("SELECT max(pos) FROM rejoin__log"));
  return picture;
}

void ExpectSound(TestDatabase& database) {
  const auto findings = database.store->Check();
  ASSERT_TRUE(findings) << findings.error().message;
  for (const Finding& finding : *findings) ADD_FAILURE() << finding.table << ": " << finding.problem;
}

class FullDisk : public ::testing::Test {
 protected:
  FullDisk() : database_(1, folder_.File("full.db")), other_(2) {
    database_.Exec("PRAGMA synchronous = OFF");
    for (TestDatabase* const each : {&database_, &other_}) {
      each->Exec(kSchema);
      each->Track("t");
      each->Track("n");
    }
    Fill(database_, 1, 50);
    other_.Pull(database_);
  }

  // Space for so many pages more than now; nullopt: as much as there is.
  void Allow(std::optional<int> pages) {
    const std::string limit = pages ? std::to_string(std::stoi(database_.One("SELECT * FROM pragma_page_count")) + *pages) : "1073741823";
    database_.Exec("PRAGMA max_page_count = " + limit);
  }

  // Tries `attempt` with no page left, then with one, ... until it succeeds. Each
  // failure changes nothing. Returns how often it failed.
  template <class F>
  int FailUntilThereIsSpace(F attempt) {
    for (int pages = 0; pages < 2000; ++pages) {
      const std::vector<std::string> before = Picture(database_);
      Allow(pages);
      const bool done = attempt();
      Allow({});
      if (done) return pages;
      EXPECT_EQ(Picture(database_), before) << pages << " pages";
      EXPECT_NE(sqlite3_get_autocommit(database_.db), 0);
      if (pages % 8 == 0) ExpectSound(database_);
      if (HasFailure()) break;
    }
    ADD_FAILURE() << "it never succeeded";
    return 0;
  }

  ScratchFolder folder_;
  TestDatabase database_;
  TestDatabase other_;
};

TEST_F(FullDisk, ACommitFailsAsWithoutUs) {
  const int failed = FailUntilThereIsSpace([&] {
    const int result = database_.Try("BEGIN; WITH RECURSIVE n(i) AS (VALUES(1000) UNION ALL SELECT i + 1 FROM n WHERE i < 1060) "
                                     "INSERT INTO t SELECT 'more' || i, printf('%.*c', 300, 'z'), i FROM n;"
                                     "UPDATE n SET a = a || a; COMMIT");
    if (result == SQLITE_OK) return true;
    EXPECT_EQ(result & 0xff, SQLITE_FULL) << database_.error;
    EXPECT_NE(database_.error.find("full"), std::string::npos) << database_.error;
    if (sqlite3_get_autocommit(database_.db) == 0) database_.Exec("ROLLBACK");
    return false;
  });
  EXPECT_GT(failed, 3);
  other_.Pull(database_);
  EXPECT_EQ(other_.DigestHex(), database_.DigestHex());
  ExpectSound(database_);
}

TEST_F(FullDisk, AMergeIsWholeOrNotAtAll) {
  Fill(other_, 1000, 1060);
  other_.Exec("UPDATE t SET a = a || 'changed'; DELETE FROM n WHERE id < 10");
  const Bytes delta = other_.Delta();
  const int failed = FailUntilThereIsSpace([&] {
    const auto merged = database_.Merge(delta);
    if (!merged) {
      EXPECT_NE(merged.error().message.find("full"), std::string::npos) << merged.error().message;
    }
    return merged.has_value();
  });
  EXPECT_GT(failed, 3);
  EXPECT_EQ(other_.DigestHex(), database_.DigestHex());
  ExpectSound(database_);
}

TEST_F(FullDisk, FoldingCanWait) {
  database_.Exec("UPDATE t SET a = id; UPDATE n SET a = id; DELETE FROM t WHERE u % 7 = 0");
  FailUntilThereIsSpace([&] {
    BytesSink sink(std::size_t{1} << 26);
    const auto extracted = database_.store->ExtractSince({}, sink);
    if (!extracted) {
      EXPECT_NE(extracted.error().message.find("full"), std::string::npos) << extracted.error().message;
    }
    return extracted.has_value();
  });
  other_.Pull(database_);
  EXPECT_EQ(other_.DigestHex(), database_.DigestHex());
}

TEST_F(FullDisk, TrackingIsWholeOrNotAtAll) {
  database_.Exec("CREATE TABLE late(id TEXT PRIMARY KEY NOT NULL, a)");
  database_.Exec("INSERT INTO late SELECT id, a FROM t");
  const int failed = FailUntilThereIsSpace([&] {
    const auto tracked = database_.store->Track("late", {});
    if (tracked) return true;
    EXPECT_NE(tracked.error().message.find("full"), std::string::npos) << tracked.error().message;
    EXPECT_EQ(database_.One("SELECT count(*) FROM rejoin__table"), "2");
    EXPECT_EQ(database_.One("SELECT count(*) FROM sqlite_schema WHERE tbl_name = 'late' AND type = 'trigger'"), "0");
    return false;
  });
  EXPECT_GT(failed, 0);
  EXPECT_EQ(database_.One("SELECT count(*) FROM rejoin__table"), "3");
  ExpectSound(database_);
}

std::string FileBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(ReadOnly, AFileIsReadableAndStaysAsItWas) {
  ScratchFolder folder;
  const std::string path = folder.File("readonly.db");
  TestDatabase other(2);
  other.Exec(kSchema);
  other.Track("t");
  other.Exec("INSERT INTO t VALUES('other', 1, 1)");
  std::string digest;
  {
    TestDatabase database(1, path);
    database.Exec(kSchema);
    database.Track("t");
    Fill(database, 1, 20);
    digest = database.DigestHex();
  }
  const std::string before = FileBytes(path);
  {
    TestDatabase database(3, path, SQLITE_OPEN_READONLY);
    EXPECT_EQ(database.One("SELECT count(*) FROM t"), "20");
    EXPECT_EQ(database.DigestHex(), digest);
    EXPECT_TRUE(database.store->Vector());
    EXPECT_TRUE(database.store->Check());
    EXPECT_EQ(database.Try("INSERT INTO t VALUES('x', 1, 1000)"), SQLITE_READONLY);
    EXPECT_EQ(database.error, "attempt to write a readonly database");
    const auto merged = database.Merge(other.Delta());
    ASSERT_FALSE(merged);
    EXPECT_EQ(merged.error().code, Code::kReadOnly) << merged.error().message;
    const auto tracked = database.store->Track("n", {});
    ASSERT_FALSE(tracked);
    EXPECT_EQ(tracked.error().code, Code::kReadOnly) << tracked.error().message;
    const Status uninstalled = database.store->Uninstall();
    ASSERT_FALSE(uninstalled);
    EXPECT_EQ(uninstalled.error().code, Code::kReadOnly) << uninstalled.error().message;
  }
  EXPECT_EQ(FileBytes(path), before);
}

}  // namespace
}  // namespace rejoin::testing
