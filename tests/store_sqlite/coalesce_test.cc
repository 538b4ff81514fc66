// The net effect of transactions, key by key, as the log has it.

#include "store/sqlite/fold.h"
#include "tests/store_sqlite/logged.h"

namespace rejoin::testing {
namespace {

// The same stories on the three kinds of table. `Row` of the table under test is
// item(id, a, b); key 1 is there before each story, key 2 is not.
class NetEffect : public ::testing::TestWithParam<const char*> {
 protected:
  NetEffect() : db_(1) {
    db_.Exec(std::string("CREATE TABLE item(") + GetParam());
    db_.Track("item");
    db_.Exec("INSERT INTO item VALUES(1, 'x', 'y')");
    log_ = std::make_unique<LogReader>(db_);
  }

  Lines Of(const std::string& sql) { return log_->AfterAll(sql); }

  TestDatabase db_;
  std::unique_ptr<LogReader> log_;
};

TEST_P(NetEffect, AnInsertIsAnInsert) {
  EXPECT_EQ(Of("INSERT INTO item VALUES(2, 'p', 'q')"), Lines{"insert item 2"});
}

TEST_P(NetEffect, AnUpdateNamesTheColumnsThatChanged) {
  EXPECT_EQ(Of("UPDATE item SET b = 'z', a = 'x'"), Lines{"update item 1: b"});
}

TEST_P(NetEffect, ADeleteKeepsTheValues) {
  EXPECT_EQ(Of("DELETE FROM item"), Lines{"delete item 1: a='x', b='y'"});
}

TEST_P(NetEffect, AnUpdateThatChangesNothingIsNothing) {
  EXPECT_EQ(Of("UPDATE item SET a = 'x', b = 'y'"), Lines{});
}

TEST_P(NetEffect, InsertThenUpdateIsAnInsert) {
  EXPECT_EQ(Of("INSERT INTO item VALUES(2, 'p', 'q'); UPDATE item SET a = 'r' WHERE id = 2"),
            Lines{"insert item 2"});
}

TEST_P(NetEffect, InsertThenDeleteLeavesNothingBehind) {
  EXPECT_EQ(Of("INSERT INTO item VALUES(2, 'p', 'q'); DELETE FROM item WHERE id = 2"), Lines{});
}

// Where keys are not probed, log and metadata tell whether the row was there.
TEST_P(NetEffect, ReplaceThenDeleteTakesTheValuesThatItHadLast) {
  const Lines lines = {"insert item 1", "delete item 1: a='p', b='q'"};
  const std::string passing = "REPLACE INTO item VALUES(1, 'p', 'q'); DELETE FROM item WHERE id = 1";
  const auto without_rowid = [&lines](Lines changes) {
    if (!changes.empty()) changes[0].resize(lines[0].size());
    return changes;
  };
  EXPECT_EQ(without_rowid(Of(passing)), lines);
  EXPECT_EQ(Of(passing), Lines{}) << "it is not there any more";
  ASSERT_TRUE(Fold(*db_.engine));
  EXPECT_EQ(Of(passing), Lines{});
  db_.Exec("INSERT INTO item VALUES(1, 'x', 'y')");
  ASSERT_TRUE(Fold(*db_.engine));
  log_->News();
  EXPECT_EQ(without_rowid(Of(passing)), lines);
}

TEST_P(NetEffect, UpdateThenUpdateUnitesTheColumns) {
  EXPECT_EQ(Of("UPDATE item SET a = 'p'; UPDATE item SET b = 'q'"), Lines{"update item 1: a, b"});
}

TEST_P(NetEffect, AColumnUpdatedTwiceIsUpdatedOnce) {
  EXPECT_EQ(Of("UPDATE item SET a = 'p'; UPDATE item SET a = 'q'"), Lines{"update item 1: a"});
}

TEST_P(NetEffect, AnUpdateTakenBackIsNothing) {
  EXPECT_EQ(Of("UPDATE item SET a = 'p'; UPDATE item SET a = 'x'"), Lines{});
}

TEST_P(NetEffect, OneColumnOfTwoTakenBackIsAnUpdateOfTheOther) {
  EXPECT_EQ(Of("UPDATE item SET a = 'p', b = 'q'; UPDATE item SET a = 'x'"),
            Lines{"update item 1: b"});
}

TEST_P(NetEffect, UpdateThenDeleteKeepsTheValuesOfBefore) {
  EXPECT_EQ(Of("UPDATE item SET a = 'p'; DELETE FROM item"), Lines{"delete item 1: a='x', b='y'"});
}

TEST_P(NetEffect, DeleteThenInsertIsAnEditOfWhatDiffers) {
  EXPECT_EQ(Of("DELETE FROM item; INSERT INTO item VALUES(1, 'x', 'z')"), Lines{"update item 1: b"});
}

TEST_P(NetEffect, DeleteThenTheSameInsertIsNothing) {
  EXPECT_EQ(Of("DELETE FROM item; INSERT INTO item VALUES(1, 'x', 'y')"), Lines{});
}

TEST_P(NetEffect, DeleteInsertDeleteKeepsTheValuesOfBefore) {
  EXPECT_EQ(Of("DELETE FROM item; INSERT INTO item VALUES(1, 'p', 'q'); DELETE FROM item"),
            Lines{"delete item 1: a='x', b='y'"});
}

TEST_P(NetEffect, DeleteInsertUpdateComparesWithBefore) {
  EXPECT_EQ(Of("DELETE FROM item; INSERT INTO item VALUES(1, 'p', 'y'); UPDATE item SET a = 'x'"),
            Lines{});
}

TEST_P(NetEffect, UpdateDeleteInsertComparesWithBefore) {
  EXPECT_EQ(Of("UPDATE item SET a = 'p'; DELETE FROM item; INSERT INTO item VALUES(1, 'x', 'q')"),
            Lines{"update item 1: b"});
}

TEST_P(NetEffect, ReplaceOfARowThatIsThereWritesEveryColumn) {
  const Lines changes = Of("INSERT OR REPLACE INTO item VALUES(1, 'x', 'z')");
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].substr(0, 13), "insert item 1");
}

TEST_P(NetEffect, ReplaceOfANewRowIsAnInsert) {
  EXPECT_EQ(Of("INSERT OR REPLACE INTO item VALUES(2, 'p', 'q')"), Lines{"insert item 2"});
}

TEST_P(NetEffect, UpdateThenReplaceWritesEveryColumn) {
  const Lines changes = Of("UPDATE item SET a = 'p'; REPLACE INTO item VALUES(1, 'x', 'y')");
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].substr(0, 13), "insert item 1");
}

TEST_P(NetEffect, ReplaceThenDeleteWritesWhatItRemoves) {
  const Lines changes = Of("REPLACE INTO item VALUES(1, 'p', 'q'); DELETE FROM item");
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(changes[0].substr(0, 13), "insert item 1");
  EXPECT_EQ(changes[1], "delete item 1: a='p', b='q'");
}

TEST_P(NetEffect, DeleteThenReplaceIsAnEditOfWhatDiffers) {
  EXPECT_EQ(Of("DELETE FROM item; REPLACE INTO item VALUES(1, 'p', 'y')"),
            Lines{"update item 1: a"});
}

TEST_P(NetEffect, UpsertOfARowThatIsThereIsAnUpdate) {
  EXPECT_EQ(Of("INSERT INTO item VALUES(1, 'p', 'q') ON CONFLICT(id) DO UPDATE SET b = excluded.b"),
            Lines{"update item 1: b"});
}

TEST_P(NetEffect, UpsertThatDoesNothingIsNothing) {
  EXPECT_EQ(Of("INSERT INTO item VALUES(1, 'p', 'q') ON CONFLICT DO NOTHING"), Lines{});
  EXPECT_EQ(Of("INSERT OR IGNORE INTO item VALUES(1, 'p', 'q')"), Lines{});
}

TEST_P(NetEffect, AChangeOfKeyIsADeleteAndAnInsert) {
  EXPECT_EQ(Of("UPDATE item SET id = 2, a = 'p'"),
            (Lines{"delete item 1: a='x', b='y'", "insert item 2 from 1"}));
}

TEST_P(NetEffect, AChangeOfKeyThereAndBackIsNothing) {
  EXPECT_EQ(Of("UPDATE item SET id = 2; UPDATE item SET id = 1"), Lines{});
}

TEST_P(NetEffect, AChainOfKeysComesFromItsBeginning) {
  const Lines changes = Of("UPDATE item SET id = 2; UPDATE item SET id = 3");
  ASSERT_FALSE(changes.empty());
  EXPECT_EQ(changes.front(), "delete item 1: a='x', b='y'");
  EXPECT_EQ(changes.back(), "insert item 3 from 1");
}

TEST_P(NetEffect, SwappedKeysAreEditsThatComeFromEachOther) {
  db_.Exec("INSERT INTO item VALUES(2, 'p', 'y')");
  log_->News();
  const Lines changes = Of("UPDATE item SET id = 9 WHERE id = 1; UPDATE item SET id = 1 WHERE id = 2;"
                           "UPDATE item SET id = 2 WHERE id = 9");
  ASSERT_GE(changes.size(), 2u);
  EXPECT_EQ(changes[0].substr(0, 20), "update item 1 from 2");
  EXPECT_EQ(changes[1].substr(0, 20), "update item 2 from 1");
  EXPECT_EQ(changes[0].substr(changes[0].find(':')), ": a");
}

TEST_P(NetEffect, ARowMadeHereThatChangesItsKeyComesFromNowhere) {
  const Lines changes = Of("INSERT INTO item VALUES(2, 'p', 'q'); UPDATE item SET id = 3 WHERE id = 2");
  ASSERT_FALSE(changes.empty());
  EXPECT_EQ(changes.back(), "insert item 3");
}

TEST_P(NetEffect, ChangesAreSortedByKey) {
  EXPECT_EQ(Of("INSERT INTO item VALUES(5, 0, 0); INSERT INTO item VALUES(-3, 0, 0);"
               "INSERT INTO item VALUES(4, 0, 0); UPDATE item SET a = 9 WHERE id = 1"),
            (Lines{"insert item -3", "update item 1: a", "insert item 4", "insert item 5"}));
}

TEST_P(NetEffect, StorageClassesAreToldApart) {
  db_.Exec("UPDATE item SET a = 1, b = 0.0");
  log_->News();
  EXPECT_EQ(Of("UPDATE item SET a = 1.0, b = -0.0"), Lines{"update item 1: a, b"});
  EXPECT_EQ(Of("UPDATE item SET a = '1', b = NULL"), Lines{"update item 1: a, b"});
  EXPECT_EQ(Of("UPDATE item SET a = x'31', b = NULL"), Lines{"update item 1: a"});
  EXPECT_EQ(Of("UPDATE item SET a = x'31', b = NULL"), Lines{});
}

constexpr const char* kKinds[] = {"id INTEGER PRIMARY KEY, a, b)", "id INT PRIMARY KEY, a, b)",
                                 "id INT PRIMARY KEY, a, b) WITHOUT ROWID"};

std::string KindName(const ::testing::TestParamInfo<const char*>& kind) {
  const char* const names[] = {"Rowid", "Indexed", "WithoutRowid"};
  return names[kind.index];
}

INSTANTIATE_TEST_SUITE_P(KindsOfTable, NetEffect, ::testing::ValuesIn(kKinds), KindName);

// --- Rows displaced by REPLACE -----------------------------------------------------

class Displaced : public ::testing::Test {
 protected:
  Displaced() : db_(1) {}

  void Make(const std::string& columns) {
    db_.Exec("CREATE TABLE item(" + columns);
    db_.Track("item");
  }

  TestDatabase db_;
};

TEST_F(Displaced, ARowWithTheSameUniqueValueIsDeleted) {
  Make("id INTEGER PRIMARY KEY, mail UNIQUE, b)");
  db_.Exec("INSERT INTO item VALUES(1, 'm', 'x'), (2, 'n', 'y')");
  LogReader log(db_);
  EXPECT_EQ(log.After("REPLACE INTO item VALUES(3, 'm', 'z')"),
            (Lines{"delete item 1: mail='m', b='x'", "insert item 3"}));
  EXPECT_EQ(log.After("UPDATE OR REPLACE item SET mail = 'n' WHERE id = 3"),
            (Lines{"delete item 2: mail='n', b='y'", "update item 3: mail"}));
}

TEST_F(Displaced, ARowThatOnlyMightHaveBeenIsNot) {
  Make("id TEXT PRIMARY KEY, mail UNIQUE, b)");
  db_.Exec("INSERT INTO item VALUES('a', 'm', 'x')");
  LogReader log(db_);
  EXPECT_EQ(log.After("INSERT OR IGNORE INTO item VALUES('b', 'm', 'z')"), Lines{});
  EXPECT_EQ(log.After("INSERT INTO item VALUES('b', 'm', 'z') ON CONFLICT(mail) DO UPDATE SET b = 'u'"),
            Lines{"update item 'a': b"});
  EXPECT_EQ(db_.Try("INSERT INTO item VALUES('b', 'm', 'z')"), SQLITE_CONSTRAINT_UNIQUE);
  EXPECT_EQ(log.News(), Lines{});
}

TEST_F(Displaced, ARowOfATextKeyIsKnownWithItsOldRowid) {
  Make("id TEXT PRIMARY KEY, a)");
  db_.Exec("INSERT INTO item VALUES('a', 1), ('b', 2)");
  LogReader log(db_);
  EXPECT_EQ(log.After("REPLACE INTO item VALUES('a', 1)"), Lines{"insert item 'a' @1>3"});
}

TEST_F(Displaced, ARowThatComesBackIsAnEditOfEveryColumn) {
  Make("id INTEGER PRIMARY KEY, mail UNIQUE)");
  db_.Exec("INSERT INTO item VALUES(1, 'm')");
  LogReader log(db_);
  EXPECT_EQ(log.AfterAll("REPLACE INTO item VALUES(2, 'm'); REPLACE INTO item VALUES(1, 'm')").front(),
            "insert item 1");
}

TEST_F(Displaced, ByExpressionPartialAndCollatedIndexes) {
  Make("id INTEGER PRIMARY KEY, name, state, code COLLATE NOCASE)");
  db_.Exec("CREATE UNIQUE INDEX lower_name ON item(lower(name || '')) WHERE state = 'on';"
           "CREATE UNIQUE INDEX code ON item(code)");
  db_.Exec("PRAGMA user_version = 1");
  // The index came after tracking: the triggers are made anew when the schema is followed.
  ASSERT_TRUE(db_.store->Vector());
  db_.Exec("INSERT INTO item VALUES(1, 'Ann', 'on', 'a'), (2, 'Bob', 'off', 'b'), (3, 'bob', 'on', 'c')");
  LogReader log(db_);
  EXPECT_EQ(log.After("REPLACE INTO item VALUES(4, 'aNN', 'on', 'd')").front().substr(0, 13), "delete item 1");
  EXPECT_EQ(log.After("REPLACE INTO item VALUES(5, 'BOB', 'off', 'e')"), Lines{"insert item 5"});
  EXPECT_EQ(log.After("UPDATE OR REPLACE item SET state = 'on' WHERE id = 5"),
            (Lines{"delete item 3: name='bob', state='on', code='c'", "update item 5: state"}));
  EXPECT_EQ(log.After("REPLACE INTO item VALUES(6, 'x', NULL, 'B')"),
            (Lines{"delete item 2: name='Bob', state='off', code='b'", "insert item 6"}));
}

TEST_F(Displaced, ByADefaultInPlaceOfNull) {
  Make("id INTEGER PRIMARY KEY, code TEXT NOT NULL DEFAULT 'none' UNIQUE)");
  db_.Exec("INSERT INTO item VALUES(1, 'none')");
  LogReader log(db_);
  EXPECT_EQ(log.After("REPLACE INTO item VALUES(2, NULL)"),
            (Lines{"delete item 1: code='none'", "insert item 2"}));
}

TEST_F(Displaced, ByAKeyThatTheIndexCallsEqual) {
  for (const char* const end : {")", ") WITHOUT ROWID"}) {
    TestDatabase db(1);
    db.Exec(std::string("CREATE TABLE item(id TEXT COLLATE NOCASE PRIMARY KEY NOT NULL, a") + end);
    db.Track("item");
    db.Exec("INSERT INTO item VALUES('a', 1)");
    LogReader log(db);
    EXPECT_EQ(log.After("REPLACE INTO item VALUES('A', 2)"),
              (Lines{"insert item 'A'", "delete item 'a': a=1"}));
  }
}

TEST_F(Displaced, ByARowidThatTheStatementChose) {
  Make("id TEXT PRIMARY KEY, a)");
  db_.Exec("INSERT INTO item VALUES('a', 1)");
  LogReader log(db_);
  EXPECT_EQ(log.After("REPLACE INTO item(rowid, id, a) VALUES(1, 'b', 2)"),
            (Lines{"delete item 'a': a=1", "insert item 'b'"}));
}

TEST_F(Displaced, WithRecursiveTriggersTheDeleteIsCapturedToo) {
  Make("id TEXT PRIMARY KEY, mail UNIQUE)");
  db_.Exec("PRAGMA recursive_triggers = ON; INSERT INTO item VALUES('a', 'm')");
  LogReader log(db_);
  EXPECT_EQ(log.After("REPLACE INTO item VALUES('b', 'm')"),
            (Lines{"delete item 'a': mail='m'", "insert item 'b'"}));
  EXPECT_EQ(log.After("REPLACE INTO item VALUES('b', 'n')").size(), 1u);
}

}  // namespace
}  // namespace rejoin::testing
