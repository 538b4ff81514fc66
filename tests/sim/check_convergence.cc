// When all faults have ended, everybody is linked and nothing moves any more, all are
// equal: to each other, and to a memory store that was given everything that anybody had
// when healing began. So nothing that is anywhere gets lost.
#include "store/memory/memory_store.h"
#include "tests/sim/checker.h"
#include "tests/sim/workload.h"

namespace rejoin::sim {
namespace {

class Convergence final : public Checker {
 public:
  explicit Convergence(World& world) : Checker(world), model_(Empty(200)) {}

  void OnHealing() override {
    for (Node& node : world_.nodes()) {
      if (node.here) Give(model_, AllOf(node));
    }
  }

  void OnHealed() override {
    if (world_.has_two_times_of_a_change()) return;
    const MemoryDelta all = model_.CollectSince({});
    for (Node& node : world_.nodes()) {
      if (node.here && !world_.failed()) Compare(node, all);
    }
  }

 private:
  MemoryStore Empty(std::size_t number) {
    MemoryStore store(TestReplicaId(number), clock_, random_);
    std::vector<TableDef> tables = FirstTables();
    tables.front().columns.push_back(LateColumn());
    tables.push_back(NoteTable());
    for (const TableDef& table : tables) {
      const Status defined = store.DefineTable(table);
      if (!defined) world_.Fault("setting up", defined.error().message);
    }
    return store;
  }

  Bytes AllOf(Node& node) {
    SyncStore& store = node.machine->store();
    BytesSink sink(kTestDeltaMaxBytes);
    Result<ExtractReport> told;
    if (auto* const memory = dynamic_cast<MemoryStore*>(&store); memory != nullptr) {
      MemoryStore looked_at = *memory;  // itself would think that somebody has seen it
      told = looked_at.ExtractSince({}, sink);
    } else {
      told = store.ExtractSince({}, sink);
    }
    if (!told) world_.Fault("convergence", Name(node) + " tells nothing: " + told.error().message);
    return sink.Take();
  }

  void Give(MemoryStore& store, const Bytes& delta) {
    ViewSource source(delta);
    const auto merged = store.Merge(source);
    if (!merged) return world_.Fault("convergence", "the model refuses a delta: " + merged.error().message);
    if (merged->duplicate_dots > 0) world_.Fault("convergence", "one stamp has two values");
  }

  void Compare(Node& node, const MemoryDelta& all) {
    const auto check = [&](bool equal, const char* what) {
      if (!equal) world_.Fault("convergence", Name(node) + what);
    };
    const auto digest = node.machine->store().StateDigest({});
    const auto wanted = model_.StateDigest({});
    check(digest && wanted && digest->Hex() == wanted->Hex(), " has another digest than all that anybody had");
    check(node.vector == *model_.Vector(), " has another vector than all together");
    MemoryStore alone = Empty(201);
    Give(alone, AllOf(node));
    // Deleted rows and overwritten incarnations are not in the digest.
    check(alone.CollectSince({}).blocks == all.blocks, " has other states than all that anybody had");
    TestReplica* const device = node.machine->device();
    if (device == nullptr) return;
    for (const auto& [name, def] : node.machine->tables()) {
      check(device->Shown(name) == model_.Shown(name), (" shows another table " + name).c_str());
    }
    check(device->Conflicts() == model_.Conflicts(), " lists other conflicts");
    check(device->Quarantine() == model_.Quarantine(), " keeps other rows aside");
    const std::string damage = device->Damage();
    check(damage.empty(), (" is damaged: " + damage).c_str());
  }

  FakeClock clock_;
  FakeRandom random_{99};
  MemoryStore model_;
};

}  // namespace

std::unique_ptr<Checker> CheckConvergence(World& world) { return std::make_unique<Convergence>(world); }

}  // namespace rejoin::sim
