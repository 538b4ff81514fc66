// What every extraction has in common: the file is prepared, read in one transaction,
// and the rows to tell of are found by the log where it reaches back far enough.
#pragma once

#include <optional>
#include <vector>

#include "store/sqlite/extract_rows.h"
#include "store/sqlite/log.h"

namespace rejoin {

struct Plan {
  VersionVector start;  // the delta's
  VersionVector known;  // covers it; what it covers is not told
  std::optional<std::vector<TouchedKey>> keys;  // nullopt: all rows are to be scanned
};

// From a vector, a position here, or both; kNotCovered where the position is unknown.
// `own`: the vector of this file.
Result<Plan> MakePlan(Engine& engine, const VersionVector* since, const Cursor* cursor,
                      const VersionVector& own);

// What is beyond `known` in the rows of these keys.
Status AddListed(Engine& engine, const std::vector<TouchedKey>& keys, const VersionVector& known,
                 DeltaRows& rows);

// What is beyond `known` in all rows.
Status AddScanned(Engine& engine, const VersionVector& known, DeltaRows& rows);

// A list for people: that it cannot be written is no reason to fail.
void ListLargeRows(Engine& engine, const std::vector<LargeRow>& large_rows);

// --- Transactions ---------------------------------------------------------------------

// Follows the schema, folds (kNotCovered where rows went missing), and notes that the own stamp so far leaves. `since`: what
// the asker has, if it says so.
Status PrepareToTell(Engine& engine, const VersionVector* since);
// Is all of that still so, in the transaction that reads?
Result<bool> IsPrepared(Engine& engine, const LogHead& head);

// Others may commit between the transaction that prepares and the one that reads; each
// time the preparation is made anew.
inline constexpr int kMaxAttempts = 10;
tl::unexpected<Error> OthersKeptWriting();

// Prepares, and calls tell(head) in a read transaction (the caller's write transaction
// if one is open) with the catalog of that moment.
template <class Tell>
auto InPreparedRead(Engine& engine, const VersionVector* since, Tell tell)
    -> decltype(tell(LogHead())) {
  for (int i = 0; i < kMaxAttempts; ++i) {
    REJOIN_TRY(PrepareToTell(engine, since));
    REJOIN_ASSIGN(Savepoint snapshot, Savepoint::Begin(engine.db));
    REJOIN_ASSIGN(const LogHead head, ReadLogHead(engine));
    REJOIN_ASSIGN(const bool prepared, IsPrepared(engine, head));
    if (!prepared) {
      REJOIN_TRY(snapshot.Release());
      continue;
    }
    REJOIN_TRY(engine.catalog.Refresh());
    auto told = tell(head);
    if (told) REJOIN_TRY(snapshot.Release());
    return told;
  }
  return OthersKeptWriting();
}

}  // namespace rejoin
