// What is shown is a function of state and schema: UNIQUE clashes of every kind,
// on every order of delivery.

#include <algorithm>

#include "tests/scenarios/replicas.h"

namespace rejoin::testing {
namespace {

// Merges the deltas in every order, once one by one and once after relaying
// through a second replica; rows and quarantine are always the same.
void ExpectShown(const Story& story, const std::vector<Bytes>& deltas,
                 const std::vector<std::string>& rows, std::size_t hidden) {
  std::vector<std::size_t> order(deltas.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::vector<std::string> aside;
  do {
    Replicas fresh(2, story);
    for (std::size_t i = 0; i < order.size(); ++i) {
      const std::size_t into = i % 2;
      const auto merged = fresh[into].Merge(deltas[order[i]]);
      ASSERT_TRUE(merged) << merged.error().message;
    }
    fresh.ExchangeAndExpectEqual();
    ASSERT_EQ(fresh[0].Query("SELECT * FROM " + story.tables[0] + " ORDER BY 1"), rows);
    if (aside.empty()) aside = Replicas::HiddenRows(fresh[0]);
    ASSERT_EQ(Replicas::HiddenRows(fresh[0]), aside);
    ASSERT_EQ(aside.size(), hidden);
  } while (std::next_permutation(order.begin(), order.end()));
}

// One delta per script, each by a replica of its own, later ones later; all begin
// with the same rows.
std::vector<Bytes> Apart(const Story& story, const std::string& first,
                         const std::vector<std::string>& scripts) {
  Replicas all(scripts.size(), story);
  all.At(0, first);
  all.ExchangeAll();
  std::vector<Bytes> deltas{all[0].Delta()};
  for (std::size_t i = 0; i < scripts.size(); ++i) {
    all.At(i, scripts[i]);
    deltas.push_back(all[i].Delta());
  }
  return deltas;
}

const Story kPeople{"CREATE TABLE p(id TEXT PRIMARY KEY NOT NULL, email UNIQUE, name)", {"p"}};
constexpr char kTwo[] = "INSERT INTO p VALUES('ann', 'a', 'Ann'), ('bob', 'b', 'Bob')";

TEST(Unique, TheNewestOfThreeIsShown) {
  ExpectShown(kPeople, Apart(kPeople, kTwo, {"UPDATE p SET email = 'x' WHERE id = 'ann'",
                                             "UPDATE p SET email = 'x' WHERE id = 'bob'",
                                             "INSERT INTO p VALUES('cid', 'x', 'Cid')"}),
              {"cid|x|Cid"}, 2);
}

// The device that wrote them knew of no such index.
TEST(Unique, RowsOfOneTransactionAreDecidedByTheirKeys) {
  Replicas all(3, {"CREATE TABLE p(id TEXT PRIMARY KEY NOT NULL, email)", {"p"}});
  for (const std::size_t strict : {1, 2}) all.At(strict, "CREATE UNIQUE INDEX once ON p(email)");
  all.At(0, "INSERT INTO p VALUES('bob', 'x'), ('ann', 'x'), ('cid', 'x')");
  for (const std::size_t strict : {1, 2}) {
    all.Pull(strict, 0);
    EXPECT_EQ(all[strict].One("SELECT id FROM p"), "ann");
  }
}

TEST(Unique, SwappedInOneTransaction) {
  ExpectShown(kPeople, Apart(kPeople, kTwo, {"BEGIN; UPDATE p SET email = NULL WHERE id = 'ann';"
                                             "UPDATE p SET email = 'a' WHERE id = 'bob';"
                                             "UPDATE p SET email = 'b' WHERE id = 'ann'; COMMIT",
                                             "UPDATE p SET name = 'Anna' WHERE id = 'ann'"}),
              {"ann|b|Anna", "bob|a|Bob"}, 0);
}

TEST(Unique, RotatedByThree) {
  ExpectShown(kPeople,
              Apart(kPeople, "INSERT INTO p VALUES('1', 'a', 0), ('2', 'b', 0), ('3', 'c', 0)",
                    {"BEGIN; UPDATE p SET email = 'z' WHERE id = '1'; UPDATE p SET email = 'a' WHERE id = '2';"
                     "UPDATE p SET email = 'b' WHERE id = '3'; UPDATE p SET email = 'c' WHERE id = '1'; COMMIT",
                     "UPDATE p SET email = NULL WHERE id = '2'; INSERT INTO p VALUES('4', 'b', 4)"}),
              {"1|c|0", "2|NULL|0", "4|b|4"}, 1);
}

TEST(Unique, AChainHidesOnlyEveryOther) {
  const Story story{"CREATE TABLE p(id TEXT PRIMARY KEY NOT NULL, u UNIQUE, v UNIQUE)", {"p"}};
  // c beats b by v, b would have beaten a by u.
  ExpectShown(story, Apart(story, "INSERT INTO p VALUES('0', NULL, NULL)",
                           {"INSERT INTO p VALUES('a', 'u', 1)", "INSERT INTO p VALUES('b', 'u', 'v')",
                            "INSERT INTO p VALUES('c', 2, 'v')"}),
              {"0|NULL|NULL", "a|u|1", "c|2|v"}, 1);
}

TEST(Unique, ADeleteFreesTheValue) {
  Replicas all(2, kPeople);
  all.At(0, kTwo);
  all.ExchangeAll();
  std::vector<Bytes> deltas;
  all.At(0, "UPDATE p SET email = 'x' WHERE id = 'ann'");
  deltas.push_back(all[0].Delta());
  all.At(1, "INSERT INTO p VALUES('cid', 'x', 'Cid')");
  deltas.push_back(all[1].Delta());
  all.At(1, "DELETE FROM p WHERE id = 'cid'");
  deltas.push_back(all[1].Delta());
  ExpectShown(kPeople, deltas, {"ann|x|Ann", "bob|b|Bob"}, 0);
}

TEST(Unique, PartialAndExpressionIndexes) {
  const Story story{R"sql(
CREATE TABLE p(id INTEGER PRIMARY KEY, email TEXT, active INTEGER);
CREATE UNIQUE INDEX by_email ON p(lower(email)) WHERE active;
)sql", {"p"}};
  ExpectShown(story, Apart(story, "INSERT INTO p VALUES(1, 'A@x', 1), (2, 'a@x', 0)",
                           {"UPDATE p SET email = 'other' WHERE id = 1; UPDATE p SET active = 1 WHERE id = 2",
                            "INSERT INTO p VALUES(3, 'a@X', 0)", "UPDATE p SET email = 'a@X' WHERE id = 1"}),
              {"1|a@X|1", "3|a@X|0"}, 1);
}

TEST(Unique, Collations) {
  const Story story{R"sql(
CREATE TABLE p(id TEXT PRIMARY KEY COLLATE NOCASE NOT NULL, a TEXT COLLATE RTRIM UNIQUE, b);
)sql", {"p"}};
  ExpectShown(story, Apart(story, "INSERT INTO p VALUES('x', 'p', 0)",
                           {"UPDATE p SET a = 'q'; INSERT INTO p VALUES('KEY', 'a', 1)", "INSERT INTO p VALUES('key', 'b', 2)",
                            "INSERT INTO p VALUES('z', 'q  ', 3)"}),
              {"key|b|2", "z|q  |3"}, 2);
}

TEST(Unique, NumbersEqualByValue) {
  ExpectShown(kPeople, Apart(kPeople, kTwo, {"INSERT INTO p VALUES('one', 1, 0)",
                                             "INSERT INTO p VALUES('real', 1.0, 0)",
                                             "INSERT INTO p VALUES('text', '1', 0)"}),
              {"ann|a|Ann", "bob|b|Bob", "real|1.0|0", "text|1|0"}, 1);
}

TEST(Unique, NullsNeverClash) {
  const Story story{"CREATE TABLE p(id TEXT PRIMARY KEY NOT NULL, u, v, UNIQUE(u, v))", {"p"}};
  ExpectShown(story, Apart(story, "INSERT INTO p VALUES('0', 1, NULL)",
                           {"INSERT INTO p VALUES('a', 1, NULL)", "INSERT INTO p VALUES('b', 1, 2)"}),
              {"0|1|NULL", "a|1|NULL", "b|1|2"}, 0);
}

// A local commit that frees a value shows the row that waited for it.
TEST(Unique, AHiddenRowComesBackByALocalCommit) {
  for (const char* const freeing : {"UPDATE p SET email = 'free' WHERE id = 'bob'", "DELETE FROM p WHERE id = 'bob'",
                                    "REPLACE INTO p VALUES('bob', 'free', 'Bob')",
                                    "UPDATE p SET id = 'robert', email = 'free' WHERE id = 'bob'"}) {
    SCOPED_TRACE(freeing);
    Replicas all(2, kPeople);
    all.At(0, "INSERT INTO p VALUES('ann', 'x', 'Ann')");
    all.At(1, "INSERT INTO p VALUES('bob', 'x', 'Bob')");
    all.ExchangeAndExpectEqual();
    EXPECT_EQ(all[1].Query("SELECT id FROM p"), std::vector<std::string>{"bob"});
    all.At(1, freeing);
    all.ExchangeAndExpectEqual();
    EXPECT_EQ(all[1].One("SELECT id FROM p WHERE email = 'x'"), "ann");
    EXPECT_TRUE(Replicas::HiddenRows(all[1]).empty());
  }
}

TEST(Unique, AnInsertOverAHiddenRowIsAnEdit) {
  Replicas all(2, kPeople);
  all.At(0, "INSERT INTO p VALUES('ann', 'x', 'Ann')");
  all.At(1, "INSERT INTO p VALUES('bob', 'x', 'Bob')");
  all.ExchangeAll();
  all.At(0, "INSERT INTO p VALUES('ann', 'y', 'Anna')");
  all.ExchangeAndExpectEqual();
  EXPECT_EQ(all[1].Query("SELECT * FROM p ORDER BY id"), (std::vector<std::string>{"ann|y|Anna", "bob|x|Bob"}));
  EXPECT_EQ(Replicas::ClashCount(all[1]), "0");
}

// The writer's own committed row is not taken away by an older one.
TEST(Unique, NobodyLosesHisRowToAnOlderOne) {
  Replicas all(2, kPeople);
  all.At(0, "INSERT INTO p VALUES('ann', 'x', 'Ann')");
  all.At(1, "INSERT INTO p VALUES('bob', 'x', 'Bob')");
  all.Pull(1, 0);
  EXPECT_EQ(all[1].Query("SELECT id FROM p"), std::vector<std::string>{"bob"});
}

TEST(Unique, ARefusedRowBlocksNoneOfAThousand) {
  Replicas all(2, kPeople);
  all.At(0, "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 1000) "
            "INSERT INTO p SELECT 'a' || i, i, 'a' FROM n");
  all.At(1, "WITH RECURSIVE n(i) AS (VALUES(500) UNION ALL SELECT i + 1 FROM n WHERE i < 1500) "
            "INSERT INTO p SELECT 'b' || i, i, 'b' FROM n");
  all.ExchangeAndExpectEqual();
  EXPECT_EQ(all[0].One("SELECT count(*), sum(name = 'b') FROM p"), "1500|1001");
  EXPECT_EQ(Replicas::HiddenRows(all[0]).size(), 501u);
  all.At(0, "UPDATE p SET email = email + 5000 WHERE name = 'b'");
  all.ExchangeAndExpectEqual();
  EXPECT_EQ(all[1].One("SELECT count(*) FROM p"), "2001");
}

}  // namespace
}  // namespace rejoin::testing
