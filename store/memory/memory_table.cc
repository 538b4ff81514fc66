#include "store/memory/memory_table.h"

#include <algorithm>
#include <set>

#include "store/show_order.h"

namespace rejoin {
namespace {

// SQL takes 2 and 2.0 for equal; one of the two spellings stands for both.
Value ForComparison(const Value& value) {
  constexpr double kTwoTo63 = 9223372036854775808.0;
  if (value.type != ValueType::kReal) return value;
  const double number = value.real();
  if (!(number >= -kTwoTo63 && number < kTwoTo63)) return value;
  const auto whole = static_cast<std::int64_t>(number);
  return static_cast<double>(whole) == number ? Value::Integer(whole) : value;
}

struct Candidate {
  Stamp stamp;
  const Key* key = nullptr;
  Row row;
};

bool TakenBefore(const Candidate& a, const Candidate& b) {
  return a.stamp != b.stamp ? a.stamp > b.stamp : *a.key < *b.key;
}

std::vector<ColumnId> UniqueColumns(const MemoryTable& table) {
  std::vector<ColumnId> columns;
  if (!table.def) return columns;
  for (const auto& set : table.def->unique_sets) {
    for (const std::string& name : set) {
      if (const auto column = table.Find(name)) columns.push_back(*column);
    }
  }
  return columns;
}

Row ShownRow(const MemoryTable& table, const RowState& state) {
  Row row;
  for (const ColumnDef& column : table.def->columns) row[column.name] = column.default_value;
  for (const Cell* cell : ShownCells(state, table.rules)) {
    if (table.IsLocal(cell->column)) row[table.columns[cell->column]] = cell->value;
  }
  return row;
}

}  // namespace

ColumnId MemoryTable::Intern(const std::string& column) {
  if (const auto found = Find(column)) return *found;
  columns.push_back(column);
  return static_cast<ColumnId>(columns.size() - 1);
}

std::optional<ColumnId> MemoryTable::Find(const std::string& column) const {
  const auto at = std::find(columns.begin(), columns.end(), column);
  if (at == columns.end()) return std::nullopt;
  return static_cast<ColumnId>(at - columns.begin());
}

bool MemoryTable::IsLocal(ColumnId column) const {
  return def && std::any_of(def->columns.begin(), def->columns.end(),
                            [&](const ColumnDef& local) { return local.name == columns[column]; });
}

const char* BrokenCheck(const TableDef& def, const Row& row) {
  for (const ColumnDef& column : def.columns) {
    if (column.not_null && row.at(column.name).type == ValueType::kNull) return "NOT NULL";
  }
  for (const ColumnDef& column : def.columns) {
    if (!column.forbidden) continue;
    if (ForComparison(row.at(column.name)) == ForComparison(*column.forbidden)) {
      return "CHECK";
    }
  }
  return nullptr;
}

std::optional<UniqueValues> ValuesOf(const TableDef& def, const std::vector<std::string>& set,
                                     const Key& key, const Row& row) {
  UniqueValues values;
  for (const std::string& name : set) {
    const auto key_column = std::find(def.key_columns.begin(), def.key_columns.end(), name);
    if (key_column == def.key_columns.end()) {
      values.push_back(ForComparison(row.at(name)));
    } else {
      const auto parts = DecodeKey(key);
      const auto part = static_cast<std::size_t>(key_column - def.key_columns.begin());
      values.push_back(ForComparison(parts->at(part)));
    }
    if (values.back().type == ValueType::kNull) return std::nullopt;
  }
  return values;
}

TableView ViewOf(const MemoryTable& table) {
  TableView view;
  const std::vector<ColumnId> unique_columns = UniqueColumns(table);
  std::vector<Candidate> candidates;
  for (const auto& [key, state] : table.rows) {
    if (!IsPresent(state, table.rules)) continue;
    if (!table.def) {
      view.hidden.emplace(key, Hidden::kUnknownTable);
      continue;
    }
    Row row = ShownRow(table, state);
    if (BrokenCheck(*table.def, row) != nullptr) {
      view.hidden.emplace(key, Hidden::kCheck);
      continue;
    }
    const Stamp stamp = ShowStamp(state, table.rules, unique_columns);
    candidates.push_back({stamp, &key, std::move(row)});
  }
  std::sort(candidates.begin(), candidates.end(), TakenBefore);

  std::set<std::pair<std::size_t, UniqueValues>> taken;
  for (Candidate& candidate : candidates) {
    std::vector<std::pair<std::size_t, UniqueValues>> wanted;
    for (std::size_t i = 0; i < table.def->unique_sets.size(); ++i) {
      auto values = ValuesOf(*table.def, table.def->unique_sets[i], *candidate.key, candidate.row);
      if (values) wanted.emplace_back(i, std::move(*values));
    }
    const bool free = std::none_of(wanted.begin(), wanted.end(), [&taken](const auto& values) {
      return taken.count(values) > 0;
    });
    if (free) {
      taken.insert(wanted.begin(), wanted.end());
      view.shown.emplace(*candidate.key, std::move(candidate.row));
    } else {
      view.hidden.emplace(*candidate.key, Hidden::kUnique);
    }
  }
  return view;
}

}  // namespace rejoin
