// The connection while we write the user's tables: foreign keys are not
// enforced, and users' triggers fire only where a table's options say so.
//
// Both switches expire prepared statements, so they are thrown as seldom as
// possible. SQLite's own switches are used, since the pragmas do nothing inside
// a transaction.
#pragma once

#include "store/sqlite/merge.h"

namespace rejoin {

// Everything is as before when the outermost scope ends, last_insert_rowid()
// included. A scope within a scope changes nothing.
class MergeScope {
 public:
  explicit MergeScope(Engine& engine);
  MergeScope(const MergeScope&) = delete;
  MergeScope& operator=(const MergeScope&) = delete;
  ~MergeScope();

  // The next writes go to this table.
  void Enter(const TrackedTable& table);
  // Triggers as they are; on: only if the connection had them on.
  void FireTriggers(bool on);

 private:
  Engine& engine_;
  MergeInProgress own_;
  bool outermost_;
  bool foreign_keys_were_on_ = false;
  sqlite3_int64 last_rowid_ = 0;
};

}  // namespace rejoin
