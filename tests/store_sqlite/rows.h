// What a table holds, value by value: storage class and bits, not what SQL calls equal.
#pragma once

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/hash.h"
#include "store/sqlite/sql.h"

namespace rejoin::testing {

// Bytes for people; long ones as length and hash.
inline std::string BytesText(ByteView bytes) {
  constexpr std::size_t kShown = 60;
  if (bytes.size() > kShown) {
    return std::to_string(bytes.size()) + " bytes #" + std::to_string(Hash64(bytes));
  }
  std::string text;
  for (const char c : bytes) {
    if (c >= ' ' && c < 127 && c != '\\' && c != '|') {
      text += c;
    } else {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\x%02x", static_cast<unsigned char>(c));
      text += escape;
    }
  }
  return text;
}

// The class and the bits of a column of the current row.
inline std::string ColumnText(sqlite3_stmt* statement, int column) {
  const auto bytes = [&](const void* from) {
    const int count = sqlite3_column_bytes(statement, column);
    return BytesText({static_cast<const char*>(from), static_cast<std::size_t>(count)});
  };
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_NULL: return "NULL";
    case SQLITE_INTEGER: return "i" + std::to_string(sqlite3_column_int64(statement, column));
    case SQLITE_FLOAT: {
      char text[40];
      std::snprintf(text, sizeof text, "r%a", sqlite3_column_double(statement, column));
      return text;
    }
    case SQLITE_TEXT: return "t" + bytes(sqlite3_column_text(statement, column));
    default: return "b" + bytes(sqlite3_column_blob(statement, column));
  }
}

inline std::string RowText(sqlite3_stmt* statement) {
  std::string row;
  for (int i = 0; i < sqlite3_column_count(statement); ++i) {
    if (i > 0) row += " | ";
    row += ColumnText(statement, i);
  }
  return row;
}

// The rows of a query, exactly; where it fails, one line that says why.
inline std::vector<std::string> ExactRows(sqlite3* db, const std::string& sql) {
  std::vector<std::string> rows;
  sqlite3_stmt* statement = nullptr;
  int result = sqlite3_prepare_v2(db, sql.c_str(), -1, &statement, nullptr);
  if (result == SQLITE_OK) {
    while ((result = sqlite3_step(statement)) == SQLITE_ROW) rows.push_back(RowText(statement));
  }
  if (result != SQLITE_DONE) {
    rows.assign(1, "error " + std::to_string(result) + ": " + sqlite3_errmsg(db));
  }
  sqlite3_finalize(statement);
  return rows;
}

// The first column of a query.
inline std::vector<std::string> Strings(sqlite3* db, const std::string& sql) {
  std::vector<std::string> found;
  sqlite3_stmt* statement = nullptr;
  EXPECT_EQ(sqlite3_prepare_v2(db, sql.c_str(), -1, &statement, nullptr), SQLITE_OK)
      << sql << "\n  " << sqlite3_errmsg(db);
  while (sqlite3_step(statement) == SQLITE_ROW) {
    const auto* const text = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
    found.emplace_back(text == nullptr ? "" : text);
  }
  sqlite3_finalize(statement);
  return found;
}

// All rows with a whole key, sorted, without rowids: what replicas agree on.
inline std::vector<std::string> SharedRows(sqlite3* db, const std::string& table) {
  std::string condition;
  for (const std::string& column :
       Strings(db, "SELECT name FROM pragma_table_xinfo(" + QuoteText(table) + ") WHERE pk > 0")) {
    condition += (condition.empty() ? " WHERE " : " AND ") + QuoteName(column) + " IS NOT NULL";
  }
  std::vector<std::string> rows = ExactRows(db, "SELECT * FROM " + QuoteName(table) + condition);
  std::sort(rows.begin(), rows.end());
  return rows;
}

}  // namespace rejoin::testing
