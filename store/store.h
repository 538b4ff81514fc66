// The seam between a replica's state and everything that moves it about.
//
// Three implementations stand behind it, under one contract test
// (tests/store/store_contract_test.cc): store/sqlite (the product: the user's own
// tables plus metadata), store/rows (the hub's: packed states, no schema) and
// store/memory (the model that tests compare with).
// How rows get written locally is each store's own affair: SQL for one, plain
// calls for the other.
//
// Thread-compatible: one caller at a time. An error leaves the store unchanged.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "crdt/delta_codec.h"
#include "crdt/digest.h"

namespace rejoin {

// A position in one store's local order. Only the store that made it can read
// it; the tag proves that its history is still the same one. Positions are
// never used twice. {0, 0, 0} is before everything.
struct Cursor {
  std::uint64_t epoch = 0;     // of the store; changes when its history is rewritten
  std::uint64_t position = 0;  // inclusive: everything up to it was seen
  std::uint64_t tag = 0;       // random, of the entry at the position

  friend bool operator==(const Cursor&, const Cursor&) = default;
};

struct ExtractReport {
  std::uint64_t rows = 0;
  Cursor end;          // from here the next Extract goes on
  VersionVector until;  // the delta's end
};

// What was left out of a delta for being stamped too far ahead: the latest of it.
struct TooNew {
  ReplicaId replica;
  HybridTimestamp time;
};

struct MergeReport {
  std::uint64_t rows_changed = 0;    // rows whose state rose
  // Of them, rows that are shown otherwise since, less those that made way for another
  // row before their own part of the delta came.
  std::uint64_t rows_shown = 0;
  std::uint64_t conflicts = 0;       // key clashes among the changed rows
  std::uint64_t quarantined = 0;     // rows of this delta that are present but cannot be shown
  std::uint64_t duplicate_dots = 0;  // unequal values under one stamp: a peer equivocates
  VersionVector sender_has;          // the delta's end: what its sender covers of what it told
  std::optional<TooNew> too_new;     // of parts only: see PartOrigin::newest

  void NoteTooNew(const ReplicaId& replica, HybridTimestamp time) {
    if (!too_new || too_new->time < time) too_new = TooNew{replica, time};
  }
};

class Store {
 public:
  virtual ~Store() = default;

  virtual Result<ReplicaId> Replica() = 0;
  // What is applied here, local commits included.
  virtual Result<VersionVector> Vector() = 0;

  // Writes one delta: what the holder of `since` lacks. Also fine for a vector
  // that is ahead of this store in some component (nothing is sent for it).
  virtual Result<ExtractReport> ExtractSince(const VersionVector& since, ByteSink& out) = 0;
  // The same from a position of this store's local order; kNotCovered when the
  // position is unknown or trimmed: then use the vector.
  virtual Result<ExtractReport> ExtractFrom(const Cursor& cursor, ByteSink& out) = 0;

  // Joins one delta, whole or not at all. kNotCovered where the delta's start is
  // beyond Vector(); kCorrupt for damage.
  virtual Result<MergeReport> Merge(ByteSource& in) = 0;

  // Over the replicated state, of one table (logical name) or of all.
  virtual Result<Digest> StateDigest(const std::optional<std::string>& table) = 0;
};

}  // namespace rejoin
