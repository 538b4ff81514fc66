// Narrow and wide tables, small and large cells.

#include "store/sqlite/meta_schema.h"
#include "tests/plain/twin.h"

namespace rejoin::testing {
namespace {

class PlainWidth : public ::testing::TestWithParam<int> {};

// A table of so many columns, the key among them.
std::string WideTable(int columns, const char* key, const char* suffix) {
  std::string sql = std::string("CREATE TABLE t(k ") + key;
  for (int i = 1; i < columns; ++i) sql += ", c" + std::to_string(i);
  return sql + ") " + suffix + ";";
}

// INSERT INTO t VALUES(key, 1, 2, ...).
std::string WideInsert(int columns, const std::string& key, int first) {
  std::string sql = "INSERT INTO t VALUES(" + key;
  for (int i = 1; i < columns; ++i) sql += ", " + std::to_string(first + i);
  return sql + ");";
}

std::string WideUpdate(int columns, const std::string& key) {
  std::string sql = "UPDATE t SET k = " + key;
  for (int i = 1; i < columns; ++i) sql += ", c" + std::to_string(i) + " = c" + std::to_string(i) + " * 2";
  return sql + " WHERE k = " + key + ";";
}

TEST_P(PlainWidth, RowsAreWrittenAndArrive) {
  struct Style { const char* key; const char* suffix; };
  for (const Style& style : {Style{"INTEGER PRIMARY KEY", ""}, Style{"TEXT PRIMARY KEY NOT NULL", ""},
                            Style{"TEXT PRIMARY KEY NOT NULL", "WITHOUT ROWID"}}) {
    SCOPED_TRACE(style.key);
    // With a rowid beside its columns a table of 2,000 is refused (below).
    const bool beside = style.key[0] == 'T' && style.suffix[0] == '\0';
    const int columns = GetParam() == 2000 && beside ? 1999 : GetParam();
    const std::string last = "c" + std::to_string(columns - 1);
    TwinOptions options;
    options.schema = WideTable(columns, style.key, style.suffix);
    options.tables = {"t"};
    std::string script = WideInsert(columns, "1", 0) + WideInsert(columns, "2", 7) +
                         WideInsert(columns, "1", 3);
    if (columns > 1) {
      script += "UPDATE t SET " + last + " = 'last', c1 = 'first' WHERE k = 2;" +
                WideUpdate(columns, "1") + "REPLACE INTO t(k, " + last + ") VALUES(2, 0);" +
                "BEGIN; UPDATE t SET " + last + " = 1; SAVEPOINT s; DELETE FROM t; ROLLBACK TO s; COMMIT;";
    }
    script += "UPDATE t SET k = 3 WHERE k = 1; DELETE FROM t WHERE k = 2;";
    ExpectPlain(options, script);
  }
}

INSTANTIATE_TEST_SUITE_P(Columns, PlainWidth, ::testing::Values(1, 2, 8, 9, 32, 33, 63, 64, 65, 128, 129, 200, 2000));

TEST(PlainWide, MoreThanSqliteReadsAtOnceIsRefused) {
  TestDatabase database(1);
  database.Exec(WideTable(2000, "TEXT PRIMARY KEY NOT NULL", ""));
  const auto tracked = database.store->Track("t", {});
  ASSERT_FALSE(tracked);
  EXPECT_EQ(tracked.error().code, Code::kNotTrackable);
  EXPECT_NE(tracked.error().message.find("WITHOUT ROWID"), std::string::npos) << tracked.error().message;
}

constexpr std::int64_t kMebibyte = 1 << 20;

// What rejoin_quarantine says of values that are too large, and of which rows.
std::vector<std::string> ListedAsTooLarge(TestDatabase& database) {
  return database.Query("SELECT substr(CAST(key AS TEXT), 3), detail FROM rejoin__hidden WHERE reason = " +
                        std::to_string(static_cast<int>(QuarantineReason::kTooLarge)) + " ORDER BY 1");
}
constexpr char kWhy[] = "|a value is larger than the limit max_cell_bytes, 16777216 bytes, and stays on this replica";

TEST(PlainCells, UpToTheLimitArrive) {
  Twin twin({"CREATE TABLE t(id INTEGER PRIMARY KEY, a, b TEXT);", {"t"}});
  std::int64_t id = 0;
  for (const std::int64_t bytes : {std::int64_t{0}, std::int64_t{1}, std::int64_t{127}, std::int64_t{128},
                                   std::int64_t{65536}, kMebibyte + 1, 16 * kMebibyte - 1, 16 * kMebibyte}) {
    const std::string key = std::to_string(++id);
    twin.Run("INSERT INTO t(id, a) VALUES(" + key + ", zeroblob(" + std::to_string(bytes) + "));");
    twin.Run("UPDATE t SET b = printf('%.*c', " + std::to_string(bytes) + ", 'x') WHERE id = " + key + ";");
  }
  twin.Arrives();
  twin.Run("UPDATE t SET a = b, b = NULL;");
  twin.Arrives();
  twin.Run("DELETE FROM t WHERE id > 2;");
  twin.Arrives();
  EXPECT_EQ(ListedAsTooLarge(twin.tracked()), std::vector<std::string>());
}

// Larger ones work locally, are listed, and hold up nothing.
TEST(PlainCells, BeyondTheLimitStayAndAreListed) {
  Twin twin({"CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL, a, b TEXT);", {"t"}});
  TestDatabase& tracked = twin.tracked();
  twin.Run("INSERT INTO t VALUES('over', zeroblob(" + std::to_string(16 * kMebibyte + 1) + "), 'b');");
  twin.Run("INSERT INTO t VALUES('far over', zeroblob(" + std::to_string(64 * kMebibyte) + "), 'b');");
  twin.Run("INSERT INTO t VALUES('fits', 'a', 'b');");
  twin.replica().Pull(tracked);
  EXPECT_EQ(twin.replica().DigestHex(), tracked.DigestHex());
  EXPECT_EQ(twin.replica().Query("SELECT id, a, b FROM t ORDER BY id"),
            (std::vector<std::string>{"far over|NULL|b", "fits|a|b", "over|NULL|b"}));
  EXPECT_EQ(ListedAsTooLarge(tracked), (std::vector<std::string>{std::string("far over") + kWhy, std::string("over") + kWhy}));

  twin.Run("UPDATE t SET a = 'small again' WHERE id = 'over';");
  twin.Run("UPDATE t SET b = 'beside it' WHERE id = 'far over';");
  twin.replica().Pull(tracked);
  EXPECT_EQ(twin.replica().Query("SELECT id, a, b FROM t ORDER BY id"),
            (std::vector<std::string>{"far over|NULL|beside it", "fits|a|b", "over|small again|b"}));
  EXPECT_EQ(twin.replica().DigestHex(), tracked.DigestHex());
  EXPECT_EQ(ListedAsTooLarge(tracked), (std::vector<std::string>{std::string("far over") + kWhy}));

  // Somebody else's change of the row leaves the large cell where it is.
  twin.replica().clock.Advance(1000);
  twin.replica().Exec("UPDATE t SET b = 'from afar'");
  tracked.Pull(twin.replica());
  EXPECT_EQ(tracked.One("SELECT length(a), b FROM t WHERE id = 'far over'"), "67108864|from afar");
  EXPECT_EQ(ListedAsTooLarge(tracked), (std::vector<std::string>{std::string("far over") + kWhy}));

  tracked.clock.Advance(2000);
  tracked.Exec("DELETE FROM t WHERE id = 'far over'");
  twin.replica().Pull(tracked);
  EXPECT_EQ(twin.replica().Query("SELECT id FROM t ORDER BY id"), (std::vector<std::string>{"fits", "over"}));
  EXPECT_EQ(twin.replica().DigestHex(), tracked.DigestHex());
  EXPECT_EQ(ListedAsTooLarge(tracked), std::vector<std::string>());
}

// The limit is the store's to choose, up to what the format carries.
TEST(PlainCells, OfSixtyFourMebibytesArriveWhereTheLimitAllowsThem) {
  Twin twin({"CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL, a, b TEXT);", {"t"}});
  for (TestDatabase* const each : {&twin.tracked(), &twin.replica()}) {
    each->engine->limits.max_cell_bytes = 64 * kMebibyte;
  }
  twin.Run("INSERT INTO t VALUES('all', zeroblob(" + std::to_string(64 * kMebibyte) + "), 'b');");
  twin.Run("INSERT INTO t VALUES('less', NULL, printf('%.*c', " + std::to_string(64 * kMebibyte - 1) + ", 'x'));");
  twin.Arrives();
  twin.Run("UPDATE t SET a = NULL WHERE id = 'all'; DELETE FROM t WHERE id = 'less';");
  twin.Arrives();
  EXPECT_EQ(ListedAsTooLarge(twin.tracked()), std::vector<std::string>());
}

TEST(PlainCells, AKeyBeyondTheLimitStaysAndHoldsUpNothing) {
  for (const char* const suffix : {"", " WITHOUT ROWID"}) {
    SCOPED_TRACE(suffix);
    Twin twin({std::string("CREATE TABLE t(id BLOB PRIMARY KEY NOT NULL, a)") + suffix + ";", {"t"}});
    for (TestDatabase* const each : {&twin.tracked(), &twin.replica()}) each->engine->limits.max_cell_bytes = 1000;
    twin.Run("INSERT INTO t VALUES('fits', 'a'), (zeroblob(1000), 'at the limit'), (zeroblob(1001), 'over'), "
             "(zeroblob(5000), 'far over');");
    twin.replica().Pull(twin.tracked());
    EXPECT_EQ(twin.replica().Query("SELECT a FROM t ORDER BY a"), (std::vector<std::string>{"a", "at the limit"}));
    EXPECT_EQ(twin.replica().DigestHex(), twin.tracked().DigestHex());
    EXPECT_EQ(ListedAsTooLarge(twin.tracked()).size(), 2u);
    twin.Run("UPDATE t SET a = 'still here' WHERE a = 'far over'; UPDATE t SET a = 'b' WHERE id = 'fits';");
    twin.Run("UPDATE t SET id = 'shorter' WHERE a = 'over';");
    twin.replica().Pull(twin.tracked());
    EXPECT_EQ(twin.replica().Query("SELECT a FROM t ORDER BY a"), (std::vector<std::string>{"at the limit", "b", "over"}));
    EXPECT_EQ(ListedAsTooLarge(twin.tracked()).size(), 1u);
    twin.Run("DELETE FROM t WHERE a = 'still here';");
    twin.Arrives();
    EXPECT_EQ(ListedAsTooLarge(twin.tracked()), std::vector<std::string>());
  }
}

}  // namespace
}  // namespace rejoin::testing
