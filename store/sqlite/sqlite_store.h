// A replica kept in an SQLite file: the user's own tables plus metadata.
//
// The facade that bindings and programs use. Everything it returns about local
// writes comes from SQL that anybody runs on the same connection: capture needs
// no call. Thread rule: that of the connection.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "store/sqlite/engine.h"
#include "store/sqlite/state_mark.h"
#include "store/sqlite/sync_journal.h"
#include "store/sync_store.h"

namespace rejoin {

struct TrackOptions {
  std::optional<SameKey> same_key;    // default: kNewest for INTEGER PRIMARY KEY, else kMerge
  std::optional<bool> delete_wins;    // default false
  std::optional<bool> fire_triggers;  // default false: users' triggers stay silent on merge
  std::optional<std::string> name;    // logical name; default: the table's
};

struct Finding {
  std::string table;    // empty: the file as a whole
  std::string problem;  // what was found
  std::string cure;     // what to do
  bool repaired = false;
};

// The engine of one schema of a connection, ready for the capture module and a
// store. Does not touch the file.
std::shared_ptr<Engine> NewEngine(sqlite3* handle, const std::string& schema,
                                  const Environment& environment);

class SqliteStore : public SyncStore {
 public:
  explicit SqliteStore(std::shared_ptr<Engine> engine) : engine_(std::move(engine)) {}

  // Tracks a table: makes Rejoin's tables where the file has none, adopts its
  // rows, shows what was carried for it. Again with other options: changes them.
  // Returns the number of rows adopted.
  Result<std::uint64_t> Track(const std::string& table, const TrackOptions& options);
  // Forgets a table: its triggers and metadata go, its rows stay.
  Status Untrack(const std::string& table);
  // ALTER TABLE ... DROP COLUMN, and the column is gone from what is tracked here.
  Status DropColumn(const std::string& table, const std::string& column);
  // Removes every object of ours from the file (and the sidecar beside it).
  Status Uninstall();

  // Checks metadata against tables. Repairs nothing.
  Result<std::vector<Finding>> Check();

  Result<ReplicaId> Replica() override;
  Result<VersionVector> Vector() override;
  Result<ExtractReport> ExtractSince(const VersionVector& since, ByteSink& out) override;
  Result<ExtractReport> ExtractFrom(const Cursor& cursor, ByteSink& out) override;
  Result<MergeReport> Merge(ByteSource& in) override;
  Result<Digest> StateDigest(const std::optional<std::string>& table) override;

  Result<PartReport> ExtractPart(const PartRequest& request, ByteSink& out) override;
  Result<MergeReport> MergePart(ByteSource& in, const PartOrigin& origin) override;
  Result<ResumePoint> PointOf(const ReplicaId& peer) override;
  Status SkipTo(const PartOrigin& origin) override;
  Result<RoomId> Room() override;
  Status SetRoom(const RoomId& room) override;
  Result<Cursor> Head() override;
  Result<HybridTimestamp> LatestTimeSeen() override;
  Result<bool> CorrectTime(const TimeCorrection& correction) override;
  Status MakeDurable() override { return SyncJournal(engine_->db); }

  // Kept where it was begun: another SqliteStore of the file begins its own.
  Result<std::optional<StateMark>> MarkState(std::uint64_t most_rows) override;
  Result<Comparison> ComparisonWith(const ReplicaId& peer) override;
  Status RememberComparison(const ReplicaId& peer, const Comparison& comparison) override;
  Status NoteFinding(const std::string& text) override;

  Engine& engine() { return *engine_; }

 private:
  Status RequireSetUp();

  std::shared_ptr<Engine> engine_;
  StateMarking marking_;
};

}  // namespace rejoin
