// Reading deltas out of a file: through the log where it reaches back far
// enough, else by one ordered scan of tables and metadata side by side.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "crdt/delta.h"
#include "store/sqlite/engine.h"
#include "store/sqlite/extract_scan.h"
#include "store/sqlite/vector.h"
#include "store/sync_store.h"

namespace rejoin {

Result<ReplicaId> ReadReplica(Engine& engine);

// Both fold first and work in one read transaction (the caller's write
// transaction if one is open). They append the delta's own end to
// rejoin__issued before the first byte goes to `out`. In parts: extract_part.h.
Result<ExtractReport> ExtractSinceVector(Engine& engine, const VersionVector& since, ByteSink& out);
Result<ExtractReport> ExtractFromCursor(Engine& engine, const Cursor& cursor, ByteSink& out);

Result<Digest> ComputeDigest(Engine& engine, const TrackedTable* only);

// Adds a table's rows to a digest.
class TableDigest : public RowVisitor {
 public:
  TableDigest(Engine& engine, const TrackedTable& table, Digest& digest);
  // To stop after about so many bytes.
  void StopAfter(std::size_t bytes) { left_bytes_ = bytes; }
  Result<bool> Take(RowDelta&& row) override;
  Result<bool> Take(const InsertedRow& row) override;
  // Nothing of the rows was too large for others, and left out.
  bool whole() const { return whole_; }
  std::size_t left_bytes() const { return left_bytes_; }

 private:
  bool Pass(std::size_t bytes);

  const Limits& limits_;
  const TrackedTable& table_;
  Digest& digest_;
  std::vector<std::string> names_;
  bool whole_ = true;
  std::size_t left_bytes_ = std::numeric_limits<std::size_t>::max();
};

}  // namespace rejoin
