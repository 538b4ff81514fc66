// The writing half; the reading one is state_columns_reader.cc.
#include "crdt/state_columns.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "crdt/state_shape.h"

namespace rejoin {

// How entries are numbered in the encoded block: sorted, each once.
struct StateColumns::Dictionary {
  std::vector<std::uint32_t> replica_order;   // sorted position -> index into replicas_
  std::vector<std::uint32_t> replica_number;  // index into replicas_ -> sorted position
  std::vector<Entry> stamps;                  // ascending; their replica is a sorted position
  std::vector<std::uint32_t> births, cells, removes;  // entry of that stream -> its number
};

StateColumns::StateColumns(const VersionVector& known) {
  for (const auto& entry : known.entries()) {
    known_.emplace(entry.first, static_cast<std::uint32_t>(known_.size()));
  }
}

std::uint32_t StateColumns::ReplicaIndex(const ReplicaId& replica) {
  const auto next = static_cast<std::uint32_t>(replicas_.size());
  const auto [at, is_new] = replica_index_.try_emplace(replica, next);
  if (is_new) replicas_.push_back(replica);
  return at->second;
}

void StateColumns::Use(Stream& stream, const Stamp& stamp) {
  if (stream.entries.empty() || stream.last != stamp) {
    stream.entries.push_back({ReplicaIndex(stamp.replica), stamp.rank, stamp.time.value});
    stream.last = stamp;
  }
  stream.uses.push_back(static_cast<std::uint32_t>(stream.entries.size() - 1));
}

void StateColumns::AppendShape(const RowState& state) {
  scratch_.clear();
  PutVarint(scratch_, state.incarnations.size());
  PutVarint(scratch_, state.removes.size());
  for (const Incarnation& incarnation : state.incarnations) {
    PutVarint(scratch_, incarnation.cells.size());
    ColumnId next_column = 0;
    const Stamp* own = nullptr;
    for (const Cell& cell : incarnation.cells) {
      StampSource source = StampSource::kBirth;
      if (cell.stamp != incarnation.birth) {
        const bool repeats = own != nullptr && *own == cell.stamp;
        source = repeats ? StampSource::kSameAsBefore : StampSource::kOwn;
        if (!repeats) Use(cell_stamps_, cell.stamp);
        own = &cell.stamp;
      }
      PutVarint(scratch_, CellCode(cell.column - next_column, source));
      next_column = cell.column + 1;
    }
  }
  UseShape();
}

void StateColumns::UseShape() {
  if (!row_shapes_.empty() && shapes_[row_shapes_.back()] == scratch_) {
    row_shapes_.push_back(row_shapes_.back());
    return;
  }
  const auto next = static_cast<std::uint32_t>(shapes_.size());
  const auto [at, is_new] = shape_index_.try_emplace(scratch_, next);
  if (is_new) shapes_.push_back(scratch_);
  row_shapes_.push_back(at->second);
}

void StateColumns::Append(const RowState& state) {
  AppendShape(state);
  for (const Incarnation& incarnation : state.incarnations) Use(births_, incarnation.birth);
  for (const Remove& remove : state.removes) {
    removed_replicas_.push_back(ReplicaIndex(remove.replica));
    tags_.push_back(remove.tag.value);
    Use(remove_stamps_, remove.stamp);
  }
}

void StateColumns::AppendInserted(const Stamp& birth, std::span<const ColumnId> columns) {
  if (inserted_shape_ && std::equal(columns.begin(), columns.end(), inserted_columns_.begin(), inserted_columns_.end())) {
    row_shapes_.push_back(*inserted_shape_);
  } else {
    scratch_.clear();
    PutVarint(scratch_, 1);  // incarnations
    PutVarint(scratch_, 0);  // removes
    PutVarint(scratch_, columns.size());
    ColumnId next_column = 0;
    for (const ColumnId column : columns) {
      PutVarint(scratch_, CellCode(column - next_column, StampSource::kBirth));
      next_column = column + 1;
    }
    UseShape();
    inserted_shape_ = row_shapes_.back();
    inserted_columns_.assign(columns.begin(), columns.end());
  }
  Use(births_, birth);
}

StateColumns::Dictionary StateColumns::MakeDictionary() const {
  Dictionary made;
  made.replica_order.resize(replicas_.size());
  std::iota(made.replica_order.begin(), made.replica_order.end(), 0u);
  std::sort(made.replica_order.begin(), made.replica_order.end(),
            [this](std::uint32_t a, std::uint32_t b) { return replicas_[a] < replicas_[b]; });
  made.replica_number.resize(replicas_.size());
  for (std::uint32_t i = 0; i < made.replica_order.size(); ++i) {
    made.replica_number[made.replica_order[i]] = i;
  }

  // Every entry with where its number goes, sorted by stamp.
  struct Origin {
    Entry entry;
    std::uint32_t* number;
  };
  std::vector<Origin> origins;
  const auto gather = [&](const Stream& stream, std::vector<std::uint32_t>& numbers) {
    numbers.resize(stream.entries.size());
    for (std::size_t i = 0; i < stream.entries.size(); ++i) {
      Entry entry = stream.entries[i];
      entry.replica = made.replica_number[entry.replica];
      origins.push_back({entry, &numbers[i]});
    }
  };
  gather(births_, made.births);
  gather(cell_stamps_, made.cells);
  gather(remove_stamps_, made.removes);
  const auto order = [](const Entry& entry) {
    return std::make_tuple(entry.replica, entry.rank, entry.time);
  };
  std::sort(origins.begin(), origins.end(), [&order](const Origin& a, const Origin& b) {
    return order(a.entry) < order(b.entry);
  });
  for (const Origin& origin : origins) {
    if (made.stamps.empty() || order(made.stamps.back()) != order(origin.entry)) {
      made.stamps.push_back(origin.entry);
    }
    *origin.number = static_cast<std::uint32_t>(made.stamps.size() - 1);
  }
  return made;
}

void StateColumns::EncodeReplicas(const Dictionary& dictionary, Bytes& out) const {
  PutVarint(out, replicas_.size());
  for (const std::uint32_t index : dictionary.replica_order) {
    const ReplicaId& replica = replicas_[index];
    const auto known = known_.find(replica);
    if (known != known_.end()) {
      PutVarint(out, std::uint64_t{known->second} + 1);
    } else {
      PutVarint(out, 0);
      out.append(replica.View());
    }
  }
}

namespace {

// Groups of one replica and rank: milliseconds as differences, then counters.
template <class Entry>
void EncodeStamps(const std::vector<Entry>& stamps, Bytes& out) {
  const auto same_group = [](const Entry& a, const Entry& b) {
    return a.replica == b.replica && a.rank == b.rank;
  };
  std::uint64_t groups = 0;
  for (std::size_t i = 0; i < stamps.size(); ++i) {
    if (i == 0 || !same_group(stamps[i - 1], stamps[i])) ++groups;
  }
  PutVarint(out, groups);
  for (std::size_t begin = 0; begin < stamps.size();) {
    std::size_t end = begin;
    while (end < stamps.size() && same_group(stamps[begin], stamps[end])) ++end;
    PutVarint(out, stamps[begin].replica);
    out.push_back(static_cast<char>(stamps[begin].rank));
    PutVarint(out, end - begin);
    Bytes counters;
    HybridTimestamp before;
    for (; begin < end; ++begin) {
      const HybridTimestamp time{stamps[begin].time};
      PutVarint(out, time.wall_ms() - before.wall_ms());
      PutVarint(counters, CounterOf(time));
      before = time;
    }
    out.append(counters);
  }
}

// As differences: rows that lie in the order of their making count up by one.
void EncodeNumbers(const std::vector<std::uint32_t>& uses,
                   const std::vector<std::uint32_t>& numbers, Bytes& out) {
  std::int64_t before = 0;
  for (const std::uint32_t use : uses) {
    const std::int64_t number = numbers[use];
    PutVarint(out, ZigZag(number - before));
    before = number;
  }
}

}  // namespace

void StateColumns::EncodeShapes(Bytes& out) const {
  PutVarint(out, shapes_.size());
  for (const Bytes& shape : shapes_) out.append(shape);
  if (shapes_.size() == 1) return;  // no choice to tell
  for (const std::uint32_t shape : row_shapes_) PutVarint(out, shape);
}

void StateColumns::EncodeRemoves(const Dictionary& dictionary, Bytes& out) const {
  for (const std::uint32_t replica : removed_replicas_) {
    PutVarint(out, dictionary.replica_number[replica]);
  }
  std::uint64_t before_ms = 0;
  for (const std::uint64_t tag : tags_) {
    const std::uint64_t wall_ms = HybridTimestamp{tag}.wall_ms();
    PutVarint(out, ZigZag(static_cast<std::int64_t>(wall_ms - before_ms)));
    before_ms = wall_ms;
  }
  for (const std::uint64_t tag : tags_) PutVarint(out, CounterOf(HybridTimestamp{tag}));
  EncodeNumbers(remove_stamps_.uses, dictionary.removes, out);
}

void StateColumns::Encode(Bytes& out) const {
  const Dictionary dictionary = MakeDictionary();
  EncodeReplicas(dictionary, out);
  EncodeStamps(dictionary.stamps, out);
  EncodeShapes(out);
  EncodeNumbers(births_.uses, dictionary.births, out);
  EncodeNumbers(cell_stamps_.uses, dictionary.cells, out);
  EncodeRemoves(dictionary, out);
}

void StateColumns::Clear() {
  replicas_.clear();
  replica_index_.clear();
  shape_index_.clear();
  shapes_.clear();
  row_shapes_.clear();
  inserted_shape_.reset();
  for (Stream* stream : {&births_, &cell_stamps_, &remove_stamps_}) {
    stream->entries.clear();
    stream->uses.clear();
  }
  removed_replicas_.clear();
  tags_.clear();
}

}  // namespace rejoin
