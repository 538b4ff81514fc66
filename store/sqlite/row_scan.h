// The rows of a user's table by key and rowid, a batch at a time.
//
// No statement stays open between batches, so metadata and table may be written
// meanwhile. Rows with a NULL in the key are left out: they are local.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "store/sqlite/engine.h"

namespace rejoin {

struct RowPlace {
  Key key;
  std::int64_t rowid = 0;  // 0 for WITHOUT ROWID tables
};

class RowScan {
 public:
  // `condition`: SQL over the table under the name t; empty: all rows.
  RowScan(Engine& engine, const TrackedTable& table, std::string condition = {});

  // The next rows in order of rowid (WITHOUT ROWID: of the key); empty at the end.
  Result<std::vector<RowPlace>> Next();

 private:
  Engine& engine_;
  const TrackedTable& table_;
  std::string condition_;
  bool at_end_ = false;
  bool started_ = false;
  std::int64_t next_rowid_ = 0;
  std::vector<Value> last_key_;
};

// A comma-separated list of the table's key columns, each with `prefix`.
std::string KeyColumnList(const TrackedTable& table, std::string_view prefix);

}  // namespace rejoin
