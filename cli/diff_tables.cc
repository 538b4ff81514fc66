#include "cli/diff_tables.h"

#include "cli/query.h"
#include "store/sqlite/table_shape.h"

namespace rejoin::cli {
namespace {

constexpr char kOrdinaryTables[] =
    "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
    " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE 'rejoin\\_\\_%' ESCAPE '\\'"
    " ORDER BY name";

TableSide SideOf(const TrackedTable& table) {
  TableSide side;
  side.table = *table.local;
  for (const std::size_t part : table.shape.key) side.key.push_back(table.shape.columns[part].name);
  for (const TrackedColumn& column : table.columns) {
    if (column.local) side.columns.push_back({column.name, *column.local});
  }
  return side;
}

TableSide SideOf(const TableShape& shape) {
  TableSide side;
  side.table = shape.name;
  for (const std::size_t part : shape.key) side.key.push_back(shape.columns[part].name);
  for (const ShapeColumn& column : shape.columns) {
    if (column.key_part == 0 && !column.generated) {
      side.columns.push_back({column.name, column.name});
    }
  }
  return side;
}

// What is tracked in a file, by logical name, and the names of all its tables.
struct FileTables {
  std::map<std::string, TableSide> tracked;
  std::vector<std::string> ordinary;
};

Result<FileTables> TablesOf(DatabaseFile& file) {
  FileTables tables;
  Catalog& catalog = file.Store().engine().catalog;
  REJOIN_ASSIGN(const bool set_up, catalog.Refresh());
  if (set_up) {
    for (const auto& table : catalog.tables()) {
      if (table->local) tables.tracked.emplace(table->name, SideOf(*table));
    }
  }
  REJOIN_ASSIGN(tables.ordinary, QueryTexts(file.sql(), kOrdinaryTables));
  return tables;
}

// Adds the untracked tables of a file: those that the other one tracks, or all.
Status AddUntracked(DatabaseFile& file, const FileTables& here, const FileTables& there, bool all,
                    std::map<std::string, TableSide>& sides, std::vector<std::string>& left_out) {
  for (const std::string& name : here.ordinary) {
    bool tracked_here = false;
    for (const auto& [logical, side] : here.tracked) tracked_here |= side.table == name;
    if (tracked_here || (!all && there.tracked.count(name) == 0)) continue;
    const Result<TableShape> shape = ReadTableShape(file.sql(), name);
    if (shape) {
      sides.emplace(name, SideOf(*shape));
    } else if (shape.error().code == Code::kNotTrackable) {
      left_out.push_back(name + ": " + shape.error().message);
    } else {
      return tl::unexpected(shape.error());
    }
  }
  return {};
}

}  // namespace

Result<DiffTables> FindDiffTables(DatabaseFile& a, DatabaseFile& b, bool all) {
  REJOIN_ASSIGN(const FileTables of_a, TablesOf(a));
  REJOIN_ASSIGN(const FileTables of_b, TablesOf(b));
  const bool every = all || (of_a.tracked.empty() && of_b.tracked.empty());
  DiffTables tables{of_a.tracked, of_b.tracked, {}};
  REJOIN_TRY(AddUntracked(a, of_a, of_b, every, tables.in_a, tables.left_out));
  std::vector<std::string> ignored;  // mostly the same ones again
  REJOIN_TRY(AddUntracked(b, of_b, of_a, every, tables.in_b, ignored));
  return tables;
}

}  // namespace rejoin::cli
