// Reading deltas out: the log and the full scan tell the same, a cursor is known,
// unknown or trimmed, and nothing is read or kept that need not be.
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "crdt/delta_format.h"
#include "store/sqlite/extract.h"
#include "store/sqlite/large_rows.h"
#include "store/sqlite/log.h"
#include "tests/store_sqlite/hand_made.h"

namespace rejoin::testing {
namespace {

constexpr char kTables[] =
    "CREATE TABLE r(id INTEGER PRIMARY KEY, a, b TEXT);"
    "CREATE TABLE x(id TEXT PRIMARY KEY NOT NULL, a, b TEXT);"
    "CREATE TABLE w(id TEXT NOT NULL, part INTEGER NOT NULL, a, b TEXT, PRIMARY KEY(id, part)) "
    "WITHOUT ROWID";

struct Decoded {
  DeltaHeader header;
  std::map<std::pair<std::string, Key>, RowState> rows;
  std::size_t blocks = 0;
};

Decoded Decode(const Bytes& bytes) {
  Decoded decoded;
  ViewSource source(bytes);
  DeltaReader reader(source);
  const auto header = reader.Begin();
  EXPECT_TRUE(header) << header.error().message;
  decoded.header = header.value_or(DeltaHeader{});
  for (;;) {
    auto block = reader.NextBlock();
    EXPECT_TRUE(block) << block.error().message;
    if (!block || !*block) return decoded;
    ++decoded.blocks;
    for (RowDelta& row : (*block)->rows) {
      const auto place = std::make_pair(reader.tables()[(*block)->table].name, row.key);
      EXPECT_TRUE(decoded.rows.emplace(place, std::move(row.state)).second) << "a key came twice";
    }
  }
}

// A database with a history, and some of the vectors and cursors it had.
class History {
 public:
  explicit History(std::uint64_t seed) : random_(seed), db_(seed), other_(seed + 1'000'000) {
    for (TestDatabase* db : {&db_, &other_}) {
      db->Exec(kTables);
      for (const char* table : {"r", "x", "w"}) db->Track(table);
    }
  }

  TestDatabase& db() { return db_; }

  void Step() {
    db_.clock.Advance(Below(3));
    other_.clock.Advance(Below(3));
    if (Below(8) == 0) {
      other_.Pull(db_);
      db_.Pull(other_);
    }
    Write(Below(3) == 0 ? other_ : db_);
  }

  void Write(TestDatabase& db) {
    const std::string n = std::to_string(Below(12));
    const std::string value = std::to_string(random_() % 1000);
    const char* const table = Below(2) == 0 ? "r" : Below(2) == 0 ? "x" : "w";
    const std::string name(table);
    const std::string key = name == "r" ? n : name == "x" ? "'" + n + "'" : "'" + n + "', 7";
    switch (Below(5)) {
      case 0: return db.Exec("DELETE FROM " + name + " WHERE id = '" + n + "'");
      case 1: return db.Exec("UPDATE " + name + " SET b = 'n" + value + "' WHERE id > '" + n + "'");
      case 2: return db.Exec("REPLACE INTO " + name + " VALUES(" + key + "," + value + ", 'x')");
      default:
        return db.Exec("INSERT INTO " + name + " VALUES(" + key + "," + value +
                       ", 'x') ON CONFLICT DO UPDATE SET a = " + value);
    }
  }

  int Below(int bound) { return static_cast<int>(random_() % static_cast<unsigned>(bound)); }

 private:
  std::mt19937_64 random_;
  TestDatabase db_;
  TestDatabase other_;
};

Cursor HeadOf(TestDatabase& db) {
  const auto head = ReadLogHead(*db.engine);
  EXPECT_TRUE(head);
  return head->cursor;
}

Result<ExtractReport> FromCursor(TestDatabase& db, const Cursor& cursor, Bytes& bytes) {
  BytesSink sink(std::size_t{1} << 30);
  const auto report = db.store->ExtractFrom(cursor, sink);
  bytes = sink.Take();
  return report;
}

// With no room for keys the log cannot be used.
Bytes ScannedDelta(TestDatabase& db, const VersionVector& since) {
  const std::size_t limit = std::exchange(db.engine->limits.listed_keys_bytes, 0);
  const Bytes delta = db.Delta(since);
  db.engine->limits.listed_keys_bytes = limit;
  return delta;
}

TEST(Extract, ByLogByScanAndByCursorTellTheSame) {
  for (std::uint64_t seed = 1; seed <= 25; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    History history(seed);
    TestDatabase& db = history.db();
    std::vector<std::pair<VersionVector, Cursor>> known;
    for (int i = 0; i < 50; ++i) {
      history.Step();
      if (history.Below(6) != 0) continue;
      known.emplace_back(db.store->Vector().value_or(VersionVector()), HeadOf(db));
    }
    for (const auto& [vector, cursor] : known) {
      const Decoded by_log = Decode(db.Delta(vector));
      const Decoded by_scan = Decode(ScannedDelta(db, vector));
      Bytes bytes;
      const auto report = FromCursor(db, cursor, bytes);
      ASSERT_TRUE(report) << report.error().message;
      const Decoded by_cursor = Decode(bytes);
      ASSERT_EQ(by_log.rows, by_scan.rows);
      ASSERT_EQ(by_cursor.rows, by_scan.rows);
      EXPECT_EQ(by_log.header.start, vector);
      EXPECT_EQ(by_cursor.header.start, vector);
      EXPECT_EQ(by_cursor.header.end, db.store->Vector().value());
      EXPECT_EQ(report->end, HeadOf(db));
      EXPECT_EQ(report->rows, by_scan.rows.size());
    }
  }
}

TEST(Extract, EverythingAndTheRestJoinToTheSameState) {
  History history(77);
  TestDatabase& db = history.db();
  for (int i = 0; i < 40; ++i) history.Step();
  const VersionVector middle = db.store->Vector().value_or(VersionVector());
  Decoded joined = Decode(db.Delta());
  for (int i = 0; i < 40; ++i) history.Step();
  for (const auto& [place, state] : Decode(db.Delta(middle)).rows) Join(joined.rows[place], state);
  EXPECT_EQ(joined.rows, Decode(db.Delta()).rows);
}

TEST(Extract, NothingNewIsAnEmptyDelta) {
  TestDatabase db(1);
  db.Exec(kTables);
  db.Track("r");
  db.Exec("INSERT INTO r VALUES(1, 2, 'x')");
  const VersionVector vector = db.store->Vector().value_or(VersionVector());
  EXPECT_TRUE(Decode(db.Delta(vector)).rows.empty());
  Bytes bytes;
  const auto report = FromCursor(db, HeadOf(db), bytes);
  ASSERT_TRUE(report);
  EXPECT_TRUE(Decode(bytes).rows.empty());
}

TEST(Extract, AVectorThatIsAheadElsewhereIsLoweredToWhatIsHere) {
  TestDatabase db(1);
  db.Exec(kTables);
  db.Track("r");
  db.Exec("INSERT INTO r VALUES(1, 2, 'x')");
  VersionVector ahead;
  ahead.Raise(Somebody(9), {500});
  const Decoded decoded = Decode(db.Delta(ahead));
  EXPECT_TRUE(decoded.header.start.empty());
  EXPECT_EQ(decoded.rows.size(), 1u);
}

TEST(Extract, FromAnUnknownOrForeignCursorIsRefused) {
  TestDatabase db(1);
  db.Exec(kTables);
  db.Track("r");
  db.Exec("INSERT INTO r VALUES(1, 2, 'x')");
  const Cursor head = HeadOf(db);
  for (const Cursor& wrong : {Cursor{head.epoch, head.position, head.tag + 1},
                              Cursor{head.epoch + 1, head.position, head.tag},
                              Cursor{head.epoch, head.position + 1, head.tag}}) {
    Bytes bytes;
    const auto report = FromCursor(db, wrong, bytes);
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().code, Code::kNotCovered);
    EXPECT_TRUE(bytes.empty());
  }
  Bytes bytes;
  ASSERT_TRUE(FromCursor(db, Cursor{}, bytes));
  EXPECT_EQ(Decode(bytes).rows.size(), 1u);
}

TEST(Extract, BehindTheTrimmedLogAVectorStillServes) {
  TestDatabase db(1);
  db.Exec(kTables);
  db.Track("r");
  db.Exec("INSERT INTO r VALUES(1, 2, 'x')");
  const Cursor early = HeadOf(db);
  const VersionVector vector = db.store->Vector().value_or(VersionVector());
  for (int i = 2; i < 60; ++i) db.Exec("INSERT INTO r VALUES(" + std::to_string(i) + ", 2, 'x')");
  ASSERT_FALSE(db.Delta(vector).empty());  // folds
  db.engine->limits.log_min_bytes = 100;
  db.engine->limits.log_file_percent = 0;
  ASSERT_TRUE(TrimLog(*db.engine));
  Bytes bytes;
  const auto report = FromCursor(db, early, bytes);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Code::kNotCovered);
  EXPECT_EQ(Decode(db.Delta(vector)).rows.size(), 58u);
}

TEST(Extract, ATransactionThatTheTrimmedLogHasTheEndOfIsSentWhole) {
  TestDatabase db(1);
  db.Exec(kTables);
  db.Track("r");
  db.engine->limits.log_body_bytes = 1;
  db.engine->limits.log_min_bytes = 0;
  db.engine->limits.log_file_percent = 0;
  db.Exec("INSERT INTO r VALUES(1, 2, 'x')");
  const VersionVector vector = db.store->Vector().value_or(VersionVector());
  db.Exec("BEGIN; INSERT INTO r VALUES(2, 2, 'x'); UPDATE r SET a = 3 WHERE id = 1; COMMIT");
  ASSERT_FALSE(db.Delta(vector).empty());  // folds
  ASSERT_TRUE(TrimLog(*db.engine));
  ASSERT_EQ(db.One("SELECT count(*) FROM rejoin__log"), "1");
  EXPECT_EQ(Decode(db.Delta(vector)).rows.size(), 2u);
}

TEST(Extract, KeysInNoOrderStillFillTheirBlocks) {
  TestDatabase db(1);
  db.Exec(kTables);
  db.Track("x");
  db.Exec("INSERT INTO x SELECT hex(randomblob(16)), i, 'some words' FROM (WITH RECURSIVE n(i) AS "
          "(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i FROM n)");
  const Decoded decoded = Decode(db.Delta());
  EXPECT_EQ(decoded.rows.size(), 20000u);
  EXPECT_LE(decoded.blocks, 6u);
}

TEST(Extract, WhatIsTooLargeStaysHereAndIsListed) {
  TestDatabase db(1);
  TestDatabase other(2);
  for (TestDatabase* each : {&db, &other}) {
    each->Exec(kTables);
    each->Track("r");
    each->engine->limits.max_cell_bytes = 100;
  }
  db.Exec("INSERT INTO r VALUES(1, zeroblob(101), 'x'), (2, zeroblob(100), 'y')");
  const Decoded decoded = Decode(db.Delta());
  EXPECT_EQ(decoded.rows.at({"r", K(1)}).incarnations[0].cells.size(), 1u);
  EXPECT_EQ(decoded.rows.at({"r", K(2)}).incarnations[0].cells.size(), 2u);
  EXPECT_EQ(db.One("SELECT count(*) FROM rejoin__hidden WHERE reason = 4"), "1");
  other.Pull(db);
  EXPECT_EQ(db.DigestHex(), other.DigestHex());
}

// Whatever the limit is: the format has one of its own.
TEST(Extract, AKeyThatNoDeltaCarriesHoldsUpNothing) {
  TestDatabase db(1);
  TestDatabase other(2);
  for (TestDatabase* each : {&db, &other}) {
    each->Exec(kTables);
    each->Track("x");
    each->engine->limits.max_cell_bytes = ~std::uint64_t{0};
  }
  db.Exec("INSERT INTO x VALUES(CAST(zeroblob(" + std::to_string(kMaxCellBytes) + ") AS TEXT), 1, 'x'), ('k', 2, 'y')");
  other.Pull(db);
  EXPECT_EQ(other.One("SELECT id FROM x"), "k");
  EXPECT_EQ(db.DigestHex(), other.DigestHex());
  EXPECT_EQ(db.One("SELECT count(*) FROM rejoin__hidden WHERE reason = 4"), "1");
}

// Exactly as much as a delta carries, but for the key.
TEST(Extract, TheKeyCountsTowardsTheSizeOfARow) {
  constexpr std::size_t kCellBytes = kMaxRowBytes / 3 - 8;
  Limits limits;
  limits.max_cell_bytes = kMaxCellBytes;
  RowDelta row{K(1), {}};
  row.state.incarnations.emplace_back();
  for (ColumnId column = 0; column < 3; ++column) {
    row.state.incarnations[0].cells.push_back({column, {}, Value::Blob(Bytes(kCellBytes, 'x'))});
  }
  EXPECT_EQ(FindLarge(limits, row.key, row.state), Large::kRow);
  EXPECT_EQ(FindLarge(limits, Key(), row.state), Large::kNothing);
  const std::vector<ColumnId> columns = {0, 1, 2};
  const std::vector<ValueView> values(3, row.state.incarnations[0].cells[0].value);
  EXPECT_TRUE(IsAnythingLarge(limits, {row.key, {}, columns, values}));
  EXPECT_FALSE(IsAnythingLarge(limits, {ByteView(), {}, columns, values}));
  row.state.incarnations[0].cells[1].value.bytes.resize(kCellBytes - row.key.size());
  EXPECT_EQ(LeaveOutLarge(limits, row), Large::kNothing);
  row.state.incarnations[0].cells[1].value.bytes.push_back('x');
  EXPECT_EQ(LeaveOutLarge(limits, row), Large::kRow);
  ASSERT_EQ(row.state.incarnations[0].cells.size(), 1u);
  EXPECT_EQ(row.state.incarnations[0].cells[0].column, 1u);
}

TEST(Extract, NotesItsOwnStampBeforeTheFirstByte) {
  class CheckingSink : public ByteSink {
   public:
    explicit CheckingSink(TestDatabase& db) : db_(db) {}
    Status Append(ByteView) override {
      if (appended++ == 0) noted = db_.One("SELECT max(time) FROM rejoin__issued");
      return {};
    }
    std::string noted;
    int appended = 0;

   private:
    TestDatabase& db_;
  };
  TestDatabase db(1);
  db.Exec(kTables);
  db.Track("r");
  db.Exec("INSERT INTO r VALUES(1, 2, 'x')");
  CheckingSink sink(db);
  ASSERT_TRUE(db.store->ExtractSince({}, sink));
  EXPECT_EQ(sink.noted, std::to_string(ReadLogHead(*db.engine)->own.value));
  ASSERT_TRUE(db.store->ExtractSince({}, sink));
  EXPECT_EQ(db.One("SELECT count(*) FROM rejoin__issued"), "1");

  db.Exec("INSERT INTO r VALUES(2, 2, 'x')");
  CheckingSink later(db);
  ASSERT_TRUE(db.store->ExtractSince({}, later));
  EXPECT_EQ(later.noted, std::to_string(ReadLogHead(*db.engine)->own.value));
}

TEST(Extract, StreamsWithoutKeepingTheDelta) {
  class CountingSink : public ByteSink {
   public:
    Status Append(ByteView bytes) override {
      largest = std::max(largest, bytes.size());
      total += bytes.size();
      return {};
    }
    std::size_t largest = 0;
    std::size_t total = 0;
  };
  TestDatabase db(1);
  db.Exec(kTables);
  db.Track("x");
  db.Exec("INSERT INTO x SELECT hex(randomblob(8)), randomblob(500), NULL FROM (WITH RECURSIVE n(i) "
          "AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i FROM n)");
  sqlite3_memory_highwater(1);
  const auto before = sqlite3_memory_used();
  CountingSink sink;
  ASSERT_TRUE(db.store->ExtractSince({}, sink));
  EXPECT_GT(sink.total, 9'000'000u);
  EXPECT_LT(sink.largest, 2'000'000u);
  EXPECT_LT(sqlite3_memory_highwater(0) - before, 4'000'000);
}

TEST(Extract, OfARowWhoseMetadataBelongsToAnotherKeyIsRefused) {
  TestDatabase db(1);
  db.Exec(kTables);
  db.Track("x");
  db.Exec("INSERT INTO x(id, a) VALUES('one', 1), ('two', 2)");
  ASSERT_FALSE(db.Delta().empty());
  db.Exec("UPDATE rejoin__hash SET hashes = substr(hashes, 9, 8) || substr(hashes, 1, 8)");
  BytesSink sink(1 << 20);
  const auto extracted = ExtractSinceVector(*db.engine, {}, sink);
  ASSERT_FALSE(extracted);
  EXPECT_EQ(extracted.error().code, Code::kCorrupt);
}

TEST(Digest, IsOfWhatIsReplicatedHoweverItCameAbout) {
  TestDatabase a(1);
  TestDatabase b(2);
  for (TestDatabase* db : {&a, &b}) {
    db->Exec(kTables);
    for (const char* table : {"r", "x", "w"}) db->Track(table);
  }
  a.Exec("INSERT INTO r VALUES(1, 2, 'x'); INSERT INTO x VALUES('k', 1.5, NULL)");
  a.Exec("INSERT INTO w VALUES('k', 1, x'00', 'y')");
  b.Exec("INSERT INTO r VALUES(5, 5, 'gone'); DELETE FROM r WHERE id = 5");
  const std::string alone = a.DigestHex();
  EXPECT_NE(alone, b.DigestHex());
  Exchange(a, b);
  EXPECT_EQ(a.DigestHex(), b.DigestHex());
  EXPECT_EQ(a.DigestHex(), alone) << "what is absent does not count";
  const auto one = a.store->StateDigest("r");
  ASSERT_TRUE(one);
  EXPECT_NE(one->Hex(), a.DigestHex());
}

}  // namespace
}  // namespace rejoin::testing
