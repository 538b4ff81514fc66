#include "tests/store/sqlite_replica.h"
#include "tests/store/test_replica.h"

namespace rejoin {

std::vector<TestReplicaMaker> AllReplicaMakers() {
  std::vector<TestReplicaMaker> makers{MemoryReplicas()};
  for (const SqliteKind& kind : AllSqliteKinds()) makers.push_back(SqliteReplicas(kind));
  makers.push_back(MixedSqliteReplicas(AllSqliteKinds()));
  makers.push_back(RelayedReplicas());
  return makers;
}

}  // namespace rejoin
