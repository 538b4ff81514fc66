// The store of a hub: the row states of one room in an SQLite file of its own,
// without knowing the application's schema. Keys, values and the names of tables
// and columns are opaque bytes to it.
//
// It originates nothing, but has a replica id, made with the file, by which peers
// remember it. A row is kept as one packed state, found by key when a delta is
// merged and by its place in the local order (local_order.h) when one is extracted:
// what changed since a point costs what changed, not what is there.
//
// The order is the table's own: position is its rowid, and an index leads from keys
// to positions. Measured on 1,000,000 rows of 120 bytes against a table WITHOUT ROWID
// by key and an index on positions: new rows with random keys take 10 s of CPU
// instead of 16 (in the order of their keys 5.7 either way), edits the same, telling
// of 1,000 changed rows 0.3 ms instead of 3, of all 0.3 s instead of 1.3 to 3. An index
// on a hash of the key would make random keys cheaper (8 s), ordered ones, as
// rejoin_uuid() makes them, dearer (7 s).
//
// Rows can be ahead of the vector: those of a first sync that is under way into this
// store, or was broken off. They are handed on like all others, and count for
// nothing in vectors. Hence no position of the past has a vector that could vouch
// for it, and ExtractFrom knows none but the first: ExtractPart goes on from points.
//
// Thread-compatible, as every Store. A process crash at any time leaves the file as
// after the last commit; with options.durable so does a power cut.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/os.h"
#include "store/rows/peer_table.h"
#include "store/sync_store.h"

namespace rejoin {

struct RowFile;
class RowWriting;
struct RowMarking;

struct RowStoreOptions {
  // Outlives the store.
  Random* random = &SystemRandom();
  // A commit is on the disk when it returns (synchronous = FULL). Tests do without.
  bool durable = true;
  // One part looks at so many stored bytes at most, whether it tells of them or not: a
  // hub's thread is not to be kept by one peer for a whole room.
  std::uint64_t max_read_bytes = std::uint64_t{64} << 20;
};

class RowStore final : public SyncStore {
 public:
  // A missing file is made. kInvalidArgument for a file of another program and
  // kNewerFormat for one of a newer version, which are left as they are.
  static Result<std::unique_ptr<RowStore>> Open(const std::string& path,
                                                const RowStoreOptions& options = {});
  ~RowStore() override;

  // --- Group commit ----------------------------------------------------------------

  // Until CommitBatch everything that changes the store is one durable transaction;
  // a call that fails undoes itself only. Nothing may be acknowledged or handed on
  // before: extraction is refused with kOpenTransaction, and what Vector, PointOf,
  // Head and the others tell is what the batch would leave.
  Status BeginBatch();
  // On an error the batch is rolled back.
  Status CommitBatch();
  // As if the batch had not been begun. Does nothing without one.
  void RollbackBatch();
  bool InBatch() const { return batch_ != nullptr; }

  // --- The registry of peers ---------------------------------------------------------

  // The peer is here: keeps its name (kMaxPeerNameBytes) and the time.
  Status SawPeer(const ReplicaId& peer, const std::string& name, std::uint64_t now_ms);
  // The peer says that it holds everything up to a point of ours, and covers a vector.
  // Replaces what it said before, even by less: it may have been restored. durable: a
  // power cut at the peer cannot take it back. kNotCovered where the point is unknown.
  Status Acknowledged(const ReplicaId& peer, const ResumePoint& point, const VersionVector& vector,
                      bool durable);
  // Ascending by id.
  Result<std::vector<PeerRecord>> Peers();

  // --- SyncStore ---------------------------------------------------------------------

  Result<ReplicaId> Replica() override;
  Result<VersionVector> Vector() override;
  Result<ExtractReport> ExtractSince(const VersionVector& since, ByteSink& out) override;
  // kNotCovered for all cursors but the one before everything: see above.
  Result<ExtractReport> ExtractFrom(const Cursor& cursor, ByteSink& out) override;
  // rows_shown and quarantined stay 0: nothing is shown here.
  Result<MergeReport> Merge(ByteSource& in) override;
  Result<Digest> StateDigest(const std::optional<std::string>& table) override;

  // All parts are cut at about target_bytes of rows as they are stored, wherever they
  // begin, and hold that many bytes of rows in memory, several times over.
  Result<PartReport> ExtractPart(const PartRequest& request, ByteSink& out) override;
  Result<MergeReport> MergePart(ByteSource& in, const PartOrigin& origin) override;
  Result<ResumePoint> PointOf(const ReplicaId& peer) override;
  Status SkipTo(const PartOrigin& origin) override;
  Result<RoomId> Room() override;
  Status SetRoom(const RoomId& room) override;
  // Its tag is 0.
  Result<Cursor> Head() override;
  Result<HybridTimestamp> LatestTimeSeen() override;
  // Nothing: who originates nothing has stamped nothing.
  Result<bool> CorrectTime(const TimeCorrection& correction) override;
  Status MakeDurable() override { return {}; }  // each commit is, where the options say so
  // One at a time, whoever asks for it, and kept while the order does not grow: devices
  // that come to a quiet room cost it one. Refused in a batch.
  Result<std::optional<StateMark>> MarkState(std::uint64_t most_rows) override;
  // Who keeps a room is asked, and asks nobody: this is forgotten when the file closes.
  Result<Comparison> ComparisonWith(const ReplicaId& peer) override;
  Status RememberComparison(const ReplicaId& peer, const Comparison& comparison) override;
  // There is no log in the file: the server tells people.
  Status NoteFinding(const std::string& text) override;

 private:
  RowStore(std::unique_ptr<RowFile> file, const RowStoreOptions& options);
  Result<MergeReport> MergeDelta(ByteSource& in, const PartOrigin* origin);
  Status RefuseInBatch() const;

  RowStoreOptions options_;
  std::unique_ptr<RowFile> file_;
  std::unique_ptr<RowWriting> batch_;
  std::unique_ptr<RowMarking> marking_;
  std::map<ReplicaId, Comparison> comparisons_;
};

}  // namespace rejoin
