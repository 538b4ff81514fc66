// The states of a block's rows without their values: presence, columns, stamps.
//
// Rows are much alike, so each distinct row *shape* (how many incarnations and
// removes, which columns, whose stamps) is written once and each distinct stamp
// once; rows refer to them by number. A row like the one before it costs nothing
// that zstd would not remove. Grammar: docs/format.md, "States".
//
// Thread-compatible.
#pragma once

#include <cstdint>
#include <span>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/status.h"
#include "crdt/delta.h"

namespace rejoin {

// Collects the states of one block. They have passed RowChecker.
class StateColumns {
 public:
  // `known`: the replicas that the delta's header lists, written by number.
  explicit StateColumns(const VersionVector& known);

  void Append(const RowState& state);
  // The state of an InsertedRow.
  void AppendInserted(const Stamp& birth, std::span<const ColumnId> columns);
  // Appends the encoded states; Clear() starts the next block.
  void Encode(Bytes& out) const;
  void Clear();

 private:
  // A stamp with its replica as an index into replicas_.
  struct Entry {
    std::uint32_t replica = 0;
    Rank rank = Rank::kAdopted;
    std::uint64_t time = 0;
  };
  // Stamps in the order of their use. A run of equal ones is one entry.
  struct Stream {
    Stamp last;
    std::vector<Entry> entries;
    std::vector<std::uint32_t> uses;  // indices of entries
  };
  struct Dictionary;

  std::uint32_t ReplicaIndex(const ReplicaId& replica);
  void Use(Stream& stream, const Stamp& stamp);
  void AppendShape(const RowState& state);
  void UseShape();
  Dictionary MakeDictionary() const;
  void EncodeReplicas(const Dictionary& dictionary, Bytes& out) const;
  void EncodeShapes(Bytes& out) const;
  void EncodeRemoves(const Dictionary& dictionary, Bytes& out) const;

  std::unordered_map<ReplicaId, std::uint32_t> known_;

  std::vector<ReplicaId> replicas_;  // of this block, in the order of their first use
  std::unordered_map<ReplicaId, std::uint32_t> replica_index_;

  std::unordered_map<std::string, std::uint32_t> shape_index_;
  std::vector<Bytes> shapes_;
  std::vector<std::uint32_t> row_shapes_;  // one per row
  Bytes scratch_;  // the shape at hand
  std::vector<ColumnId> inserted_columns_;  // of the last row of AppendInserted...
  std::optional<std::uint32_t> inserted_shape_;  // ... and its shape; nullopt: none in this block

  Stream births_;       // one per incarnation
  Stream cell_stamps_;  // those that the shapes call for
  Stream remove_stamps_;
  std::vector<std::uint32_t> removed_replicas_;  // one per remove, as the two below
  std::vector<std::uint64_t> tags_;
};

// Reads what Encode wrote, and the value columns of the same block, into the
// states of `rows`, whose number is known and whose states are empty before. What
// comes out still has to pass RowChecker. kCorrupt or kUnsupported.
Status ReadStateColumns(ByteView states, ByteView values, const VersionVector& known,
                        std::size_t columns, std::vector<RowDelta>& rows);

}  // namespace rejoin
