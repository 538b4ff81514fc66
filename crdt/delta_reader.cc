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

tl::unexpected<Error> NotKnown(const std::string& what) {
  return Fail(Code::kUnsupported,
              "the delta has " + what + ", which this Rejoin does not know; update Rejoin");
}

Result<DeltaHeader> ParseHeader(ByteView body) {
  ByteReader reader(body);
  DeltaHeader header;
  const auto sender = ReplicaId::FromBytes(reader.Raw(header.sender.bytes.size()));
  const auto room = ReplicaId::FromBytes(reader.Raw(header.room.bytes.size()));
  header.scope = reader.Varint();
  constexpr std::size_t kEntryBytes = sizeof(ReplicaId) + 2;  // at least
  const auto count =
      static_cast<std::size_t>(reader.VarintUpTo(reader.remaining() / kEntryBytes));
  if (!reader.ok() || !sender || !room) return Damaged("its header is incomplete");
  if (header.scope != 0) return NotKnown("scope " + std::to_string(header.scope));
  header.sender = *sender;
  header.room.bytes = room->bytes;

  std::vector<VersionVector::Entry> starts(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto replica = ReplicaId::FromBytes(reader.Raw(sizeof(ReplicaId)));
    if (!replica) return Damaged("its header is incomplete");
    starts[i].first = *replica;
    if (i > 0 && !(starts[i - 1].first < starts[i].first)) {
      return Damaged("the replicas of its header are not ascending");
    }
  }
  for (auto& start : starts) start.second.value = reader.Varint();
  for (const auto& [replica, start] : starts) {
    const std::uint64_t ahead = reader.VarintUpTo(~std::uint64_t{0} - start.value);
    if (reader.ok() && start.value + ahead == 0) return Damaged("its header has an entry of 0");
    header.start.Set(replica, start);
    header.end.Set(replica, HybridTimestamp{start.value + ahead});
  }
  if (!reader.AtEnd()) return Damaged("its header has not the length that its content has");
  return header;
}

Status ParseColumns(ByteReader& reader, DeltaTable& table) {
  const std::uint64_t count =
      reader.VarintUpTo(std::min<std::uint64_t>(kMaxColumns, reader.remaining()));
  std::unordered_set<ByteView> names;
  for (std::uint64_t i = 0; i < count && reader.ok(); ++i) {
    const std::uint8_t kind = reader.Byte();
    const ByteView name = reader.LengthPrefixed();
    if (!reader.ok() || name.size() > kMaxNameBytes) reader.MarkFailed();
    if (reader.ok() && kind != kColumnKindLwwRegister) {
      return NotKnown("column " + Bytes(name) + " of table " + table.name + ", of kind " +
                      std::to_string(kind));
    }
    if (!names.insert(name).second) return Damaged("table " + table.name + " has a column twice");
    table.columns.emplace_back(name);
  }
  if (!reader.AtEnd()) return Damaged("table " + table.name + " is described incompletely");
  return {};
}

Result<DeltaTable> ParseTable(ByteView body) {
  ByteReader reader(body);
  DeltaTable table;
  table.name = reader.LengthPrefixed();
  const std::uint64_t same_key = reader.Varint();
  const std::uint64_t options = reader.Varint();
  table.key_parts = static_cast<std::uint32_t>(reader.VarintUpTo(kMaxKeyParts));
  if (!reader.ok() || table.name.size() > kMaxNameBytes || table.key_parts == 0) {
    return Damaged("a table is described incompletely");
  }
  if (same_key > static_cast<std::uint64_t>(SameKey::kNewest)) {
    return NotKnown("table " + table.name + " with same_key rule " + std::to_string(same_key));
  }
  if (options > 1) {
    return NotKnown("table " + table.name + " with option bits " + std::to_string(options));
  }
  table.rules.same_key = static_cast<SameKey>(same_key);
  table.rules.delete_wins = options == 1;
  REJOIN_TRY(ParseColumns(reader, table));
  return table;
}

}  // namespace

struct DeltaReader::Impl {
  explicit Impl(ByteSource& source) : sections(source) {}

  Result<DeltaHeader> Begin() {
    if (end) return Fail(Code::kInvalidArgument, "the header is read once");
    REJOIN_TRY(sections.Prelude());
    for (;;) {
      REJOIN_ASSIGN(const Section section, sections.Next());
      if (section.type == static_cast<std::uint8_t>(SectionType::kHeader)) {
        REJOIN_ASSIGN(DeltaHeader header, ParseHeader(section.body));
        end = header.end;
        return header;
      }
      if (IsKnown(section.type)) return Damaged("it does not begin with its header");
      REJOIN_TRY(Skip(section.type));
    }
  }

  Result<std::optional<DeltaBlock>> NextBlock() {
    if (!end) return Fail(Code::kInvalidArgument, "the header is read before the rows");
    while (!finished) {
      REJOIN_ASSIGN(const Section section, sections.Next());
      if (section.type == static_cast<std::uint8_t>(SectionType::kRows)) {
        REJOIN_ASSIGN(DeltaBlock block, ReadBlock(section.body, tables, *end, checker));
        rows += block.rows.size();
        return std::optional<DeltaBlock>(std::move(block));
      }
      if (section.type == static_cast<std::uint8_t>(SectionType::kTable)) {
        REJOIN_TRY(AddTable(section.body));
      } else if (section.type == static_cast<std::uint8_t>(SectionType::kEnd)) {
        REJOIN_TRY(CheckTotals(section.body));
        finished = true;
      } else if (IsKnown(section.type)) {
        return Damaged("it has a second header");
      } else {
        REJOIN_TRY(Skip(section.type));
      }
    }
    return std::optional<DeltaBlock>();
  }

  static bool IsKnown(std::uint8_t type) {
    return type >= static_cast<std::uint8_t>(SectionType::kHeader) &&
           type <= static_cast<std::uint8_t>(SectionType::kEnd);
  }

  static Status Skip(std::uint8_t type) {
    if ((type & kMayIgnoreSection) != 0) return {};
    return NotKnown("a section of type " + std::to_string(type));
  }

  Status AddTable(ByteView body) {
    dictionary_bytes += body.size();
    if (dictionary_bytes > kMaxDictionaryBytes || tables.size() == kMaxTables) {
      return Damaged("it announces more tables than it may");
    }
    REJOIN_ASSIGN(DeltaTable table, ParseTable(body));
    if (!names.insert(table.name).second) {
      return Damaged("it announces table " + table.name + " twice");
    }
    tables.push_back(std::move(table));
    return {};
  }

  Status CheckTotals(ByteView body) {
    ByteReader reader(body);
    const std::uint64_t section_total = reader.Varint();
    const std::uint64_t row_total = reader.Varint();
    // The end section itself is not counted: its writer had not written it yet.
    if (!reader.AtEnd() || section_total + 1 != sections.count() || row_total != rows) {
      return Damaged("its totals do not match what it holds");
    }
    return sections.ExpectEnd();
  }

  SectionReader sections;
  std::optional<VersionVector> end;  // there once the header is read
  RowChecker checker;
  std::vector<DeltaTable> tables;
  std::unordered_set<std::string> names;
  std::uint64_t dictionary_bytes = 0;
  std::uint64_t rows = 0;
  bool finished = false;
  std::optional<Error> failed;  // the first error is the last word
};

DeltaReader::DeltaReader(ByteSource& source) : impl_(std::make_unique<Impl>(source)) {}
DeltaReader::~DeltaReader() = default;

Result<DeltaHeader> DeltaReader::Begin() {
  if (impl_->failed) return tl::unexpected<Error>(*impl_->failed);
  auto header = impl_->Begin();
  if (!header) impl_->failed = header.error();
  return header;
}

Result<std::optional<DeltaBlock>> DeltaReader::NextBlock() {
  if (impl_->failed) return tl::unexpected<Error>(*impl_->failed);
  auto block = impl_->NextBlock();
  if (!block) impl_->failed = block.error();
  return block;
}

const std::vector<DeltaTable>& DeltaReader::tables() const { return impl_->tables; }

}  // namespace rejoin
