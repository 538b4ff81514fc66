// Values of all five storage classes travel bit for bit.

#include <bit>
#include <limits>

#include "tests/scenarios/replicas.h"

namespace rejoin::testing {
namespace {

using Limits64 = std::numeric_limits<std::int64_t>;
using LimitsReal = std::numeric_limits<double>;

std::vector<Value> AwkwardValues() {
  std::vector<Value> values{
      Value::Null(), Value::Text(""), Value::Blob(""), Value::Text(Bytes("a\0b", 3)),
      Value::Text(Bytes("\0", 1)), Value::Text("\xff\xfe invalid \xc3"), Value::Text("\xed\xa0\x80"),
      Value::Text("12"), Value::Text("1e3"), Value::Text(" 1"), Value::Blob(Bytes("12\0", 3)),
      Value::Text("ünïcödé \xf0\x9f\xa6\x86"), Value::Blob(Bytes(70'000, '\x7f')), Value::Text(Bytes(70'000, 'x'))};
  for (const std::int64_t number :
       {std::int64_t{0}, std::int64_t{1}, std::int64_t{-1}, Limits64::min(), Limits64::max(),
        (std::int64_t{1} << 53) + 1, std::int64_t{127}, std::int64_t{-32769}}) {
    values.push_back(Value::Integer(number));
  }
  for (const double number :
       {0.0, -0.0, 1.0, -1.0, 0.1, LimitsReal::denorm_min(), -LimitsReal::denorm_min(), LimitsReal::min(),
        LimitsReal::max(), LimitsReal::lowest(), LimitsReal::infinity(), -LimitsReal::infinity(),
        9007199254740993.0, 1e15, std::bit_cast<double>(std::uint64_t{0x000f'ffff'ffff'ffff})}) {
    values.push_back(Value::Real(number));
  }
  return values;
}

// Columns of the affinities, and one that is kept by key.
const Story kStory{R"sql(
CREATE TABLE t(id INTEGER PRIMARY KEY, bare, b BLOB, txt TEXT, num NUMERIC, i INTEGER, r REAL);
CREATE TABLE w(id TEXT PRIMARY KEY NOT NULL, bare, b BLOB, txt TEXT, num NUMERIC, i INTEGER, r REAL) WITHOUT ROWID;
CREATE TABLE s(id INTEGER PRIMARY KEY, a ANY) STRICT;
)sql", {"t", "w", "s"}};

void RunBound(TestDatabase& database, const std::string& sql, const Value& value, std::int64_t id) {
  auto statement = database.engine->db.Prepare(sql);
  ASSERT_TRUE(statement) << statement.error().message;
  const int count = sqlite3_bind_parameter_count(statement->raw());
  statement->Bind(1, id);
  for (int i = 2; i <= count; ++i) statement->BindValue(i, value);
  const Status run = statement->Run();
  ASSERT_TRUE(run) << run.error().message;
}

Value Stored(TestDatabase& database, const std::string& sql) {
  auto statement = database.engine->db.Prepare(sql);
  if (!statement || !statement->Step().value_or(false)) return Value::Text("not found");
  return statement->ColumnValue(0);
}

TEST(Values, AllStorageClassesArriveBitForBit) {
  Replicas all(3, kStory);
  const std::vector<Value> values = AwkwardValues();
  std::int64_t id = 0;
  for (const Value& value : values) {
    RunBound(all[0], "INSERT INTO t VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)", value, ++id);
    RunBound(all[0], "INSERT INTO w VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)", value, id);
    RunBound(all[0], "INSERT INTO s VALUES(?1, ?2)", value, id);
  }
  all.Pull(1, 0);
  all.Pull(2, 1);
  all.ExpectEqual();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::string at = " WHERE id = " + std::to_string(i + 1);
    EXPECT_EQ(Stored(all[2], "SELECT bare FROM t" + at), values[i]) << i;
    EXPECT_EQ(Stored(all[2], "SELECT b FROM w" + at), values[i]) << i;
    EXPECT_EQ(Stored(all[2], "SELECT a FROM s" + at), values[i]) << i;
  }
}

TEST(Values, EveryChangeOfValueIsAChange) {
  Replicas all(2, kStory);
  all.At(0, "INSERT INTO t(id) VALUES(1)");
  all.At(0, "INSERT INTO w(id) VALUES('1')");
  for (const Value& value : AwkwardValues()) {
    all.Tick();
    RunBound(all[0], "UPDATE t SET bare = ?2, b = ?2, txt = ?2, num = ?2, i = ?2, r = ?2 WHERE id = ?1", value, 1);
    RunBound(all[0], "UPDATE w SET bare = ?2, b = ?2, txt = ?2, num = ?2, i = ?2, r = ?2 WHERE id = ?1", value, 1);
    all.Pull(1, 0);
    EXPECT_EQ(Stored(all[1], "SELECT bare FROM t"), value);
    all.ExpectEqual();
  }
}

TEST(Values, AsKeysTheyStayDistinct) {
  Replicas all(3, {"CREATE TABLE k(id BLOB PRIMARY KEY NOT NULL, n); "
                   "CREATE TABLE w(id ANY, n ANY, PRIMARY KEY(id)) STRICT, WITHOUT ROWID", {"k", "w"}});
  std::int64_t n = 0;
  for (const Value& value : AwkwardValues()) {
    if (value.type == ValueType::kNull) continue;
    RunBound(all[0], "INSERT OR IGNORE INTO k(n, id) VALUES(?1, ?2)", value, ++n);
    RunBound(all[0], "INSERT OR IGNORE INTO w(n, id) VALUES(?1, ?2)", value, n);
  }
  all.Pull(1, 0);
  all.Pull(2, 1);
  all.ExpectEqual();
  all.At(2, "UPDATE k SET n = n + 1000; UPDATE w SET n = n + 1000");
  all.ExchangeAndExpectEqual();
  all.At(1, "DELETE FROM k; DELETE FROM w");
  all.ExchangeAndExpectEqual();
  EXPECT_EQ(all[0].One("SELECT (SELECT count(*) FROM k) + count(*) FROM w"), "0");
}

// Two replicas whose columns convert differently relay the same.
TEST(Values, WhatATableAltersIsRelayedAsItWas) {
  TestDatabase bare(1);
  TestDatabase text(2);
  TestDatabase end(3);
  bare.Exec("CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL, v, w)");
  text.Exec("CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL, v TEXT, w REAL)");
  end.Exec("CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL, v, w)");
  for (TestDatabase* const each : {&bare, &text, &end}) each->Track("t");
  bare.Exec("INSERT INTO t VALUES('a', 5, 9007199254740993), ('b', x'00', '7'), ('c', -0.0, 1)");
  text.Pull(bare);
  EXPECT_EQ(text.One("SELECT typeof(v), typeof(w) FROM t WHERE id = 'a'"), "text|real");
  EXPECT_EQ(text.DigestHex(), bare.DigestHex());
  end.Pull(text);
  EXPECT_EQ(SharedRows(end.db, "t"), SharedRows(bare.db, "t"));
  text.clock.Advance(1000);
  text.Exec("UPDATE t SET w = 2 WHERE id = 'a'");
  end.Pull(text);
  bare.Pull(end);
  EXPECT_EQ(bare.One("SELECT typeof(v), typeof(w) FROM t WHERE id = 'a'"), "integer|real");
  EXPECT_EQ(bare.DigestHex(), text.DigestHex());
}

}  // namespace
}  // namespace rejoin::testing
