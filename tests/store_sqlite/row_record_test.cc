// The packed metadata of a row: together with the user's table it is the state,
// and it is small.

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "store/sqlite/meta_schema.h"
#include "store/sqlite/row_record.h"
#include "tests/crdt/generators.h"
#include "tests/store_sqlite/documented.h"
#include "tests/store_sqlite/fixture.h"

namespace rejoin::testing {
namespace {

constexpr std::uint64_t kHash = 0x1122334455667788u;
constexpr Affinity kAffinities[] = {Affinity::kBlob, Affinity::kText, Affinity::kNumeric,
                                    Affinity::kInteger, Affinity::kReal, Affinity::kBlob};

// A table of six columns, of which `local_mask` says which are local.
class RecordWorld {
 public:
  explicit RecordWorld(unsigned local_mask = 0x3f) : database_(1) {
    const auto made = CreateMeta(*database_.engine);
    EXPECT_TRUE(made) << made.error().message;
    table_.number = 1;
    table_.name = "todo";
    table_.local = "todo";
    for (unsigned i = 0; i < 6; ++i) {
      table_.columns.push_back({std::string(1, static_cast<char>('a' + i)), std::nullopt, kAffinities[i]});
    }
    SetLocal(local_mask);
  }

  void SetLocal(unsigned mask) {
    for (unsigned i = 0; i < 6; ++i) {
      table_.columns[i].local.reset();
      if (((mask >> i) & 1) != 0) table_.columns[i].local = table_.columns[i].name;
    }
  }

  TrackedTable& table() { return table_; }
  RecordContext context() { return {database_.engine->catalog, table_}; }

  Bytes Encode(const RowState& state, bool shown, std::uint64_t hash = 0) {
    const auto record = EncodeRecord(context(), state, shown, hash);
    EXPECT_TRUE(record) << record.error().message;
    return record.value_or(Bytes());
  }

  // What the user's table has: what the row shows, altered where it may be.
  Value TableValue(const RowState& state, ColumnId column) const {
    for (const Cell* cell : ShownCells(state, table_.rules)) {
      if (cell->column != column) continue;
      return MayAlter(table_.columns[column].affinity, cell->value) ? Value::Text("altered")
                                                                     : cell->value;
    }
    return Value::Text("the default");
  }

 private:
  TestDatabase database_;
  TrackedTable table_;
};

Stamp At(std::uint64_t wall_ms, std::uint8_t replica = 1, std::uint64_t counter = 0) {
  return {Rank::kWritten, {HybridTimestamp::FromWall(wall_ms).value + counter}, PoolReplica(replica)};
}

RowState InsertedAt(const Stamp& stamp, unsigned columns) {
  std::vector<Cell> cells;
  for (ColumnId column = 0; column < columns; ++column) cells.push_back({column, {}, Value::Blob("v")});
  return InsertDelta(stamp, cells);
}

RC_GTEST_PROP(RowRecord, WithItsTableRowIsTheState, ()) {
  const auto state = *rc::gen::arbitrary<RowState>();
  const auto rules = *rc::gen::arbitrary<RowRules>();
  const auto local = *Within(0u, 64u);
  const bool hashed = *rc::gen::arbitrary<bool>();
  RecordWorld world(local);
  world.table().rules = rules;

  const Bytes record = world.Encode(state, true, hashed ? kHash : 0);
  const auto decoded = DecodeRecord(world.context(), record, [&](ColumnId column) {
    RC_ASSERT(((local >> column) & 1) != 0);
    return world.TableValue(state, column);
  });
  RC_ASSERT(decoded.has_value());
  RC_ASSERT(decoded->state == state);
  RC_ASSERT(decoded->key_hash == (hashed ? kHash : 0));
  RC_ASSERT(decoded->shown);
  RC_ASSERT(IsShownRecord(record));
}

RC_GTEST_PROP(RowRecord, OfARowThatIsNotShownHasAllValuesItself, ()) {
  const auto state = *rc::gen::arbitrary<RowState>();
  RecordWorld world;
  const Bytes record = world.Encode(state, false);
  const auto decoded = DecodeRecord(world.context(), record, [](ColumnId) -> Value {
    RC_FAIL("the table was asked");
    return {};
  });
  RC_ASSERT(decoded.has_value());
  RC_ASSERT(decoded->state == state);
  RC_ASSERT(!IsShownRecord(record));
}

RC_GTEST_PROP(RowRecord, UnpacksAndPacksToTheSameBytes, ()) {
  const auto state = *rc::gen::arbitrary<RowState>();
  const bool shown = *rc::gen::arbitrary<bool>();
  RecordWorld world(0x1f);
  const Bytes record = world.Encode(state, shown, kHash);
  const auto unpacked = UnpackRecord(world.context(), record);
  RC_ASSERT(unpacked.has_value());
  RC_ASSERT(PackRecord(world.context(), *unpacked).value_or("") == record);
}

RC_GTEST_PROP(RowRecord, DamagedIsAnErrorThatNamesTheTableOrAnotherState, ()) {
  const auto state = *rc::gen::arbitrary<RowState>();
  RecordWorld world;
  Bytes record = world.Encode(state, true, kHash);
  const auto check = [&world](const Bytes& damaged) {
    const auto unpacked = UnpackRecord(world.context(), damaged);
    if (unpacked) return;
    RC_ASSERT(unpacked.error().code == Code::kCorrupt);
    RC_ASSERT(unpacked.error().message.find("todo") != std::string::npos);
    RC_ASSERT(unpacked.error().message.find("rejoin doctor") != std::string::npos);
  };
  for (std::size_t length = 0; length < record.size(); ++length) check(record.substr(0, length));
  for (std::size_t at = 0; at < record.size(); ++at) {
    Bytes damaged = record;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << *Within(0, 8)));
    check(damaged);
  }
}

TEST(RowRecord, OfAOneColumnUpdateTakes25BytesWithItsKeyHash) {
  RecordWorld world;
  RowState state = InsertedAt(At(1'700'000'000'000), 6);
  constexpr std::uint64_t kTenDaysMs = 864'000'000;
  Join(state, UpdateDelta(state, {}, At(1'700'000'000'000 + kTenDaysMs), {{2, {}, Value::Integer(3)}}));
  EXPECT_LE(world.Encode(state, true).size(), 19u);
  EXPECT_LE(world.Encode(state, true, kHash).size(), 27u);
}

TEST(RowRecord, IsWhatTheDocumentShows) {
  RecordWorld world;
  ASSERT_TRUE(world.context().catalog.InternColset(1, {0, 1}));
  const auto self = world.context().catalog.Lookup(1);
  ASSERT_NE(self, nullptr);
  const auto at = [self](std::uint64_t after_ms) {
    return Stamp{Rank::kWritten, HybridTimestamp::FromWall(1'700'000'000'000 + after_ms), *self};
  };
  RowState state = InsertDelta(at(0), {{0, {}, Value::Text("milk")}, {1, {}, Value::Integer(1)}});
  Join(state, UpdateDelta(state, {}, at(60'000), {{1, {}, Value::Integer(2)}}));
  world.table().columns[1].affinity = Affinity::kInteger;
  EXPECT_EQ(HexOf(world.Encode(state, true)), Documented("override"));
  Join(state, DeleteDelta(state, at(120'000)));
  EXPECT_EQ(HexOf(world.Encode(state, false)), Documented("tombstone"));
}

TEST(RowRecord, OfAWholeRowRewrittenNamesTheStampOnce) {
  RecordWorld world;
  RowState state = InsertedAt(At(1'700'000'000'000), 6);
  RowState rewritten = InsertedAt(At(1'700'000'500'000), 6);
  rewritten.incarnations.front().birth = state.incarnations.front().birth;
  Join(state, rewritten);
  EXPECT_LE(world.Encode(state, true).size(), 17u);
}

TEST(RowRecord, KeepsInlineWhatTheTableWouldAlter) {
  RecordWorld world;
  // Column b has TEXT affinity: the table stores '5'.
  const RowState state = InsertDelta(At(1), {{0, {}, Value::Integer(5)}, {1, {}, Value::Integer(5)}});
  std::vector<ColumnId> asked;
  const auto decoded = DecodeRecord(world.context(), world.Encode(state, true), [&](ColumnId column) {
    asked.push_back(column);
    return Value::Integer(5);
  });
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->state, state);
  EXPECT_EQ(asked, std::vector<ColumnId>{0});
}

TEST(RowRecord, WrittenBeforeAColumnWasLocalKeepsItsValue) {
  RecordWorld world(0x01);
  const RowState state = InsertDelta(At(1), {{0, {}, Value::Integer(1)}, {5, {}, Value::Integer(2)}});
  const Bytes record = world.Encode(state, true);
  world.SetLocal(0x3f);
  const auto decoded = DecodeRecord(world.context(), record, [](ColumnId column) {
    EXPECT_EQ(column, 0u);
    return Value::Integer(1);
  });
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->state, state);
}

TEST(RowRecord, LosesTheCellOfAColumnThatLeftTheTableWithItsValue) {
  RecordWorld world;
  const RowState state = InsertDelta(At(1), {{0, {}, Value::Integer(1)}, {5, {}, Value::Integer(2)}});
  const Bytes record = world.Encode(state, true);
  world.SetLocal(0x01);
  const auto decoded =
      DecodeRecord(world.context(), record, [](ColumnId) { return Value::Integer(1); });
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->state, InsertDelta(At(1), {{0, {}, Value::Integer(1)}}));
}

TEST(RowRecord, OfAThousandCellsWithStampsOfTheirOwnComesBack) {
  RecordWorld world(0);
  world.table().columns.resize(2000, {"c", std::nullopt, Affinity::kBlob});
  RowState state;
  state.incarnations.push_back({At(1), {}});
  for (ColumnId column = 0; column < 2000; column += 2) {
    state.incarnations.front().cells.push_back(
        {column, At(2 + column % 700, static_cast<std::uint8_t>(column % 9), column % 3), {}});
  }
  const auto decoded = DecodeRecord(world.context(), world.Encode(state, false), {});
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(decoded->state, state);
}

}  // namespace
}  // namespace rejoin::testing
