// A delta is the news and nothing else: joining it gives what the whole state
// would have given, in any order, grouping and number of copies.
#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/crdt/row_history.h"

namespace rejoin {
namespace {

using Steps = std::vector<RowStep>;

RowState Joined(RowState into, const RowState& from) {
  Join(into, from);
  return into;
}

RowState JoinOfAll(const std::vector<RowSite>& sites) {
  RowState all;
  for (const RowSite& site : sites) Join(all, site.state);
  return all;
}

RC_GTEST_PROP(DeltaLaws, InsertDeltaIsOneIncarnationStampedThroughout,
              (const Stamp& stamp, const std::vector<Cell>& drawn)) {
  const auto by_column = [](const Cell& a, const Cell& b) { return a.column < b.column; };
  std::vector<Cell> cells = SortedUnique(drawn, by_column);
  std::reverse(cells.begin(), cells.end());
  const RowState delta = InsertDelta(stamp, cells);
  RC_ASSERT(delta.removes.empty());
  RC_ASSERT(delta.incarnations.size() == 1u);
  RC_ASSERT(delta.incarnations[0].birth == stamp);
  RC_ASSERT(delta.incarnations[0].cells.size() == cells.size());
  std::reverse(cells.begin(), cells.end());
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const Cell expected{cells[i].column, stamp, cells[i].value};
    RC_ASSERT(delta.incarnations[0].cells[i] == expected);
  }
}

// The mutators written out by hand, on the state in place.
RC_GTEST_PROP(DeltaLaws, UpdateDeltaJoinedIsTheUpdateApplied,
              (const Steps& steps, const RowRules& rules)) {
  RowHistory history(rules);
  history.Play(steps);
  const RowSite& site = history.sites()[0];
  RC_PRE(IsPresent(site.state, rules));
  const Stamp stamp{Rank::kWritten, Tick(site.latest, 0), site.replica};

  RowState expected = site.state;
  const Stamp shown = ShownIncarnation(site.state, rules)->birth;
  for (Incarnation& incarnation : expected.incarnations) {
    if (incarnation.birth != shown) continue;
    auto& cells = incarnation.cells;
    cells.erase(std::remove_if(cells.begin(), cells.end(),
                               [](const Cell& cell) { return cell.column == 1; }),
                cells.end());
    cells.push_back({1, stamp, Value::Text("new")});
    std::sort(cells.begin(), cells.end(),
              [](const Cell& a, const Cell& b) { return a.column < b.column; });
  }
  const RowState delta = UpdateDelta(site.state, rules, stamp, {{1, {}, Value::Text("new")}});
  RC_ASSERT(Joined(site.state, delta) == expected);
  RC_ASSERT(UpdateDelta(site.state, rules, stamp, {}).empty());
}

RC_GTEST_PROP(DeltaLaws, DeleteDeltaJoinedLeavesNothingAliveAndKeepsEveryCell,
              (const Steps& steps, const RowRules& rules)) {
  RowHistory history(rules);
  history.Play(steps);
  const RowSite& site = history.sites()[0];
  RC_PRE(IsPresent(site.state, rules));
  const Stamp stamp{Rank::kWritten, Tick(site.latest, 0), site.replica};
  const RowState delta = DeleteDelta(site.state, stamp);
  RC_ASSERT(delta.incarnations.empty());
  const RowState deleted = Joined(site.state, delta);
  RC_ASSERT(!IsPresent(deleted, rules));
  RC_ASSERT(deleted.incarnations == site.state.incarnations);
  RC_ASSERT(LargestStamp(deleted) == stamp);
}

RC_GTEST_PROP(DeltaLaws, AnInsertAfterADeleteIsNotCoveredByIt,
              (const Steps& steps, const RowRules& rules)) {
  RowHistory history(rules);
  history.Play(steps);
  const RowSite& site = history.sites()[0];
  RC_PRE(IsPresent(site.state, rules));
  RowState state = site.state;
  const HybridTimestamp deleted = Tick(site.latest, 0);
  Join(state, DeleteDelta(state, {Rank::kWritten, deleted, site.replica}));
  const Stamp birth{Rank::kWritten, Tick(deleted, 0), site.replica};
  Join(state, InsertDelta(birth, {}));
  RC_ASSERT(IsPresent(state, rules));
  RC_ASSERT(ShownIncarnation(state, rules)->birth == birth);
  RC_ASSERT(ShownCells(state, rules).empty());
}

// The law that exchange stands on.
RC_GTEST_PROP(DeltaLaws, SinceAVectorIsAsGoodAsTheWholeState,
              (const Steps& steps, const RowRules& rules)) {
  RowHistory history(rules);
  history.Play(steps);
  for (const RowSite& sender : history.past()) {
    for (const RowSite& receiver : history.past()) {
      const RowState news = Since(sender.state, receiver.vector);
      RC_ASSERT(Joined(receiver.state, news) == Joined(receiver.state, sender.state));
    }
  }
}

RC_GTEST_PROP(DeltaLaws, SinceAnOlderVectorIsFineToo,
              (const Steps& before, const Steps& after, const RowRules& rules)) {
  RowHistory history(rules);
  history.Play(before);
  const std::vector<RowSite> old = history.sites();
  history.Play(after);
  for (const RowSite& sender : history.sites()) {
    for (std::size_t i = 0; i < old.size(); ++i) {
      const RowState& receiver = history.sites()[i].state;
      const RowState news = Since(sender.state, old[i].vector);
      RC_ASSERT(Joined(receiver, news) == Joined(receiver, sender.state));
    }
  }
}

RC_GTEST_PROP(DeltaLaws, SinceOneselfIsNothing, (const Steps& steps, const RowRules& rules)) {
  RowHistory history(rules);
  history.Play(steps);
  for (const RowSite& site : history.past()) {
    RC_ASSERT(Since(site.state, site.vector).empty());
    RC_ASSERT(Since(site.state, VersionVector{}) == site.state);
  }
}

RC_GTEST_PROP(DeltaLaws, AnyOrderGroupingAndDuplicationGivesTheJoinOfTheStates,
              (const Steps& steps, const RowRules& rules)) {
  RowHistory history(rules);
  history.Play(steps);
  std::vector<RowState> deltas = history.deltas();
  for (std::size_t copies = 0, whole = deltas.size(); copies < whole / 2; ++copies) {
    deltas.push_back(deltas[*Within<std::size_t>(0, whole)]);
  }
  // Groups are joined among themselves first, in any order, then to the rest.
  std::vector<RowState> groups(3);
  while (!deltas.empty()) {
    const auto at = *Within<std::size_t>(0, deltas.size());
    Join(groups[*Within<std::size_t>(0, groups.size())], deltas[at]);
    deltas.erase(deltas.begin() + static_cast<std::ptrdiff_t>(at));
  }
  RC_ASSERT(Joined(Joined(groups[2], groups[0]), groups[1]) == JoinOfAll(history.sites()));
}

// Two replicas delete one row, and no delta says so again: a filter that went by
// the tag, which both had long seen, would hide the delete from a third.
TEST(DeltaLawExamples, ARemoveIsNewsByTheStampOfItsDelete) {
  const ReplicaId a = PoolReplica(1);
  const ReplicaId b = PoolReplica(2);
  const RowState made = InsertDelta({Rank::kWritten, {1}, a}, {});
  VersionVector holder;
  holder.Raise(a, {1});
  const RowState deleted = Joined(made, DeleteDelta(made, {Rank::kWritten, {2}, b}));

  const RowState news = Since(deleted, holder);
  ASSERT_EQ(news.removes.size(), 1u);
  EXPECT_EQ(news.removes[0].replica, a);
  EXPECT_FALSE(IsPresent(Joined(made, news), {}));

  holder.Raise(b, {2});
  EXPECT_TRUE(Since(deleted, holder).empty());
}

// As is every row of a table that has key columns only.
TEST(DeltaLawExamples, ARowOfNothingButItsKeyIsNewsByItsBirth) {
  const ReplicaId a = PoolReplica(1);
  const RowState made = InsertDelta({Rank::kWritten, {1}, a}, {});
  VersionVector holder;
  EXPECT_EQ(Since(made, holder), made);
  holder.Raise(a, {1});
  EXPECT_TRUE(Since(made, holder).empty());
}

}  // namespace
}  // namespace rejoin
