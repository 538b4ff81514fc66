// A row handed on without a RowState is the same row.
#include "crdt/inserted_row.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "crdt/delta_codec.h"
#include "crdt/delta_format.h"
#include "crdt/digest.h"
#include "crdt/row_check.h"
#include "tests/crdt/generators.h"
#include "tests/crdt/without_state.h"

namespace rejoin {
namespace {

const std::vector<std::string> kNames = {"title", "done", "Zone", "a", "b", "c"};

// Two inserts, so that neighbours share one and do not.
std::vector<Incarnation> SomeInserts() {
  std::vector<Incarnation> inserts(2);
  for (Incarnation& insert : inserts) {
    insert.birth = *rc::gen::arbitrary<Stamp>();
    insert.birth.time = std::max(insert.birth.time, HybridTimestamp{1});
    for (ColumnId column = 0; column < kPoolColumns; ++column) {
      if (*Anything<bool>()) insert.cells.push_back({column, insert.birth, {}});
    }
  }
  return inserts;
}

// Rows in any order, so that a delta has several blocks; some are as one of the inserts left them.
struct SomeRows {
  std::vector<RowDelta> rows;
  std::vector<bool> inserted;
};

SomeRows AnyRows() {
  const std::vector<Incarnation> inserts = SomeInserts();
  SomeRows made;
  const auto keys = *rc::gen::unique<std::vector<Bytes>>(AnyBytes());
  for (const Bytes& key : keys) made.rows.push_back({EncodeKey({Value::Blob(key)}), {}});
  for (RowDelta& row : made.rows) {
    made.inserted.push_back(*Within(0, 4) != 0);
    if (made.inserted.back()) {
      row.state.incarnations = {inserts[*Within<std::size_t>(0, 2)]};
      for (Cell& cell : row.state.incarnations[0].cells) cell.value = *rc::gen::arbitrary<Value>();
    } else {
      row.state = *rc::gen::nonEmpty<RowState>();
    }
  }
  return made;
}

Bytes Written(const SomeRows& some, bool as_inserted) {
  BytesSink sink(std::size_t{1} << 30);
  DeltaWriter writer(sink);
  RC_ASSERT(writer.Begin(DeltaHeader()));
  const Result<std::uint32_t> table = writer.AddTable({"items", {}, 1, kNames});
  RC_ASSERT(table.has_value());
  for (std::size_t i = 0; i < some.rows.size(); ++i) {
    const RowDelta& row = some.rows[i];
    const bool short_way = as_inserted && some.inserted[i];
    RC_ASSERT((short_way ? writer.Add(*table, WithoutState(row).row()) : writer.Add(*table, row)));
  }
  RC_ASSERT(writer.Finish());
  RC_ASSERT(writer.rows_written() == some.rows.size());
  return sink.Take();
}

RC_GTEST_PROP(InsertedRow, IsTheRowWithItsState, ()) {
  const SomeRows some = AnyRows();
  const DeltaTable table{"items", {}, 1, kNames};
  for (std::size_t i = 0; i < some.rows.size(); ++i) {
    if (!some.inserted[i]) continue;
    const RowDelta& row = some.rows[i];
    const WithoutState without(row);
    RC_ASSERT(RowDeltaOf(without.row()) == row);
    const RowSize size = SizeOf(row, table);
    const RowSize size_inserted = SizeOf(without.row(), table);
    RC_ASSERT(size_inserted.parts == size.parts);
    RC_ASSERT(size_inserted.bytes == size.bytes);
    RC_ASSERT(size_inserted.largest_cell_bytes == size.largest_cell_bytes);
  }
}

RC_GTEST_PROP(InsertedRow, IsWrittenAsTheSameBytes, ()) {
  const SomeRows some = AnyRows();
  RC_ASSERT(Written(some, true) == Written(some, false));
}

RC_GTEST_PROP(InsertedRow, HasTheSameDigest, ()) {
  const SomeRows some = AnyRows();
  for (std::size_t i = 0; i < some.rows.size(); ++i) {
    if (!some.inserted[i]) continue;
    Digest one;
    one.AddRow("items", some.rows[i].key, ShownCells(some.rows[i].state, {}), kNames);
    Digest other;
    other.AddRow("items", WithoutState(some.rows[i]).row(), kNames);
    RC_ASSERT(one == other);
  }
}

class InsertedRowRefusal : public testing::Test {
 protected:
  InsertedRowRefusal() : sink_(std::size_t{1} << 20), writer_(sink_) {
    EXPECT_TRUE(writer_.Begin(DeltaHeader()));
    EXPECT_EQ(*writer_.AddTable({"items", {}, 1, kNames}), 0u);
  }

  void ExpectRefused(const InsertedRow& row, Code code, const std::string& why) {
    const Status refused = writer_.Add(0, row);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, code);
    EXPECT_NE(refused.error().message.find(why), std::string::npos) << refused.error().message;
    EXPECT_EQ(writer_.rows_written(), 0u);
  }

  BytesSink sink_;
  DeltaWriter writer_;
  const Key key_ = EncodeKey({Value::Integer(7)});
  const Stamp birth_{Rank::kWritten, {1}, PoolReplica(1)};
  const std::vector<ColumnId> columns_ = {1, 4};
  const std::vector<ValueView> values_ = {{ValueType::kInteger, 5, {}}, {ValueType::kText, 0, "milk"}};
};

TEST_F(InsertedRowRefusal, GoodRowsAreTaken) { EXPECT_TRUE(writer_.Add(0, InsertedRow{key_, birth_, columns_, values_})); }

TEST_F(InsertedRowRefusal, AKeyThatIsNone) {
  ExpectRefused({"key", birth_, columns_, values_}, Code::kInvalidArgument, "its key is not 1 values");
  const Key two = key_ + key_;
  ExpectRefused({two, birth_, columns_, values_}, Code::kInvalidArgument, "its key is not 1 values");
}

TEST_F(InsertedRowRefusal, AStampWithoutATimeOrOfAnUnknownRank) {
  ExpectRefused({key_, {Rank::kWritten, {}, PoolReplica(1)}, columns_, values_}, Code::kInvalidArgument, "without a time");
  ExpectRefused({key_, {Rank{2}, {1}, PoolReplica(1)}, columns_, values_}, Code::kUnsupported, "of rank 2");
}

TEST_F(InsertedRowRefusal, ColumnsOutOfOrderOrUnknown) {
  const std::vector<ColumnId> twice = {4, 4};
  ExpectRefused({key_, birth_, twice, values_}, Code::kInvalidArgument, "not ascending by column");
  const std::vector<ColumnId> unknown = {1, 6};
  ExpectRefused({key_, birth_, unknown, values_}, Code::kInvalidArgument, "not in its table");
}

TEST_F(InsertedRowRefusal, AnotherNumberOfValuesThanOfColumns) {
  const std::span<const ValueView> one = std::span(values_).first(1);
  ExpectRefused({key_, birth_, columns_, one}, Code::kInvalidArgument, "one value for each column");
}

TEST_F(InsertedRowRefusal, WhatIsTooLarge) {
  const Bytes large(kMaxCellBytes + 1, 'x');
  const std::vector<ValueView> values = {{ValueType::kText, 0, large}, {}};
  ExpectRefused({key_, birth_, columns_, values}, Code::kLimit, "the size of a value");
}

}  // namespace
}  // namespace rejoin
