// A delta: a joinable fragment of a replica's state, and where it starts and ends.
//
// The rows carry everything that happened in the interval (start, end]: whoever
// covers `start` and joins the rows then covers `end`. Joining one whose start
// is not covered would skip changes, so it is refused (the causal merging
// condition of Almeida et al. 2018, section 6). Entry by entry: a header need not
// list the replicas of which it moves nothing. The rows may carry changes beyond
// `end` too, which tell nothing of their replica's other ones; a part of a larger
// whole has both vectors empty and nothing but such rows.
//
// The bytes of it: crdt/delta_codec.h and docs/format.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "crdt/row_state.h"
#include "crdt/version_vector.h"

namespace rejoin {

// Who may exchange deltas: the replicas of one room. All zero: not fixed yet.
struct RoomId {
  std::array<std::uint8_t, 16> bytes{};
  bool IsSet() const { return *this != RoomId{}; }
  friend bool operator==(const RoomId&, const RoomId&) = default;
};

struct DeltaHeader {
  ReplicaId sender;
  RoomId room;
  std::uint64_t scope = 0;  // 0: everything; others are reserved
  VersionVector start;      // exclusive
  VersionVector end;        // inclusive; covers start
};

// A table as its sender knows it. Names are logical and opaque bytes: fixed when
// the table was first tracked, whatever it is called locally.
struct DeltaTable {
  std::string name;
  RowRules rules;
  std::uint32_t key_parts = 1;       // values in each key, 1..kMaxKeyParts
  std::vector<std::string> columns;  // ColumnId i in this delta is columns[i]

  friend bool operator==(const DeltaTable&, const DeltaTable&) = default;
};

struct RowDelta {
  Key key;
  RowState state;

  friend bool operator==(const RowDelta&, const RowDelta&) = default;
};

// Rows of one table, ascending by key within the block. A table may have many
// blocks; a key comes in one block only.
struct DeltaBlock {
  std::uint32_t table = 0;  // index into the tables announced so far
  std::vector<RowDelta> rows;

  friend bool operator==(const DeltaBlock&, const DeltaBlock&) = default;
};

}  // namespace rejoin
