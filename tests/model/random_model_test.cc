// Random lives of 2 to 8 replicas of each kind, in step with memory stores: every
// step alike, and all equal in the end. RC_PARAMS="seed=..." replays a failure.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "tests/crdt/generators.h"
#include "tests/model/exchange_script.h"
#include "tests/store/ops.h"

namespace rejoin {

inline void showValue(const Row& row, std::ostream& out) {
  out << '(';
  for (const auto& [column, value] : row) {
    out << column << '=';
    showValue(value, out);
    out << ' ';
  }
  out << ')';
}

inline void showValue(const Op& op, std::ostream& out) {
  constexpr const char* kNames[] = {"insert", "replace", "upsert", "update", "delete", "rekey"};
  out << "\n      " << kNames[static_cast<int>(op.kind)] << ' ' << op.table << ' ';
  rc::show(*DecodeKey(op.key), out);
  if (op.kind == Op::Kind::kChangeKey) rc::show(*DecodeKey(op.new_key), out << " to ");
  showValue(op.values, out << ' ');
}

inline void showValue(const ScriptStep& step, std::ostream& out) {
  constexpr const char* kNames[] = {"commit", "hear",  "hear by cursor", "hear everything",
                                    "trim",   "grow", "define"};
  out << "\n  [" << step.replica << "] " << kNames[static_cast<int>(step.kind)] << " of "
      << step.peer << " after " << int{step.pause_ms} << " ms";
  for (const Op& op : step.transaction) showValue(op, out);
}

inline void showValue(const ExchangeScript& script, std::ostream& out) {
  out << script.replicas << " replicas, item: same_key "
      << int(script.item_rules.same_key) << " delete_wins " << script.item_rules.delete_wins;
  for (const Rows& rows : script.adopted) {
    out << "\n  adopted:";
    for (const auto& [key, row] : rows) {
      rc::show(*DecodeKey(key), out << ' ');
      showValue(row, out);
    }
  }
  for (const ScriptStep& step : script.steps) showValue(step, out);
}

namespace {

// Few keys and few values, so that replicas get into each other's way.
rc::Gen<Key> SmallKey() {
  return rc::gen::map(Within<char>('a', 'f'),
                      [](char letter) { return EncodeKey({Value::Text({letter})}); });
}

rc::Gen<Value> SmallValue() {
  return rc::gen::weightedOneOf<Value>(
      {{1, rc::gen::just(Value::Null())},
       {3, rc::gen::map(Within<std::int64_t>(0, 3), Value::Integer)},
       {2, rc::gen::map(rc::gen::element('x', 'y', 'z'),
                        [](char letter) { return Value::Text({letter}); })}});
}

// RapidCheck gives up on maps of few keys: repeated ones are dropped here.
template <class Map>
rc::Gen<Map> MapOf(rc::Gen<typename Map::key_type> key, rc::Gen<typename Map::mapped_type> value) {
  using Pairs = std::vector<std::pair<typename Map::key_type, typename Map::mapped_type>>;
  return rc::gen::map(
      rc::gen::container<Pairs>(rc::gen::pair(std::move(key), std::move(value))),
      [](const Pairs& pairs) { return Map(pairs.begin(), pairs.end()); });
}

rc::Gen<Row> SmallRow(std::vector<std::string> columns) {
  return MapOf<Row>(rc::gen::elementOf(columns), SmallValue());
}

rc::Gen<Op> SmallOp() {
  using Kind = Op::Kind;
  const auto kind = rc::gen::weightedElement<Kind>({{4, Kind::kInsert},
                                                    {2, Kind::kReplace},
                                                    {2, Kind::kUpsert},
                                                    {5, Kind::kUpdate},
                                                    {3, Kind::kDelete},
                                                    {2, Kind::kChangeKey}});
  const auto for_table = [kind](const char* table, std::vector<std::string> columns) {
    return rc::gen::build<Op>(
        rc::gen::set(&Op::kind, kind), rc::gen::set(&Op::table, rc::gen::just(std::string(table))),
        rc::gen::set(&Op::key, SmallKey()), rc::gen::set(&Op::new_key, SmallKey()),
        rc::gen::set(&Op::values, SmallRow(std::move(columns))));
  };
  return rc::gen::oneOf(for_table("item", {"title", "qty", "late"}),
                        for_table("person", {"email", "nick", "age"}));
}

rc::Gen<ScriptStep> AnyStep() {
  using Kind = ScriptStep::Kind;
  const auto number = Within<std::size_t>(0, 840);  // taken modulo the replicas
  return rc::gen::build<ScriptStep>(
      rc::gen::set(&ScriptStep::kind, rc::gen::weightedElement<Kind>({{12, Kind::kCommit},
                                                                      {8, Kind::kHear},
                                                                      {8, Kind::kHearByCursor},
                                                                      {1, Kind::kHearEverything},
                                                                      {1, Kind::kTrim},
                                                                      {1, Kind::kGrow},
                                                                      {3, Kind::kDefine}})),
      rc::gen::set(&ScriptStep::replica, number), rc::gen::set(&ScriptStep::peer, number),
      rc::gen::set(&ScriptStep::transaction,
                   rc::gen::resize(4, rc::gen::container<Transaction>(SmallOp()))),
      rc::gen::set(&ScriptStep::pause_ms, Within<std::uint8_t>(0, 5)));
}

rc::Gen<ExchangeScript> AnyScript() {
  const auto adopted = rc::gen::resize(3, MapOf<Rows>(SmallKey(), SmallRow({"title", "qty"})));
  return rc::gen::build<ExchangeScript>(
      rc::gen::set(&ExchangeScript::replicas, Within<std::size_t>(2, 9)),
      rc::gen::set(&ExchangeScript::item_rules), rc::gen::set(&ExchangeScript::person_rules),
      rc::gen::set(&ExchangeScript::adopted,
                   rc::gen::resize(3, rc::gen::container<std::vector<Rows>>(adopted))),
      rc::gen::set(&ExchangeScript::steps, rc::gen::container<std::vector<ScriptStep>>(AnyStep())));
}

class RandomModel : public testing::TestWithParam<TestReplicaMaker> {
 protected:
  static void PlayAny(bool skewed) {
    EXPECT_TRUE(rc::check([skewed] {
      const ExchangeScript script = *AnyScript();
      RC_ASSERT(ScriptPlayer(GetParam(), script, skewed).Play() == "");
    }));
  }
};

TEST_P(RandomModel, ReplicasAgreeWithTheMemoryStoreAndWithEachOther) { PlayAny(false); }

TEST_P(RandomModel, WhateverTheirClocksSay) { PlayAny(true); }

INSTANTIATE_TEST_SUITE_P(Stores, RandomModel, testing::ValuesIn(AllReplicaMakers()),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace rejoin
