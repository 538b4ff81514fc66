#include "store/sqlite/extract_rows.h"

#include <algorithm>

#include "crdt/delta_format.h"

namespace rejoin {
namespace {

constexpr std::size_t kStampBytes = 16;

}  // namespace

Result<const DeltaRows::Announced*> DeltaRows::Announce(const TrackedTable& table) {
  const auto known = announced_.find(table.number);
  if (known != announced_.end()) return &known->second;
  Announced announced{0, {table.name, table.rules, table.key_parts, {}}};
  for (const TrackedColumn& column : table.columns) announced.table.columns.push_back(column.name);
  REJOIN_ASSIGN(announced.index, writer_.AddTable(announced.table));
  return &announced_.emplace(table.number, std::move(announced)).first->second;
}

void DeltaRows::LeaveOut(const TrackedTable& table, RowDelta& row) {
  const Large what = FindLarge(engine_.limits, row.key, row.state);
  if (what == Large::kNothing) return;
  if (IsPresent(row.state, table.rules) && large_rows_.size() < kMaxLargeRows) {
    large_rows_.push_back({table.number, row.key, what});
  }
  LeaveOutLarge(engine_.limits, row);
}

Status DeltaRows::Add(const TrackedTable& table, RowDelta&& row) {
  LeaveOut(table, row);
  if (row.state.empty()) return {};
  return AddWhole(table, std::move(row));
}

Status DeltaRows::Add(const TrackedTable& table, const InsertedRow& row) {
  if (IsAnythingLarge(engine_.limits, row)) return Add(table, RowDeltaOf(row));
  return AddWhole(table, row);
}

template <class Row>
Status DeltaRows::AddWhole(const TrackedTable& table, Row&& row) {
  REJOIN_ASSIGN(const Announced* const announced, Announce(table));
  const bool ordered = !table.local || table.shape.kind != KeyKind::kIndexed;
  if (ordered) return writer_.Add(announced->index, row);
  REJOIN_TRY(MakeRoomFor(*announced, SizeOf(row, announced->table)));
  gathered_.Add(std::forward<Row>(row));
  return {};
}

// The writer closes a block when it is full by the same count.
Status DeltaRows::MakeRoomFor(const Announced& announced, const RowSize& size) {
  const bool full = gathered_bytes_ + size.bytes > kBlockTargetBytes ||
                    gathered_parts_ + size.parts > kMaxBlockParts || gathered_.size() == kMaxBlockRows;
  if (full || gathering_ != &announced) REJOIN_TRY(Flush());
  gathering_ = &announced;
  gathered_bytes_ += size.bytes;
  gathered_parts_ += size.parts;
  return {};
}

Status DeltaRows::Flush() {
  gathered_.SortByKey();
  REJOIN_TRY(gathered_.ForEach([this](const auto& row) { return writer_.Add(gathering_->index, row); }));
  gathered_.Clear();
  gathered_bytes_ = 0;
  gathered_parts_ = 0;
  return {};
}

std::size_t WeightOf(const RowDelta& row) {
  std::size_t bytes = row.key.size() + row.state.removes.size() * kStampBytes;
  for (const Incarnation& incarnation : row.state.incarnations) {
    bytes += kStampBytes;
    for (const Cell& cell : incarnation.cells) bytes += cell.value.size_bytes();
  }
  return bytes;
}

std::size_t WeightOf(const InsertedRow& row) {
  std::size_t bytes = row.key.size() + kStampBytes;
  for (const ValueView& value : row.values) bytes += value.size_bytes();
  return bytes;
}

}  // namespace rejoin
