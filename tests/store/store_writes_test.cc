// What every store promises to those who write: what a transaction adds, which
// values and shapes of tables it holds, and the digest of it all.
#include <limits>
#include <set>

#include <gtest/gtest.h>

#include "tests/store/replicas_fixture.h"

namespace rejoin {
namespace {

const Key kMilk = K("milk");
const Key kEggs = K("eggs");

Row Item(Value title, std::int64_t qty) { return {{"title", std::move(title)}, {"qty", N(qty)}}; }
Transaction InsertItem(const Key& key, std::int64_t qty) {
  return {Insert("item", key, Item(T("x"), qty))};
}

class StoreWrites : public ReplicasFixture {};

TEST_P(StoreWrites, EveryCommitRaisesTheVectorOnce) {
  TestReplica& a = Make(ItemTable());
  const ReplicaId id = *a.store().Replica();
  HybridTimestamp last = VectorOf(a).Get(id);
  for (std::int64_t i = 0; i < 3; ++i) {
    Do(a, InsertItem(EncodeKey({N(i)}), i));
    const HybridTimestamp now = VectorOf(a).Get(id);
    EXPECT_GT(now, last);
    EXPECT_EQ(now, HybridTimestamp::FromWall(clock_.wall_ms));
    last = now;
  }
  clock_.wall_ms -= 1'000'000;  // a clock that jumps back is absorbed
  Do(a, InsertItem(kMilk, 1));
  EXPECT_EQ(VectorOf(a).Get(id).value, last.value + 1);
}

TEST_P(StoreWrites, TransactionsWithoutNetEffectAddNothing) {
  TestReplica& a = Make(ItemTable());
  Do(a, InsertItem(kMilk, 1));
  const std::string before = Everything(a);
  Do(a, {Update("item", kMilk, {{"qty", N(1)}})});
  Do(a, {Update("item", kMilk, {{"qty", N(2)}}), Update("item", kMilk, {{"qty", N(1)}})});
  Do(a, {Insert("item", kEggs, {}), Delete("item", kEggs)});
  Do(a, {Delete("item", kMilk), Insert("item", kMilk, Item(T("x"), 1))});
  Do(a, {ChangeKey("item", kMilk, kEggs), ChangeKey("item", kEggs, kMilk)});
  Do(a, {Delete("item", kEggs)});
  Do(a, {Update("item", kEggs, {{"qty", N(9)}}), ChangeKey("item", kEggs, K("tea"))});
  EXPECT_EQ(Everything(a), before);
}

// The log is cut between the row that comes to a place and the one that leaves it.
TEST_P(StoreWrites, KeysMayPassFromRowToRowInOneTransaction) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Do(a, InsertItem(kMilk, 1));
  Do(a, InsertItem(kEggs, 2));
  Do(a, {Update("item", kMilk, {{"qty", N(3)}}), Update("item", kEggs, {{"qty", N(4)}})});
  Exchange();
  const auto swap = [&] {
    return Transaction{ChangeKey("item", kMilk, K("x")), ChangeKey("item", kEggs, kMilk),
                       ChangeKey("item", K("x"), kEggs)};
  };
  Do(a, swap());
  Exchange();
  EverybodyShows("item", {{kEggs, Item(T("x"), 3)}, {kMilk, Item(T("x"), 4)}});
  Do(b, swap());
  Do(b, {Delete("item", kMilk), ChangeKey("item", kEggs, kMilk)});
  Do(b, {ChangeKey("item", kMilk, K("a"))});
  Exchange();
  EverybodyShows("item", {{K("a"), Item(T("x"), 4)}});
}

TEST_P(StoreWrites, AFailedTransactionChangesNothing) {
  TableDef def = PersonTable();
  def.columns[2].forbidden = N(13);
  def.columns.push_back({"name", T("nobody"), true, {}});
  TestReplica& a = Make(def);
  Do(a, {Insert("person", K("ann"), {{"email", T("x")}}),
         Insert("person", K("bob"), {{"email", T("y")}})});
  const std::string before = Everything(a);
  const Rows shown = a.Shown("person");
  const Op first = Update("person", K("ann"), {{"age", N(1)}});
  Fails(a, {first, Insert("person", K("bob"), {})});
  Fails(a, {first, Insert("person", K("cid"), {{"email", T("x")}})});
  Fails(a, {first, Update("person", K("bob"), {{"email", T("x")}})});
  Fails(a, {first, ChangeKey("person", K("ann"), K("bob"))});
  Fails(a, {first, Insert("person", K("cid"), {{"age", N(13)}})});
  Fails(a, {first, Update("person", K("bob"), {{"name", Value::Null()}})});
  Fails(a, {first, Upsert("person", K("bob"), {{"email", T("x")}})});
  EXPECT_EQ(Everything(a), before);
  EXPECT_EQ(a.Shown("person"), shown);
}

// --- Digests ------------------------------------------------------------------------

TEST_P(StoreWrites, DigestsAreEqualWhereStatesAre) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make();
  Define(b, PersonTable());  // ids of tables and columns differ
  TableDef reversed = ItemTable();
  std::swap(reversed.columns[0], reversed.columns[1]);
  Define(b, reversed);
  Define(a, PersonTable());
  Do(a, InsertItem(kMilk, 1));
  EXPECT_NE(DigestOf(a), DigestOf(b));
  Exchange();

  std::set<std::string> seen{DigestOf(a)};
  const auto differs_then_agrees = [&](const Transaction& transaction) {
    Do(b, transaction);
    EXPECT_TRUE(seen.insert(DigestOf(b)).second) << "a new state has a new digest";
    EXPECT_NE(DigestOf(a), DigestOf(b));
    Exchange();
  };
  differs_then_agrees({Update("item", kMilk, {{"qty", Value::Real(1.0)}})});
  differs_then_agrees({Update("item", kMilk, {{"qty", T("1")}})});
  differs_then_agrees({Update("item", kMilk, {{"qty", Value::Blob("1")}})});
  differs_then_agrees({Update("item", kMilk, {{"qty", Value::Null()}})});
  differs_then_agrees({Insert("person", kMilk, {})});
  differs_then_agrees({ChangeKey("item", kMilk, kEggs)});
  Do(a, {Delete("item", kEggs), Delete("person", kMilk)});
  EXPECT_EQ(*a.store().StateDigest({}), Digest{});
}

TEST_P(StoreWrites, DigestsAreTakenPerTableToo) {
  TestReplica& a = Make(ItemTable());
  Define(a, PersonTable());
  Do(a, InsertItem(kMilk, 1));
  EXPECT_EQ(*a.store().StateDigest("person"), Digest{});
  EXPECT_EQ(a.store().StateDigest("item")->Hex(), DigestOf(a));
  const auto unknown = a.store().StateDigest("nowhere");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Code::kUnknownTable);
}

TEST_P(StoreWrites, RowsNotShownCountInTheDigest) {
  TestReplica& a = Make(PersonTable());
  TestReplica& b = Make(PersonTable());
  TestReplica& c = Make();  // knows no table at all
  Do(a, {Insert("person", K("ann"), {{"email", T("x")}})});
  Do(b, {Insert("person", K("bob"), {{"email", T("x")}})});
  Exchange();
  EXPECT_EQ(a.Shown("person").size(), 1u);
  EXPECT_EQ(c.Quarantine().size(), 2u);
  EXPECT_EQ(c.store().StateDigest("person")->Hex(), DigestOf(a));
}

// --- Values and shapes -----------------------------------------------------------------

TEST_P(StoreWrites, EveryValueArrivesBitForBit) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  const std::vector<Value> values = {
      Value::Null(),
      N(0),
      N(-1),
      N(std::numeric_limits<std::int64_t>::min()),
      N(std::numeric_limits<std::int64_t>::max()),
      Value::Real(0.0),
      Value::Real(-0.0),
      Value::Real(1.0),
      Value::Real(std::numeric_limits<double>::infinity()),
      Value::Real(-std::numeric_limits<double>::infinity()),
      Value::Real(std::numeric_limits<double>::denorm_min()),
      Value::Real(9007199254740993.0),
      T(""),
      T("1"),
      Value::Text(Bytes("a\0b", 3)),
      Value::Text("\xff\xfe not utf-8"),
      Value::Blob(""),
      Value::Blob(Bytes("\0\xff", 2)),
      Value::Blob(Bytes(100'000, 'x')),
  };
  Rows expected;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Key key = EncodeKey({N(static_cast<std::int64_t>(i))});
    Do(a, {Insert("item", key, Item(values[i], 1))});
    expected[key] = Item(values[i], 1);
  }
  Exchange();
  EXPECT_TRUE(a.Shown("item") == expected);
  EXPECT_TRUE(b.Shown("item") == expected);
}

TEST_P(StoreWrites, KeysOfSeveralPartsAndTablesOfNothingElse) {
  TableDef tag{"tag", {"item", "word"}, {}, {}, {}};
  TestReplica& a = Make(tag);
  TestReplica& b = Make(tag);
  const Key red = EncodeKey({N(1), T("red")});
  const Key blue = EncodeKey({N(1), T("blue")});
  Do(a, {Insert("tag", red, {}), Insert("tag", blue, {})});
  Exchange();
  EverybodyShows("tag", {{red, {}}, {blue, {}}});
  Do(b, {Delete("tag", red), ChangeKey("tag", blue, EncodeKey({N(2), T("blue")}))});
  Exchange();
  EverybodyShows("tag", {{EncodeKey({N(2), T("blue")}), {}}});
}

TEST_P(StoreWrites, UniqueSetsOfSeveralColumnsAndOfTheKey) {
  TableDef seat{"seat", {"row", "place"}, {Column("guest"), Column("evening")},
                {{"guest", "evening"}, {"row", "guest"}}, {}};
  TestReplica& a = Make(seat);
  TestReplica& b = Make(seat);
  const Key one = EncodeKey({N(1), N(1)});
  const Key two = EncodeKey({N(1), N(2)});
  const Key far = EncodeKey({N(2), N(1)});
  Do(a, {Insert("seat", one, {{"guest", T("ann")}, {"evening", N(1)}})});
  Do(b, {Insert("seat", two, {{"guest", T("ann")}, {"evening", N(2)}})});
  Do(b, {Insert("seat", far, {{"guest", T("ann")}, {"evening", N(3)}})});
  Fails(b, {Insert("seat", one, {{"guest", T("ann")}, {"evening", N(4)}})});
  Exchange();
  EverybodyShows("seat", {{two, {{"guest", T("ann")}, {"evening", N(2)}}},
                          {far, {{"guest", T("ann")}, {"evening", N(3)}}}});
  EverybodyHides({{"seat", one, Hidden::kUnique}});
}

TEST_P(StoreWrites, WhoTakesAUniqueValueLastShowsThoughTheRowIsOlder) {
  TestReplica& a = Make(PersonTable());
  TestReplica& b = Make(PersonTable());
  Do(a, {Insert("person", K("ann"), {{"email", T("w")}})});
  Do(b, {Insert("person", K("bob"), {{"email", T("x")}})});
  Do(a, {Update("person", K("ann"), {{"email", T("x")}})});
  Exchange();
  for (TestReplica* const replica : {&a, &b}) {
    const Rows people = replica->Shown("person");
    ASSERT_EQ(people.size(), 1u);
    EXPECT_EQ(people.begin()->first, K("ann"));
  }
}

TEST_P(StoreWrites, AReplaceThatDisplacesAnotherRowDeletesIt) {
  TestReplica& a = Make(PersonTable());
  Make(PersonTable());
  Do(a, {Insert("person", K("ann"), {{"email", T("x")}, {"nick", T("p")}}),
         Insert("person", K("bob"), {{"email", T("y")}, {"nick", T("q")}})});
  Exchange();
  Do(a, {Replace("person", K("cid"), {{"email", T("x")}, {"nick", T("q")}})});
  Exchange();
  EverybodyShows("person",
                 {{K("cid"), {{"email", T("x")}, {"nick", T("q")}, {"age", Value::Null()}}}});
  EverybodyHides({});
}

INSTANTIATE_TEST_SUITE_P(Stores, StoreWrites, testing::ValuesIn(AllReplicaMakers()),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace rejoin
