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

inline void showValue(const ScriptCommand& command, std::ostream& out) {
  constexpr const char* kNames[] = {"run", "savepoint", "rollback to", "release"};
  if (command.kind == ScriptCommand::Kind::kRun) {
    for (const Op& op : command.ops) showValue(op, out << (&op == command.ops.data() ? "" : " and"));
    return;
  }
  out << "\n      " << kNames[static_cast<int>(command.kind)];
}

inline void showValue(const ScriptStep& step, std::ostream& out) {
  constexpr const char* kNames[] = {"commit", "roll back", "commit whole", "commit each",
                                    "hear", "hear by cursor", "hear everything", "hear again",
                                    "trim", "correct", "grow", "define", "look"};
  out << "\n  [" << step.replica << "] " << kNames[static_cast<int>(step.kind)] << " of "
      << step.peer << " after " << int{step.pause_ms} << " ms";
  for (const ScriptCommand& command : step.transaction) showValue(command, out);
}

inline void showValue(const ExchangeScript& script, std::ostream& out) {
  out << script.replicas << " replicas, item: same_key "
      << int(script.item_rules.same_key) << " delete_wins " << script.item_rules.delete_wins
      << ", person: " << int(script.person_rules.same_key) << ' ' << script.person_rules.delete_wins
      << ", number: " << int(script.number_rules.same_key) << ' ' << script.number_rules.delete_wins
      << ", checked: " << int(script.checked);
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

Key KeyOf(const Value& value) { return EncodeKey({value}); }

// Few keys and few values, so that replicas get into each other's way. No two of
// them are equal to SQL: keys that only SQL calls equal are tested elsewhere.
rc::Gen<Key> SmallKey() {
  using std::numeric_limits;
  const auto odd = rc::gen::map(
      rc::gen::element(Value::Integer(1), Value::Real(-0.0), Value::Real(2.5), Value::Blob("a"),
                       Value::Real(numeric_limits<double>::infinity()), Value::Text({'a', '\0', 'b'}),
                       Value::Text("\xff"), Value::Text("")),
      KeyOf);
  const auto letter = rc::gen::map(Within<char>('a', 'f'),
                                   [](char c) { return KeyOf(Value::Text({c})); });
  return rc::gen::weightedOneOf<Key>({{6, letter}, {1, odd}});
}

rc::Gen<Key> NumberKey() {
  using Limits = std::numeric_limits<std::int64_t>;
  return rc::gen::map(rc::gen::element<std::int64_t>(1, 2, 3, 4, 0, -1, Limits::min(), Limits::max()),
                      [](std::int64_t number) { return KeyOf(Value::Integer(number)); });
}

// The edges of each storage class, and what SQL calls equal.
rc::Gen<Value> OddValue() {
  using Reals = std::numeric_limits<double>;
  return rc::gen::element(
      Value::Real(0.0), Value::Real(-0.0), Value::Real(1.0), Value::Real(Reals::denorm_min()),
      Value::Real(-Reals::infinity()), Value::Real(Reals::max()), Value::Real(9007199254740993.0),
      Value::Integer(9007199254740993), Value::Integer(std::numeric_limits<std::int64_t>::min()),
      Value::Integer(std::numeric_limits<std::int64_t>::max()), Value::Text(""), Value::Text("1"),
      Value::Text("X"), Value::Text({'x', '\0', 'y'}), Value::Text({'x', '\0', 'z'}),
      Value::Text("\xc3\x28\xff"), Value::Blob(""), Value::Blob("x"), Value::Blob({'\0', '\xff'}),
      Value::Text(Bytes(300, 'l')));
}

rc::Gen<Value> SmallValue() {
  return rc::gen::weightedOneOf<Value>(
      {{2, rc::gen::just(Value::Null())},
       {6, rc::gen::map(Within<std::int64_t>(0, 3), Value::Integer)},
       {4, rc::gen::map(rc::gen::element('x', 'y', 'z'),
                        [](char letter) { return Value::Text({letter}); })},
       {1, OddValue()}});
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
  const auto for_table = [kind](const char* table, const rc::Gen<Key>& key,
                                std::vector<std::string> columns) {
    return rc::gen::build<Op>(
        rc::gen::set(&Op::kind, kind), rc::gen::set(&Op::table, rc::gen::just(std::string(table))),
        rc::gen::set(&Op::key, key), rc::gen::set(&Op::new_key, key),
        rc::gen::set(&Op::values, SmallRow(std::move(columns))));
  };
  return rc::gen::oneOf(for_table("item", SmallKey(), {"title", "qty", "late"}),
                        for_table("person", SmallKey(), {"email", "nick", "age"}),
                        for_table("number", NumberKey(), {"label", "amount"}));
}

// Some inserts into one table as one statement, which may fail in the middle.
Transaction Together(const std::vector<Op>& ops, bool replace) {
  Transaction together;
  for (Op op : ops) {
    if (op.table != ops.front().table) continue;
    op.kind = replace ? Op::Kind::kReplace : Op::Kind::kInsert;
    together.push_back(std::move(op));
  }
  return together;
}

rc::Gen<ScriptCommand> SmallCommand() {
  using Kind = ScriptCommand::Kind;
  const auto one = rc::gen::map(SmallOp(), [](const Op& op) { return ScriptCommand{Kind::kRun, {op}}; });
  const auto together = rc::gen::map(
      rc::gen::pair(rc::gen::container<std::vector<Op>>(5, SmallOp()), rc::gen::arbitrary<bool>()),
      [](const auto& ops) { return ScriptCommand{Kind::kRun, Together(ops.first, ops.second)}; });
  const auto other = rc::gen::map(rc::gen::element(Kind::kSavepoint, Kind::kRollBackTo, Kind::kRelease),
                                  [](Kind kind) { return ScriptCommand{kind, {}}; });
  return rc::gen::weightedOneOf<ScriptCommand>(
      {{8, one}, {2, together}, {2, other}});
}

rc::Gen<ScriptStep> AnyStep() {
  using Kind = ScriptStep::Kind;
  const auto number = Within<std::size_t>(0, 840);  // taken modulo the replicas
  return rc::gen::build<ScriptStep>(
      rc::gen::set(&ScriptStep::kind, rc::gen::weightedElement<Kind>({{10, Kind::kCommit},
                                                                      {1, Kind::kRollBack},
                                                                      {2, Kind::kCommitWhole},
                                                                      {2, Kind::kCommitEach},
                                                                      {8, Kind::kHear},
                                                                      {8, Kind::kHearByCursor},
                                                                      {1, Kind::kHearEverything},
                                                                      {2, Kind::kHearAgain},
                                                                      {1, Kind::kTrim},
                                                                      {2, Kind::kCorrect},
                                                                      {1, Kind::kGrow},
                                                                      {3, Kind::kDefine},
                                                                      {2, Kind::kLook}})),
      rc::gen::set(&ScriptStep::replica, number), rc::gen::set(&ScriptStep::peer, number),
      rc::gen::set(&ScriptStep::transaction,
                   rc::gen::resize(
                       5, rc::gen::container<std::vector<ScriptCommand>>(SmallCommand()))),
      rc::gen::set(&ScriptStep::pause_ms, Within<std::uint8_t>(0, 5)),
      rc::gen::set(&ScriptStep::offset_s, Within<std::int64_t>(-30, 31)));
}

rc::Gen<ExchangeScript> AnyScript() {
  const auto adopted = rc::gen::resize(3, MapOf<Rows>(SmallKey(), SmallRow({"title", "qty"})));
  return rc::gen::build<ExchangeScript>(
      rc::gen::set(&ExchangeScript::replicas, Within<std::size_t>(2, 9)),
      rc::gen::set(&ExchangeScript::item_rules), rc::gen::set(&ExchangeScript::person_rules),
      rc::gen::set(&ExchangeScript::number_rules),
      rc::gen::set(&ExchangeScript::checked, rc::gen::arbitrary<std::uint8_t>()),
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
