#include "store/sqlite/restamp.h"

#include <limits>
#include <utility>
#include <vector>

#include "store/sqlite/row_record.h"

namespace rejoin {
namespace {

constexpr std::int64_t kBatch = 10'000;

constexpr char kRunTimes[] = "SELECT DISTINCT replica, time FROM {s}.rejoin__run";
constexpr char kReadRuns[] =
    "SELECT first, time FROM {s}.rejoin__run WHERE tbl = ?1 AND first > ?2 AND replica = ?3 "
    "ORDER BY first LIMIT ?4";
constexpr char kMoveRun[] =
    "UPDATE {s}.rejoin__run SET replica = ?3, time = ?4 WHERE tbl = ?1 AND first = ?2";

// Where the records of one table are kept, by `id` (rowid, or key).
struct RecordPlace {
  const TrackedTable& table;
  std::string where;
  std::string id;
};

// Calls `look` with every record, and stores again those for which it says true.
Status ForEachRecord(Engine& engine, const RecordPlace& place,
                     const std::function<bool(PackedRow&)>& look) {
  const RecordContext context{engine.catalog, place.table};
  const std::string read_sql = "SELECT " + place.id + ", record FROM {s}." + place.where + " WHERE ?1 IS NULL OR " +
                               place.id + " > ?1 ORDER BY " + place.id + " LIMIT ?2";
  const std::string write_sql = "UPDATE {s}." + place.where + " SET record = ?2 WHERE " + place.id + " = ?1";
  Value last;
  for (;;) {
    std::vector<std::pair<Value, Bytes>> rewritten;
    std::int64_t seen = 0;
    {
      REJOIN_ASSIGN(Statement read, engine.db.Prepare(read_sql));
      read.BindValue(1, last).Bind(2, kBatch);
      for (;;) {
        REJOIN_ASSIGN(const bool row, read.Step());
        if (!row) break;
        ++seen;
        last = read.ColumnValue(0);
        REJOIN_ASSIGN(PackedRow packed, UnpackRecord(context, read.Text(1)));
        if (!look(packed)) continue;
        REJOIN_ASSIGN(Bytes record, PackRecord(context, packed));
        rewritten.emplace_back(last, std::move(record));
      }
    }
    for (const auto& [id, record] : rewritten) {
      REJOIN_ASSIGN(CachedStatement write, engine.db.Cached(write_sql));
      write->BindValue(1, id).BindBlob(2, record);
      REJOIN_TRY(write->Run());
    }
    if (seen < kBatch) return {};
  }
}

Status ForEachRecord(Engine& engine, const std::function<bool(PackedRow&)>& look) {
  for (const auto& table : engine.catalog.tables()) {
    REJOIN_TRY(ForEachRecord(engine, {*table, table->key_table(), "key"}, look));
    const bool by_rowid = table->local && table->shape.kind != KeyKind::kWithoutRowid;
    if (by_rowid) REJOIN_TRY(ForEachRecord(engine, {*table, table->row_table(), "rowid"}, look));
  }
  return {};
}

// The next runs of one table after the one that begins at `after`; false: there were none.
Result<bool> MoveRuns(Engine& engine, const TrackedTable& table, const StampMove& move, std::int64_t& after) {
  REJOIN_ASSIGN(const ReplicaNumber from, engine.catalog.Intern(move.from));
  REJOIN_ASSIGN(const ReplicaNumber to, engine.catalog.Intern(move.to));
  std::vector<std::pair<std::int64_t, HybridTimestamp>> runs;
  {
    REJOIN_ASSIGN(CachedStatement read, engine.db.Cached(kReadRuns));
    read->Bind(1, std::int64_t{table.number}).Bind(2, after).Bind(3, std::int64_t{from}).Bind(4, kBatch);
    for (;;) {
      REJOIN_ASSIGN(const bool row, read->Step());
      if (!row) break;
      runs.emplace_back(read->Integer(0), HybridTimestamp{read->Unsigned(1)});
    }
  }
  for (const auto& [first, time] : runs) {
    after = first;
    if (!move.Concerns(move.from, time)) continue;
    REJOIN_ASSIGN(CachedStatement write, engine.db.Cached(kMoveRun));
    write->Bind(1, std::int64_t{table.number}).Bind(2, first);
    write->Bind(3, std::int64_t{to}).Bind(4, move.times.Of(time).value);
    REJOIN_TRY(write->Run());
  }
  return !runs.empty();
}

}  // namespace

Status Restamp(Engine& engine, const StampMove& move) {
  for (const auto& table : engine.catalog.tables()) {
    std::int64_t after = std::numeric_limits<std::int64_t>::min();
    for (bool more = true; more;) {
      REJOIN_ASSIGN(more, MoveRuns(engine, *table, move, after));
    }
  }
  return ForEachRecord(engine, [&move](PackedRow& row) {
    const bool birth_moved = Move(move, row.table_birth);
    return Move(move, row.state) || birth_moved;
  });
}

Status ForEachTime(Engine& engine,
                   const std::function<void(const ReplicaId&, HybridTimestamp)>& each) {
  REJOIN_ASSIGN(Statement runs, engine.db.Prepare(kRunTimes));
  for (;;) {
    REJOIN_ASSIGN(const bool row, runs.Step());
    if (!row) break;
    const ReplicaId* const replica = engine.catalog.Lookup(static_cast<ReplicaNumber>(runs.Integer(0)));
    if (replica != nullptr) each(*replica, HybridTimestamp{runs.Unsigned(1)});
  }
  return ForEachRecord(engine, [&each](const PackedRow& row) {
    for (const Incarnation& incarnation : row.state.incarnations) {
      each(incarnation.birth.replica, incarnation.birth.time);
      for (const Cell& cell : incarnation.cells) each(cell.stamp.replica, cell.stamp.time);
    }
    for (const Remove& remove : row.state.removes) {
      each(remove.stamp.replica, remove.stamp.time);
      each(remove.replica, remove.tag);
    }
    return false;
  });
}

}  // namespace rejoin
