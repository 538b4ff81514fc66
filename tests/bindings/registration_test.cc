#include "bindings/sqlite/register.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bindings/sqlite/database_file.h"
#include "tests/store_sqlite/fixture.h"

namespace rejoin {
namespace {

using ::testing::HasSubstr;

// A bare connection, to look at what RegisterRejoin does to it.
class Registration : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(sqlite3_open(":memory:", &db_), SQLITE_OK); }
  void TearDown() override { sqlite3_close(db_); }

  std::string One(const std::string& sql) {
    std::string answer;
    char* message = nullptr;
    const auto take = [](void* into, int, char** values, char**) {
      *static_cast<std::string*>(into) = values[0] == nullptr ? "NULL" : values[0];
      return 0;
    };
    if (sqlite3_exec(db_, sql.c_str(), take, &answer, &message) != SQLITE_OK) answer = message;
    sqlite3_free(message);
    return answer;
  }
  int Close() { return sqlite3_close(std::exchange(db_, nullptr)); }

  sqlite3* db_ = nullptr;
};

TEST_F(Registration, TwiceChangesNothing) {
  ASSERT_EQ(RegisterRejoin(db_), SQLITE_OK);
  EXPECT_EQ(One("CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL); SELECT rejoin_track('t')"), "0");
  EXPECT_EQ(One("BEGIN; INSERT INTO t VALUES('a')"), "");
  ASSERT_EQ(RegisterRejoin(db_), SQLITE_OK);
  EXPECT_EQ(One("COMMIT; SELECT count(*) FROM rejoin_changes"), "1");
}

TEST_F(Registration, LeavesAConnectionThatCloses) {
  ASSERT_EQ(RegisterRejoin(db_), SQLITE_OK);
  EXPECT_EQ(Close(), SQLITE_OK);
}

TEST_F(Registration, LeavesAConnectionThatClosesAfterUse) {
  ASSERT_EQ(RegisterRejoin(db_), SQLITE_OK);
  One("CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL); SELECT rejoin_track('t');"
      "INSERT INTO t VALUES('a'); SELECT rejoin_merge(rejoin_delta());"
      "SELECT count(*) FROM rejoin_quarantine; SELECT rejoin_digest()");
  EXPECT_EQ(Close(), SQLITE_OK) << "a statement of ours was left open";
}

TEST_F(Registration, LeavesAConnectionThatClosesAfterReadingOnly) {
  ASSERT_EQ(RegisterRejoin(db_), SQLITE_OK);
  EXPECT_THAT(One("SELECT rejoin_status()"), HasSubstr("\"set_up\":false"));
  EXPECT_EQ(Close(), SQLITE_OK);
}

TEST_F(Registration, UsesTheGivenClock) {
  testing::ManualClock clock;
  clock.wall_ms = 1'777'777'777'000;
  testing::SeededRandom random(7);
  ASSERT_EQ(RegisterRejoin(db_, {&clock, &random}), SQLITE_OK);
  One("CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL); SELECT rejoin_track('t');"
      "INSERT INTO t VALUES('a')");
  EXPECT_EQ(One("SELECT time FROM rejoin_changes WHERE kind = 'insert'"), "2026-05-03T03:09:37.000Z");
}

TEST_F(Registration, CapturesWritesToAnAttachedFile) {
  testing::ScratchFolder folder;
  const std::string path = folder.File("attached.db");
  {
    auto file = DatabaseFile::Open(path, OpenMode::kCreate);
    ASSERT_TRUE(file) << file.error().message;
    ASSERT_TRUE(file->sql().Exec("CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL)"));
    ASSERT_TRUE(file->Store().Track("t", {}));
  }
  ASSERT_EQ(RegisterRejoin(db_), SQLITE_OK);
  EXPECT_EQ(One("ATTACH '" + path + "' AS other; INSERT INTO other.t VALUES('a')"), "");
  EXPECT_EQ(Close(), SQLITE_OK);
  auto file = DatabaseFile::Open(path, OpenMode::kReadWrite);
  ASSERT_TRUE(file) << file.error().message;
  auto changes = file->sql().Prepare("SELECT count(*) FROM rejoin_changes WHERE kind = 'insert'");
  ASSERT_TRUE(changes) << changes.error().message;
  ASSERT_TRUE(changes->Step());
  EXPECT_EQ(changes->Integer(0), 1);
}

TEST(DatabaseFile, NeverMakesAFileUnlessAsked) {
  testing::ScratchFolder folder;
  const std::string path = folder.File("none.db");
  for (const OpenMode mode : {OpenMode::kRead, OpenMode::kReadWrite}) {
    const auto file = DatabaseFile::Open(path, mode);
    ASSERT_FALSE(file);
    EXPECT_THAT(file.error().message, HasSubstr("no such file"));
    EXPECT_FALSE(std::filesystem::exists(path));
  }
  EXPECT_TRUE(DatabaseFile::Open(path, OpenMode::kCreate));
}

}  // namespace
}  // namespace rejoin
