#include "store/sqlite/fold.h"

#include <map>
#include <memory>

#include "store/sqlite/extract.h"
#include "store/sqlite/fold_table.h"
#include "store/sqlite/large_rows.h"
#include "store/sqlite/log.h"
#include "store/sqlite/shown.h"

namespace rejoin {
namespace {

constexpr char kFolded[] = "coalesce((SELECT value FROM {s}.rejoin__meta WHERE name = 'folded'), 0)";
constexpr char kAnyPending[] = "SELECT max(pos) > %F FROM {s}.rejoin__log";
constexpr char kFirstPending[] =
    "SELECT total - length(body) FROM {s}.rejoin__log WHERE pos > %F ORDER BY pos LIMIT 1";
constexpr char kReadFolded[] = "SELECT %F";
// The first thing of the transaction to happen: who reads before, and writes
// then, is refused where another connection wrote in between.
constexpr char kTakeWriteLock[] =
    "UPDATE {s}.rejoin__meta SET value = value WHERE name = 'folded'";

std::string WithFolded(std::string sql) { return sql.replace(sql.find("%F"), 2, kFolded); }

Result<std::uint64_t> ReadNumber(Engine& engine, const char* sql) {
  REJOIN_ASSIGN(CachedStatement read, engine.db.Cached(WithFolded(sql)));
  REJOIN_ASSIGN(const bool found, read->Step());
  return found ? read->Unsigned(0) : 0;
}

bool GoesAgain(const Change& change, const Change& next) {
  return change.kind == ChangeKind::kInsert && next.kind == ChangeKind::kDelete &&
         change.table == next.table && change.key == next.key;
}

class Folding {
 public:
  Folding(Engine& engine, const ReplicaId& self) : engine_(engine), self_(self) {}

  Status Run(std::uint64_t from) {
    std::uint64_t position = from;
    const auto take = [&](LogRecord& record) -> Result<bool> {
      REJOIN_TRY(Take(record));
      position = record.cursor.position;
      return true;
    };
    REJOIN_TRY(ForEachAfter(engine_, from, take));
    REJOIN_TRY(Flush(false));
    for (const auto& entry : tables_) {
      if (entry.second) REJOIN_TRY(entry.second->Finish());
    }
    REJOIN_TRY(FoldedTo(position));
    REJOIN_TRY(ListClashes());
    REJOIN_TRY(ReviewLarge());
    return ShowFreed();
  }

 private:
  Status Take(LogRecord& record) {
    if (record.changes.empty()) return {};
    const Stamp stamp{record.rank, record.own, self_};
    // A whole transaction in one batch, if it can be: its rowids are scattered
    // over its log rows, and only together are they runs.
    const std::size_t limit = engine_.limits.fold_batch_bytes;
    const bool full = bytes_ >= limit && (stamp != last_ || bytes_ >= 2 * limit);
    REJOIN_ASSIGN(const bool alone, NeedsOwnBatch(record));
    if (full || alone) REJOIN_TRY(Flush(stamp == last_));
    last_ = stamp;
    for (std::size_t i = 0; i < record.changes.size(); ++i) {
      Change& change = record.changes[i];
      REJOIN_ASSIGN(TableFold* const table, Table(change.table));
      if (table == nullptr) continue;  // no longer tracked
      const bool passing = i + 1 < record.changes.size() && GoesAgain(change, record.changes[i + 1]);
      REJOIN_ASSIGN(const std::size_t bytes, table->Take(std::move(change), stamp, passing));
      bytes_ += bytes;
    }
    // Only the last record of a transaction says that the own entry advanced.
    return alone ? Flush(record.advances.empty()) : Status();
  }

  Result<bool> NeedsOwnBatch(const LogRecord& record) {
    for (const Change& change : record.changes) {
      if (!change.moved_from) continue;
      REJOIN_ASSIGN(const TableFold* const table, Table(change.table));
      if (table != nullptr && table->NeedsOwnBatch(change)) return true;
    }
    return false;
  }

  Result<TableFold*> Table(TableNumber number) {
    const auto known = tables_.find(number);
    if (known != tables_.end()) return known->second.get();
    const TrackedTable* const table = engine_.catalog.Find(number);
    std::unique_ptr<TableFold> fold;
    if (table != nullptr && table->local) {
      REJOIN_ASSIGN(fold, TableFold::Begin(engine_, *table));
    }
    return tables_.emplace(number, std::move(fold)).first->second.get();
  }

  Status Flush(bool goes_on) {
    for (const auto& entry : tables_) {
      if (entry.second) REJOIN_TRY(entry.second->Flush(goes_on));
    }
    bytes_ = 0;
    return {};
  }

  Status ListClashes() {
    for (const auto& entry : tables_) {
      if (!entry.second) continue;
      const TrackedTable& table = entry.second->table();
      for (const Key& key : entry.second->rivals()) {
        REJOIN_ASSIGN(const LocatedRow row, LoadRow(engine_, table, key));
        REJOIN_TRY(ListClash(engine_, table, key, HasKeyClash(row.state, table.rules)));
      }
    }
    return {};
  }

  Status ReviewLarge() {
    for (const auto& entry : tables_) {
      if (!entry.second) continue;
      const TrackedTable& table = entry.second->table();
      for (const Key& key : entry.second->large()) {
        REJOIN_ASSIGN(const LocatedRow row, LoadRow(engine_, table, key));
        const bool large = IsPresent(row.state, table.rules) &&
                           FindLarge(engine_.limits, key, row.state) != Large::kNothing;
        if (!large) REJOIN_TRY(UnlistLarge(engine_, table.number, key));
      }
    }
    return {};
  }

  Status ShowFreed() {
    for (const auto& entry : tables_) {
      if (!entry.second || !entry.second->may_show_hidden()) continue;
      REJOIN_ASSIGN(std::vector<Key> keys, ShowHiddenAgain(engine_, entry.second->table(), true));
      std::vector<TouchedKey> moved;
      for (Key& key : keys) moved.push_back({entry.first, std::move(key)});
      if (!moved.empty()) REJOIN_TRY(AppendMerge(engine_, {}, moved, false, {}));
    }
    REJOIN_ASSIGN(const LogHead head, ReadLogHead(engine_));
    return FoldedTo(head.cursor.position);
  }

  // No more than the keys of rows that moved is behind.
  Status FoldedTo(std::uint64_t position) {
    return engine_.SetMeta("folded", Value::Integer(static_cast<std::int64_t>(position)));
  }

  Engine& engine_;
  ReplicaId self_;
  Stamp last_;
  std::size_t bytes_ = 0;
  std::map<TableNumber, std::unique_ptr<TableFold>> tables_;
};

Status FoldInTransaction(Engine& engine) {
  REJOIN_TRY(engine.db.Run(kTakeWriteLock));
  REJOIN_TRY(engine.catalog.Refresh());
  REJOIN_ASSIGN(const ReplicaId self, ReadReplica(engine));
  REJOIN_ASSIGN(const std::uint64_t folded, FoldedUpTo(engine));
  REJOIN_TRY(Folding(engine, self).Run(folded));
  return TrimLog(engine);
}

}  // namespace

Status Fold(Engine& engine) {
  REJOIN_ASSIGN(const std::uint64_t pending, ReadNumber(engine, kAnyPending));
  if (pending == 0) return {};
  sqlite3* const handle = engine.db.handle();
  const sqlite3_int64 last_rowid = sqlite3_last_insert_rowid(handle);
  const auto folded = [&engine]() -> Status {
    REJOIN_ASSIGN(Savepoint savepoint, Savepoint::Begin(engine.db));
    REJOIN_TRY(FoldInTransaction(engine));
    return savepoint.Release();
  }();
  sqlite3_set_last_insert_rowid(handle, last_rowid);
  // What was interned is rolled back with the rest.
  if (!folded) engine.catalog.Invalidate();
  return folded;
}

Result<std::uint64_t> FoldedUpTo(Engine& engine) { return ReadNumber(engine, kReadFolded); }

Result<bool> WasShown(Engine& engine, const TrackedTable& table, const Key& key, std::int64_t rowid) {
  REJOIN_ASSIGN(const std::uint64_t folded, FoldedUpTo(engine));
  std::optional<bool> shown;
  const auto look = [&](const LogRecord& record) -> Result<bool> {
    for (auto change = record.changes.rbegin(); change != record.changes.rend() && !shown; ++change) {
      const bool is_it = change->key_hash ? *change->key_hash == KeyHash(key) : change->key == key;
      if (change->table != table.number || !is_it) continue;
      shown = change->kind != ChangeKind::kDelete;
    }
    return !shown.has_value();
  };
  REJOIN_TRY(ForEachBackwards(engine, folded, look));
  if (shown) return *shown;
  MetadataLookup lookup(engine, table);
  REJOIN_TRY(lookup.Restart());
  std::optional<std::int64_t> at;
  if (table.shape.kind == KeyKind::kRowid) at = rowid;
  REJOIN_ASSIGN(const Located located, lookup.OfInsertedRow(key, at));
  return located.row.shown;
}

Result<std::uint64_t> PendingBytes(Engine& engine) {
  REJOIN_ASSIGN(const std::uint64_t pending, ReadNumber(engine, kAnyPending));
  if (pending == 0) return std::uint64_t{0};
  REJOIN_ASSIGN(const std::uint64_t before, ReadNumber(engine, kFirstPending));
  REJOIN_ASSIGN(const LogHead head, ReadLogHead(engine));
  return head.total_bytes - before;
}

}  // namespace rejoin
