// A VersionVector records which changes a replica has applied.
//
// It maps each ReplicaId to the latest HybridTimestamp t such that every change
// of that replica stamped <= t is applied here. It grows only. A replica that is
// absent has 0: nothing of it is applied.
//
// Join is a least upper bound: commutative, associative, idempotent
// (tests/crdt/join_laws_test.cc).
//
// Source: Almeida, Shoker, Baquero, "Delta state replicated data types", J.
// Parallel Distrib. Comput. 111 (2018). Departure: an entry is the hybrid
// timestamp of a change, not a counter, so one number orders and identifies.
// Thread-compatible.
#pragma once

#include <compare>
#include <utility>
#include <vector>

#include "crdt/stamp.h"

namespace rejoin {

class VersionVector {
 public:
  using Entry = std::pair<ReplicaId, HybridTimestamp>;

  // Of entries in any order; of several for one replica the latest counts. One by one, entries in
  // no order take time that grows with the square of their number.
  static VersionVector Of(std::vector<Entry> entries);

  HybridTimestamp Get(const ReplicaId& replica) const;

  // Raises the entry to at least `time`; true if it rose.
  bool Raise(const ReplicaId& replica, HybridTimestamp time);

  // Sets the entry to exactly `time`, 0 removes it. For building the start of an
  // interval; a replica's own vector only ever rises.
  void Set(const ReplicaId& replica, HybridTimestamp time);

  // True if this vector rose.
  bool Join(const VersionVector& other);

  bool Covers(const Stamp& stamp) const { return Get(stamp.replica) >= stamp.time; }
  bool Covers(const VersionVector& other) const;

  // unordered: each has seen something that the other has not.
  friend std::partial_ordering operator<=>(const VersionVector& a, const VersionVector& b);
  friend bool operator==(const VersionVector&, const VersionVector&) = default;

  // Ascending by replica id; no entry is 0.
  const std::vector<Entry>& entries() const { return entries_; }
  bool empty() const { return entries_.empty(); }

 private:
  std::vector<Entry> entries_;
};

// The greatest lower bound: what holders of both have in common.
VersionVector Lower(const VersionVector& a, const VersionVector& b);

}  // namespace rejoin
