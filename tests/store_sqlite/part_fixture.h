// Files that send what they hold in parts, to another that remembers how far it got.
#pragma once

#include "store/rows/row_store.h"
#include "tests/store/part_exchange.h"
#include "tests/store_sqlite/fixture.h"

namespace rejoin::testing {

class PartFixture : public ::testing::Test {
 protected:
  static constexpr std::size_t kTinyPart = 200;

  void SetUp() override {
    RowStoreOptions options;
    options.random = &random_;
    options.durable = false;
    auto hub = RowStore::Open(":memory:", options);
    ASSERT_TRUE(hub) << hub.error().message;
    hub_ = std::move(*hub);
  }

  void MakeTable(TestDatabase& file, const std::string& columns) {
    file.Exec("CREATE TABLE t(" + columns + ")");
    ASSERT_TRUE(file.store->Track("t", {}));
  }
  // Rows first..last, each in a transaction of its own, as only then each has a stamp.
  void Fill(TestDatabase& file, int first, int last) {
    for (int i = first; i <= last; ++i) {
      file.clock.Advance(10);
      file.Exec("INSERT INTO t VALUES('k" + std::to_string(i) + "', 'a title', " + std::to_string(i) + ")");
    }
  }
  // The next part for the hub; taken at once, if it can be.
  PartReport Send(SyncStore& from, std::size_t target_bytes = kTinyPart) {
    const auto part = NextPartFor(*hub_, from, target_bytes);
    EXPECT_TRUE(part) << part.error().message;
    if (!part) return {};
    const auto taken = TakePart(*hub_, *part);
    EXPECT_TRUE(taken) << taken.error().message;
    return part->report;
  }
  // Until there is nothing more; the number of parts.
  std::size_t SendAll(SyncStore& from, std::size_t target_bytes = kTinyPart) {
    std::size_t parts = 1;
    while (Send(from, target_bytes).more && parts < 1000) ++parts;
    EXPECT_LT(parts, 1000u) << "it does not end";
    return parts;
  }
  static std::string DigestOf(Store& store) {
    const auto digest = store.StateDigest({});
    return digest ? digest->Hex() : digest.error().message;
  }
  // Every row state, what is not shown included; columns have the same numbers in both.
  static std::map<std::pair<std::string, Key>, RowState> StatesOf(Store& store) {
    std::map<std::pair<std::string, Key>, RowState> states;
    BytesSink sink(kTestDeltaMaxBytes);
    EXPECT_TRUE(store.ExtractSince({}, sink));
    const Bytes bytes = sink.Take();
    ViewSource source(bytes);
    const auto delta = ReadDelta(source);
    EXPECT_TRUE(delta);
    if (!delta) return states;
    for (const DeltaBlock& block : delta->blocks) {
      for (const RowDelta& row : block.rows) states[{delta->tables[block.table].name, row.key}] = row.state;
    }
    return states;
  }
  void ExpectHubHasAllOf(SyncStore& store) {
    EXPECT_EQ(DigestOf(*hub_), DigestOf(store));
    EXPECT_TRUE(StatesOf(*hub_) == StatesOf(store));
    EXPECT_TRUE(hub_->Vector()->Covers(*store.Vector()));
  }

  SeededRandom random_{99};
  std::unique_ptr<RowStore> hub_;
};

}  // namespace rejoin::testing
