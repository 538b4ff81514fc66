// A store that only passes on what is asked of it: tests stand between a session and its store
// with one that does something else in a call or two.
#pragma once

#include <optional>
#include <string>

#include "store/sync_store.h"

namespace rejoin {

class PassingStore : public SyncStore {
 public:
  explicit PassingStore(SyncStore& store) : store_(store) {}

  Result<ReplicaId> Replica() override { return store_.Replica(); }
  Result<VersionVector> Vector() override { return store_.Vector(); }
  Result<ExtractReport> ExtractSince(const VersionVector& since, ByteSink& out) override {
    return store_.ExtractSince(since, out);
  }
  Result<ExtractReport> ExtractFrom(const Cursor& cursor, ByteSink& out) override {
    return store_.ExtractFrom(cursor, out);
  }
  Result<MergeReport> Merge(ByteSource& in) override { return store_.Merge(in); }
  Result<Digest> StateDigest(const std::optional<std::string>& table) override { return store_.StateDigest(table); }
  Result<PartReport> ExtractPart(const PartRequest& request, ByteSink& out) override {
    return store_.ExtractPart(request, out);
  }
  Result<MergeReport> MergePart(ByteSource& in, const PartOrigin& origin) override {
    return store_.MergePart(in, origin);
  }
  Result<ResumePoint> PointOf(const ReplicaId& peer) override { return store_.PointOf(peer); }
  Status SkipTo(const PartOrigin& origin) override { return store_.SkipTo(origin); }
  Result<RoomId> Room() override { return store_.Room(); }
  Status SetRoom(const RoomId& room) override { return store_.SetRoom(room); }
  Result<Cursor> Head() override { return store_.Head(); }
  Result<HybridTimestamp> LatestTimeSeen() override { return store_.LatestTimeSeen(); }
  Result<bool> CorrectTime(const TimeCorrection& correction) override { return store_.CorrectTime(correction); }
  Status MakeDurable() override { return store_.MakeDurable(); }
  Result<std::optional<StateMark>> MarkState(std::uint64_t most_rows) override { return store_.MarkState(most_rows); }
  Result<Comparison> ComparisonWith(const ReplicaId& peer) override { return store_.ComparisonWith(peer); }
  Status RememberComparison(const ReplicaId& peer, const Comparison& comparison) override {
    return store_.RememberComparison(peer, comparison);
  }
  Status NoteFinding(const std::string& text) override { return store_.NoteFinding(text); }

 protected:
  SyncStore& store_;
};

}  // namespace rejoin
