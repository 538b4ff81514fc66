// Replicas in memory.
#include "store/memory/memory_store.h"
#include "tests/store/fakes.h"
#include "tests/store/memory_session.h"
#include "tests/store/test_replica.h"

namespace rejoin {
namespace {

class MemoryReplica final : public TestReplica {
 public:
  MemoryReplica(std::size_t number, Clock& clock)
      : random_(number), store_(TestReplicaId(number), clock, random_) {}

  SyncStore& store() override { return store_; }
  Status Define(const TableDef& def, const Rows& existing) override {
    return store_.DefineTable(def, existing);
  }
  Status AddColumn(const std::string& table, const ColumnDef& column) override {
    return store_.AddColumn(table, column);
  }
  Status Begin() override { return session_.Begin(); }
  Status Run(const Op& op) override { return session_.Run(op); }
  Status RunTogether(const Transaction& ops) override { return session_.RunTogether(ops); }
  Status SetSavepoint() override { return session_.SetSavepoint(); }
  Status RollBackToSavepoint() override { return session_.RollBackToSavepoint(); }
  Status ReleaseSavepoint() override { return session_.ReleaseSavepoint(); }
  Status Commit() override { return session_.Commit(); }
  Status RollBack() override { return session_.RollBack(); }
  Rows Shown(const std::string& table) override { return store_.Shown(table); }
  std::vector<KeyClash> Conflicts() override { return store_.Conflicts(); }
  std::vector<QuarantinedRow> Quarantine() override { return store_.Quarantine(); }
  void TrimLog() override { store_.TrimLog(); }

 private:
  FakeRandom random_;
  MemoryStore store_;
  MemorySession session_{store_};
};

}  // namespace

TestReplicaMaker MemoryReplicas() {
  return {"Memory", [](std::size_t number, Clock& clock) {
            return std::make_unique<MemoryReplica>(number, clock);
          }};
}

}  // namespace rejoin
