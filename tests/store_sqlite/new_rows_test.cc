// Transactions that only insert: their rows are logged without their keys, and are not
// looked for in case they displace others.
#include <gtest/gtest.h>

#include "store/sqlite/fold.h"
#include "store/sqlite/log_codec.h"
#include "store/sqlite/row_access.h"
#include "tests/store_sqlite/documented.h"
#include "tests/store_sqlite/hand_made.h"
#include "tests/store_sqlite/logged.h"

namespace rejoin::testing {
namespace {

constexpr char kMany[] = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000) ";

class NewRows : public ::testing::Test {
 protected:
  NewRows() : db_(1) {
    db_.Exec("CREATE TABLE item(id TEXT PRIMARY KEY NOT NULL, mail UNIQUE, a)");
    db_.Track("item");
  }

  void FoldNow() {
    const Status folded = Fold(*db_.engine);
    ASSERT_TRUE(folded) << folded.error().message;
  }
  RowState StateOf(const std::string& key) {
    const auto row = LoadRow(*db_.engine, *db_.engine->catalog.FindLocal("item"), K(key));
    EXPECT_TRUE(row) << row.error().message;
    return row ? row->state : RowState();
  }
  // A peer gets everything, and shows the same.
  void ExpectWhole() {
    TestDatabase peer(2);
    peer.Exec("CREATE TABLE item(id TEXT PRIMARY KEY NOT NULL, mail UNIQUE, a)");
    peer.Track("item");
    peer.Pull(db_);
    EXPECT_EQ(peer.Query("SELECT * FROM item ORDER BY id"), db_.Query("SELECT * FROM item ORDER BY id"));
    EXPECT_EQ(peer.DigestHex(), db_.DigestHex());
  }

  TestDatabase db_;
};

TEST_F(NewRows, AreLoggedInEightBytesEach) {
  const std::string before = db_.One("SELECT max(total) FROM rejoin__log");
  db_.Exec(std::string(kMany) + "INSERT INTO item SELECT 'a key of some forty bytes as they are: ' || i, i, i FROM n");
  EXPECT_LT(std::stoi(db_.One("SELECT max(total) - " + before + " FROM rejoin__log")), 8'000 + 100);
  ExpectWhole();
}

TEST_F(NewRows, AreToldByTheLogWithTheirKeys) {
  TestDatabase peer(2);
  peer.Exec("CREATE TABLE item(id TEXT PRIMARY KEY NOT NULL, mail UNIQUE, a)");
  peer.Track("item");
  db_.Exec("INSERT INTO item VALUES('a', 1, 1), ('b', 2, 2)");
  peer.Pull(db_);
  db_.Exec("INSERT INTO item VALUES('c', 3, 3), ('d', 4, 4), ('e', 5, 5)");
  db_.Exec("DELETE FROM item WHERE id = 'd'");
  db_.Exec("UPDATE item SET id = 'f' WHERE id = 'e'");
  peer.Pull(db_);
  EXPECT_EQ(peer.Query("SELECT id, a FROM item ORDER BY id"), (Lines{"a|1", "b|2", "c|3", "f|5"}));
  EXPECT_EQ(peer.DigestHex(), db_.DigestHex());
}

// What was known of the key from before stands under the key; what the log says of its
// return says no key, and there is no row any more that would.
TEST_F(NewRows, ThatWentBeforeTheFoldForgetNoEarlierDelete) {
  db_.Exec("INSERT INTO item VALUES('a', 1, 1), ('b', 2, 2)");
  db_.Exec("DELETE FROM item WHERE id = 'a'");
  FoldNow();
  db_.Exec("INSERT INTO item VALUES('a', 1, 3)");
  db_.Exec("REPLACE INTO item VALUES('a', 1, 4)");
  db_.Exec("DELETE FROM item WHERE id = 'a'");
  FoldNow();
  const RowState state = StateOf("a");
  EXPECT_EQ(state.incarnations.size(), 2u);
  EXPECT_FALSE(IsPresent(state, {}));
  EXPECT_EQ(db_.One("SELECT count(*) FROM rejoin__meta WHERE name = 'lost_keys'"), "0");
  ExpectWhole();
}

// The delete that says where the row went is not in the log yet.
TEST_F(NewRows, ThatAnOpenTransactionDeletesForgetNoEarlierDelete) {
  db_.Exec("INSERT INTO item VALUES('a', 1, 1), ('b', 2, 2)");
  db_.Exec("DELETE FROM item WHERE id = 'a'");
  FoldNow();
  db_.Exec("INSERT INTO item VALUES('a', 1, 3)");
  db_.Exec("BEGIN; DELETE FROM item WHERE id = 'a'");
  FoldNow();
  db_.Exec("COMMIT");
  EXPECT_EQ(db_.One("SELECT count(*) FROM rejoin__meta WHERE name = 'lost_keys'"), "1");
  FoldNow();
  const RowState state = StateOf("a");
  EXPECT_EQ(state.incarnations.size(), 2u);
  EXPECT_FALSE(IsPresent(state, {}));
  db_.Exec("INSERT INTO item VALUES('a', 1, 5)");
  db_.Exec("REPLACE INTO item VALUES('a', 1, 6)");
  FoldNow();
  EXPECT_EQ(StateOf("a").incarnations.size(), 3u);
  EXPECT_TRUE(IsPresent(StateOf("a"), {}));
  ExpectWhole();
}

// Rowids say nothing after VACUUM, where SQLite gives other ones.
TEST_F(NewRows, WithOtherRowidsAreFoundByTheScan) {
  TestDatabase peer(2);
  peer.Exec("CREATE TABLE item(id TEXT PRIMARY KEY NOT NULL, mail UNIQUE, a)");
  peer.Track("item");
  db_.Exec("INSERT INTO item VALUES('a', 1, 1)");
  peer.Pull(db_);
  db_.Exec("INSERT INTO item VALUES('b', 2, 2), ('c', 3, 3)");
  ASSERT_FALSE(db_.Delta().empty());  // folds
  db_.Exec("CREATE TABLE made_anew(id TEXT PRIMARY KEY NOT NULL, mail UNIQUE, a);"
           "INSERT INTO made_anew(rowid, id, mail, a) SELECT 100 - rowid, id, mail, a FROM item;"
           "DROP TABLE item; ALTER TABLE made_anew RENAME TO item");
  peer.Pull(db_);
  EXPECT_EQ(peer.Query("SELECT id FROM item ORDER BY id"), (Lines{"a", "b", "c"}));
  EXPECT_EQ(peer.DigestHex(), db_.DigestHex());
}

// Of new rows with the keys 'a', 'b', ...
Bytes BodyOfNewRows(const std::vector<std::int64_t>& rowids) {
  LogBodyWriter writer;
  ChangeView change;
  change.has_rowid = change.has_key = change.key_hashed = true;
  change.table = 1;
  change.version = 1;
  for (std::size_t i = 0; i < rowids.size(); ++i) {
    const Key key = K(std::string(1, static_cast<char>('a' + i)));
    change.rowid = rowids[i];
    change.key = key;
    writer.Add(change);
  }
  return writer.Take(Rank::kWritten, {}, false);
}

TEST(LogBody, IsWhatTheDocumentShows) { EXPECT_EQ(HexOf(BodyOfNewRows({4, 5})), Documented("log")); }

TEST(LogBody, OfNewRowsHasHashesInPlaceOfKeys) {
  const std::vector<std::int64_t> rowids = {4, 5, 9};
  Bytes body = BodyOfNewRows(rowids);
  LogRecord record;
  ASSERT_TRUE(DecodeLogBody(body, record));
  ASSERT_EQ(record.changes.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(record.changes[i].kind, ChangeKind::kInsert);
    EXPECT_EQ(record.changes[i].rowid, rowids[i]);
    EXPECT_EQ(record.changes[i].key_hash, KeyHash(K(std::string(1, static_cast<char>('a' + i)))));
    EXPECT_EQ(record.changes[i].key, Key());
  }
  // No other change is logged like that; and nothing may be cut off.
  for (std::size_t size = 5; size < body.size(); ++size) {
    LogRecord cut;
    EXPECT_FALSE(DecodeLogBody(ByteView(body).substr(0, size), cut)) << size;
  }
  const std::size_t tag_at = 4;
  ASSERT_EQ(static_cast<std::uint8_t>(body[tag_at]), 1 | 8 | 32 | 128);
  for (const int tag : {2 | 8 | 32 | 128, 3 | 8 | 32 | 128, 1 | 32 | 128, 1 | 8 | 16 | 32 | 128}) {
    body[tag_at] = static_cast<char>(tag);
    LogRecord damaged;
    EXPECT_FALSE(DecodeLogBody(body, damaged)) << tag;
  }
}

// As a run they would have columns and no values.
TEST(LogBody, OfDeletesHasNoRuns) {
  LogBodyWriter writer;
  ChangeView change;
  change.kind = ChangeKind::kUpdate;
  change.has_rowid = true;
  change.table = 1;
  change.version = 1;
  change.rowid = change.old_rowid = 4;
  const std::vector<ColumnId> columns = {0};
  change.columns = &columns;
  writer.Add(change);
  Bytes body = writer.Take(Rank::kWritten, {}, false);
  const std::size_t tag_at = 4;
  ASSERT_EQ(static_cast<std::uint8_t>(body[tag_at]), 2 | 8 | 128);
  LogRecord record;
  ASSERT_TRUE(DecodeLogBody(body, record));
  for (const int tag : {3 | 8 | 128, 2 | 128, 2 | 8 | 16 | 128, 2 | 8 | 64 | 128}) {
    body[tag_at] = static_cast<char>(tag);
    LogRecord damaged;
    EXPECT_FALSE(DecodeLogBody(body, damaged)) << tag;
  }
}

// --- Rows that a statement of many rows displaces ----------------------------------

class DisplacedAmongMany : public NewRows {
 protected:
  DisplacedAmongMany() {
    db_.Exec(std::string(kMany) + "INSERT INTO item SELECT 'k' || i, i, 'old' FROM n");
    log_ = std::make_unique<LogReader>(db_);
  }
  static std::size_t Count(const Lines& lines, const std::string& what) {
    return static_cast<std::size_t>(std::count_if(lines.begin(), lines.end(), [&what](const std::string& line) {
      return line.find(what) != std::string::npos;
    }));
  }

  std::unique_ptr<LogReader> log_;
};

TEST_F(DisplacedAmongMany, ByReplaceAreAllKnown) {
  const Lines lines = log_->After(std::string(kMany) + "REPLACE INTO item SELECT 'k' || i, i, 'new' FROM n");
  EXPECT_EQ(Count(lines, "@"), 1000u) << "each with the rowid that it had";
  ExpectWhole();
}

TEST_F(DisplacedAmongMany, ByReplaceAfterAPlainStatement) {
  const Lines lines = log_->AfterAll(std::string(kMany) + "INSERT INTO item SELECT 'n' || i, -i, 0 FROM n; " + kMany +
                                     "REPLACE INTO item SELECT 'k' || i, i, 'new' FROM n");
  EXPECT_EQ(Count(lines, "@"), 1000u);
  ExpectWhole();
}

TEST_F(DisplacedAmongMany, ByATriggerInThePlainStatement) {
  for (const char* const temp : {"", "TEMP "}) {
    db_.Exec(std::string("CREATE ") + temp + "TRIGGER again AFTER INSERT ON item WHEN NEW.id LIKE 'n%' BEGIN "
             "INSERT OR replace INTO item VALUES('k' || (0 - NEW.mail), 0 - NEW.mail, 'by trigger'); END");
    const Lines lines = log_->After(std::string(kMany) + "INSERT INTO item SELECT 'n' || i, -i, 0 FROM n");
    EXPECT_EQ(Count(lines, "@"), 1000u) << temp;
    db_.Exec("DROP TRIGGER again; DELETE FROM item WHERE id LIKE 'n%'");
    log_->News();
  }
  ExpectWhole();
}

TEST_F(DisplacedAmongMany, ByATriggerThatWasMadeAgainAfterARollback) {
  const auto trigger = [](const char* verb) {
    return std::string("CREATE TRIGGER again AFTER INSERT ON item WHEN NEW.id LIKE 'n%' BEGIN ") + verb +
           " INTO item VALUES('k' || (0 - NEW.mail), 0 - NEW.mail, 'by trigger'); END; ";
  };
  const std::string plain = std::string(kMany) + "INSERT INTO item SELECT 'n' || i, -i, 0 FROM n; ";
  db_.Exec("BEGIN; " + trigger("INSERT OR IGNORE") + plain + "ROLLBACK");
  const Lines lines = log_->After("BEGIN; " + trigger("REPLACE") + plain + "COMMIT");
  EXPECT_EQ(Count(lines, "@"), 1000u);
  ExpectWhole();
}

TEST_F(DisplacedAmongMany, ByAConstraintThatReplaces) {
  TestDatabase db(3);
  db.Exec("CREATE TABLE item(id TEXT PRIMARY KEY ON CONFLICT REPLACE, a)");
  db.Track("item");
  db.Exec(std::string(kMany) + "INSERT INTO item SELECT 'k' || i, 'old' FROM n");
  LogReader log(db);
  EXPECT_EQ(Count(log.After(std::string(kMany) + "INSERT INTO item SELECT 'k' || i, 'new' FROM n"), "@"), 1000u);
}

// A statement within another one, which a function of the application runs.
TEST_F(DisplacedAmongMany, ByReplaceAroundAPlainStatement) {
  static TestDatabase* inner = nullptr;
  inner = &db_;
  sqlite3_create_function(db_.db, "nested", 1, SQLITE_UTF8, nullptr,
                          [](sqlite3_context* context, int, sqlite3_value** values) {
                            const std::string i = std::to_string(sqlite3_value_int(values[0]));
                            EXPECT_EQ(inner->Try("INSERT INTO item VALUES('x" + i + "', 'x" + i + "', 0), ('y" + i +
                                                 "', 'y" + i + "', 0), ('z" + i + "', 'z" + i + "', 0)"),
                                      SQLITE_OK) << inner->error;
                            sqlite3_result_int(context, 0);
                          },
                          nullptr, nullptr);
  const Lines lines = log_->After(std::string(kMany) + "REPLACE INTO item SELECT 'k' || i, i, nested(i) FROM n");
  EXPECT_EQ(Count(lines, "@"), 1000u);
  ExpectWhole();
}

}  // namespace
}  // namespace rejoin::testing
