// Deltas made by hand: what other replicas may have written, stamp by stamp.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "crdt/delta_codec.h"
#include "tests/store_sqlite/fixture.h"

namespace rejoin::testing {

// Replica n is a number; time counts from 1, long before the fixture's clock.
inline ReplicaId Somebody(std::uint64_t n) { return ReplicaId::Random(77, n); }
inline Stamp At(std::uint64_t time, std::uint64_t replica = 1, Rank rank = Rank::kWritten) {
  return {rank, {time}, Somebody(replica)};
}

inline Value T(const char* text) { return Value::Text(text); }
inline Value I(std::int64_t number) { return Value::Integer(number); }
inline Key K(const std::string& text) { return EncodeKey({Value::Text(text)}); }
inline Key K(std::int64_t number) { return EncodeKey({I(number)}); }

using Values = std::vector<std::pair<ColumnId, Value>>;

// A row as one INSERT made it.
inline RowState Inserted(const Stamp& stamp, const Values& values) {
  std::vector<Cell> cells;
  for (const auto& [column, value] : values) cells.push_back({column, stamp, value});
  return InsertDelta(stamp, std::move(cells));
}
// Cells that `stamp` wrote into the incarnation born `birth`.
inline RowState Edited(const Stamp& birth, const Stamp& stamp, const Values& values) {
  RowState state = Inserted(stamp, values);
  state.incarnations.front().birth = birth;
  return state;
}
// What a delete adds that has seen `seen`.
inline RowState Deleted(const RowState& seen, const Stamp& stamp) { return DeleteDelta(seen, stamp); }

inline RowState Joined(RowState a, const RowState& b) {
  Join(a, b);
  return a;
}

// One delta. Starts at nothing and ends with the largest stamps in it, unless told
// otherwise. Rows must come ascending by key within a table.
class HandMade {
 public:
  HandMade& Table(const std::string& name, std::vector<std::string> columns, RowRules rules = {},
                  std::uint32_t key_parts = 1) {
    tables_.push_back({name, rules, key_parts, std::move(columns)});
    return *this;
  }
  // Of the table named last.
  HandMade& Row(Key key, RowState state) {
    for (const Incarnation& incarnation : state.incarnations) {
      Raise(incarnation.birth);
      for (const Cell& cell : incarnation.cells) Raise(cell.stamp);
    }
    for (const Remove& remove : state.removes) Raise(remove.stamp);
    rows_.push_back({tables_.size() - 1, {std::move(key), std::move(state)}});
    return *this;
  }
  DeltaHeader& header() { return header_; }

  Bytes Encode() {
    BytesSink sink(std::size_t{1} << 30);
    DeltaWriter writer(sink);
    header_.sender = Somebody(1);
    Expect(writer.Begin(header_));
    for (const DeltaTable& table : tables_) {
      const auto added = writer.AddTable(table);
      if (!added) ADD_FAILURE() << added.error().message;
    }
    for (auto& [table, row] : rows_) Expect(writer.Add(static_cast<std::uint32_t>(table), row));
    Expect(writer.Finish());
    return sink.Take();
  }

 private:
  static void Expect(const Status& status) {
    if (!status) ADD_FAILURE() << status.error().message;
  }
  void Raise(const Stamp& stamp) { header_.end.Raise(stamp.replica, stamp.time); }

  DeltaHeader header_;
  std::vector<DeltaTable> tables_;
  std::vector<std::pair<std::size_t, RowDelta>> rows_;
};

inline MergeReport MustMerge(TestDatabase& into, HandMade& delta) {
  const auto merged = into.Merge(delta.Encode());
  if (!merged) ADD_FAILURE() << merged.error().message;
  return merged.value_or(MergeReport{});
}
inline MergeReport MustMerge(TestDatabase& into, HandMade&& delta) { return MustMerge(into, delta); }

// The keys of hidden rows that are text, with their reasons.
inline std::vector<std::string> Hidden(TestDatabase& db) {
  return db.Query("SELECT substr(CAST(key AS TEXT), 3) AS k, reason FROM rejoin__hidden ORDER BY 1");
}

}  // namespace rejoin::testing
