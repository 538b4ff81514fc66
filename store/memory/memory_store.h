// A store in memory, by the definition and without cleverness: maps of row
// states, a version vector, and a list of what was touched when. What is shown
// is computed afresh each time it is asked for.
//
// It is the oracle that the SQLite store is compared with, and the device in
// simulations; it is not meant to be fast. Copying it makes a clone that has the
// same replica id: for looking at what might happen, not for going on with both.
//
// Thread-compatible, as every Store.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "base/os.h"
#include "store/memory/memory_delta.h"
#include "store/memory/memory_table.h"
#include "store/stamp_move.h"
#include "store/sync_store.h"

namespace rejoin {

class MemoryStore final : public SyncStore {
 public:
  // `clock` and `random` must outlive it. `random` makes the tags of cursors.
  MemoryStore(const ReplicaId& replica, Clock& clock, Random& random);

  // --- The local side: what SQL is to the other store --------------------------

  // Tracks a table. Rows that had been there before are adopted. A table of
  // which deltas brought changes already shows them now. kInvalidArgument where
  // it is defined already, or those deltas had other rules or key parts.
  Status DefineTable(const TableDef& def, const Rows& existing = {});
  // ALTER TABLE ADD COLUMN: changes no row.
  Status AddColumn(const std::string& table, const ColumnDef& column);
  // Adopts rows that were found in a tracked table without any metadata.
  Status Adopt(const std::string& table, const Rows& found);
  // All or nothing. Errors as MemoryTransaction has them.
  Status Commit(const Transaction& transaction);
  // What Commit would say.
  Status Check(const Transaction& transaction) const;

  // Of a defined table; empty for others.
  Rows Shown(const std::string& table) const;
  // Of all defined tables, ascending by table and key.
  std::vector<KeyClash> Conflicts() const;
  // Of all tables, likewise.
  std::vector<QuarantinedRow> Quarantine() const;

  // Forgets the local order: cursors of before are answered with kNotCovered.
  void TrimLog();

  // --- Store --------------------------------------------------------------------

  Result<ReplicaId> Replica() override { return replica_; }
  Result<VersionVector> Vector() override { return vector_; }
  Result<ExtractReport> ExtractSince(const VersionVector& since, ByteSink& out) override;
  Result<ExtractReport> ExtractFrom(const Cursor& cursor, ByteSink& out) override;
  Result<MergeReport> Merge(ByteSource& in) override;
  Result<Digest> StateDigest(const std::optional<std::string>& table) override;

  // --- SyncStore ------------------------------------------------------------------

  Result<PartReport> ExtractPart(const PartRequest& request, ByteSink& out) override;
  Result<MergeReport> MergePart(ByteSource& in, const PartOrigin& origin) override;
  Result<ResumePoint> PointOf(const ReplicaId& peer) override;
  Status SkipTo(const PartOrigin& origin) override;
  Result<RoomId> Room() override { return room_; }
  Status SetRoom(const RoomId& room) override;
  Result<Cursor> Head() override { return EndOfLog(); }
  Result<HybridTimestamp> LatestTimeSeen() override { return latest_; }
  Result<bool> CorrectTime(const TimeCorrection& correction) override;
  Status MakeDurable() override { return {}; }
  // At once.
  Result<std::optional<StateMark>> MarkState(std::uint64_t most_rows) override;
  Result<Comparison> ComparisonWith(const ReplicaId& peer) override;
  Status RememberComparison(const ReplicaId& peer, const Comparison& comparison) override;
  Status NoteFinding(const std::string& text) override;
  const std::vector<std::string>& findings() const { return findings_; }

  // The same without bytes, and without noting that anybody has seen it: that is Show.
  MemoryDelta CollectSince(const VersionVector& since) const;
  Result<MemoryDelta> CollectFrom(const Cursor& cursor) const;
  void Show() { shown_.insert(vector_.Get(replica_)); }
  Result<MergeReport> Join(const MemoryDelta& delta);
  Cursor EndOfLog() const;

 private:
  struct RowName {
    std::string table;
    Key key;
    friend bool operator<(const RowName& a, const RowName& b) {
      return std::tie(a.table, a.key) < std::tie(b.table, b.key);
    }
  };
  struct LogEntry {
    std::uint64_t tag = 0;
    std::vector<RowName> touched;
    VersionVector after;
  };

  Status CheckMergeable(const MemoryDelta& delta, bool is_at_start) const;
  MergeReport JoinChecked(const MemoryDelta& delta);
  void JoinBlock(const DeltaTable& from, const DeltaBlock& block, std::vector<RowName>& touched,
                 MergeReport& report);
  MemoryTable& TableFor(const DeltaTable& from);
  MemoryDelta EmptyDelta(const VersionVector& start) const;
  void Log(std::vector<RowName> touched);
  OwnTimes LookAtTimes(HybridTimestamp shown) const;
  void MoveOwn(const StampMove& move);
  void SawTime(HybridTimestamp time);

  ReplicaId replica_;
  Clock* clock_;
  Random* random_;
  RoomId room_;
  VersionVector vector_;
  HybridTimestamp latest_;  // of all stamps ever seen here
  std::set<HybridTimestamp> shown_;  // own stamps that ended a delta which left
  HybridTimestamp settled_;          // own stamps up to it have been corrected
  std::map<std::string, MemoryTable> tables_;

  // The local order: entry i has position first_position_ + i.
  std::uint64_t epoch_;
  std::map<ReplicaId, ResumePoint> points_;  // in the orders of peers
  std::map<ReplicaId, Comparison> comparisons_;
  std::vector<std::string> findings_;
  std::uint64_t first_position_ = 1;
  std::vector<LogEntry> log_;
};

}  // namespace rejoin
