// What a row state says, against the merge rules written out as plainly as they
// are told: sets and maps, any well-formed state, every option.
#include <map>
#include <set>
#include <tuple>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/crdt/generators.h"

namespace rejoin {
namespace {

bool Covered(const Stamp& tag, const RowState& state) {
  if (tag.rank == Rank::kAdopted) return !state.removes.empty();
  for (const Remove& remove : state.removes) {
    if (remove.replica == tag.replica) return remove.tag >= tag.time;
  }
  return false;
}

// The living incarnations, by birth.
std::map<Stamp, const Incarnation*> Living(const RowState& state, RowRules rules) {
  std::map<Stamp, const Incarnation*> living;
  for (const Incarnation& incarnation : state.incarnations) {
    bool alive = !Covered(incarnation.birth, state);
    for (const Cell& cell : incarnation.cells) {
      alive = alive || (!rules.delete_wins && !Covered(cell.stamp, state));
    }
    if (alive) living[incarnation.birth] = &incarnation;
  }
  return living;
}

std::set<Stamp> AllStamps(const RowState& state) {
  std::set<Stamp> stamps;
  for (const Incarnation& incarnation : state.incarnations) {
    stamps.insert(incarnation.birth);
    for (const Cell& cell : incarnation.cells) stamps.insert(cell.stamp);
  }
  for (const Remove& remove : state.removes) stamps.insert(remove.stamp);
  return stamps;
}

RC_GTEST_PROP(Reading, ATagIsCoveredWhereTheRemovesReachIt,
              (const RowState& state, const Stamp& other)) {
  for (const Stamp& tag : AllStamps(state)) {
    RC_ASSERT(IsCovered(tag, state.removes) == Covered(tag, state));
  }
  RC_ASSERT(IsCovered(other, state.removes) == Covered(other, state));
}

RC_GTEST_PROP(Reading, AnIncarnationLivesByATagThatIsNotCovered,
              (const RowState& state, const RowRules& rules)) {
  const auto living = Living(state, rules);
  for (const Incarnation& incarnation : state.incarnations) {
    RC_ASSERT(IsAlive(incarnation, state.removes, rules) == (living.count(incarnation.birth) != 0));
  }
  RC_ASSERT(IsPresent(state, rules) == !living.empty());
  const Incarnation* const largest = living.empty() ? nullptr : living.rbegin()->second;
  RC_ASSERT(ShownIncarnation(state, rules) == largest);
}

// Under newest only the shown incarnation counts, unless it was adopted.
RC_GTEST_PROP(Reading, ARowShowsTheLargestCellOfEachColumn,
              (const RowState& state, const RowRules& rules)) {
  const auto living = Living(state, rules);
  std::map<ColumnId, std::pair<Stamp, Value>> expected;
  for (const auto& [birth, incarnation] : living) {
    const bool newest = incarnation == living.rbegin()->second;
    const bool whole = living.rbegin()->first.rank == Rank::kWritten;
    if (rules.same_key == SameKey::kNewest && whole && !newest) continue;
    for (const Cell& cell : incarnation->cells) {
      auto& largest = expected[cell.column];
      largest = std::max(largest, std::pair(cell.stamp, cell.value));
    }
  }
  std::vector<Cell> cells;
  for (const auto& [column, content] : expected) {
    cells.push_back({column, content.first, content.second});
  }
  std::vector<Cell> shown;
  for (const Cell* cell : ShownCells(state, rules)) shown.push_back(*cell);
  RC_ASSERT(shown == cells);
}

// Two copies of one adopted row are no rivals, unless a column was adopted with
// unequal values and neither was written since.
RC_GTEST_PROP(Reading, TwoLivingIncarnationsClash, (const RowState& state, const RowRules& rules)) {
  bool clash = false;
  const auto living = Living(state, rules);
  for (const auto& [birth, a] : living) {
    for (const auto& [other_birth, b] : living) {
      if (a == b) continue;
      if (birth.rank == Rank::kWritten || other_birth.rank == Rank::kWritten) clash = true;
      for (const Cell& mine : a->cells) {
        for (const Cell& theirs : b->cells) {
          const bool untouched =
              mine.stamp.rank == Rank::kAdopted && theirs.stamp.rank == Rank::kAdopted;
          if (mine.column == theirs.column && untouched && mine.value != theirs.value) clash = true;
        }
      }
    }
  }
  RC_ASSERT(HasKeyClash(state, rules) == clash);
}

RC_GTEST_PROP(Reading, TheLargestStampMayBeAnywhere, (const RowState& state)) {
  const std::set<Stamp> stamps = AllStamps(state);
  const auto largest = LargestStamp(state);
  RC_ASSERT(largest.has_value() == !stamps.empty());
  if (largest) RC_ASSERT(*largest == *stamps.rbegin());
}

RC_GTEST_PROP(Reading, TheLatestTimeIsThatOfAnyStampWhateverItsRank, (const RowState& state)) {
  HybridTimestamp latest;
  for (const Stamp& stamp : AllStamps(state)) latest = std::max(latest, stamp.time);
  RC_ASSERT(LatestTime(state) == latest);
}

RC_GTEST_PROP(Reading, ADuplicateDotIsTwoValuesUnderOneStampInOnePlace,
              (const RowState& a, const RowState& b)) {
  std::map<std::tuple<Stamp, ColumnId, Stamp>, Value> places;
  for (const Incarnation& incarnation : a.incarnations) {
    for (const Cell& cell : incarnation.cells) {
      places[{incarnation.birth, cell.column, cell.stamp}] = cell.value;
    }
  }
  bool duplicate = false;
  for (const Incarnation& incarnation : b.incarnations) {
    for (const Cell& cell : incarnation.cells) {
      const auto at = places.find({incarnation.birth, cell.column, cell.stamp});
      duplicate = duplicate || (at != places.end() && at->second != cell.value);
    }
  }
  RowState joined = a;
  RC_ASSERT(Join(joined, b).duplicate_dot == duplicate);
}

// Three copies adopted apart, of which the first and the last disagree.
TEST(ReadingExamples, CopiesThatAreNotNeighboursClashToo) {
  RowState state;
  for (const std::uint8_t i : {std::uint8_t{1}, std::uint8_t{2}, std::uint8_t{3}}) {
    const Stamp birth{Rank::kAdopted, {i}, PoolReplica(i)};
    std::vector<Cell> cells;
    if (i != 2) cells.push_back({0, {}, Value::Integer(i)});
    Join(state, InsertDelta(birth, cells));
  }
  EXPECT_TRUE(HasKeyClash(state, {}));
}

}  // namespace
}  // namespace rejoin
