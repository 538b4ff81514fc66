// Which tables `rejoin diff` compares, and what they are called in either file.
#pragma once

#include <map>
#include <string>

#include "bindings/sqlite/database_file.h"
#include "cli/diff_rows.h"

namespace rejoin::cli {

struct DiffTables {
  // By the name to match by: the logical one where the table is tracked.
  std::map<std::string, TableSide> in_a;
  std::map<std::string, TableSide> in_b;
  // Why a table is not compared: "log: it has no primary key".
  std::vector<std::string> left_out;
};

// The tables that are tracked in either file; all ordinary tables where no table
// is tracked, or `all` asks for them.
Result<DiffTables> FindDiffTables(DatabaseFile& a, DatabaseFile& b, bool all);

}  // namespace rejoin::cli
