#include <optional>
#include <string>
#include <unordered_set>

#include "crdt/block_codec.h"
#include "crdt/delta_codec.h"
#include "crdt/delta_format.h"
#include "crdt/row_check.h"
#include "crdt/section.h"

namespace rejoin {
namespace {

tl::unexpected<Error> Misuse(const std::string& what) {
  return Fail(Code::kInvalidArgument, what);
}

tl::unexpected<Error> PastLimit(const char* what, std::uint64_t value, std::uint64_t limit) {
  return Fail(Code::kLimit, std::string(what) + " is " + std::to_string(value) +
                                ", and a delta carries " + std::to_string(limit) + " at most");
}

// Start and end share one list of replicas, and the end is told as what it is
// ahead: one that does not cover its start cannot be written.
Bytes EncodeHeader(const DeltaHeader& header) {
  Bytes body(header.sender.View());
  body.append(reinterpret_cast<const char*>(header.room.bytes.data()), header.room.bytes.size());
  PutVarint(body, header.scope);
  const auto& entries = header.end.entries();
  PutVarint(body, entries.size());
  for (const auto& entry : entries) body.append(entry.first.View());
  for (const auto& entry : entries) PutVarint(body, header.start.Get(entry.first).value);
  for (const auto& entry : entries) {
    PutVarint(body, entry.second.value - header.start.Get(entry.first).value);
  }
  return body;
}

Bytes EncodeTable(const DeltaTable& table) {
  Bytes body;
  PutBytes(body, table.name);
  PutVarint(body, static_cast<std::uint64_t>(table.rules.same_key));
  PutVarint(body, table.rules.delete_wins ? 1 : 0);
  PutVarint(body, table.key_parts);
  PutVarint(body, table.columns.size());
  for (const std::string& column : table.columns) {
    body.push_back(static_cast<char>(kColumnKindLwwRegister));
    PutBytes(body, column);
  }
  return body;
}

Status CheckTable(const DeltaTable& table) {
  if (table.key_parts == 0) return Misuse("table " + table.name + " has no key");
  if (table.key_parts > kMaxKeyParts) {
    return PastLimit("the number of key columns", table.key_parts, kMaxKeyParts);
  }
  if (table.columns.size() > kMaxColumns) {
    return PastLimit("the number of columns", table.columns.size(), kMaxColumns);
  }
  if (table.name.size() > kMaxNameBytes) {
    return PastLimit("the length of a table's name in bytes", table.name.size(), kMaxNameBytes);
  }
  std::unordered_set<std::string_view> names;
  for (const std::string& column : table.columns) {
    if (column.size() > kMaxNameBytes) {
      return PastLimit("the length of a column's name in bytes", column.size(), kMaxNameBytes);
    }
    if (!names.insert(column).second) {
      return Misuse("table " + table.name + " has column " + column + " twice");
    }
  }
  return {};
}

}  // namespace

struct DeltaWriter::Impl {
  explicit Impl(ByteSink& sink) : sections(sink) {}

  Status Flush() {
    if (!block || block->empty()) return {};
    return Write(SectionType::kRows, block->Take());
  }

  // A sink that failed once has a gap: nothing may follow.
  Status Write(SectionType type, ByteView body) {
    const Status written = sections.Write(static_cast<std::uint8_t>(type), body);
    if (!written) failed = written;
    return written;
  }

  Status Ready() const {
    if (!failed) return failed;
    if (!block) return Misuse("a delta is begun before anything is added to it");
    if (finished) return Misuse("the delta is finished; nothing can be added to it");
    return {};
  }

  // Fills key_values.
  template <class Row>
  Status CheckRow(const DeltaTable& table, const Row& row, const RowSize& size) {
    if (!ReadKey(row.key, table.key_parts, key_values)) {
      return Misuse("a row of table " + table.name + " is refused: its key is not " +
                    std::to_string(table.key_parts) + " values as EncodeKey spells them");
    }
    if (size.parts > kMaxBlockParts) {
      return PastLimit("the number of cells of a row", size.parts, kMaxBlockParts);
    }
    if (size.largest_cell_bytes > kMaxCellBytes || row.key.size() > kMaxCellBytes) {
      return PastLimit("the size of a value in bytes",
                       std::max<std::uint64_t>(size.largest_cell_bytes, row.key.size()),
                       kMaxCellBytes);
    }
    if (size.bytes > kMaxRowBytes) {
      return PastLimit("the size of a row in bytes", size.bytes, kMaxRowBytes);
    }
    const Status good = CheckState(row, table.columns.size());
    if (good) return {};
    return Fail(good.error().code,
                "a row of table " + table.name + " is refused: " + good.error().message);
  }
  Status CheckState(const RowDelta& row, std::size_t columns) {
    return checker.Check(row.state, columns, Code::kInvalidArgument);
  }
  Status CheckState(const InsertedRow& row, std::size_t columns) {
    return checker.Check(row, columns, Code::kInvalidArgument);
  }

  template <class Row>
  Status Add(std::uint32_t table, const Row& row) {
    REJOIN_TRY(Ready());
    if (table >= tables.size()) return Misuse("a row is of a table that was not added");
    const DeltaTable& its_table = tables[table];
    const RowSize size = SizeOf(row, its_table);
    REJOIN_TRY(CheckRow(its_table, row, size));
    if (!block->empty()) {
      const bool same_table = block->table() == table;
      if (same_table && block->last_key() == row.key) {
        return Misuse("a row of table " + its_table.name + " is added twice");
      }
      const bool ascending = same_table && block->last_key() < row.key;
      if (!ascending || !block->HasRoomFor(size)) REJOIN_TRY(Flush());
    }
    block->Add(table, key_values, row, size);
    ++rows;
    return {};
  }

  SectionWriter sections;
  Status failed;
  bool finished = false;
  RowChecker checker;
  std::vector<ValueView> key_values;  // of the row at hand
  std::optional<BlockBuilder> block;  // there once the delta is begun
  std::vector<DeltaTable> tables;
  std::unordered_set<std::string> names;
  std::uint64_t dictionary_bytes = 0;
  std::uint64_t rows = 0;
};

DeltaWriter::DeltaWriter(ByteSink& sink) : impl_(std::make_unique<Impl>(sink)) {}
DeltaWriter::~DeltaWriter() = default;

Status DeltaWriter::Begin(const DeltaHeader& header) {
  if (impl_->block) return Misuse("a delta is begun once");
  if (header.scope != 0) return Misuse("scopes other than 0 are reserved");
  if (!header.end.Covers(header.start)) {
    return Misuse("the delta's end does not cover its start");
  }
  const Bytes body = EncodeHeader(header);
  if (body.size() > kMaxSectionBytes) {
    return PastLimit("the size of the vectors in bytes", body.size(), kMaxSectionBytes);
  }
  impl_->block.emplace(header.end);
  impl_->failed = impl_->sections.Prelude(0, 0);
  REJOIN_TRY(Status(impl_->failed));
  return impl_->Write(SectionType::kHeader, body);
}

Result<std::uint32_t> DeltaWriter::AddTable(const DeltaTable& table) {
  Impl& impl = *impl_;
  REJOIN_TRY(impl.Ready());
  REJOIN_TRY(CheckTable(table));
  if (impl.names.count(table.name) != 0) return Misuse("table " + table.name + " is added twice");
  if (impl.tables.size() == kMaxTables) {
    return PastLimit("the number of tables", impl.tables.size() + 1, kMaxTables);
  }
  const Bytes body = EncodeTable(table);
  if (impl.dictionary_bytes + body.size() > kMaxDictionaryBytes) {
    return PastLimit("the size of all table and column names in bytes",
                     impl.dictionary_bytes + body.size(), kMaxDictionaryBytes);
  }
  impl.dictionary_bytes += body.size();
  impl.names.insert(table.name);
  impl.tables.push_back(table);
  REJOIN_TRY(impl.Write(SectionType::kTable, body));
  return static_cast<std::uint32_t>(impl.tables.size() - 1);
}

Status DeltaWriter::Add(std::uint32_t table, const RowDelta& row) { return impl_->Add(table, row); }
Status DeltaWriter::Add(std::uint32_t table, const InsertedRow& row) { return impl_->Add(table, row); }

Status DeltaWriter::Finish() {
  Impl& impl = *impl_;
  REJOIN_TRY(impl.Ready());
  REJOIN_TRY(impl.Flush());
  Bytes body;
  PutVarint(body, impl.sections.count());
  PutVarint(body, impl.rows);
  impl.finished = true;
  return impl.Write(SectionType::kEnd, body);
}

std::uint64_t DeltaWriter::rows_written() const { return impl_->rows; }

}  // namespace rejoin
