// Edits go a short way where they can (store/sqlite/plain_edits.h): it has to lead to the same end.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string_view>

#include "tests/crdt/generators.h"
#include "tests/store_sqlite/hand_made.h"
#include "tests/store_sqlite/rows.h"

namespace rejoin::testing {
namespace {

constexpr const char* kTables[] = {"num", "name", "bare"};
constexpr char kColumns[] = "i INTEGER, r REAL, t TEXT COLLATE NOCASE CHECK(t <> 'bad'), x)";
constexpr std::uint64_t kKeys = 6;

// As they are tracked where nobody says otherwise.
RowRules RulesOf(std::string_view table) { return {table == kTables[0] ? SameKey::kNewest : SameKey::kMerge, false}; }

// Two of one replica, which nobody compares with each other. Tables whose triggers may fire go the long
// way; these have none of the user's, so all else is alike.
class World {
 public:
  World() {
    for (TestDatabase* const db : {&short_, &long_}) {
      db->Exec(std::string("CREATE TABLE num(id INTEGER PRIMARY KEY, ") + kColumns);
      db->Exec(std::string("CREATE TABLE name(id TEXT PRIMARY KEY NOT NULL, ") + kColumns);
      db->Exec(std::string("CREATE TABLE bare(id TEXT PRIMARY KEY NOT NULL, ") + kColumns + "WITHOUT ROWID");
      db->engine->limits.max_cell_bytes = 100;
      TrackOptions options;
      if (db == &long_) options.fire_triggers = true;
      for (const char* const table : kTables) db->Track(table, options);
    }
  }

  // What is different, if anything is.
  std::string Merge(HandMade& delta) {
    const MergeReport of_short = MustMerge(short_, delta);
    const MergeReport of_long = MustMerge(long_, delta);
    const std::string a = Text(of_short);
    const std::string b = Text(of_long);
    return a == b ? Difference() : "the short way reports " + a + ", the long one " + b;
  }
  void Both(const std::string& sql) {
    EXPECT_EQ(short_.Try(sql), long_.Try(sql)) << sql;
    for (TestDatabase* const db : {&short_, &long_}) db->clock.Advance(1);
  }
  // As somebody without the extension writes.
  void Unseen(const std::string& sql) {
    for (TestDatabase* const db : {&short_, &long_}) {
      sqlite3_db_config(db->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
      db->Exec(sql);
      sqlite3_db_config(db->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 1, nullptr);
    }
  }
  std::string Difference() {
    for (const char* const table : kTables) {
      if (Rows(short_, table) != Rows(long_, table)) return std::string("other rows in ") + table;
    }
    const char* const hidden = "SELECT tbl, hex(key), reason, detail FROM rejoin__hidden ORDER BY 1, 2";
    if (short_.Query(hidden) != long_.Query(hidden)) return "other rows are hidden";
    if (short_.Delta() != long_.Delta()) return "other states";
    return Findings(short_) == Findings(long_) ? "" : "the short way leaves " + Findings(short_) + ", the long one " + Findings(long_);
  }

 private:
  static std::vector<std::string> Rows(TestDatabase& db, const std::string& table) {
    return ExactRows(db.db, "SELECT * FROM " + table + " ORDER BY 1");
  }
  // Rows that went unseen leave some.
  static std::string Findings(TestDatabase& db) {
    const auto findings = db.store->Check();
    if (!findings) return findings.error().message;
    std::string text;
    for (const Finding& finding : *findings) text += finding.table + ": " + finding.problem + "; ";
    return text;
  }
  static std::string Text(const MergeReport& report) {
    std::string text;
    for (const std::uint64_t count : {report.rows_changed, report.rows_shown, report.conflicts, report.quarantined,
                                      report.duplicate_dots}) {
      text += std::to_string(count) + " ";
    }
    return text;
  }

  TestDatabase short_{1};
  TestDatabase long_{1};
};

Value AnyValue() {
  return *rc::gen::element(Value(), I(1), I(2), Value::Real(1.0), Value::Real(2.5), T("a"), T("A"), T("5"), T("bad"),
                           Value::Blob("a"), Value::Text(Bytes(200, 'l')));
}

Values AnyValues() {
  Values values;
  for (ColumnId column = 0; column < 4; ++column) {
    if (*Anything<bool>()) values.push_back({column, AnyValue()});
  }
  return values;
}

// Mostly the one that a key has here, so that edits meet it.
Stamp BirthOf(std::uint64_t key) { return *Within(0, 8) == 0 ? At(10 + key, 2) : At(key); }
Stamp AnyStamp() { return At(20 + *Within<std::uint64_t>(0, 12), *Within<std::uint64_t>(1, 3)); }

RowState AnyRow(std::uint64_t key) {
  const Stamp birth = BirthOf(key);
  RowState row = Edited(birth, AnyStamp(), AnyValues());
  switch (*Within(0, 10)) {
    case 0:
      return Inserted(birth, AnyValues());
    case 1:
      return Joined(Inserted(birth, AnyValues()), row);
    case 2:
      return Joined(row, Edited(BirthOf(key), AnyStamp(), AnyValues()));
    case 3:
      return Joined(row, Deleted(row, AnyStamp()));
    default:
      return row;
  }
}

HandMade AnyDelta() {
  HandMade delta;
  for (const char* const table : kTables) {
    delta.Table(table, {"i", "r", "t", "x"}, RulesOf(table));
    for (std::uint64_t key = 1; key <= kKeys; ++key) {
      if (*Within(0, 3) == 0) continue;
      delta.Row(std::string_view(table) == kTables[0] ? K(static_cast<std::int64_t>(key)) : K(std::to_string(key)), AnyRow(key));
    }
  }
  return delta;
}

// As one INSERT of each row left them.
HandMade Rows() {
  HandMade delta;
  for (const char* const table : kTables) {
    delta.Table(table, {"i", "r", "t", "x"}, RulesOf(table));
    for (std::uint64_t key = 1; key <= kKeys; ++key) {
      const RowState row = Inserted(At(key), {{0, I(1)}, {1, Value::Real(1.0)}, {2, T("a")}, {3, Value()}});
      delta.Row(std::string_view(table) == kTables[0] ? K(static_cast<std::int64_t>(key)) : K(std::to_string(key)), row);
    }
  }
  return delta;
}

void WriteAnything(World& world) {
  const std::string table = *rc::gen::elementOf(std::vector<std::string>(std::begin(kTables), std::end(kTables)));
  const std::string where = " WHERE id = '" + std::to_string(*Within<std::uint64_t>(1, kKeys + 1)) + "'";
  switch (*Within(0, 6)) {
    case 0:
      return world.Both("DELETE FROM " + table + where);
    case 1:
      return world.Both("UPDATE " + table + " SET i = 7, t = 'mine'" + where);
    case 2:
      return world.Both("UPDATE " + table + " SET x = zeroblob(200)" + where);
    case 3:
      return world.Both("UPDATE " + table + " SET x = NULL" + where);
    case 4:
      return world.Both("ALTER TABLE " + table + " ADD COLUMN more DEFAULT 1");  // the second time in vain
    default:
      return world.Unseen("DELETE FROM " + table + where);
  }
}

RC_GTEST_PROP(PlainEdits, LeadToWhereTheLongWayDoes, ()) {
  World world;
  HandMade rows = Rows();
  RC_ASSERT(world.Merge(rows) == "");
  for (int i = *Within(1, 8); i > 0; --i) {
    if (*Within(0, 3) == 0) {
      WriteAnything(world);
      RC_ASSERT(world.Difference() == "");
    }
    HandMade delta = AnyDelta();
    RC_ASSERT(world.Merge(delta) == "");
  }
  RC_ASSERT(!::testing::Test::HasFailure());
}

// It is no news, and yet there is something to do; a delta without any news would not be looked at.
TEST(PlainEdits, ARowThatWentUnseenComesBack) {
  World world;
  HandMade rows = Rows();
  EXPECT_EQ(world.Merge(rows), "");
  const RowState edited = Edited(At(1), At(20), {{0, I(2)}});
  for (const std::int64_t news : {10, 11, 12}) {
    HandMade delta;
    delta.Table("num", {"i"}, RulesOf(kTables[0]));
    delta.Row(K(1), edited).Row(K(2), Inserted(At(2), {})).Row(K(news), Inserted(At(20 + static_cast<std::uint64_t>(news)), {}));
    delta.Table("bare", {"i"}, RulesOf("bare")).Row(K("1"), edited);
    EXPECT_EQ(world.Merge(delta), "");
    world.Unseen("DELETE FROM num WHERE id <= 2; DELETE FROM bare WHERE id = '1'");
  }
}

int Backwards(void*, int a_bytes, const void* a, int b_bytes, const void* b) {
  const std::string_view first(static_cast<const char*>(a), static_cast<std::size_t>(a_bytes));
  const std::string_view second(static_cast<const char*>(b), static_cast<std::size_t>(b_bytes));
  return second.compare(first);
}

// It belongs to the application, and a program that only syncs its file does not have it.
TEST(PlainEdits, NeedNoCollation) {
  TestDatabase db(1);
  sqlite3_create_collation(db.db, "backwards", SQLITE_UTF8, nullptr, Backwards);
  db.Exec("CREATE TABLE name(id TEXT PRIMARY KEY NOT NULL, a TEXT COLLATE backwards)");
  db.Track("name");
  for (const std::uint64_t time : {1, 2, 3}) {
    HandMade delta;
    delta.Table("name", {"a"}).Row(K("x"), Edited(At(1), At(time), {{0, Value::Text(std::to_string(time))}}));
    MustMerge(db, delta);
    EXPECT_EQ(db.One("SELECT a || '' FROM name"), std::to_string(time));
    sqlite3_create_collation(db.db, "backwards", SQLITE_UTF8, nullptr, nullptr);
  }
}

int NoteSql(unsigned, void* into, void* statement, void*) {
  static_cast<std::vector<std::string>*>(into)->push_back(sqlite3_sql(static_cast<sqlite3_stmt*>(statement)));
  return 0;
}

// Else all of the above says nothing.
TEST(PlainEdits, ReadNoRowThatTheyEdit) {
  TestDatabase db(1);
  db.Exec("CREATE TABLE num(id INTEGER PRIMARY KEY, a, b); CREATE TABLE name(id TEXT PRIMARY KEY NOT NULL, a, b);"
          "CREATE TABLE bare(id TEXT PRIMARY KEY NOT NULL, a, b) WITHOUT ROWID");
  for (const char* const table : kTables) db.Track(table);
  const auto delta = [](std::uint64_t time, const Values& values) {
    HandMade made;
    made.Table("num", {"a", "b"}, RulesOf(kTables[0])).Row(K(1), Edited(At(1), At(time), values)).Row(K(2), Edited(At(1), At(time), values));
    for (const char* const table : {"name", "bare"}) {
      made.Table(table, {"a", "b"}).Row(K("x"), Edited(At(1), At(time), values));
    }
    return made;
  };
  MustMerge(db, delta(1, {{0, I(1)}, {1, I(1)}}));
  for (const std::uint64_t time : {2, 3}) {  // of rows as they were inserted, and of rows edited before
    std::vector<std::string> ran;
    sqlite3_trace_v2(db.db, SQLITE_TRACE_STMT, NoteSql, &ran);
    const MergeReport report = MustMerge(db, delta(time, {{1, I(static_cast<std::int64_t>(time))}}));
    sqlite3_trace_v2(db.db, 0, nullptr, nullptr);
    EXPECT_EQ(report.rows_changed, 4u);
    EXPECT_EQ(report.rows_shown, 4u);
    for (const std::string& sql : ran) {
      const bool reads = sql.find("SELECT") == 0 && sql.find("\"b\"") != std::string::npos;
      EXPECT_FALSE(reads) << sql;
    }
  }
  EXPECT_EQ(db.Query("SELECT * FROM num"), (std::vector<std::string>{"1|1|3", "2|1|3"}));
  EXPECT_EQ(db.One("SELECT * FROM name"), "x|1|3");
  EXPECT_EQ(db.One("SELECT * FROM bare"), "x|1|3");
}

}  // namespace
}  // namespace rejoin::testing
