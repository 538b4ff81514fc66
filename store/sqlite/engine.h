// Everything that one connection keeps for one tracked file.
//
// The parts (capture, log, fold, extract, merge, ...) are free functions and
// small classes over an Engine; it decides nothing itself. Thread rule: that of
// the connection.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/os.h"
#include "store/sqlite/capture_buffer.h"
#include "store/sqlite/catalog.h"
#include "store/sqlite/commit_state.h"
#include "store/sqlite/row_sql.h"
#include "store/sqlite/sql.h"
#include "store/sqlite/vector.h"

namespace rejoin {

// The outside, as the engine sees it. Referenced objects outlive the engine.
struct Environment {
  Clock* clock = nullptr;
  Random* random = nullptr;
  SmallFiles* files = &SystemSmallFiles();  // where the sidecar is (identity.h)
};

// Limits with their reasons; tests make them small to reach them.
struct Limits {
  std::uint64_t max_cell_bytes = 16u << 20;        // larger cells stay local and are listed
  std::size_t capture_memory_bytes = 8u << 20;     // beyond: the buffer goes to a scratch file
  std::size_t log_body_bytes = 1u << 20;           // one log row; larger transactions take several
  std::size_t fold_batch_bytes = 4u << 20;         // of changes sorted in memory at a time; twice that
                                                   // where they are of one transaction
  std::size_t listed_keys_bytes = 8u << 20;        // that the log names, gathered for a delta
  std::uint64_t log_min_bytes = 16u << 20;         // the log keeps at least this ...
  std::uint64_t log_file_percent = 5;              // ... or this share of the file, the larger
  std::uint64_t part_rows = 100'000;               // that a part of a scan looks at, in one read transaction
};

struct Engine {
  Engine(sqlite3* handle, std::string schema, Environment environment)
      : db(handle, std::move(schema)), env(environment), catalog(db, *environment.random) {}

  Database db;
  Environment env;
  Limits limits;
  Catalog catalog;
  CaptureBuffer capture;
  CaptureSession session;
  RowSqlCache row_sql;

  // While a merge writes user tables: captures are ours or a mistake (merge.h).
  struct MergeInProgress* merging = nullptr;

  // Called around a local commit (FlushCapture): before, under the write lock,
  // an error refuses the commit; after, nothing can fail any more, and no SQL can
  // run. Set by NewEngine.
  std::function<Status(Engine&, const CommitState&)> before_commit;
  std::function<void(Engine&)> after_commit;
  std::function<void(Engine&)> after_rollback;

  std::optional<KnownState> known_state;
  std::optional<KnownVector> known_vector;
  // The schema cookie under which the file had no triggers but ours (merge_scope.h).
  std::optional<std::int64_t> cookie_without_triggers;
  // The schema cookie for which FlushCapture last compared columns.
  std::optional<std::int64_t> compared_cookie;
  // What capture triggers must say; read again where it does not match.
  Bytes secret;
  int capture_tables = 0;  // virtual tables of this file that are connected

  // The identity fence (identity.h): the token this connection last saw in the
  // database, and when it last compared it with the sidecar; position and tag of
  // the log row it last committed, and of the one it is about to.
  struct Fence {
    Bytes token;
    std::optional<std::pair<std::uint64_t, std::uint64_t>> committed;
    std::optional<std::pair<std::uint64_t, std::uint64_t>> written;
    std::uint64_t checked_steady_ms = 0;
    bool checked = false;
    bool rotated = false;  // a fresh token is in the open transaction
  } fence;

  // Values of rejoin__meta.
  Result<std::optional<Value>> Meta(std::string_view name);
  Status SetMeta(std::string_view name, const Value& value);
};

}  // namespace rejoin
