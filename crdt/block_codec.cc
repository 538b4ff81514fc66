#include "crdt/block_codec.h"

#include <algorithm>
#include <string>

#include "crdt/delta_format.h"
#include "crdt/section.h"

namespace rejoin {

bool BlockBuilder::HasRoomFor(const RowSize& size) const {
  return rows_ < kMaxBlockRows && parts_ + size.parts <= kMaxBlockParts &&
         bytes_ + size.bytes <= kBlockTargetBytes;
}

void BlockBuilder::AddKey(std::uint32_t table, const std::vector<ValueView>& values, ByteView key,
                          const RowSize& size) {
  table_ = table;
  ++rows_;
  parts_ += size.parts;
  bytes_ += size.bytes;
  last_key_ = key;
  if (keys_.size() < values.size()) keys_.resize(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) keys_[i].Append(values[i]);
}

void BlockBuilder::AddCell(ColumnId column, const ValueView& value) {
  if (values_.size() <= column) values_.resize(std::size_t{column} + 1);
  ValueColumn& of_column = values_[column];
  if (of_column.size() == 0) used_columns_.push_back(column);
  of_column.Append(value);
}

void BlockBuilder::Add(std::uint32_t table, const std::vector<ValueView>& key_values, const RowDelta& row,
                       const RowSize& size) {
  AddKey(table, key_values, row.key, size);
  states_.Append(row.state);
  for (const Incarnation& incarnation : row.state.incarnations) {
    for (const Cell& cell : incarnation.cells) AddCell(cell.column, cell.value);
  }
}

void BlockBuilder::Add(std::uint32_t table, const std::vector<ValueView>& key_values, const InsertedRow& row,
                       const RowSize& size) {
  AddKey(table, key_values, row.key, size);
  states_.AppendInserted(row.birth, row.columns);
  for (std::size_t i = 0; i < row.columns.size(); ++i) AddCell(row.columns[i], row.values[i]);
}

Bytes BlockBuilder::EncodeKeys() {
  Bytes raw;
  for (ValueColumn& column : keys_) {
    if (column.size() == 0) continue;  // of a table with longer keys
    column.Encode(raw);
    column.Clear();
  }
  return raw;
}

Bytes BlockBuilder::EncodeStates() {
  Bytes raw;
  states_.Encode(raw);
  states_.Clear();
  return raw;
}

Bytes BlockBuilder::EncodeValues() {
  Bytes raw;
  raw.reserve(static_cast<std::size_t>(bytes_));  // more than enough: a value counts 8 bytes more
  std::sort(used_columns_.begin(), used_columns_.end());
  for (const ColumnId column : used_columns_) {
    values_[column].Encode(raw);
    values_[column].Clear();
  }
  used_columns_.clear();
  return raw;
}

namespace {

void PutPart(Compressor& compressor, const Bytes& raw, Bytes& out) {
  const Bytes packed = raw.size() < kMinCompressBytes ? raw : compressor.Compress(raw);
  const bool smaller = packed.size() < raw.size();
  out.push_back(static_cast<char>(smaller ? PartEncoding::kZstd : PartEncoding::kRaw));
  PutVarint(out, raw.size());
  if (smaller) {
    PutBytes(out, packed);
  } else {
    out.append(raw);
  }
}

// A part expanded; `storage` holds it where it was compressed.
Result<ByteView> ReadPart(ByteReader& reader, Bytes& storage, std::size_t& budget_bytes) {
  const std::uint8_t encoding = reader.Byte();
  const std::uint64_t raw_bytes = reader.Varint();
  if (!reader.ok()) return Damaged("a block ends early");
  if (encoding > static_cast<std::uint8_t>(PartEncoding::kZstd)) {
    return Fail(Code::kUnsupported, "the delta has a block of encoding " +
                                        std::to_string(encoding) +
                                        ", which this Rejoin does not know; update Rejoin");
  }
  if (raw_bytes > budget_bytes) {
    return Damaged("a block expands to more than the " + std::to_string(kMaxBlockBytes) +
                   " bytes that it may");
  }
  const auto size = static_cast<std::size_t>(raw_bytes);
  budget_bytes -= size;
  if (encoding == static_cast<std::uint8_t>(PartEncoding::kRaw)) {
    const ByteView raw = reader.Raw(size);
    if (!reader.ok()) return Damaged("a block ends early");
    return raw;
  }
  const ByteView packed = reader.LengthPrefixed();
  if (!reader.ok()) return Damaged("a block ends early");
  REJOIN_ASSIGN(storage, Decompress(packed, size));
  return ByteView(storage);
}

Status ReadKeys(ByteView raw, std::size_t key_parts, std::vector<RowDelta>& rows) {
  std::vector<DecodedColumn> columns(key_parts);
  ByteReader reader(raw);
  for (DecodedColumn& column : columns) {
    REJOIN_TRY(ReadValueColumn(reader, rows.size(), column));
  }
  if (!reader.AtEnd()) return Damaged("bytes follow a block's keys");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Key& key = rows[i].key;
    std::size_t key_bytes = 0;
    for (const DecodedColumn& column : columns) key_bytes += 9 + column.values[i].bytes.size();
    key.reserve(key_bytes);
    for (const DecodedColumn& column : columns) {
      if (column.values[i].type == ValueType::kNull) return Damaged("a key contains NULL");
      AppendKeyPart(key, column.values[i]);
    }
    if (i > 0 && !(rows[i - 1].key < key)) return Damaged("a block's keys are not ascending");
  }
  return {};
}

Status CheckRows(const DeltaBlock& block, const DeltaTable& table, RowChecker& checker) {
  for (const RowDelta& row : block.rows) {
    const Status good = checker.Check(row.state, table.columns.size(), Code::kCorrupt);
    if (good) continue;
    if (good.error().code != Code::kCorrupt) return good;
    return Damaged("in a row of table " + table.name + ", " + good.error().message);
  }
  return {};
}

}  // namespace

Bytes BlockBuilder::Take() {
  Bytes body;
  PutVarint(body, table_);
  PutVarint(body, rows_);
  PutPart(compressor_, EncodeKeys(), body);
  PutPart(compressor_, EncodeStates(), body);
  PutPart(compressor_, EncodeValues(), body);
  rows_ = 0;
  parts_ = 0;
  bytes_ = 0;
  return body;
}

Result<DeltaBlock> ReadBlock(ByteView body, const std::vector<DeltaTable>& tables,
                             const VersionVector& end, RowChecker& checker) {
  ByteReader reader(body);
  const std::uint64_t index = reader.Varint();
  const auto count = static_cast<std::size_t>(reader.VarintUpTo(kMaxBlockRows));
  if (!reader.ok() || count == 0) return Damaged("a block has an impossible number of rows");
  if (index >= tables.size()) return Damaged("a block is of a table that was not announced");
  DeltaBlock block;
  block.table = static_cast<std::uint32_t>(index);
  const DeltaTable& table = tables[block.table];
  if (count * table.key_parts > kMaxBlockParts) return Damaged("a block has too many key values");

  std::size_t budget_bytes = kMaxBlockBytes;
  Bytes storage;
  REJOIN_ASSIGN(const ByteView keys, ReadPart(reader, storage, budget_bytes));
  // Each key value takes a byte at least: the rows are believed from here on.
  if (keys.size() < count) return Damaged("a block has fewer keys than rows");
  block.rows.resize(count);
  REJOIN_TRY(ReadKeys(keys, table.key_parts, block.rows));

  Bytes state_storage;
  REJOIN_ASSIGN(const ByteView states, ReadPart(reader, state_storage, budget_bytes));
  REJOIN_ASSIGN(const ByteView values, ReadPart(reader, storage, budget_bytes));
  if (!reader.AtEnd()) return Damaged("bytes follow a block's parts");
  REJOIN_TRY(ReadStateColumns(states, values, end, table.columns.size(), block.rows));
  REJOIN_TRY(CheckRows(block, table, checker));
  return block;
}

}  // namespace rejoin
