// The connection while we write the user's tables: foreign keys are not
// enforced, and users' triggers fire only where a table's options say so.
//
// Both switches make SQLite prepare every statement of the connection anew, the user's too: half
// a millisecond, and again when they are put back. So they are thrown as seldom as possible, and
// not at all for a few rows where no trigger but capture's could hear of them: capture only
// counts then (CheckMerge). SQLite's own switches are used, since the pragmas do nothing inside a
// transaction.
#pragma once

#include "store/sqlite/merge.h"

namespace rejoin {

// Both are as before when the outermost scope ends. A scope within a scope changes nothing.
class MergeScope {
 public:
  explicit MergeScope(Engine& engine);
  MergeScope(const MergeScope&) = delete;
  MergeScope& operator=(const MergeScope&) = delete;
  ~MergeScope();

  // For a merge of few rows, and where there are temporary triggers, which SQLite does not switch
  // off: triggers stay as they are, if the file has none but ours. So ours notice what temporary
  // ones write. Before the transaction; the returned cookie of the schema is still to be true
  // inside of it. nullopt: triggers have to be switched.
  Result<std::optional<std::int64_t>> SpareTriggers(bool few_rows);
  // The next writes go to this table.
  void Enter(const TrackedTable& table);
  // Triggers as they are; on: only if the connection had them on. Where that changes anything inside
  // the transaction, what undoes it has to be prepared anew (Savepoint).
  void FireTriggers(bool on);

 private:
  Engine& engine_;
  MergeInProgress own_;
  bool outermost_;
  bool foreign_keys_were_on_ = false;
};

}  // namespace rejoin
