#include "store/rows/row_merge.h"

#include <algorithm>
#include <vector>

#include "crdt/delta_format.h"
#include "crdt/row_check.h"
#include "store/rows/peer_table.h"
#include "store/rows/state_record.h"

namespace rejoin {
namespace {

constexpr char kFind[] =
    "SELECT position, state FROM {s}.row WHERE room_table = ?1 AND key = ?2";
constexpr char kAppend[] =
    "INSERT INTO {s}.row(position, room_table, key, state) VALUES (?1, ?2, ?3, ?4)";
constexpr char kMove[] = "UPDATE {s}.row SET position = ?2, state = ?3 WHERE position = ?1";

// The rows of one delta. Holds its statements for all of them.
class RowJoiner {
 public:
  // Takes no stamp later than `newest`, unless the file covers it.
  static Result<RowJoiner> Begin(RowFile& file, HybridTimestamp newest) {
    REJOIN_ASSIGN(CachedStatement find, file.db().Cached(kFind));
    REJOIN_ASSIGN(CachedStatement append, file.db().Cached(kAppend));
    REJOIN_ASSIGN(CachedStatement move, file.db().Cached(kMove));
    return RowJoiner(file, newest, std::move(find), std::move(append), std::move(move));
  }

  // `tables`: those announced so far, as the reader has them.
  Status Join(DeltaBlock block, const std::vector<DeltaTable>& tables) {
    while (targets_.size() < tables.size()) REJOIN_TRY(AddTarget(tables[targets_.size()]));
    for (RowDelta& row : block.rows) REJOIN_TRY(Join(targets_[block.table], row));
    return {};
  }

  const MergeReport& report() const { return report_; }
  std::uint64_t head() const { return head_; }
  HybridTimestamp latest_time() const { return latest_time_; }

 private:
  // A table of the delta, and what it is here.
  struct Target {
    const RoomTable* table = nullptr;
    std::vector<ColumnId> columns;  // of the delta's column i
    bool same_numbers = true;       // columns[i] == i throughout
  };

  RowJoiner(RowFile& file, HybridTimestamp newest, CachedStatement find, CachedStatement append,
            CachedStatement move)
      : file_(file),
        newest_(newest),
        find_(std::move(find)),
        append_(std::move(append)),
        move_(std::move(move)),
        head_(file.catalog.head()) {}

  Status AddTarget(const DeltaTable& from) {
    Target target;
    REJOIN_ASSIGN(target.table, file_.catalog.Intern(from));
    for (const std::string& name : from.columns) {
      const ColumnId ours = target.table->columns.at(name);
      target.same_numbers = target.same_numbers && ours == target.columns.size();
      target.columns.push_back(ours);
    }
    targets_.push_back(std::move(target));
    return {};
  }

  Status Join(const Target& target, RowDelta& row) {
    if (!target.same_numbers) RenumberColumns(row.state, target.columns);
    if (LatestTime(row.state) > newest_) Cut(row.state);
    if (row.state.empty()) return {};
    latest_time_ = std::max(latest_time_, LatestTime(row.state));
    const RoomTable& table = *target.table;
    find_->Reset();
    find_->Bind(1, std::int64_t{table.number}).BindBlob(2, row.key);
    REJOIN_ASSIGN(const bool found, find_->Step());
    if (!found) return Append(table, row);

    const std::uint64_t position = find_->Unsigned(0);
    REJOIN_ASSIGN(RowState state, DecodeState(file_.catalog, table, find_->Text(1)));
    const JoinOutcome outcome = rejoin::Join(state, row.state);
    if (outcome.duplicate_dot) ++report_.duplicate_dots;
    if (!outcome.rose) return {};
    row.state = std::move(state);
    find_->Reset();  // or the row would be read while it moves
    return Move(table, position, row);
  }

  void Cut(RowState& state) {
    const std::optional<Stamp> cut = CutLater(state, newest_, file_.catalog.vector());
    if (cut) report_.NoteTooNew(cut->replica, cut->time);
  }

  Status Append(const RoomTable& table, const RowDelta& row) {
    REJOIN_ASSIGN(const Bytes state, Changed(table, row));
    append_->Bind(1, ++head_).Bind(2, std::int64_t{table.number});
    append_->BindBlob(3, row.key).BindBlob(4, state);
    return append_->Run();
  }

  Status Move(const RoomTable& table, std::uint64_t position, const RowDelta& row) {
    REJOIN_ASSIGN(const Bytes state, Changed(table, row));
    move_->Bind(1, position).Bind(2, ++head_).BindBlob(3, state);
    return move_->Run();
  }

  Result<Bytes> Changed(const RoomTable& table, const RowDelta& row) {
    // A row that no delta can carry would stop everybody from syncing; refusing stops
    // only who makes it so large.
    const RowSize size = SizeOf(row, table.definition);
    if (size.parts > kMaxBlockParts || size.bytes > kMaxRowBytes) {
      return Fail(Code::kLimit,
                  "a row of table " + table.definition.name + " would have " +
                      std::to_string(size.parts) + " cells and " + std::to_string(size.bytes) +
                      " bytes here, and a delta carries " + std::to_string(kMaxBlockParts) +
                      " and " + std::to_string(kMaxRowBytes) + " at most");
    }
    ++report_.rows_changed;
    const RowRules rules = table.definition.rules;
    if (row.state.incarnations.size() > 1 && HasKeyClash(row.state, rules)) ++report_.conflicts;
    return EncodeState(file_.catalog, row.state);
  }

  RowFile& file_;
  HybridTimestamp newest_;
  CachedStatement find_, append_, move_;
  std::vector<Target> targets_;
  MergeReport report_;
  std::uint64_t head_;
  HybridTimestamp latest_time_;
};

// A point proves that everything up to it was joined, so what comes after it may
// be. So does a vector that covers the delta's start; but a part in the middle of a
// first sync has none, nor has one that claims nothing, and an empty one proves nothing.
Status CheckInterval(RowFile& file, const DeltaHeader& header, const PartOrigin* origin) {
  const bool partial = origin != nullptr && origin->partial;
  if (origin != nullptr && !origin->from.empty()) {
    REJOIN_ASSIGN(const ResumePoint point, ReadPoint(file.db(), origin->peer));
    if (point == origin->from) return {};
    if (partial || header.end.empty()) {
      return Fail(Code::kNotCovered,
                  "the part follows one that this store has not joined; ask for it from the point "
                  "where this store is");
    }
  }
  if (file.catalog.vector().Covers(header.start)) return {};
  return Fail(Code::kNotCovered,
              "the delta starts after what this store holds, so changes in between would be lost; ask "
              "its sender for what this store's vector lacks");
}

}  // namespace

Status EnterRoom(RowCatalog& catalog, const RoomId& room) {
  if (!room.IsSet() || room == catalog.room()) return {};
  if (!catalog.room().IsSet()) return catalog.SetRoom(room);
  return Fail(Code::kForeignRoom,
              "the delta belongs to another room than this hub's file; check the address, for joining "
              "two rooms has to be asked for");
}

Result<MergeReport> MergeRows(RowFile& file, RowWriting& writing, ByteSource& in,
                              const PartOrigin* origin) {
  RowCatalog& catalog = file.catalog;
  DeltaReader reader(in);
  REJOIN_ASSIGN(const DeltaHeader header, reader.Begin());
  REJOIN_TRY(EnterRoom(catalog, header.room));
  REJOIN_TRY(CheckInterval(file, header, origin));
  REJOIN_TRY(writing.EnsureEpoch());

  const HybridTimestamp newest = origin == nullptr ? HybridTimestamp{~std::uint64_t{0}} : origin->newest;
  REJOIN_ASSIGN(RowJoiner joiner, RowJoiner::Begin(file, newest));
  for (;;) {
    REJOIN_ASSIGN(std::optional<DeltaBlock> block, reader.NextBlock());
    if (!block) break;
    REJOIN_TRY(joiner.Join(std::move(*block), reader.tables()));
  }

  MergeReport report = joiner.report();
  report.sender_has = header.end;
  // A delta may end at a time that no row of it has.
  for (const auto& [replica, time] : header.end.entries()) {
    if (time > newest && time > catalog.vector().Get(replica)) report.NoteTooNew(replica, time);
  }
  std::uint64_t head = joiner.head();
  HybridTimestamp clock = joiner.latest_time();
  const bool partial = origin != nullptr && origin->partial;
  if (!partial && !report.too_new && !catalog.vector().Covers(header.end)) {
    for (const auto& [replica, time] : header.end.entries()) clock = std::max(clock, time);
    REJOIN_TRY(catalog.Raise(header.end));
    // A vector that rose is news too, for peers that wait for the head to move.
    if (head == catalog.head()) ++head;
  }
  REJOIN_TRY(catalog.SetOrder(head, clock));
  if (origin != nullptr && !report.too_new) {
    REJOIN_TRY(WritePoint(file.db(), origin->peer, origin->until));
  }
  return report;
}

}  // namespace rejoin
