#include "store/sqlite/extract_rows.h"

#include <algorithm>

#include "crdt/delta_format.h"
#include "crdt/row_check.h"

namespace rejoin {

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

Status DeltaRows::Add(const TrackedTable& table, RowDelta row) {
  LeaveOut(table, row);
  if (row.state.empty()) return {};
  REJOIN_ASSIGN(const Announced* const announced, Announce(table));
  const bool ordered = !table.local || table.shape.kind != KeyKind::kIndexed;
  if (ordered) return writer_.Add(announced->index, std::move(row));

  // The writer closes a block when it is full by the same count.
  const RowSize size = SizeOf(row, announced->table);
  const bool full = gathered_bytes_ + size.bytes > kBlockTargetBytes ||
                    gathered_parts_ + size.parts > kMaxBlockParts || gathered_.size() == kMaxBlockRows;
  if (full || gathering_ != announced) REJOIN_TRY(Flush());
  gathering_ = announced;
  gathered_bytes_ += size.bytes;
  gathered_parts_ += size.parts;
  gathered_.push_back(std::move(row));
  return {};
}

Status DeltaRows::Flush() {
  std::sort(gathered_.begin(), gathered_.end(),
            [](const RowDelta& a, const RowDelta& b) { return a.key < b.key; });
  for (RowDelta& row : gathered_) REJOIN_TRY(writer_.Add(gathering_->index, std::move(row)));
  gathered_.clear();
  gathered_bytes_ = 0;
  gathered_parts_ = 0;
  return {};
}

std::size_t WeightOf(const RowDelta& row) {
  constexpr std::size_t kStampBytes = 16;
  std::size_t bytes = row.key.size() + row.state.removes.size() * kStampBytes;
  for (const Incarnation& incarnation : row.state.incarnations) {
    bytes += kStampBytes;
    for (const Cell& cell : incarnation.cells) bytes += cell.value.size_bytes();
  }
  return bytes;
}

}  // namespace rejoin
