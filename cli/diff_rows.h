// Comparing what two files show, table by table, in bounded memory: a merge-join
// of both tables in the order of their keys.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "store/sqlite/sql.h"

namespace rejoin::cli {

enum class Side { kA, kB };

// A table in one file. Names are SQL's, unquoted; `names` are those to match by.
struct TableSide {
  std::string table;
  std::vector<std::string> key;
  struct Column {
    std::string name;   // to match by: the logical one where the table is tracked
    std::string local;  // in this file
  };
  std::vector<Column> columns;  // without the key
};

struct CellDifference {
  std::string column;
  Value a;
  Value b;
};

// What a comparison finds, in order.
class DiffReport {
 public:
  virtual ~DiffReport() = default;
  virtual void TableOnlyIn(Side side, const std::string& table) = 0;
  virtual void KeysDiffer(const std::string& table) = 0;  // columns of the key: not comparable
  virtual void ColumnOnlyIn(Side side, const std::string& table, const std::string& column) = 0;
  virtual void RowOnlyIn(Side side, const std::string& table, const Key& key) = 0;
  virtual void CellsDiffer(const std::string& table, const Key& key,
                           const std::vector<CellDifference>& cells) = 0;
};

// Returns the number of keys looked at, on either side. Rows with a NULL in the
// key are not looked at: they have no identity.
Result<std::uint64_t> CompareTable(const std::string& name, Database& a, const TableSide& in_a,
                                   Database& b, const TableSide& in_b, DiffReport& report);

// SQLite's order of keys: numbers by value, then text, then blobs, by bytes.
int CompareAsSqlite(const Value& a, const Value& b);

}  // namespace rejoin::cli
