// Replicas in memory that speak through a row store: whatever they hear goes into
// both, and what others hear of them comes out of the row store. So every suite of
// the stores is one of the hub's store, too.
#include <memory>

#include "store/memory/memory_store.h"
#include "store/rows/row_store.h"
#include "tests/store/fakes.h"
#include "tests/store/memory_session.h"
#include "tests/store/test_replica.h"

namespace rejoin {
namespace {

Result<Bytes> ReadAll(ByteSource& in) {
  Bytes all;
  for (;;) {
    REJOIN_ASSIGN(const ByteView next, in.Next(std::size_t{1} << 16));
    if (next.empty()) return all;
    all.append(next);
  }
}

class RelayedStore final : public Store {
 public:
  RelayedStore(MemoryStore& memory, RowStore& relay) : memory_(memory), relay_(relay) {}

  Result<ReplicaId> Replica() override { return memory_.Replica(); }
  Result<VersionVector> Vector() override { return memory_.Vector(); }
  Result<ExtractReport> ExtractSince(const VersionVector& since, ByteSink& out) override {
    REJOIN_TRY(BringUpToDate());
    REJOIN_ASSIGN(ExtractReport report, relay_.ExtractSince(since, out));
    report.end = memory_.EndOfLog();
    return report;
  }
  Result<ExtractReport> ExtractFrom(const Cursor& cursor, ByteSink& out) override {
    return memory_.ExtractFrom(cursor, out);
  }
  Result<MergeReport> Merge(ByteSource& in) override {
    REJOIN_TRY(BringUpToDate());
    REJOIN_ASSIGN(const Bytes delta, ReadAll(in));
    ViewSource for_memory(delta);
    auto merged = memory_.Merge(for_memory);
    // A table defined otherwise here: nobody but the definition says so.
    if (!merged && merged.error().code == Code::kInvalidArgument) return merged;
    ViewSource for_relay(delta);
    const auto relayed = relay_.Merge(for_relay);
    if (relayed.has_value() != merged.has_value()) return Differ("one of two refuses");
    if (!merged) return relayed.error().code == merged.error().code ? merged : Differ("codes");
    if (relayed->rows_changed != merged->rows_changed) return Differ("rows changed");
    if (relayed->conflicts != merged->conflicts) return Differ("conflicts");
    if (relayed->duplicate_dots != merged->duplicate_dots) return Differ("duplicate dots");
    return merged;
  }
  Result<Digest> StateDigest(const std::optional<std::string>& table) override {
    REJOIN_TRY(BringUpToDate());
    REJOIN_ASSIGN(const Digest ours, memory_.StateDigest(table));
    const auto theirs = relay_.StateDigest(table);
    const bool unknown = !theirs && theirs.error().code == Code::kUnknownTable;  // without rows
    if (unknown ? ours == Digest{} : theirs == ours) return ours;
    return Fail(Code::kInternal, "the row store's digest differs");
  }

 private:
  static tl::unexpected<Error> Differ(const std::string& what) {
    return Fail(Code::kInternal, "the row store and the memory store differ: " + what);
  }

  Status BringUpToDate() {
    REJOIN_ASSIGN(const VersionVector vector, relay_.Vector());
    BytesSink sink(kTestDeltaMaxBytes);
    REJOIN_TRY(memory_.ExtractSince(vector, sink));
    const Bytes delta = sink.Take();
    ViewSource source(delta);
    REJOIN_TRY(relay_.Merge(source));
    return {};
  }

  MemoryStore& memory_;
  RowStore& relay_;
};

class RelayedReplica final : public TestReplica {
 public:
  RelayedReplica(std::size_t number, Clock& clock)
      : random_(number), memory_(TestReplicaId(number), clock, random_) {
    RowStoreOptions options;
    options.random = &random_;
    options.durable = false;
    relay_ = std::move(*RowStore::Open(":memory:", options));
    store_ = std::make_unique<RelayedStore>(memory_, *relay_);
  }

  Store& store() override { return *store_; }
  Status Define(const TableDef& def, const Rows& existing) override {
    return memory_.DefineTable(def, existing);
  }
  Status AddColumn(const std::string& table, const ColumnDef& column) override {
    return memory_.AddColumn(table, column);
  }
  Status Begin() override { return session_.Begin(); }
  Status Run(const Op& op) override { return session_.Run(op); }
  Status RunTogether(const Transaction& ops) override { return session_.RunTogether(ops); }
  Status SetSavepoint() override { return session_.SetSavepoint(); }
  Status RollBackToSavepoint() override { return session_.RollBackToSavepoint(); }
  Status ReleaseSavepoint() override { return session_.ReleaseSavepoint(); }
  Status Commit() override { return session_.Commit(); }
  Status RollBack() override { return session_.RollBack(); }
  Rows Shown(const std::string& table) override { return memory_.Shown(table); }
  std::vector<KeyClash> Conflicts() override { return memory_.Conflicts(); }
  std::vector<QuarantinedRow> Quarantine() override { return memory_.Quarantine(); }
  void TrimLog() override { memory_.TrimLog(); }

 private:
  FakeRandom random_;
  MemoryStore memory_;
  MemorySession session_{memory_};
  std::unique_ptr<RowStore> relay_;
  std::unique_ptr<RelayedStore> store_;
};

}  // namespace

TestReplicaMaker RelayedReplicas() {
  return {"MemoryThroughRows", [](std::size_t number, Clock& clock) {
            return std::make_unique<RelayedReplica>(number, clock);
          }};
}

}  // namespace rejoin
