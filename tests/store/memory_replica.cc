// Replicas in memory.
#include "store/memory/memory_store.h"
#include "tests/store/fakes.h"
#include "tests/store/test_replica.h"

namespace rejoin {
namespace {

class MemoryReplica final : public TestReplica {
 public:
  MemoryReplica(std::size_t number, Clock& clock)
      : random_(number), store_(TestReplicaId(number), clock, random_) {}

  Store& store() override { return store_; }
  Status Define(const TableDef& def, const Rows& existing) override {
    return store_.DefineTable(def, existing);
  }
  Status AddColumn(const std::string& table, const ColumnDef& column) override {
    return store_.AddColumn(table, column);
  }
  Status Execute(const Transaction& transaction) override { return store_.Commit(transaction); }
  Rows Shown(const std::string& table) override { return store_.Shown(table); }
  std::vector<KeyClash> Conflicts() override { return store_.Conflicts(); }
  std::vector<QuarantinedRow> Quarantine() override { return store_.Quarantine(); }
  void TrimLog() override { store_.TrimLog(); }

 private:
  FakeRandom random_;
  MemoryStore store_;
};

}  // namespace

TestReplicaMaker MemoryReplicas() {
  return {"Memory", [](std::size_t number, Clock& clock) {
            return std::make_unique<MemoryReplica>(number, clock);
          }};
}

}  // namespace rejoin
