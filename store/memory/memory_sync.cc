// The memory store's side of sessions. Its parts are always whole.
#include <algorithm>

#include "store/memory/memory_store.h"
#include "store/resume_point.h"

namespace rejoin {
namespace {

// A delta may end at a time that no row of it has.
MergeReport CutTooNew(MemoryDelta& delta, HybridTimestamp newest, const VersionVector& known) {
  MergeReport report;
  for (const auto& [replica, time] : delta.header.end.entries()) {
    if (time > newest && time > known.Get(replica)) report.NoteTooNew(replica, time);
  }
  for (DeltaBlock& block : delta.blocks) {
    for (RowDelta& row : block.rows) {
      if (const auto cut = CutLater(row.state, newest, known)) report.NoteTooNew(cut->replica, cut->time);
    }
    const auto says_nothing = [](const RowDelta& row) { return row.state.empty(); };
    block.rows.erase(std::remove_if(block.rows.begin(), block.rows.end(), says_nothing), block.rows.end());
  }
  return report;
}

}  // namespace

Result<PartReport> MemoryStore::ExtractPart(const PartRequest& request, ByteSink& out) {
  Show();
  MemoryDelta delta = CollectSince(request.peer_has);
  if (!request.from.empty()) {
    const auto cursor = DecodeResumePoint(request.from);
    if (!cursor || *cursor == Cursor{}) {
      return Fail(Code::kNotCovered, "The resume point is not one of this store: ask by vector.");
    }
    REJOIN_ASSIGN(MemoryDelta since, CollectFrom(*cursor));
    since.header.start.Join(delta.header.start);
    delta = std::move(since);
  }
  for (DeltaBlock& block : delta.blocks) {
    for (RowDelta& row : block.rows) row.state = Since(row.state, delta.header.start);
    const auto says_nothing = [](const RowDelta& row) { return row.state.empty(); };
    block.rows.erase(std::remove_if(block.rows.begin(), block.rows.end(), says_nothing), block.rows.end());
  }
  PartReport part;
  part.head = EndOfLog();
  part.until = EncodeResumePoint(part.head);
  part.end = vector_;
  part.nothing = delta.header.start.Covers(vector_) &&
                 std::all_of(delta.blocks.begin(), delta.blocks.end(),
                             [](const DeltaBlock& block) { return block.rows.empty(); });
  if (part.nothing) return part;
  LeaveOutUnchanged(delta.header);
  REJOIN_ASSIGN(part.rows, WriteDelta(std::move(delta), out));
  return part;
}

Result<MergeReport> MemoryStore::MergePart(ByteSource& in, const PartOrigin& origin) {
  REJOIN_ASSIGN(MemoryDelta delta, ReadDelta(in));
  if (origin.until.size() > kMaxResumePointBytes) {
    return Fail(Code::kLimit, "The peer's resume point is too large.");
  }
  const bool is_at_start = !origin.from.empty() && points_[origin.peer] == origin.from;
  const bool by_point_only = origin.partial || delta.header.end.empty();
  if (by_point_only && !origin.from.empty() && !is_at_start) {
    return Fail(Code::kNotCovered, "The part follows one that was not joined.");
  }
  REJOIN_TRY(CheckMergeable(delta, is_at_start));
  const VersionVector sender_has = delta.header.end;
  const std::optional<TooNew> too_new = CutTooNew(delta, origin.newest, vector_).too_new;
  if (origin.partial || too_new) delta.header.end = {};
  if (!too_new) points_[origin.peer] = origin.until;
  MergeReport report = JoinChecked(delta);
  report.sender_has = sender_has;
  report.too_new = too_new;
  return report;
}

Result<ResumePoint> MemoryStore::PointOf(const ReplicaId& peer) {
  const auto at = points_.find(peer);
  return at == points_.end() ? ResumePoint() : at->second;
}

Status MemoryStore::SkipTo(const PartOrigin& origin) {
  // Everybody is past the beginning.
  if (origin.from.empty() || points_[origin.peer] == origin.from) points_[origin.peer] = origin.until;
  return {};
}

Result<std::optional<StateMark>> MemoryStore::MarkState(std::uint64_t) {
  REJOIN_ASSIGN(const Digest digest, StateDigest({}));
  return std::optional<StateMark>(StateMark{EndOfLog(), vector_, digest});
}

Result<Comparison> MemoryStore::ComparisonWith(const ReplicaId& peer) {
  const auto at = comparisons_.find(peer);
  return at == comparisons_.end() ? Comparison() : at->second;
}

Status MemoryStore::RememberComparison(const ReplicaId& peer, const Comparison& comparison) {
  comparisons_[peer] = comparison;
  return {};
}

Status MemoryStore::NoteFinding(const std::string& text) {
  findings_.push_back(text);
  return {};
}

Status MemoryStore::SetRoom(const RoomId& room) {
  if (room_.IsSet() && room_ != room) {
    return Fail(Code::kForeignRoom, "The peer is of another room.");
  }
  room_ = room;
  return {};
}

}  // namespace rejoin
