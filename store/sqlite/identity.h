// One file, one identity: noticing that a file is a copy or came back from the past.
//
// Two files with one replica id would give the same name to different changes,
// and each would believe the other's changes its own. Inodes and birth times do
// not tell a copy. So a random token stands in the database and in a small file
// beside it, <file>-rejoin: at the first write after opening and then each
// minute of writing, a fresh token goes to the sidecar as {old, new} and, in the
// transaction being committed, to the database; after the commit the sidecar is
// cut to {new}. A database whose token is not in its sidecar is a copy, or was
// restored: it takes a new replica id before it stamps anything.
//
// A file that is put back under an open connection is noticed at that connection's
// next write: the log row that it committed last is not there any more.
//
// What copies database and sidecar together escapes that; it is found when a
// peer names a state of this replica that this file never was in
// (CheckAgainstPeer).
#pragma once

#include "store/sqlite/commit_state.h"
#include "store/sqlite/engine.h"

namespace rejoin {

inline constexpr std::uint64_t kFenceIntervalMs = 60'000;

// Called under the write lock before a local transaction is stamped. `state`: as the file is.
Status FenceBeforeCommit(Engine& engine, const CommitState& state);
Status FenceBeforeCommit(Engine& engine);
// Called after that transaction committed. A sidecar that cannot be cut is no
// error: it holds both tokens, and either is right.
void FenceAfterCommit(Engine& engine);

// What of its history a file keeps under its old id.
struct KeptHistory {
  // Own changes stamped later than this become the new id's (same times): nobody
  // else has seen them.
  HybridTimestamp stamps_up_to;
  // The old id's vector entry: what of it is certainly applied here.
  HybridTimestamp vector_entry;
};

// Gives the file a new replica id. Inside a write transaction. `why` goes to the
// event log.
Status TakeNewIdentity(Engine& engine, const KeptHistory& kept, std::string_view why);

// The latest own stamp in anything that has left the file; 0: nothing has.
Result<HybridTimestamp> LatestIssued(Engine& engine);

// `claimed`: a peer's vector entry for this replica. Where this file never had
// such a state, its history was rolled back: takes a new identity, keeping what
// had left this file, and returns true. Inside a write transaction.
Result<bool> CheckAgainstPeer(Engine& engine, HybridTimestamp claimed);

// The sidecar's path; empty for files that have none (memory, temporary).
std::string SidecarPath(Engine& engine);

}  // namespace rejoin
