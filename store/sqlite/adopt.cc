#include "store/sqlite/adopt.h"

#include "store/sqlite/extract.h"
#include "store/sqlite/log.h"
#include "store/sqlite/row_access.h"
#include "store/sqlite/row_scan.h"
#include "store/sqlite/shown.h"

namespace rejoin {
namespace {

struct Adoption {
  Engine& engine;
  const TrackedTable& table;
  Stamp stamp;
  std::vector<ColumnId> columns;
  ColsetNumber colset = 0;
  bool fresh = false;  // the table is tracked just now: no row has metadata of its own
  bool has_key_records = false;
  std::uint64_t adopted = 0;
};

// Neither override nor run: nothing is known of the row (over RowScan's t).
std::string HasNoMetadata(const TrackedTable& table) {
  const std::string rowid = "t." + QuoteName(table.shape.rowid_name);
  return "NOT EXISTS(SELECT 1 FROM {s}." + table.row_table() + " AS r WHERE r.rowid = " + rowid +
         ") AND coalesce((SELECT last FROM {s}.rejoin__run WHERE tbl = " +
         std::to_string(table.number) + " AND first <= " + rowid +
         " ORDER BY first DESC LIMIT 1) < " + rowid + ", 1)";
}

// The record that peers' state of this key was carried in, if any.
Result<std::optional<RowState>> CarriedState(Adoption& adoption, const Key& key) {
  if (!adoption.has_key_records) return std::optional<RowState>();
  REJOIN_ASSIGN(CachedStatement find,
                adoption.engine.db.Cached("SELECT record FROM {s}." + adoption.table.key_table() +
                                          " WHERE key = ?1"));
  find->BindBlob(1, key);
  REJOIN_ASSIGN(const bool found, find->Step());
  if (!found) return std::optional<RowState>();
  REJOIN_ASSIGN(DecodedRecord record,
                DecodeRecord({adoption.engine.catalog, adoption.table}, find->Text(0),
                             [](ColumnId) { return Value::Null(); }));
  return std::optional<RowState>(std::move(record.state));
}

RowState AdoptedState(const Adoption& adoption, const LocatedRow& row, const Stamp& stamp) {
  std::vector<Cell> cells;
  for (const ColumnId column : adoption.columns) {
    cells.push_back({column, stamp, row.table_values[column]});
  }
  return InsertDelta(stamp, std::move(cells));
}

// The row stands in the table and has no metadata; `carried` is what peers know.
Status AdoptOne(Adoption& adoption, const RowPlace& candidate, std::optional<RowState> carried,
                std::vector<PendingRow>& pending) {
  Engine& engine = adoption.engine;
  LocatedRow row;
  if (adoption.table.shape.kind == KeyKind::kWithoutRowid) {
    REJOIN_ASSIGN(row, LoadRow(engine, adoption.table, candidate.key));
  } else {
    REJOIN_ASSIGN(row, LoadRowAt(engine, adoption.table, candidate.rowid));
  }
  const RowState adopted = AdoptedState(adoption, row, adoption.stamp);
  if (!carried) {
    return RowSaver(engine, adoption.table).Save(candidate.key, row, adopted, true, candidate.rowid);
  }
  row.state = *carried;
  row.has_record = true;
  RowState joined = std::move(*carried);
  Join(joined, adopted);
  pending.push_back({candidate.key, std::move(row), std::move(joined)});
  return {};
}

Status AdoptBatch(Adoption& adoption, const std::vector<RowPlace>& batch) {
  Engine& engine = adoption.engine;
  REJOIN_ASSIGN(const std::int64_t high, HighRowid(engine, adoption.table));
  std::vector<NewRow> run;
  std::vector<PendingRow> pending;
  for (const RowPlace& candidate : batch) {
    REJOIN_ASSIGN(std::optional<RowState> carried, CarriedState(adoption, candidate.key));
    if (!carried && adoption.table.shape.kind != KeyKind::kWithoutRowid && candidate.rowid > high) {
      const bool hashed = adoption.table.shape.kind == KeyKind::kIndexed;
      run.push_back({candidate.rowid, hashed ? KeyHash(candidate.key) : 0});
    } else {
      REJOIN_TRY(AdoptOne(adoption, candidate, std::move(carried), pending));
    }
  }
  if (!run.empty()) {
    REJOIN_TRY(AppendRun(engine, adoption.table, adoption.stamp, adoption.colset, run));
  }
  if (!pending.empty()) REJOIN_TRY(ShowRows(engine, adoption.table, std::move(pending)));
  adoption.adopted += batch.size();
  return {};
}

Status AdoptByRowid(Adoption& adoption) {
  RowScan scan(adoption.engine, adoption.table, HasNoMetadata(adoption.table));
  for (;;) {
    REJOIN_ASSIGN(const std::vector<RowPlace> batch, scan.Next());
    if (batch.empty()) return {};
    REJOIN_TRY(AdoptBatch(adoption, batch));
  }
}

// Rows with a record of their own and those without are told apart by LoadRow.
Status AdoptByKey(Adoption& adoption) {
  RowScan scan(adoption.engine, adoption.table);
  for (;;) {
    REJOIN_ASSIGN(const std::vector<RowPlace> batch, scan.Next());
    if (batch.empty()) return {};
    std::vector<RowPlace> unknown;
    for (const RowPlace& place : batch) {
      REJOIN_ASSIGN(const LocatedRow row, LoadRow(adoption.engine, adoption.table, place.key));
      const bool carried = row.has_record && adoption.fresh;
      if (row.state.empty() || carried) unknown.push_back(place);
    }
    REJOIN_TRY(AdoptBatch(adoption, unknown));
  }
}

Result<bool> HasKeyRecords(Engine& engine, const TrackedTable& table) {
  REJOIN_ASSIGN(Statement any, engine.db.Prepare("SELECT 1 FROM {s}." + table.key_table() + " LIMIT 1"));
  return any.Step();
}

}  // namespace

Result<std::uint64_t> AdoptRows(Engine& engine, const TrackedTable& table, bool fresh) {
  REJOIN_ASSIGN(const LogHead head, ReadLogHead(engine));
  REJOIN_ASSIGN(const ReplicaId self, ReadReplica(engine));
  Adoption adoption{engine, table, {}, Catalog::LocalColumns(table)};
  adoption.stamp = {Rank::kAdopted, Tick(head.clock, engine.env.clock->WallMs()), self};
  adoption.fresh = fresh;
  REJOIN_ASSIGN(adoption.colset, engine.catalog.InternColset(table.number, adoption.columns));
  REJOIN_ASSIGN(adoption.has_key_records, HasKeyRecords(engine, table));
  if (table.shape.kind == KeyKind::kWithoutRowid) {
    REJOIN_TRY(AdoptByKey(adoption));
  } else {
    REJOIN_TRY(AdoptByRowid(adoption));
  }
  if (adoption.adopted > 0) REJOIN_TRY(AppendAdoption(engine, adoption.stamp));
  return adoption.adopted;
}

}  // namespace rejoin
