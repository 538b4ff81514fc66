// Rows on their way into a delta: tables are announced with their first row, and
// rows that come in no order are sorted block by block.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "crdt/delta_codec.h"
#include "crdt/row_check.h"
#include "store/sqlite/large_rows.h"
#include "store/sqlite/row_batch.h"

namespace rejoin {

class DeltaRows {
 public:
  DeltaRows(Engine& engine, DeltaWriter& writer) : engine_(engine), writer_(writer) {}

  // The rows of one table one after another.
  Status Add(const TrackedTable& table, RowDelta&& row);
  Status Add(const TrackedTable& table, const InsertedRow& row);
  // After the last row of a table.
  Status Flush();

  // Present rows of which something stays here; at most kMaxLargeRows.
  const std::vector<LargeRow>& large_rows() const { return large_rows_; }
  static constexpr std::size_t kMaxLargeRows = 1000;

 private:
  struct Announced {
    std::uint32_t index = 0;
    DeltaTable table;
  };
  Result<const Announced*> Announce(const TrackedTable& table);
  void LeaveOut(const TrackedTable& table, RowDelta& row);
  // Of what a delta carries.
  template <class Row>
  Status AddWhole(const TrackedTable& table, Row&& row);
  Status MakeRoomFor(const Announced& announced, const RowSize& size);

  Engine& engine_;
  DeltaWriter& writer_;
  std::map<TableNumber, Announced> announced_;
  // A block's worth of rows of a table whose keys come in no order.
  const Announced* gathering_ = nullptr;
  RowBatch gathered_;
  std::uint64_t gathered_bytes_ = 0;
  std::size_t gathered_parts_ = 0;
  std::vector<LargeRow> large_rows_;
};

// About what it takes in a delta, before compression.
std::size_t WeightOf(const RowDelta& row);
std::size_t WeightOf(const InsertedRow& row);

}  // namespace rejoin
