// A file whose table was rebuilt without some of its rows gets them back in parts.
#include "tests/store_sqlite/part_fixture.h"

namespace rejoin {
namespace {

using testing::TestDatabase;

class IncompleteFiles : public testing::PartFixture {
 protected:
  // 40 rows that the hub has, too.
  void Begin(TestDatabase& file) {
    MakeTable(file, "id TEXT PRIMARY KEY NOT NULL, title, qty");
    Fill(file, 1, 40);
    SendAll(*file.store);
  }
  static void LoseRows(TestDatabase& file) {
    file.Exec("CREATE TABLE new(id TEXT PRIMARY KEY NOT NULL, title, qty);"
              "INSERT INTO new SELECT * FROM t WHERE qty % 2 = 0; DROP TABLE t;"
              "ALTER TABLE new RENAME TO t");
    EXPECT_TRUE(file.store->Vector()->empty());
  }
  void ExpectWhole(TestDatabase& file, const char* rows = "40") {
    EXPECT_EQ(file.One("SELECT count(*) FROM t"), rows);
    EXPECT_EQ(file.One("SELECT count(*) FROM rejoin__meta WHERE name = 'incomplete'"), "0");
    EXPECT_FALSE(file.store->Vector()->empty());
    SendAll(*file.store);
    ExpectHubHasAllOf(*file.store);
  }
  static Code CodeOf(const Result<MergeReport>& result) {
    return result ? Code::kInternal : result.error().code;
  }
};

TEST_F(IncompleteFiles, GetTheirRowsBackInParts) {
  TestDatabase file(1);
  Begin(file);
  LoseRows(file);
  const auto parts = PullParts(*file.store, *hub_, kTinyPart);
  ASSERT_TRUE(parts) << parts.error().message;
  EXPECT_GT(*parts, 5u);
  ExpectWhole(file);
}

TEST_F(IncompleteFiles, GoOnWhereTheyWere) {
  TestDatabase file(1);
  Begin(file);
  LoseRows(file);
  ASSERT_TRUE(PullParts(*file.store, *hub_, kTinyPart, 3));
  EXPECT_FALSE(file.store->PointOf(*hub_->Replica())->empty());
  EXPECT_TRUE(file.store->Vector()->empty());
  const auto rest = PullParts(*file.store, *hub_, kTinyPart);
  ASSERT_TRUE(rest) << rest.error().message;
  ExpectWhole(file);
}

TEST_F(IncompleteFiles, BeginAnewWhereMoreGoesMissing) {
  TestDatabase file(1);
  Begin(file);
  LoseRows(file);
  ASSERT_TRUE(PullParts(*file.store, *hub_, kTinyPart, 5));
  LoseRows(file);
  EXPECT_TRUE(file.store->PointOf(*hub_->Replica())->empty());
  ASSERT_TRUE(PullParts(*file.store, *hub_, kTinyPart));
  ExpectWhole(file);
}

// It told of less than what it lacks now.
TEST_F(IncompleteFiles, TakeNoAnswerToWhatWasAskedBefore) {
  TestDatabase file(1);
  TestDatabase other(2);
  Begin(file);
  MakeTable(other, "id TEXT PRIMARY KEY NOT NULL, title, qty");
  Fill(other, 50, 80);
  SendAll(*other.store);
  const VersionVector vector = *file.store->Vector();
  const auto first = NextPart(*hub_, {}, vector, kTinyPart);
  const auto whole = NextPart(*hub_, {}, vector, std::size_t{1} << 20);
  const auto nothing = NextPart(*hub_, {}, *hub_->Vector(), kTinyPart);
  ASSERT_TRUE(first && whole && nothing);
  ASSERT_TRUE(first->report.partial && !whole->report.partial && nothing->report.nothing);
  LoseRows(file);
  EXPECT_EQ(CodeOf(TakePart(*file.store, *first)), Code::kNotCovered);
  EXPECT_EQ(CodeOf(TakePart(*file.store, *whole)), Code::kNotCovered);
  EXPECT_TRUE(TakePart(*file.store, *nothing));
  EXPECT_TRUE(file.store->PointOf(*hub_->Replica())->empty());
  ASSERT_TRUE(PullParts(*file.store, *hub_, kTinyPart));
  ExpectWhole(file, "71");
}

TEST_F(IncompleteFiles, HandOutNothing) {
  TestDatabase file(1);
  Begin(file);
  LoseRows(file);
  ASSERT_TRUE(PullParts(*file.store, *hub_, kTinyPart, 3));
  BytesSink sink(kTestDeltaMaxBytes);
  const auto part = file.store->ExtractPart({}, sink);
  ASSERT_FALSE(part);
  EXPECT_EQ(part.error().code, Code::kNotCovered);
  EXPECT_TRUE(sink.Take().empty());
}

}  // namespace
}  // namespace rejoin
