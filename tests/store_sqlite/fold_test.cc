// Folding: whatever is written locally, the metadata says afterwards what the
// merge rules say, whichever way the table keeps it and however the log is cut.
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "store/sqlite/fold.h"
#include "store/sqlite/log.h"
#include "store/sqlite/runs.h"
#include "tests/store_sqlite/hand_made.h"

namespace rejoin::testing {
namespace {

struct TableKind {
  const char* name;
  const char* create;
  bool text_key;
};

constexpr TableKind kKinds[] = {
    {"Rowid", "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b TEXT, c INTEGER)", false},
    {"Indexed", "CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL, a, b TEXT, c INTEGER)", true},
    {"WithoutRowid",
     "CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL, a, b TEXT, c INTEGER) WITHOUT ROWID", true},
};

Status FoldNow(TestDatabase& db) { return Fold(*db.engine); }

TrackedTable& TableOf(TestDatabase& db) {
  EXPECT_TRUE(db.engine->catalog.Refresh());
  TrackedTable* const table = db.engine->catalog.FindLocal("t");
  EXPECT_NE(table, nullptr);
  return *table;
}

LocatedRow Load(TestDatabase& db, const Key& key) {
  const auto row = LoadRow(*db.engine, TableOf(db), key);
  EXPECT_TRUE(row) << row.error().message;
  return row.value_or(LocatedRow{});
}

Stamp LastStamp(TestDatabase& db) {
  const auto head = ReadLogHead(*db.engine);
  const auto self = db.store->Replica();
  EXPECT_TRUE(head && self);
  return {Rank::kWritten, head->own, *self};
}

// A table written by SQL, and beside it what its states must be.
class Written {
 public:
  Written(const TableKind& kind, std::uint64_t seed) : kind_(kind), random_(seed), db_(seed) {
    db_.Exec(kind.create);
    db_.Track("t");
    rules_ = TableOf(db_).rules;
    constexpr std::size_t kBatches[] = {1, 300, 8u << 20};
    db_.engine->limits.fold_batch_bytes = kBatches[Below(3)];
  }

  void Step() {
    db_.clock.Advance(Below(3));
    if (Below(6) == 0) {
      // Several statements, none of them on a key of another.
      db_.Exec("BEGIN");
      const int first = Below(kKeys);
      std::vector<RowState> deltas;
      for (int i = 0; i < 3; ++i) Statement((first + i) % kKeys, false);
      db_.Exec("COMMIT");
    } else {
      Statement(Below(kKeys), Below(5) == 0);
    }
    Stamp();
    if (Below(4) == 0) Check();
  }

  void Check() {
    const auto folded = FoldNow(db_);
    ASSERT_TRUE(folded) << folded.error().message;
    for (int number = 0; number < kKeys; ++number) {
      const LocatedRow row = Load(db_, KeyOf(number));
      ASSERT_EQ(row.state, states_[number]) << "key " << number;
      ASSERT_EQ(row.in_table, rows_.count(number) != 0) << "key " << number;
    }
    CheckRuns();
  }

 private:
  static constexpr int kKeys = 9;
  using Row = std::map<ColumnId, Value>;

  int Below(int bound) { return static_cast<int>(random_() % static_cast<unsigned>(bound)); }
  Key KeyOf(int number) const { return kind_.text_key ? K("key-" + std::to_string(number)) : K(number); }
  std::string KeySql(int number) const {
    return kind_.text_key ? "'key-" + std::to_string(number) + "'" : std::to_string(number);
  }
  // Never the same twice, so that writing it is a change.
  std::int64_t Fresh() { return ++fresh_; }

  void Statement(int number, bool may_change_key) {
    const bool present = rows_.count(number) != 0;
    switch (present ? 1 + Below(may_change_key ? 6 : 5) : 0) {
      case 0: return Insert(number, "INSERT");
      case 1: return Insert(number, "REPLACE");
      case 2: return Upsert(number);
      case 3: return Update(number);
      case 4: return UpdateOne(number);
      case 5: return Delete(number);
      default: return ChangeKey(number);
    }
  }

  static std::string Sql(const Value& value) {
    return value.type == ValueType::kText ? QuoteText(value.bytes) : std::to_string(value.integer());
  }

  void Insert(int number, const std::string& verb) {
    const Row row = {{0, I(Fresh())}, {1, Value::Text("t" + std::to_string(Fresh()))}, {2, I(Fresh())}};
    db_.Exec(verb + " INTO t VALUES(" + KeySql(number) + "," + Sql(row.at(0)) + "," + Sql(row.at(1)) +
             "," + Sql(row.at(2)) + ")");
    rows_[number] = row;
    written_[number] = row;
  }

  void Upsert(int number) {
    const Value value = I(Fresh());
    db_.Exec("INSERT INTO t VALUES(" + KeySql(number) + ", 0, 'x', 0) ON CONFLICT DO UPDATE SET c = " +
             Sql(value));
    Set(number, 2, value);
  }

  void Update(int number) {
    const Value a = I(Fresh());
    db_.Exec("UPDATE t SET a = " + Sql(a) + ", b = b WHERE id = " + KeySql(number));
    Set(number, 0, a);
  }

  void UpdateOne(int number) {
    const Value text = Value::Text("u" + std::to_string(Fresh()));
    db_.Exec("UPDATE t SET b = " + Sql(text) + " WHERE id = " + KeySql(number));
    Set(number, 1, text);
  }

  void Delete(int number) {
    db_.Exec("DELETE FROM t WHERE id = " + KeySql(number));
    rows_.erase(number);
    deleted_.push_back(number);
  }

  void ChangeKey(int number) {
    const int other = Below(kKeys);
    if (rows_.count(other) != 0) return Update(number);
    db_.Exec("UPDATE t SET id = " + KeySql(other) + " WHERE id = " + KeySql(number));
    rows_[other] = rows_[number];
    written_[other] = rows_[number];
    rows_.erase(number);
    deleted_.push_back(number);
  }

  void Set(int number, ColumnId column, const Value& value) {
    rows_[number][column] = value;
    written_[number][column] = value;
  }

  // Joins what the last transaction did, under its stamp.
  void Stamp() {
    const rejoin::Stamp stamp = LastStamp(db_);
    for (const auto& [number, row] : written_) {
      std::vector<Cell> cells;
      for (const auto& [column, value] : row) cells.push_back({column, {}, value});
      RowState& state = states_[number];
      Join(state, IsPresent(state, rules_) ? UpdateDelta(state, rules_, stamp, cells)
                                           : InsertDelta(stamp, cells));
    }
    for (const int number : deleted_) Join(states_[number], DeleteDelta(states_[number], stamp));
    written_.clear();
    deleted_.clear();
  }

  void CheckRuns() {
    EXPECT_EQ(db_.One("SELECT count(*) FROM rejoin__run a JOIN rejoin__run b ON a.tbl = b.tbl AND "
                      "a.first < b.first AND a.last >= b.first"),
              "0");
    EXPECT_EQ(db_.One("SELECT count(*) FROM rejoin__run r, rejoin__table t WHERE t.number = r.tbl AND "
                      "r.last > t.high_rowid"),
              "0");
  }

  const TableKind& kind_;
  std::mt19937_64 random_;
  TestDatabase db_;
  RowRules rules_;
  std::int64_t fresh_ = 0;
  std::map<int, Row> rows_;  // the table
  std::map<int, RowState> states_;
  std::map<int, Row> written_;  // by the last transaction
  std::vector<int> deleted_;
};

class FoldOfEveryKind : public ::testing::TestWithParam<TableKind> {};

TEST_P(FoldOfEveryKind, GivesTheStatesOfTheMergeRules) {
  for (std::uint64_t seed = 1; seed <= 60 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Written written(GetParam(), seed);
    for (int i = 0; i < 40 && !HasFatalFailure(); ++i) written.Step();
    written.Check();
  }
}

TEST_P(FoldOfEveryKind, ManyInsertsOfOneTransactionAreOneRunWhereThereAreRowids) {
  TestDatabase db(1);
  db.Exec(GetParam().create);
  db.Track("t");
  // Spilled, in several log rows, and in more than one batch: still one run.
  db.engine->limits.capture_memory_bytes = 4000;
  db.engine->limits.log_body_bytes = 500;
  db.engine->limits.fold_batch_bytes = 6000;
  const std::string id = GetParam().text_key ? "hex(randomblob(8))" : "i";
  db.Exec("INSERT INTO t SELECT " + id + ", i, 'x', i FROM (WITH RECURSIVE n(i) AS "
          "(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) SELECT i FROM n)");
  ASSERT_TRUE(FoldNow(db));
  const bool rowids = TableOf(db).shape.kind != KeyKind::kWithoutRowid;
  EXPECT_EQ(db.One("SELECT count(*), min(first), max(last) FROM rejoin__run"),
            rowids ? "1|1|2000" : "0|NULL|NULL");
  EXPECT_EQ(db.One("SELECT count(*) FROM rejoin__key_1"), rowids ? "0" : "2000");
  if (rowids) {
    EXPECT_EQ(db.One("SELECT count(*) FROM rejoin__row_1"), "0");
  }
}

TEST_P(FoldOfEveryKind, FoldedTwiceChangesNothing) {
  TestDatabase db(1);
  db.Exec(GetParam().create);
  db.Track("t");
  db.Exec("INSERT INTO t VALUES(1, 1, 'x', 1), (2, 2, 'y', 2)");
  db.Exec("DELETE FROM t WHERE a = 2");
  ASSERT_TRUE(FoldNow(db));
  EXPECT_EQ(PendingBytes(*db.engine).value_or(1), 0u);
  const int before = sqlite3_total_changes(db.db);
  ASSERT_TRUE(FoldNow(db));
  EXPECT_EQ(sqlite3_total_changes(db.db), before);
}

INSTANTIATE_TEST_SUITE_P(Tables, FoldOfEveryKind, ::testing::ValuesIn(kKinds),
                         [](const auto& named) { return std::string(named.param.name); });

TEST(Fold, AReplaceForgetsNoTagThatADeleteElsewhereMayHaveObserved) {
  for (const TableKind& kind : kKinds) {
    TestDatabase db(1);
    db.Exec(kind.create);
    db.Track("t", {SameKey::kMerge, {}, {}, {}});
    db.Exec("INSERT INTO t VALUES(1, 1, 'x', 1)");
    const Stamp birth = LastStamp(db);
    ASSERT_TRUE(FoldNow(db));
    db.Exec("REPLACE INTO t VALUES(1, 2, 'y', 2)");
    const Stamp edit = LastStamp(db);
    ASSERT_TRUE(FoldNow(db));
    const RowState state = Load(db, kind.text_key ? K("1") : K(1)).state;
    ASSERT_EQ(state.incarnations.size(), 1u) << kind.name;
    EXPECT_EQ(state.incarnations[0].birth, birth);
    EXPECT_EQ(state.incarnations[0].cells[0].stamp, edit);
  }
}

TEST(Fold, ADeleteThenInsertInTwoTransactionsKeepsTheTombstone) {
  for (const TableKind& kind : kKinds) {
    TestDatabase db(1);
    db.Exec(kind.create);
    db.Track("t");
    db.Exec("INSERT INTO t VALUES(1, 1, 'x', 1)");
    db.Exec("DELETE FROM t");
    const Stamp deleted = LastStamp(db);
    db.Exec("INSERT INTO t VALUES(1, 2, 'y', 2)");
    const Stamp reborn = LastStamp(db);
    ASSERT_TRUE(FoldNow(db));
    const RowState state = Load(db, kind.text_key ? K("1") : K(1)).state;
    ASSERT_EQ(state.incarnations.size(), 2u) << kind.name;
    EXPECT_EQ(state.incarnations[0].cells[1].value, Value::Text("x"));
    EXPECT_EQ(state.incarnations[1].birth, reborn);
    ASSERT_EQ(state.removes.size(), 1u);
    EXPECT_EQ(state.removes[0].stamp, deleted);
    EXPECT_EQ(db.One("SELECT count(*) FROM rejoin__key_1"),
              TableOf(db).shape.kind == KeyKind::kWithoutRowid ? "1" : "0");
  }
}

// Nobody can tell whether the row was there before, so the log has both.
TEST(Fold, ARowMadeAndDeletedInOneTransactionLeavesNothing) {
  for (const bool spilled : {false, true}) {
    TestDatabase db(1);
    db.Exec(kKinds[0].create);
    db.Track("t", {SameKey::kNewest, {}, {}, {}});
    if (spilled) {
      db.engine->limits.capture_memory_bytes = 1;
      db.engine->limits.fold_batch_bytes = 1;
    }
    db.Exec("BEGIN; INSERT INTO t(id, a) VALUES(1, 1), (2, 2), (3, 3); DELETE FROM t WHERE id = 2; COMMIT");
    ASSERT_TRUE(FoldNow(db));
    EXPECT_TRUE(Load(db, K(2)).state.empty());
    EXPECT_EQ(Load(db, K(3)).state.incarnations.size(), 1u);
    db.Exec("INSERT INTO t(id, a) VALUES(2, 5)");
    const Stamp born = LastStamp(db);
    ASSERT_TRUE(FoldNow(db));
    const RowState state = Load(db, K(2)).state;
    ASSERT_EQ(state.incarnations.size(), 1u);
    EXPECT_EQ(state.incarnations[0].birth, born);
    EXPECT_TRUE(state.removes.empty());
    EXPECT_EQ(db.One("SELECT count(*) FROM rejoin__key_1"), "0");
  }
}

// Rowids pass from one key to another within a batch.
TEST(Fold, RowidsThatChangeHandsTakeNoMetadataAlong) {
  TestDatabase db(1);
  db.Exec(kKinds[1].create);
  db.Track("t");
  db.Exec("INSERT INTO t(rowid, id, a) VALUES(1, 'x', 10), (2, 'y', 20)");
  const Stamp born = LastStamp(db);
  ASSERT_TRUE(FoldNow(db));
  db.Exec("UPDATE t SET a = 21 WHERE id = 'y'");
  const Stamp edited = LastStamp(db);
  ASSERT_TRUE(FoldNow(db));
  db.Exec("BEGIN; UPDATE t SET rowid = 3 WHERE id = 'x'; UPDATE t SET rowid = 1 WHERE id = 'y'; "
          "UPDATE t SET rowid = 2 WHERE id = 'x'; COMMIT");
  db.Exec("DELETE FROM t WHERE id = 'x'");
  db.Exec("INSERT INTO t(rowid, id, a) VALUES(2, 'z', 30)");
  const Stamp last = LastStamp(db);
  ASSERT_TRUE(FoldNow(db));

  const LocatedRow y = Load(db, K("y"));
  EXPECT_EQ(y.rowid, 1);
  ASSERT_EQ(y.state.incarnations.size(), 1u);
  EXPECT_EQ(y.state.incarnations[0].birth, born);
  EXPECT_EQ(y.state.incarnations[0].cells[0].stamp, edited);
  EXPECT_EQ(y.state.incarnations[0].cells[0].value, I(21));

  const LocatedRow x = Load(db, K("x"));
  EXPECT_FALSE(x.in_table);
  EXPECT_EQ(x.state.incarnations[0].cells[0].value, I(10));
  EXPECT_FALSE(IsPresent(x.state, {}));

  EXPECT_EQ(Load(db, K("z")).state.incarnations[0].birth, last);
}

TEST(Fold, OfARowWhoseMetadataBelongsToAnotherKeyIsRefusedByName) {
  TestDatabase db(1);
  db.Exec(kKinds[1].create);
  db.Track("t");
  db.Exec("INSERT INTO t(id, a) VALUES('x', 1), ('y', 2)");
  ASSERT_TRUE(FoldNow(db));
  db.Exec("UPDATE rejoin__hash SET hashes = substr(hashes, 9, 8) || substr(hashes, 1, 8)");
  db.Exec("UPDATE t SET a = 5 WHERE id = 'y'");
  const auto folded = FoldNow(db);
  ASSERT_FALSE(folded);
  EXPECT_EQ(folded.error().code, Code::kCorrupt);
  EXPECT_NE(folded.error().message.find("table t "), std::string::npos) << folded.error().message;
  EXPECT_NE(folded.error().message.find("rejoin doctor"), std::string::npos);
}

TEST(Fold, LeavesLastInsertRowidAlone) {
  TestDatabase db(1);
  db.Exec(kKinds[1].create);
  db.Track("t");
  db.Exec("INSERT INTO t(id) VALUES('a'), ('b'), ('c')");
  ASSERT_TRUE(FoldNow(db));
  db.Exec("INSERT INTO t(id) VALUES('d'); UPDATE t SET a = 1 WHERE id = 'a'");
  ASSERT_TRUE(FoldNow(db));
  EXPECT_EQ(sqlite3_last_insert_rowid(db.db), 4);
}

TEST(Fold, OneColumnUpdatesOfInsertedRowsTakeAbout20BytesEach) {
  TestDatabase db(1);
  db.Exec(kKinds[0].create);
  db.Track("t");
  db.Exec("INSERT INTO t SELECT i, i, 'x', i FROM (WITH RECURSIVE n(i) AS "
          "(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) SELECT i FROM n)");
  db.clock.Advance(86'400'000);
  db.Exec("UPDATE t SET b = 'y'");
  ASSERT_TRUE(FoldNow(db));
  EXPECT_EQ(db.One("SELECT count(*) FROM rejoin__row_1"), "100");
  EXPECT_EQ(db.One("SELECT max(length(record)) <= 20 FROM rejoin__row_1"), "1");
}

}  // namespace
}  // namespace rejoin::testing
