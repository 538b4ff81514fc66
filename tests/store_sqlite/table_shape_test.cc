// What is read of a table's declaration. What is refused, with reason and cure:
// tests/plain/refused_test.cc.
#include <gtest/gtest.h>

#include <cmath>

#include "store/sqlite/sql_text.h"
#include "tests/store_sqlite/fixture.h"

namespace rejoin::testing {
namespace {

using Names = std::vector<std::string>;

class Shape : public ::testing::Test {
 protected:
  TableShape Of(const std::string& sql, const std::string& name = "t") {
    db_.Exec("DROP TABLE IF EXISTS t; " + sql);
    const auto shape = ReadTableShape(db_.engine->db, name);
    EXPECT_TRUE(shape) << shape.error().message;
    return shape.value_or(TableShape{});
  }
  static const ShapeColumn& Column(const TableShape& shape, const std::string& name) {
    for (const ShapeColumn& column : shape.columns) {
      if (column.name == name) return column;
    }
    ADD_FAILURE() << "no column " << name;
    return shape.columns.front();
  }
  TestDatabase db_{1};
};

TEST_F(Shape, ThreeKindsOfKey) {
  EXPECT_EQ(Of("CREATE TABLE t(a INTEGER PRIMARY KEY)").kind, KeyKind::kRowid);
  EXPECT_EQ(Of("CREATE TABLE t(a, b INTEGER, PRIMARY KEY(b ASC))").kind, KeyKind::kRowid);
  EXPECT_EQ(Of("CREATE TABLE t(a INTEGER PRIMARY KEY AUTOINCREMENT)").kind, KeyKind::kRowid);
  // Neither is the rowid, though they look like it.
  EXPECT_EQ(Of("CREATE TABLE t(a INT PRIMARY KEY)").kind, KeyKind::kIndexed);
  EXPECT_EQ(Of("CREATE TABLE t(a INTEGER PRIMARY KEY DESC)").kind, KeyKind::kIndexed);
  EXPECT_EQ(Of("CREATE TABLE t(a INTEGER PRIMARY KEY) WITHOUT ROWID").kind, KeyKind::kWithoutRowid);
}

TEST_F(Shape, TheRowidHasANameThatNoColumnHides) {
  EXPECT_EQ(Of("CREATE TABLE t(a INTEGER PRIMARY KEY)").rowid_name, "a");
  EXPECT_EQ(Of("CREATE TABLE t(a PRIMARY KEY)").rowid_name, "rowid");
  EXPECT_EQ(Of("CREATE TABLE t(a PRIMARY KEY, RowId, oid)").rowid_name, "_rowid_");
  EXPECT_EQ(Of("CREATE TABLE t(a PRIMARY KEY, rowid) WITHOUT ROWID").rowid_name, "");
}

TEST_F(Shape, TheKeyIsInItsOwnOrder) {
  const TableShape shape = Of("CREATE TABLE t(a, b, c, PRIMARY KEY(c, a COLLATE nocase))");
  EXPECT_EQ(shape.key, (std::vector<std::size_t>{2, 0}));
  EXPECT_EQ(shape.key_collations, (Names{"BINARY", "nocase"}));
}

TEST_F(Shape, OfColumns) {
  const TableShape shape = Of("CREATE TABLE t(id TEXT PRIMARY KEY, n INT NOT NULL DEFAULT (1+1), "
                              "s TEXT COLLATE rtrim, g AS (n * 2), h AS (n) STORED)");
  ASSERT_EQ(shape.columns.size(), 5u);
  EXPECT_TRUE(Column(shape, "n").not_null);
  EXPECT_EQ(Column(shape, "n").default_sql, "1+1");
  EXPECT_EQ(Column(shape, "n").affinity, Affinity::kInteger);
  EXPECT_TRUE(SameName(Column(shape, "s").collation, "RTRIM"));
  EXPECT_TRUE(Column(shape, "g").generated);
  EXPECT_TRUE(Column(shape, "h").generated);
  EXPECT_FALSE(Column(shape, "n").generated);
}

TEST_F(Shape, StrictAnyKeepsWhatItGets) {
  const TableShape strict = Of("CREATE TABLE t(id INT PRIMARY KEY, x ANY) STRICT");
  EXPECT_TRUE(strict.strict);
  EXPECT_EQ(Column(strict, "x").affinity, Affinity::kBlob);
  EXPECT_EQ(Column(Of("CREATE TABLE t(id INT PRIMARY KEY, x ANY)"), "x").affinity, Affinity::kNumeric);
}

TEST_F(Shape, AKeyThatMayCallUnlikesEqualIsOneMoreUniqueIndex) {
  const auto uniques = [this](const std::string& columns) {
    return Of("CREATE TABLE t(" + columns + ")").uniques.size();
  };
  EXPECT_EQ(uniques("id TEXT PRIMARY KEY"), 0u);
  EXPECT_EQ(uniques("id INT PRIMARY KEY"), 0u);
  EXPECT_EQ(uniques("id INTEGER PRIMARY KEY"), 0u);
  EXPECT_EQ(uniques("id PRIMARY KEY"), 1u) << "1 and 1.0";
  EXPECT_EQ(uniques("id TEXT COLLATE nocase PRIMARY KEY"), 1u) << "a and A";
  EXPECT_EQ(uniques("a TEXT, b TEXT, PRIMARY KEY(a, b COLLATE rtrim)"), 1u);
}

TEST_F(Shape, UniqueIndexesWithTermsAndConditions) {
  const TableShape shape = Of(
      "CREATE TABLE t(id TEXT PRIMARY KEY, a UNIQUE, b TEXT COLLATE nocase, c, d);"
      "CREATE INDEX plain ON t(c);"
      "CREATE UNIQUE INDEX rich ON t(b, lower(c), b COLLATE binary) WHERE d > 0");
  ASSERT_EQ(shape.uniques.size(), 2u);
  const UniqueIndex& rich = shape.uniques[shape.uniques[0].name == "rich" ? 0 : 1];
  EXPECT_EQ(rich.where, "d > 0");
  EXPECT_EQ(rich.columns, (Names{"b", "c", "d"}));
  ASSERT_EQ(rich.terms.size(), 3u);
  EXPECT_EQ(rich.terms[0], "\"b\"");
  EXPECT_TRUE(SameName(rich.terms[1], "(lower(c)) COLLATE \"binary\"")) << rich.terms[1];
  EXPECT_TRUE(SameName(rich.terms[2], "\"b\" COLLATE \"binary\"")) << rich.terms[2];
}

TEST_F(Shape, AffinityByDeclaredType) {
  const std::pair<const char*, Affinity> cases[] = {
      {"", Affinity::kBlob},         {"blob", Affinity::kBlob},     {"BIGINT", Affinity::kInteger},
      {"CHARINT", Affinity::kInteger}, {"VARCHAR(9)", Affinity::kText}, {"Clob", Affinity::kText},
      {"DOUBLE PRECISION", Affinity::kReal}, {"FLOATING POINT", Affinity::kInteger},
      {"DECIMAL(9,2)", Affinity::kNumeric},  {"STRING", Affinity::kNumeric}};
  for (const auto& [type, affinity] : cases) EXPECT_EQ(AffinityOf(type), affinity) << type;
}

// Whatever MayAlter says no to, SQLite must store bit for bit.
TEST_F(Shape, WhatIsSaidNotToBeAlteredIsNot) {
  const std::vector<Value> values = {
      Value::Null(), Value::Integer(0), Value::Integer(INT64_MAX), Value::Real(0.0), Value::Real(-0.0),
      Value::Real(1.0), Value::Real(0.5), Value::Real(9007199254740993.0), Value::Real(9.3e18),
      Value::Real(1e300), Value::Real(HUGE_VAL), Value::Text(""), Value::Text("1"), Value::Text("1e2"),
      Value::Text(" 7 "), Value::Text("x"), Value::Blob(""), Value::Blob("1")};
  std::size_t kept = 0;
  for (const char* type : {"", "TEXT", "INT", "REAL", "NUMERIC"}) {
    db_.Exec("DROP TABLE IF EXISTS v; CREATE TABLE v(x " + std::string(type) + ")");
    for (const Value& value : values) {
      if (MayAlter(AffinityOf(type), value)) continue;
      auto insert = db_.engine->db.Prepare("INSERT INTO v VALUES(?1)");
      insert->BindValue(1, value);
      ASSERT_TRUE(insert->Run());
      auto read = db_.engine->db.Prepare("SELECT x FROM v WHERE rowid = last_insert_rowid()");
      ASSERT_TRUE(read->Step());
      EXPECT_TRUE(read->ColumnValue(0) == value) << type << ' ' << value.bytes;
      ++kept;
    }
  }
  EXPECT_GT(kept, values.size());
}

TEST_F(Shape, NoticesOnConflictReplace) {
  EXPECT_TRUE(Of("CREATE TABLE t(id TEXT PRIMARY KEY ON CONFLICT REPLACE)").replaces_on_conflict);
  EXPECT_FALSE(Of("CREATE TABLE t(id TEXT PRIMARY KEY)").replaces_on_conflict);
}

}  // namespace
}  // namespace rejoin::testing
