// What wins, story by story, on real databases. The rules: docs/merge_rules.md.

#include "tests/scenarios/replicas.h"

namespace rejoin::testing {
namespace {

constexpr char kTodoSchema[] = "CREATE TABLE todo(id TEXT PRIMARY KEY NOT NULL, title TEXT, qty INTEGER, note TEXT)";
const Story kTodo{kTodoSchema, {"todo"}};
constexpr char kMilk[] = "INSERT INTO todo VALUES('milk', 'milk', 1, 'n')";
constexpr char kAll[] = "SELECT * FROM todo ORDER BY id";

TrackOptions Options(std::optional<SameKey> same_key, std::optional<bool> delete_wins) {
  TrackOptions options;
  options.same_key = same_key;
  options.delete_wins = delete_wins;
  return options;
}

// Three replicas that share milk.
Replicas WithMilk(const Story& story = kTodo) {
  Replicas all(3, story);
  all.At(0, kMilk);
  all.ExchangeAll();
  return all;
}

void ExpectEverywhere(Replicas& all, const std::vector<std::string>& rows) {
  all.ExchangeAndExpectEqual();
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i].Query(kAll), rows) << "replica " << i;
}

TEST(Semantics, EditsOfTwoColumnsBothHold) {
  Replicas all = WithMilk();
  all.At(0, "UPDATE todo SET qty = 3");
  all.At(1, "UPDATE todo SET title = 'oat milk'");
  ExpectEverywhere(all, {"milk|oat milk|3|n"});
}

TEST(Semantics, TheLaterEditOfOneColumnWins) {
  Replicas all = WithMilk();
  all.At(1, "UPDATE todo SET qty = 5");
  all.At(0, "UPDATE todo SET qty = 3");
  ExpectEverywhere(all, {"milk|milk|3|n"});
}

TEST(Semantics, AnEditAgainstADeleteKeepsTheRowWhole) {
  for (const bool delete_last : {true, false}) {
    Replicas all = WithMilk();
    if (!delete_last) all.At(2, "DELETE FROM todo");
    all.At(0, "UPDATE todo SET qty = 3");
    if (delete_last) all.At(2, "DELETE FROM todo");
    ExpectEverywhere(all, {"milk|milk|3|n"});
  }
}

TEST(Semantics, UnderDeleteWinsAnEditDoesNotKeepTheRow) {
  Replicas all = WithMilk({kTodoSchema, {"todo"}, Options({}, true)});
  all.At(2, "DELETE FROM todo");
  all.At(0, "UPDATE todo SET qty = 3");
  ExpectEverywhere(all, {});
  all.At(1, kMilk);
  ExpectEverywhere(all, {"milk|milk|1|n"});
}

TEST(Semantics, ADeletedRowCanBeInsertedAgain) {
  Replicas all = WithMilk();
  all.At(0, "DELETE FROM todo");
  ExpectEverywhere(all, {});
  all.At(1, "INSERT INTO todo VALUES('milk', 'again', 2, NULL)");
  ExpectEverywhere(all, {"milk|again|2|NULL"});
  EXPECT_EQ(Replicas::ClashCount(all[0]), "0");
}

TEST(Semantics, AReinsertAgainstAnEditIsAClashNotALoss) {
  Replicas all = WithMilk();
  all.At(0, "UPDATE todo SET qty = 3");
  all.At(2, "DELETE FROM todo");
  all.At(2, "INSERT INTO todo VALUES('milk', 'soy milk', 1, 'm')");
  ExpectEverywhere(all, {"milk|soy milk|1|m"});
  EXPECT_EQ(Replicas::ClashCount(all[1]), "1");
}

// Each life of the row is an incarnation; their number has no room in one byte.
TEST(Semantics, ARowOfAHundredLivesLeavesNothingBehindWhenAPeerDeletesIt) {
  Replicas all = WithMilk();
  for (int life = 0; life < 100; ++life) {
    all.At(0, "DELETE FROM todo");
    all.At(0, kMilk);
  }
  ExpectEverywhere(all, {"milk|milk|1|n"});
  all.At(1, "DELETE FROM todo");
  ExpectEverywhere(all, {});
}

TEST(Semantics, TwoInsertsOfOneKeyMerge) {
  Replicas all(3, kTodo);
  all.At(0, "INSERT INTO todo VALUES('eggs', 'eggs', 6, 'mine')");
  all.At(1, "INSERT INTO todo VALUES('eggs', 'Eier', 12, NULL)");
  all.At(0, "UPDATE todo SET qty = 7");
  ExpectEverywhere(all, {"eggs|Eier|7|NULL"});
  EXPECT_EQ(Replicas::ClashCount(all[2]), "1");
  all.At(2, "DELETE FROM todo");
  ExpectEverywhere(all, {});
  EXPECT_EQ(Replicas::ClashCount(all[0]), "0");
}

TEST(Semantics, TwoInsertsOfOneKeyNewestShowsOneWhole) {
  Replicas all(3, {kTodoSchema, {"todo"}, Options(SameKey::kNewest, {})});
  all.At(0, "INSERT INTO todo VALUES('eggs', 'eggs', 6, 'mine')");
  all.At(1, "INSERT INTO todo VALUES('eggs', 'Eier', 12, NULL)");
  all.At(0, "UPDATE todo SET qty = 7");
  ExpectEverywhere(all, {"eggs|Eier|12|NULL"});
  EXPECT_EQ(Replicas::ClashCount(all[2]), "1");
}

TEST(Semantics, IntegerKeysAreNewestUnlessToldOtherwise) {
  Replicas all(2, {"CREATE TABLE todo(id INTEGER PRIMARY KEY, title, qty)", {"todo"}});
  all.At(0, "INSERT INTO todo(title, qty) VALUES('zero', 0)");
  all.At(1, "INSERT INTO todo(title) VALUES('one')");
  all.At(0, "UPDATE todo SET qty = 5");
  ExpectEverywhere(all, {"1|one|NULL"});
}

TEST(Semantics, AKeyChangeAgainstAnEditKeepsBoth) {
  Replicas all = WithMilk();
  all.At(0, "UPDATE todo SET id = 'milk-2'");
  all.At(1, "UPDATE todo SET qty = 3");
  ExpectEverywhere(all, {"milk|milk|3|n", "milk-2|milk|1|n"});
}

TEST(Semantics, WholeObjectSavesThatChangedOneColumnEachLoseNothing) {
  Replicas all = WithMilk();
  all.At(0, "UPDATE todo SET title = 'milk', qty = 9, note = 'n'");
  all.At(1, "UPDATE todo SET title = 'oat milk', qty = 1, note = 'n'");
  all.At(2, "INSERT INTO todo VALUES('milk', 'milk', 1, 'noted') ON CONFLICT(id) DO UPDATE "
            "SET title = excluded.title, qty = excluded.qty, note = excluded.note");
  ExpectEverywhere(all, {"milk|oat milk|9|noted"});
}

TEST(Semantics, DeleteAndInsertInOneTransactionIsAnEdit) {
  Replicas all = WithMilk();
  all.At(1, "UPDATE todo SET title = 'oat milk'");
  all.At(0, "BEGIN; DELETE FROM todo; INSERT INTO todo VALUES('milk', 'milk', 4, 'n'); COMMIT");
  ExpectEverywhere(all, {"milk|oat milk|4|n"});
}

TEST(Semantics, AReplaceOfAKnownRowStampsEveryColumn) {
  const Story plain{"CREATE TABLE todo(id INTEGER PRIMARY KEY, title TEXT, qty INTEGER, note TEXT)", {"todo"}};
  Replicas all(2, plain);
  all.At(0, "INSERT INTO todo VALUES(1, 'milk', 1, 'n')");
  all.ExchangeAll();
  all.At(1, "UPDATE todo SET title = 'oat milk'");
  all.At(0, "REPLACE INTO todo VALUES(1, 'milk', 3, 'n')");
  ExpectEverywhere(all, {"1|milk|3|n"});
}

TEST(Semantics, AnUpdateThatChangesNothingIsNoChange) {
  Replicas all = WithMilk();
  const std::string before = all[0].One("SELECT max(pos) FROM rejoin__log");
  all.At(0, "UPDATE todo SET title = title, qty = 1, id = 'milk'");
  all.At(0, "BEGIN; UPDATE todo SET qty = 5; UPDATE todo SET qty = 1; COMMIT");
  all.At(0, "BEGIN; INSERT INTO todo(id) VALUES('x'); DELETE FROM todo WHERE id = 'x'; COMMIT");
  EXPECT_EQ(NewsFor(all[1], all[0]), 0u);
  EXPECT_EQ(all[0].One("SELECT max(pos) FROM rejoin__log"), before) << "no stamp was drawn";
}

TEST(Semantics, ClassesDifferWhereSqlCallsValuesEqual) {
  Replicas all(2, {"CREATE TABLE todo(id TEXT PRIMARY KEY NOT NULL, v, w COLLATE NOCASE)", {"todo"}});
  all.At(0, "INSERT INTO todo VALUES('k', 1, 'a')");
  all.ExchangeAll();
  all.At(0, "UPDATE todo SET v = 1.0, w = 'A'");
  all.ExchangeAndExpectEqual();
  EXPECT_EQ(all[1].One("SELECT typeof(v), w FROM todo"), "real|A");
}

TEST(Semantics, AdoptedRowsNeverBeatAnEditWheneverAdopted) {
  for (const bool adopted_last : {true, false}) {
    SCOPED_TRACE(adopted_last);
    Replicas all(0, kTodo);
    all.AddWithRows(kMilk);
    if (!adopted_last) all.AddWithRows(kMilk);
    all.At(0, "UPDATE todo SET qty = 3");
    if (adopted_last) all.AddWithRows(kMilk);
    all.ExchangeAndExpectEqual();
    EXPECT_EQ(all[1].Query(kAll), std::vector<std::string>{"milk|milk|3|n"});
    EXPECT_EQ(Replicas::ClashCount(all[0]), "0");
  }
}

TEST(Semantics, ADeleteReachesCopiesAdoptedElsewhereAndLater) {
  Replicas all(0, kTodo);
  all.AddWithRows(kMilk);
  all.AddWithRows(kMilk);
  all.At(0, "DELETE FROM todo");
  all.AddWithRows(kMilk);
  ExpectEverywhere(all, {});
}

TEST(Semantics, CopiesAdoptedWithUnequalValuesAreListed) {
  Replicas all(0, kTodo);
  all.AddWithRows(kMilk);
  all.AddWithRows("INSERT INTO todo VALUES('milk', 'milk', 99, 'n')");
  ExpectEverywhere(all, {"milk|milk|99|n"});
  EXPECT_EQ(Replicas::ClashCount(all[0]), "1");
}

TEST(Semantics, TablesFromPeersWaitUntilTheyAreTracked) {
  Replicas all(1, kTodo);
  all.At(0, kMilk);
  TestDatabase late(77);
  late.Exec("CREATE TABLE other(id PRIMARY KEY NOT NULL)");
  late.Track("other");
  late.Pull(all[0]);
  EXPECT_EQ(late.DigestHex(), all[0].DigestHex()) << "carried";
  Replicas third(1, kTodo);
  third[0].Pull(late);
  EXPECT_EQ(third[0].Query(kAll), std::vector<std::string>{"milk|milk|1|n"}) << "and passed on";
  late.Exec(kTodoSchema);
  late.Track("todo");
  EXPECT_EQ(late.Query(kAll), std::vector<std::string>{"milk|milk|1|n"});
}

TEST(Semantics, AnOldSchemaCarriesColumnsItDoesNotKnow) {
  Replicas all = WithMilk();
  all.At(0, "ALTER TABLE todo ADD COLUMN price REAL DEFAULT 0.5");
  all.At(0, "UPDATE todo SET price = 1.25");
  all.At(1, "UPDATE todo SET qty = 8");
  all.Pull(1, 0);
  all.Pull(2, 1);  // both know nothing of the price
  EXPECT_EQ(all[2].DigestHex(), all[1].DigestHex());
  all.At(1, "UPDATE todo SET id = 'moved'");
  all.Pull(2, 1);
  all.At(2, "ALTER TABLE todo ADD COLUMN price REAL DEFAULT 0.5");
  all.Pull(2, 1);
  EXPECT_EQ(all[2].Query(kAll), std::vector<std::string>{"moved|milk|8|n|1.25"});
  all.Pull(0, 2);
  EXPECT_EQ(all[0].Query(kAll), std::vector<std::string>{"moved|milk|8|n|1.25"});
}

TEST(Semantics, RowsThatTheLocalSchemaRefusesWaitAside) {
  Replicas all(1, kTodo);
  all.At(0, "INSERT INTO todo VALUES('milk', NULL, 1, 'n'), ('eggs', 'eggs', -1, 'n'), ('fine', 'f', 1, 'n')");
  TestDatabase strict(77);
  strict.Exec("CREATE TABLE todo(id TEXT PRIMARY KEY NOT NULL, title TEXT NOT NULL, qty INTEGER CHECK(qty > 0), note TEXT)");
  strict.Track("todo");
  const MergeReport report = strict.Pull(all[0]);
  EXPECT_EQ(report.quarantined, 2u);
  EXPECT_EQ(strict.Query(kAll), std::vector<std::string>{"fine|f|1|n"});
  EXPECT_EQ(strict.DigestHex(), all[0].DigestHex());
  all.At(0, "UPDATE todo SET title = 'milk' WHERE id = 'milk'");
  strict.Pull(all[0]);
  EXPECT_EQ(strict.Query(kAll), (std::vector<std::string>{"fine|f|1|n", "milk|milk|1|n"}));
  Replicas::ExpectSound(strict);
}

}  // namespace
}  // namespace rejoin::testing
