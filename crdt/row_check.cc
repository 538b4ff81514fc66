#include "crdt/row_check.h"

#include <algorithm>

#include "crdt/delta_format.h"

namespace rejoin {
namespace {

constexpr const char* kColumnOrder = "its cells are not ascending by column";
constexpr const char* kUnknownColumn = "a cell's column is not in its table";

}  // namespace

RowSize SizeOf(const RowDelta& row, const DeltaTable& table) {
  RowSize size;
  size.parts = table.key_parts + row.state.incarnations.size() + row.state.removes.size();
  size.bytes = row.key.size();
  for (const Incarnation& incarnation : row.state.incarnations) {
    size.parts += incarnation.cells.size();
    for (const Cell& cell : incarnation.cells) {
      size.bytes += cell.value.size_bytes();
      size.largest_cell_bytes =
          std::max<std::uint64_t>(size.largest_cell_bytes, cell.value.bytes.size());
    }
  }
  return size;
}

RowSize SizeOf(const InsertedRow& row, const DeltaTable& table) {
  RowSize size;
  size.parts = table.key_parts + 1 + row.values.size();
  size.bytes = row.key.size();
  for (const ValueView& value : row.values) {
    size.bytes += value.size_bytes();
    size.largest_cell_bytes = std::max<std::uint64_t>(size.largest_cell_bytes, value.bytes.size());
  }
  return size;
}

bool ReadKey(ByteView key, std::size_t key_parts, std::vector<ValueView>& values) {
  values.clear();
  ByteReader reader(key);
  for (std::size_t i = 0; i < key_parts; ++i) {
    const std::optional<ValueView> part = ReadKeyPart(reader);
    if (!part) return false;
    values.push_back(*part);
  }
  return reader.AtEnd();
}

Status RowChecker::CheckStamp(const Stamp& stamp, Code blame) {
  if (stamp.rank > Rank::kWritten) {
    return Fail(Code::kUnsupported,
                "it has a stamp of rank " + std::to_string(static_cast<int>(stamp.rank)) +
                    ", which this Rejoin does not know; update Rejoin");
  }
  if (stamp.time == HybridTimestamp{}) return Fail(blame, "it has a stamp without a time");
  last_good_ = stamp;
  return {};
}

Status RowChecker::Check(const InsertedRow& row, std::size_t columns, Code blame) {
  if (row.columns.size() != row.values.size()) return Fail(blame, "it has not one value for each column");
  if (!IsKnownGood(row.birth)) REJOIN_TRY(CheckStamp(row.birth, blame));
  std::uint64_t next_column = 0;
  for (const ColumnId column : row.columns) {
    if (column < next_column) return Fail(blame, kColumnOrder);
    if (column >= columns) return Fail(blame, kUnknownColumn);
    next_column = std::uint64_t{column} + 1;
  }
  return {};
}

Status RowChecker::Check(const RowState& state, std::size_t columns, Code blame) {
  if (state.empty()) return Fail(blame, "it says nothing");
  const Incarnation* before = nullptr;
  for (const Incarnation& incarnation : state.incarnations) {
    if (before != nullptr && !(before->birth < incarnation.birth)) {
      return Fail(blame, "its incarnations are not ascending by birth");
    }
    before = &incarnation;
    if (!IsKnownGood(incarnation.birth)) REJOIN_TRY(CheckStamp(incarnation.birth, blame));
    std::uint64_t next_column = 0;
    for (const Cell& cell : incarnation.cells) {
      if (cell.column < next_column) return Fail(blame, kColumnOrder);
      if (cell.column >= columns) return Fail(blame, kUnknownColumn);
      next_column = std::uint64_t{cell.column} + 1;
      if (!IsKnownGood(cell.stamp)) REJOIN_TRY(CheckStamp(cell.stamp, blame));
    }
  }
  const Remove* removed = nullptr;
  for (const Remove& remove : state.removes) {
    if (removed != nullptr && !(removed->replica < remove.replica)) {
      return Fail(blame, "its removes are not ascending by replica");
    }
    removed = &remove;
    if (remove.tag == HybridTimestamp{}) return Fail(blame, "a remove has observed nothing");
    if (!IsKnownGood(remove.stamp)) REJOIN_TRY(CheckStamp(remove.stamp, blame));
  }
  return {};
}

}  // namespace rejoin
