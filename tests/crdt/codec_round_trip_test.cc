// What is written comes back, bit for bit.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "crdt/delta_format.h"
#include "tests/crdt/delta_samples.h"
#include "tests/crdt/generators.h"

namespace rejoin {
namespace {

void ExpectRoundTrip(const WholeDelta& delta) {
  const Result<Bytes> bytes = WriteDelta(delta);
  ASSERT_TRUE(bytes) << bytes.error().message;
  const Result<WholeDelta> back = ReadDelta(*bytes);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_TRUE(SameDelta(*back, delta));
}

// Hands its bytes over in portions of one to three.
class DribblingSource : public ByteSource {
 public:
  explicit DribblingSource(ByteView bytes) : rest_(bytes) {}
  Result<ByteView> Next(std::size_t max_bytes) override {
    const std::size_t portion = std::min<std::size_t>(1 + calls_++ % 3, max_bytes);
    const ByteView next = rest_.substr(0, std::min(portion, rest_.size()));
    rest_.remove_prefix(next.size());
    return next;
  }

 private:
  ByteView rest_;
  std::size_t calls_ = 0;
};

RC_GTEST_PROP(CodecRoundTrip, AnyDeltaComesBackEqual, (const WholeDelta& delta)) {
  const Result<Bytes> bytes = WriteDelta(delta);
  RC_ASSERT(bytes);
  const Result<WholeDelta> back = ReadDelta(*bytes);
  RC_ASSERT(back);
  RC_ASSERT(SameDelta(*back, delta));
}

RC_GTEST_PROP(CodecRoundTrip, EqualDeltasAreEqualBytes, (const WholeDelta& delta)) {
  const Result<Bytes> bytes = WriteDelta(delta);
  const Result<WholeDelta> back = ReadDelta(*bytes);
  RC_ASSERT(back);
  RC_ASSERT(*WriteDelta(*back) == *bytes);
}

TEST(CodecRoundTrip, SamplesComeBackEqual) {
  ExpectRoundTrip(MilkDelta());
  ExpectRoundTrip(MotleyDelta());
  ExpectRoundTrip(WideDelta(3));
}

TEST(CodecRoundTrip, ADeltaWithoutRowsOrTablesIsOne) {
  WholeDelta delta;
  ExpectRoundTrip(delta);
  delta.header = MotleyDelta().header;
  ExpectRoundTrip(delta);
  delta.tables = MotleyDelta().tables;
  ExpectRoundTrip(delta);
}

TEST(CodecRoundTrip, ManyRowsBecomeSeveralBlocks) {
  const WholeDelta delta = WideDelta(20000);
  const Bytes bytes = *WriteDelta(delta);
  ViewSource source(bytes);
  DeltaReader reader(source);
  ASSERT_TRUE(reader.Begin());
  std::size_t blocks = 0;
  std::size_t rows = 0;
  for (;;) {
    const auto block = reader.NextBlock();
    ASSERT_TRUE(block) << block.error().message;
    if (!*block) break;
    ++blocks;
    rows += (*block)->rows.size();
  }
  EXPECT_GT(blocks, 2u);
  EXPECT_EQ(rows, 20000u);
  EXPECT_TRUE(SameDelta(*ReadDelta(bytes), delta));
}

TEST(CodecRoundTrip, SourceMayDribble) {
  const WholeDelta delta = WideDelta(300);
  const Bytes bytes = *WriteDelta(delta);
  DribblingSource source(bytes);
  const Result<WholeDelta> back = ReadDelta(source);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_TRUE(SameDelta(*back, delta));
}

TEST(CodecRoundTrip, HugeCellsComeBackEqual) {
  WholeDelta delta = MilkDelta();
  delta.tables[0].columns.push_back("photo");
  auto& rows = delta.blocks[0].rows;
  Bytes noise(kMaxCellBytes, '\0');  // the largest there is, and hard to compress
  std::uint64_t state = 1;
  for (char& byte : noise) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    byte = static_cast<char>(state >> 56);
  }
  const Stamp birth = Written(1, 0);
  rows.push_back({EncodeKey({Value::Text("t2")}), InsertDelta(birth, {{2, {}, Value::Blob(noise)}})});
  const Value zeros = Value::Text(Bytes(kMaxCellBytes, '\0'));  // and easy
  rows.push_back({EncodeKey({Value::Text("t3")}), InsertDelta(birth, {{2, {}, zeros}})});
  rows.push_back({EncodeKey({Value::Text("t4")}), InsertDelta(birth, {{2, {}, Value::Null()}})});
  ExpectRoundTrip(delta);
}

TEST(CodecRoundTrip, TablesOfManyColumns) {
  for (const std::size_t columns : {0u, 1u, 63u, 64u, 65u, 2000u, 32767u}) {
    WholeDelta delta = MilkDelta();
    std::vector<Cell> cells;
    delta.tables[0].columns.clear();
    for (std::size_t i = 0; i < columns; ++i) {
      delta.tables[0].columns.push_back("c" + std::to_string(i));
      cells.push_back({static_cast<ColumnId>(i), {}, Value::Integer(static_cast<std::int64_t>(i))});
    }
    delta.blocks[0].rows[0].state = InsertDelta(Written(1, 0), cells);
    ExpectRoundTrip(delta);
  }
}

TEST(CodecRoundTrip, RowsOutOfOrderMakeMoreBlocks) {
  WholeDelta delta = MotleyDelta();
  std::swap(delta.blocks[0].rows[0], delta.blocks[0].rows[2]);
  ExpectRoundTrip(delta);
}

}  // namespace
}  // namespace rejoin
