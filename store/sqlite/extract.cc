#include "store/sqlite/extract.h"

#include <algorithm>

#include "crdt/delta_codec.h"
#include "store/resume_point.h"
#include "store/sqlite/extract_log.h"
#include "store/sqlite/extract_rows.h"
#include "store/sqlite/extract_scan.h"
#include "store/sqlite/fold.h"
#include "store/sqlite/hidden.h"
#include "store/sqlite/identity.h"
#include "store/sqlite/peers.h"
#include "store/sqlite/row_access.h"

namespace rejoin {
namespace {

constexpr char kReadApplied[] =
    "SELECT id, applied FROM {s}.rejoin__replica WHERE applied > 0 ORDER BY number";
constexpr char kLastIssued[] = "SELECT coalesce(max(time), 0) FROM {s}.rejoin__issued";
constexpr char kIssue[] = "INSERT OR IGNORE INTO {s}.rejoin__issued(time) VALUES(?1)";

// Others may commit between the transaction that prepares and the one that
// reads; each time the preparation is made anew.
constexpr int kMaxAttempts = 10;

// What a delta starts from: a vector, a position here, or both.
struct Request {
  const VersionVector* since = nullptr;
  const Cursor* cursor = nullptr;
  bool for_session = false;  // may come to nothing, and tells only what changed
};

struct Plan {
  VersionVector start;  // the delta's
  VersionVector known;  // covers it; what it covers is not told
  std::optional<std::vector<TouchedKey>> keys;  // nullopt: all rows are to be scanned
};

tl::unexpected<Error> OthersKeptWriting() {
  return Fail(Code::kBusy, "other connections kept writing to the file; try again");
}

bool IsWritable(Engine& engine) {
  return sqlite3_db_readonly(engine.db.handle(), engine.db.schema().c_str()) == 0;
}

Result<bool> IsIssued(Engine& engine, HybridTimestamp own) {
  REJOIN_ASSIGN(CachedStatement read, engine.db.Cached(kLastIssued));
  REJOIN_TRY(read->Step());
  return HybridTimestamp{read->Unsigned(0)} >= own;
}

// Who asks may know more of this replica than the file does, for it came back
// from the past.
Status CheckAgainstWhoAsks(Engine& engine, const VersionVector& since) {
  REJOIN_ASSIGN(Savepoint transaction, Savepoint::Begin(engine.db));
  REJOIN_TRY(engine.catalog.Refresh());
  REJOIN_ASSIGN(const ReplicaId self, ReadReplica(engine));
  const auto renamed = CheckAgainstPeer(engine, since.Get(self));
  if (!renamed) return tl::unexpected(renamed.error());
  return transaction.Release();
}

// Folds, and notes that the own stamp so far leaves.
Status Prepare(Engine& engine, const Request& request) {
  REJOIN_TRY(Fold(engine));
  if (!IsWritable(engine)) return {};
  if (request.since != nullptr) REJOIN_TRY(CheckAgainstWhoAsks(engine, *request.since));
  REJOIN_ASSIGN(const LogHead head, ReadLogHead(engine));
  REJOIN_ASSIGN(const bool issued, IsIssued(engine, head.own));
  if (issued) return {};
  REJOIN_ASSIGN(CachedStatement issue, engine.db.Cached(kIssue));
  issue->Bind(1, head.own.value);
  return issue->Run();
}

Result<bool> IsPrepared(Engine& engine, const LogHead& head) {
  REJOIN_ASSIGN(const std::uint64_t pending, PendingBytes(engine));
  if (pending > 0) return false;
  if (!IsWritable(engine)) return true;
  return IsIssued(engine, head.own);
}

Result<Plan> MakePlan(Engine& engine, const Request& request, const VersionVector& own) {
  if (request.cursor != nullptr && *request.cursor == Cursor{}) return Plan{};
  if (request.cursor != nullptr) {
    REJOIN_ASSIGN(const bool known, IsKnown(engine, *request.cursor));
    if (!known) {
      return Fail(Code::kNotCovered,
                  "this store does not know the position any more; ask with a version vector");
    }
    REJOIN_ASSIGN(LogWalk walk, WalkBackTo(engine, request.cursor->position, own));
    Plan plan{walk.vector, std::move(walk.vector), std::move(walk.keys)};
    if (request.since != nullptr) plan.start.Join(Lower(*request.since, own));
    if (request.since != nullptr) plan.known.Join(*request.since);
    return plan;
  }
  // Rows may be ahead of the own vector, in the middle of a first sync: not those
  // that the asker had first.
  Plan plan{Lower(*request.since, own), *request.since, std::nullopt};
  if (plan.start.empty()) return plan;
  REJOIN_ASSIGN(std::optional<LogWalk> walk, WalkBackUntilCovered(engine, plan.start, own));
  if (walk) plan.keys = std::move(walk->keys);
  return plan;
}

Status AddListed(Engine& engine, const Plan& plan, DeltaRows& rows) {
  const TrackedTable* table = nullptr;
  for (const TouchedKey& touched : *plan.keys) {
    if (table == nullptr || table->number != touched.table) table = engine.catalog.Find(touched.table);
    if (table == nullptr) continue;  // no longer tracked
    REJOIN_ASSIGN(LocatedRow row, LoadRow(engine, *table, touched.key));
    RowState news = Since(row.state, plan.known);
    if (!news.empty()) REJOIN_TRY(rows.Add(*table, {touched.key, std::move(news)}));
  }
  return rows.Flush();
}

// Who is at the plan's start lacks nothing. Rows may have news though the vector
// has none: in the middle of a first sync it stays behind them.
Result<bool> SaysNothing(Engine& engine, const Plan& plan, const VersionVector& own) {
  if (!plan.keys || !plan.start.Covers(own)) return false;
  for (const TouchedKey& touched : *plan.keys) {
    const TrackedTable* const table = engine.catalog.Find(touched.table);
    if (table == nullptr) continue;
    REJOIN_ASSIGN(const LocatedRow row, LoadRow(engine, *table, touched.key));
    if (!Since(row.state, plan.known).empty()) return false;
  }
  return true;
}

Status AddScanned(Engine& engine, const Plan& plan, DeltaRows& rows) {
  for (const auto& table : engine.catalog.tables()) {
    const auto add = [&](RowDelta&& row) { return rows.Add(*table, std::move(row)); };
    REJOIN_TRY(ScanTable(engine, *table, plan.known, add));
    REJOIN_TRY(rows.Flush());
  }
  return {};
}

struct Extraction {
  ExtractReport report;
  bool nothing = false;  // no byte was written
  std::vector<LargeRow> large_rows;
};

// nullopt: another connection wrote in between; nothing has gone out.
Result<std::optional<Extraction>> TryExtract(Engine& engine, const Request& request, ByteSink& out) {
  REJOIN_ASSIGN(Savepoint snapshot, Savepoint::Begin(engine.db));
  REJOIN_ASSIGN(const LogHead head, ReadLogHead(engine));
  REJOIN_ASSIGN(const bool prepared, IsPrepared(engine, head));
  if (!prepared) {
    REJOIN_TRY(snapshot.Release());
    return std::optional<Extraction>();
  }
  REJOIN_TRY(engine.catalog.Refresh());
  DeltaHeader header;
  REJOIN_ASSIGN(header.sender, ReadReplica(engine));
  REJOIN_ASSIGN(header.room, ReadRoom(engine));
  REJOIN_ASSIGN(header.end, ReadVector(engine));
  REJOIN_ASSIGN(const Plan plan, MakePlan(engine, request, header.end));
  header.start = plan.start;
  if (request.for_session) {
    REJOIN_ASSIGN(const bool nothing, SaysNothing(engine, plan, header.end));
    if (nothing) {
      REJOIN_TRY(snapshot.Release());
      return std::optional<Extraction>(Extraction{{0, head.cursor, header.end}, true, {}});
    }
  }
  const VersionVector end = header.end;
  if (request.for_session) LeaveOutUnchanged(header);

  DeltaWriter writer(out);
  REJOIN_TRY(writer.Begin(header));
  DeltaRows rows(engine, writer);
  REJOIN_TRY(plan.keys ? AddListed(engine, plan, rows) : AddScanned(engine, plan, rows));
  REJOIN_TRY(writer.Finish());
  REJOIN_TRY(snapshot.Release());
  return std::optional<Extraction>(
      Extraction{{writer.rows_written(), head.cursor, end}, false, rows.large_rows()});
}

// A list for people: that it cannot be written is no reason to fail.
void ListLargeRows(Engine& engine, const std::vector<LargeRow>& large_rows) {
  if (!IsWritable(engine)) return;
  for (const LargeRow& row : large_rows) {
    const std::string detail = "a value is larger than the limit max_cell_bytes, " +
                               std::to_string(engine.limits.max_cell_bytes) +
                               " bytes, and stays on this replica";
    if (!PutHidden(engine, row.table, row.key, {QuarantineReason::kTooLarge, detail, {}})) return;
  }
}

Result<Extraction> Extract(Engine& engine, const Request& request, ByteSink& out) {
  for (int i = 0; i < kMaxAttempts; ++i) {
    REJOIN_TRY(Prepare(engine, request));
    REJOIN_ASSIGN(std::optional<Extraction> done, TryExtract(engine, request, out));
    if (!done) continue;
    ListLargeRows(engine, done->large_rows);
    return std::move(*done);
  }
  return OthersKeptWriting();
}

Status AddTable(Engine& engine, const TrackedTable& table, Digest& digest) {
  std::vector<std::string> names;
  for (const TrackedColumn& column : table.columns) names.push_back(column.name);
  const auto add = [&](RowDelta&& row) -> Status {
    LeaveOutLarge(engine.limits, row.state);
    if (!IsPresent(row.state, table.rules)) return {};
    digest.AddRow(table.name, row.key, ShownCells(row.state, table.rules), names);
    return {};
  };
  return ScanTable(engine, table, VersionVector(), add);
}

// Of one table, or of all (0). nullopt: another connection wrote in between.
Result<std::optional<Digest>> TryDigest(Engine& engine, TableNumber only) {
  REJOIN_ASSIGN(Savepoint snapshot, Savepoint::Begin(engine.db));
  REJOIN_ASSIGN(const std::uint64_t pending, PendingBytes(engine));
  std::optional<Digest> digest;
  if (pending == 0) {
    REJOIN_TRY(engine.catalog.Refresh());
    digest.emplace();
    for (const auto& table : engine.catalog.tables()) {
      if (only == 0 || table->number == only) REJOIN_TRY(AddTable(engine, *table, *digest));
    }
  }
  REJOIN_TRY(snapshot.Release());
  return digest;
}

}  // namespace

Result<VersionVector> ReadVector(Engine& engine) {
  VersionVector vector;
  REJOIN_ASSIGN(CachedStatement read, engine.db.Cached(kReadApplied));
  for (;;) {
    REJOIN_ASSIGN(const bool row, read->Step());
    if (!row) break;
    const auto id = ReplicaId::FromBytes(read->Text(0));
    if (id) vector.Raise(*id, HybridTimestamp{read->Unsigned(1)});
  }
  REJOIN_ASSIGN(const ReplicaId self, ReadReplica(engine));
  REJOIN_ASSIGN(const LogHead head, ReadLogHead(engine));
  if (head.own.value != 0) vector.Raise(self, head.own);
  return vector;
}

Result<ReplicaId> ReadReplica(Engine& engine) {
  REJOIN_ASSIGN(const auto stored, engine.Meta("replica"));
  const auto id = ReplicaId::FromBytes(stored ? ByteView(stored->bytes) : ByteView());
  if (!id) return Fail(Code::kCorrupt, "rejoin__meta holds no replica id; run rejoin doctor");
  return *id;
}

Result<ExtractReport> ExtractSinceVector(Engine& engine, const VersionVector& since, ByteSink& out) {
  REJOIN_ASSIGN(const Extraction done, Extract(engine, {&since, nullptr, false}, out));
  return done.report;
}

Result<ExtractReport> ExtractFromCursor(Engine& engine, const Cursor& cursor, ByteSink& out) {
  REJOIN_ASSIGN(const Extraction done, Extract(engine, {nullptr, &cursor, false}, out));
  return done.report;
}

Result<PartReport> ExtractPartFrom(Engine& engine, const std::optional<Cursor>& cursor,
                                   const VersionVector& peer_has, ByteSink& out) {
  const Request request{&peer_has, cursor ? &*cursor : nullptr, true};
  REJOIN_ASSIGN(const Extraction done, Extract(engine, request, out));
  PartReport part;
  part.head = done.report.end;
  part.until = EncodeResumePoint(done.report.end);
  part.rows = done.report.rows;
  part.end = done.report.until;
  part.nothing = done.nothing;
  return part;
}

Result<Digest> ComputeDigest(Engine& engine, const TrackedTable* only) {
  const TableNumber number = only == nullptr ? 0 : only->number;
  for (int i = 0; i < kMaxAttempts; ++i) {
    REJOIN_TRY(Fold(engine));
    REJOIN_ASSIGN(const std::optional<Digest> digest, TryDigest(engine, number));
    if (digest) return *digest;
  }
  return OthersKeptWriting();
}

}  // namespace rejoin
