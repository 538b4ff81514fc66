// Read-only tables for people: one eponymous virtual table per view.
//
// A view is a name, a declaration and a function that opens its rows; the rows
// are made one at a time while SQLite reads them. Views are about the main file,
// and are empty where it is not set up. Usable only from SQL that the host runs
// (SQLITE_VTAB_DIRECTONLY). Source: https://sqlite.org/vtab.html, 2.1.2.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "bindings/sqlite/connection.h"

namespace rejoin {

// The rows of one reading of a view.
class ViewRows {
 public:
  virtual ~ViewRows() = default;
  // Fills `row`, one value per declared column; false: there are no more.
  virtual Result<bool> Next(std::vector<Value>& row) = 0;
};

struct ViewSpec {
  const char* name;
  const char* declaration;  // CREATE TABLE x(...)
  // The column whose lower bound `open` can use, or -1.
  int bounded_column;
  // The rows whose bounded column is beyond `after`; more of them do no harm, as
  // SQLite checks again. Called only where the file is set up.
  Result<std::unique_ptr<ViewRows>> (*open)(Connection& connection,
                                            std::optional<std::int64_t> after);
};

// SQLite's result code.
int RegisterViews(sqlite3* db, const std::shared_ptr<Connection>& connection);

std::span<const ViewSpec> CatalogViews();  // rejoin_tables, rejoin_peers, rejoin_log
std::span<const ViewSpec> LogViews();      // rejoin_changes
std::span<const ViewSpec> RowViews();      // rejoin_conflicts, rejoin_quarantine

}  // namespace rejoin
