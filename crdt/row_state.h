// The state of one row: a lattice whose join never loses a change.
//
// A row is an optimized OR-set of *incarnations* and the *removes* seen so far.
// INSERT makes an incarnation, tagged by its stamp, the *birth*; it holds one
// LWW register, a *cell*, per written column. DELETE records, per replica, the
// latest tag of that replica which it observed. Every part only grows under
// Join, so states are joined in any order, any number of times.
//
// A delta is a RowState too: the mutators below return just what changed, and
// the same Join applies it. No function here invents a stamp.
//
// Sources: Shapiro et al., "Conflict-free replicated data types", SSS 2011;
// Bieniusa et al., "An optimized conflict-free replicated set", 2012. Departure:
// a cell's stamp is a tag too, so an edit concurrent with a delete keeps the row.
// The rules with examples: docs/merge_rules.md. Thread-compatible.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "crdt/stamp.h"
#include "crdt/value.h"
#include "crdt/version_vector.h"

namespace rejoin {

// A column's number in the dictionary of its table; what it names is the
// dictionary's business (a store's catalog, a delta's table section).
using ColumnId = std::uint32_t;

// A last-writer-wins register: the larger stamp wins.
struct Cell {
  ColumnId column = 0;
  Stamp stamp;
  Value value;

  friend bool operator==(const Cell&, const Cell&) = default;
};

struct Incarnation {
  Stamp birth;
  std::vector<Cell> cells;  // ascending by column, each column once

  friend bool operator==(const Incarnation&, const Incarnation&) = default;
};

// What deletes have observed of one replica. The larger (tag, stamp) wins.
struct Remove {
  ReplicaId replica;     // whose tags
  HybridTimestamp tag;   // the latest of them observed
  Stamp stamp;           // of the delete that observed it

  friend bool operator==(const Remove&, const Remove&) = default;
};

// Which living incarnation a row shows where two replicas made one key apart.
enum class SameKey : std::uint8_t {
  kMerge = 0,   // per column the largest stamp over all living incarnations
  kNewest = 1,  // the one with the largest birth, whole; where all of them were
                // adopted they are copies of one row and merge as above
};

// The options of a table that change what its states mean. Equal on all replicas.
struct RowRules {
  SameKey same_key = SameKey::kMerge;
  bool delete_wins = false;  // only births count as tags: an edit does not keep a row

  friend bool operator==(const RowRules&, const RowRules&) = default;
};

struct RowState {
  std::vector<Incarnation> incarnations;  // ascending by birth, each once
  std::vector<Remove> removes;            // ascending by replica, each once

  bool empty() const { return incarnations.empty() && removes.empty(); }
  friend bool operator==(const RowState&, const RowState&) = default;
};

struct JoinOutcome {
  bool rose = false;
  // Two unequal values met under one stamp: a replica equivocated, or two share
  // an id. The larger value (class, bits, bytes) was kept on every replica.
  bool duplicate_dot = false;
};

// into := into joined with from.
JoinOutcome Join(RowState& into, const RowState& from);

// --- Reading -----------------------------------------------------------------

// Whether removes reach the tag. An adopted tag is covered by any remove.
bool IsCovered(const Stamp& tag, const std::vector<Remove>& removes);
bool IsAlive(const Incarnation& incarnation, const std::vector<Remove>& removes, RowRules rules);
bool IsPresent(const RowState& state, RowRules rules);

// The living incarnation with the largest birth: edits stamp its cells.
// nullptr where the row is absent.
const Incarnation* ShownIncarnation(const RowState& state, RowRules rules);

// Two living incarnations: one key was made on two replicas apart. Copies of a
// row that several replicas adopted are not a clash, unless their values differ.
bool HasKeyClash(const RowState& state, RowRules rules);

// The cells a present row shows, ascending by column; empty where it is absent.
// A column without a cell shows the local default. Pointers into `state`.
std::vector<const Cell*> ShownCells(const RowState& state, RowRules rules);

// The largest stamp anywhere in the state; nullopt for the empty one.
std::optional<Stamp> LargestStamp(const RowState& state);
// The latest time of any stamp in it, whatever its rank: what a clock has to be
// ahead of that has seen the state. 0 for the empty one.
HybridTimestamp LatestTime(const RowState& state);

// --- Writing: each returns the delta, which the caller joins into the state -----

// `cells` are stamped with `stamp` (their own stamps are ignored); any order.
RowState InsertDelta(const Stamp& stamp, std::vector<Cell> cells);
// Stamps `cells` in the shown incarnation. The row is present.
RowState UpdateDelta(const RowState& state, RowRules rules, const Stamp& stamp,
                     std::vector<Cell> cells);
// Observes every tag in `state`. The row is present.
RowState DeleteDelta(const RowState& state, const Stamp& stamp);

// --- Deltas ------------------------------------------------------------------

// The part of `state` whose stamps are beyond `vector`: what its holder lacks.
// A remove is news iff its delete's stamp is (its tag never is).
RowState Since(const RowState& state, const VersionVector& vector);

// Takes out of a delta what is stamped later than `newest`, unless `known` covers it, and
// returns the latest stamp among that; nullopt: there was nothing. Cells go with the
// incarnation that holds them; an incarnation stays for its birth, if that is news.
std::optional<Stamp> CutLater(RowState& delta, HybridTimestamp newest, const VersionVector& known);

// From one dictionary of columns into another: column i becomes numbers[i]. Every
// cell's column is within `numbers`, which has no number twice.
void RenumberColumns(RowState& state, const std::vector<ColumnId>& numbers);

}  // namespace rejoin
