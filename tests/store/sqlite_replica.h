// Replicas in SQLite databases: a TableDef becomes CREATE TABLE and tracking, an
// Op the statement that it names.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "store/sqlite/engine.h"
#include "tests/store/test_replica.h"

namespace rejoin {

// In which ways a table can be kept, and the file used.
struct SqliteKind {
  std::string name;
  bool without_rowid = false;  // tables whose key is not an INTEGER PRIMARY KEY
  bool folds_at_once = false;  // after each commit, not when somebody asks
  Limits limits = {};
  // store() is on a connection of its own, as that of a link that lives beside the application's:
  // what was not committed it does not see, and where there is such, it writes nothing (kBusy).
  bool has_own_link = false;
  bool has_wal = true;  // where it is in a file; else a rollback journal
};

// A log row for each change, a batch for each when they are folded.
Limits SmallLimits();
TestReplicaMaker SqliteReplicas(const SqliteKind& kind);

// Where a database is, and what it holds when it is opened: a file may have been here before.
struct SqlitePlace {
  std::string path = ":memory:";
  std::uint64_t seed = 0;                 // of its ids and tags: another one at each opening
  std::map<std::string, TableDef> tables = {};  // that it tracks already
};
// A file never waits for the disk.
std::unique_ptr<TestReplica> OpenSqliteReplica(const SqliteKind& kind, const SqlitePlace& place, Clock& clock);
// Replica i is of kind i modulo their number.
TestReplicaMaker MixedSqliteReplicas(const std::vector<SqliteKind>& kinds);
std::vector<SqliteKind> AllSqliteKinds();
// Without those that have their own link: for who takes back what is merged, with a ROLLBACK.
std::vector<SqliteKind> SqliteKindsOfOneConnection();

}  // namespace rejoin
