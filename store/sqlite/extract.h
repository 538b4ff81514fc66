// Reading deltas out of a file: through the log where it reaches back far
// enough, else by one ordered scan of tables and metadata side by side.
#pragma once

#include <string>
#include <vector>

#include "crdt/delta.h"
#include "store/sqlite/engine.h"
#include "store/sync_store.h"

namespace rejoin {

// The vector of this file: foreign entries, and the own one from the log.
Result<VersionVector> ReadVector(Engine& engine);
Result<ReplicaId> ReadReplica(Engine& engine);

// Both fold first and work in one read transaction (the caller's write
// transaction if one is open). They append the delta's own end to
// rejoin__issued before the first byte goes to `out`. In parts: extract_part.h.
Result<ExtractReport> ExtractSinceVector(Engine& engine, const VersionVector& since, ByteSink& out);
Result<ExtractReport> ExtractFromCursor(Engine& engine, const Cursor& cursor, ByteSink& out);

Result<Digest> ComputeDigest(Engine& engine, const TrackedTable* only);

// Adds a table's rows to a digest.
class TableDigest {
 public:
  TableDigest(Engine& engine, const TrackedTable& table, Digest& digest);
  // False: something of the row is too large for others, and is not in the digest.
  bool Add(RowDelta&& row);

 private:
  const Limits& limits_;
  const TrackedTable& table_;
  Digest& digest_;
  std::vector<std::string> names_;
};

}  // namespace rejoin
