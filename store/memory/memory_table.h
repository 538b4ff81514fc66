// One table of the memory store, and what it shows.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "store/memory/table_def.h"

namespace rejoin {

struct MemoryTable {
  std::string name;
  std::optional<TableDef> def;  // nullopt: known from deltas only
  RowRules rules;
  std::uint32_t key_parts = 1;
  std::vector<std::string> columns;  // ColumnId -> logical name; local ones and carried ones
  std::map<Key, RowState> rows;

  // The column's id, a new one where the name is new.
  ColumnId Intern(const std::string& column);
  std::optional<ColumnId> Find(const std::string& column) const;
  bool IsLocal(ColumnId column) const;  // in `def`
};

// What a table shows now, and what it does not.
struct TableView {
  Rows shown;
  std::map<Key, Hidden> hidden;
};

// A pure function of states and definition; rules: docs/merge_rules.md, section 4.
TableView ViewOf(const MemoryTable& table);

// The name of the first constraint that the row breaks by itself, "NOT NULL" or
// "CHECK"; nullptr where there is none.
const char* BrokenCheck(const TableDef& def, const Row& row);
// Values of a UNIQUE set, or nullopt where one of them is NULL. Two rows clash
// where these are equal: numbers by value, 1 as 1.0, as SQL compares them.
using UniqueValues = std::vector<Value>;
std::optional<UniqueValues> ValuesOf(const TableDef& def, const std::vector<std::string>& set,
                                     const Key& key, const Row& row);

}  // namespace rejoin
