// The tables that are measured, and their rows: words, numbers, and keys, from a seed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bench/database.h"

namespace rejoin::bench {

struct TableKind {
  const char* name;
  const char* key;          // the key column's declaration
  const char* end;          // after the columns
  bool text_key;            // random UUIDs; else 1, 2, 3, ...
  int text_columns;         // of about text_bytes each
  int text_bytes;
  int number_columns;
  int weight = 1;           // of a row, in ordinary ones: so many times fewer are made

  std::int64_t RowsOf(std::int64_t asked) const { return std::max<std::int64_t>(asked / weight, 1'000); }
};
const std::vector<TableKind>& TableKinds();

// Columns c0, c1, ...: texts, then numbers. The last one, a number, is what updates write.
std::string CreateTable(const TableKind& kind);
std::string ColumnNames(const TableKind& kind);
std::string UpdatedColumn(const TableKind& kind);
// "?1, ?2, ..." of key and columns.
std::string Parameters(const TableKind& kind);
int ColumnCount(const TableKind& kind);  // without the key

// A file with table `source`: column i (1, 2, ...), id (the key), then the columns.
std::unique_ptr<Database> MakeSource(const FileOptions& options, const TableKind& kind, std::int64_t rows,
                                     std::uint64_t seed);

// `count` keys of the first `rows` of the source, each once, in random order.
using Keys = std::vector<std::string>;
Keys PickKeys(Database& source, std::int64_t rows, std::int64_t count);
void BindKey(const TableKind& kind, sqlite3_stmt* statement, int at, const std::string& key);

// All rows of a statement, value by value, as an application would write them for a peer:
// storage class, length, bytes. Returns the number of rows.
std::int64_t Serialise(Prepared& rows, std::string& out);
// The rows of Serialise: binds each one's values from ?1 on, and runs `statement`.
void RunForEach(const std::string& serialised, int columns, Prepared& statement);
// The bytes of the values alone, one column after the other.
std::string ColumnBytes(const std::string& serialised, int columns);

}  // namespace rejoin::bench
