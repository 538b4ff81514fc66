#include "store/memory/memory_transaction.h"

#include <algorithm>

namespace rejoin {
namespace {

tl::unexpected<Error> Violated(const char* constraint, const std::string& table) {
  return Fail(Code::kSql, std::string(constraint) + " constraint failed: " + table);
}

bool HasColumn(const TableDef& def, const std::string& name) {
  return std::any_of(def.columns.begin(), def.columns.end(),
                     [&name](const ColumnDef& column) { return column.name == name; });
}

const RowState& StateOf(const MemoryTable& table, const Key& key) {
  static const RowState kNone;
  const auto at = table.rows.find(key);
  return at == table.rows.end() ? kNone : at->second;
}

}  // namespace

Result<MemoryTransaction::Work*> MemoryTransaction::WorkOn(const Op& op) {
  const auto table = tables_.find(op.table);
  if (table == tables_.end() || !table->second.def) {
    return Fail(Code::kUnknownTable, "The table " + op.table + " is not defined here.");
  }
  const TableDef& def = *table->second.def;
  for (const auto& [name, value] : op.values) {
    if (!HasColumn(def, name)) {
      return Fail(Code::kInvalidArgument, "The table " + op.table + " has no column " + name + ".");
    }
  }
  for (const Key* key : {&op.key, &op.new_key}) {
    if (key == &op.new_key && op.kind != Op::Kind::kChangeKey) continue;
    const auto parts = DecodeKey(*key);
    if (!parts || parts->size() != def.key_columns.size()) {
      return Fail(Code::kInvalidArgument, "The key does not fit the table " + op.table + ".");
    }
  }
  const auto [at, first] = work_.try_emplace(op.table);
  Work& work = at->second;
  if (first) {
    work.table = &table->second;
    work.before = ViewOf(table->second).shown;
    for (const auto& [key, row] : work.before) work.now[key] = {row, key};
  }
  return &work;
}

Status MemoryTransaction::Apply(const Op& op) {
  REJOIN_ASSIGN(Work* const work, WorkOn(op));
  const bool exists = work->now.count(op.key) > 0;
  switch (op.kind) {
    case Op::Kind::kInsert:
    case Op::Kind::kReplace:
    case Op::Kind::kUpsert:
      return Make(*work, op);
    case Op::Kind::kUpdate:
      return exists ? Edit(*work, op, op.key) : Status();
    case Op::Kind::kChangeKey:
      return exists ? Edit(*work, op, op.new_key) : Status();
    case Op::Kind::kDelete:
      if (exists) Remove(*work, op.key, false);
      return {};
  }
  return Fail(Code::kInvalidArgument, "Unknown kind of operation.");
}

Status MemoryTransaction::Make(Work& work, const Op& op) {
  const TableDef& def = *work.table->def;
  Row row = op.values;
  for (const ColumnDef& column : def.columns) {
    Value& value = row.emplace(column.name, column.default_value).first->second;
    const bool refused = column.not_null && value.type == ValueType::kNull;
    // As SQL does: REPLACE puts the default in place of a NULL that is refused.
    if (refused && op.kind == Op::Kind::kReplace) value = column.default_value;
  }
  if (const char* const broken = BrokenCheck(def, row)) return Violated(broken, def.name);
  if (op.kind == Op::Kind::kUpsert && work.now.count(op.key) > 0) return Edit(work, op, op.key);

  for (const Key& other : InTheWay(work, op.key, op.key, row)) {
    if (op.kind != Op::Kind::kReplace) return Violated("UNIQUE", def.name);
    Remove(work, other, true);
  }
  if (work.now.count(op.key) > 0) {
    if (op.kind != Op::Kind::kReplace) return Violated("UNIQUE", def.name);
    Remove(work, op.key, true);
  }
  Put(work, op.key, {std::move(row), std::nullopt});
  return {};
}

Status MemoryTransaction::Edit(Work& work, const Op& op, const Key& new_key) {
  const TableDef& def = *work.table->def;
  WorkingRow edited = work.now.at(op.key);
  for (const auto& [name, value] : op.values) edited.row[name] = value;
  if (const char* const broken = BrokenCheck(def, edited.row)) return Violated(broken, def.name);
  const bool taken = new_key != op.key && work.now.count(new_key) > 0;
  if (taken || !InTheWay(work, op.key, new_key, edited.row).empty()) {
    return Violated("UNIQUE", def.name);
  }
  Remove(work, op.key, false);
  Put(work, new_key, std::move(edited));
  return {};
}

void MemoryTransaction::Remove(Work& work, const Key& key, bool displaced) {
  Touched& touched = work.touched[key];
  touched.displaced = displaced;
  touched.last = work.now.at(key).row;
  work.now.erase(key);
}

void MemoryTransaction::Put(Work& work, const Key& key, WorkingRow row) {
  Touched& touched = work.touched[key];
  touched.unknown = touched.unknown || touched.displaced;
  touched.displaced = false;
  work.now[key] = std::move(row);
}

// Rows other than `own` that hold a UNIQUE value of the row (key, row).
std::vector<Key> MemoryTransaction::InTheWay(const Work& work, const Key& own, const Key& key,
                                             const Row& row) {
  const TableDef& def = *work.table->def;
  std::vector<Key> found;
  for (const auto& [other, there] : work.now) {
    if (other == own) continue;
    const Key& other_key = other;
    const Row& other_row = there.row;
    const bool clashes = std::any_of(
        def.unique_sets.begin(), def.unique_sets.end(), [&](const std::vector<std::string>& set) {
          const auto values = ValuesOf(def, set, key, row);
          return values && values == ValuesOf(def, set, other_key, other_row);
        });
    if (clashes) found.push_back(other);
  }
  return found;
}

std::vector<RowChange> MemoryTransaction::NetEffect(const Stamp& stamp) const {
  std::vector<RowChange> changes;
  for (const auto& [name, work] : work_) {
    for (const auto& [key, touched] : work.touched) {
      RowState delta = Effect(work, key, touched, stamp);
      if (!delta.empty()) changes.push_back({name, key, std::move(delta)});
    }
  }
  return changes;
}

RowState MemoryTransaction::Effect(const Work& work, const Key& key, const Touched& touched,
                                   const Stamp& stamp) {
  const MemoryTable& table = *work.table;
  const RowState& state = StateOf(table, key);
  const auto before = work.before.find(key);
  const auto after = work.now.find(key);
  if (after == work.now.end()) {
    if (before == work.before.end()) return {};
    return touched.unknown ? EffectOfPassing(work, key, touched.last, stamp)
                           : DeleteDelta(state, stamp);
  }
  const Row& row = after->second.row;
  const std::optional<Key>& origin = after->second.origin;
  std::vector<Cell> cells;
  if (origin && *origin != key) cells = Carried(work, *origin, key);
  const bool all = before == work.before.end() || touched.unknown;
  for (const auto& [name, value] : row) {
    if (all || before->second.at(name) != value) cells.push_back({*table.Find(name), {}, value});
  }
  return IsPresent(state, table.rules)
             ? UpdateDelta(state, table.rules, stamp, std::move(cells))
             : InsertDelta(stamp, std::move(cells));
}

// Nobody knows the values of before, so the row goes with those that it had last.
RowState MemoryTransaction::EffectOfPassing(const Work& work, const Key& key, const Row& last,
                                            const Stamp& stamp) {
  RowState state = StateOf(*work.table, key);
  std::vector<Cell> cells;
  for (const auto& [name, value] : last) {
    cells.push_back({*work.table->Find(name), {}, value});
  }
  RowState delta = UpdateDelta(state, work.table->rules, stamp, std::move(cells));
  rejoin::Join(state, delta);
  rejoin::Join(delta, DeleteDelta(state, stamp));
  return delta;
}

// What the row at `from` shows in columns that are unknown here, where the row
// at `to` does not show the same.
std::vector<Cell> MemoryTransaction::Carried(const Work& work, const Key& from, const Key& to) {
  const MemoryTable& table = *work.table;
  const std::vector<const Cell*> there = ShownCells(StateOf(table, to), table.rules);
  std::vector<Cell> cells;
  for (const Cell* cell : ShownCells(StateOf(table, from), table.rules)) {
    if (table.IsLocal(cell->column)) continue;
    const bool same = std::any_of(there.begin(), there.end(), [cell](const Cell* other) {
      return other->column == cell->column && other->value == cell->value;
    });
    if (!same) cells.push_back(*cell);
  }
  return cells;
}

}  // namespace rejoin
