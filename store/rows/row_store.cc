#include "store/rows/row_store.h"

#include <utility>

#include "store/rows/local_order.h"
#include "store/rows/row_extract.h"
#include "store/rows/row_file.h"
#include "store/rows/row_merge.h"

namespace rejoin {

Result<std::unique_ptr<RowStore>> RowStore::Open(const std::string& path,
                                                 const RowStoreOptions& options) {
  REJOIN_ASSIGN(std::unique_ptr<RowFile> file,
                RowFile::Open(path, *options.random, options.durable));
  return std::unique_ptr<RowStore>(new RowStore(std::move(file), options));
}

RowStore::RowStore(std::unique_ptr<RowFile> file, const RowStoreOptions& options)
    : options_(options), file_(std::move(file)), marking_(std::make_unique<RowMarking>()) {}
RowStore::~RowStore() = default;

// --- Group commit --------------------------------------------------------------------

Status RowStore::BeginBatch() {
  if (batch_ != nullptr) return Fail(Code::kOpenTransaction, "a batch is begun once; commit it first");
  REJOIN_ASSIGN(RowWriting batch, RowWriting::Begin(*file_));
  batch_ = std::make_unique<RowWriting>(std::move(batch));
  file_->in_batch = true;
  return {};
}

Status RowStore::CommitBatch() {
  if (batch_ == nullptr) return Fail(Code::kInvalidArgument, "there is no batch to commit");
  const Status committed = batch_->Commit();
  RollbackBatch();
  return committed;
}

void RowStore::RollbackBatch() {
  batch_ = nullptr;  // does nothing to one that is committed
  file_->in_batch = false;
}

// What is not committed may be taken back, and its positions given out again.
Status RowStore::RefuseInBatch() const {
  if (batch_ == nullptr) return {};
  return Fail(Code::kOpenTransaction, "nothing is handed out before the batch is committed");
}

// --- The registry ----------------------------------------------------------------------

Status RowStore::SawPeer(const ReplicaId& peer, const std::string& name, std::uint64_t now_ms) {
  REJOIN_ASSIGN(RowWriting writing, RowWriting::Begin(*file_));
  REJOIN_TRY(WriteSeen(file_->db(), peer, name, now_ms));
  return writing.Commit();
}

Status RowStore::Acknowledged(const ReplicaId& peer, const ResumePoint& point,
                              const VersionVector& vector, bool durable) {
  REJOIN_ASSIGN(RowWriting writing, RowWriting::Begin(*file_));
  REJOIN_TRY(PositionOf(*file_, point));
  REJOIN_TRY(WriteAcknowledged(file_->db(), file_->catalog, peer, point, vector, durable));
  return writing.Commit();
}

Result<std::vector<PeerRecord>> RowStore::Peers() {
  REJOIN_ASSIGN(const RowReading reading, RowReading::Begin(*file_));
  return ReadPeers(file_->db(), file_->catalog);
}

// --- Store -------------------------------------------------------------------------------

Result<ReplicaId> RowStore::Replica() {
  REJOIN_ASSIGN(const RowReading reading, RowReading::Begin(*file_));
  return file_->catalog.self();
}

Result<VersionVector> RowStore::Vector() {
  REJOIN_ASSIGN(const RowReading reading, RowReading::Begin(*file_));
  return file_->catalog.vector();
}

Result<ExtractReport> RowStore::ExtractSince(const VersionVector& since, ByteSink& out) {
  REJOIN_TRY(RefuseInBatch());
  REJOIN_ASSIGN(const RowReading reading, RowReading::Begin(*file_));
  return ExtractAll(*file_, since, out);
}

Result<ExtractReport> RowStore::ExtractFrom(const Cursor& cursor, ByteSink& out) {
  if (cursor == Cursor{}) return ExtractSince({}, out);
  return Fail(Code::kNotCovered,
              "a hub keeps no vector of the past, so a cursor tells it nothing; ask with a vector");
}

Result<MergeReport> RowStore::MergeDelta(ByteSource& in, const PartOrigin* origin) {
  REJOIN_ASSIGN(RowWriting writing, RowWriting::Begin(*file_));
  REJOIN_ASSIGN(const MergeReport report, MergeRows(*file_, writing, in, origin));
  REJOIN_TRY(writing.Commit());
  return report;
}

Result<MergeReport> RowStore::Merge(ByteSource& in) { return MergeDelta(in, nullptr); }

Result<Digest> RowStore::StateDigest(const std::optional<std::string>& table) {
  REJOIN_ASSIGN(const RowReading reading, RowReading::Begin(*file_));
  return DigestRows(*file_, table);
}

// --- SyncStore -----------------------------------------------------------------------------

Result<PartReport> RowStore::ExtractPart(const PartRequest& request, ByteSink& out) {
  REJOIN_TRY(RefuseInBatch());
  REJOIN_ASSIGN(const RowReading reading, RowReading::Begin(*file_));
  return ExtractRange(*file_, request, options_.max_read_bytes, out);
}

Result<MergeReport> RowStore::MergePart(ByteSource& in, const PartOrigin& origin) {
  return MergeDelta(in, &origin);
}

Result<ResumePoint> RowStore::PointOf(const ReplicaId& peer) {
  REJOIN_ASSIGN(const RowReading reading, RowReading::Begin(*file_));
  return ReadPoint(file_->db(), peer);
}

Status RowStore::SkipTo(const PartOrigin& origin) {
  REJOIN_ASSIGN(RowWriting writing, RowWriting::Begin(*file_));
  REJOIN_ASSIGN(const ResumePoint point, ReadPoint(file_->db(), origin.peer));
  // Everybody is past the beginning.
  if (!origin.from.empty() && origin.from != point) return {};
  REJOIN_TRY(WritePoint(file_->db(), origin.peer, origin.until));
  return writing.Commit();
}

Result<RoomId> RowStore::Room() {
  REJOIN_ASSIGN(const RowReading reading, RowReading::Begin(*file_));
  return file_->catalog.room();
}

Status RowStore::SetRoom(const RoomId& room) {
  REJOIN_ASSIGN(RowWriting writing, RowWriting::Begin(*file_));
  REJOIN_TRY(EnterRoom(file_->catalog, room));
  return writing.Commit();
}

Result<Cursor> RowStore::Head() {
  REJOIN_ASSIGN(const RowReading reading, RowReading::Begin(*file_));
  REJOIN_ASSIGN(const std::uint64_t epoch, LastEpoch(file_->db()));
  return Cursor{epoch, file_->catalog.head(), 0};
}

Result<HybridTimestamp> RowStore::LatestTimeSeen() {
  REJOIN_ASSIGN(const RowReading reading, RowReading::Begin(*file_));
  return file_->catalog.clock();
}

Result<bool> RowStore::CorrectTime(const TimeCorrection&) { return false; }

Result<std::optional<StateMark>> RowStore::MarkState(std::uint64_t most_rows) {
  REJOIN_TRY(RefuseInBatch());
  REJOIN_ASSIGN(const RowReading reading, RowReading::Begin(*file_));
  REJOIN_TRY(GoOnMarking(*file_, *marking_, most_rows));
  std::optional<StateMark> mark;
  if (marking_->done) mark = StateMark{*marking_->head, file_->catalog.vector(), marking_->digest};
  return mark;
}

Result<Comparison> RowStore::ComparisonWith(const ReplicaId& peer) {
  const auto at = comparisons_.find(peer);
  return at == comparisons_.end() ? Comparison() : at->second;
}

Status RowStore::RememberComparison(const ReplicaId& peer, const Comparison& comparison) {
  comparisons_[peer] = comparison;
  return {};
}

Status RowStore::NoteFinding(const std::string&) { return {}; }

}  // namespace rejoin
