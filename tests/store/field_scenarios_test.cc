// What went wrong in the field with systems of this kind, as scenarios. Each is
// played with every permutation of deliveries that it can have.
#include <algorithm>
#include <numeric>

#include <gtest/gtest.h>

#include "tests/store/replicas_fixture.h"

namespace rejoin {
namespace {

const Key kMilk = K("milk");
Row Item(const char* title, std::int64_t qty) { return {{"title", T(title)}, {"qty", N(qty)}}; }

class FieldScenarios : public ReplicasFixture {
 protected:
  // A fresh replica for each order in which the deltas can come, each delta a
  // whole state; all must end alike. Returns one of them.
  TestReplica& PlayEveryOrder(const std::vector<Bytes>& deltas) {
    std::vector<std::size_t> order(deltas.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    TestReplica* first = nullptr;
    do {
      TestReplica& replica = Make(ItemTable());
      for (const std::size_t i : order) {
        const auto report = MergeBytes(replica, deltas[i]);
        EXPECT_TRUE(report) << report.error().message;
      }
      if (first == nullptr) first = &replica;
      EXPECT_EQ(DigestOf(replica), DigestOf(*first));
      EXPECT_TRUE(VectorOf(replica) == VectorOf(*first));
      EXPECT_EQ(replica.Shown("item"), first->Shown("item"));
      EXPECT_TRUE(replica.Conflicts() == first->Conflicts());
      // Metadata too: neither has anything that the other lacks.
      EXPECT_EQ(Hear(replica, *first).rows_changed, 0u);
      EXPECT_EQ(MergeBytes(replica, DeltaOf(*first))->rows_changed, 0u);
      EXPECT_EQ(MergeBytes(*first, DeltaOf(replica))->rows_changed, 0u);
    } while (std::next_permutation(order.begin(), order.end()));
    return *first;
  }
};

TEST_P(FieldScenarios, F1ConcurrentDeletesReachAThird) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Do(a, {Insert("item", kMilk, Item("milk", 1))});
  Hear(b, a);
  const Bytes made = DeltaOf(a);
  Do(a, {Delete("item", kMilk)});
  Do(b, {Delete("item", kMilk)});
  EXPECT_EQ(PlayEveryOrder({made, DeltaOf(a), DeltaOf(b)}).Shown("item"), Rows{});
}

// By news alone: the third holds everything but the deletes.
TEST_P(FieldScenarios, F1ConcurrentDeletesReachAThirdByVector) {
  for (const bool a_first : {true, false}) {
    TestReplica& a = Make(ItemTable());
    TestReplica& b = Make(ItemTable());
    TestReplica& third = Make(ItemTable());
    Do(a, {Insert("item", kMilk, Item("milk", 1))});
    Hear(b, a);
    Hear(third, a);
    Do(a, {Delete("item", kMilk)});
    Do(b, {Delete("item", kMilk)});
    EXPECT_EQ(Hear(third, a_first ? a : b).rows_changed, 1u);
    EXPECT_EQ(third.Shown("item"), Rows{});
    Hear(third, a_first ? b : a);
    EXPECT_EQ(third.Shown("item"), Rows{});
    Hear(a, third);
    Hear(b, third);
    EXPECT_EQ(MergeBytes(a, DeltaOf(b))->rows_changed, 0u);
    EXPECT_EQ(MergeBytes(b, DeltaOf(a))->rows_changed, 0u);
  }
}

TEST_P(FieldScenarios, F2RelayChainsOfThreeConverge) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  TestReplica& c = Make(ItemTable());
  Do(a, {Insert("item", kMilk, Item("milk", 1))});
  Hear(b, a);
  Do(b, {Update("item", kMilk, {{"qty", N(2)}})});
  Hear(c, b);
  Do(a, {Update("item", kMilk, {{"qty", N(3)}})});
  Do(c, {Update("item", kMilk, {{"title", T("oat milk")}})});
  Hear(b, a);  // the winner moves on through b, and b's old value must not return
  Hear(c, b);
  Hear(a, c);
  Exchange();
  EverybodyShows("item", {{kMilk, Item("oat milk", 3)}});
}

TEST_P(FieldScenarios, F3DeleteAndReinsertInEveryPermutation) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  std::vector<Bytes> deltas;
  Do(a, {Insert("item", kMilk, Item("milk", 1))});
  deltas.push_back(DeltaOf(a));
  Hear(b, a);
  Do(a, {Delete("item", kMilk)});
  deltas.push_back(DeltaOf(a));
  Do(b, {Update("item", kMilk, {{"qty", N(2)}})});
  deltas.push_back(DeltaOf(b));
  Do(a, {Insert("item", kMilk, Item("soy milk", 3))});
  deltas.push_back(DeltaOf(a));
  Do(b, {Delete("item", kMilk)});
  deltas.push_back(DeltaOf(b));
  EXPECT_EQ(PlayEveryOrder(deltas).Shown("item"), (Rows{{kMilk, Item("soy milk", 3)}}));
}

TEST_P(FieldScenarios, F4DeleteAndReinsertBetweenSyncsOfFour) {
  for (int i = 0; i < 4; ++i) Make(ItemTable());
  TestReplica& a = *replicas_[0];
  Do(a, {Insert("item", kMilk, Item("milk", 1))});
  Exchange();
  Do(a, {Delete("item", kMilk)});
  Hear(*replicas_[1], a);
  Do(a, {Insert("item", kMilk, Item("milk", 2))});
  Hear(*replicas_[2], a);
  Hear(*replicas_[1], *replicas_[2]);
  EXPECT_EQ(replicas_[1]->Shown("item"), (Rows{{kMilk, Item("milk", 2)}}));
  Do(*replicas_[1], {Delete("item", kMilk)});
  Do(*replicas_[1], {Insert("item", kMilk, Item("milk", 3))});
  Hear(*replicas_[3], *replicas_[1]);
  EXPECT_EQ(replicas_[3]->Shown("item"), (Rows{{kMilk, Item("milk", 3)}}));
  Exchange();
  EverybodyShows("item", {{kMilk, Item("milk", 3)}});
  EverybodyLists({});
}

TEST_P(FieldScenarios, F5IdenticalConcurrentWritesInEveryOrder) {
  std::vector<Bytes> deltas;
  TestReplica& origin = Make(ItemTable());
  Do(origin, {Insert("item", kMilk, Item("milk", 1))});
  for (int i = 0; i < 4; ++i) {
    TestReplica& writer = Make(ItemTable());
    Hear(writer, origin);
    clock_.wall_ms -= kStepMs;  // all at one time
    Do(writer, {Update("item", kMilk, {{"qty", N(9)}})});
    deltas.push_back(DeltaOf(writer));
  }
  EXPECT_EQ(PlayEveryOrder(deltas).Shown("item"), (Rows{{kMilk, Item("milk", 9)}}));
}

// F20: one stamp with two values can only come from a broken or cloned replica.
TEST_P(FieldScenarios, F20ADuplicateDotIsCountedAndResolvedAlike) {
  const ReplicaId liar = TestReplicaId(201);
  VersionVector end;
  end.Raise(liar, {5});
  std::vector<Bytes> deltas;
  for (const std::int64_t value : {1, 2}) {
    BytesSink sink(kTestDeltaMaxBytes);
    DeltaWriter writer(sink);
    ASSERT_TRUE(writer.Begin({liar, {}, 0, {}, end}));
    const auto table = writer.AddTable({"item", {}, 1, {"qty"}});
    ASSERT_TRUE(table);
    const Stamp stamp{Rank::kWritten, {5}, liar};
    ASSERT_TRUE(writer.Add(*table, {kMilk, InsertDelta(stamp, {{0, {}, N(value)}})}));
    ASSERT_TRUE(writer.Finish());
    deltas.push_back(sink.Take());
  }
  TestReplica& a = PlayEveryOrder(deltas);
  EXPECT_EQ(a.Shown("item").at(kMilk).at("qty"), N(2));
  const auto again = MergeBytes(a, deltas[0]);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->duplicate_dots, 1u);
  EXPECT_EQ(again->rows_changed, 0u);
}

INSTANTIATE_TEST_SUITE_P(Stores, FieldScenarios, testing::ValuesIn(AllReplicaMakers()),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace rejoin
