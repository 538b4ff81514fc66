// Small answers of SQL statements.
#pragma once

#include <vector>

#include "cli/print.h"
#include "store/sqlite/sql.h"

namespace rejoin::cli {

// The first column of the first row as text; empty where there is none.
Result<std::string> QueryText(Database& db, const std::string& sql);
// The first column of each row as text.
Result<std::vector<std::string>> QueryTexts(Database& db, const std::string& sql);
// The first column of the first row, which is JSON; of each row, as an array.
Result<Json> QueryJson(Database& db, const std::string& sql);
Result<Json> QueryJsonList(Database& db, const std::string& sql);

}  // namespace rejoin::cli
