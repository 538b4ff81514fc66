// What every Store promises: extraction, merging, cursors, vectors.
#include <gtest/gtest.h>

#include "tests/store/replicas_fixture.h"

namespace rejoin {
namespace {

const Key kMilk = K("milk");
const Key kEggs = K("eggs");

Row Item(Value title, std::int64_t qty) { return {{"title", std::move(title)}, {"qty", N(qty)}}; }
Transaction InsertItem(const Key& key, std::int64_t qty) {
  return {Insert("item", key, Item(T("x"), qty))};
}

class StoreContract : public ReplicasFixture {
 protected:
  struct Taken {
    ExtractReport report;
    Bytes delta;
  };
  static Result<Taken> From(TestReplica& replica, const Cursor& cursor) {
    BytesSink sink(kTestDeltaMaxBytes);
    REJOIN_ASSIGN(const ExtractReport report, replica.store().ExtractFrom(cursor, sink));
    return Taken{report, sink.Take()};
  }
  static Code CodeOf(const Result<MergeReport>& result) {
    return result ? Code::kInternal : result.error().code;
  }
  static Code CodeOf(const Result<Taken>& result) {
    return result ? Code::kInternal : result.error().code;
  }
};

TEST_P(StoreContract, AFreshStoreIsEmpty) {
  TestReplica& a = Make();
  EXPECT_NE(*a.store().Replica(), ReplicaId{});
  EXPECT_TRUE(VectorOf(a).empty());
  EXPECT_EQ(*a.store().StateDigest({}), Digest{});
  TestReplica& b = Make();
  EXPECT_NE(*a.store().Replica(), *b.store().Replica());
  EXPECT_EQ(Hear(b, a).rows_changed, 0u);
}

TEST_P(StoreContract, MergingTwiceChangesNothing) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Do(a, InsertItem(kMilk, 1));
  Do(a, InsertItem(kEggs, 2));
  const Bytes delta = DeltaOf(a);
  const auto first = MergeBytes(b, delta);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->rows_changed, 2u);
  EXPECT_EQ(first->rows_shown, 2u);
  const std::string before = Everything(b);
  const auto again = MergeBytes(b, delta);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->rows_changed, 0u);
  EXPECT_EQ(again->rows_shown, 0u);
  EXPECT_EQ(Everything(b), before);
  EXPECT_EQ(Everything(a), before);
}

TEST_P(StoreContract, RefusesADeltaWhoseStartIsNotCovered) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Do(a, InsertItem(kMilk, 1));
  const VersionVector middle = VectorOf(a);
  Do(a, InsertItem(kEggs, 2));
  const Bytes later = DeltaOf(a, middle);
  const std::string before = Everything(b);
  EXPECT_EQ(CodeOf(MergeBytes(b, later)), Code::kNotCovered);
  EXPECT_EQ(Everything(b), before);
  EXPECT_EQ(b.Shown("item"), Rows{});

  ASSERT_TRUE(MergeBytes(b, DeltaOf(a)));
  EXPECT_TRUE(MergeBytes(b, later));  // now it is covered
}

TEST_P(StoreContract, AStoreThatIsBehindSendsWhatItHas) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Do(a, InsertItem(kMilk, 1));
  Hear(b, a);
  Do(a, InsertItem(kEggs, 2));  // b does not know, and is asked by one who does
  Do(b, InsertItem(K("tea"), 3));
  const Bytes delta = DeltaOf(b, VectorOf(a));
  ASSERT_TRUE(MergeBytes(a, delta));
  EXPECT_EQ(a.Shown("item").size(), 3u);
  EXPECT_TRUE(VectorOf(a).Covers(VectorOf(b)));

  TestReplica& c = Make(ItemTable());  // what b sent starts within what b holds
  Hear(c, b);
  EXPECT_TRUE(MergeBytes(c, delta));
}

TEST_P(StoreContract, RelayChainsCarryEverything) {
  for (int i = 0; i < 5; ++i) Make(ItemTable());
  Do(*replicas_[0], InsertItem(kMilk, 1));
  Do(*replicas_[0], InsertItem(kEggs, 1));
  for (std::size_t i = 1; i < replicas_.size(); ++i) Hear(*replicas_[i], *replicas_[i - 1]);
  Do(*replicas_[4], {Update("item", kMilk, {{"qty", N(5)}}), Delete("item", kEggs)});
  for (std::size_t i = 4; i > 0; --i) Hear(*replicas_[i - 1], *replicas_[i]);
  for (const auto& replica : replicas_) {
    EXPECT_EQ(replica->Shown("item"), (Rows{{kMilk, Item(T("x"), 5)}}));
    EXPECT_EQ(Everything(*replica), Everything(*replicas_[0]));
  }
}

// --- Cursors ----------------------------------------------------------------------

TEST_P(StoreContract, ACursorBringsWhatCameAfterIt) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  for (std::int64_t i = 0; i < 20; ++i) Do(a, InsertItem(EncodeKey({N(i)}), i));
  const auto all = From(a, {});
  ASSERT_TRUE(all);
  EXPECT_EQ(all->report.rows, 20u);
  EXPECT_TRUE(all->report.until == VectorOf(a));
  ASSERT_TRUE(MergeBytes(b, all->delta));

  const auto nothing = From(a, all->report.end);
  ASSERT_TRUE(nothing);
  EXPECT_EQ(nothing->report.rows, 0u);
  ASSERT_TRUE(MergeBytes(b, nothing->delta));

  Do(a, {Update("item", EncodeKey({N(7)}), {{"qty", N(70)}})});
  Do(a, {Delete("item", EncodeKey({N(8)}))});
  const auto two = From(a, all->report.end);
  ASSERT_TRUE(two);
  EXPECT_EQ(two->report.rows, 2u);
  ASSERT_TRUE(MergeBytes(b, two->delta));
  EXPECT_EQ(b.Shown("item"), a.Shown("item"));
  EXPECT_EQ(Everything(b), Everything(a));
}

TEST_P(StoreContract, ACursorBringsWhatWasMergedAfterIt) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  TestReplica& c = Make(ItemTable());
  Do(a, InsertItem(kMilk, 1));
  const auto start = From(b, {});
  ASSERT_TRUE(start && MergeBytes(c, start->delta));
  Hear(b, a);
  const auto merged = From(b, start->report.end);
  ASSERT_TRUE(merged && MergeBytes(c, merged->delta));
  EXPECT_EQ(c.Shown("item"), a.Shown("item"));

  // A merge that only moved the vector is passed on, too.
  Do(a, {Insert("item", kEggs, {})});
  Do(a, {Delete("item", kEggs)});
  Hear(b, a);
  const auto moved = From(b, merged->report.end);
  ASSERT_TRUE(moved && MergeBytes(c, moved->delta));
  EXPECT_EQ(Everything(c), Everything(a));
}

TEST_P(StoreContract, AnUnknownCursorIsNotCovered) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Do(a, InsertItem(kMilk, 1));
  Do(b, InsertItem(kMilk, 1));
  const auto taken = From(a, {});
  ASSERT_TRUE(taken);
  const Cursor end = taken->report.end;
  EXPECT_EQ(CodeOf(From(b, end)), Code::kNotCovered) << "another store's";
  EXPECT_EQ(CodeOf(From(a, {end.epoch ^ 1, end.position, end.tag})), Code::kNotCovered);
  EXPECT_EQ(CodeOf(From(a, {end.epoch, end.position + 1, end.tag})), Code::kNotCovered);
  EXPECT_EQ(CodeOf(From(a, {end.epoch, end.position, end.tag ^ 1})), Code::kNotCovered);
}

TEST_P(StoreContract, ATrimmedCursorIsNotCoveredAndTheVectorServes) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Do(a, InsertItem(kMilk, 1));
  const auto taken = From(a, {});
  ASSERT_TRUE(taken && MergeBytes(b, taken->delta));
  Do(a, InsertItem(kEggs, 2));
  a.TrimLog();
  EXPECT_EQ(CodeOf(From(a, taken->report.end)), Code::kNotCovered);
  Hear(b, a);
  EXPECT_EQ(Everything(b), Everything(a));
  const auto next = From(a, {});
  EXPECT_TRUE(!next || MergeBytes(b, next->delta)) << "everything, or a request for the vector";
}

// --- What a delta says of itself is checked -----------------------------------------

TEST_P(StoreContract, EndVectorsNeverSkip) {
  TestReplica& a = Make(ItemTable());
  Do(a, InsertItem(kMilk, 1));
  const ReplicaId stranger = TestReplicaId(200);
  const Stamp early{Rank::kWritten, {5}, stranger};

  // The vector comes first, as from one who had heard of more than he sends.
  const auto write = [&](const RowState& state, const VersionVector& end) {
    BytesSink sink(kTestDeltaMaxBytes);
    DeltaWriter writer(sink);
    EXPECT_TRUE(writer.Begin({stranger, {}, 0, {}, end}));
    if (!state.empty()) {
      const auto table = writer.AddTable({"item", {}, 1, {"qty"}});
      EXPECT_TRUE(table && writer.Add(*table, {kEggs, state}));
    }
    EXPECT_TRUE(writer.Finish());
    return sink.Take();
  };
  VersionVector end;
  end.Raise(stranger, {9});
  ASSERT_TRUE(MergeBytes(a, write({}, end)));
  EXPECT_TRUE(VectorOf(a).Covers(end));

  const RowState row = InsertDelta(early, {{0, {}, N(7)}});
  const auto report = MergeBytes(a, write(row, end));
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->rows_changed, 1u);
  ASSERT_EQ(a.Shown("item").count(kEggs), 1u);
  EXPECT_EQ(a.Shown("item").at(kEggs), Item({}, 7));
}

// A part of a first sync has no end, and its stamps count for the clock all the same.
TEST_P(StoreContract, WhatIsWrittenComesAfterEveryStampThatWasMerged) {
  TestReplica& a = Make(ItemTable());
  const ReplicaId stranger = TestReplicaId(200);
  const HybridTimestamp late = HybridTimestamp::FromWall(clock_.wall_ms + 1'000'000);
  const auto merge = [&](const RowState& state) {
    BytesSink sink(kTestDeltaMaxBytes);
    DeltaWriter writer(sink);
    EXPECT_TRUE(writer.Begin({stranger, {}, 0, {}, {}}));
    const auto table = writer.AddTable({"item", {}, 1, {"qty"}});
    EXPECT_TRUE(table && writer.Add(*table, {kEggs, state}));
    EXPECT_TRUE(writer.Finish());
    EXPECT_TRUE(MergeBytes(a, sink.Take()));
  };
  merge(InsertDelta({Rank::kWritten, late, stranger}, {{0, {}, N(7)}}));
  EXPECT_TRUE(VectorOf(a).empty());
  Do(a, {Update("item", kEggs, {{"qty", N(8)}})});
  EXPECT_EQ(a.Shown("item").at(kEggs).at("qty"), N(8));
  EXPECT_GT(VectorOf(a).Get(*a.store().Replica()), late);

  // Of a lower rank, and so not the largest stamp of its row: later all the same.
  const HybridTimestamp later = HybridTimestamp::FromWall(clock_.wall_ms + 2'000'000);
  merge(InsertDelta({Rank::kAdopted, later, stranger}, {{0, {}, N(9)}}));
  Do(a, {Update("item", kEggs, {{"qty", N(10)}})});
  EXPECT_GT(VectorOf(a).Get(*a.store().Replica()), later);
}

TEST_P(StoreContract, AnOlderDeltaTakesNothingBack) {
  TestReplica& a = Make(ItemTable());
  TestReplica& ahead = Make(ItemTable());
  TestReplica& behind = Make(ItemTable());
  Do(behind, InsertItem(kMilk, 1));
  clock_.wall_ms += 1'000'000;
  Do(ahead, InsertItem(kEggs, 1));
  const Bytes older = DeltaOf(ahead);
  Do(ahead, {Update("item", kEggs, {{"qty", N(2)}})});
  clock_.wall_ms -= 1'000'000;
  Hear(a, ahead);
  const std::string before = Everything(a);
  EXPECT_TRUE(MergeBytes(a, older));
  EXPECT_EQ(Everything(a), before);

  // One that brings something is no reason to turn the clock back either.
  Hear(a, behind);
  Do(a, {Update("item", kEggs, {{"qty", N(3)}})});
  EXPECT_GT(VectorOf(a).Get(*a.store().Replica()), VectorOf(a).Get(*ahead.store().Replica()));
  Exchange();
  EXPECT_EQ(ahead.Shown("item").at(kEggs).at("qty"), N(3));
}

TEST_P(StoreContract, DamageIsRefusedAndChangesNothing) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  for (std::int64_t i = 0; i < 5; ++i) Do(a, InsertItem(EncodeKey({N(i)}), i));
  const Bytes delta = DeltaOf(a);
  const std::string before = Everything(b);
  for (std::size_t length = 0; length < delta.size(); ++length) {
    EXPECT_FALSE(MergeBytes(b, ByteView(delta).substr(0, length))) << length;
  }
  for (std::size_t at = 0; at < delta.size(); ++at) {
    Bytes flipped = delta;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x10);
    EXPECT_FALSE(MergeBytes(b, flipped)) << at;
  }
  EXPECT_FALSE(MergeBytes(b, delta + "x"));
  EXPECT_EQ(Everything(b), before);
  EXPECT_TRUE(b.Shown("item").empty());
  EXPECT_TRUE(MergeBytes(b, delta));
}

TEST_P(StoreContract, OtherOptionsOfATableAreRefused) {
  TestReplica& a = Make(ItemTable({SameKey::kMerge, true}));
  TestReplica& b = Make(ItemTable({SameKey::kNewest, true}));
  TestReplica& c = Make(ItemTable({SameKey::kMerge, false}));
  TableDef two_parts = ItemTable({SameKey::kMerge, true});
  two_parts.key_columns = {"id", "part"};
  TestReplica& d = Make(two_parts);
  Do(a, InsertItem(kMilk, 1));
  for (TestReplica* other : {&b, &c, &d}) {
    const std::string before = Everything(*other);
    EXPECT_EQ(CodeOf(MergeBytes(*other, DeltaOf(a))), Code::kInvalidArgument);
    EXPECT_EQ(Everything(*other), before);
  }
}

TEST_P(StoreContract, TheReportCounts) {
  TestReplica& a = Make(PersonTable());
  TestReplica& b = Make(PersonTable());
  Do(a, {Insert("person", K("ann"), {{"email", T("x")}}), Insert("person", K("cid"), {})});
  Do(b, {Insert("person", K("bob"), {{"email", T("x")}}), Insert("person", K("cid"), {})});
  const MergeReport report = Hear(b, a);
  EXPECT_EQ(report.rows_changed, 2u);
  EXPECT_EQ(report.rows_shown, 0u);  // ann is hidden, cid looks as before
  EXPECT_EQ(report.conflicts, 1u);
  EXPECT_EQ(report.quarantined, 1u);
  EXPECT_EQ(report.duplicate_dots, 0u);
}

// Wherever it was meanwhile: nobody saw it there.
TEST_P(StoreContract, ARowThatIsHiddenInTheEndIsNotCountedAsShown) {
  TestReplica& a = Make(PersonTable());
  TestReplica& b = Make(PersonTable());
  TestReplica& c = Make(PersonTable());
  Do(a, {Insert("person", K("ann"), {{"email", T("x")}})});
  Do(b, {Insert("person", K("bob"), {{"email", T("x")}})});
  Hear(a, b);
  EXPECT_EQ(Hear(c, a).rows_shown, 1u);
}

INSTANTIATE_TEST_SUITE_P(Stores, StoreContract, testing::ValuesIn(AllReplicaMakers()),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace rejoin
