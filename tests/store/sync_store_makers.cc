#include "tests/store/ops.h"
#include "tests/store/sqlite_replica.h"
#include "tests/store/test_replica.h"
#include "tests/store/test_sync_store.h"

namespace rejoin {
namespace {

// A replica that has the table item. It lives in memory, so a crash is not its affair.
class ReplicaSyncStore final : public TestSyncStore {
 public:
  explicit ReplicaSyncStore(std::unique_ptr<TestReplica> replica) : replica_(std::move(replica)) {
    (void)replica_->Define(ItemTable(), {});  // without it every test fails
  }
  SyncStore& store() override { return dynamic_cast<SyncStore&>(replica_->store()); }
  void Reopen() override {}

 private:
  std::unique_ptr<TestReplica> replica_;
};

SyncStoreMaker Of(const TestReplicaMaker& maker, bool cuts) {
  return {maker.name,
          [make = maker.make](std::size_t number, Clock& clock) {
            return std::make_unique<ReplicaSyncStore>(make(number, clock));
          },
          cuts};
}

}  // namespace

std::vector<SyncStoreMaker> AllSyncStoreMakers() {
  std::vector<SyncStoreMaker> makers{RowSyncStores(), Of(MemoryReplicas(), false)};
  for (const SqliteKind& kind : AllSqliteKinds()) makers.push_back(Of(SqliteReplicas(kind), true));
  return makers;
}

}  // namespace rejoin
