// The bulk of what comes later: edits of rows of which every value stands in the table, as their
// INSERT left them or edited since.
//
// Joining such an edit is to compare stamps, and to let an UPDATE say whether the row is there and differs: so
// none of its values is read here. Deletes, rivals of one key, values that the table does not keep, and
// rows that UNIQUE or triggers are about are for ShowRows.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "store/sqlite/row_reader.h"
#include "store/sqlite/row_writer.h"

namespace rejoin {

// An edit that rose, read and not written yet.
struct PlainEdit {
  RowDelta* row = nullptr;  // outlives it
  std::optional<std::int64_t> rowid;
  Image changed;            // into `row`
  Bytes record;
};

class PlainEdits {
 public:
  // False: no row of the table can be edited so.
  static Result<bool> MayTake(Engine& engine, const TrackedTable& table);
  // A table of which MayTake said yes. What is passed outlives it.
  PlainEdits(Engine& engine, const TrackedTable& table, MergeScope& scope);

  enum class Found : std::uint8_t {
    kOther,  // this is no such edit, and nothing has happened
    kKnown,  // nothing of it is new here
    kNews,   // it is added to `edits`
  };
  // `rowid`: as reader.FindRowid said.
  Result<Found> Read(RowReader& reader, RowDelta& row, std::optional<std::int64_t> rowid, std::vector<PlainEdit>& edits);
  // False: SQLite refused the row, or the table shows it already, or has no such row; nothing has happened.
  Result<bool> Write(const PlainEdit& edit);

 private:
  Engine& engine_;
  const TrackedTable& table_;
  RowWriter writer_;
  Statement put_;
};

}  // namespace rejoin
