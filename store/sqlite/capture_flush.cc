#include <algorithm>

#include "store/sqlite/capture_sort.h"
#include "store/sqlite/coalesce.h"
#include "store/sqlite/commit_state.h"
#include "store/sqlite/drift.h"
#include "store/sqlite/log.h"
#include "store/sqlite/log_codec.h"

namespace rejoin {
namespace {

constexpr char kDropRow[] = "DELETE FROM {s}.rejoin__log WHERE pos = ?1 AND tag = ?2";
constexpr char kTriggerTable[] =
    "SELECT tbl_name FROM {s}.sqlite_schema WHERE type = 'trigger' AND name = ?1";
// A statement that changes ?1 rows, or none: there is no other way to set changes().
constexpr char kChange[] =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT ?1) "
    "INSERT OR REPLACE INTO {s}.rejoin__meta(name, value) SELECT 'changes', 0 FROM n";
constexpr char kChangeNothing[] = "DELETE FROM {s}.rejoin__meta WHERE 0";

// Writes changes to the log under one stamp, which is drawn for the first of them.
class TransactionLog {
 public:
  // `state`: as the file is.
  TransactionLog(Engine& engine, const CommitState& state)
      : engine_(engine), replica_(state.replica), head_(state.head) {}

  Status Add(const ChangeView& change) {
    if (!begun_) Begin();
    const std::uint64_t weight =
        ChangeWeight(change.columns == nullptr ? 0 : change.columns->size());
    const std::size_t bytes = change.key.size() + change.moved_from.size() + change.values.size();
    const bool full = writer_.size_bytes() + bytes > engine_.limits.log_body_bytes ||
                      writer_.weight() + weight > kFullBodyWeight;
    if (full && !change.with_last && !writer_.empty()) REJOIN_TRY(Append({}));
    writer_.Add(change);
    return {};
  }

  // The last row says that the own vector entry advanced: only with it everything
  // is listed.
  Status Finish() {
    if (!begun_) return {};
    REJOIN_ASSIGN(const ReplicaNumber self, engine_.catalog.Intern(replica_));
    return Append({{self, before_, time_}});
  }

  const LogHead& head() const { return head_; }

 private:
  void Begin() {
    before_ = head_.own;
    time_ = Tick(head_.clock, engine_.env.clock->WallMs());
    begun_ = true;
  }

  Status Append(const std::vector<Advance>& advances) {
    const Bytes body = writer_.Take(Rank::kWritten, advances, false);
    REJOIN_TRY(AppendLogRow(engine_, head_, time_, time_, body));
    engine_.session.log_rows.emplace_back(head_.cursor.position, head_.cursor.tag);
    engine_.fence.written = engine_.session.log_rows.back();
    return {};
  }

  Engine& engine_;
  ReplicaId replica_;
  LogBodyWriter writer_;
  LogHead head_;
  HybridTimestamp before_;
  HybridTimestamp time_;
  bool begun_ = false;
};

// A table that ALTER TABLE renamed in this transaction took its triggers along.
Status FollowName(Engine& engine, TrackedTable& table) {
  {
    const std::string trigger = "rejoin__" + std::to_string(table.number) + "_insert";
    REJOIN_ASSIGN(CachedStatement find, engine.db.Cached(kTriggerTable));
    find->BindText(1, trigger);
    REJOIN_ASSIGN(const bool found, find->Step());
    if (!found || find->Text(0) == *table.local) return {};
    table.local = std::string(find->Text(0));
  }
  return engine.catalog.SaveTable(table);
}

bool KnowsColumns(const TrackedTable& table, const TableShape& now) {
  return std::all_of(now.columns.begin(), now.columns.end(), [&table](const ShapeColumn& column) {
    if (column.key_part != 0 || column.generated) return true;
    return std::any_of(table.columns.begin(), table.columns.end(),
                       [&column](const TrackedColumn& known) { return known.local == column.name; });
  });
}

// What was written may have columns that the catalog has never heard of.
Status FollowColumns(Engine& engine, TrackedTable& table) {
  REJOIN_TRY(FollowName(engine, table));
  Result<TableShape> now = ReadTableShape(engine.db, *table.local);
  // A table that is gone, or no longer fit, is noticed when the schema is followed.
  if (!now) return IsAboutTable(now.error().code) ? Status() : tl::unexpected(now.error());
  if (!KnowsColumns(table, *now)) return AdoptSchemaChange(engine, table);
  table.shape = std::move(*now);
  return {};
}

Status FollowSchemaCookie(Engine& engine) {
  REJOIN_ASSIGN(const std::int64_t cookie, SchemaCookie(engine));
  if (engine.compared_cookie == cookie) return {};
  for (const auto& table : engine.catalog.tables()) {
    if (table->local) REJOIN_TRY(FollowColumns(engine, *table));
  }
  engine.compared_cookie = cookie;
  return {};
}

// `state`: as the file is, and as it is then.
Status WriteLog(Engine& engine, CommitState& state) {
  TransactionLog log(engine, state);
  Coalescer coalescer(engine, [&log](const ChangeView& change) { return log.Add(change); });
  CaptureBuffer& buffer = engine.capture;
  const std::size_t memory_bytes = engine.limits.capture_memory_bytes;
  if (buffer.spilled() || buffer.size_bytes() > WindowBytes(memory_bytes)) {
    REJOIN_TRY(CoalesceInWindows(buffer, memory_bytes, coalescer));
  } else {
    REJOIN_TRY(coalescer.Take(buffer.InMemory()));
  }
  REJOIN_TRY(log.Finish());
  if (!engine.session.log_rows.empty()) {
    state.head = log.head();
    state.committed_tag = state.head.cursor.tag;
  }
  return {};
}

// Of an earlier attempt to commit. A rollback to a savepoint may have taken them
// back, and others may stand in their places: the tag tells.
Status DropOwnRows(Engine& engine) {
  for (const auto& [position, tag] : engine.session.log_rows) {
    REJOIN_ASSIGN(CachedStatement drop, engine.db.Cached(kDropRow));
    drop->Bind(1, position).Bind(2, tag);
    REJOIN_TRY(drop->Run());
  }
  engine.session.log_rows.clear();
  return {};
}

Status Flush(Engine& engine) {
  engine.session.left.reset();
  REJOIN_TRY(DropOwnRows(engine));
  if (engine.capture.empty()) return {};
  if (!engine.catalog.loaded()) REJOIN_TRY(engine.catalog.Refresh());
  REJOIN_ASSIGN(CommitState state, CurrentState(engine));
  REJOIN_TRY(engine.catalog.RefreshTo(state.catalog_stamp));
  std::uint64_t writes = engine.db.writes();
  REJOIN_TRY(FollowSchemaCookie(engine));
  if (engine.before_commit) REJOIN_TRY(engine.before_commit(engine, state));
  if (engine.db.writes() != writes) {
    REJOIN_ASSIGN(state, ReadCommitState(engine));
    writes = engine.db.writes();
  }
  REJOIN_TRY(WriteLog(engine, state));
  // What is interned for a change is written, too, and moves the catalog's stamp.
  if (engine.db.writes() == writes + engine.session.log_rows.size()) engine.session.left = std::move(state);
  return {};
}

// changes() after a COMMIT is that of the last statement before it.
Status RestoreChanges(Engine& engine, sqlite3_int64 changes) {
  if (sqlite3_changes64(engine.db.handle()) == changes || changes > kMaxKeptChanges) return {};
  if (changes == 0) return engine.db.Exec(kChangeNothing);
  REJOIN_ASSIGN(CachedStatement change, engine.db.Cached(kChange));
  change->Bind(1, std::int64_t{changes});
  return change->Run();
}

class Committing {
 public:
  explicit Committing(Database& db) : db_(db) { db_.set_committing(true); }
  Committing(const Committing&) = delete;
  Committing& operator=(const Committing&) = delete;
  ~Committing() { db_.set_committing(false); }

 private:
  Database& db_;
};

}  // namespace

Status FlushCapture(Engine& engine) {
  REJOIN_TRY(engine.db.CheckNothingIsOwed());
  CaptureSession& session = engine.session;
  const bool nothing_new = session.flushed || (engine.capture.empty() && session.log_rows.empty());
  if (nothing_new || engine.merging != nullptr) return {};
  const KeepLastInsertRowid keep(engine.db.handle());
  const sqlite3_int64 changes = sqlite3_changes64(engine.db.handle());
  const Committing committing(engine.db);
  REJOIN_TRY(Flush(engine));
  // A statement that commits by itself sets changes() when it ends.
  if (session.explicit_end) REJOIN_TRY(RestoreChanges(engine, changes));
  session.flushed = true;
  session.left_writes = engine.db.writes();
  return {};
}

}  // namespace rejoin
