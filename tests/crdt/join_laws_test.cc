// Every lattice of ours obeys the laws of a join, and its join is the least
// upper bound: replicas that joined the same states, in whatever order and
// however often, are equal.
#include <map>
#include <tuple>
#include <utility>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/crdt/generators.h"

namespace rejoin {

// The parts of a row as lattices of their own, so that a fault in one is not
// hidden behind the variety of the other.
struct CellsAlone {
  RowState state;
  friend bool operator==(const CellsAlone&, const CellsAlone&) = default;
};
struct RemovesAlone {
  RowState state;
  friend bool operator==(const RemovesAlone&, const RemovesAlone&) = default;
};
inline void showValue(const CellsAlone& part, std::ostream& out) { showValue(part.state, out); }
inline void showValue(const RemovesAlone& part, std::ostream& out) { showValue(part.state, out); }

}  // namespace rejoin

namespace rc {

template <>
struct Arbitrary<rejoin::CellsAlone> {
  // One incarnation, so that cells of one column meet all the time.
  static Gen<rejoin::CellsAlone> arbitrary() {
    return gen::map(gen::arbitrary<rejoin::Incarnation>(), [](rejoin::Incarnation made) {
      made.birth = {rejoin::Rank::kWritten, {1}, rejoin::PoolReplica(1)};
      return rejoin::CellsAlone{{{std::move(made)}, {}}};
    });
  }
};

template <>
struct Arbitrary<rejoin::RemovesAlone> {
  static Gen<rejoin::RemovesAlone> arbitrary() {
    return gen::map(gen::arbitrary<rejoin::RowState>(), [](rejoin::RowState state) {
      state.incarnations.clear();
      return rejoin::RemovesAlone{std::move(state)};
    });
  }
};

}  // namespace rc

namespace rejoin {
namespace {

bool JoinInto(VersionVector& into, const VersionVector& from) { return into.Join(from); }
bool JoinInto(RowState& into, const RowState& from) { return Join(into, from).rose; }
template <class Part>
bool JoinInto(Part& into, const Part& from) {
  return Join(into.state, from.state).rose;
}

template <class T>
T Joined(T a, const T& b) {
  JoinInto(a, b);
  return a;
}

// What a lattice holds, place by place: an order of its own, written without Join.
using Places = std::map<std::tuple<int, Stamp, ColumnId, ReplicaId>, std::tuple<HybridTimestamp, Stamp, Value>>;

Places PlacesOf(const VersionVector& vector) {
  Places places;
  for (const auto& [replica, time] : vector.entries()) {
    places[{0, {}, 0, replica}] = {time, {}, {}};
  }
  return places;
}

Places PlacesOf(const RowState& state) {
  Places places;
  for (const Incarnation& incarnation : state.incarnations) {
    places[{1, incarnation.birth, 0, {}}];
    for (const Cell& cell : incarnation.cells) {
      places[{2, incarnation.birth, cell.column, {}}] = {{}, cell.stamp, cell.value};
    }
  }
  for (const Remove& remove : state.removes) {
    places[{3, {}, 0, remove.replica}] = {remove.tag, remove.stamp, {}};
  }
  return places;
}

template <class Part>
Places PlacesOf(const Part& part) {
  return PlacesOf(part.state);
}

bool IsAtMost(const Places& low, const Places& high) {
  for (const auto& [place, content] : low) {
    const auto at = high.find(place);
    if (at == high.end() || at->second < content) return false;
  }
  return true;
}

template <class T>
class JoinLaws : public testing::Test {};
using Lattices = testing::Types<VersionVector, CellsAlone, RemovesAlone, RowState>;
TYPED_TEST_SUITE(JoinLaws, Lattices);

TYPED_TEST(JoinLaws, JoinIsCommutative) {
  EXPECT_TRUE(rc::check([](const TypeParam& a, const TypeParam& b) {
    RC_ASSERT(Joined(a, b) == Joined(b, a));
  }));
}

TYPED_TEST(JoinLaws, JoinIsAssociative) {
  EXPECT_TRUE(rc::check([](const TypeParam& a, const TypeParam& b, const TypeParam& c) {
    RC_ASSERT(Joined(Joined(a, b), c) == Joined(a, Joined(b, c)));
  }));
}

TYPED_TEST(JoinLaws, JoinIsIdempotent) {
  EXPECT_TRUE(rc::check([](const TypeParam& a, const TypeParam& b) {
    RC_ASSERT(Joined(a, a) == a);
    RC_ASSERT(Joined(Joined(a, b), b) == Joined(a, b));
  }));
}

TYPED_TEST(JoinLaws, JoinOnlyGrows) {
  EXPECT_TRUE(rc::check([](const TypeParam& a, const TypeParam& b) {
    const Places joined = PlacesOf(Joined(a, b));
    RC_ASSERT(IsAtMost(PlacesOf(a), joined));
    RC_ASSERT(IsAtMost(PlacesOf(b), joined));
  }));
}

// Nothing may come out of a join that neither side held.
TYPED_TEST(JoinLaws, JoinIsTheLeastUpperBound) {
  EXPECT_TRUE(rc::check([](const TypeParam& a, const TypeParam& b) {
    Places least = PlacesOf(a);
    for (const auto& [place, content] : PlacesOf(b)) {
      const auto [at, added] = least.emplace(place, content);
      if (!added && at->second < content) at->second = content;
    }
    RC_ASSERT(PlacesOf(Joined(a, b)) == least);
  }));
}

TYPED_TEST(JoinLaws, RoseIsExact) {
  EXPECT_TRUE(rc::check([](const TypeParam& a, const TypeParam& b) {
    TypeParam joined = a;
    const bool rose = JoinInto(joined, b);
    RC_ASSERT(rose == !(joined == a));
    RC_ASSERT(!JoinInto(joined, a));
    RC_ASSERT(!JoinInto(joined, b));
  }));
}

TYPED_TEST(JoinLaws, AnEmptyStateIsNeutral) {
  EXPECT_TRUE(rc::check([](const TypeParam& a) {
    RC_ASSERT(Joined(a, TypeParam{}) == a);
    RC_ASSERT(Joined(TypeParam{}, a) == a);
  }));
}

RC_GTEST_PROP(VersionVectorLaws, OfEntriesIsEachOfThemRaised, ()) {
  auto entries = *rc::gen::container<std::vector<VersionVector::Entry>>(
      rc::gen::pair(rc::gen::arbitrary<ReplicaId>(), AnyTime()));
  VersionVector raised;
  for (const auto& [replica, time] : entries) raised.Raise(replica, time);
  RC_ASSERT(VersionVector::Of(std::move(entries)) == raised);
}

RC_GTEST_PROP(VersionVectorLaws, TheOrderIsThatOfTheJoin,
              (const VersionVector& a, const VersionVector& b)) {
  RC_ASSERT(a.Covers(b) == (Joined(a, b) == a));
  RC_ASSERT((a >= b) == a.Covers(b));
  RC_ASSERT((a <= b) == b.Covers(a));
  const bool concurrent = (a <=> b) == std::partial_ordering::unordered;
  RC_ASSERT(concurrent == (!a.Covers(b) && !b.Covers(a)));
}

RC_GTEST_PROP(RowStateLaws, ADuplicateDotIsReportedOnBothSides,
              (const RowState& a, const RowState& b)) {
  RowState into_a = a;
  RowState into_b = b;
  RC_ASSERT(Join(into_a, b).duplicate_dot == Join(into_b, a).duplicate_dot);
}

// Removes alone never bring a row back; tags alone never take it away where only
// births count. (Elsewhere they may: a cell that a delete had observed can replace
// the one that kept the row.)
RC_GTEST_PROP(RowStateLaws, RemovesNeverRevive, (const RowState& a, const RemovesAlone& b)) {
  for (const bool delete_wins : {false, true}) {
    const RowRules rules{SameKey::kMerge, delete_wins};
    if (!IsPresent(a, rules)) RC_ASSERT(!IsPresent(Joined(a, b.state), rules));
  }
}

RC_GTEST_PROP(RowStateLaws, TagsNeverDeleteWhereOnlyBirthsCount,
              (const RowState& a, const CellsAlone& b)) {
  const RowRules rules{SameKey::kMerge, true};
  if (IsPresent(a, rules)) RC_ASSERT(IsPresent(Joined(a, b.state), rules));
}

}  // namespace
}  // namespace rejoin
