// The exhaustive small model: every script of one deed per replica from the whole
// alphabet, and of two deeds from a smaller one, in every order of writing and
// delivering, against an independent specification. docs/testing.md tells how to run all
// of it; usually it takes a share.
#include <algorithm>
#include <cstdlib>

#include <gtest/gtest.h>

#include "tests/model/delivery_world.h"
#include "tests/model/small_world.h"

namespace rejoin {
namespace {

// A letter that does nothing would make the model look larger than it is.
TEST(SmallModelAlphabet, EachLetterChangesSomethingInAsManyTransactionsAsItHas) {
  FakeClock clock;
  FakeRandom random;
  for (std::size_t r = 0; r < kReplicas; ++r) {
    for (const Deed& deed : Alphabet(r)) {
      MemoryStore store(TestReplicaId(r), clock, random);
      ASSERT_TRUE(store.DefineTable(SmallTable({})) && store.Commit(SmallTableAtFirst()));
      const HybridTimestamp last = store.Vector()->Get(TestReplicaId(r));
      for (const Transaction& transaction : deed.transactions) {
        EXPECT_TRUE(store.Commit(transaction)) << deed.name;
      }
      const bool adopts = !deed.adopted.empty();
      EXPECT_TRUE(!adopts || store.Adopt("item", deed.adopted)) << deed.name;
      const std::size_t writes = deed.transactions.size() + (adopts ? 1 : 0);
      EXPECT_EQ(store.Vector()->Get(TestReplicaId(r)).value, last.value + writes) << deed.name;
    }
  }
}

// How much of the model is looked at. A sanitizer looks at memory, not at meaning, and is slow.
struct Share {
  std::size_t letters;                 // of the alphabet, where each has one deed
  std::size_t letters_of_other_rules;  // what these change, few deeds show
  std::size_t letters_of_two;          // where each has two
  std::size_t letters_of_two_of_other_rules;
};
constexpr std::size_t kSomeLetters = 7;

Share Usual() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return {5, 5, 2, 2};
#else
  return {12, 5, 3, 2};
#endif
}

bool IsFull() {
  const char* const wish = std::getenv("REJOIN_MODEL");
  return wish != nullptr && std::string(wish) == "full";
}

Share ShareInMemory() { return IsFull() ? Share{19, 19, 6, 4} : Usual(); }
Share ShareOnSqlite() { return IsFull() ? Share{19, 19, 6, 3} : Share{4, 3, 2, 1}; }

class SmallModel : public testing::TestWithParam<RowRules> {
 protected:
  void TearDown() override {
    RecordProperty("scripts", std::to_string(scripts_));
    RecordProperty("merges", std::to_string(merges_));
  }
  static bool HasDefaultRules() { return GetParam() == RowRules{}; }
  static std::size_t Letters(const Share& share) {
    return HasDefaultRules() ? share.letters : share.letters_of_other_rules;
  }
  static std::size_t LettersOfTwo(const Share& share) {
    return HasDefaultRules() ? share.letters_of_two : share.letters_of_two_of_other_rules;
  }

  std::size_t scripts_ = 0;
  std::size_t merges_ = 0;
};

// --- Memory stores -------------------------------------------------------------------------

class SmallModelInMemory : public SmallModel {
 protected:
  bool Explore(const Script& script) {
    SmallWorld world(SmallTable(GetParam()), SmallTableAtFirst(), script);
    if (script[0].size() > 1) {
      world.ExploreRounds();
    } else {
      world.ExploreEverything();
    }
    ++scripts_;
    merges_ += world.merges();
    EXPECT_EQ(world.fault(), "");
    return !HasFailure();
  }
};

TEST_P(SmallModelInMemory, OneDeedEachInEveryOrder) {
  ForEachScript(Letters(ShareInMemory()), 1, [this](std::size_t, const Script& script) { return Explore(script); });
}

TEST_P(SmallModelInMemory, TwoOfManyDeedsInEveryOrder) {
  const std::size_t letters = Alphabet(0).size();
  for (std::size_t i = 0; i < letters * letters && !HasFailure(); ++i) {
    Explore({{{Alphabet(0)[i % letters]}, {Alphabet(1)[i / letters]}, {}}});
  }
}

TEST_P(SmallModelInMemory, TwoDeedsEachInRounds) {
  ForEachScript(LettersOfTwo(ShareInMemory()), 2,
                [this](std::size_t, const Script& script) { return Explore(script); });
}

// --- SQLite stores -------------------------------------------------------------------------

class SmallModelOnSqlite : public SmallModel {
 protected:
  void SetUp() override { worlds_ = std::make_unique<DeliveryWorlds>(SmallTable(GetParam()), SmallTableAtFirst()); }
  void TearDown() override {
    merges_ = worlds_->merges();
    SmallModel::TearDown();
  }

  bool Play(const Script& script, const Course& course) {
    EXPECT_EQ(worlds_->Play(script, course, scripts_), "");
    ++scripts_;
    return !HasFailure();
  }

  const std::vector<Course> courses_ = AllCourses();
  std::unique_ptr<DeliveryWorlds> worlds_;
};

// Where nobody heard of anybody there are most orders.
TEST_P(SmallModelOnSqlite, OneDeedEachInEveryOrder) {
  ForEachScript(Letters(ShareOnSqlite()), 1,
                [this](std::size_t, const Script& script) { return Play(script, courses_.front()); });
}

TEST_P(SmallModelOnSqlite, OneDeedEachInEveryCourse) {
  const std::size_t letters = !IsFull() ? 2 : HasDefaultRules() ? 8 : 3;
  ForEachScript(letters, 1, [this](std::size_t, const Script& script) {
    return std::all_of(courses_.begin(), courses_.end(),
                       [&](const Course& course) { return Play(script, course); });
  });
}

TEST_P(SmallModelOnSqlite, TwoOfManyDeedsInEveryOrder) {
  const std::size_t letters = HasDefaultRules() || IsFull() ? Alphabet(0).size() : kSomeLetters;
  for (std::size_t i = 0; i < letters * letters && !HasFailure(); ++i) {
    Play({{{Alphabet(0)[i % letters]}, {Alphabet(1)[i / letters]}, {}}}, courses_[i % courses_.size()]);
  }
}

TEST_P(SmallModelOnSqlite, TwoDeedsEachInEveryOrder) {
  ForEachScript(LettersOfTwo(ShareOnSqlite()), 2, [this](std::size_t number, const Script& script) {
    return Play(script, number % 4 == 0 ? courses_[number / 4 % courses_.size()] : courses_.front());
  });
}

// --- Rules ---------------------------------------------------------------------------------

const RowRules kRules[] = {{SameKey::kMerge, false}, {SameKey::kNewest, false}, {SameKey::kMerge, true}, {SameKey::kNewest, true}};

std::string NameOf(const testing::TestParamInfo<RowRules>& rules) {
  return std::string(rules.param.same_key == SameKey::kMerge ? "Merge" : "Newest") +
         (rules.param.delete_wins ? "DeleteWins" : "EditWins");
}

INSTANTIATE_TEST_SUITE_P(Rules, SmallModelInMemory, testing::ValuesIn(kRules), NameOf);
INSTANTIATE_TEST_SUITE_P(Rules, SmallModelOnSqlite, testing::ValuesIn(kRules), NameOf);

TEST(SmallModelCourses, ThereIsOneForEachWayToHearOfEachOther) {
  const std::vector<Course> courses = AllCourses();
  EXPECT_EQ(courses.size(), 19u);  // partial orders of three
  EXPECT_TRUE(courses.front().hears_of == Course().hears_of);
}

}  // namespace
}  // namespace rejoin
