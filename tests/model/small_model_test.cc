// The exhaustive small model: every script of one deed per replica from the whole
// alphabet, and of two deeds from a smaller one, in every order of writing and
// delivering, against an independent specification.
#include <gtest/gtest.h>

#include "tests/model/small_world.h"

namespace rejoin {
namespace {

Key K(const char* name) { return EncodeKey({Value::Text(name)}); }
Value N(std::size_t number) { return Value::Integer(static_cast<std::int64_t>(number)); }

TableDef Items(RowRules rules) {
  TableDef def;
  def.name = "item";
  def.key_columns = {"id"};
  def.columns = {{"a", Value::Null(), false, {}},
                 {"b", Value::Integer(0), false, {}},
                 {"u", Value::Null(), false, {}}};
  def.unique_sets = {{"u"}};
  def.rules = rules;
  return def;
}

Op Make(Op::Kind kind, const char* key, Row values) {
  return {kind, "item", K(key), std::move(values), {}};
}
Op Insert(const char* key, Row values) { return Make(Op::Kind::kInsert, key, std::move(values)); }
Op Update(const char* key, Row values) { return Make(Op::Kind::kUpdate, key, std::move(values)); }
Op Delete(const char* key) { return Make(Op::Kind::kDelete, key, {}); }

Transaction Initial() {
  return {Insert("k1", {{"a", N(1)}, {"b", N(1)}, {"u", N(1)}}),
          Insert("k2", {{"a", N(2)}, {"b", N(2)}, {"u", N(2)}})};
}

// What replica `r` may do. Its own numbers are 10 + r, so that values differ
// where replicas do the same, unless the deed says otherwise.
std::vector<Deed> Alphabet(std::size_t r) {
  const Value own = N(10 + r);
  const Row whole{{"a", N(1)}, {"b", own}, {"u", N(1)}};
  const Op replace = Make(Op::Kind::kReplace, "k1", whole);
  const Op takeover = Make(Op::Kind::kReplace, "k3", {{"a", own}, {"u", N(1)}});
  const Op upsert = Make(Op::Kind::kUpsert, "k3", {{"a", own}});
  const Op rekey{Op::Kind::kChangeKey, "item", K("k1"), {}, K("k3")};
  const Op rekey_and_edit{Op::Kind::kChangeKey, "item", K("k2"), {{"a", own}}, K("k1")};
  const char* const fresh = r == 0 ? "n0" : r == 1 ? "n1" : "n2";
  return {
      {"update a", {{Update("k1", {{"a", own}})}}},
      {"delete", {{Delete("k1")}}},
      {"insert", {{Insert("k3", {{"a", own}, {"u", own}})}}},
      {"delete, then insert", {{Delete("k1")}, {Insert("k1", {{"a", own}, {"u", N(1)}})}}},
      {"take the unique value", {{Update("k2", {{"u", Value::Null()}}), Update("k1", {{"u", N(2)}})}}},
      {"delete and insert", {{Delete("k1"), Insert("k1", whole)}}},
      {"update b", {{Update("k1", {{"b", own}})}}},
      {"update a alike", {{Update("k1", {{"a", N(9)}})}}},
      {"replace", {{replace}}},
      {"replace another row", {{takeover}}},
      {"change the key", {{rekey}}},
      {"change the key onto a deleted one", {{Delete("k1"), rekey_and_edit}}},
      {"adopt", {}, {{K("k3"), {{"a", own}, {"b", N(3)}}}}},
      {"adopt alike", {}, {{K("k3"), {{"a", N(3)}, {"b", N(3)}}}}},
      {"insert a clashing row", {{Insert(fresh, {{"u", N(7)}})}}},
      {"swap", {{Update("k1", {{"u", N(5)}}), Update("k2", {{"u", N(1)}}), Update("k1", {{"u", N(2)}})}}},
      {"upsert", {{upsert}}},
      {"save the whole row", {{Update("k1", whole)}}},
      {"adopt over everything", {}, {{K("k1"), {{"a", own}, {"u", N(1)}}}}},
  };
}

// Each letter in each place, counted up like a number in base `letters`.
template <class Visit>
void ForEachScript(std::size_t letters, std::size_t deeds_each, Visit visit) {
  const std::size_t places = kReplicas * deeds_each;
  std::size_t scripts = 1;
  for (std::size_t i = 0; i < places; ++i) scripts *= letters;
  for (std::size_t number = 0; number < scripts && !testing::Test::HasFailure(); ++number) {
    Script script;
    std::size_t rest = number;
    for (std::size_t place = 0; place < places; ++place) {
      const std::size_t replica = place % kReplicas;
      script[replica].push_back(Alphabet(replica)[rest % letters]);
      rest /= letters;
    }
    visit(script);
  }
}

class SmallModel : public testing::TestWithParam<RowRules> {
 protected:
  void TearDown() override {
    RecordProperty("scripts", std::to_string(scripts_));
    RecordProperty("states", std::to_string(states_));
    RecordProperty("merges", std::to_string(merges_));
  }

  void Explore(const Script& script) {
    SmallWorld world(Items(GetParam()), Initial(), script);
    if (script[0].size() > 1) {
      world.ExploreRounds();
    } else {
      world.ExploreEverything();
    }
    ++scripts_;
    states_ += world.states();
    merges_ += world.merges();
    ASSERT_EQ(world.fault(), "");
  }

  std::size_t scripts_ = 0;
  std::size_t states_ = 0;
  std::size_t merges_ = 0;
};

// The default rules get the larger alphabet; what the others change, few deeds show.
TEST_P(SmallModel, OneDeedEachInEveryOrder) {
  const bool is_default = GetParam() == RowRules{};
  ForEachScript(is_default ? 12 : 5, 1, [this](const Script& script) { Explore(script); });
}

TEST_P(SmallModel, TwoOfManyDeedsInEveryOrder) {
  const std::size_t letters = Alphabet(0).size();
  for (std::size_t i = 0; i < letters * letters && !HasFailure(); ++i) {
    Explore({{{Alphabet(0)[i % letters]}, {Alphabet(1)[i / letters]}, {}}});
  }
}

TEST_P(SmallModel, TwoDeedsEachInRounds) {
  ForEachScript(GetParam() == RowRules{} ? 3 : 2, 2,
                [this](const Script& script) { Explore(script); });
}

INSTANTIATE_TEST_SUITE_P(
    Rules, SmallModel,
    testing::Values(RowRules{SameKey::kMerge, false}, RowRules{SameKey::kNewest, false},
                    RowRules{SameKey::kMerge, true}, RowRules{SameKey::kNewest, true}),
    [](const testing::TestParamInfo<RowRules>& rules) {
      return std::string(rules.param.same_key == SameKey::kMerge ? "Merge" : "Newest") +
             (rules.param.delete_wins ? "DeleteWins" : "EditWins");
    });

}  // namespace
}  // namespace rejoin
