// The generators themselves: what they promise is what the other tests lean on.
// Besides being valid, what they draw is spread: a law that holds for one column
// and one replica may break for any other.
#include "tests/crdt/generators.h"

#include <limits>
#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace rejoin {
namespace {

RC_GTEST_PROP(Generators, RowStatesAreSortedWithoutDuplicates, (const RowState& state)) {
  for (std::size_t i = 1; i < state.incarnations.size(); ++i) {
    RC_ASSERT(state.incarnations[i - 1].birth < state.incarnations[i].birth);
  }
  for (std::size_t i = 1; i < state.removes.size(); ++i) {
    RC_ASSERT(state.removes[i - 1].replica < state.removes[i].replica);
  }
  for (const Incarnation& incarnation : state.incarnations) {
    for (std::size_t i = 1; i < incarnation.cells.size(); ++i) {
      RC_ASSERT(incarnation.cells[i - 1].column < incarnation.cells[i].column);
    }
  }
}

RC_GTEST_PROP(Generators, DeltasEndBeyondTheirStart, (const WholeDelta& delta)) {
  RC_ASSERT(delta.header.end.Covers(delta.header.start));
  for (const DeltaBlock& block : delta.blocks) {
    RC_ASSERT(block.table < delta.tables.size());
    for (std::size_t i = 1; i < block.rows.size(); ++i) {
      RC_ASSERT(block.rows[i - 1].key < block.rows[i].key);
    }
  }
}

// How many draws a property of RapidCheck makes by default, and one of its sizes.
constexpr int kDraws = 100;

// `count` values, the same in each run, of that size.
template <class T>
std::vector<T> Draws(const rc::Gen<T>& gen, int size, int count = kDraws) {
  rc::Random random(20240607);
  std::vector<T> drawn;
  for (int i = 0; i < count; ++i) drawn.push_back(gen(random.split(), size).value());
  return drawn;
}

std::vector<RowState> DrawnStates() { return Draws(rc::gen::arbitrary<RowState>(), 0); }

std::vector<Stamp> StampsOf(const RowState& state) {
  std::vector<Stamp> stamps;
  for (const Incarnation& incarnation : state.incarnations) {
    stamps.push_back(incarnation.birth);
    for (const Cell& cell : incarnation.cells) stamps.push_back(cell.stamp);
  }
  for (const Remove& remove : state.removes) stamps.push_back(remove.stamp);
  return stamps;
}

class GeneratorSpread : public testing::TestWithParam<int> {};

TEST_P(GeneratorSpread, StampsAreOfBothRanksAndOfEveryReplicaAndTimeOfThePool) {
  std::set<Rank> ranks;
  std::set<ReplicaId> replicas;
  std::set<std::uint64_t> times;
  for (const Stamp& stamp : Draws(rc::gen::arbitrary<Stamp>(), GetParam())) {
    ranks.insert(stamp.rank);
    replicas.insert(stamp.replica);
    times.insert(stamp.time.value);
  }
  EXPECT_EQ(ranks.size(), 2u);
  for (std::uint8_t i = 1; i <= kPoolReplicas; ++i) EXPECT_TRUE(replicas.count(PoolReplica(i))) << int{i};
  EXPECT_GT(replicas.size(), std::size_t{kPoolReplicas}) << "strangers";
  for (std::uint64_t i = 1; i <= kPoolTimes; ++i) EXPECT_TRUE(times.count(i)) << i;
  EXPECT_GT(*times.rbegin(), std::uint64_t{1} << 60);
}

TEST_P(GeneratorSpread, ValuesAreOfEveryClassAndFromBothEndsOfEach) {
  std::set<Value> values;
  for (const Value& value : Draws(rc::gen::arbitrary<Value>(), GetParam(), 5 * kDraws)) {
    values.insert(value);
  }
  std::map<ValueType, int> classes;
  for (const Value& value : values) ++classes[value.type];
  EXPECT_EQ(classes[ValueType::kNull], 1);
  for (std::int64_t i = -3; i <= 3; ++i) EXPECT_TRUE(values.count(Value::Integer(i))) << i;
  EXPECT_TRUE(values.count(Value::Integer(std::numeric_limits<std::int64_t>::min())));
  EXPECT_TRUE(values.count(Value::Integer(std::numeric_limits<std::int64_t>::max())));
  EXPECT_GT(classes[ValueType::kInteger], 30);
  EXPECT_GT(classes[ValueType::kReal], 20);
  EXPECT_GT(classes[ValueType::kText], 5);
  EXPECT_GT(classes[ValueType::kBlob], 5);
}

INSTANTIATE_TEST_SUITE_P(Sizes, GeneratorSpread, testing::Values(0, 5, 100));

TEST(GeneratorSpread, BytesAreOfEveryLetterAndAnyPattern) {
  std::set<char> letters;
  for (const Bytes& bytes : Draws(AnyBytes(), 5)) letters.insert(bytes.begin(), bytes.end());
  for (const char letter : Bytes("abcde")) EXPECT_TRUE(letters.count(letter)) << letter;
  EXPECT_GT(letters.size(), 40u);
}

TEST(GeneratorSpread, RowStatesHaveEveryColumnReplicaTimeAndRank) {
  std::set<ColumnId> columns;
  std::set<ReplicaId> writers;
  std::set<ReplicaId> removed;
  std::set<std::uint64_t> times;
  std::set<std::uint64_t> tags;
  std::set<Rank> births;
  for (const RowState& state : DrawnStates()) {
    for (const Incarnation& incarnation : state.incarnations) {
      births.insert(incarnation.birth.rank);
      for (const Cell& cell : incarnation.cells) columns.insert(cell.column);
    }
    for (const Stamp& stamp : StampsOf(state)) {
      writers.insert(stamp.replica);
      times.insert(stamp.time.value);
    }
    for (const Remove& remove : state.removes) {
      removed.insert(remove.replica);
      tags.insert(remove.tag.value);
    }
  }
  EXPECT_EQ(columns.size(), kPoolColumns);
  EXPECT_EQ(births.size(), 2u);
  for (std::uint8_t i = 1; i <= kPoolReplicas; ++i) {
    EXPECT_TRUE(writers.count(PoolReplica(i))) << int{i};
    EXPECT_TRUE(removed.count(PoolReplica(i))) << int{i};
  }
  for (std::uint64_t i = 1; i <= kPoolTimes; ++i) {
    EXPECT_TRUE(times.count(i)) << i;
    EXPECT_TRUE(tags.count(i)) << i;
  }
}

// Rows without an incarnation, with one and with many; cells of the birth's stamp
// and of others; every way to be alive or dead.
TEST(GeneratorSpread, RowStatesAreOfEveryKind) {
  std::map<std::string, int> seen;
  const RowRules rules;
  for (const RowState& state : DrawnStates()) {
    ++seen[state.incarnations.empty() ? "only removes or nothing"
           : state.incarnations.size() == 1 ? "one incarnation" : "several incarnations"];
    ++seen[state.removes.size() > 1 ? "several removes" : "at most one remove"];
    if (state.empty()) ++seen["empty"];
    if (IsPresent(state, rules)) ++seen["present"];
    if (!state.incarnations.empty() && !IsPresent(state, rules)) ++seen["absent"];
    if (IsPresent(state, rules) && !IsPresent(state, {SameKey::kMerge, true})) ++seen["kept by edits"];
    if (HasKeyClash(state, rules)) ++seen["clash"];
    if (ShownCells(state, rules) != ShownCells(state, {SameKey::kNewest, false})) ++seen["merged"];
    for (const Incarnation& incarnation : state.incarnations) {
      for (const Cell& cell : incarnation.cells) {
        ++seen[cell.stamp == incarnation.birth ? "cell of the birth" : "cell of a later stamp"];
      }
      const bool covered = IsCovered(incarnation.birth, state.removes);
      const bool adopted = incarnation.birth.rank == Rank::kAdopted;
      ++seen[std::string(adopted ? "adopted " : "written ") + (covered ? "covered" : "uncovered")];
    }
  }
  for (const char* kind :
       {"only removes or nothing", "one incarnation", "several incarnations", "several removes",
        "at most one remove", "empty", "present", "absent", "kept by edits", "clash", "merged",
        "cell of the birth", "cell of a later stamp", "adopted covered", "adopted uncovered",
        "written covered", "written uncovered"}) {
    EXPECT_GE(seen[kind], 3) << kind;
  }
}

// Two states that a law is tried on share incarnations, and disagree in them.
TEST(GeneratorSpread, PairsOfRowStatesMeetAndTie) {
  const std::vector<RowState> states = Draws(rc::gen::arbitrary<RowState>(), 0, 2 * kDraws);
  std::map<std::string, int> seen;
  for (std::size_t i = 0; i + 1 < states.size(); i += 2) {
    RowState joined = states[i];
    const RowState& other = states[i + 1];
    if (Join(joined, other).duplicate_dot) ++seen["duplicate dot"];
    for (const Incarnation& a : states[i].incarnations) {
      for (const Incarnation& b : other.incarnations) {
        if (a.birth == b.birth) ++seen["same birth"];
      }
    }
    for (const Remove& a : states[i].removes) {
      for (const Remove& b : other.removes) {
        if (a.replica != b.replica) continue;
        const bool agree = (a.tag < b.tag) == (a.stamp < b.stamp);
        ++seen[a.tag == b.tag ? "same tag"
               : agree        ? "larger tag and stamp" : "larger tag, smaller stamp"];
      }
    }
  }
  for (const char* kind : {"duplicate dot", "same birth", "same tag", "larger tag and stamp",
                           "larger tag, smaller stamp"}) {
    EXPECT_GE(seen[kind], 3) << kind;
  }
}

}  // namespace
}  // namespace rejoin
