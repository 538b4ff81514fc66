// A replica as tests see it, whatever keeps its state: tables and transactions
// go in as the abstract ones of store/memory/table_def.h, rows come out as maps.
//
// For another kind of store derive from TestReplica (turn a TableDef into CREATE
// TABLE and tracking, an Op into the statement that it names) and add its maker
// to replica_makers.cc: every suite then runs on it.
#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "base/os.h"
#include "store/memory/table_def.h"
#include "store/store.h"

namespace rejoin {

class TestReplica {
 public:
  virtual ~TestReplica() = default;

  virtual Store& store() = 0;

  // Creates the table with these rows in it, then tracks it: the rows are adopted.
  virtual Status Define(const TableDef& def, const Rows& existing) = 0;
  virtual Status AddColumn(const std::string& table, const ColumnDef& column) = 0;

  // A transaction, statement by statement. One that fails changes nothing, and the
  // transaction goes on. Savepoints nest; each of the three concerns the innermost.
  virtual Status Begin() = 0;
  virtual Status Run(const Op& op) = 0;  // without Begin: a transaction of its own
  // Of one table and one kind, kInsert or kReplace: one statement of many rows.
  virtual Status RunTogether(const Transaction& ops) = 0;
  virtual Status SetSavepoint() = 0;
  virtual Status RollBackToSavepoint() = 0;
  virtual Status ReleaseSavepoint() = 0;
  virtual Status Commit() = 0;
  virtual Status RollBack() = 0;
  // All or nothing: at the first error everything is rolled back, and returned.
  Status Execute(const Transaction& transaction);

  // What a user sees; empty where the table is not defined.
  virtual Rows Shown(const std::string& table) = 0;
  // Of defined tables, ascending by (table, key), sides by birth, latest first.
  virtual std::vector<KeyClash> Conflicts() = 0;
  // Ascending by (table, key).
  virtual std::vector<QuarantinedRow> Quarantine() = 0;

  // What the store finds wrong with itself; empty: nothing.
  virtual std::string Damage() { return {}; }

  // Makes the store forget its local order as far as it can, so that cursors of
  // before are unknown to it.
  virtual void TrimLog() = 0;
};

inline Status TestReplica::Execute(const Transaction& transaction) {
  REJOIN_TRY(Begin());
  for (const Op& op : transaction) {
    const Status done = Run(op);
    if (done) continue;
    REJOIN_TRY(RollBack());
    return done;
  }
  return Commit();
}

// Makes the replica number `number` of a test. `clock` outlives it. Ids of
// replicas may be random: tests never lean on which of two wins a tie.
struct TestReplicaMaker {
  std::string name;
  std::function<std::unique_ptr<TestReplica>(std::size_t number, Clock& clock)> make;
};
inline void PrintTo(const TestReplicaMaker& maker, std::ostream* out) { *out << maker.name; }

TestReplicaMaker MemoryReplicas();
TestReplicaMaker RelayedReplicas();
// What every suite is instantiated with: replica_makers.cc.
std::vector<TestReplicaMaker> AllReplicaMakers();

inline constexpr std::size_t kTestDeltaMaxBytes = std::size_t{1} << 26;

inline Result<Bytes> DeltaSince(TestReplica& from, const VersionVector& since) {
  BytesSink sink(kTestDeltaMaxBytes);
  REJOIN_ASSIGN([[maybe_unused]] const ExtractReport report, from.store().ExtractSince(since, sink));
  return sink.Take();
}

inline Result<MergeReport> MergeBytes(TestReplica& into, ByteView delta) {
  ViewSource source(delta);
  return into.store().Merge(source);
}

// `to` asks `from` for what it lacks, by vector.
inline Result<MergeReport> Pull(TestReplica& to, TestReplica& from) {
  REJOIN_ASSIGN(const VersionVector vector, to.store().Vector());
  REJOIN_ASSIGN(const Bytes delta, DeltaSince(from, vector));
  return MergeBytes(to, delta);
}

}  // namespace rejoin
