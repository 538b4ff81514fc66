#include "tests/crdt/generators.h"

#include <limits>
#include <tuple>

namespace rejoin {

// --- Printing ----------------------------------------------------------------

void showValue(const ReplicaId& id, std::ostream& out) { out << id.Hex().substr(0, 4); }

void showValue(const Stamp& stamp, std::ostream& out) {
  out << (stamp.rank == Rank::kAdopted ? "adopted:" : "") << stamp.time.value << '@';
  showValue(stamp.replica, out);
}

void showValue(const Value& value, std::ostream& out) {
  switch (value.type) {
    case ValueType::kNull:
      out << "NULL";
      return;
    case ValueType::kInteger:
      out << value.integer();
      return;
    case ValueType::kReal:
      out << "real:" << std::hex << value.bits << std::dec;
      return;
    case ValueType::kText:
    case ValueType::kBlob:
      out << (value.type == ValueType::kText ? "text:" : "blob:");
      rc::show(value.bytes, out);
      return;
  }
}

void showValue(const VersionVector& vector, std::ostream& out) {
  out << '<';
  for (const auto& [replica, time] : vector.entries()) {
    showValue(replica, out);
    out << ':' << time.value << ' ';
  }
  out << '>';
}

void showValue(const RowState& state, std::ostream& out) {
  out << '{';
  for (const Incarnation& incarnation : state.incarnations) {
    out << " born ";
    showValue(incarnation.birth, out);
    for (const Cell& cell : incarnation.cells) {
      out << " [" << cell.column << "]=";
      showValue(cell.value, out);
      out << ' ';
      showValue(cell.stamp, out);
    }
  }
  for (const Remove& remove : state.removes) {
    out << " removed ";
    showValue(remove.replica, out);
    out << '<' << remove.tag.value << " by ";
    showValue(remove.stamp, out);
  }
  out << " }";
}

void showValue(const WholeDelta& delta, std::ostream& out) {
  showValue(delta.header.start, out);
  out << " to ";
  showValue(delta.header.end, out);
  for (const DeltaBlock& block : delta.blocks) {
    out << "\n  table " << block.table;
    for (const RowDelta& row : block.rows) {
      out << "\n    ";
      rc::show(*DecodeKey(row.key), out);
      showValue(row.state, out);
    }
  }
}

// --- Pieces ------------------------------------------------------------------

rc::Gen<HybridTimestamp> AnyTime() {
  using rc::gen::map;
  const auto time = [](std::uint64_t value) { return HybridTimestamp{value}; };
  return rc::gen::weightedOneOf<HybridTimestamp>(
      {{12, map(Within<std::uint64_t>(1, kPoolTimes + 1), time)},
       {2, map(Within<std::uint64_t>(1, std::uint64_t{1} << 62), time)},
       {1, rc::gen::just(HybridTimestamp{std::numeric_limits<std::uint64_t>::max()})}});
}

rc::Gen<std::int64_t> AnyInteger() {
  return rc::gen::weightedOneOf<std::int64_t>(
      {{3, Within<std::int64_t>(-3, 4)},
       {2, Within<std::int64_t>(-70000, 70000)},
       {2, rc::gen::element(std::numeric_limits<std::int64_t>::min(),
                            std::numeric_limits<std::int64_t>::max(),
                            std::int64_t{1} << 53, -(std::int64_t{1} << 32))},
       {1, Anything<std::int64_t>()}});
}

rc::Gen<std::uint64_t> AnyRealBits() {
  return rc::gen::weightedOneOf<std::uint64_t>(
      {{3, rc::gen::element<std::uint64_t>(
               0, 0x8000000000000000u,                        // 0.0, -0.0
               0x7ff0000000000000u, 0xfff0000000000000u,      // infinities
               0x7ff8000000000000u, 0x7ff8dead0000beefu,      // NaNs, quiet
               0xfff0000000000001u,                           // and signalling
               1, 0x800fffffffffffffu, 0x3ff0000000000000u)},  // denormals, 1.0
       {1, Anything<std::uint64_t>()}});
}

rc::Gen<Bytes> AnyBytes() {
  return rc::gen::weightedOneOf<Bytes>(
      {{4, rc::gen::container<Bytes>(Within<char>('a', 'f'))},
       {2, rc::gen::container<Bytes>(Anything<char>())},
       {1, rc::gen::element(Bytes(), Bytes(1, '\0'), Bytes("a\0b", 3), Bytes("\xff\xfe\x80"),
                            Bytes("\xed\xa0\x80"), Bytes("\xf0\x9f\x8c\x8d"), Bytes(300, 'x'))}});
}

}  // namespace rejoin

namespace rc {

Gen<rejoin::ReplicaId> Arbitrary<rejoin::ReplicaId>::arbitrary() {
  using rejoin::ReplicaId;
  const auto pool = rejoin::Within<std::uint8_t>(1, rejoin::kPoolReplicas + 1);
  const auto word = rejoin::Anything<std::uint64_t>();
  return gen::weightedOneOf<ReplicaId>(
      {{15, gen::map(pool, rejoin::PoolReplica)},
       {1, gen::map(gen::pair(word, word),
                    [](const std::pair<std::uint64_t, std::uint64_t>& drawn) {
                      return ReplicaId::Random(drawn.first, drawn.second | 1);
                    })}});
}

Gen<rejoin::Stamp> Arbitrary<rejoin::Stamp>::arbitrary() {
  using rejoin::HybridTimestamp;
  using rejoin::Rank;
  using rejoin::ReplicaId;
  const auto stamp = [](Gen<HybridTimestamp> time, Gen<ReplicaId> replica) {
    return gen::map(
        gen::tuple(gen::weightedElement<Rank>({{1, Rank::kAdopted}, {5, Rank::kWritten}}),
                   std::move(time), std::move(replica)),
        [](const std::tuple<Rank, HybridTimestamp, ReplicaId>& parts) {
          return rejoin::Stamp{std::get<0>(parts), std::get<1>(parts), std::get<2>(parts)};
        });
  };
  // A few come again and again, or two states would rarely share an incarnation.
  const auto few = stamp(gen::element(HybridTimestamp{1}, HybridTimestamp{2}),
                         gen::element(rejoin::PoolReplica(1), rejoin::PoolReplica(2)));
  const auto any = stamp(rejoin::AnyTime(), gen::arbitrary<ReplicaId>());
  return gen::weightedOneOf<rejoin::Stamp>({{1, few}, {1, any}});
}

Gen<rejoin::VersionVector> Arbitrary<rejoin::VersionVector>::arbitrary() {
  using Entry = rejoin::VersionVector::Entry;
  return gen::map(gen::container<std::vector<Entry>>(
                      gen::pair(gen::arbitrary<rejoin::ReplicaId>(), rejoin::AnyTime())),
                  [](const std::vector<Entry>& entries) {
                    rejoin::VersionVector vector;
                    for (const Entry& entry : entries) vector.Raise(entry.first, entry.second);
                    return vector;
                  });
}

Gen<rejoin::Value> Arbitrary<rejoin::Value>::arbitrary() {
  using rejoin::Value;
  using rejoin::ValueType;
  return gen::weightedOneOf<Value>(
      {{1, gen::just(Value::Null())},
       {3, gen::map(rejoin::AnyInteger(), Value::Integer)},
       {2, gen::map(rejoin::AnyRealBits(),
                    [](std::uint64_t bits) { return Value{ValueType::kReal, bits, {}}; })},
       {3, gen::map(rejoin::AnyBytes(), Value::Text)},
       {2, gen::map(rejoin::AnyBytes(), Value::Blob)}});
}

Gen<rejoin::Cell> Arbitrary<rejoin::Cell>::arbitrary() {
  return gen::build<rejoin::Cell>(
      gen::set(&rejoin::Cell::column, rejoin::Within<rejoin::ColumnId>(0, rejoin::kPoolColumns)),
      gen::set(&rejoin::Cell::stamp), gen::set(&rejoin::Cell::value));
}

Gen<rejoin::Incarnation> Arbitrary<rejoin::Incarnation>::arbitrary() {
  using Parts = std::tuple<rejoin::Stamp, std::vector<rejoin::Cell>, bool>;
  return gen::map(
      gen::tuple(gen::arbitrary<rejoin::Stamp>(), gen::arbitrary<std::vector<rejoin::Cell>>(),
                 gen::arbitrary<bool>()),
      [](const Parts& parts) {
        rejoin::Incarnation made{std::get<0>(parts), std::get<1>(parts)};
        if (std::get<2>(parts)) {
          for (rejoin::Cell& cell : made.cells) cell.stamp = made.birth;
        }
        made.cells = rejoin::SortedUnique(std::move(made.cells),
                                          [](const rejoin::Cell& a, const rejoin::Cell& b) {
                                            return a.column < b.column;
                                          });
        return made;
      });
}

Gen<rejoin::Remove> Arbitrary<rejoin::Remove>::arbitrary() {
  return gen::build<rejoin::Remove>(gen::set(&rejoin::Remove::replica),
                                    gen::set(&rejoin::Remove::tag, rejoin::AnyTime()),
                                    gen::set(&rejoin::Remove::stamp));
}

Gen<rejoin::RowRules> Arbitrary<rejoin::RowRules>::arbitrary() {
  return gen::build<rejoin::RowRules>(
      gen::set(&rejoin::RowRules::same_key,
               gen::element(rejoin::SameKey::kMerge, rejoin::SameKey::kNewest)),
      gen::set(&rejoin::RowRules::delete_wins));
}

Gen<rejoin::RowState> Arbitrary<rejoin::RowState>::arbitrary() {
  using Incarnations = std::vector<rejoin::Incarnation>;
  using Removes = std::vector<rejoin::Remove>;
  constexpr int kLengths = 5;
  return gen::map(
      gen::resize(kLengths, gen::pair(gen::arbitrary<Incarnations>(), gen::arbitrary<Removes>())),
      [](const std::pair<Incarnations, Removes>& parts) {
        rejoin::RowState state;
        state.incarnations = rejoin::SortedUnique(
            parts.first, [](const rejoin::Incarnation& a, const rejoin::Incarnation& b) {
              return a.birth < b.birth;
            });
        state.removes = rejoin::SortedUnique(
            parts.second, [](const rejoin::Remove& a, const rejoin::Remove& b) {
              return a.replica < b.replica;
            });
        return state;
      });
}

namespace {

using Rows = std::vector<std::pair<std::vector<rejoin::Value>, rejoin::RowState>>;

Gen<Rows> RowsOf(std::size_t key_parts) {
  return gen::container<Rows>(gen::pair(
      gen::container<std::vector<rejoin::Value>>(
          key_parts, gen::suchThat(gen::arbitrary<rejoin::Value>(),
                                   [](const rejoin::Value& value) {
                                     return value.type != rejoin::ValueType::kNull;
                                   })),
      gen::suchThat(gen::arbitrary<rejoin::RowState>(),
                    [](const rejoin::RowState& state) { return !state.empty(); })));
}

void AddRows(rejoin::WholeDelta& delta, std::uint32_t table, const Rows& rows, bool covered) {
  const auto cover = [&delta, covered](const rejoin::Stamp& stamp) {
    if (covered) delta.header.end.Raise(stamp.replica, stamp.time);
  };
  rejoin::DeltaBlock block;
  block.table = table;
  for (const auto& [key, state] : rows) {
    block.rows.push_back({rejoin::EncodeKey(key), state});
    for (const rejoin::Incarnation& incarnation : state.incarnations) {
      cover(incarnation.birth);
      for (const rejoin::Cell& cell : incarnation.cells) cover(cell.stamp);
    }
    for (const rejoin::Remove& remove : state.removes) cover(remove.stamp);
  }
  block.rows = rejoin::SortedUnique(
      std::move(block.rows),
      [](const rejoin::RowDelta& a, const rejoin::RowDelta& b) { return a.key < b.key; });
  if (!block.rows.empty()) delta.blocks.push_back(std::move(block));
}

using DeltaParts =
    std::tuple<rejoin::ReplicaId, rejoin::VersionVector, rejoin::RowRules, Rows, Rows, bool>;

rejoin::WholeDelta AssembleDelta(const DeltaParts& parts) {
  rejoin::WholeDelta delta;
  delta.header.sender = std::get<0>(parts);
  delta.header.room.bytes[3] = 7;
  delta.header.start = std::get<1>(parts);
  delta.header.end = delta.header.start;
  const std::vector<std::string> columns = {"a", "b", "c", "d", "e", "\xff f"};
  delta.tables = {{"todo", std::get<2>(parts), 1, columns}, {"pair", {}, 2, columns}};
  AddRows(delta, 0, std::get<3>(parts), std::get<5>(parts));
  AddRows(delta, 1, std::get<4>(parts), std::get<5>(parts));
  return delta;
}

}  // namespace

Gen<rejoin::WholeDelta> Arbitrary<rejoin::WholeDelta>::arbitrary() {
  return gen::map(gen::tuple(gen::arbitrary<rejoin::ReplicaId>(),
                             gen::arbitrary<rejoin::VersionVector>(),
                             gen::arbitrary<rejoin::RowRules>(), RowsOf(1), RowsOf(2),
                             gen::arbitrary<bool>()),
                  AssembleDelta);
}

}  // namespace rc
