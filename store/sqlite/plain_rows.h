// The bulk of a first sync: rows that nobody has here yet and that one
// transaction made, written without looking anything up.
//
// One object per block of a delta. Rows that it does not take are for ShowRows.
#pragma once

#include "store/sqlite/row_writer.h"
#include "store/sqlite/runs.h"

namespace rejoin {

// One life that one transaction made, and a table that keeps every value of it.
bool IsPlain(const TrackedTable& table, const RowState& state);

class PlainRows {
 public:
  // The table is local.
  PlainRows(Engine& engine, const TrackedTable& table, MergeScope& scope);

  // Precondition: the row has no metadata. True: it stands in the table, which did
  // not have it. False: nothing has happened.
  Result<bool> Insert(const Key& key, const RowState& state);
  // Writes the metadata. Call before anybody reads it.
  Status Finish();

 private:
  Result<std::optional<std::int64_t>> RowidFor(const Key& key);
  Result<ColsetNumber> ColsetOf(const Incarnation& incarnation);

  Engine& engine_;
  const TrackedTable& table_;
  RowWriter writer_;
  std::optional<RunAppender> runs_;
  Image image_;  // scratch
  std::vector<ColumnId> colset_columns_;
  ColsetNumber colset_ = 0;
};

}  // namespace rejoin
