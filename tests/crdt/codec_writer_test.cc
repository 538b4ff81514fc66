// What the writer refuses, and that a refused row leaves the delta as it was.
#include <gtest/gtest.h>

#include "crdt/delta_format.h"
#include "tests/crdt/delta_samples.h"

namespace rejoin {
namespace {

class CodecWriter : public testing::Test {
 protected:
  CodecWriter() : sink_(std::size_t{1} << 30), writer_(sink_) {}

  void BeginMilk() {
    ASSERT_TRUE(writer_.Begin(MilkDelta().header));
    ASSERT_EQ(*writer_.AddTable(MilkDelta().tables[0]), 0u);
  }
  RowDelta MilkRow() const { return MilkDelta().blocks[0].rows[0]; }

  // The row is refused for that reason; a good one still goes in, and all is read back.
  void ExpectRefused(const RowDelta& row, Code code, const std::string& why) {
    BeginMilk();
    const Status refused = writer_.Add(0, row);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, code) << refused.error().message;
    EXPECT_NE(refused.error().message.find(why), std::string::npos) << refused.error().message;
    ASSERT_TRUE(writer_.Add(0, MilkRow()));
    EXPECT_EQ(writer_.rows_written(), 1u);
    ASSERT_TRUE(writer_.Finish());
    EXPECT_TRUE(SameDelta(*ReadDelta(sink_.Take()), MilkDelta()));
  }

  BytesSink sink_;
  DeltaWriter writer_;
};

TEST_F(CodecWriter, RefusesCallsOutOfOrder) {
  EXPECT_FALSE(writer_.AddTable(MilkDelta().tables[0]));
  EXPECT_FALSE(writer_.Add(0, MilkRow()));
  EXPECT_FALSE(writer_.Finish());
  BeginMilk();
  EXPECT_FALSE(writer_.Begin(MilkDelta().header));
  EXPECT_FALSE(writer_.Add(1, MilkRow()));
  ASSERT_TRUE(writer_.Finish());
  EXPECT_FALSE(writer_.Add(0, MilkRow()));
  EXPECT_FALSE(writer_.Finish());
}

TEST_F(CodecWriter, RefusesAnEndThatDoesNotCoverTheStart) {
  DeltaHeader header = MilkDelta().header;
  header.start.Raise(PoolReplica(2), SampleTime(0));
  EXPECT_EQ(writer_.Begin(header).error().code, Code::kInvalidArgument);
}

TEST_F(CodecWriter, RefusesAReservedScope) {
  DeltaHeader header = MilkDelta().header;
  header.scope = 1;
  EXPECT_EQ(writer_.Begin(header).error().code, Code::kInvalidArgument);
}

TEST_F(CodecWriter, RefusesTablesThatNobodyCouldRead) {
  BeginMilk();
  EXPECT_FALSE(writer_.AddTable(MilkDelta().tables[0]));
  EXPECT_FALSE(writer_.AddTable({"a", {}, 0, {"x"}}));
  EXPECT_FALSE(writer_.AddTable({"a", {}, 1, {"x", "y", "x"}}));
  EXPECT_EQ(writer_.AddTable({Bytes(kMaxNameBytes + 1, 'a'), {}, 1, {}}).error().code, Code::kLimit);
  EXPECT_EQ(writer_.AddTable({"a", {}, kMaxKeyParts + 1, {}}).error().code, Code::kLimit);
  std::vector<std::string> columns;
  for (std::size_t i = 0; i <= kMaxColumns; ++i) columns.push_back(std::to_string(i));
  EXPECT_EQ(writer_.AddTable({"a", {}, 1, columns}).error().code, Code::kLimit);
  columns.pop_back();
  EXPECT_TRUE(writer_.AddTable({"a", {}, 1, columns}));
}

TEST_F(CodecWriter, RefusesARowTwice) {
  BeginMilk();
  ASSERT_TRUE(writer_.Add(0, MilkRow()));
  EXPECT_FALSE(writer_.Add(0, MilkRow()));
}

TEST_F(CodecWriter, RefusesAKeyWithTheWrongNumberOfValues) {
  RowDelta row = MilkRow();
  row.key = EncodeKey({Value::Integer(1), Value::Integer(2)});
  ExpectRefused(row, Code::kInvalidArgument, "key");
}

TEST_F(CodecWriter, RefusesAKeyThatIsNotCanonical) {
  RowDelta row = MilkRow();
  row.key = Bytes("\x03\x81\x00x", 4);
  ExpectRefused(row, Code::kInvalidArgument, "key");
}

TEST_F(CodecWriter, RefusesAnEmptyState) {
  RowDelta row = MilkRow();
  row.state = {};
  ExpectRefused(row, Code::kInvalidArgument, "says nothing");
}

TEST_F(CodecWriter, RefusesCellsOutOfOrderOrTwice) {
  RowDelta row = MilkRow();
  row.state.incarnations[0].cells[0].column = 1;
  ExpectRefused(row, Code::kInvalidArgument, "ascending by column");
}

TEST_F(CodecWriter, RefusesAColumnThatTheTableLacks) {
  RowDelta row = MilkRow();
  row.state.incarnations[0].cells[1].column = 2;
  ExpectRefused(row, Code::kInvalidArgument, "not in its table");
}

TEST_F(CodecWriter, RefusesIncarnationsTwice) {
  RowDelta row = MilkRow();
  row.state.incarnations.push_back(row.state.incarnations[0]);
  ExpectRefused(row, Code::kInvalidArgument, "ascending by birth");
}

TEST_F(CodecWriter, RefusesRemovesOutOfOrder) {
  RowDelta row = MilkRow();
  row.state.removes = {{PoolReplica(2), SampleTime(0), Written(1, 0)},
                       {PoolReplica(1), SampleTime(0), Written(1, 0)}};
  ExpectRefused(row, Code::kInvalidArgument, "ascending by replica");
}

TEST_F(CodecWriter, CarriesStampsBeyondTheEnd) {
  WholeDelta delta = MilkDelta();
  delta.blocks[0].rows[0].state.incarnations[0].cells[1].stamp = Written(1, 1);
  EXPECT_TRUE(SameDelta(*ReadDelta(*WriteDelta(delta)), delta));
}

TEST_F(CodecWriter, CarriesStampsOfReplicasThatTheHeaderLacks) {
  WholeDelta delta = MilkDelta();
  delta.blocks[0].rows[0].state.incarnations[0].cells[0].stamp = Written(2, 7);
  EXPECT_TRUE(SameDelta(*ReadDelta(*WriteDelta(delta)), delta));
  delta.header.end = {};  // a part: it moves no vector
  EXPECT_TRUE(SameDelta(*ReadDelta(*WriteDelta(delta)), delta));
}

TEST_F(CodecWriter, CarriesATagThatTheEndDoesNotCover) {
  WholeDelta delta = MilkDelta();
  delta.blocks[0].rows[0].state = {{}, {{PoolReplica(3), SampleTime(5), Written(1, 0)}}};
  EXPECT_TRUE(SameDelta(*ReadDelta(*WriteDelta(delta)), delta));
}

TEST_F(CodecWriter, RefusesARankThatNobodyKnows) {
  RowDelta row = MilkRow();
  row.state.incarnations[0].birth.rank = static_cast<Rank>(2);
  ExpectRefused(row, Code::kUnsupported, "rank 2");
}

TEST_F(CodecWriter, RefusesACellPastTheLimit) {
  RowDelta row = MilkRow();
  row.state.incarnations[0].cells[0].value = Value::Blob(Bytes(kMaxCellBytes + 1, 'x'));
  ExpectRefused(row, Code::kLimit, std::to_string(kMaxCellBytes));
}

TEST_F(CodecWriter, RefusesARowPastTheLimit) {
  RowDelta row = MilkRow();
  Incarnation& first = row.state.incarnations[0];
  first.cells[0].value = Value::Blob(Bytes(kMaxCellBytes, 'x'));
  first.cells[1].value = first.cells[0].value;
  row.state.incarnations.push_back(first);
  row.state.incarnations[0].birth.time.value -= 1;
  ExpectRefused(row, Code::kLimit, std::to_string(kMaxRowBytes));
}

TEST_F(CodecWriter, CarriesARowOfExactlyTheLimit) {
  BeginMilk();
  RowDelta row = MilkRow();
  const Value third = Value::Blob(Bytes(kMaxRowBytes / 3, 'x'));
  Incarnation& first = row.state.incarnations[0];
  first.birth.time.value -= 1;
  first.cells[0].value = third;
  first.cells[1].value = third;
  Incarnation second{Written(1, 0), {{0, Written(1, 0), third}}};
  // Each value counts 8 bytes more than it has, and the key counts.
  second.cells[0].value.bytes.resize(third.bytes.size() - 3 * 8 - row.key.size());
  row.state.incarnations.push_back(second);
  ASSERT_TRUE(writer_.Add(0, row));
  row.key = EncodeKey({Value::Text("t2")});
  row.state.incarnations[1].cells[0].value.bytes += 'x';
  EXPECT_EQ(writer_.Add(0, row).error().code, Code::kLimit);
}

TEST(CodecSink, RefusesWhatWouldPassItsLimit) {
  BytesSink sink(10);
  EXPECT_TRUE(sink.Append("0123456789"));
  EXPECT_EQ(sink.Append("x").error().code, Code::kLimit);
  EXPECT_EQ(sink.Take(), "0123456789");
}

// Fails once, as a full disk on which somebody then makes room.
class HiccupSink : public ByteSink {
 public:
  Status Append(ByteView bytes) override {
    if (calls_++ == 4) return Fail(Code::kIo, "no space");
    bytes_.append(bytes);
    return {};
  }
  Bytes bytes_;

 private:
  int calls_ = 0;
};

TEST(CodecSink, AGapIsNeverWrittenOver) {
  HiccupSink sink;
  DeltaWriter writer(sink);
  ASSERT_TRUE(writer.Begin(MilkDelta().header));
  EXPECT_EQ(writer.AddTable(MilkDelta().tables[0]).error().code, Code::kIo);
  const std::size_t size = sink.bytes_.size();
  EXPECT_EQ(writer.AddTable(MotleyDelta().tables[1]).error().code, Code::kIo);
  EXPECT_EQ(writer.Finish().error().code, Code::kIo);
  EXPECT_EQ(sink.bytes_.size(), size);
}

TEST(CodecSink, AFailedSinkEndsTheDelta) {
  BytesSink sink(100);
  DeltaWriter writer(sink);
  ASSERT_TRUE(writer.Begin(MilkDelta().header));
  EXPECT_EQ(writer.AddTable(MilkDelta().tables[0]).error().code, Code::kLimit);
  EXPECT_EQ(writer.Finish().error().code, Code::kLimit);
}

}  // namespace
}  // namespace rejoin
