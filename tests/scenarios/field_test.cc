// What went wrong in the field with systems of this kind, as scenarios.

#include <algorithm>

#include "tests/scenarios/replicas.h"

namespace rejoin::testing {
namespace {

const Story kTodo{"CREATE TABLE todo(id TEXT PRIMARY KEY NOT NULL, title TEXT, qty INTEGER)", {"todo"}};

// Calls `deliver` with every order of 0..count-1.
template <class F>
void ForEachOrder(std::size_t count, F deliver) {
  std::vector<std::size_t> order(count);
  for (std::size_t i = 0; i < count; ++i) order[i] = i;
  do {
    std::string name;
    for (const std::size_t i : order) name += std::to_string(i);
    SCOPED_TRACE("order " + name);
    deliver(order);
  } while (std::next_permutation(order.begin(), order.end()) && !::testing::Test::HasFailure());
}

// Each of the deltas, in every order, into a fresh replica: always the same.
void ExpectOrderDoesNotMatter(const Story& story, const std::vector<Bytes>& deltas,
                              const std::vector<std::string>& rows, const std::string& table) {
  std::string digest;
  std::vector<std::string> hidden;
  ForEachOrder(deltas.size(), [&](const std::vector<std::size_t>& order) {
    Replicas fresh(1, story);
    for (const std::size_t i : order) {
      const auto merged = fresh[0].Merge(deltas[i]);
      ASSERT_TRUE(merged) << merged.error().message;
      const auto again = fresh[0].Merge(deltas[i]);
      ASSERT_TRUE(again && again->rows_changed == 0) << "merging twice changes nothing";
    }
    if (digest.empty()) {
      digest = fresh[0].DigestHex();
      hidden = Replicas::HiddenRows(fresh[0]);
    }
    EXPECT_EQ(fresh[0].Query("SELECT * FROM " + table + " ORDER BY 1"), rows);
    EXPECT_EQ(fresh[0].DigestHex(), digest);
    EXPECT_EQ(Replicas::HiddenRows(fresh[0]), hidden);
    Replicas::ExpectSound(fresh[0]);
  });
}

TEST(Field, F1TwoOfflineDeletesReachAThirdInEitherOrder) {
  for (const bool phone_first : {true, false}) {
    Replicas all(3, kTodo);
    all.At(0, "INSERT INTO todo VALUES('milk', 'milk', 1)");
    all.ExchangeAll();
    all.At(0, "DELETE FROM todo");
    all.At(1, "DELETE FROM todo");
    all.Pull(2, phone_first ? 0 : 1);
    EXPECT_EQ(all[2].One("SELECT count(*) FROM todo"), "0");
    all.Pull(2, phone_first ? 1 : 0);
    EXPECT_EQ(all[2].One("SELECT count(*) FROM todo"), "0");
    all.ExchangeAndExpectEqual();
  }
}

TEST(Field, F2RelayChainsAndRandomTopologies) {
  for (const std::size_t count : {3u, 5u, 8u}) {
    SCOPED_TRACE(count);
    Replicas all(count, kTodo);
    SeededRandom random(count);
    const auto any = [&random](std::size_t below) { return static_cast<std::size_t>(random.Draw64() % below); };
    for (int step = 0; step < 200; ++step) {
      const std::size_t who = any(count);
      const std::string key = "'k" + std::to_string(any(6)) + "'";
      switch (any(6)) {
        case 0: all.At(who, "INSERT OR IGNORE INTO todo VALUES(" + key + ", 'new', " + std::to_string(step) + ")"); break;
        case 1: all.At(who, "UPDATE todo SET title = 't" + std::to_string(step) + "' WHERE id = " + key); break;
        case 2: all.At(who, "DELETE FROM todo WHERE id = " + key); break;
        default: {  // hearsay: from anybody who may have it from anybody
          const std::size_t from = any(count);
          if (from != who) all.Pull(who, from);
        }
      }
    }
    for (std::size_t i = 1; i < count; ++i) all.Pull(i, i - 1);  // a chain there
    for (std::size_t i = count - 1; i-- > 0;) all.Pull(i, i + 1);  // and back
    all.ExpectEqual();
  }
}

TEST(Field, F3DeleteAndReinsertInEveryOrder) {
  Replicas all(3, kTodo);
  std::vector<Bytes> deltas;
  all.At(0, "INSERT INTO todo VALUES('milk', 'milk', 1)");
  deltas.push_back(all[0].Delta());
  all.Pull(1, 0);
  all.Pull(2, 0);
  all.At(0, "DELETE FROM todo");
  deltas.push_back(all[0].Delta());
  all.At(1, "DELETE FROM todo");
  all.At(1, "INSERT INTO todo VALUES('milk', 'soy milk', 2)");
  deltas.push_back(all[1].Delta());
  all.At(2, "UPDATE todo SET qty = 3");
  deltas.push_back(all[2].Delta());
  all.At(0, "INSERT INTO todo VALUES('milk', 'oat milk', 4)");
  deltas.push_back(all[0].Delta());
  ExpectOrderDoesNotMatter(kTodo, deltas, {"milk|oat milk|4"}, "todo");
}

TEST(Field, F4DeleteAndReinsertBetweenSyncsOfFour) {
  Replicas all(4, kTodo);
  all.At(0, "INSERT INTO todo VALUES('milk', 'first', 1), ('eggs', 'first', 1)");
  all.ExchangeAll();
  all.At(1, "DELETE FROM todo WHERE id = 'milk'");
  all.Pull(0, 1);
  all.Pull(2, 0);
  all.At(0, "INSERT INTO todo VALUES('milk', 'second', 2)");
  all.Pull(2, 0);
  all.At(2, "DELETE FROM todo WHERE id = 'milk'");
  all.At(2, "INSERT INTO todo VALUES('milk', 'third', 3)");
  all.Pull(3, 2);
  EXPECT_EQ(all[3].One("SELECT title FROM todo WHERE id = 'milk'"), "third");
  all.Pull(1, 3);
  all.Pull(0, 1);
  all.ExpectEqual();
  EXPECT_EQ(all[0].One("SELECT title, qty FROM todo WHERE id = 'milk'"), "third|3");
}

TEST(Field, F5IdenticalConcurrentWritesLeaveEqualMetadata) {
  Replicas all(3, kTodo);
  all.At(0, "INSERT INTO todo VALUES('milk', 'milk', 1)");
  all.ExchangeAll();
  std::vector<Bytes> deltas;
  for (std::size_t i = 0; i < 3; ++i) {  // one moment, one value
    all[i].Exec("UPDATE todo SET qty = 7, title = 'same'");
    all[i].Exec("INSERT INTO todo VALUES('eggs', 'same', 12)");
    deltas.push_back(all[i].Delta());
  }
  ExpectOrderDoesNotMatter(kTodo, deltas, {"eggs|same|12", "milk|same|7"}, "todo");
  all.ExchangeAndExpectEqual();
  EXPECT_EQ(NewsFor(all[0], all[1]), 0u);
}

const Story kPeople{"CREATE TABLE person(id TEXT PRIMARY KEY NOT NULL, email TEXT UNIQUE, name TEXT)", {"person"}};

TEST(Field, F17AUniqueClashHasOneLoserAndLosesNothing) {
  Replicas all(3, kPeople);
  all.At(0, "INSERT INTO person VALUES('ann', 'x', 'Ann'), ('zoe', 'z', 'Zoe')");
  all.At(1, "INSERT INTO person VALUES('bob', 'x', 'Bob'), ('kim', 'k', 'Kim')");
  all.At(2, "INSERT INTO person VALUES('eve', 'x', 'Eve')");
  const std::vector<Bytes> deltas{all[0].Delta(), all[1].Delta(), all[2].Delta()};
  ExpectOrderDoesNotMatter(kPeople, deltas, {"eve|x|Eve", "kim|k|Kim", "zoe|z|Zoe"}, "person");
  all.ExchangeAndExpectEqual();
  EXPECT_EQ(Replicas::HiddenRows(all[0]).size(), 2u);

  all.At(1, "UPDATE person SET email = 'own' WHERE id = 'eve'");
  all.ExchangeAndExpectEqual();
  EXPECT_EQ(all[2].Query("SELECT * FROM person WHERE email = 'x'"), std::vector<std::string>{"bob|x|Bob"});
  all.At(2, "DELETE FROM person WHERE id = 'bob'");
  all.ExchangeAndExpectEqual();
  EXPECT_EQ(all[0].Query("SELECT * FROM person WHERE email = 'x'"), std::vector<std::string>{"ann|x|Ann"});
  EXPECT_TRUE(Replicas::HiddenRows(all[0]).empty());
}

TEST(Field, F18OrphansAreWhatForeignKeyCheckSays) {
  const Story story{R"sql(
PRAGMA foreign_keys = ON;
CREATE TABLE list(id TEXT PRIMARY KEY NOT NULL, name TEXT);
CREATE TABLE item(id TEXT PRIMARY KEY NOT NULL, list TEXT REFERENCES list ON DELETE CASCADE, title TEXT);
)sql", {"list", "item"}};
  Replicas all(3, story);
  all.At(0, "INSERT INTO list VALUES('home', 'Home'), ('work', 'Work')");
  all.ExchangeAll();
  all.At(0, "DELETE FROM list WHERE id = 'home'");
  all.At(1, "INSERT INTO item VALUES('milk', 'home', 'Milk'), ('desk', 'work', 'Desk')");
  all.At(2, "UPDATE list SET name = 'Office' WHERE id = 'work'");
  all.ExchangeAndExpectEqual();
  const std::string orphans = "SELECT i.id FROM item AS i JOIN pragma_foreign_key_check('item') AS c ON c.rowid = i.rowid";
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(all[i].Query(orphans), std::vector<std::string>{"milk"}) << "the work of replica 1 is not hidden";
  }
  all.At(2, "INSERT INTO list VALUES('home', 'Home again')");
  all.ExchangeAndExpectEqual();
  EXPECT_TRUE(all[1].Query(orphans).empty());
  EXPECT_NE(all[1].Try("INSERT INTO item VALUES('x', 'nowhere', 'x')"), SQLITE_OK)
      << "enforcement is on again after merging";
}

TEST(Field, F20UnequalValuesUnderOneStampAreNoticed) {
  std::vector<std::string> digests;
  for (const bool first_first : {true, false}) {
    TestDatabase one(1);
    TestDatabase other(1);  // the same identity, by the same seed
    for (TestDatabase* const database : {&one, &other}) {
      database->Exec(kTodo.schema);
      database->Track("todo");
    }
    one.Exec("INSERT INTO todo VALUES('milk', 'one', 1)");
    other.Exec("INSERT INTO todo VALUES('milk', 'other', 1)");
    Replicas third(1, kTodo);
    ASSERT_TRUE(third[0].Merge(first_first ? one.Delta() : other.Delta()));
    const auto merged = third[0].Merge(first_first ? other.Delta() : one.Delta());
    ASSERT_TRUE(merged) << merged.error().message;
    EXPECT_EQ(merged->duplicate_dots, 1u);
    EXPECT_EQ(third[0].One("SELECT count(*) FROM todo"), "1") << "it must not look like a delete";
    digests.push_back(third[0].DigestHex());
  }
  EXPECT_EQ(digests[0], digests[1]);
}

}  // namespace
}  // namespace rejoin::testing
