// What cannot be tracked is refused with the reason and the cure, and what has no
// key stays local.

#include <gmock/gmock.h>

#include "store/sqlite/meta_schema.h"
#include "tests/plain/twin.h"

namespace rejoin::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

struct Refusal {
  const char* name;
  const char* schema;
  const char* table;
  Code code;
  const char* reason;  // a part of it
  const char* cure;    // likewise
};

void PrintTo(const Refusal& refusal, std::ostream* out) { *out << refusal.name; }

class Refused : public ::testing::TestWithParam<Refusal> {};

TEST_P(Refused, WithTheReasonAndTheCure) {
  const Refusal& refusal = GetParam();
  TestDatabase database(1);
  database.Exec(refusal.schema);
  const auto before = ExactRows(database.db, "SELECT * FROM sqlite_schema");
  const auto tracked = database.store->Track(refusal.table, {});
  ASSERT_FALSE(tracked);
  EXPECT_EQ(tracked.error().code, refusal.code) << tracked.error().message;
  EXPECT_THAT(tracked.error().message, AllOf(HasSubstr(refusal.table), HasSubstr(refusal.reason), HasSubstr(refusal.cure)));
  EXPECT_EQ(ExactRows(database.db, "SELECT * FROM sqlite_schema"), before) << "nothing was left behind";
}

constexpr Refusal kRefusals[] = {
    {"NoKey", "CREATE TABLE t(a, b);", "t", Code::kNotTrackable, "PRIMARY KEY", "create it with one"},
    {"OnlyUnique", "CREATE TABLE t(a UNIQUE NOT NULL, b);", "t", Code::kNotTrackable, "PRIMARY KEY", "create it with one"},
    {"View", "CREATE TABLE t(a PRIMARY KEY); CREATE VIEW v AS SELECT * FROM t;", "v",
     Code::kNotTrackable, "view", "track"},
    {"Virtual", "CREATE VIRTUAL TABLE f USING fts5(a);", "f", Code::kNotTrackable, "virtual", "track"},
    {"Shadow", "CREATE VIRTUAL TABLE f USING fts5(a);", "f_data", Code::kNotTrackable, "virtual table", "track"},
    {"Temporary", "CREATE TEMP TABLE t(a INTEGER PRIMARY KEY);", "t", Code::kNotTrackable, "temp", "create it without TEMP"},
    {"System", "CREATE TABLE t(a INTEGER PRIMARY KEY AUTOINCREMENT);", "sqlite_sequence",
     Code::kNotTrackable, "SQLite", ""},
    {"Missing", "CREATE TABLE t(a PRIMARY KEY);", "nothing", Code::kUnknownTable, "no table", "create"},
};

std::string RefusalName(const ::testing::TestParamInfo<Refusal>& refusal) { return refusal.param.name; }
INSTANTIATE_TEST_SUITE_P(Table, Refused, ::testing::ValuesIn(kRefusals), RefusalName);

TEST(Refused, OurOwnTables) {
  TestDatabase database(1);
  database.Exec("CREATE TABLE t(a PRIMARY KEY)");
  database.Track("t");
  for (const char* const own : {"rejoin__log", "rejoin__meta", "rejoin__capture_s"}) {
    const auto tracked = database.store->Track(own, {});
    ASSERT_FALSE(tracked) << own;
    EXPECT_EQ(tracked.error().code, Code::kNotTrackable) << tracked.error().message;
  }
}

TEST(Refused, DirectWritesToTheCaptureTables) {
  TestDatabase database(1);
  database.Exec("CREATE TABLE t(a PRIMARY KEY)");
  database.Track("t");
  const std::string digest = database.DigestHex();
  EXPECT_NE(database.Try("INSERT INTO rejoin__capture_s VALUES(1,2,3,4,5,6,7,8)"), SQLITE_OK);
  EXPECT_THAT(database.error, HasSubstr("rejoin: "));
  EXPECT_NE(database.Try("INSERT INTO rejoin__capture_s(head) VALUES(NULL)"), SQLITE_OK);
  EXPECT_NE(database.Try("DELETE FROM rejoin__capture_s WHERE rowid = 1; INSERT INTO rejoin__capture_l(head) VALUES(1)"),
            SQLITE_OK);
  EXPECT_EQ(database.DigestHex(), digest);
}

// NULL in a key: SQLite allows it in rowid tables. Such rows work here and go nowhere.
TEST(PlainNullKeys, WorkLocally) {
  ExpectPlain({"CREATE TABLE t(id TEXT PRIMARY KEY, a UNIQUE);"
               "CREATE TABLE two(x, y, a, PRIMARY KEY(x, y));", {"t", "two"}}, R"sql(
INSERT INTO t VALUES(NULL, 1), (NULL, 2), ('a', 3);
UPDATE t SET a = a + 10;
UPDATE t SET id = 'b' WHERE a = 11;
UPDATE t SET id = NULL WHERE id = 'a';
INSERT INTO t VALUES('c', 12);
REPLACE INTO t VALUES('c', 12);
REPLACE INTO t VALUES(NULL, 12);
DELETE FROM t WHERE id IS NULL;
INSERT INTO two VALUES(1, NULL, 1), (NULL, NULL, 2), (1, 1, 3);
UPDATE two SET y = 2 WHERE y IS NULL AND x = 1;
UPDATE two SET x = NULL WHERE y = 1;
DELETE FROM two WHERE x IS NULL;
)sql");
}

}  // namespace
}  // namespace rejoin::testing
