// Abstract tables as SQL.
#pragma once

#include <string>
#include <vector>

#include "store/memory/table_def.h"

namespace rejoin {

std::string Joined(const std::vector<std::string>& items, const std::string& between = ", ");
// ("a", "b")
std::string NameList(const std::vector<std::string>& names);
// ?first, ... without brackets
std::string Parameters(std::size_t first, std::size_t count);
// A column as CREATE TABLE and ALTER TABLE ADD COLUMN have it.
std::string Declared(const ColumnDef& column);
std::string CreateTableSql(const TableDef& def, bool without_rowid);

}  // namespace rejoin
