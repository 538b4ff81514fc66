// Columns of a tracked table that came, went or changed their name.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "store/sqlite/engine.h"

namespace rejoin {

struct ColumnDrift {
  std::vector<std::pair<ColumnId, std::string>> renamed;    // now this local name
  std::vector<std::pair<ColumnId, std::string>> shown_now;  // carried until now; this local name
  std::vector<std::string> added;                           // unknown to the catalog
  std::vector<ColumnId> lost;                               // gone with its values

  bool empty() const {
    return renamed.empty() && shown_now.empty() && added.empty() && lost.empty();
  }
};

// Compares the catalog with the table as it is. `has_triggers`: our triggers are
// still there; SQLite rewrites their text when it renames a column, so they tell
// which name became which, and a column they mention cannot have been dropped.
Result<ColumnDrift> CompareColumns(Engine& engine, const TrackedTable& table,
                                   const TableShape& now, bool has_triggers);

// Brings the catalog in line and raises the table's version. `table.shape` is the
// new one.
Status ApplyColumnDrift(Engine& engine, TrackedTable& table, const ColumnDrift& drift);

// Writes what records hold for columns that are local now into the table.
Status ReshowRecords(Engine& engine, const TrackedTable& table);

// Before a column is dropped here: its values go from the table into records, so
// that this replica can still hand them on; then the column is not local any more.
Status KeepValuesOf(Engine& engine, TrackedTable& table, const std::string& column);

}  // namespace rejoin
