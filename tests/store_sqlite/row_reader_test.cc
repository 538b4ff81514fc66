// A reader that is asked for many rows gives what one that is asked once gives, in whatever
// order the keys come, and tells where rows stand.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "store/sqlite/fold.h"
#include "store/sqlite/row_reader.h"
#include "tests/store_sqlite/fixture.h"

namespace rejoin::testing {
namespace {

constexpr int kMostKeys = 60;

struct Kind {
  const char* key;
  const char* end;
  bool integer;
};
constexpr Kind kKinds[] = {{"id INTEGER PRIMARY KEY", ")", true},
                           {"id TEXT PRIMARY KEY NOT NULL", ")", false},
                           {"id TEXT PRIMARY KEY NOT NULL", ") WITHOUT ROWID", false}};

Value KeyValue(const Kind& kind, int number) {
  // Some lie next to each other, and some far apart.
  const std::int64_t spread = number < kMostKeys / 2 ? number : std::int64_t{number} * 1'000'003;
  return kind.integer ? Value::Integer(spread) : Value::Text("k" + std::to_string(spread % 977) + "." + std::to_string(spread));
}

// Rows in runs, with overrides, deleted ones with records by key, and such as nobody knows.
void Fill(TestDatabase& db, const Kind& kind) {
  db.Exec(std::string("CREATE TABLE t(") + kind.key + ", a, b" + kind.end);
  db.Track("t");
  const auto write = [&](const char* sql, const std::vector<int>& numbers) {
    for (const int number : numbers) {
      sqlite3_stmt* statement = nullptr;
      ASSERT_EQ(sqlite3_prepare_v2(db.db, sql, -1, &statement, nullptr), SQLITE_OK);
      const Value key = KeyValue(kind, number);
      if (kind.integer) {
        sqlite3_bind_int64(statement, 1, key.integer());
      } else {
        sqlite3_bind_text(statement, 1, key.bytes.c_str(), -1, SQLITE_TRANSIENT);
      }
      ASSERT_EQ(sqlite3_step(statement), SQLITE_DONE);
      sqlite3_finalize(statement);
    }
  };
  const auto some = [] { return *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, kMostKeys)); };
  for (int transaction = 0; transaction < 3; ++transaction) {
    db.Exec("BEGIN");
    write("INSERT OR IGNORE INTO t VALUES(?1, random(), 'new')", some());
    db.Exec("COMMIT");
    db.clock.Advance(1);
    write("UPDATE t SET a = random() WHERE id = ?1", some());
    write("DELETE FROM t WHERE id = ?1", some());
  }
  const Status folded = Fold(*db.engine);
  ASSERT_TRUE(folded) << folded.error().message;
}

void ExpectSame(const LocatedRow& a, const LocatedRow& b) {
  RC_ASSERT(a.state == b.state);
  RC_ASSERT(a.in_table == b.in_table);
  RC_ASSERT(a.rowid == b.rowid);
  RC_ASSERT(a.table_values == b.table_values);
  RC_ASSERT(a.has_record == b.has_record);
  RC_ASSERT(a.keyed == b.keyed);
}

RC_GTEST_PROP(RowReaderLaws, ManyAreReadAsOneByOne, ()) {
  const Kind& kind = kKinds[*rc::gen::inRange<std::size_t>(0, std::size(kKinds))];
  TestDatabase db(1);
  Fill(db, kind);
  const TrackedTable& table = *db.engine->catalog.FindLocal("t");
  auto numbers = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, kMostKeys));
  if (*rc::gen::arbitrary<bool>()) std::sort(numbers.begin(), numbers.end());
  RowReader reader(*db.engine, table);
  for (const int number : numbers) {
    const Key key = EncodeKey({KeyValue(kind, number)});
    const auto alone = LoadRow(*db.engine, table, key);
    const auto found = reader.FindRowid(key);
    const auto at = found ? reader.LoadAt(key, *found) : tl::unexpected(found.error());
    const auto loaded = reader.Load(key);
    RC_ASSERT(alone && at && loaded);
    ExpectSame(*at, *alone);
    ExpectSame(*loaded, *alone);
    if (alone->in_table && table.shape.kind != KeyKind::kWithoutRowid) RC_ASSERT(*found == alone->rowid);
    if (*rc::gen::inRange(0, 8) == 0) reader.Forget();
  }
}

TEST(RowReaders, SeeWhatWasWrittenOnceTheyForgot) {
  TestDatabase db(1);
  db.Exec("CREATE TABLE t(id INTEGER PRIMARY KEY, a)");
  db.Track("t");
  db.Exec("INSERT INTO t VALUES(1, 1), (5, 5)");
  ASSERT_TRUE(Fold(*db.engine));
  RowReader reader(*db.engine, *db.engine->catalog.FindLocal("t"));
  ASSERT_TRUE(reader.Load(EncodeKey({Value::Integer(1)})));
  ASSERT_FALSE(reader.Load(EncodeKey({Value::Integer(3)}))->in_table);
  reader.Forget();
  db.Exec("INSERT INTO t VALUES(3, 3)");
  ASSERT_TRUE(Fold(*db.engine));
  EXPECT_TRUE(reader.Load(EncodeKey({Value::Integer(3)}))->in_table);
  EXPECT_FALSE(reader.Load(EncodeKey({Value::Integer(4)}))->in_table);
}

}  // namespace
}  // namespace rejoin::testing
