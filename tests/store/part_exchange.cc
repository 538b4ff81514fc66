#include "tests/store/part_exchange.h"

namespace rejoin {

Result<SentPart> NextPart(SyncStore& from, const ResumePoint& point, const VersionVector& vector,
                          std::size_t target_bytes) {
  SentPart part;
  REJOIN_ASSIGN(part.origin.peer, from.Replica());
  part.origin.from = point;
  part.origin.for_everything = vector.empty();
  BytesSink sink(kTestDeltaMaxBytes);
  auto report = from.ExtractPart({point, vector, target_bytes}, sink);
  if (!report && report.error().code == Code::kNotCovered && !point.empty()) {
    part.origin.from.clear();
    report = from.ExtractPart({{}, vector, target_bytes}, sink);
  }
  if (!report) return tl::unexpected<Error>(report.error());
  part.report = *report;
  part.origin.until = report->until;
  part.origin.partial = report->partial;
  part.delta = sink.Take();
  return part;
}

Result<SentPart> NextPartFor(SyncStore& to, SyncStore& from, std::size_t target_bytes) {
  REJOIN_ASSIGN(const ReplicaId id, from.Replica());
  REJOIN_ASSIGN(const ResumePoint point, to.PointOf(id));
  REJOIN_ASSIGN(const VersionVector vector, to.Vector());
  return NextPart(from, point, vector, target_bytes);
}

Result<MergeReport> TakePart(SyncStore& to, const SentPart& part) {
  if (part.report.nothing) {
    REJOIN_TRY(to.SkipTo(part.origin));
    return MergeReport{};
  }
  ViewSource source(part.delta);
  return to.MergePart(source, part.origin);
}

Result<std::size_t> PullParts(SyncStore& to, SyncStore& from, std::size_t target_bytes,
                              std::size_t most) {
  std::size_t parts = 0;
  for (bool more = true; more && parts < most; ++parts) {
    REJOIN_ASSIGN(const SentPart part, NextPartFor(to, from, target_bytes));
    REJOIN_ASSIGN([[maybe_unused]] const MergeReport report, TakePart(to, part));
    more = part.report.more;
  }
  return parts;
}

// --- Devices -----------------------------------------------------------------------

Status PartDevice::Take(const SentPart& part) {
  ResumePoint& point = points_[part.origin.peer];
  const bool at_start = part.origin.from.empty() || point == part.origin.from;
  if (part.report.nothing) {
    if (at_start) point = part.origin.until;
    return {};
  }
  ViewSource source(part.delta);
  REJOIN_ASSIGN(MemoryDelta delta, ReadDelta(source));
  if (part.origin.partial && !at_start) return Fail(Code::kNotCovered, "it is not the next part");
  if (part.origin.partial) delta.header.start = delta.header.end = {};
  if (!part.origin.from.empty() && at_start) delta.header.start = {};
  const auto joined = store_.Join(delta);
  if (!joined) return tl::unexpected<Error>(joined.error());
  point = part.origin.until;
  return {};
}

Result<std::size_t> PartDevice::Pull(SyncStore& hub, std::size_t target_bytes, std::size_t most) {
  REJOIN_ASSIGN(const ReplicaId id, hub.Replica());
  std::size_t parts = 0;
  for (bool more = true; more && parts < most; ++parts) {
    REJOIN_ASSIGN(const VersionVector vector, store_.Vector());
    REJOIN_ASSIGN(const SentPart part, NextPart(hub, points_[id], vector, target_bytes));
    REJOIN_TRY(Take(part));
    more = part.report.more;
  }
  return parts;
}

Status PartDevice::Push(SyncStore& hub, std::size_t rows, std::size_t most) {
  REJOIN_ASSIGN(const VersionVector vector, hub.Vector());
  const MemoryDelta all = store_.CollectSince(vector);
  PartOrigin origin;
  REJOIN_ASSIGN(origin.peer, store_.Replica());
  MemoryDelta part;
  part.header = {all.header.sender, all.header.room, 0, {}, {}};
  part.tables = all.tables;
  std::size_t in_part = 0;
  std::size_t parts = 0;
  const auto send = [&](bool last) -> Status {
    origin.partial = !last;
    origin.until.clear();
    PutFixed64(origin.until, random_.Draw64());
    if (last) {
      part.header.end = all.header.end;
      // After other parts the point alone vouches for it.
      part.header.start = origin.from.empty() ? all.header.start : all.header.end;
    }
    BytesSink sink(kTestDeltaMaxBytes);
    REJOIN_TRY(WriteDelta(part, sink));
    const Bytes bytes = sink.Take();
    ViewSource source(bytes);
    REJOIN_TRY(hub.MergePart(source, origin));
    origin.from = origin.until;
    part.blocks.clear();
    in_part = 0;
    ++parts;
    return {};
  };
  for (const DeltaBlock& block : all.blocks) {
    for (const RowDelta& row : block.rows) {
      if (in_part == rows) REJOIN_TRY(send(false));
      if (parts == most) return {};
      if (part.blocks.empty() || part.blocks.back().table != block.table) {
        part.blocks.push_back({block.table, {}});
      }
      part.blocks.back().rows.push_back(row);
      ++in_part;
    }
  }
  return send(true);
}

}  // namespace rejoin
