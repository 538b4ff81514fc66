#include "store/sqlite/extract_part.h"

#include <algorithm>
#include <tuple>

#include "store/resume_point.h"
#include "store/sqlite/extract.h"
#include "store/sqlite/extract_plan.h"
#include "store/sqlite/new_row_keys.h"
#include "store/sqlite/peers.h"
#include "store/sqlite/row_access.h"
#include "store/sqlite/scan_point.h"

namespace rejoin {
namespace {

// Rows of one part are held in memory, so a target is at most this.
constexpr std::size_t kMaxTargetBytes = std::size_t{64} << 20;

bool Before(const TouchedKey& a, const TouchedKey& b) {
  return std::tie(a.table, a.key) < std::tie(b.table, b.key);
}

bool Same(const TouchedKey& a, const TouchedKey& b) { return a.table == b.table && a.key == b.key; }

// Takes rows until they weigh enough, together with those of other tables.
class Gathering : public RowVisitor {
 public:
  Gathering(RowBatch& rows, std::size_t& bytes, std::size_t target_bytes)
      : rows_(rows), bytes_(bytes), target_bytes_(target_bytes) {}
  Result<bool> Take(RowDelta&& row) override { return TakeAny(std::move(row)); }
  Result<bool> Take(const InsertedRow& row) override { return TakeAny(row); }

 private:
  template <class Row>
  bool TakeAny(Row&& row) {
    bytes_ += WeightOf(row);
    rows_.Add(std::forward<Row>(row));
    return bytes_ < target_bytes_;
  }

  RowBatch& rows_;
  std::size_t& bytes_;
  std::size_t target_bytes_;
};

// One part; in a read transaction.
class PartMaker {
 public:
  PartMaker(Engine& engine, const PartRequest& request, const LogHead& head, ByteSink& out)
      : engine_(engine), peer_has_(request.peer_has), head_(head.cursor), out_(out) {
    target_bytes_ = std::min(request.target_bytes, kMaxTargetBytes);
  }

  // From a position, from within a scan, or by vector alone.
  Result<PartReport> Make(const std::optional<Cursor>& cursor, const std::optional<ScanPoint>& scan);
  const std::vector<LargeRow>& large_rows() const { return large_rows_; }

 private:
  struct FoundRows {
    const TrackedTable* table = nullptr;
    RowBatch rows;
  };

  Result<bool> IsBelieved(const ScanPoint& scan);
  Result<PartReport> Listed(const Plan& plan);
  Result<PartReport> Whole(const Plan& plan);
  Result<PartReport> BeginScan(const Plan& plan);
  Result<PartReport> GoOn();
  Status FindMoved();
  bool MayHaveMoved(const Change& change) const;
  Status NoteMoved(const Change& change);
  void NoteMoved(TableNumber table, const Key& key);
  Result<bool> LacksFromBefore(const TouchedKey& moved);
  bool HasMoved(TableNumber table, ByteView key) const;
  Status Scan(const VersionVector& known);
  Result<PartReport> Middle();
  Result<std::uint64_t> DonePermille();
  PartReport End() const;
  // With what was found, if anything or the header says something.
  Result<PartReport> Write(PartReport report, const VersionVector& start, const VersionVector& end);
  Status AddFound(DeltaRows& rows);
  Result<DeltaHeader> Header(const VersionVector& start, const VersionVector& end);

  Engine& engine_;
  const VersionVector& peer_has_;
  Cursor head_;
  ByteSink& out_;
  std::size_t target_bytes_ = 0;
  VersionVector own_;

  ScanPoint point_;  // where the part begins, and afterwards where it ends
  std::vector<TouchedKey> moved_;
  std::size_t moved_bytes_ = 0;
  std::vector<FoundRows> found_;  // none of them empty
  bool at_end_ = false;
  std::vector<LargeRow> large_rows_;
};

Result<PartReport> PartMaker::Make(const std::optional<Cursor>& cursor,
                                   const std::optional<ScanPoint>& scan) {
  REJOIN_ASSIGN(own_, ReadVector(engine_));
  if (scan) {
    REJOIN_ASSIGN(const bool believed, IsBelieved(*scan));
    point_ = *scan;
    if (believed) return GoOn();
    ++point_.begun_again;
  }
  REJOIN_ASSIGN(const Plan plan, MakePlan(engine_, &peer_has_, cursor ? &*cursor : nullptr, own_));
  if (plan.keys) return Listed(plan);
  const bool cut = point_.begun_again <= kMaxBegunAgain && own_.entries().size() <= kMaxScanVectorEntries;
  return cut ? BeginScan(plan) : Whole(plan);
}

Result<bool> PartMaker::IsBelieved(const ScanPoint& scan) {
  if (scan.seen.epoch != head_.epoch) {
    return Fail(Code::kNotCovered, "the resume point is not one of this file; ask with a vector");
  }
  REJOIN_ASSIGN(const bool known, IsKnown(engine_, scan.seen));
  REJOIN_ASSIGN(const std::uint64_t layout, ReadLayout(engine_));
  return known && layout == scan.layout;
}

// --- All of it at once -----------------------------------------------------------------

Result<PartReport> PartMaker::Listed(const Plan& plan) {
  PartReport report = End();
  // Rows may have news though the vector has none: in the middle of a first sync it
  // stays behind them.
  report.nothing = plan.start.Covers(own_);
  for (auto key = plan.keys->begin(); report.nothing && key != plan.keys->end(); ++key) {
    const TrackedTable* const table = engine_.catalog.Find(key->table);
    if (table == nullptr) continue;
    REJOIN_ASSIGN(const LocatedRow row, LoadRow(engine_, *table, key->key));
    report.nothing = Since(row.state, plan.known).empty();
  }
  return report.nothing ? report : Whole(plan);
}

Result<PartReport> PartMaker::Whole(const Plan& plan) {
  PartReport report = End();
  REJOIN_ASSIGN(const DeltaHeader header, Header(plan.start, own_));
  DeltaWriter writer(out_);
  REJOIN_TRY(writer.Begin(header));
  DeltaRows rows(engine_, writer);
  REJOIN_TRY(plan.keys ? AddListed(engine_, *plan.keys, plan.known, rows)
                       : AddScanned(engine_, plan.known, rows));
  REJOIN_TRY(writer.Finish());
  large_rows_ = rows.large_rows();
  report.rows = writer.rows_written();
  return report;
}

// Of a part after which the peer has everything.
PartReport PartMaker::End() const {
  PartReport report;
  report.until = EncodeResumePoint(head_);
  report.head = head_;
  report.end = own_;
  return report;
}

// --- Scans -----------------------------------------------------------------------------

Result<PartReport> PartMaker::BeginScan(const Plan& plan) {
  point_.start = point_.seen = head_;
  point_.vector = own_;
  REJOIN_ASSIGN(point_.layout, ReadLayout(engine_));
  point_.table = 0;
  REJOIN_TRY(Scan(plan.known));
  if (!at_end_) return Middle();
  return Write(End(), plan.start, own_);
}

Result<PartReport> PartMaker::GoOn() {
  REJOIN_TRY(FindMoved());
  if (point_.seen.position == head_.position) REJOIN_TRY(Scan(peer_has_));
  if (!at_end_) return Middle();
  PartReport report = End();
  report.until = EncodeResumePoint(point_.start);
  report.end = point_.vector;
  report.more = !(point_.start == head_);
  report.done_permille = 1000;  // but for what was written meanwhile
  // What came before is not in this part: nothing but the point vouches for it.
  return Write(std::move(report), point_.vector, point_.vector);
}

// Rows that the log lists since the part before, as many as may be held.
Status PartMaker::FindMoved() {
  const auto take = [this](const LogRecord& record) -> Result<bool> {
    for (const Change& change : record.changes) {
      if (MayHaveMoved(change)) REJOIN_TRY(NoteMoved(change));
    }
    for (const TouchedKey& touched : record.touched) NoteMoved(touched.table, touched.key);
    point_.seen = record.cursor;
    return moved_bytes_ <= engine_.limits.listed_keys_bytes;
  };
  REJOIN_TRY(ForEachAfter(engine_, point_.seen.position, take));
  std::sort(moved_.begin(), moved_.end(), Before);
  moved_.erase(std::unique(moved_.begin(), moved_.end(), Same), moved_.end());
  std::vector<TouchedKey> lacking;
  for (TouchedKey& moved : moved_) {
    REJOIN_ASSIGN(const bool lacks, LacksFromBefore(moved));
    if (lacks) lacking.push_back(std::move(moved));
  }
  moved_ = std::move(lacking);
  return {};
}

bool PartMaker::MayHaveMoved(const Change& change) const {
  return change.kind != ChangeKind::kUpdate || change.rowid != change.old_rowid || change.moved_from;
}

// A row that is no longer where it came to has left since: the log tells later.
Status PartMaker::NoteMoved(const Change& change) {
  if (!change.key_hash) {
    NoteMoved(change.table, change.key);
    return {};
  }
  const TrackedTable* const table = engine_.catalog.Find(change.table);
  if (table == nullptr || change.table > point_.table) return {};
  REJOIN_ASSIGN(const std::optional<Key> key, KeyOfNewRow(engine_, *table, change));
  if (key) NoteMoved(change.table, *key);
  return {};
}

// The scan has yet to come to the tables behind; and records by key do not move.
void PartMaker::NoteMoved(TableNumber number, const Key& key) {
  if (number > point_.table) return;
  const TrackedTable* const table = engine_.catalog.Find(number);
  if (table == nullptr || !table->local || table->shape.kind == KeyKind::kWithoutRowid) return;
  moved_bytes_ += sizeof(TouchedKey) + key.size();
  moved_.push_back({number, key});
}

// Of what the scan is to tell. What is all newer follows by the log.
Result<bool> PartMaker::LacksFromBefore(const TouchedKey& moved) {
  REJOIN_ASSIGN(const LocatedRow row, LoadRow(engine_, *engine_.catalog.Find(moved.table), moved.key));
  const RowState news = Since(row.state, peer_has_);
  if (news.empty()) return false;
  VersionVector afterwards = peer_has_;
  afterwards.Join(point_.vector);
  return !(Since(news, afterwards) == news);
}

bool PartMaker::HasMoved(TableNumber table, ByteView key) const {
  return !moved_.empty() && std::binary_search(moved_.begin(), moved_.end(), TouchedKey{table, Key(key)}, Before);
}

// On from the point, until it is enough.
Status PartMaker::Scan(const VersionVector& known) {
  std::size_t bytes = 0;
  std::uint64_t most_rows = engine_.limits.part_rows;
  for (const auto& table : engine_.catalog.tables()) {
    if (table->number < point_.table) continue;
    if (table->number > point_.table) {
      point_.table = table->number;
      REJOIN_ASSIGN(point_.place, BeginningOf(engine_, *table));
    }
    if (bytes >= target_bytes_ || most_rows == 0) return {};
    RowBatch rows;
    Gathering gathering(rows, bytes, target_bytes_);
    REJOIN_ASSIGN(const bool done, ScanOn(engine_, *table, known, point_.place, most_rows, gathering));
    if (!rows.empty()) found_.push_back({table.get(), std::move(rows)});
    if (!done) return {};
    point_.place = {};  // nothing more in this one
  }
  at_end_ = true;
  return {};
}

Result<PartReport> PartMaker::Middle() {
  PartReport report;
  report.until = EncodeScanPoint(point_);
  report.head = head_;
  report.partial = report.more = true;
  REJOIN_ASSIGN(report.done_permille, DonePermille());
  return Write(std::move(report), {}, {});
}

// By rowids, which are many where rows are; keys tell nothing of how many there are.
Result<std::uint64_t> PartMaker::DonePermille() {
  std::uint64_t all = 0;
  std::uint64_t done = 0;
  for (const auto& table : engine_.catalog.tables()) {
    ScanPlace place;
    REJOIN_ASSIGN(place, BeginningOf(engine_, *table));
    const std::uint64_t rows = place.in_table ? static_cast<std::uint64_t>(std::max<std::int64_t>(place.last_rowid, 1)) : 1;
    all += rows;
    if (table->number < point_.table) done += rows;
    if (table->number != point_.table) continue;
    const std::int64_t at = point_.place.in_table ? point_.place.rowid : place.last_rowid;
    done += std::min(rows, static_cast<std::uint64_t>(std::max<std::int64_t>(at, 0)));
  }
  return PermilleOf(done, all);
}

Result<PartReport> PartMaker::Write(PartReport report, const VersionVector& start,
                                    const VersionVector& end) {
  report.nothing = found_.empty() && moved_.empty() && peer_has_.Covers(end);
  if (report.nothing) return report;
  REJOIN_ASSIGN(const DeltaHeader header, Header(start, end));
  DeltaWriter writer(out_);
  REJOIN_TRY(writer.Begin(header));
  DeltaRows rows(engine_, writer);
  REJOIN_TRY(AddListed(engine_, moved_, peer_has_, rows));
  REJOIN_TRY(AddFound(rows));
  REJOIN_TRY(writer.Finish());
  large_rows_ = rows.large_rows();
  report.rows = writer.rows_written();
  return report;
}

Status PartMaker::AddFound(DeltaRows& rows) {
  for (FoundRows& found : found_) {
    const auto add = [&](auto&& row) -> Status {
      if (HasMoved(found.table->number, row.key)) return {};
      return rows.Add(*found.table, std::forward<decltype(row)>(row));
    };
    REJOIN_TRY(found.rows.ForEach(add));
  }
  return rows.Flush();
}

// Tells only of entries that the peer lacks.
Result<DeltaHeader> PartMaker::Header(const VersionVector& start, const VersionVector& end) {
  DeltaHeader header;
  REJOIN_ASSIGN(header.sender, ReadReplica(engine_));
  REJOIN_ASSIGN(header.room, ReadRoom(engine_));
  for (const auto& [replica, time] : end.entries()) {
    if (peer_has_.Get(replica) >= time) continue;
    header.end.Set(replica, time);
    header.start.Set(replica, start.Get(replica));
  }
  return header;
}

}  // namespace

Result<PartReport> ExtractPartOf(Engine& engine, const PartRequest& request, ByteSink& out) {
  const std::optional<Cursor> cursor = DecodeResumePoint(request.from);
  const std::optional<ScanPoint> scan = DecodeScanPoint(request.from);
  if (!request.from.empty() && !scan && (!cursor || *cursor == Cursor{})) {
    return Fail(Code::kNotCovered, "the resume point is not one of this file; ask with a vector");
  }
  std::vector<LargeRow> large_rows;
  const auto tell = [&](const LogHead& head) {
    PartMaker maker(engine, request, head, out);
    Result<PartReport> part = maker.Make(cursor, scan);
    large_rows = maker.large_rows();
    return part;
  };
  REJOIN_ASSIGN(PartReport part, InPreparedRead(engine, &request.peer_has, tell));
  ListLargeRows(engine, large_rows);
  return part;
}

}  // namespace rejoin
