// Whether the statement that runs may displace rows (INSERT OR REPLACE).
//
// A row that REPLACE displaces fires no trigger, so a BEFORE trigger looks for it; of a bulk
// insert under a text key that took a quarter of the instructions. But SQLite says how a statement
// resolves conflicts only to the virtual table that it writes to, in xUpdate
// (https://sqlite.org/c3ref/vtab_on_conflict.html), which is after its row. So the first rows
// of each statement are looked for, and the others only where something in it says REPLACE.
// A constraint may say it too: triggers of such tables do not ask (triggers.cc).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "store/sqlite/engine.h"

namespace rejoin {

// One for a connection, by its thread.
class ReplaceWatch {
 public:
  // A statement begins or ends: then SQLite calls a transaction method of each virtual table
  // that is written to. rolled_back: the schema may be another one.
  void Forget(bool rolled_back = false);

  // What a trigger asks before each row: is a row to be looked for that it may displace?
  bool looks() const { return !spares_; }

  // In xUpdate, for each row that was inserted. kInternal where it may have displaced a row
  // that was not looked for.
  Status NoteInsert(Engine& engine);

 private:
  struct Schema {
    std::int64_t cookie = -1;
    bool has_replacing_trigger = false;
  };

  Result<bool> AnyTriggerReplaces(Database& db);

  std::uint64_t rows_ = 0;  // of the statement, until one that replaces
  bool spares_ = false;
  std::map<std::string, Schema> schemas_;
};

// The function that the triggers call, without arguments. SQLite's result code.
int RegisterReplaceWatch(sqlite3* db, const std::shared_ptr<ReplaceWatch>& watch);

}  // namespace rejoin
