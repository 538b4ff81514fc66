// What a local commit has to know of the file before it stamps anything. To read it takes
// more than all else that we do at a commit of one row; so a connection keeps what its
// last commit left, for as long as SQLite itself would go on with the pages it has.
#pragma once

#include <cstdint>
#include <optional>

#include "crdt/stamp.h"
#include "store/store.h"

namespace rejoin {

struct Engine;

// The last row of the log, or zeros where the log is empty.
struct LogHead {
  Cursor cursor;               // epoch is filled in
  HybridTimestamp clock;       // the hybrid clock: >= everything stamped or merged here
  HybridTimestamp own;         // the latest own stamp
  std::uint64_t total_bytes = 0;
};

struct CommitState {
  std::int64_t catalog_stamp = 0;  // Catalog::RefreshTo
  ReplicaId replica;
  Bytes token;  // identity.h; empty: there is none yet
  // Of the log row that this connection committed last; nullopt: it is not there.
  std::optional<std::uint64_t> committed_tag;
  LogHead head;
};

// As a commit of this connection left the file.
struct KnownState {
  CommitState state;
  std::uint64_t writes = 0;         // Database::writes()
  std::uint32_t data_version = 0;   // SQLITE_FCNTL_DATA_VERSION
};

// Inside a write transaction; true until the next write. kCorrupt where the file lacks what
// it was made with.
Result<CommitState> ReadCommitState(Engine& engine);
// The same, as it is known where nobody can have changed it: the data version is another one
// as soon as any connection has committed, and we count what we write ourselves.
Result<CommitState> CurrentState(Engine& engine);
// Called after the commit.
void RememberState(Engine& engine, CommitState&& state);

}  // namespace rejoin
