// The examples of docs/merge_rules.md, section 5, in its order.
#include <gtest/gtest.h>

#include "tests/store/replicas_fixture.h"

namespace rejoin {
namespace {

const RowRules kDeleteWins{SameKey::kMerge, true};
const RowRules kNewest{SameKey::kNewest, false};
const Key kMilk = K("milk");
const Key kEggs = K("eggs");

Row Item(const char* title, std::int64_t qty) { return {{"title", T(title)}, {"qty", N(qty)}}; }

class MergeRules : public ReplicasFixture {
 protected:
  void Share(RowRules rules = {}) {
    for (TestReplica** replica : {&phone, &laptop, &tablet}) *replica = &Make(ItemTable(rules));
    Do(*phone, {Insert("item", kMilk, Item("milk", 1))});
    Exchange();
  }
  void ShareNobody() {
    for (TestReplica** replica : {&phone, &laptop, &tablet}) *replica = &Make(PersonTable());
  }

  TestReplica* phone = nullptr;
  TestReplica* laptop = nullptr;
  TestReplica* tablet = nullptr;
};

TEST_P(MergeRules, EditsOfTwoColumnsBothHold) {
  Share();
  Do(*phone, {Update("item", kMilk, {{"qty", N(3)}})});
  Do(*laptop, {Update("item", kMilk, {{"title", T("oat milk")}})});
  Exchange();
  EverybodyShows("item", {{kMilk, Item("oat milk", 3)}});
}

TEST_P(MergeRules, TheLaterEditOfOneColumnWins) {
  Share();
  Do(*phone, {Update("item", kMilk, {{"qty", N(3)}})});
  Do(*laptop, {Update("item", kMilk, {{"qty", N(5)}})});
  Exchange();
  EverybodyShows("item", {{kMilk, Item("milk", 5)}});
}

TEST_P(MergeRules, WholeObjectSavesThatChangedOneColumnEachLoseNothing) {
  Share();
  Do(*phone, {Update("item", kMilk, Item("milk", 3))});
  Do(*laptop, {Update("item", kMilk, Item("oat milk", 1))});
  Exchange();
  EverybodyShows("item", {{kMilk, Item("oat milk", 3)}});
}

TEST_P(MergeRules, AnEditAgainstADeleteKeepsTheRowWhole) {
  Share();
  Do(*tablet, {Delete("item", kMilk)});
  Do(*phone, {Update("item", kMilk, {{"qty", N(3)}})});
  Exchange();
  EverybodyShows("item", {{kMilk, Item("milk", 3)}});
  EverybodyLists({});
}

TEST_P(MergeRules, AnOverwrittenEditKeepsNothing) {
  Share();
  Do(*phone, {Update("item", kMilk, {{"qty", N(3)}})});
  Do(*laptop, {Update("item", kMilk, {{"qty", N(5)}})});
  Hear(*tablet, *laptop);
  Do(*tablet, {Delete("item", kMilk)});
  Exchange();
  EverybodyShows("item", {});
}

TEST_P(MergeRules, UnderDeleteWinsAnEditDoesNotKeepTheRow) {
  Share(kDeleteWins);
  Do(*tablet, {Delete("item", kMilk)});
  Do(*phone, {Update("item", kMilk, {{"qty", N(3)}})});
  Exchange();
  EverybodyShows("item", {});
}

TEST_P(MergeRules, ConcurrentDeletesReachAThird) {
  Share();
  Do(*phone, {Delete("item", kMilk)});
  Do(*laptop, {Delete("item", kMilk)});
  Hear(*tablet, *laptop);
  EXPECT_EQ(tablet->Shown("item"), Rows{});
  EXPECT_EQ(Hear(*tablet, *phone).rows_shown, 0u);
  Exchange();
  EverybodyShows("item", {});
}

TEST_P(MergeRules, AReinsertAgainstAnEditIsAClashNotALoss) {
  Share();
  Do(*tablet, {Delete("item", kMilk)});
  Do(*tablet, {Insert("item", kMilk, Item("soy milk", 1))});
  Do(*phone, {Update("item", kMilk, {{"qty", N(3)}})});
  Exchange();
  EverybodyShows("item", {{kMilk, Item("soy milk", 3)}});
  EverybodyLists({{"item", kMilk, {Item("soy milk", 1), Item("milk", 3)}}});
}

TEST_P(MergeRules, DeleteAndInsertInOneTransactionIsAnEdit) {
  Share();
  Do(*laptop, {Update("item", kMilk, {{"title", T("oat milk")}})});
  Do(*phone, {Delete("item", kMilk), Insert("item", kMilk, Item("milk", 3))});
  Exchange();
  EverybodyShows("item", {{kMilk, Item("oat milk", 3)}});
  EverybodyLists({});
}

TEST_P(MergeRules, AReplaceOfAKnownKeyStampsEveryColumn) {
  Share();
  Do(*laptop, {Update("item", kMilk, {{"title", T("oat milk")}})});
  Do(*phone, {Replace("item", kMilk, Item("milk", 3))});
  Exchange();
  EverybodyShows("item", {{kMilk, Item("milk", 3)}});
  EverybodyLists({});
}

// Whatever else the transaction did before: of a row without a probe nobody saw
// all values.
TEST_P(MergeRules, AReplaceAfterAnEditStampsEveryColumnToo) {
  Share();
  Do(*laptop, {Update("item", kMilk, {{"title", T("oat milk")}})});
  Do(*phone, {Update("item", kMilk, {{"qty", N(2)}}), Replace("item", kMilk, Item("milk", 3))});
  Exchange();
  EverybodyShows("item", {{kMilk, Item("milk", 3)}});
}

TEST_P(MergeRules, ARowReplacedAndDeletedComesBackAsItWasLast) {
  Share();
  Do(*laptop, {Update("item", kMilk, {{"qty", N(7)}})});
  Do(*phone, {Replace("item", kMilk, Item("soy milk", 3)), Delete("item", kMilk)});
  EXPECT_EQ(phone->Shown("item"), Rows{});
  Do(*laptop, {Update("item", kMilk, {{"qty", N(8)}})});
  Exchange();
  EverybodyShows("item", {{kMilk, Item("soy milk", 8)}});
}

TEST_P(MergeRules, TwoInsertsOfOneKeyMerge) {
  Share();
  Do(*phone, {Insert("item", kEggs, Item("eggs", 6))});
  Do(*laptop, {Insert("item", kEggs, Item("Eier", 12))});
  Exchange();
  EverybodyShows("item", {{kMilk, Item("milk", 1)}, {kEggs, Item("Eier", 12)}});
  EverybodyLists({{"item", kEggs, {Item("Eier", 12), Item("eggs", 6)}}});
}

TEST_P(MergeRules, TwoInsertsOfOneKeyMergeColumnByColumn) {
  Share();
  Do(*phone, {Insert("item", kEggs, Item("eggs", 6))});
  Do(*laptop, {Insert("item", kEggs, Item("Eier", 12))});
  Do(*phone, {Update("item", kEggs, {{"qty", N(7)}})});
  Exchange();
  EverybodyShows("item", {{kMilk, Item("milk", 1)}, {kEggs, Item("Eier", 7)}});
  EverybodyLists({{"item", kEggs, {Item("Eier", 12), Item("eggs", 7)}}});
}

TEST_P(MergeRules, TwoInsertsOfOneKeyNewestShowsOneWhole) {
  Share(kNewest);
  Do(*phone, {Insert("item", kEggs, Item("eggs", 6))});
  Do(*laptop, {Insert("item", kEggs, Item("Eier", 12))});
  Do(*phone, {Update("item", kEggs, {{"qty", N(7)}})});
  Exchange();
  EverybodyShows("item", {{kMilk, Item("milk", 1)}, {kEggs, Item("Eier", 12)}});
  EverybodyLists({{"item", kEggs, {Item("Eier", 12), Item("eggs", 7)}}});
}

TEST_P(MergeRules, DeletingAClashDeletesAllOfIt) {
  Share();
  Do(*phone, {Insert("item", kEggs, Item("eggs", 6))});
  Do(*laptop, {Insert("item", kEggs, Item("Eier", 12))});
  Exchange();
  Do(*tablet, {Delete("item", kEggs)});
  Exchange();
  EverybodyShows("item", {{kMilk, Item("milk", 1)}});
  EverybodyLists({});
}

TEST_P(MergeRules, AKeyChangeAgainstAnEditKeepsBoth) {
  Share();
  Do(*phone, {ChangeKey("item", kMilk, K("milk-2"))});
  Do(*laptop, {Update("item", kMilk, {{"qty", N(3)}})});
  Exchange();
  EverybodyShows("item", {{K("milk-2"), Item("milk", 1)}, {kMilk, Item("milk", 3)}});
}

TEST_P(MergeRules, AKeyChangeTakesUnknownColumnsAlong) {
  Share();
  ASSERT_TRUE(laptop->AddColumn("item", Column("shop")));
  Do(*laptop, {Update("item", kMilk, {{"shop", T("corner")}})});
  Hear(*phone, *laptop);
  Do(*phone, {ChangeKey("item", kMilk, K("milk-2"))});
  Hear(*laptop, *phone);
  Row expected = Item("milk", 1);
  expected["shop"] = T("corner");
  EXPECT_EQ(laptop->Shown("item"), (Rows{{K("milk-2"), expected}}));
}

TEST_P(MergeRules, AdoptedRowsNeverBeatAnEdit) {
  phone = &Make(ItemTable(), {{kMilk, Item("milk", 1)}});
  Do(*phone, {Update("item", kMilk, {{"qty", N(3)}})});
  Make(ItemTable(), {{kMilk, Item("milk", 1)}});
  Exchange();
  EverybodyShows("item", {{kMilk, Item("milk", 3)}});
  EverybodyLists({});
}

TEST_P(MergeRules, AdoptedCopiesMergeUnderNewestToo) {
  phone = &Make(ItemTable(kNewest), {{kMilk, Item("milk", 1)}});
  laptop = &Make(ItemTable(kNewest), {{kMilk, Item("milk", 1)}});
  Do(*phone, {Update("item", kMilk, {{"qty", N(3)}})});
  Do(*laptop, {Update("item", kMilk, {{"title", T("oat milk")}})});
  Exchange();
  EverybodyShows("item", {{kMilk, Item("oat milk", 3)}});
  EverybodyLists({});
}

TEST_P(MergeRules, CopiesAdoptedWithUnequalValuesClash) {
  Make(ItemTable(), {{kMilk, Item("milk", 1)}});
  Make(ItemTable(), {{kMilk, Item("oat milk", 1)}});
  Exchange();
  EverybodyShows("item", {{kMilk, Item("oat milk", 1)}});
  EverybodyLists({{"item", kMilk, {Item("oat milk", 1), Item("milk", 1)}}});
}

TEST_P(MergeRules, ADeleteReachesCopiesAdoptedElsewhere) {
  const Rows rows{{kMilk, Item("milk", 1)}, {kEggs, Item("eggs", 6)}};
  phone = &Make(ItemTable(), rows);
  laptop = &Make(ItemTable(), rows);
  Do(*phone, {Delete("item", kMilk), Delete("item", kEggs)});
  Do(*laptop, {Update("item", kEggs, {{"qty", N(12)}})});
  Exchange();
  EverybodyShows("item", {{kEggs, Item("eggs", 12)}});
}

// --- What is shown -------------------------------------------------------------

Row Person(Value email, Value nick = {}, Value age = {}) {
  return {{"email", std::move(email)}, {"nick", std::move(nick)}, {"age", std::move(age)}};
}
const Key kAnn = K("ann");
const Key kBob = K("bob");
const Key kCid = K("cid");

TEST_P(MergeRules, UniqueClashShowsTheNewestAndKeepsTheOther) {
  ShareNobody();
  Do(*phone, {Insert("person", kAnn, Person(T("x")))});
  Do(*laptop, {Insert("person", kBob, Person(T("x")))});
  Exchange();
  EverybodyShows("person", {{kBob, Person(T("x"))}});
  EverybodyHides({{"person", kAnn, Hidden::kUnique}});

  Do(*tablet, {Update("person", kBob, {{"email", T("y")}})});
  EXPECT_EQ(tablet->Shown("person").size(), 2u) << "a local commit that frees a value shows, too";
  Exchange();
  EverybodyShows("person", {{kAnn, Person(T("x"))}, {kBob, Person(T("y"))}});
  EverybodyHides({});
}

TEST_P(MergeRules, AHiddenRowComesBackWhenTheOtherIsDeleted) {
  ShareNobody();
  Do(*phone, {Insert("person", kAnn, Person(T("x")))});
  Do(*laptop, {Insert("person", kBob, Person(T("x")))});
  Exchange();
  Do(*tablet, {Delete("person", kBob)});
  Exchange();
  EverybodyShows("person", {{kAnn, Person(T("x"))}});
  EverybodyHides({});
}

TEST_P(MergeRules, AUniqueSwapInOneTransactionArrivesWhole) {
  ShareNobody();
  Do(*phone, {Insert("person", kAnn, Person(T("x"))), Insert("person", kBob, Person(T("y")))});
  Exchange();
  Do(*phone, {Update("person", kAnn, {{"email", T("z")}}),
              Update("person", kBob, {{"email", T("x")}}),
              Update("person", kAnn, {{"email", T("y")}})});
  Exchange();
  EverybodyShows("person", {{kAnn, Person(T("y"))}, {kBob, Person(T("x"))}});
  EverybodyHides({});
}

TEST_P(MergeRules, AUniqueChainResolvesAlikeInEveryOrder) {
  ShareNobody();
  Do(*phone, {Insert("person", kAnn, Person(T("x"), T("p")))});
  Do(*laptop, {Insert("person", kBob, Person(T("x"), T("q")))});
  Do(*tablet, {Insert("person", kCid, Person(T("w"), T("q")))});
  Exchange();
  EverybodyShows("person", {{kAnn, Person(T("x"), T("p"))}, {kCid, Person(T("w"), T("q"))}});
  EverybodyHides({{"person", kBob, Hidden::kUnique}});

  Do(*phone, {Delete("person", kCid)});  // bob comes back, and ann goes
  EXPECT_EQ(phone->Shown("person"), (Rows{{kBob, Person(T("x"), T("q"))}}));
  Exchange();
  EverybodyShows("person", {{kBob, Person(T("x"), T("q"))}});
  EverybodyHides({{"person", kAnn, Hidden::kUnique}});
}

TEST_P(MergeRules, AnEditOfAnotherColumnGivesNoPrecedence) {
  ShareNobody();
  Do(*phone, {Insert("person", kAnn, Person(T("x")))});
  Do(*laptop, {Insert("person", kBob, Person(T("x")))});
  Do(*phone, {Update("person", kAnn, {{"age", N(30)}})});
  Exchange();
  EverybodyShows("person", {{kBob, Person(T("x"))}});
}

TEST_P(MergeRules, NullsNeverClash) {
  ShareNobody();
  Do(*phone, {Insert("person", kAnn, Person({}))});
  Do(*laptop, {Insert("person", kBob, Person({}))});
  Exchange();
  EverybodyShows("person", {{kAnn, Person({})}, {kBob, Person({})}});
}

TEST_P(MergeRules, AnInsertOverAHiddenRowIsAnEdit) {
  ShareNobody();
  Do(*phone, {Insert("person", kAnn, Person(T("x"), {}, N(30)))});
  Do(*laptop, {Insert("person", kBob, Person(T("x")))});
  Exchange();
  Do(*phone, {Insert("person", kAnn, Person(T("y"), T("annie")))});
  Exchange();
  EverybodyShows("person", {{kAnn, Person(T("y"), T("annie"))}, {kBob, Person(T("x"))}});
  EverybodyLists({});
  EverybodyHides({});
}

// An insert and a delete in one transaction are no change: the row that nobody
// saw stays as it is.
TEST_P(MergeRules, PassingOverAHiddenRowChangesNothing) {
  ShareNobody();
  Do(*phone, {Insert("person", kAnn, Person(T("x")))});
  Do(*laptop, {Insert("person", kBob, Person(T("x")))});
  Exchange();
  const VersionVector before = VectorOf(*phone);
  Do(*phone, {Insert("person", kAnn, Person(T("y"))), Delete("person", kAnn)});
  EXPECT_TRUE(VectorOf(*phone) == before);
  EverybodyHides({{"person", kAnn, Hidden::kUnique}});
}

TEST_P(MergeRules, RowsThatBreakChecksAreKeptAside) {
  TableDef strict = ItemTable();
  strict.columns[0].not_null = true;
  strict.columns[1].forbidden = N(13);
  phone = &Make(ItemTable());
  laptop = &Make(strict);
  Do(*phone, {Insert("item", kMilk, {{"title", Value::Null()}, {"qty", N(1)}}),
              Insert("item", kEggs, Item("eggs", 13)), Insert("item", K("tea"), Item("tea", 1))});
  Exchange();
  EXPECT_EQ(laptop->Shown("item"), (Rows{{K("tea"), Item("tea", 1)}}));
  const std::vector<QuarantinedRow> hidden{{"item", kEggs, Hidden::kCheck},
                                           {"item", kMilk, Hidden::kCheck}};
  EXPECT_TRUE(laptop->Quarantine() == hidden);
  EXPECT_EQ(phone->Shown("item").size(), 3u);

  Do(*phone, {Update("item", kMilk, {{"title", T("milk")}}),
              Update("item", kEggs, {{"qty", N(12)}})});
  Exchange();
  EXPECT_EQ(laptop->Shown("item"), phone->Shown("item"));
  EverybodyHides({});
}

TEST_P(MergeRules, UnknownColumnsAreCarriedAndShownLater) {
  Share();
  ASSERT_TRUE(laptop->AddColumn("item", Column("shop", T("any"))));
  EXPECT_EQ(laptop->Shown("item").at(kMilk).at("shop"), T("any"));
  Do(*laptop, {Update("item", kMilk, {{"shop", T("corner")}})});
  Hear(*phone, *laptop);
  Hear(*tablet, *phone);  // carried on by one that cannot show it
  EXPECT_EQ(tablet->Shown("item"), (Rows{{kMilk, Item("milk", 1)}}));
  EXPECT_TRUE(tablet->Quarantine().empty());

  ASSERT_TRUE(tablet->AddColumn("item", Column("shop", T("other"))));
  EXPECT_EQ(tablet->Shown("item").at(kMilk).at("shop"), T("corner"));
  EXPECT_EQ(DigestOf(*tablet), DigestOf(*laptop));
}

TEST_P(MergeRules, UnknownTablesAreCarriedAndShownLater) {
  Share();
  Define(*laptop, PersonTable());
  Do(*laptop, {Insert("person", kAnn, Person(T("x")))});
  Hear(*phone, *laptop);
  Hear(*tablet, *phone);
  EXPECT_TRUE(tablet->Quarantine() ==
              (std::vector<QuarantinedRow>{{"person", kAnn, Hidden::kUnknownTable}}));
  Define(*tablet, PersonTable());
  EXPECT_EQ(tablet->Shown("person"), (Rows{{kAnn, Person(T("x"))}}));
  EXPECT_TRUE(tablet->Quarantine().empty());
  EXPECT_EQ(DigestOf(*tablet), DigestOf(*laptop));
}

INSTANTIATE_TEST_SUITE_P(Stores, MergeRules, testing::ValuesIn(AllReplicaMakers()),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace rejoin
