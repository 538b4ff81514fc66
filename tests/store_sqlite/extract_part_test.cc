// First syncs in parts out of a file that is written meanwhile (store/sqlite/scan_point.h).
#include "store/sqlite/scan_point.h"

#include <fstream>
#include <sstream>

#include "store/resume_point.h"
#include "store/sqlite/fold.h"
#include "store/sqlite/log.h"
#include "tests/store_sqlite/part_fixture.h"

namespace rejoin {
namespace {

using testing::TestDatabase;

constexpr char kIndexed[] = "id TEXT PRIMARY KEY NOT NULL, title, qty";
constexpr char kUnique[] = "id TEXT PRIMARY KEY NOT NULL, title, qty UNIQUE";

class ExtractParts : public testing::PartFixture {
 protected:
  // Rows k1..k40, of which some parts have been sent.
  void Begin(TestDatabase& file, const std::string& columns = kIndexed, int parts = 3) {
    MakeTable(file, columns);
    Fill(file, 1, 40);
    for (int i = 0; i < parts; ++i) EXPECT_TRUE(Send(*file.store).partial);
  }
  static void TrimEverything(TestDatabase& file) {
    Engine& engine = *file.engine;
    ASSERT_TRUE(Fold(engine));
    const Limits limits = engine.limits;
    engine.limits.log_min_bytes = engine.limits.log_file_percent = 0;
    EXPECT_TRUE(TrimLog(engine));
    engine.limits = limits;
  }
  ScanPoint PointAt(TestDatabase& file) {
    const auto point = DecodeScanPoint(*hub_->PointOf(*file.store->Replica()));
    EXPECT_TRUE(point);
    return point.value_or(ScanPoint{});
  }
};

// A row that goes to where the scan has been, with cells that nobody wrote again.
TEST_F(ExtractParts, ARowThatMovedBeforeTheScanIsNotMissed) {
  TestDatabase file(1);
  Begin(file);
  file.Exec("BEGIN; DELETE FROM t WHERE id = 'k35';"
            "INSERT INTO t(rowid, id, title, qty) VALUES(-5, 'k35', 'a title', 1); COMMIT");
  file.Exec("UPDATE t SET rowid = -6 WHERE id = 'k36'");
  SendAll(*file.store);
  ExpectHubHasAllOf(*file.store);
}

TEST_F(ExtractParts, ARowThatIsMadeAgainBehindTheScanIsNotMissed) {
  TestDatabase file(1);
  MakeTable(file, kIndexed);
  Fill(file, 1, 40);
  file.Exec("DELETE FROM t WHERE id >= 'k30'");
  // Into those that are not in the table.
  do {
    ASSERT_TRUE(Send(*file.store).partial);
  } while (PointAt(file).place.in_table);
  file.Exec("INSERT INTO t(rowid, id, title) VALUES(-7, 'k39', 'again')");
  SendAll(*file.store);
  ExpectHubHasAllOf(*file.store);
}

// Nobody wrote it: what hid it went away, which no stamp tells.
TEST_F(ExtractParts, ARowThatIsShownAgainIsNotMissed) {
  TestDatabase file(1);
  TestDatabase other(2);
  MakeTable(file, kUnique);
  MakeTable(other, kUnique);
  Fill(file, 1, 40);
  other.Exec("INSERT INTO t VALUES('z', 'first', 7)");
  other.clock.Advance(100'000);
  BytesSink sink(kTestDeltaMaxBytes);
  ASSERT_TRUE(other.store->ExtractSince({}, sink));
  const Bytes delta = sink.Take();
  ViewSource source(delta);
  ASSERT_TRUE(file.store->Merge(source));
  ASSERT_EQ(file.One("SELECT count(*) FROM rejoin__hidden"), "1");
  while (!Send(*file.store).partial || PointAt(file).place.in_table) {
  }
  file.Exec("DELETE FROM t WHERE qty = 7");
  SendAll(*file.store);
  EXPECT_EQ(file.One("SELECT count(*) FROM rejoin__hidden"), "0");
  ExpectHubHasAllOf(*file.store);
}

TEST_F(ExtractParts, VacuumBetweenPartsLosesNothing) {
  TestDatabase file(1);
  MakeTable(file, kIndexed);
  Fill(file, 1, 60);
  file.Exec("DELETE FROM t WHERE qty BETWEEN 1 AND 20");
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Send(*file.store).partial);
  file.Exec("VACUUM");
  SendAll(*file.store);
  ExpectHubHasAllOf(*file.store);
}

TEST_F(ExtractParts, AMigrationBetweenPartsLosesNothing) {
  TestDatabase file(1);
  Begin(file);
  file.Exec("CREATE TABLE new(id TEXT PRIMARY KEY NOT NULL, title, qty, more);"
            "INSERT INTO new SELECT id, title, qty, NULL FROM t ORDER BY id DESC; DROP TABLE t;"
            "ALTER TABLE new RENAME TO t");
  SendAll(*file.store);
  ExpectHubHasAllOf(*file.store);
}

TEST_F(ExtractParts, AScanGoesOnAfterTheFileWasOpenedAgain) {
  const testing::ScratchFolder folder;
  const std::string path = folder.File("a.db");
  std::optional<TestDatabase> file;
  file.emplace(1, path);
  Begin(*file);
  const ScanPoint before = PointAt(*file);
  file.emplace(2, path);
  EXPECT_TRUE(Send(*file->store).partial);
  EXPECT_EQ(PointAt(*file).start.position, before.start.position);
  EXPECT_GT(PointAt(*file).place.rowid, before.place.rowid);
  SendAll(*file->store);
  ExpectHubHasAllOf(*file->store);
}

// A backup that came back, sidecar and all: at the positions of the log that the scan had
// looked at there are other moves now.
TEST_F(ExtractParts, APointOfAFutureThatIsGoneIsNotBelieved) {
  const testing::ScratchFolder folder;
  const std::string path = folder.File("a.db");
  const std::string copy = folder.File("copy.db");
  std::optional<TestDatabase> file;
  file.emplace(1, path);
  Begin(*file);
  file.reset();
  for (const char* beside : {"", "-rejoin"}) std::filesystem::copy_file(path + beside, copy + beside);
  file.emplace(2, path);
  file->Exec("UPDATE t SET rowid = 1000 WHERE rowid = 1");
  ASSERT_TRUE(Send(*file->store).partial);
  file.reset();
  for (const char* beside : {"", "-rejoin"}) {
    std::filesystem::copy_file(copy + beside, path + beside,
                               std::filesystem::copy_options::overwrite_existing);
  }
  file.emplace(3, path);
  file->Exec("UPDATE t SET rowid = -rowid WHERE rowid > 30");
  SendAll(*file->store);
  ExpectHubHasAllOf(*file->store);
}

TEST_F(ExtractParts, WhatALogThatWasCutCannotTellIsScannedAgain) {
  TestDatabase file(1);
  Begin(file);
  file.Exec("UPDATE t SET rowid = -6 WHERE id = 'k36'");
  TrimEverything(file);
  EXPECT_TRUE(Send(*file.store).partial);
  EXPECT_EQ(PointAt(file).begun_again, 1u);
  SendAll(*file.store);
  ExpectHubHasAllOf(*file.store);
}

// Somebody writes more between two parts than the log keeps, for ever.
TEST_F(ExtractParts, AScanThatNeverGetsOnComesWholeInTheEnd) {
  TestDatabase file(1);
  Begin(file);
  std::size_t parts = 0;
  for (bool more = true; more; ++parts) {
    ASSERT_LT(parts, 20u) << "it does not end";
    file.Exec("UPDATE t SET qty = qty + 1 WHERE id = 'k1'");
    TrimEverything(file);
    more = Send(*file.store).more;
  }
  EXPECT_EQ(parts, kMaxBegunAgain + 1);
  ExpectHubHasAllOf(*file.store);
}

TEST_F(ExtractParts, AScanEndsThoughSomebodyAppends) {
  TestDatabase file(1);
  Begin(file);
  int next = 100;
  std::size_t parts = 0;
  for (bool partial = true; partial; ++parts) {
    ASSERT_LT(parts, 40u) << "it does not end";
    Fill(file, next, next + 19);  // more than a part takes
    next += 20;
    partial = Send(*file.store).partial;
  }
  SendAll(*file.store);
  ExpectHubHasAllOf(*file.store);
}

// What came since follows by the log, and nothing is told twice.
TEST_F(ExtractParts, WhatChangedMeanwhileComesOnceByTheLog) {
  TestDatabase file(1);
  Begin(file);
  Fill(file, 50, 59);
  std::uint64_t rows = 0;
  PartReport part;
  do {
    part = Send(*file.store);
    rows += part.rows;
  } while (part.partial);
  EXPECT_TRUE(part.more);
  EXPECT_LT(rows, 40u) << "of those that were there";
  EXPECT_TRUE(hub_->Vector()->Covers(part.end));
  EXPECT_FALSE(hub_->Vector()->Covers(*file.store->Vector()));
  part = Send(*file.store);
  EXPECT_EQ(part.rows, 10u);
  EXPECT_FALSE(part.more);
  ExpectHubHasAllOf(*file.store);
}

TEST_F(ExtractParts, AMergeOfManyRowsBetweenPartsDoesNotBeginTheScanAgain) {
  TestDatabase file(1);
  TestDatabase other(2);
  Begin(file);
  MakeTable(other, kIndexed);
  other.Exec("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) "
             "INSERT INTO t SELECT printf('%0400d', i), 'other', i FROM n");
  BytesSink sink(kTestDeltaMaxBytes);
  ASSERT_TRUE(other.store->ExtractSince({}, sink));
  const Bytes delta = sink.Take();
  ViewSource source(delta);
  ASSERT_TRUE(file.store->Merge(source));
  EXPECT_TRUE(Send(*file.store).partial);
  EXPECT_EQ(PointAt(file).begun_again, 0u);
  SendAll(*file.store, std::size_t{1} << 20);
  ExpectHubHasAllOf(*file.store);
}

// Nor does it hide a row that it brought back to life from where the scan had yet to come.
TEST_F(ExtractParts, ARowThatAMergeOfManyMovedIsNotMissed) {
  TestDatabase file(1);
  TestDatabase other(2);
  MakeTable(file, kIndexed);
  MakeTable(other, kIndexed);
  Fill(file, 1, 40);
  other.Pull(file);
  file.Exec("DELETE FROM t WHERE id >= 'k30'");
  do {
    ASSERT_TRUE(Send(*file.store).partial);
  } while (PointAt(file).place.in_table);
  other.Exec("UPDATE t SET qty = 1000 WHERE id = 'k39'");
  other.Exec("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) "
             "INSERT INTO t SELECT printf('%0400d', i), 'other', i FROM n");
  file.Pull(other);
  ASSERT_EQ(file.One("SELECT qty FROM t WHERE id = 'k39'"), "1000");
  EXPECT_TRUE(Send(*file.store).partial);
  EXPECT_EQ(PointAt(file).begun_again, 0u);
  SendAll(*file.store, std::size_t{1} << 20);
  ExpectHubHasAllOf(*file.store);
}

TEST_F(ExtractParts, APartLooksAtSoManyRowsAtMost) {
  TestDatabase file(1);
  MakeTable(file, kIndexed);
  Fill(file, 1, 40);
  file.engine->limits.part_rows = 7;
  EXPECT_EQ(Send(*file.store, std::size_t{1} << 20).rows, 7u);
  // Even where the peer lacks none of them.
  const auto nothing = NextPart(*file.store, {}, *file.store->Vector(), kTinyPart);
  ASSERT_TRUE(nothing);
  EXPECT_TRUE(nothing->report.nothing);
  SendAll(*file.store);
  ExpectHubHasAllOf(*file.store);
}

TEST_F(ExtractParts, AKeyTooLongForAPointIsNoPlaceToStop) {
  TestDatabase file(1);
  file.Exec("CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL, title, qty) WITHOUT ROWID");
  file.Track("t");
  for (int i = 0; i < 12; ++i) {
    file.Exec("INSERT INTO t VALUES(printf('%070000d', " + std::to_string(i) + "), 'long', 1)");
  }
  Fill(file, 1, 20);
  SendAll(*file.store);
  ExpectHubHasAllOf(*file.store);
}

TEST(ScanPoints, ComeBackAsTheyWere) {
  ScanPoint point;
  point.start = {0x1122334455667788, 300, 5};
  point.seen = {0x1122334455667788, 302, 6};
  point.layout = 7;
  point.begun_again = 2;
  ReplicaId id;
  id.bytes[15] = 1;
  point.vector.Set(id, {77});
  point.table = 3;
  point.place.in_table = true;
  point.place.rowid = -9;
  point.place.last_rowid = std::numeric_limits<std::int64_t>::max();
  EXPECT_TRUE(DecodeScanPoint(EncodeScanPoint(point)) == point);
  point.place = {};
  EXPECT_TRUE(DecodeScanPoint(EncodeScanPoint(point)) == point);
  point.place.key = Key(kMaxPlaceKeyBytes, 'k');
  point.place.last_key = Key(kMaxPlaceKeyBytes, 'l');
  for (std::uint64_t i = 0; i < kMaxScanVectorEntries - 1; ++i) {
    std::memcpy(id.bytes.data(), &i, sizeof(i));
    point.vector.Set(id, {i + 1});
  }
  EXPECT_TRUE(DecodeScanPoint(EncodeScanPoint(point)) == point);
  EXPECT_LE(EncodeScanPoint(point).size(), kMaxResumePointBytes);
}

// A block of docs/protocol.md: lines of "hex | meaning".
Bytes Shown(const std::string& block) {
  std::ifstream document(REJOIN_SOURCE_DIR "/docs/protocol.md");
  std::string line;
  while (std::getline(document, line) && line != "```" + block) {
  }
  Bytes shown;
  while (std::getline(document, line) && line != "```") {
    std::istringstream bytes(line.substr(0, line.find('|')));
    std::string byte;
    while (bytes >> byte) shown.push_back(static_cast<char>(std::stoi(byte, nullptr, 16)));
  }
  return shown;
}

std::string Hex(ByteView bytes) {
  std::string hex;
  for (const char byte : bytes) {
    constexpr const char* kDigits = "0123456789abcdef";
    hex += kDigits[static_cast<std::uint8_t>(byte) >> 4];
    hex += kDigits[static_cast<std::uint8_t>(byte) & 15];
  }
  return hex;
}

TEST(ScanPoints, HaveTheBytesOfTheirDocument) {
  ScanPoint point;
  point.start = {0x1122334455667788, 300, 5};
  point.seen = {0x1122334455667788, 302, 6};
  point.layout = 7;
  ReplicaId id;
  id.bytes[15] = 1;
  point.vector.Set(id, HybridTimestamp{(std::uint64_t{1'700'000'000'000} << 16) | 2});
  point.table = 3;
  point.place.in_table = true;
  point.place.rowid = 40;
  point.place.last_rowid = 1000;
  EXPECT_EQ(Hex(Shown("scan")), Hex(EncodeScanPoint(point)));
  EXPECT_EQ(Hex(Shown("position")), Hex(EncodeResumePoint(point.start)));
}

}  // namespace
}  // namespace rejoin
