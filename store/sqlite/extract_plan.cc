#include "store/sqlite/extract_plan.h"

#include <algorithm>

#include "store/sqlite/drift.h"
#include "store/sqlite/extract.h"
#include "store/sqlite/extract_log.h"
#include "store/sqlite/extract_scan.h"
#include "store/sqlite/fold.h"
#include "store/sqlite/identity.h"
#include "store/sqlite/merge.h"
#include "store/sqlite/peers.h"
#include "store/sqlite/row_reader.h"

namespace rejoin {
namespace {

constexpr char kIssue[] = "INSERT OR IGNORE INTO {s}.rejoin__issued(time) VALUES(?1)";

bool IsWritable(Engine& engine) {
  return sqlite3_db_readonly(engine.db.handle(), engine.db.schema().c_str()) == 0;
}

Result<bool> IsIssued(Engine& engine, HybridTimestamp own) {
  REJOIN_ASSIGN(const HybridTimestamp latest, LatestIssued(engine));
  return latest >= own;
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

// In one transaction: each is a wait for the disk, and somebody waits for the change.
Status FoldAndIssue(Engine& engine) {
  const KeepLastInsertRowid keep(engine.db.handle());
  REJOIN_ASSIGN(Savepoint savepoint, Savepoint::Begin(engine.db));
  REJOIN_TRY(TakeWriteLock(engine));
  REJOIN_TRY(Fold(engine));
  REJOIN_ASSIGN(const LogHead head, ReadLogHead(engine));
  REJOIN_ASSIGN(CachedStatement issue, engine.db.Cached(kIssue));
  issue->Bind(1, head.own.value);
  REJOIN_TRY(issue->Run());
  return savepoint.Release();
}

// Fewer rows than this are mostly on a page each.
constexpr std::ptrdiff_t kFewRows = 1000;

// Adds what is listed of one table.
class Listed {
 public:
  Listed(Engine& engine, const TrackedTable& table, const VersionVector& known, DeltaRows& rows)
      : table_(table), known_(known), rows_(rows), reader_(engine, table) {}

  Status Add(const TouchedKey* first, const TouchedKey* end) {
    REJOIN_TRY(end - first < kFewRows ? InOrderOfKeys(first, end) : InOrderOfTable(first, end));
    return rows_.Flush();
  }

 private:
  Status InOrderOfKeys(const TouchedKey* first, const TouchedKey* end) {
    for (; first != end; ++first) {
      REJOIN_ASSIGN(const LocatedRow row, reader_.Load(first->key));
      REJOIN_TRY(Add(first->key, row));
    }
    return {};
  }

  // The pages that the rows are on are read once then, be the cache as small as it may.
  Status InOrderOfTable(const TouchedKey* first, const TouchedKey* end) {
    std::vector<std::pair<std::optional<std::int64_t>, const TouchedKey*>> places;
    places.reserve(static_cast<std::size_t>(end - first));
    for (; first != end; ++first) {
      REJOIN_ASSIGN(const std::optional<std::int64_t> rowid, reader_.FindRowid(first->key));
      places.emplace_back(rowid, first);
    }
    std::sort(places.begin(), places.end());
    for (const auto& [rowid, touched] : places) {
      REJOIN_ASSIGN(const LocatedRow row, reader_.LoadAt(touched->key, rowid));
      REJOIN_TRY(Add(touched->key, row));
    }
    return {};
  }

  Status Add(const Key& key, const LocatedRow& row) {
    RowState news = Since(row.state, known_);
    return news.empty() ? Status() : rows_.Add(table_, {key, std::move(news)});
  }

  const TrackedTable& table_;
  const VersionVector& known_;
  DeltaRows& rows_;
  RowReader reader_;
};

class AddingTo : public RowVisitor {
 public:
  AddingTo(const TrackedTable& table, DeltaRows& rows) : table_(table), rows_(rows) {}
  Result<bool> Take(RowDelta&& row) override {
    REJOIN_TRY(rows_.Add(table_, std::move(row)));
    return true;
  }
  Result<bool> Take(const InsertedRow& row) override {
    REJOIN_TRY(rows_.Add(table_, row));
    return true;
  }

 private:
  const TrackedTable& table_;
  DeltaRows& rows_;
};

}  // namespace

tl::unexpected<Error> OthersKeptWriting() {
  return Fail(Code::kBusy, "other connections kept writing to the file; try again");
}

Status PrepareToTell(Engine& engine, const VersionVector* since) {
  REJOIN_TRY(FollowSchema(engine));
  REJOIN_TRY(RefuseIncomplete(engine));
  if (!IsWritable(engine)) return Fold(engine);
  if (since != nullptr) REJOIN_TRY(CheckAgainstWhoAsks(engine, *since));
  REJOIN_ASSIGN(const LogHead head, ReadLogHead(engine));
  REJOIN_ASSIGN(const bool issued, IsIssued(engine, head.own));
  if (issued) return Fold(engine);
  const Status issuing = FoldAndIssue(engine);
  if (!issuing) engine.catalog.Invalidate();
  return issuing;
}

Result<bool> IsPrepared(Engine& engine, const LogHead& head) {
  REJOIN_ASSIGN(const std::uint64_t pending, PendingBytes(engine));
  if (pending > 0) return false;
  if (!IsWritable(engine)) return true;
  // VACUUM gives rows other rowids.
  REJOIN_ASSIGN(const bool remembered, IsSchemaRemembered(engine));
  if (!remembered) return false;
  return IsIssued(engine, head.own);
}

Result<Plan> MakePlan(Engine& engine, const VersionVector* since, const Cursor* cursor,
                      const VersionVector& own) {
  if (cursor != nullptr && *cursor == Cursor{}) return Plan{};
  if (cursor != nullptr) {
    REJOIN_ASSIGN(const bool known, IsKnown(engine, *cursor));
    if (!known) {
      return Fail(Code::kNotCovered,
                  "this store does not know the position any more; ask with a version vector");
    }
    REJOIN_ASSIGN(LogWalk walk, WalkBackTo(engine, cursor->position, own));
    Plan plan{walk.vector, std::move(walk.vector), std::move(walk.keys)};
    if (since != nullptr) plan.start.Join(Lower(*since, own));
    if (since != nullptr) plan.known.Join(*since);
    return plan;
  }
  // Rows may be ahead of the own vector, in the middle of a first sync or where a
  // transaction was refused: not those that the asker had first.
  Plan plan{Lower(*since, own), *since, std::nullopt};
  if (plan.start.empty()) return plan;
  // The log says when they came, which no vector does.
  REJOIN_ASSIGN(const VersionVector ahead, ReadAhead(engine));
  if (!since->Covers(ahead)) return plan;
  REJOIN_ASSIGN(std::optional<LogWalk> walk, WalkBackUntilCovered(engine, plan.start, own));
  if (walk) plan.keys = std::move(walk->keys);
  return plan;
}

Status AddListed(Engine& engine, const std::vector<TouchedKey>& keys, const VersionVector& known,
                 DeltaRows& rows) {
  const TouchedKey* const end = keys.data() + keys.size();
  for (const TouchedKey* first = keys.data(); first != end;) {
    const TouchedKey* const next = std::find_if(
        first, end, [first](const TouchedKey& touched) { return touched.table != first->table; });
    const TrackedTable* const table = engine.catalog.Find(first->table);  // nullptr: no longer tracked
    if (table != nullptr) REJOIN_TRY(Listed(engine, *table, known, rows).Add(first, next));
    first = next;
  }
  return {};
}

Status AddScanned(Engine& engine, const VersionVector& known, DeltaRows& rows) {
  for (const auto& table : engine.catalog.tables()) {
    AddingTo adding(*table, rows);
    REJOIN_TRY(ScanTable(engine, *table, known, adding));
    REJOIN_TRY(rows.Flush());
  }
  return {};
}

void ListLargeRows(Engine& engine, const std::vector<LargeRow>& large_rows) {
  if (large_rows.empty() || !IsWritable(engine)) return;
  const auto list = [&]() -> Status {
    REJOIN_ASSIGN(Savepoint savepoint, Savepoint::Begin(engine.db));
    for (const LargeRow& row : large_rows) REJOIN_TRY(ListLarge(engine, row));
    return savepoint.Release();
  };
  static_cast<void>(list());
}

}  // namespace rejoin
