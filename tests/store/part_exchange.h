// Exchange by parts, as a session does it: between stores that remember points, and
// with memory stores that are made to.
#pragma once

#include <map>

#include "store/memory/memory_store.h"
#include "store/sync_store.h"
#include "tests/store/test_replica.h"

namespace rejoin {

// A part on its way.
struct SentPart {
  PartReport report;
  PartOrigin origin;
  Bytes delta;
};

// What `from` sends to one who is at `point` and has `vector`; without the point
// where it is unknown. Errors of ExtractPart otherwise.
Result<SentPart> NextPart(SyncStore& from, const ResumePoint& point, const VersionVector& vector,
                          std::size_t target_bytes);
// The next part for `to`, by what it remembers.
Result<SentPart> NextPartFor(SyncStore& to, SyncStore& from, std::size_t target_bytes);
// Merges it, or skips to where it ends.
Result<MergeReport> TakePart(SyncStore& to, const SentPart& part);

// Until there is nothing more, or `most` parts were taken. The number of parts.
Result<std::size_t> PullParts(SyncStore& to, SyncStore& from, std::size_t target_bytes,
                              std::size_t most = SIZE_MAX);

// A memory store as a device that exchanges parts with a hub.
class PartDevice {
 public:
  PartDevice(const ReplicaId& id, Clock& clock, Random& random) : store_(id, clock, random), random_(random) {}

  MemoryStore& store() { return store_; }

  // As PullParts.
  Result<std::size_t> Pull(SyncStore& hub, std::size_t target_bytes, std::size_t most = SIZE_MAX);
  // What the hub lacks by its vector, `rows` rows a part; `most` parts at most.
  Status Push(SyncStore& hub, std::size_t rows = SIZE_MAX, std::size_t most = SIZE_MAX);

 private:
  Status Take(const SentPart& part);

  MemoryStore store_;
  Random& random_;
  std::map<ReplicaId, ResumePoint> points_;
};

}  // namespace rejoin
