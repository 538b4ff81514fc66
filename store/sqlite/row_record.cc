#include "store/sqlite/row_record.h"

#include <algorithm>

#include "base/hash.h"

namespace rejoin {
namespace {

// Where the values of an incarnation's cells are.
enum class Where : std::uint8_t { kInline = 0, kInTable = 1, kMixed = 2 };
constexpr unsigned kWhereBits = 2;

constexpr unsigned kCountShift = 2;          // of the incarnations, in the head
constexpr std::size_t kCountContinues = 63;  // as a varint behind it

// A stamp that came up shortly before is told by its distance. How far back is
// looked bounds the work for a row whose cells all differ.
constexpr std::size_t kMaxStampDistance = 15;
constexpr std::size_t kUsualStamps = 4;
constexpr std::uint64_t kNewStamp = 1;
constexpr unsigned kRankShift = 1;
constexpr std::uint64_t kHasCounter = 8;
constexpr unsigned kReplicaShift = 4;

constexpr std::uint64_t kCounterMask = (std::uint64_t{1} << HybridTimestamp::kCounterBits) - 1;

tl::unexpected<Error> Damaged(const RecordContext& context, const std::string& what) {
  return Fail(Code::kCorrupt, "the metadata of a row of table " + context.table.name +
                                  " is damaged (" + what + "); run rejoin doctor");
}

std::int64_t SignedDifference(std::uint64_t value, std::uint64_t base) {
  return static_cast<std::int64_t>(value - base);
}

// --- Writing -------------------------------------------------------------------

class RecordWriter {
 public:
  explicit RecordWriter(const RecordContext& context) : context_(context) { stamps_.reserve(kUsualStamps); }

  void Head(std::size_t incarnations, bool shown, std::uint64_t key_hash) {
    const std::size_t in_head = std::min(incarnations, kCountContinues);
    std::uint64_t head = in_head << kCountShift;
    if (key_hash != 0) head |= kRecordHasHash;
    if (shown) head |= kRecordIsShown;
    out_.push_back(static_cast<char>(head));
    if (key_hash != 0) PutFixed64(out_, key_hash);
    if (in_head == kCountContinues) PutVarint(out_, incarnations - kCountContinues);
  }

  Status Put(const Incarnation& incarnation, const std::vector<ColumnId>* in_table) {
    const auto& cells = incarnation.cells;
    const Stamp base = UsualStamp(incarnation);
    REJOIN_TRY(Put(incarnation.birth));
    REJOIN_TRY(Put(base));

    std::vector<ColumnId> columns;
    columns.reserve(cells.size());
    for (const Cell& cell : cells) columns.push_back(cell.column);
    REJOIN_ASSIGN(const ColsetNumber colset,
                  context_.catalog.InternColset(context_.table.number, columns));
    const Where where = WhereAre(columns, in_table);
    PutVarint(out_, (std::uint64_t{colset} << kWhereBits) | static_cast<std::uint64_t>(where));

    const auto unusual = static_cast<std::size_t>(std::count_if(
        cells.begin(), cells.end(), [&base](const Cell& cell) { return cell.stamp != base; }));
    PutVarint(out_, unusual);
    std::size_t next = 0;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (cells[i].stamp == base) continue;
      PutVarint(out_, i - next);
      next = i + 1;
      REJOIN_TRY(Put(cells[i].stamp));
    }
    PutValues(cells, where, in_table);
    return {};
  }

  Status Put(const Remove& remove) {
    REJOIN_ASSIGN(const ReplicaNumber replica, context_.catalog.Intern(remove.replica));
    const std::uint64_t counter = remove.tag.value & kCounterMask;
    PutVarint(out_, (std::uint64_t{replica} << 1) | (counter != 0 ? 1 : 0));
    PutTime(remove.tag, counter);
    return Put(remove.stamp);
  }

  Bytes Take() { return std::move(out_); }

 private:
  Status Put(const Stamp& stamp) {
    const std::size_t reach = std::min(stamps_.size(), kMaxStampDistance);
    for (std::size_t back = 0; back < reach; ++back) {
      if (stamps_[stamps_.size() - 1 - back] == stamp) {
        PutVarint(out_, back << 1);
        return {};
      }
    }
    REJOIN_ASSIGN(const ReplicaNumber replica, context_.catalog.Intern(stamp.replica));
    const std::uint64_t counter = stamp.time.value & kCounterMask;
    PutVarint(out_, (std::uint64_t{replica} << kReplicaShift) | (counter != 0 ? kHasCounter : 0) |
                        (static_cast<std::uint64_t>(stamp.rank) << kRankShift) | kNewStamp);
    PutTime(stamp.time, counter);
    stamps_.push_back(stamp);
    return {};
  }

  // Relative to the first time told, as neighbours in a row are near in time.
  void PutTime(HybridTimestamp time, std::uint64_t counter) {
    PutVarint(out_, ZigZag(SignedDifference(time.wall_ms(), base_ms_)));
    if (counter != 0) PutVarint(out_, counter);
    if (base_ms_ == 0) base_ms_ = time.wall_ms();
  }

  // Most cells carry it where any stamp is carried by most (Boyer and Moore).
  static Stamp UsualStamp(const Incarnation& incarnation) {
    const Stamp* usual = &incarnation.birth;
    std::size_t lead = 0;
    for (const Cell& cell : incarnation.cells) {
      if (lead == 0) usual = &cell.stamp;
      lead = cell.stamp == *usual ? lead + 1 : lead - 1;
    }
    return *usual;
  }

  static Where WhereAre(const std::vector<ColumnId>& columns, const std::vector<ColumnId>* in_table) {
    if (in_table == nullptr || in_table->empty()) return Where::kInline;
    return *in_table == columns ? Where::kInTable : Where::kMixed;
  }

  void PutValues(const std::vector<Cell>& cells, Where where, const std::vector<ColumnId>* in_table) {
    if (where == Where::kInTable) return;
    if (where == Where::kInline) {
      for (const Cell& cell : cells) PutValue(out_, cell.value);
      return;
    }
    const std::size_t bitmap = out_.size();
    out_.append((cells.size() + 7) / 8, '\0');
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (std::binary_search(in_table->begin(), in_table->end(), cells[i].column)) {
        out_[bitmap + i / 8] = static_cast<char>(out_[bitmap + i / 8] | (1 << (i % 8)));
      } else {
        PutValue(out_, cells[i].value);
      }
    }
  }

  const RecordContext& context_;
  Bytes out_;
  std::vector<Stamp> stamps_;
  std::uint64_t base_ms_ = 0;
};

// --- Reading -------------------------------------------------------------------

// Every failure marks the reader; why_ says what it was.
class RecordReader {
 public:
  RecordReader(const RecordContext& context, ByteView record)
      : context_(context), reader_(record) {}

  Result<PackedRow> Read() {
    PackedRow row;
    const std::uint8_t head = reader_.Byte();
    row.shown = (head & kRecordIsShown) != 0;
    std::size_t count = head >> kCountShift;
    if ((head & kRecordHasHash) != 0) row.key_hash = reader_.Fixed64();
    if (count == kCountContinues) count += static_cast<std::size_t>(reader_.VarintUpTo(reader_.remaining()));
    row.state.incarnations.reserve(std::min(count, reader_.remaining()));
    for (std::size_t i = 0; i < count && reader_.ok(); ++i) ReadIncarnation(row);
    while (reader_.ok() && reader_.remaining() > 0) ReadRemove(row.state.removes);
    if (!reader_.ok()) return Damaged(context_, why_);
    return row;
  }

 private:
  void ReadIncarnation(PackedRow& row) {
    Incarnation incarnation;
    incarnation.birth = ReadStamp();
    const Stamp base = ReadStamp();
    const std::uint64_t colset_and_where = reader_.Varint();
    const auto where = static_cast<Where>(colset_and_where & ((1u << kWhereBits) - 1));
    const std::uint64_t number = colset_and_where >> kWhereBits;
    const std::vector<ColumnId>* const columns =
        number > UINT32_MAX ? nullptr
                            : context_.catalog.LookupColset(static_cast<ColsetNumber>(number));
    if (columns == nullptr) return Refuse("it names a column set that is not there");
    if (where > Where::kMixed) return Refuse("it is of an unknown kind");

    incarnation.cells.resize(columns->size());
    for (std::size_t i = 0; i < columns->size(); ++i) {
      incarnation.cells[i].column = (*columns)[i];
      incarnation.cells[i].stamp = base;
    }
    ReadUnusualStamps(incarnation.cells);
    ReadValues(incarnation, where, row);
    if (!row.state.incarnations.empty() && row.state.incarnations.back().birth >= incarnation.birth) {
      return Refuse("its incarnations are out of order");
    }
    row.state.incarnations.push_back(std::move(incarnation));
  }

  void ReadUnusualStamps(std::vector<Cell>& cells) {
    const std::uint64_t count = reader_.VarintUpTo(cells.size());
    std::size_t at = 0;
    for (std::uint64_t i = 0; i < count && reader_.ok(); ++i) {
      at += static_cast<std::size_t>(reader_.VarintUpTo(cells.size()));
      if (at >= cells.size()) return Refuse("it stamps a cell that is not there");
      cells[at++].stamp = ReadStamp();
    }
  }

  void ReadValues(Incarnation& incarnation, Where where, PackedRow& row) {
    auto& cells = incarnation.cells;
    ByteView bitmap;
    if (where == Where::kMixed) bitmap = reader_.Raw((cells.size() + 7) / 8);
    if (!reader_.ok()) return;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const bool in_table =
          where == Where::kInTable ||
          (where == Where::kMixed && ((static_cast<std::uint8_t>(bitmap[i / 8]) >> (i % 8)) & 1) != 0);
      if (in_table) {
        row.in_table.push_back(cells[i].column);
      } else {
        cells[i].value = ReadValue(reader_);
      }
    }
    if (where == Where::kInline) return;
    if (had_table_cells_) return Refuse("two of its incarnations are in the table");
    had_table_cells_ = true;
    row.table_birth = incarnation.birth;
  }

  void ReadRemove(std::vector<Remove>& removes) {
    const std::uint64_t head = reader_.Varint();
    Remove remove;
    remove.replica = Replica(head >> 1);
    remove.tag = ReadTime((head & 1) != 0);
    remove.stamp = ReadStamp();
    if (!removes.empty() && removes.back().replica >= remove.replica) {
      return Refuse("its removes are out of order");
    }
    removes.push_back(remove);
  }

  Stamp ReadStamp() {
    const std::uint64_t head = reader_.Varint();
    if ((head & kNewStamp) == 0) {
      const std::uint64_t back = head >> 1;
      if (reader_.ok() && back < stamps_.size()) {
        return stamps_[stamps_.size() - 1 - static_cast<std::size_t>(back)];
      }
      Refuse("it refers to a stamp that is not there");
      return {};
    }
    Stamp stamp;
    stamp.rank = static_cast<Rank>((head >> kRankShift) & kMaxRank);
    stamp.replica = Replica(head >> kReplicaShift);
    stamp.time = ReadTime((head & kHasCounter) != 0);
    stamps_.push_back(stamp);
    return stamp;
  }

  HybridTimestamp ReadTime(bool has_counter) {
    const std::uint64_t wall_ms =
        base_ms_ + static_cast<std::uint64_t>(UnZigZag(reader_.Varint()));
    const std::uint64_t counter = has_counter ? reader_.VarintUpTo(kCounterMask) : 0;
    if (base_ms_ == 0) base_ms_ = wall_ms;
    return HybridTimestamp{HybridTimestamp::FromWall(wall_ms).value | counter};
  }

  ReplicaId Replica(std::uint64_t number) {
    const ReplicaId* const id =
        number > UINT32_MAX ? nullptr
                            : context_.catalog.Lookup(static_cast<ReplicaNumber>(number));
    if (id != nullptr) return *id;
    Refuse("it names a replica that is not there");
    return {};
  }

  void Refuse(const char* why) {
    if (reader_.ok()) why_ = why;
    reader_.MarkFailed();
  }

  const RecordContext& context_;
  ByteReader reader_;
  const char* why_ = "it ends early";
  std::vector<Stamp> stamps_;
  std::uint64_t base_ms_ = 0;
  bool had_table_cells_ = false;
};

// --- What is in the table ----------------------------------------------------------

struct TableCells {
  Stamp birth;
  std::vector<ColumnId> columns;
};

TableCells FindTableCells(const TrackedTable& table, const RowState& state) {
  const Incarnation* const incarnation = ShownIncarnation(state, table.rules);
  if (incarnation == nullptr) return {};
  TableCells found{incarnation->birth, {}};
  // Rivals of one key: a column may show the cell of another incarnation.
  const bool alone = state.incarnations.size() == 1;
  std::vector<const Cell*> shown;
  if (!alone) shown = ShownCells(state, table.rules);
  auto next = shown.begin();
  for (const Cell& cell : incarnation->cells) {
    while (next != shown.end() && (*next)->column < cell.column) ++next;
    if (!alone && (next == shown.end() || *next != &cell)) continue;
    const TrackedColumn& column = table.columns[cell.column];
    if (column.local && !MayAlter(column.affinity, cell.value)) found.columns.push_back(cell.column);
  }
  return found;
}

Result<Bytes> Pack(const RecordContext& context, const RowState& state, const Stamp& table_birth,
                   const std::vector<ColumnId>& in_table, bool shown, std::uint64_t key_hash) {
  RecordWriter writer(context);
  writer.Head(state.incarnations.size(), shown, key_hash);
  for (const Incarnation& incarnation : state.incarnations) {
    const bool holds_table_cells = !in_table.empty() && incarnation.birth == table_birth;
    REJOIN_TRY(writer.Put(incarnation, holds_table_cells ? &in_table : nullptr));
  }
  for (const Remove& remove : state.removes) REJOIN_TRY(writer.Put(remove));
  return writer.Take();
}

}  // namespace

Result<Bytes> PackRecord(const RecordContext& context, const PackedRow& row) {
  return Pack(context, row.state, row.table_birth, row.in_table, row.shown, row.key_hash);
}

Result<PackedRow> UnpackRecord(const RecordContext& context, ByteView record) {
  return RecordReader(context, record).Read();
}

void BringInline(PackedRow& row, const std::function<std::optional<Value>(ColumnId)>& value) {
  if (row.in_table.empty()) return;
  for (Incarnation& incarnation : row.state.incarnations) {
    if (incarnation.birth != row.table_birth) continue;
    auto next = row.in_table.begin();
    const auto lost = [&](Cell& cell) {
      while (next != row.in_table.end() && *next < cell.column) ++next;
      if (next == row.in_table.end() || *next != cell.column) return false;
      std::optional<Value> found = value(cell.column);
      if (found) cell.value = std::move(*found);
      return !found;
    };
    auto& cells = incarnation.cells;
    cells.erase(std::remove_if(cells.begin(), cells.end(), lost), cells.end());
  }
  row.in_table.clear();
}

Result<Bytes> EncodeRecord(const RecordContext& context, const RowState& state, bool shown,
                           std::uint64_t key_hash) {
  const TableCells cells = shown ? FindTableCells(context.table, state) : TableCells{};
  return Pack(context, state, cells.birth, cells.columns, shown, key_hash);
}

Result<DecodedRecord> DecodeRecord(const RecordContext& context, ByteView record,
                                   const std::function<Value(ColumnId)>& table_value) {
  REJOIN_ASSIGN(PackedRow row, UnpackRecord(context, record));
  const auto& columns = context.table.columns;
  BringInline(row, [&](ColumnId column) -> std::optional<Value> {
    if (column >= columns.size() || !columns[column].local) return std::nullopt;
    return table_value(column);
  });
  return DecodedRecord{std::move(row.state), row.key_hash, row.shown};
}

std::uint64_t KeyHash(ByteView key) { return Hash64(key); }

}  // namespace rejoin
