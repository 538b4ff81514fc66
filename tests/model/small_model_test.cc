// The exhaustive small model: every script of one deed per replica from the whole
// alphabet, and of two deeds from a smaller one, in every order of writing and
// delivering, against an independent specification.
#include <gtest/gtest.h>

#include "tests/model/small_world.h"
#include "tests/store/fakes.h"
#include "tests/store/ops.h"

namespace rejoin {
namespace {

constexpr const char* kItem = "item";
const Key k1 = K("k1");
const Key k2 = K("k2");
const Key k3 = K("k3");

// item(id, a, b, u UNIQUE)
TableDef Items(RowRules rules) {
  return {kItem, {"id"}, {Column("a"), Column("b", N(0)), Column("u")}, {{"u"}}, rules};
}

Transaction Initial() {
  return {Insert(kItem, k1, {{"a", N(1)}, {"b", N(1)}, {"u", N(1)}}),
          Insert(kItem, k2, {{"a", N(2)}, {"b", N(2)}, {"u", N(2)}})};
}

// What replica `r` may do. Its own numbers are 10 + r, so that values differ
// where replicas do the same, unless the deed says otherwise.
std::vector<Deed> Alphabet(std::size_t r) {
  const Value own = N(10 + static_cast<std::int64_t>(r));
  const Row whole{{"a", N(1)}, {"b", own}, {"u", N(1)}};
  const Op replace = Replace(kItem, k1, whole);
  const Op displace = Replace(kItem, k3, {{"a", own}, {"u", N(1)}});
  const Op upsert = Upsert(kItem, k3, {{"a", own}});
  const Op rekey = ChangeKey(kItem, k1, k3);
  const Op rekey_and_edit = ChangeKey(kItem, k2, k1, {{"a", own}});
  const Key fresh = K(r == 0 ? "n0" : r == 1 ? "n1" : "n2");
  const Transaction take_over = {Update(kItem, k2, {{"u", Value::Null()}}),
                                 Update(kItem, k1, {{"u", N(2)}})};
  const Transaction swap = {Update(kItem, k1, {{"u", N(5)}}), Update(kItem, k2, {{"u", N(1)}}),
                            Update(kItem, k1, {{"u", N(2)}})};
  const Op reinsert = Insert(kItem, k1, {{"a", own}, {"u", N(1)}});
  return {
      {"update a", {{Update(kItem, k1, {{"a", own}})}}},
      {"delete", {{Delete(kItem, k1)}}},
      {"insert", {{Insert(kItem, k3, {{"a", own}, {"u", own}})}}},
      {"delete, then insert", {{Delete(kItem, k1)}, {reinsert}}},
      {"take the unique value", {take_over}},
      {"delete and insert", {{Delete(kItem, k1), Insert(kItem, k1, whole)}}},
      {"update b", {{Update(kItem, k1, {{"b", own}})}}},
      {"update a alike", {{Update(kItem, k1, {{"a", N(9)}})}}},
      {"replace", {{replace}}},
      {"replace another row", {{displace}}},
      {"change the key", {{rekey}}},
      {"adopt", {}, {{k3, {{"a", own}, {"b", N(3)}}}}},
      {"change the key onto a deleted one", {{Delete(kItem, k1), rekey_and_edit}}},
      {"adopt alike", {}, {{k3, {{"a", N(3)}, {"b", N(3)}}}}},
      {"insert a clashing row", {{Insert(kItem, fresh, {{"u", N(7)}})}}},
      {"swap", {swap}},
      {"upsert", {{upsert}}},
      {"save the whole row", {{Update(kItem, k1, whole)}}},
      {"adopt over everything", {}, {{k1, {{"a", own}, {"u", N(1)}}}}},
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

// A letter that does nothing would make the model look larger than it is.
TEST(SmallModelAlphabet, EachLetterChangesSomethingInAsManyTransactionsAsItHas) {
  FakeClock clock;
  FakeRandom random;
  for (std::size_t r = 0; r < kReplicas; ++r) {
    for (const Deed& deed : Alphabet(r)) {
      MemoryStore store(TestReplicaId(r), clock, random);
      ASSERT_TRUE(store.DefineTable(Items({})) && store.Commit(Initial()));
      const HybridTimestamp last = store.Vector()->Get(TestReplicaId(r));
      for (const Transaction& transaction : deed.transactions) {
        EXPECT_TRUE(store.Commit(transaction)) << deed.name;
      }
      const bool adopts = !deed.adopted.empty();
      EXPECT_TRUE(!adopts || store.Adopt(kItem, deed.adopted)) << deed.name;
      const std::size_t writes = deed.transactions.size() + (adopts ? 1 : 0);
      EXPECT_EQ(store.Vector()->Get(TestReplicaId(r)).value, last.value + writes) << deed.name;
    }
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

// A sanitizer looks at memory, not at meaning, and is slow.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kLetters = 5;
constexpr std::size_t kLettersInRounds = 2;
#else
constexpr std::size_t kLetters = 12;
constexpr std::size_t kLettersInRounds = 3;
#endif

// The default rules get the larger alphabet; what the others change, few deeds show.
TEST_P(SmallModel, OneDeedEachInEveryOrder) {
  ForEachScript(GetParam() == RowRules{} ? kLetters : 5, 1, [this](const Script& script) { Explore(script); });
}

TEST_P(SmallModel, TwoOfManyDeedsInEveryOrder) {
  const std::size_t letters = Alphabet(0).size();
  for (std::size_t i = 0; i < letters * letters && !HasFailure(); ++i) {
    Explore({{{Alphabet(0)[i % letters]}, {Alphabet(1)[i / letters]}, {}}});
  }
}

TEST_P(SmallModel, TwoDeedsEachInRounds) {
  ForEachScript(GetParam() == RowRules{} ? kLettersInRounds : 2, 2,
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
