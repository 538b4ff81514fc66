// The body of a rows section: one block of rows of one table, as three parts,
// each compressed by itself where that makes it smaller.
//
//   rows := table count keys states values
//   part := encoding raw-length [stored-length] bytes
//
// keys: a column per key value. states: crdt/state_columns.h. values: for each
// column that any row has a cell of, ascending, those cells in the order of the
// rows. Grammar and worked bytes: docs/format.md. Thread-compatible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/os.h"
#include "crdt/delta.h"
#include "crdt/delta_format.h"
#include "crdt/row_check.h"
#include "crdt/state_columns.h"
#include "crdt/value_column.h"

namespace rejoin {

// Gathers rows, which have passed RowChecker and come ascending by key.
class BlockBuilder {
 public:
  // `known`: what the delta's header lists.
  explicit BlockBuilder(const VersionVector& known) : states_(known) {}

  bool empty() const { return rows_ == 0; }
  // Whether a row of that size still belongs into this block.
  bool HasRoomFor(const RowSize& size) const;
  const Key& last_key() const { return last_key_; }
  std::uint32_t table() const { return table_; }

  // All rows of a block are of one table. `key_values`: those of the row's key.
  void Add(std::uint32_t table, const std::vector<ValueView>& key_values, const RowDelta& row, const RowSize& size);
  void Add(std::uint32_t table, const std::vector<ValueView>& key_values, const InsertedRow& row, const RowSize& size);
  // The encoded block; leaves the builder empty. Not for an empty one.
  Bytes Take();

 private:
  void AddKey(std::uint32_t table, const std::vector<ValueView>& values, ByteView key, const RowSize& size);
  void AddCell(ColumnId column, const ValueView& value);
  Bytes EncodeKeys();
  Bytes EncodeStates();
  Bytes EncodeValues();

  std::uint32_t table_ = 0;
  std::size_t rows_ = 0;
  std::size_t parts_ = 0;
  std::uint64_t bytes_ = 0;
  Key last_key_;
  std::vector<ValueColumn> keys_;
  StateColumns states_;
  std::vector<ValueColumn> values_;    // by ColumnId
  std::vector<ColumnId> used_columns_;  // those of values_ that are not empty
  Compressor compressor_{kDeltaZstdLevel};
};

// Reads a rows section. What comes out is ordered and within `tables`. `end`: what
// the header lists. kCorrupt or kUnsupported.
Result<DeltaBlock> ReadBlock(ByteView body, const std::vector<DeltaTable>& tables,
                             const VersionVector& end, RowChecker& checker);

}  // namespace rejoin
