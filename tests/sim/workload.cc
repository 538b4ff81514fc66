#include "tests/sim/workload.h"

#include "tests/store/fakes.h"
#include "tests/store/ops.h"

namespace rejoin::sim {
namespace {

class Dice {
 public:
  explicit Dice(std::uint64_t number) : random_(number) {}
  std::size_t Below(std::size_t count) { return static_cast<std::size_t>(random_.Draw64() % count); }

 private:
  FakeRandom random_;
};

TableDef Twin(const char* name) { return {name, {"id"}, {Column("mark"), Column("text")}, {{"mark"}}, {}}; }

Key LetterKey(Dice& dice) { return EncodeKey({Value::Text(Bytes(1, static_cast<char>('a' + dice.Below(10))))}); }
Key NumberKey(Dice& dice) { return EncodeKey({N(static_cast<std::int64_t>(dice.Below(8)))}); }

Value SmallValue(Dice& dice) {
  const std::size_t number = dice.Below(9);
  return number == 0 ? Value::Null() : N(static_cast<std::int64_t>(number));
}

Value AnyText(Dice& dice) { return Value::Text(Bytes(dice.Below(30), static_cast<char>('p' + dice.Below(9)))); }

void Fill(Op& op, Dice& dice, bool late) {
  if (op.table == "item") {
    if (dice.Below(3) > 0) op.values["title"] = AnyText(dice);
    op.values["qty"] = SmallValue(dice);
    if (late && dice.Below(2) == 0) op.values["late"] = SmallValue(dice);
  } else if (op.table == "person") {
    op.values["email"] = SmallValue(dice);
    if (dice.Below(2) == 0) op.values["nick"] = SmallValue(dice);
    if (dice.Below(2) == 0) op.values["age"] = SmallValue(dice);
  } else if (op.table == "number") {
    op.values["label"] = SmallValue(dice);
    op.values["amount"] = SmallValue(dice);
  } else {
    op.values["text"] = AnyText(dice);
  }
}

Op DrawOp(Dice& dice, bool has_notes, bool late) {
  static constexpr const char* kTables[] = {"item", "person", "number", "note"};
  Op op;
  op.kind = static_cast<Op::Kind>(dice.Below(6));
  op.table = kTables[dice.Below(has_notes ? 4 : 3)];
  const bool is_number = op.table == "number";
  op.key = is_number ? NumberKey(dice) : LetterKey(dice);
  op.new_key = is_number ? NumberKey(dice) : LetterKey(dice);
  Fill(op, dice, late);
  return op;
}

std::string TextOf(const Value& value) {
  switch (value.type) {
    case ValueType::kNull: return "NULL";
    case ValueType::kInteger: return std::to_string(value.integer());
    default: return "'" + value.bytes + "'";
  }
}

std::string TextOf(const Key& key) {
  std::string text;
  const auto parts = DecodeKey(key);
  for (const Value& part : parts.value_or(std::vector<Value>())) text += (text.empty() ? "" : ",") + TextOf(part);
  return text;
}

}  // namespace

std::vector<TableDef> FirstTables() {
  TableDef number{"number", {"id"}, {Column("label"), Column("amount", N(0))}, {{"label"}}, {}, true};
  number.rules.same_key = SameKey::kNewest;
  return {ItemTable(), PersonTable(), number, Twin("twin_a"), Twin("twin_b")};
}

TableDef NoteTable() { return {"note", {"id"}, {Column("text")}, {}, {}}; }
Rows NotesFoundThere() { return {{K("a"), {{"text", T("found")}}}, {K("b"), {{"text", T("found too")}}}}; }
ColumnDef LateColumn() { return Column("late", N(7)); }

Transaction DrawTransaction(std::uint64_t choice, bool has_notes, bool has_late_column) {
  Dice dice(choice);
  Transaction ops;
  const std::size_t count = 1 + dice.Below(4);
  while (ops.size() < count) {
    Op op = DrawOp(dice, has_notes, has_late_column);
    if (dice.Below(5) == 0) {  // it goes and comes back in one
      op.kind = Op::Kind::kDelete;
      ops.push_back(op);
      op.kind = Op::Kind::kInsert;
    }
    ops.push_back(std::move(op));
  }
  return ops;
}

Transaction DrawTwins(std::uint64_t choice) {
  Dice dice(choice);
  Transaction ops;
  const std::size_t count = 1 + dice.Below(3);
  for (std::size_t i = 0; i < count; ++i) {
    Op op;
    op.kind = static_cast<Op::Kind>(dice.Below(6));
    op.key = LetterKey(dice);
    op.new_key = LetterKey(dice);
    op.values["mark"] = SmallValue(dice);
    op.values["text"] = AnyText(dice);
    for (const char* twin : {"twin_a", "twin_b"}) {
      op.table = twin;
      ops.push_back(op);
    }
  }
  return ops;
}

Transaction OwnMark(std::size_t node, std::uint64_t time_ms) {
  const std::string name = "node " + std::to_string(node) + " at " + std::to_string(time_ms);
  return {Replace("item", K(name.c_str()), {{"title", T("marked")}})};
}

std::string Described(const Transaction& transaction) {
  static constexpr const char* kNames[] = {"insert", "replace", "upsert", "update", "delete", "change key of"};
  std::string text;
  for (const Op& op : transaction) {
    text += (text.empty() ? "" : "; ") + std::string(kNames[static_cast<std::size_t>(op.kind)]) + " " + op.table +
            "[" + TextOf(op.key) + "]";
    if (op.kind == Op::Kind::kChangeKey) text += " to [" + TextOf(op.new_key) + "]";
    if (op.kind == Op::Kind::kDelete) continue;
    for (const auto& [column, value] : op.values) text += " " + column + "=" + TextOf(value);
  }
  return text;
}

}  // namespace rejoin::sim
