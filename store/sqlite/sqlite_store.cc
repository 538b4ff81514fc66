#include "store/sqlite/sqlite_store.h"

#include <algorithm>

#include "store/sqlite/adopt.h"
#include "store/sqlite/correct_time.h"
#include "store/sqlite/drift.h"
#include "store/sqlite/events.h"
#include "store/sqlite/extract.h"
#include "store/sqlite/extract_part.h"
#include "store/sqlite/fold.h"
#include "store/sqlite/identity.h"
#include "store/sqlite/log.h"
#include "store/sqlite/merge.h"
#include "store/sqlite/meta_schema.h"
#include "store/sqlite/peers.h"
#include "store/sqlite/scan_point.h"
#include "store/sqlite/shown.h"
#include "store/sqlite/triggers.h"

namespace rejoin {
namespace {

Status RefuseWhileCapturing(Engine& engine, std::string_view call) {
  if (engine.capture.empty()) return {};
  return Fail(Code::kOpenTransaction,
              std::string(call) + " is not possible in a transaction that has written tracked "
                                  "tables; COMMIT or ROLLBACK first");
}

// For what a session does: no ROLLBACK of the application may take back what was told to a peer.
// One of a transaction that has written no tracked table neither: it may have merged a delta.
Status RefuseInTransaction(Engine& engine) {
  REJOIN_TRY(engine.db.UndoWhatIsOwed());
  if (!engine.db.InTransaction() && engine.capture.empty()) return {};
  return Fail(Code::kOpenTransaction, "syncing is not possible inside a transaction; COMMIT or ROLLBACK first");
}

// Runs `work` as one transaction (a savepoint within an open one). The catalog
// cache forgets what was rolled back.
template <class Work>
auto InTransaction(Engine& engine, Work work) -> decltype(work()) {
  const KeepLastInsertRowid keep(engine.db.handle());
  auto outcome = [&]() -> decltype(work()) {
    REJOIN_ASSIGN(Savepoint savepoint, Savepoint::Begin(engine.db));
    auto result = work();
    if (!result) return result;
    REJOIN_TRY(savepoint.Release());
    return result;
  }();
  if (!outcome) engine.catalog.Invalidate();
  return outcome;
}

TrackedTable Describe(const TableShape& shape, const TrackOptions& options) {
  TrackedTable table;
  table.name = options.name.value_or(shape.name);
  table.local = shape.name;
  table.shape = shape;
  table.rules.same_key = options.same_key.value_or(
      shape.kind == KeyKind::kRowid ? SameKey::kNewest : SameKey::kMerge);
  table.rules.delete_wins = options.delete_wins.value_or(false);
  table.fire_triggers = options.fire_triggers.value_or(false);
  table.key_parts = static_cast<std::uint32_t>(shape.key.size());
  for (const ShapeColumn& column : shape.columns) {
    if (column.key_part != 0 || column.generated) continue;
    table.columns.push_back({column.name, column.name, column.affinity});
  }
  return table;
}

// A table that is tracked already: only fire_triggers may change, for the other
// options would change what replicas that cannot be asked already agreed on.
Status ChangeOptions(Engine& engine, TrackedTable& known, const TrackOptions& options) {
  const bool same = options.same_key.value_or(known.rules.same_key) == known.rules.same_key &&
                    options.delete_wins.value_or(known.rules.delete_wins) == known.rules.delete_wins &&
                    options.name.value_or(known.name) == known.name;
  if (!same) {
    return Fail(Code::kInvalidArgument,
                "table " + *known.local + " is tracked already with other options; same_key, "
                "delete_wins and name are fixed when a table is first tracked (rejoin_untrack and "
                "track it again on every replica to change them)");
  }
  known.fire_triggers = options.fire_triggers.value_or(known.fire_triggers);
  return engine.catalog.SaveTable(known);
}

// The table came from peers first: it was carried, now it is here.
Status TakeOver(Engine& engine, TrackedTable& carried, const TrackedTable& wanted,
                const TrackOptions& options) {
  if (carried.key_parts != wanted.key_parts) {
    return Fail(Code::kInvalidArgument,
                "table " + wanted.name + " has " + std::to_string(wanted.key_parts) +
                    " key columns here and " + std::to_string(carried.key_parts) +
                    " on the replicas it came from; give it the same primary key");
  }
  if ((options.same_key && *options.same_key != carried.rules.same_key) ||
      (options.delete_wins && *options.delete_wins != carried.rules.delete_wins)) {
    return Fail(Code::kInvalidArgument,
                "table " + wanted.name + " is tracked elsewhere with other options for same_key or "
                "delete_wins; leave them out to take those over");
  }
  REJOIN_TRY(ChangeLayout(engine));
  carried.local = wanted.local;
  carried.shape = wanted.shape;
  carried.fire_triggers = wanted.fire_triggers;
  for (const TrackedColumn& column : wanted.columns) {
    const auto known = std::find_if(carried.columns.begin(), carried.columns.end(),
                                    [&](const TrackedColumn& c) { return c.name == column.name; });
    if (known == carried.columns.end()) {
      REJOIN_TRY(engine.catalog.AddColumn(carried, column.name, column.local));
    } else {
      known->local = column.local;
      known->affinity = column.affinity;
    }
  }
  return engine.catalog.SaveTable(carried);
}

Result<TrackedTable*> Register(Engine& engine, const TableShape& shape, const TrackOptions& options) {
  TrackedTable wanted = Describe(shape, options);
  const bool with_rowids = shape.kind != KeyKind::kWithoutRowid;
  TrackedTable* known = engine.catalog.FindLogical(wanted.name);
  if (known != nullptr && known->local) {
    return Fail(Code::kInvalidArgument, "the name " + wanted.name + " is taken by table " +
                                            *known->local + "; choose another with {\"name\": ...}");
  }
  if (known != nullptr) {
    REJOIN_TRY(TakeOver(engine, *known, wanted, options));
    if (with_rowids) REJOIN_TRY(CreateRowTable(engine, known->number));
    return known;
  }
  REJOIN_ASSIGN(known, engine.catalog.AddTable(wanted));
  REJOIN_TRY(CreateKeyTable(engine, known->number));
  if (with_rowids) REJOIN_TRY(CreateRowTable(engine, known->number));
  return known;
}

Result<std::uint64_t> TrackInTransaction(Engine& engine, const std::string& name,
                                         const TrackOptions& options) {
  REJOIN_ASSIGN(const TableShape shape, ReadTableShape(engine.db, name));
  REJOIN_ASSIGN(const bool set_up, CheckMetaFormat(engine.db));
  if (!set_up) REJOIN_TRY(CreateMeta(engine));
  REJOIN_TRY(engine.catalog.Refresh());
  // What is adopted gets own stamps, as what is written. And from its first moment on a replica knows
  // its copies: a program may ship a file that was tracked and never written.
  REJOIN_TRY(FenceBeforeCommit(engine));
  REJOIN_TRY(engine.catalog.Refresh());
  if (TrackedTable* known = engine.catalog.FindLocal(shape.name)) {
    REJOIN_TRY(ChangeOptions(engine, *known, options));
    return std::uint64_t{0};
  }
  REJOIN_TRY(Fold(engine));
  REJOIN_ASSIGN(TrackedTable* const table, Register(engine, shape, options));
  REJOIN_TRY(CreateCaptureTriggers(engine, *table));
  REJOIN_ASSIGN(const std::uint64_t adopted, AdoptRows(engine, *table, true));
  REJOIN_TRY(ShowHiddenAgain(engine, *table, false));
  REJOIN_TRY(RememberSchema(engine));
  return adopted;
}

}  // namespace

std::shared_ptr<Engine> NewEngine(sqlite3* handle, const std::string& schema,
                                  const Environment& environment) {
  auto engine = std::make_shared<Engine>(handle, schema, environment);
  engine->before_commit = [](Engine& of, const CommitState& state) { return FenceBeforeCommit(of, state); };
  engine->after_commit = FenceAfterCommit;
  return engine;
}

Status SqliteStore::RequireSetUp() {
  REJOIN_ASSIGN(const bool set_up, CheckMetaFormat(engine_->db));
  if (!set_up) {
    return Fail(Code::kNotSetUp, "this database tracks no table yet; call rejoin_track('table') first");
  }
  REJOIN_TRY(FollowSchema(*engine_));
  return {};
}

Result<std::uint64_t> SqliteStore::Track(const std::string& table, const TrackOptions& options) {
  REJOIN_TRY(RefuseWhileCapturing(*engine_, "rejoin_track"));
  REJOIN_ASSIGN(const bool set_up, CheckMetaFormat(engine_->db));
  if (set_up) REJOIN_TRY(FollowSchema(*engine_));
  auto tracked = InTransaction(*engine_, [&] { return TrackInTransaction(*engine_, table, options); });
  // In a transaction of the caller's the next commit does it.
  if (tracked && !engine_->db.InTransaction()) FenceAfterCommit(*engine_);
  return tracked;
}

Status SqliteStore::Untrack(const std::string& name) {
  REJOIN_TRY(RefuseWhileCapturing(*engine_, "rejoin_untrack"));
  REJOIN_TRY(RequireSetUp());
  Engine& engine = *engine_;
  TrackedTable* table = engine.catalog.FindLocal(name);
  if (table == nullptr) table = engine.catalog.FindLogical(name);
  if (table == nullptr) {
    return Fail(Code::kUnknownTable,
                "table " + name + " is not tracked; SELECT * FROM rejoin_tables lists those that are");
  }
  const TableNumber number = table->number;
  return InTransaction(engine, [&]() -> Status {
    REJOIN_TRY(Fold(engine));
    REJOIN_TRY(DropCaptureTriggers(engine, number));
    engine.db.FinalizeAll();
    REJOIN_TRY(DropRowTables(engine, number));
    REJOIN_TRY(engine.catalog.RemoveTable(number));
    REJOIN_TRY(engine.catalog.Refresh());
    REJOIN_TRY(MarkComplete(engine));
    return RememberSchema(engine);
  });
}

Status SqliteStore::Uninstall() {
  REJOIN_TRY(RefuseWhileCapturing(*engine_, "rejoin_uninstall"));
  // A newer format is refused like any other write; a damaged one may go.
  const Result<bool> set_up = CheckMetaFormat(engine_->db);
  if (!set_up && set_up.error().code == Code::kNewerFormat) return tl::unexpected(set_up.error());
  if (set_up && !*set_up) return {};
  const std::string sidecar = SidecarPath(*engine_);
  REJOIN_TRY(InTransaction(*engine_, [&] { return DropMeta(*engine_); }));
  engine_->fence = {};
  return sidecar.empty() ? Status() : engine_->env.files->Remove(sidecar);
}

Status SqliteStore::DropColumn(const std::string& name, const std::string& column) {
  REJOIN_TRY(RefuseWhileCapturing(*engine_, "rejoin_drop_column"));
  REJOIN_TRY(RequireSetUp());
  Engine& engine = *engine_;
  TrackedTable* const table = engine.catalog.FindLocal(name);
  if (table == nullptr) {
    return Fail(Code::kUnknownTable,
                "table " + name + " is not tracked; use ALTER TABLE ... DROP COLUMN directly");
  }
  return InTransaction(engine, [&] { return DropColumnOf(engine, *table, column); });
}

Result<std::vector<Finding>> SqliteStore::Check() {
  REJOIN_ASSIGN(const bool set_up, CheckMetaFormat(engine_->db));
  if (!set_up) return std::vector<Finding>();
  REJOIN_TRY(engine_->catalog.Refresh());
  // What is only in the log yet has no metadata to check.
  const bool writable = sqlite3_db_readonly(engine_->db.handle(), engine_->db.schema().c_str()) == 0;
  if (writable) REJOIN_TRY(InTransaction(*engine_, [&] { return Fold(*engine_); }));
  return CheckTables(*engine_);
}

Result<ReplicaId> SqliteStore::Replica() {
  REJOIN_TRY(RequireSetUp());
  return ReadReplica(*engine_);
}

Result<VersionVector> SqliteStore::Vector() {
  REJOIN_TRY(RequireSetUp());
  REJOIN_ASSIGN(const bool incomplete, IsIncomplete(*engine_));
  if (incomplete) return VersionVector();
  return ReadVector(*engine_);
}

Result<ExtractReport> SqliteStore::ExtractSince(const VersionVector& since, ByteSink& out) {
  REJOIN_TRY(RefuseWhileCapturing(*engine_, "rejoin_delta"));
  REJOIN_TRY(RequireSetUp());
  REJOIN_TRY(RefuseIncomplete(*engine_));
  const KeepLastInsertRowid keep(engine_->db.handle());
  return ExtractSinceVector(*engine_, since, out);
}

Result<ExtractReport> SqliteStore::ExtractFrom(const Cursor& cursor, ByteSink& out) {
  REJOIN_TRY(RefuseWhileCapturing(*engine_, "rejoin_delta"));
  REJOIN_TRY(RequireSetUp());
  REJOIN_TRY(RefuseIncomplete(*engine_));
  const KeepLastInsertRowid keep(engine_->db.handle());
  return ExtractFromCursor(*engine_, cursor, out);
}

Result<MergeReport> SqliteStore::Merge(ByteSource& in) {
  REJOIN_TRY(RefuseWhileCapturing(*engine_, "rejoin_merge"));
  REJOIN_TRY(RequireSetUp());
  const KeepLastInsertRowid keep(engine_->db.handle());
  return MergeDelta(*engine_, in);
}

Result<PartReport> SqliteStore::ExtractPart(const PartRequest& request, ByteSink& out) {
  REJOIN_TRY(RefuseInTransaction(*engine_));
  REJOIN_TRY(RequireSetUp());
  REJOIN_TRY(RefuseIncomplete(*engine_));
  const KeepLastInsertRowid keep(engine_->db.handle());
  return ExtractPartOf(*engine_, request, out);
}

Result<MergeReport> SqliteStore::MergePart(ByteSource& in, const PartOrigin& origin) {
  REJOIN_TRY(RefuseInTransaction(*engine_));
  REJOIN_TRY(RequireSetUp());
  const KeepLastInsertRowid keep(engine_->db.handle());
  return MergePartOf(*engine_, in, origin);
}

Result<ResumePoint> SqliteStore::PointOf(const ReplicaId& peer) {
  REJOIN_TRY(RefuseInTransaction(*engine_));
  REJOIN_TRY(RequireSetUp());
  return ReadPoint(*engine_, peer);
}

Status SqliteStore::SkipTo(const PartOrigin& origin) {
  REJOIN_TRY(RefuseInTransaction(*engine_));
  REJOIN_TRY(RequireSetUp());
  return SkipPart(*engine_, origin);
}

Result<RoomId> SqliteStore::Room() {
  REJOIN_TRY(RequireSetUp());
  return ReadRoom(*engine_);
}

Status SqliteStore::SetRoom(const RoomId& room) {
  REJOIN_TRY(RequireSetUp());
  REJOIN_ASSIGN(const RoomId ours, ReadRoom(*engine_));
  if (ours == room) return {};
  REJOIN_TRY(RefuseInTransaction(*engine_));
  return InTransaction(*engine_, [&]() -> Status {
    REJOIN_TRY(TakeWriteLock(*engine_));
    return FixRoom(*engine_, room);
  });
}

Result<Cursor> SqliteStore::Head() {
  REJOIN_ASSIGN(const LogHead head, ReadLogHead(*engine_));
  return head.cursor;
}

Result<HybridTimestamp> SqliteStore::LatestTimeSeen() {
  REJOIN_ASSIGN(const LogHead head, ReadLogHead(*engine_));
  return head.clock;
}

Result<bool> SqliteStore::CorrectTime(const TimeCorrection& correction) {
  REJOIN_TRY(RefuseInTransaction(*engine_));
  REJOIN_TRY(RequireSetUp());
  const KeepLastInsertRowid keep(engine_->db.handle());
  return CorrectOwnTimes(*engine_, correction);
}

Result<std::optional<StateMark>> SqliteStore::MarkState(std::uint64_t most_rows) {
  REJOIN_TRY(RefuseInTransaction(*engine_));
  REJOIN_TRY(RequireSetUp());
  const KeepLastInsertRowid keep(engine_->db.handle());
  return marking_.GoOn(*engine_, most_rows);
}

Result<Comparison> SqliteStore::ComparisonWith(const ReplicaId& peer) {
  REJOIN_TRY(RequireSetUp());
  return ReadComparison(*engine_, peer);
}

Status SqliteStore::RememberComparison(const ReplicaId& peer, const Comparison& comparison) {
  REJOIN_TRY(RefuseInTransaction(*engine_));
  REJOIN_TRY(RequireSetUp());
  return InTransaction(*engine_, [&] { return WriteComparison(*engine_, peer, comparison); });
}

Status SqliteStore::NoteFinding(const std::string& text) {
  REJOIN_TRY(RefuseInTransaction(*engine_));
  REJOIN_TRY(RequireSetUp());
  return InTransaction(*engine_, [&] { return NoteEvent(*engine_, "digest", text); });
}

Result<Digest> SqliteStore::StateDigest(const std::optional<std::string>& table) {
  REJOIN_TRY(RequireSetUp());
  if (!table) return ComputeDigest(*engine_, nullptr);
  const TrackedTable* const known = engine_->catalog.FindLogical(*table);
  if (known == nullptr) return Fail(Code::kUnknownTable, "table " + *table + " is not tracked");
  return ComputeDigest(*engine_, known);
}

}  // namespace rejoin
