#include "store/sqlite/row_batch.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>

#include "crdt/row_check.h"
#include "store/sqlite/large_rows.h"
#include "tests/crdt/generators.h"
#include "tests/crdt/without_state.h"

namespace rejoin {
namespace {

// Short ones, so that one is the beginning of another, with zeros at the end.
rc::Gen<Bytes> AnyKey() {
  return rc::gen::container<Bytes>(rc::gen::element('\0', '\1', 'a', '\xff'));
}

struct AnyRow {
  bool inserted = false;
  RowDelta row;
};

AnyRow MakeRow(const Key& key, const std::vector<Incarnation>& inserts) {
  AnyRow made{*Within(0, 3) != 0, {key, {}}};
  if (made.inserted) {
    made.row.state.incarnations = {inserts[*Within<std::size_t>(0, inserts.size())]};
    for (Cell& cell : made.row.state.incarnations[0].cells) cell.value = *rc::gen::arbitrary<Value>();
  } else {
    made.row.state = *rc::gen::arbitrary<RowState>();
  }
  return made;
}

// Adds the row from memory that is overwritten afterwards.
void AddInserted(RowBatch& batch, const RowDelta& row) {
  RowDelta copy = row;
  batch.Add(WithoutState(copy).row());
  copy.key.assign(copy.key.size(), '?');
  for (Cell& cell : copy.state.incarnations[0].cells) cell.value.bytes.assign(cell.value.bytes.size(), '?');
}

RowDelta AsDelta(RowDelta&& row) { return std::move(row); }
RowDelta AsDelta(const InsertedRow& row) { return RowDeltaOf(row); }

std::vector<RowDelta> RowsOf(RowBatch& batch) {
  std::vector<RowDelta> rows;
  const Status all = batch.ForEach([&rows](auto&& row) -> Status {
    rows.push_back(AsDelta(std::forward<decltype(row)>(row)));
    return {};
  });
  EXPECT_TRUE(all);
  return rows;
}

RC_GTEST_PROP(RowBatch, GivesBackWhatWasAddedInTheOrderOfKeys, ()) {
  std::vector<Incarnation> inserts(3);
  for (Incarnation& insert : inserts) {
    insert.birth = *rc::gen::arbitrary<Stamp>();
    for (ColumnId column = 0; column < kPoolColumns; ++column) {
      if (*Anything<bool>()) insert.cells.push_back({column, insert.birth, {}});
    }
  }
  RowBatch batch;
  // It is used again and again.
  for (int round = 0; round < 3; ++round) {
    const auto keys = *rc::gen::unique<std::vector<Key>>(AnyKey());
    std::vector<RowDelta> as_added;
    std::map<Key, RowDelta> by_key;
    for (const Key& key : keys) {
      AnyRow any = MakeRow(key, inserts);
      as_added.push_back(any.row);
      by_key.emplace(key, any.row);
      if (any.inserted) {
        AddInserted(batch, any.row);
      } else {
        batch.Add(std::move(any.row));
      }
    }
    RC_ASSERT(batch.size() == keys.size());
    const bool sort = *Anything<bool>();
    if (sort) {
      as_added.clear();
      for (auto& [key, row] : by_key) as_added.push_back(row);
      batch.SortByKey();
    }
    RC_ASSERT(RowsOf(batch) == as_added);
    batch.Clear();
    RC_ASSERT(batch.empty());
  }
}

TEST(RowBatch, HoldsValuesLargerThanItsChunks) {
  const Bytes large(200'000, 'x');
  const std::vector<ColumnId> columns = {0, 1};
  const std::vector<ValueView> values = {{ValueType::kText, 0, "small"}, {ValueType::kBlob, 0, large}};
  RowBatch batch;
  for (const char* const key : {"b", "a"}) batch.Add(InsertedRow{key, {}, columns, values});
  batch.SortByKey();
  const std::vector<RowDelta> rows = RowsOf(batch);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].key, "a");
  EXPECT_EQ(rows[1].state.incarnations.at(0).cells.at(0).value, Value::Text("small"));
  EXPECT_EQ(rows[1].state.incarnations.at(0).cells.at(1).value, Value::Blob(large));
}

TEST(RowBatch, StopsWhereATakerFails) {
  RowBatch batch;
  for (const char* const key : {"a", "b", "c"}) batch.Add(InsertedRow{key, {}, {}, {}});
  int taken = 0;
  const Status status = batch.ForEach([&taken](const auto&) -> Status {
    if (++taken == 2) return Fail(Code::kLimit, "enough");
    return {};
  });
  EXPECT_FALSE(status);
  EXPECT_EQ(taken, 2);
}

// Which takes the long way round where anything is.
RC_GTEST_PROP(LargeRows, AreFoundWithoutARowState, ()) {
  Limits limits;
  limits.max_cell_bytes = *Within<std::uint64_t>(0, 12);
  const Key key = EncodeKey({Value::Blob(*AnyBytes())});
  const auto cells = *rc::gen::arbitrary<std::vector<Value>>();
  std::vector<ColumnId> columns;
  for (ColumnId column = 0; column < cells.size(); ++column) columns.push_back(column);
  const std::vector<ValueView> values(cells.begin(), cells.end());
  const InsertedRow row{key, {}, columns, values};
  const bool expected = FindLarge(limits, key, RowDeltaOf(row).state) != Large::kNothing;
  RC_ASSERT(IsAnythingLarge(limits, row) == expected);
}

}  // namespace
}  // namespace rejoin
