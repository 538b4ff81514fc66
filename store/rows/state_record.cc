#include "store/rows/state_record.h"

#include <algorithm>

namespace rejoin {
namespace {

constexpr std::uint8_t kStateVersion = 1;

// A stamp: 0 where it is the one told last, else 1 + (replica << 3 | rank << 1 |
// whether the time has a counter), time.
constexpr std::uint64_t kSameStamp = 0;
constexpr unsigned kReplicaShift = 3;
constexpr unsigned kRankShift = 1;
constexpr std::uint64_t kHasCounter = 1;
// A cell: columns passed over since the last one, and whether its stamp is its own.
constexpr unsigned kGapShift = 1;
constexpr std::uint64_t kOwnStamp = 1;

constexpr std::uint64_t kCounterMask = (std::uint64_t{1} << HybridTimestamp::kCounterBits) - 1;
constexpr std::uint64_t kMaxWallMs = ~std::uint64_t{0} >> HybridTimestamp::kCounterBits;

class StateWriter {
 public:
  explicit StateWriter(RowCatalog& catalog) : catalog_(catalog) {}

  Result<Bytes> Write(const RowState& state) {
    out_.push_back(static_cast<char>(kStateVersion));
    PutVarint(out_, state.incarnations.size());
    for (const Incarnation& incarnation : state.incarnations) REJOIN_TRY(Put(incarnation));
    PutVarint(out_, state.removes.size());
    for (const Remove& remove : state.removes) {
      REJOIN_ASSIGN(const ReplicaNumber replica, catalog_.Intern(remove.replica));
      const bool counter = (remove.tag.value & kCounterMask) != 0;
      PutVarint(out_, (std::uint64_t{replica} << 1) | (counter ? kHasCounter : 0));
      PutTime(remove.tag);
      REJOIN_TRY(Put(remove.stamp));
    }
    return std::move(out_);
  }

 private:
  Status Put(const Incarnation& incarnation) {
    REJOIN_TRY(Put(incarnation.birth));
    PutVarint(out_, incarnation.cells.size());
    ColumnId next = 0;
    for (const Cell& cell : incarnation.cells) {
      const bool own = cell.stamp != incarnation.birth;
      PutVarint(out_, (std::uint64_t{cell.column - next} << kGapShift) | (own ? kOwnStamp : 0));
      if (own) REJOIN_TRY(Put(cell.stamp));
      PutValue(out_, cell.value);
      next = cell.column + 1;
    }
    return {};
  }

  Status Put(const Stamp& stamp) {
    if (stamp == last_) {
      PutVarint(out_, kSameStamp);
      return {};
    }
    REJOIN_ASSIGN(const ReplicaNumber replica, catalog_.Intern(stamp.replica));
    const bool counter = (stamp.time.value & kCounterMask) != 0;
    PutVarint(out_, 1 + ((std::uint64_t{replica} << kReplicaShift) |
                         (static_cast<std::uint64_t>(stamp.rank) << kRankShift) |
                         (counter ? kHasCounter : 0)));
    PutTime(stamp.time);
    last_ = stamp;
    return {};
  }

  // Milliseconds as difference to those told before, for neighbours are near in time.
  void PutTime(HybridTimestamp time) {
    PutVarint(out_, ZigZag(static_cast<std::int64_t>(time.wall_ms() - last_ms_)));
    last_ms_ = time.wall_ms();
    const std::uint64_t counter = time.value & kCounterMask;
    if (counter != 0) PutVarint(out_, counter);
  }

  RowCatalog& catalog_;
  Bytes out_;
  Stamp last_;  // no stamp has the time 0
  std::uint64_t last_ms_ = 0;
};

class StateReader {
 public:
  StateReader(const RowCatalog& catalog, const RoomTable& table, ByteView record)
      : catalog_(catalog), columns_(table.columns.size()), reader_(record) {}

  // Check ok() afterwards.
  RowState Read() {
    RowState state;
    const std::uint64_t incarnations = Count();
    for (std::uint64_t i = 0; i < incarnations && reader_.ok(); ++i) {
      Incarnation incarnation = ReadIncarnation();
      if (i > 0 && incarnation.birth <= state.incarnations.back().birth) reader_.MarkFailed();
      state.incarnations.push_back(std::move(incarnation));
    }
    const std::uint64_t removes = Count();
    for (std::uint64_t i = 0; i < removes && reader_.ok(); ++i) {
      const Remove remove = ReadRemove();
      if (i > 0 && remove.replica <= state.removes.back().replica) reader_.MarkFailed();
      state.removes.push_back(remove);
    }
    return state;
  }
  bool ok() const { return reader_.AtEnd(); }

 private:
  // Each thing that is counted takes a byte at least.
  std::uint64_t Count() { return reader_.VarintUpTo(reader_.remaining()); }

  Incarnation ReadIncarnation() {
    Incarnation incarnation;
    incarnation.birth = ReadStamp();
    const std::uint64_t count = reader_.VarintUpTo(std::min(columns_, reader_.remaining()));
    incarnation.cells.reserve(static_cast<std::size_t>(count));
    std::uint64_t next = 0;
    for (std::uint64_t i = 0; i < count && reader_.ok(); ++i) {
      const std::uint64_t head = reader_.Varint();
      const std::uint64_t column = next + (head >> kGapShift);
      if (column >= columns_) reader_.MarkFailed();
      next = column + 1;
      Cell& cell = incarnation.cells.emplace_back();
      cell.column = static_cast<ColumnId>(column);
      cell.stamp = (head & kOwnStamp) != 0 ? ReadStamp() : incarnation.birth;
      cell.value = ReadValue(reader_);
    }
    return incarnation;
  }

  Remove ReadRemove() {
    const std::uint64_t head = reader_.Varint();
    Remove remove;
    remove.replica = Replica(head >> 1);
    remove.tag = ReadTime((head & kHasCounter) != 0);
    remove.stamp = ReadStamp();
    return remove;
  }

  Stamp ReadStamp() {
    const std::uint64_t told = reader_.Varint();
    if (told != kSameStamp) {
      const std::uint64_t head = told - 1;
      last_.rank = static_cast<Rank>((head >> kRankShift) & kMaxRank);
      last_.replica = Replica(head >> kReplicaShift);
      last_.time = ReadTime((head & kHasCounter) != 0);
    }
    if (last_.time == HybridTimestamp{}) reader_.MarkFailed();
    return last_;
  }

  HybridTimestamp ReadTime(bool has_counter) {
    last_ms_ += static_cast<std::uint64_t>(UnZigZag(reader_.Varint()));
    if (last_ms_ > kMaxWallMs) reader_.MarkFailed();
    const std::uint64_t counter = has_counter ? reader_.VarintUpTo(kCounterMask) : 0;
    return HybridTimestamp{HybridTimestamp::FromWall(last_ms_).value | counter};
  }

  ReplicaId Replica(std::uint64_t number) {
    const ReplicaId* const id = catalog_.Lookup(number);
    if (id == nullptr) reader_.MarkFailed();
    return id == nullptr ? ReplicaId{} : *id;
  }

  const RowCatalog& catalog_;
  std::size_t columns_;
  ByteReader reader_;
  Stamp last_;
  std::uint64_t last_ms_ = 0;
};

}  // namespace

Result<Bytes> EncodeState(RowCatalog& catalog, const RowState& state) {
  return StateWriter(catalog).Write(state);
}

Result<RowState> DecodeState(const RowCatalog& catalog, const RoomTable& table, ByteView record) {
  if (!record.empty() && static_cast<std::uint8_t>(record.front()) > kStateVersion) {
    return Fail(Code::kNewerFormat, "a row of table " + table.definition.name +
                                        " was written by a newer version of the hub; update it");
  }
  StateReader reader(catalog, table, record.substr(std::min<std::size_t>(1, record.size())));
  RowState state = reader.Read();
  if (record.empty() || static_cast<std::uint8_t>(record.front()) != kStateVersion || !reader.ok()) {
    return Fail(Code::kCorrupt, "the state of a row of table " + table.definition.name +
                                    " is damaged; restore the hub's file from a backup, or begin a "
                                    "new one: devices bring everything again");
  }
  return state;
}

}  // namespace rejoin
