// The user's schema moves under the metadata; nothing is given to a wrong row.

#include "base/hash.h"
#include "store/sqlite/triggers.h"
#include "tests/store_sqlite/fixture.h"

namespace rejoin::testing {
namespace {

constexpr char kTodo[] =
    "CREATE TABLE todo(id TEXT PRIMARY KEY NOT NULL, title TEXT, done INTEGER DEFAULT 0)";

std::vector<std::string> Todos(TestDatabase& db, const std::string& columns = "*") {
  return db.Query("SELECT " + columns + " FROM todo ORDER BY id");
}

// Two replicas with five rows in common; b edited one of them.
class SchemaDrift : public ::testing::Test {
 protected:
  void SetUp() override {
    for (TestDatabase* db : {&a, &b}) {
      db->Exec(kTodo);
      db->Track("todo");
    }
    a.Exec("INSERT INTO todo VALUES('k1','one',0),('k2','two',0),('k3','three',0),"
           "('k4','four',0),('k5','five',0)");
    Exchange(a, b);
    b.clock.Advance(10);
    b.Exec("UPDATE todo SET title = 'TWO' WHERE id = 'k2'");
    a.Pull(b);
    ASSERT_EQ(a.DigestHex(), b.DigestHex());
  }

  void ExpectEqual() {
    Exchange(a, b);
    EXPECT_EQ(a.DigestHex(), b.DigestHex());
    EXPECT_EQ(Todos(a, "id, title"), Todos(b, "id, title"));
    for (TestDatabase* db : {&a, &b}) {
      const auto findings = db->store->Check();
      ASSERT_TRUE(findings) << findings.error().message;
      for (const Finding& finding : *findings) ADD_FAILURE() << finding.table << ": " << finding.problem;
    }
  }

  TestDatabase a{1};
  TestDatabase b{2};
};

TEST_F(SchemaDrift, RebuildAsMigrationToolsDoItKeepsEveryStamp) {
  a.Exec("DELETE FROM todo WHERE id = 'k1'");
  a.Exec("BEGIN; CREATE TABLE todo_new(id TEXT PRIMARY KEY NOT NULL, title TEXT, done INTEGER DEFAULT 0);"
         "INSERT INTO todo_new SELECT * FROM todo ORDER BY id DESC; DROP TABLE todo;"
         "ALTER TABLE todo_new RENAME TO todo; COMMIT");
  const std::string before = b.DigestHex();
  b.Pull(a);
  EXPECT_NE(b.DigestHex(), before) << "the delete arrives";
  EXPECT_EQ(a.DigestHex(), b.DigestHex());
  b.clock.Advance(10);
  b.Exec("UPDATE todo SET title = 'FIVE' WHERE id = 'k5'");
  a.Exec("UPDATE todo SET done = 1 WHERE id = 'k5'");
  ExpectEqual();
  EXPECT_EQ(a.One("SELECT title, done FROM todo WHERE id = 'k5'"), "FIVE|1");
}

TEST_F(SchemaDrift, RowsMissingFromARebuiltTableAreNotDeletes) {
  a.Exec("BEGIN; CREATE TABLE todo_new(id TEXT PRIMARY KEY NOT NULL, title TEXT, done INTEGER DEFAULT 0);"
         "INSERT INTO todo_new SELECT * FROM todo WHERE id <> 'k3'; DROP TABLE todo;"
         "ALTER TABLE todo_new RENAME TO todo; COMMIT");
  const auto vector = a.store->Vector();
  ASSERT_TRUE(vector);
  EXPECT_TRUE(vector->empty()) << "it asks for everything";
  BytesSink sink(1 << 20);
  const auto handed_out = a.store->ExtractSince({}, sink);
  ASSERT_FALSE(handed_out);
  EXPECT_EQ(handed_out.error().code, Code::kNotCovered);
  a.Pull(b);
  EXPECT_EQ(a.One("SELECT title FROM todo WHERE id = 'k3'"), "three");
  ExpectEqual();
}

TEST_F(SchemaDrift, RenamedTableStaysTheSameTable) {
  a.Exec("ALTER TABLE todo RENAME TO task");
  a.Exec("UPDATE task SET title = 'ONE' WHERE id = 'k1'");
  Exchange(a, b);
  EXPECT_EQ(b.One("SELECT title FROM todo WHERE id = 'k1'"), "ONE");
  EXPECT_EQ(a.DigestHex(), b.DigestHex());
}

TEST_F(SchemaDrift, RenamedColumnStaysTheSameColumn) {
  a.Exec("ALTER TABLE todo RENAME COLUMN title TO name");
  a.Exec("UPDATE todo SET name = 'ONE' WHERE id = 'k1'");
  b.Exec("UPDATE todo SET title = 'THREE' WHERE id = 'k3'");
  Exchange(a, b);
  EXPECT_EQ(b.One("SELECT title FROM todo WHERE id = 'k1'"), "ONE");
  EXPECT_EQ(a.One("SELECT name FROM todo WHERE id = 'k3'"), "THREE");
  EXPECT_EQ(a.DigestHex(), b.DigestHex());
}

TEST_F(SchemaDrift, TwoColumnsThatSwappedNamesKeepTheirValues) {
  a.Exec("ALTER TABLE todo RENAME COLUMN title TO x");
  a.Exec("ALTER TABLE todo RENAME COLUMN done TO title");
  a.Exec("ALTER TABLE todo RENAME COLUMN x TO done");
  a.Exec("UPDATE todo SET done = 'ONE' WHERE id = 'k1'");
  Exchange(a, b);
  EXPECT_EQ(b.One("SELECT title, done FROM todo WHERE id = 'k1'"), "ONE|0");
}

TEST_F(SchemaDrift, AddColumnChangesNoRowAndNeedsNoCeremony) {
  a.Exec("ALTER TABLE todo ADD COLUMN due TEXT DEFAULT 'never'");
  const auto vector = b.store->Vector();
  BytesSink sink(1 << 20);
  const auto extracted = a.store->ExtractSince(*vector, sink);
  ASSERT_TRUE(extracted) << extracted.error().message;
  EXPECT_EQ(extracted->rows, 0u);
  a.Exec("UPDATE todo SET due = 'today' WHERE id = 'k1'");
  a.Exec("INSERT INTO todo VALUES('k6','six',0,'monday')");
  Exchange(a, b);
  EXPECT_EQ(a.DigestHex(), b.DigestHex()) << "b carries the column on";
  EXPECT_EQ(b.One("SELECT title FROM todo WHERE id = 'k6'"), "six");
  b.Exec("UPDATE todo SET title = 'ONE' WHERE id = 'k1'");
  Exchange(a, b);
  EXPECT_EQ(a.One("SELECT title, due FROM todo WHERE id = 'k1'"), "ONE|today");
  b.Exec("ALTER TABLE todo ADD COLUMN due TEXT DEFAULT 'never'");
  Exchange(a, b);
  EXPECT_EQ(Todos(a), Todos(b));
  EXPECT_EQ(b.One("SELECT due FROM todo WHERE id = 'k6'"), "monday");
}

TEST_F(SchemaDrift, WriteRightAfterAddColumnUnderOldTriggersIsNotLost) {
  a.Exec("ALTER TABLE todo ADD COLUMN due TEXT");
  b.Exec("ALTER TABLE todo ADD COLUMN due TEXT");
  a.Exec("UPDATE todo SET due = 'today' WHERE id = 'k4'");
  Exchange(a, b);
  EXPECT_EQ(b.One("SELECT due FROM todo WHERE id = 'k4'"), "today");
  EXPECT_EQ(Todos(a), Todos(b));
}

TEST_F(SchemaDrift, DropColumnKeepsItsValuesForOthers) {
  const auto dropped = a.store->DropColumn("todo", "title");
  ASSERT_TRUE(dropped) << dropped.error().message;
  TestDatabase c{3};
  c.Exec(kTodo);
  c.Track("todo");
  c.Pull(a);
  EXPECT_EQ(c.One("SELECT title FROM todo WHERE id = 'k2'"), "TWO");
  EXPECT_EQ(c.DigestHex(), b.DigestHex());
}

TEST_F(SchemaDrift, DroppedTableIsCarriedAndComesBack) {
  a.Exec("DROP TABLE todo");
  ASSERT_TRUE(a.store->Vector());
  EXPECT_TRUE(a.store->Vector()->empty());
  a.Pull(b);
  EXPECT_EQ(a.DigestHex(), b.DigestHex());
  a.Exec(kTodo);
  a.Track("todo");
  EXPECT_EQ(Todos(a), Todos(b));
  ExpectEqual();
}

TEST_F(SchemaDrift, DroppedAndRecreatedTableGetsItsRowsBackFromPeers) {
  a.Exec("DROP TABLE todo");
  a.Exec(kTodo);
  a.Exec("INSERT INTO todo VALUES('k9','nine',0)");
  a.Pull(b);
  ExpectEqual();
  EXPECT_EQ(a.One("SELECT count(*) FROM todo"), "6");
}

// Metadata is kept by rowid or by key; what was kept one way says nothing the other way.
TEST_F(SchemaDrift, TableRebuiltUnderAnotherKindOfKeyIsNamedAndTrackedAnew) {
  a.Exec("CREATE TABLE new(id TEXT PRIMARY KEY NOT NULL, title TEXT, done INTEGER DEFAULT 0) WITHOUT ROWID;"
         "INSERT INTO new SELECT * FROM todo; DROP TABLE todo; ALTER TABLE new RENAME TO todo;"
         "INSERT INTO todo VALUES('k9', 'nine', 0)");
  EXPECT_TRUE(a.store->Vector()->empty());
  EXPECT_EQ(a.One("SELECT count(*) FROM rejoin__event WHERE message LIKE '%todo has another primary key now%'"), "1");
  ASSERT_TRUE(a.store->Untrack("todo"));
  a.Track("todo");
  ExpectEqual();
  EXPECT_EQ(b.One("SELECT title FROM todo WHERE id = 'k9'"), "nine");
  EXPECT_EQ(Todos(b).size(), 6u);
}

TEST_F(SchemaDrift, RowsWrittenWhileTriggersWereDroppedAreAdoptedAndNamed) {
  const auto triggers = a.Query("SELECT name FROM sqlite_schema WHERE type = 'trigger'");
  ASSERT_FALSE(triggers.empty());
  for (const std::string& name : triggers) a.Exec("DROP TRIGGER " + QuoteName(name));
  a.Exec("INSERT INTO todo VALUES('k7','seven',0)");
  const auto findings = a.store->Check();
  ASSERT_TRUE(findings);
  EXPECT_FALSE(findings->empty());
  ExpectEqual();
  EXPECT_EQ(b.One("SELECT title FROM todo WHERE id = 'k7'"), "seven");
  EXPECT_EQ(a.Query("SELECT name FROM sqlite_schema WHERE type = 'trigger'").size(), triggers.size());
}

// As an earlier version made them.
TEST_F(SchemaDrift, TriggersOfAnotherVersionAreMadeAnew) {
  const std::string all = "SELECT group_concat(sql) FROM sqlite_schema WHERE type = 'trigger'";
  const std::string ours = a.One(all);
  // By the back door, which leaves the schema's cookie as it is.
  a.Exec("PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'BEGIN', 'BEGIN SELECT 1;') WHERE type = 'trigger'; "
         "PRAGMA writable_schema = OFF");
  const std::string theirs = a.One(all);
  ASSERT_NE(theirs, ours);
  a.Pull(b);
  ASSERT_EQ(a.One(all), theirs) << "without a new number nobody looks";
  a.Exec("UPDATE rejoin__meta SET value = value & 0xffffffff WHERE name = 'fingerprint'");
  a.Pull(b);
  EXPECT_EQ(a.One(all), ours);
  a.Exec("UPDATE todo SET done = 1 WHERE id = 'k1'");
  ExpectEqual();
}

// Where this fails the triggers say something else than before: give kTriggersVersion the next
// number, and write down the hash that is told here.
TEST(TriggerText, HasTheVersionThatItWasGiven) {
  std::string all;
  for (const char* const table : {"t(id INTEGER PRIMARY KEY, a TEXT, b INTEGER UNIQUE)", "t(id TEXT PRIMARY KEY NOT NULL, a TEXT, b INTEGER UNIQUE)",
                                  "t(x TEXT, y INTEGER, a TEXT, PRIMARY KEY(x, y)) WITHOUT ROWID"}) {
    TestDatabase db(1);
    db.Exec(std::string("CREATE TABLE ") + table);
    db.Track("t");
    for (const std::string& sql : CaptureTriggerSql(*db.engine->catalog.FindLocal("t"), 1)) all += sql;
  }
  const std::pair<std::int64_t, std::uint64_t> given{1, 3921509267192001939u};
  EXPECT_EQ(std::pair(kTriggersVersion, Hash64(all)), given);
}

TEST(SchemaDriftOfFiles, VacuumAndVacuumIntoKeepMetadataRight) {
  const ScratchFolder folder;
  TestDatabase a(1, folder.File("a.db"));
  TestDatabase b(2);
  for (TestDatabase* db : {&a, &b}) {
    db->Exec(kTodo);
    db->Track("todo");
  }
  a.Exec("INSERT INTO todo VALUES('k1','one',0),('k2','two',0),('k3','three',0)");
  a.Exec("DELETE FROM todo WHERE id = 'k1'");
  Exchange(a, b);
  a.Exec("VACUUM");
  a.Exec("VACUUM INTO " + QuoteText(folder.File("copy.db")));
  a.Exec("UPDATE todo SET title = 'THREE' WHERE id = 'k3'");
  Exchange(a, b);
  EXPECT_EQ(Todos(a), Todos(b));
  EXPECT_EQ(a.DigestHex(), b.DigestHex());

  TestDatabase copy(3, folder.File("copy.db"));
  copy.Exec("UPDATE todo SET done = 7 WHERE id = 'k2'");
  EXPECT_NE(copy.store->Replica()->Hex(), a.store->Replica()->Hex()) << "a copy is somebody else";
  Exchange(copy, b);
  Exchange(a, b);
  Exchange(copy, a);
  EXPECT_EQ(Todos(a), Todos(copy));
  EXPECT_EQ(a.DigestHex(), copy.DigestHex());
}

}  // namespace
}  // namespace rejoin::testing
