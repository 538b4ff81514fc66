// Whole deltas in memory: writing, reading, and a few made by hand.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "crdt/delta_codec.h"
#include "tests/crdt/whole_delta.h"

namespace rejoin {

inline Result<Bytes> WriteDelta(const WholeDelta& delta) {
  BytesSink sink(std::size_t{1} << 30);
  DeltaWriter writer(sink);
  REJOIN_TRY(writer.Begin(delta.header));
  for (const DeltaTable& table : delta.tables) REJOIN_TRY(writer.AddTable(table));
  for (const DeltaBlock& block : delta.blocks) {
    for (const RowDelta& row : block.rows) REJOIN_TRY(writer.Add(block.table, row));
  }
  REJOIN_TRY(writer.Finish());
  return sink.Take();
}

// Neighbouring blocks of one table come back as one: where a writer cuts is its affair.
inline Result<WholeDelta> ReadDelta(ByteSource& source) {
  DeltaReader reader(source);
  WholeDelta delta;
  REJOIN_ASSIGN(delta.header, reader.Begin());
  for (;;) {
    REJOIN_ASSIGN(auto block, reader.NextBlock());
    if (!block) break;
    if (!delta.blocks.empty() && delta.blocks.back().table == block->table) {
      auto& rows = delta.blocks.back().rows;
      rows.insert(rows.end(), block->rows.begin(), block->rows.end());
    } else {
      delta.blocks.push_back(std::move(*block));
    }
  }
  delta.tables = reader.tables();
  return delta;
}

inline Result<WholeDelta> ReadDelta(ByteView bytes) {
  ViewSource source(bytes);
  return ReadDelta(source);
}

inline bool SameDelta(const WholeDelta& a, const WholeDelta& b) {
  return a.header.sender == b.header.sender && a.header.room == b.header.room &&
         a.header.scope == b.header.scope && a.header.start == b.header.start &&
         a.header.end == b.header.end && a.tables == b.tables && a.blocks == b.blocks;
}

// --- By hand -----------------------------------------------------------------

// The stamps of the samples: `ms` after a fixed morning, counter 0.
inline HybridTimestamp SampleTime(std::uint64_t ms) {
  return HybridTimestamp::FromWall(std::uint64_t{1700000000000} + ms);
}
inline Stamp Written(std::uint8_t replica, std::uint64_t ms) {
  return {Rank::kWritten, SampleTime(ms), PoolReplica(replica)};
}

// The delta of the worked bytes in docs/format.md: one row, two cells.
inline WholeDelta MilkDelta() {
  WholeDelta delta;
  delta.header.sender = PoolReplica(1);
  delta.header.room.bytes.fill(0xaa);
  delta.header.end.Raise(PoolReplica(1), SampleTime(0));
  delta.tables = {{"todo", {}, 1, {"title", "done"}}};
  RowState row = InsertDelta(Written(1, 0), {{0, {}, Value::Text("milk")}, {1, {}, Value::Integer(0)}});
  delta.blocks = {{0, {{EncodeKey({Value::Text("t1")}), std::move(row)}}}};
  return delta;
}

// Every feature of the format once: two replicas, both ranks, all value types,
// keys of two parts, a row edited apart, a deleted one and one made twice.
inline WholeDelta MotleyDelta() {
  WholeDelta delta;
  delta.header.sender = PoolReplica(2);
  delta.header.room.bytes.fill(0x5c);
  delta.header.start.Raise(PoolReplica(1), SampleTime(1));
  delta.header.end.Raise(PoolReplica(1), SampleTime(50));
  delta.header.end.Raise(PoolReplica(2), SampleTime(60));
  delta.tables = {{"todo", {}, 1, {"title", "done", "weight", "photo"}},
                  {"tag", {SameKey::kNewest, true}, 2, {"\xff not UTF-8"}}};
  const Stamp adopted{Rank::kAdopted, SampleTime(2), PoolReplica(2)};
  RowState first = InsertDelta(Written(1, 10), {{0, {}, Value::Text("milk")},
                                                {1, {}, Value::Integer(-7)},
                                                {2, {}, Value::Real(-0.0)},
                                                {3, {}, Value::Blob(Bytes("\0\xff", 2))}});
  Join(first, UpdateDelta(first, {}, Written(2, 20),
                          {{0, {}, Value::Text(Bytes("oat\0milk", 8))}, {1, {}, Value::Null()}}));
  RowState twice = InsertDelta(adopted, {{0, {}, Value::Text("tea")}});
  Join(twice, InsertDelta(Written(1, 30), {{1, {}, Value::Integer(std::int64_t{1} << 40)}}));
  const RowState gone = DeleteDelta(first, Written(2, 60));
  delta.blocks = {{0,
                   {{EncodeKey({Value::Integer(-1)}), first},
                    {EncodeKey({Value::Integer(4)}), twice},
                    {EncodeKey({Value::Text("zoë")}), gone}}},
                  {1, {{EncodeKey({Value::Blob("b"), Value::Real(1.5)}),
                        InsertDelta(Written(1, 50), {{0, {}, Value::Text("\xed\xa0\x80")}})}}}};
  return delta;
}

// `rows` rows of a text key and six columns of words and integers, in one transaction.
inline WholeDelta WideDelta(std::size_t rows) {
  WholeDelta delta = MilkDelta();
  delta.tables = {{"person", {}, 1, {"name", "street", "town", "age", "visits", "note"}}};
  static const char* const kWords[] = {"amber", "birch", "cedar", "delta", "ember", "fjord",
                                       "grove", "heath", "inlet", "jetty", "knoll", "lagoon"};
  std::uint64_t seed = 1;
  const auto draw = [&seed](std::uint64_t below) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % below;
  };
  const auto words = [&draw](int count) {
    Bytes text;
    for (int i = 0; i < count; ++i) text.append(kWords[draw(12)]).append(" ");
    return Value::Text(text);
  };
  DeltaBlock block;
  for (std::size_t i = 0; i < rows; ++i) {
    const Bytes id = std::to_string(10000000 + i);
    block.rows.push_back({EncodeKey({Value::Text("row-" + id)}),
                          InsertDelta(Written(1, 0), {{0, {}, words(2)},
                                                      {1, {}, words(2)},
                                                      {2, {}, words(1)},
                                                      {3, {}, Value::Integer(static_cast<std::int64_t>(draw(90)))},
                                                      {4, {}, Value::Integer(static_cast<std::int64_t>(draw(100000)))},
                                                      {5, {}, words(6)}})});
  }
  delta.blocks = {std::move(block)};
  return delta;
}

}  // namespace rejoin
