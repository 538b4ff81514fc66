// The row store's file: whose it is, what it takes, and what is in it.
#include <cstdio>
#include <fstream>
#include <set>

#include "crdt/delta_format.h"
#include "store/sqlite/sqlite_file.h"
#include "tests/store_rows/row_fixture.h"

namespace rejoin {
namespace {

class RowStoreFile : public RowFixture {
 protected:
  static void Exec(const std::string& path, const std::string& sql) {
    auto file = SqliteFile::Open(path, 1000);
    ASSERT_TRUE(file);
    const Status done = file->sql().Exec(sql);
    ASSERT_TRUE(done) << done.error().message;
  }
  // A delta of one row, from `sender`, that any vector covers.
  static Bytes OneRow(const DeltaTable& table, const Key& key, const RowState& state,
                      const ReplicaId& sender = TestReplicaId(1)) {
    BytesSink sink(std::size_t{1} << 30);
    DeltaWriter writer(sink);
    DeltaHeader header;
    header.sender = sender;
    EXPECT_TRUE(writer.Begin(header));
    const auto number = writer.AddTable(table);
    EXPECT_TRUE(number && writer.Add(*number, {key, state}));
    EXPECT_TRUE(writer.Finish());
    return sink.Take();
  }
  static Result<MergeReport> Merge(RowStore& hub, const Bytes& delta) {
    ViewSource source(delta);
    return hub.Merge(source);
  }
  static MemoryDelta Everything(RowStore& hub) {
    BytesSink sink(std::size_t{1} << 30);
    EXPECT_TRUE(hub.ExtractSince({}, sink));
    const Bytes bytes = sink.Take();
    ViewSource source(bytes);
    auto delta = ReadDelta(source);
    EXPECT_TRUE(delta);
    return delta.value_or(MemoryDelta{});
  }
  static Stamp At(std::uint64_t ms, std::size_t replica = 1) {
    return {Rank::kWritten, HybridTimestamp::FromWall(ms), TestReplicaId(replica)};
  }
};

TEST_F(RowStoreFile, EverythingIsThereAfterReopening) {
  auto hub = Open(path_.text());
  PartDevice device = MakeDevice(1);
  Fill(device, 1, 20);
  Do(device, {Delete("item", ItemKey(3))});
  Push(device, *hub);
  const ReplicaId id = *hub->Replica();
  const Cursor head = *hub->Head();
  EXPECT_NE(id, ReplicaId{});
  hub.reset();
  hub = Open(path_.text());
  EXPECT_EQ(*hub->Replica(), id);
  EXPECT_EQ(*hub->Head(), head);
  EXPECT_EQ(DigestOf(*hub), DigestOf(device.store()));
  EXPECT_TRUE(VectorOf(*hub) == VectorOf(device.store()));
  EXPECT_EQ(*hub->LatestTimeSeen(), VectorOf(*hub).Get(TestReplicaId(1)));

  auto other = Open(copy_.text());
  EXPECT_NE(*other->Replica(), id);
}

TEST_F(RowStoreFile, AFileOfAnotherProgramIsRefusedAndLeftAsItIs) {
  Exec(path_.text(), "CREATE TABLE note(id INTEGER PRIMARY KEY); INSERT INTO note VALUES (1)");
  const auto refused = TryOpen(path_.text());
  EXPECT_EQ(CodeOf(refused), Code::kInvalidArgument);
  EXPECT_NE(refused.error().message.find(path_.text()), std::string::npos);
  Exec(path_.text(), "INSERT INTO note VALUES (2)");

  Exec(copy_.text(), "PRAGMA application_id = 5");
  EXPECT_EQ(CodeOf(TryOpen(copy_.text())), Code::kInvalidArgument);
}

TEST_F(RowStoreFile, WhatIsNoDatabaseIsRefused) {
  std::ofstream(path_.text()) << std::string(5000, 'x');
  EXPECT_EQ(CodeOf(TryOpen(path_.text())), Code::kCorrupt);
  EXPECT_EQ(CodeOf(TryOpen("/no/such/folder/room.db")), Code::kIo);
  EXPECT_EQ(CodeOf(TryOpen("")), Code::kInvalidArgument);
}

TEST_F(RowStoreFile, ANewerFormatIsRefused) {
  Open(path_.text()).reset();
  Exec(path_.text(), "UPDATE meta SET value = 2 WHERE name = 'format'");
  EXPECT_EQ(CodeOf(TryOpen(path_.text())), Code::kNewerFormat);
  Exec(path_.text(), "DELETE FROM meta WHERE name = 'format'");
  EXPECT_EQ(CodeOf(TryOpen(path_.text())), Code::kCorrupt);
}

// Two programs on one file: a hub that is started twice, say.
TEST_F(RowStoreFile, TwoOpeningsOfAFileSeeEachOther) {
  auto one = Open(path_.text());
  auto two = Open(path_.text());
  EXPECT_EQ(*one->Replica(), *two->Replica());
  PartDevice a = MakeDevice(1);
  PartDevice b = MakeDevice(2);
  ResumePoint point;
  for (int i = 0; i < 5; ++i) {
    Fill(a, 10 * i, 10 * i + 2);
    Push(a, *one);
    Fill(b, 10 * i + 5, 10 * i + 6);
    Push(b, *two);
    EXPECT_EQ(DigestOf(*one), DigestOf(*two));
    EXPECT_TRUE(VectorOf(*one) == VectorOf(*two));
    EXPECT_EQ(*one->Head(), *two->Head());
    const PartReport part = Ask(i % 2 == 0 ? *one : *two, point);
    EXPECT_EQ(part.rows, 5u) << "what either wrote since";
    point = part.until;
  }
}

TEST_F(RowStoreFile, TheLatestTimeIsThatOfTheRowsToo) {
  auto hub = Open(path_.text());
  EXPECT_EQ(*hub->LatestTimeSeen(), HybridTimestamp{});
  ASSERT_TRUE(Merge(*hub, OneRow({"t", {}, 1, {"a"}}, K("k"), InsertDelta(At(70), {{0, {}, N(1)}}))));
  ASSERT_TRUE(Merge(*hub, OneRow({"t", {}, 1, {"a"}}, K("l"), InsertDelta(At(60), {{0, {}, N(1)}}))));
  hub.reset();
  hub = Open(path_.text());
  EXPECT_EQ(*hub->LatestTimeSeen(), At(70).time);
  EXPECT_TRUE(VectorOf(*hub).empty()) << "no interval said so";
}

// --- Names and numbers --------------------------------------------------------------

TEST_F(RowStoreFile, NamesAndKeysAreOpaqueBytes) {
  auto hub = Open(path_.text());
  const DeltaTable table{std::string("\xff\0t", 3), {SameKey::kNewest, true}, 2,
                         {"", std::string("\0", 1), std::string("\0\0", 2), "\xc3\x28"}};
  const Key key = EncodeKey({Value::Blob(Bytes("\0\xff", 2)), Value::Real(-0.0)});
  const RowState state = InsertDelta(At(1), {{0, {}, N(0)}, {1, {}, N(1)}, {2, {}, N(2)}, {3, {}, N(3)}});
  ASSERT_TRUE(Merge(*hub, OneRow(table, key, state)));
  hub.reset();
  hub = Open(path_.text());
  const MemoryDelta delta = Everything(*hub);
  ASSERT_EQ(delta.tables, std::vector<DeltaTable>{table});
  ASSERT_EQ(delta.blocks.size(), 1u);
  EXPECT_EQ(delta.blocks[0].rows, (std::vector<RowDelta>{{key, state}}));
  EXPECT_TRUE(hub->StateDigest(table.name));
  EXPECT_EQ(CodeOf(hub->StateDigest("t")), Code::kUnknownTable);
}

TEST_F(RowStoreFile, ColumnsMeetByNameWhateverTheirOrder) {
  auto hub = Open(path_.text());
  const RowState first = InsertDelta(At(1), {{0, {}, N(1)}, {1, {}, N(2)}});
  RowState second;
  second.incarnations.push_back({At(1), {{0, At(2), N(20)}, {2, At(2), N(30)}, {3, At(2), N(40)}}});
  ASSERT_TRUE(Merge(*hub, OneRow({"t", {}, 1, {"a", "b"}}, K("k"), first)));
  ASSERT_TRUE(Merge(*hub, OneRow({"t", {}, 1, {"b", "z", "c", "a"}}, K("k"), second)));
  const MemoryDelta delta = Everything(*hub);
  EXPECT_EQ(delta.tables[0].columns, (std::vector<std::string>{"a", "b", "z", "c"}));
  const std::vector<Cell> cells = {{0, At(2), N(40)}, {1, At(2), N(20)}, {3, At(2), N(30)}};
  EXPECT_EQ(delta.blocks[0].rows[0].state.incarnations[0].cells, cells);
}

TEST_F(RowStoreFile, OtherRulesOfATableAreRefused) {
  auto hub = Open(path_.text());
  const RowState state = InsertDelta(At(1), {{0, {}, N(1)}});
  ASSERT_TRUE(Merge(*hub, OneRow({"t", {}, 1, {"a"}}, K("k"), state)));
  const std::string before = DigestOf(*hub);
  EXPECT_EQ(CodeOf(Merge(*hub, OneRow({"t", {SameKey::kNewest, false}, 1, {"a", "b"}}, K("k2"), state))),
            Code::kInvalidArgument);
  EXPECT_EQ(CodeOf(Merge(*hub, OneRow({"t", {SameKey::kMerge, true}, 1, {"a"}}, K("k2"), state))),
            Code::kInvalidArgument);
  EXPECT_EQ(CodeOf(Merge(*hub, OneRow({"t", {}, 2, {"a"}}, EncodeKey({N(1), N(2)}), state))),
            Code::kInvalidArgument);
  EXPECT_EQ(DigestOf(*hub), before);
  EXPECT_EQ(Everything(*hub).tables[0].columns.size(), 1u) << "nor did a column stay";
}

// --- Limits -------------------------------------------------------------------------

// A room that no delta could carry would be lost to everybody.
TEST_F(RowStoreFile, MoreColumnsThanADeltaCanTellAreRefused) {
  auto hub = Open(path_.text());
  DeltaTable table{"t", {}, 1, {}};
  for (std::size_t i = 0; i < kMaxColumns; ++i) table.columns.push_back("c" + std::to_string(i));
  const RowState state = InsertDelta(At(1), {{0, {}, N(1)}});
  ASSERT_TRUE(Merge(*hub, OneRow(table, K("k"), state)));
  EXPECT_EQ(CodeOf(Merge(*hub, OneRow({"t", {}, 1, {"c1", "one more"}}, K("k"), state))), Code::kLimit);
  EXPECT_TRUE(Merge(*hub, OneRow({"t", {}, 1, {"c7"}}, K("k2"), state)));
  EXPECT_EQ(Everything(*hub).tables[0].columns.size(), kMaxColumns);
}

TEST_F(RowStoreFile, ARowThatNoDeltaCouldCarryIsRefused) {
  auto hub = Open(":memory:");
  const DeltaTable table{"t", {}, 1, {"a"}};
  const Value large = Value::Blob(Bytes(kMaxRowBytes / 4, 'x'));
  for (std::uint64_t i = 1; i <= 3; ++i) {
    ASSERT_TRUE(Merge(*hub, OneRow(table, K("k"), InsertDelta(At(i), {{0, {}, large}}))));
  }
  const Cursor head = *hub->Head();
  const Bytes one_more = OneRow(table, K("k"), InsertDelta(At(4), {{0, {}, large}}));
  EXPECT_EQ(CodeOf(Merge(*hub, one_more)), Code::kLimit);
  EXPECT_EQ(*hub->Head(), head);
  EXPECT_EQ(Ask(*hub, {}).rows, 1u) << "what is there still goes out";
}

// Of a room that the peer has already, a part reads so much and no more.
TEST_F(RowStoreFile, APartReadsNoMoreThanItMay) {
  auto hub = Open(path_.text(), 1000);
  PartDevice device = MakeDevice(1);
  Fill(device, 1, 100);
  Push(device, *hub);
  const VersionVector all = VectorOf(*hub);
  ResumePoint point;
  int parts = 0;
  for (bool more = true; more; ++parts) {
    NoBytes sink;
    const auto part = hub->ExtractPart({point, all, kOnePart}, sink);
    ASSERT_TRUE(part);
    EXPECT_TRUE(part->nothing);
    EXPECT_EQ(part->partial, part->more);
    EXPECT_NE(part->until, point);
    point = part->until;
    more = part->more;
  }
  EXPECT_GT(parts, 3);
  EXPECT_EQ(Ask(*hub, point).rows, 0u);

  PartDevice other = MakeDevice(2);  // and a peer that skips and merges by turns has all
  Push(device, *hub);
  Fill(other, 200, 220);
  Push(other, *hub);
  Pull(device, *hub);
  EXPECT_EQ(DigestOf(device.store()), DigestOf(*hub));
  EXPECT_TRUE(VectorOf(device.store()) == VectorOf(*hub));
}

TEST_F(RowStoreFile, APartHasARowAtLeast) {
  auto hub = Open(path_.text());
  PartDevice device = MakeDevice(1);
  Fill(device, 1, 5);
  Push(device, *hub);
  ResumePoint point;
  for (int i = 1; i <= 5; ++i) {
    const PartReport part = Ask(*hub, point, 0);
    EXPECT_EQ(part.rows, 1u);
    EXPECT_EQ(part.more, i < 5);
    point = part.until;
  }
}

// --- Damage --------------------------------------------------------------------------

TEST_F(RowStoreFile, AFileThatContradictsItselfIsSaidToBeDamaged) {
  constexpr const char* kFaults[] = {
      "UPDATE row SET state = x'01'",
      "UPDATE row SET state = x''",
      "UPDATE row SET room_table = 9",
      "UPDATE row SET state = substr(state, 1, length(state) - 1)",
      "DELETE FROM replica",
      "DELETE FROM room_column WHERE number = 0",
      "UPDATE room_column SET room_table = 1",
      "DELETE FROM meta WHERE name = 'head'",
      "DELETE FROM meta WHERE name = 'replica'",
      "UPDATE room_table SET same_key = 7",
      "DELETE FROM epoch",
  };
  for (const char* fault : kFaults) {
    ScratchPath path;
    auto hub = Open(path.text());
    PartDevice device = MakeDevice(1);
    Fill(device, 1, 3);
    Push(device, *hub);
    hub.reset();
    Exec(path.text(), fault);
    hub = Open(path.text());
    ASSERT_NE(hub, nullptr);
    BytesSink sink(kTestDeltaMaxBytes);
    EXPECT_EQ(CodeOf(hub->ExtractPart({}, sink)), Code::kCorrupt) << fault;
  }
  ScratchPath path;
  auto hub = Open(path.text());
  PartDevice device = MakeDevice(1);
  Fill(device, 1, 3);
  Push(device, *hub);
  hub.reset();
  Exec(path.text(), "UPDATE row SET state = CAST(x'02' || substr(state, 2) AS BLOB)");
  hub = Open(path.text());
  EXPECT_EQ(CodeOf(hub->StateDigest({})), Code::kNewerFormat);
}

TEST_F(RowStoreFile, NoCursorButTheFirstIsKnown) {
  auto hub = Open(path_.text());
  PartDevice device = MakeDevice(1);
  Fill(device, 1, 3);
  Push(device, *hub);
  BytesSink sink(kTestDeltaMaxBytes);
  const auto all = hub->ExtractFrom({}, sink);
  ASSERT_TRUE(all);
  EXPECT_EQ(all->rows, 3u);
  EXPECT_TRUE(all->until == VectorOf(*hub));
  EXPECT_EQ(all->end, *hub->Head());
  EXPECT_EQ(CodeOf(hub->ExtractFrom(all->end, sink)), Code::kNotCovered);
}

}  // namespace
}  // namespace rejoin
