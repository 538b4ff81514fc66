// Packed row states: every state comes back, damage does not get through.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "store/rows/row_file.h"
#include "store/rows/state_record.h"
#include "tests/crdt/generators.h"
#include "tests/store/fakes.h"

namespace rejoin {
namespace {

// A row store's file with a table of as many columns as generated states use.
class Records {
 public:
  Records() : file_(std::move(*RowFile::Open(":memory:", random_, false))) {
    DeltaTable table{"t", {}, 1, {}};
    for (ColumnId i = 0; i < kPoolColumns; ++i) table.columns.push_back("c" + std::to_string(i));
    EXPECT_TRUE(file_->catalog.Refresh());
    table_ = *file_->catalog.Intern(table);
  }

  Bytes Encode(const RowState& state) { return *EncodeState(file_->catalog, state); }
  Result<RowState> Decode(ByteView record) { return DecodeState(file_->catalog, *table_, record); }

 private:
  FakeRandom random_;
  std::unique_ptr<RowFile> file_;
  const RoomTable* table_;
};

RC_GTEST_PROP(StateRecord, EveryStateComesBack, (const RowState& state)) {
  static Records records;
  const auto back = records.Decode(records.Encode(state));
  RC_ASSERT(back.has_value());
  RC_ASSERT(*back == state);
}

RC_GTEST_PROP(StateRecord, ATruncatedOneIsCorrupt, (const RowState& state)) {
  static Records records;
  const Bytes record = records.Encode(state);
  for (std::size_t length = 0; length < record.size(); ++length) {
    const auto back = records.Decode(ByteView(record).substr(0, length));
    RC_ASSERT(!back);
    RC_ASSERT(back.error().code == Code::kCorrupt);
  }
  RC_ASSERT(!records.Decode(record + '\0'));
}

// It has no checksum, as SQLite's pages have none: whatever comes out is a state.
RC_GTEST_PROP(StateRecord, AFlippedBitIsRefusedOrAnotherState, (const RowState& state)) {
  static Records records;
  Bytes record = records.Encode(state);
  for (std::size_t bit = 0; bit < 8 * record.size(); ++bit) {
    char& byte = record[bit / 8];
    const char whole = byte;
    byte = static_cast<char>(byte ^ (1 << (bit % 8)));
    const auto back = records.Decode(record);
    RC_ASSERT(back || back.error().code == Code::kCorrupt || back.error().code == Code::kNewerFormat);
    if (back) RC_ASSERT(*records.Decode(records.Encode(*back)) == *back);
    byte = whole;
  }
}

// The worked bytes of docs/hub_format.md.
TEST(StateRecord, HasTheBytesOfItsDocument) {
  Records records;
  const auto at = [](std::uint64_t ms) {
    return Stamp{Rank::kWritten, HybridTimestamp::FromWall(ms), PoolReplica(1)};
  };
  RowState milk = InsertDelta(at(1700000000000), {{0, {}, Value::Text("milk")}, {1, {}, Value::Integer(0)}});
  EXPECT_EQ(records.Encode(milk), Bytes("\x01\x01\x03\x80\xa0\xab\xfe\xf9\x62\x02"
                                        "\x00\x03\x04milk\x00\x01\x00\x00", 21));
  Join(milk, UpdateDelta(milk, {}, at(1700000060000), {{1, {}, Value::Integer(2)}}));
  Join(milk, DeleteDelta(milk, at(1700000120000)));
  EXPECT_EQ(records.Encode(milk), Bytes("\x01\x01\x03\x80\xa0\xab\xfe\xf9\x62\x02"
                                        "\x00\x03\x04milk\x01\x03\xc0\xa9\x07\x01\x04"
                                        "\x01\x00\x00\x03\xc0\xa9\x07", 31));
}

}  // namespace
}  // namespace rejoin
