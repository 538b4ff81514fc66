// The reading half of the state columns: counts first, rows only once the
// counts have proved to be within kMaxBlockParts. Cells are made whole, with the
// values that lie in columns of their own: this is where a merge spends its time.
#include <algorithm>
#include <string>

#include "crdt/delta_format.h"
#include "crdt/section.h"
#include "crdt/state_columns.h"
#include "crdt/state_shape.h"
#include "crdt/value_column.h"

namespace rejoin {
namespace {

class StateReader {
 public:
  StateReader(ByteReader& reader, const VersionVector& known, std::size_t columns)
      : reader_(reader), known_(known), columns_(columns) {}

  Status Read(ByteReader& values, std::vector<RowDelta>& rows) {
    REJOIN_TRY(ReadReplicas());
    REJOIN_TRY(ReadStamps());
    REJOIN_TRY(ReadShapes());
    REJOIN_TRY(ReadRowShapes(rows.size()));
    REJOIN_TRY(ReadReferences());
    REJOIN_TRY(ReadValues(values));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      Fill(shapes_[row_shapes_[i]], rows[i].state);
    }
    return {};
  }

 private:
  struct CellPlan {
    ColumnId column;
    StampSource source;
  };
  // A shape's incarnations and cells lie one after another in the vectors below.
  struct Shape {
    std::size_t incarnations = 0;
    std::size_t removes = 0;
    std::size_t first_incarnation = 0;  // into cell_counts_
    std::size_t first_cell = 0;         // into cells_
    std::size_t cells = 0;
    std::size_t own_stamps = 0;
    std::size_t rows = 0;  // that have this shape
  };

  // The values of a column, of which the first are taken.
  struct ValueQueue {
    DecodedColumn column;
    std::size_t taken = 0;
    const ValueView& Next() { return column.values[taken++]; }
  };

  // A count of things that each take a byte at least, so it cannot exceed the rest.
  std::size_t Count() {
    const std::size_t max = std::min(reader_.remaining(), kMaxBlockParts);
    return static_cast<std::size_t>(reader_.VarintUpTo(max));
  }

  Status ReadReplicas() {
    replicas_.resize(Count());
    for (std::size_t i = 0; i < replicas_.size(); ++i) {
      const std::uint64_t number = reader_.VarintUpTo(known_.entries().size());
      if (number > 0) {
        replicas_[i] = known_.entries()[static_cast<std::size_t>(number - 1)].first;
      } else if (const auto id = ReplicaId::FromBytes(reader_.Raw(sizeof(ReplicaId)))) {
        replicas_[i] = *id;
      }
      if (!reader_.ok()) break;
      if (i > 0 && !(replicas_[i - 1] < replicas_[i])) {
        return Damaged("a block's replicas are not ascending");
      }
    }
    if (!reader_.ok()) return Damaged("a block's replicas are incomplete");
    return {};
  }

  Status ReadStamps() {
    const std::size_t groups = Count();
    for (std::size_t i = 0; i < groups && reader_.ok(); ++i) REJOIN_TRY(ReadStampGroup());
    if (!reader_.ok()) return Damaged("a block's stamps are incomplete");
    return {};
  }

  Status ReadStampGroup() {
    const std::uint64_t replica = reader_.VarintUpTo(replicas_.size());
    const std::uint8_t rank = reader_.Byte();
    const std::size_t count = Count();
    if (!reader_.ok() || replica == replicas_.size()) return Damaged("a stamp has no replica");
    if (rank > kMaxRank) return Damaged("a stamp has an impossible rank");
    if (rank > static_cast<std::uint8_t>(Rank::kWritten)) {
      return Fail(Code::kUnsupported, "the delta has stamps of rank " + std::to_string(rank) +
                                          ", which this Rejoin does not know; update Rejoin");
    }
    if (stamps_.size() + count > kMaxBlockParts) return Damaged("a block has too many stamps");

    const std::size_t first = stamps_.size();
    std::uint64_t wall_ms = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t later_ms = reader_.Varint();
      if (later_ms > kMaxWallMs - wall_ms) return Damaged("a stamp's time is out of range");
      wall_ms += later_ms;
      stamps_.push_back({static_cast<Rank>(rank), HybridTimestamp::FromWall(wall_ms),
                         replicas_[static_cast<std::size_t>(replica)]});
    }
    for (std::size_t i = first; i < stamps_.size(); ++i) {
      stamps_[i].time.value |= reader_.VarintUpTo(kMaxCounter);
      if (i > first && !(stamps_[i - 1].time < stamps_[i].time)) {
        return Damaged("a block's stamps are not ascending");
      }
    }
    return {};
  }

  Status ReadShapes() {
    const std::size_t count = Count();
    for (std::size_t i = 0; i < count && reader_.ok(); ++i) {
      Shape shape;
      shape.incarnations = Count();
      shape.removes = static_cast<std::size_t>(reader_.VarintUpTo(kMaxBlockParts));
      shape.first_incarnation = cell_counts_.size();
      shape.first_cell = cells_.size();
      for (std::size_t j = 0; j < shape.incarnations && reader_.ok(); ++j) {
        REJOIN_TRY(ReadShapeCells(shape));
      }
      shape.cells = cells_.size() - shape.first_cell;
      shapes_.push_back(shape);
    }
    if (!reader_.ok()) return Damaged("a block's row shapes are incomplete");
    return {};
  }

  Status ReadShapeCells(Shape& shape) {
    const std::size_t count = Count();
    if (cells_.size() + cell_counts_.size() + count >= kMaxBlockParts) {
      return Damaged("a block has too many row shapes");
    }
    cell_counts_.push_back(count);
    std::uint64_t column = 0;
    bool has_own = false;
    for (std::size_t i = 0; i < count; ++i, ++column) {
      const std::uint64_t code = reader_.Varint();
      if (!reader_.ok()) return {};  // the caller says so
      column += code >> 2;
      if (column >= columns_) return Damaged("a cell's column is not in its table");
      const auto source = static_cast<StampSource>(code & 3);
      if (source > StampSource::kSameAsBefore ||
          (source == StampSource::kSameAsBefore && !has_own)) {
        return Damaged("a cell has no stamp");
      }
      if (source == StampSource::kOwn) {
        has_own = true;
        ++shape.own_stamps;
      }
      cells_.push_back({static_cast<ColumnId>(column), source});
    }
    return {};
  }

  Status ReadRowShapes(std::size_t rows) {
    row_shapes_.assign(rows, 0);
    if (shapes_.empty()) return Damaged("a block has no row shapes");
    std::uint64_t parts = 0;
    for (std::uint32_t& index : row_shapes_) {
      if (shapes_.size() > 1) {
        index = static_cast<std::uint32_t>(reader_.VarintUpTo(shapes_.size() - 1));
      }
      Shape& shape = shapes_[index];
      ++shape.rows;
      parts += shape.incarnations + shape.cells + shape.removes;
      if (parts > kMaxBlockParts) return Damaged("a block has too many cells for its limit");
      birth_count_ += shape.incarnations;
      own_stamp_count_ += shape.own_stamps;
      remove_count_ += shape.removes;
    }
    if (!reader_.ok()) return Damaged("a row has no shape");
    return {};
  }

  // `count` indices below `size`, as differences.
  std::vector<std::uint32_t> Differences(std::size_t count, std::size_t size) {
    std::vector<std::uint32_t> indices(count);
    std::uint64_t index = 0;  // modulo 2^64: a negative one is too large
    for (std::uint32_t& each : indices) {
      index += static_cast<std::uint64_t>(UnZigZag(reader_.Varint()));
      if (index >= size) reader_.MarkFailed();
      if (!reader_.ok()) break;
      each = static_cast<std::uint32_t>(index);
    }
    return indices;
  }

  Status ReadReferences() {
    births_ = Differences(birth_count_, stamps_.size());
    own_stamps_ = Differences(own_stamp_count_, stamps_.size());
    removed_.resize(remove_count_);
    if (remove_count_ > 0 && replicas_.empty()) reader_.MarkFailed();
    for (std::uint32_t& replica : removed_) {
      replica = static_cast<std::uint32_t>(reader_.VarintUpTo(replicas_.size() - 1));
    }
    tags_.resize(remove_count_);
    std::uint64_t wall_ms = 0;
    for (HybridTimestamp& tag : tags_) {
      wall_ms += static_cast<std::uint64_t>(UnZigZag(reader_.Varint()));
      if (wall_ms > kMaxWallMs) return Damaged("a removed tag's time is out of range");
      tag = HybridTimestamp::FromWall(wall_ms);
    }
    for (HybridTimestamp& tag : tags_) tag.value |= reader_.VarintUpTo(kMaxCounter);
    remove_stamps_ = Differences(remove_count_, stamps_.size());
    if (!reader_.AtEnd()) return Damaged("a block's stamps do not fit its rows");
    return {};
  }

  // The cells of each column in the order of the rows.
  Status ReadValues(ByteReader& values) {
    std::vector<std::size_t> counts(columns_);
    for (const Shape& shape : shapes_) {
      for (std::size_t i = 0; i < shape.cells; ++i) {
        counts[cells_[shape.first_cell + i].column] += shape.rows;
      }
    }
    values_.resize(columns_);
    for (std::size_t column = 0; column < columns_; ++column) {
      if (counts[column] == 0) continue;
      REJOIN_TRY(ReadValueColumn(values, counts[column], values_[column].column));
    }
    if (!values.AtEnd()) return Damaged("bytes follow a block's values");
    return {};
  }

  void Fill(const Shape& shape, RowState& state) {
    state.incarnations.reserve(shape.incarnations);
    const CellPlan* plan = cells_.data() + shape.first_cell;
    for (std::size_t i = 0; i < shape.incarnations; ++i) {
      state.incarnations.push_back({stamps_[births_[next_birth_++]], {}});
      Incarnation& incarnation = state.incarnations.back();
      const std::size_t cells = cell_counts_[shape.first_incarnation + i];
      incarnation.cells.reserve(cells);
      const Stamp* own = nullptr;
      for (const CellPlan* const end = plan + cells; plan != end; ++plan) {
        if (plan->source == StampSource::kOwn) own = &stamps_[own_stamps_[next_own_stamp_++]];
        const Stamp& stamp = plan->source == StampSource::kBirth ? incarnation.birth : *own;
        const ValueView& value = values_[plan->column].Next();
        incarnation.cells.push_back({plan->column, stamp, {value.type, value.bits, Bytes(value.bytes)}});
      }
    }
    state.removes.reserve(shape.removes);
    for (std::size_t i = 0; i < shape.removes; ++i, ++next_remove_) {
      state.removes.push_back({replicas_[removed_[next_remove_]], tags_[next_remove_],
                               stamps_[remove_stamps_[next_remove_]]});
    }
  }

  ByteReader& reader_;
  const VersionVector& known_;
  const std::size_t columns_;

  std::vector<ReplicaId> replicas_;
  std::vector<Stamp> stamps_;
  std::vector<Shape> shapes_;
  std::vector<std::size_t> cell_counts_;  // per incarnation of each shape
  std::vector<CellPlan> cells_;
  std::vector<std::uint32_t> row_shapes_;

  std::size_t birth_count_ = 0, own_stamp_count_ = 0, remove_count_ = 0;
  std::vector<std::uint32_t> births_, own_stamps_, removed_, remove_stamps_;
  std::vector<HybridTimestamp> tags_;
  std::vector<ValueQueue> values_;  // by ColumnId
  std::size_t next_birth_ = 0, next_own_stamp_ = 0, next_remove_ = 0;
};

}  // namespace

Status ReadStateColumns(ByteView states, ByteView values, const VersionVector& known,
                        std::size_t columns, std::vector<RowDelta>& rows) {
  ByteReader state_reader(states);
  ByteReader value_reader(values);
  return StateReader(state_reader, known, columns).Read(value_reader, rows);
}

}  // namespace rejoin
