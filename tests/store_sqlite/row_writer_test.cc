// Writing single rows as a merge does: what SQLite refuses is told, never bent.
#include <limits>

#include <gtest/gtest.h>

#include "store/sqlite/row_writer.h"
#include "tests/store_sqlite/hand_made.h"

namespace rejoin::testing {
namespace {

using Lines = std::vector<std::string>;

class Writing : public ::testing::Test {
 protected:
  // Tracks t(id..., a, b); a and b are columns 0 and 1.
  void Create(const std::string& sql, const TrackOptions& options = {}) {
    db_.Exec(sql);
    db_.Track("t", options);
    ASSERT_TRUE(db_.engine->catalog.Refresh());
    table_ = db_.engine->catalog.FindLocal("t");
    db_.Exec("BEGIN");
    scope_ = std::make_unique<MergeScope>(*db_.engine);
    scope_->Enter(*table_);
    writer_ = std::make_unique<RowWriter>(*db_.engine, *table_, *scope_);
  }
  void TearDown() override {
    writer_.reset();
    scope_.reset();
    if (sqlite3_get_autocommit(db_.db) == 0) db_.Exec("COMMIT");
  }

  // As text: "done", "refused: ...", "taken: ...".
  std::string Insert(const Key& key, const Value& a, const Value& b, std::int64_t rowid = 1) {
    values_ = {a, b};
    image_ = {{0, &values_[0]}, {1, &values_[1]}};
    return Told(writer_->Insert(key, rowid, image_));
  }
  std::string Told(const Result<Written>& written) {
    if (!written) return "error: " + written.error().message;
    if (*written == Written::kDone) return "done";
    return (*written == Written::kTaken ? "taken: " : "refused: ") + writer_->refusal();
  }
  // The one in the way of the last Insert.
  std::optional<Key> Holder(const Key& key, std::int64_t rowid = 9) {
    const auto holder = writer_->FindHolder(key, rowid, image_);
    EXPECT_TRUE(holder) << holder.error().message;
    return holder.value_or(std::nullopt);
  }
  std::vector<std::string> Rows() { return db_.Query("SELECT * FROM t"); }

  TestDatabase db_{1};
  const TrackedTable* table_ = nullptr;
  std::unique_ptr<MergeScope> scope_;
  std::unique_ptr<RowWriter> writer_;
  std::vector<Value> values_;
  Image image_;
};

// The triggers of capture hear of it, and take it for what it is.
TEST_F(Writing, AHolderIsFoundWhereTriggersAreSpared) {
  Create("CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL, a UNIQUE, b)");
  ASSERT_TRUE(scope_->SpareTriggers(true).value());
  scope_->FireTriggers(true);
  const Key first = EncodeKey({Value::Text("first")});
  const Key second = EncodeKey({Value::Text("second")});
  EXPECT_EQ(Insert(first, Value::Integer(1), Value::Null()), "done");
  EXPECT_EQ(Insert(second, Value::Integer(1), Value::Null(), 2).substr(0, 5), "taken");
  EXPECT_EQ(Holder(second, 2), first);
  EXPECT_EQ(Rows(), Lines{"first|1|NULL"});
  // Once nothing stands in its way the row is inserted.
  ASSERT_TRUE(writer_->Delete(first, 1));
  EXPECT_EQ(Holder(second, 2), second);
  EXPECT_EQ(Rows(), Lines{"second|1|NULL"});
}

TEST_F(Writing, ChecksAndTypesRefuseTheRowInSqlitesWords) {
  Create("CREATE TABLE t(id TEXT PRIMARY KEY, a INT NOT NULL CHECK(a < 10), b INT) STRICT");
  EXPECT_EQ(Insert(K("x"), I(10), {}), "refused: CHECK constraint failed: a < 10");
  EXPECT_EQ(Insert(K("x"), {}, {}), "refused: NOT NULL constraint failed: t.a");
  EXPECT_EQ(Insert(K("x"), I(1), T("no number")), "refused: cannot store TEXT value in INT column t.b");
  EXPECT_EQ(Rows(), Lines{});
  EXPECT_EQ(Insert(K("x"), I(1), I(2)), "done");
  values_ = {I(11)};
  image_ = {{0, &values_[0]}};
  EXPECT_EQ(Told(writer_->Update(K("x"), 1, image_)), "refused: CHECK constraint failed: a < 10");
  EXPECT_EQ(Rows(), (Lines{"x|1|2"}));
}

TEST_F(Writing, AKeyThatTheTableWouldAlterIsRefused) {
  Create("CREATE TABLE t(id TEXT PRIMARY KEY, a, b)");
  EXPECT_EQ(Insert(K("5"), I(1), {}), "done");
  EXPECT_EQ(Insert(K(6), I(1), {}, 2),
            "refused: the PRIMARY KEY of t would store the key as another value");
  EXPECT_EQ(Rows(), (Lines{"5|1|NULL"}));
}

TEST_F(Writing, OnlyAnIntegerIsAnIntegerPrimaryKey) {
  Create("CREATE TABLE t(id INTEGER PRIMARY KEY, a, b)");
  EXPECT_EQ(Insert(K("5"), I(1), {}),
            "refused: the key is not an integer, as PRIMARY KEY of t asks");
  EXPECT_EQ(Insert(EncodeKey({Value::Real(5.0)}), I(1), {}),
            "refused: the key is not an integer, as PRIMARY KEY of t asks");
  EXPECT_EQ(Insert(K(5), I(1), {}), "done");
}

TEST_F(Writing, WhoIsInTheWayIsNamedByKey) {
  Create("CREATE TABLE t(id PRIMARY KEY COLLATE nocase, a, b);"
         "CREATE UNIQUE INDEX i ON t(a) WHERE b > 0;"
         "CREATE UNIQUE INDEX j ON t(b + 1);");
  ASSERT_EQ(Insert(K("one"), I(1), I(5), 1), "done");
  ASSERT_EQ(Insert(K("two"), I(2), I(-1), 2), "done");
  EXPECT_EQ(Insert(K("three"), I(2), I(-2), 3), "done") << "the condition leaves it out";

  EXPECT_EQ(Insert(K("four"), I(1), I(6), 9), "taken: UNIQUE constraint failed: t.a");
  EXPECT_EQ(Holder(K("four")), K("one"));
  EXPECT_EQ(Insert(K("four"), I(9), I(-1), 9), "taken: UNIQUE constraint failed: index 'j'");
  EXPECT_EQ(Holder(K("four")), K("two"));
  EXPECT_EQ(Insert(K("ONE"), I(9), I(9), 9), "taken: UNIQUE constraint failed: t.id");
  EXPECT_EQ(Holder(K("ONE")), K("one"));
  EXPECT_EQ(Rows().size(), 3u) << "asking changes nothing";
}

TEST_F(Writing, ARowWithoutAWholeKeyCanBeInTheWay) {
  Create("CREATE TABLE t(id TEXT PRIMARY KEY, a UNIQUE, b)");
  db_.Exec("INSERT INTO t VALUES(NULL, 1, 0)");
  EXPECT_EQ(Insert(K("x"), I(1), {}, 9), "taken: UNIQUE constraint failed: t.a");
  EXPECT_EQ(Holder(K("x")), std::nullopt);
}

TEST_F(Writing, ConflictClausesOfTheTableAreOverruled) {
  for (const char* const clause : {"REPLACE", "IGNORE", "ROLLBACK", "FAIL"}) {
    SCOPED_TRACE(clause);
    TearDown();
    db_.Exec("DROP TABLE IF EXISTS t");
    if (table_ != nullptr) {
      ASSERT_TRUE(db_.store->Untrack("t"));
    }
    Create(std::string("CREATE TABLE t(id TEXT PRIMARY KEY, a NOT NULL ON CONFLICT ") + clause +
           " DEFAULT 7, b UNIQUE ON CONFLICT " + clause + ")");
    ASSERT_EQ(Insert(K("x"), I(1), I(2)), "done");
    EXPECT_EQ(Insert(K("y"), I(1), I(2), 2), "taken: UNIQUE constraint failed: t.b");
    EXPECT_EQ(Insert(K("y"), {}, I(3), 2), "refused: NOT NULL constraint failed: t.a");
    EXPECT_EQ(Rows(), (Lines{"x|1|2"}));
  }
}

TEST_F(Writing, NewRowidsAreBeyondAllThatWereEverUsedHere) {
  Create("CREATE TABLE t(id TEXT PRIMARY KEY, a, b)");
  EXPECT_EQ(*writer_->NewRowid(), 1);
  ASSERT_EQ(Insert(K("x"), I(1), {}, 40), "done");
  RowWriter second(*db_.engine, *table_, *scope_);
  ASSERT_TRUE(second.Delete(K("x"), 40));
  EXPECT_EQ(*second.NewRowid(), 41);
  EXPECT_EQ(*second.NewRowid(), 42);
}

TEST_F(Writing, AtTheEndOfTheNumbersAnyFreeRowidServes) {
  Create("CREATE TABLE t(id TEXT PRIMARY KEY, a, b)");
  constexpr auto kLast = std::numeric_limits<std::int64_t>::max();
  ASSERT_EQ(Insert(K("x"), I(1), {}, kLast), "done");
  const std::int64_t rowid = *writer_->NewRowid();
  EXPECT_GE(rowid, 0);
  EXPECT_NE(rowid, kLast);
  EXPECT_EQ(Insert(K("y"), I(1), {}, rowid), "done");
}

TEST_F(Writing, ATriggerMayRefuseARowButNotItsDelete) {
  TrackOptions fires;
  fires.fire_triggers = true;
  Create("CREATE TABLE t(id TEXT PRIMARY KEY, a, b);"
         "CREATE TRIGGER no_nines BEFORE INSERT ON t WHEN NEW.a = 9 BEGIN SELECT RAISE(IGNORE); END;"
         "CREATE TRIGGER keep BEFORE DELETE ON t BEGIN SELECT RAISE(IGNORE); END;",
         fires);
  EXPECT_EQ(Insert(K("x"), I(9), {}), "refused: a trigger ignored the row");
  EXPECT_EQ(Insert(K("x"), I(8), {}), "done");
  EXPECT_TRUE(writer_->Delete(K("x"), 1));
  EXPECT_EQ(Rows(), Lines{});
}

}  // namespace
}  // namespace rejoin::testing
