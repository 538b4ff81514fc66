// Rows by key: the state from metadata and table together, and back.
//
// Precondition of everything here: the log is folded (fold.h) and the metadata
// verified against the schema (drift.h). What is in the user's table without any
// metadata (written without the extension) loads as an empty state that is in
// the table; callers adopt it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "store/sqlite/engine.h"
#include "store/sqlite/row_record.h"

namespace rejoin {

struct LocatedRow {
  RowState state;              // every value filled in
  bool in_table = false;       // the user's table holds a row with this key
  std::int64_t rowid = 0;      // of that row; 0 for WITHOUT ROWID tables
  // The row as the table has it: one value per TrackedColumn with a local name,
  // NULL for the others. Empty unless in_table.
  std::vector<Value> table_values;
  bool has_record = false;     // an override or key record exists (else: run, or nothing)
  bool keyed = false;          // that record is the one by key
};

// The state of one row; many: row_reader.h. A local table that is unknown here has key records only.
Result<LocatedRow> LoadRow(Engine& engine, const TrackedTable& table, const Key& key);
// The same by rowid, for scans.
Result<LocatedRow> LoadRowAt(Engine& engine, const TrackedTable& table, std::int64_t rowid);

// Stores states as the metadata of rows of one table.
class RowSaver {
 public:
  // Both outlive it.
  RowSaver(Engine& engine, const TrackedTable& table)
      : engine_(engine), table_(table), sql_(engine.row_sql.For(table)) {}

  // An override by rowid where the row is in the table (WITHOUT ROWID: a record by key), else a
  // record by key; nothing for the empty state. `before` is what LoadRow gave: where the row has
  // moved from, or left, the table, its old record goes (of a kIndexed table only if it still is
  // this row's: others may have come to that rowid since). Also keeps rejoin__clash up to date.
  Status Save(const Key& key, const LocatedRow& before, const RowState& state, bool in_table,
              std::int64_t rowid);

 private:
  Status DropOldRecord(const Key& key, const LocatedRow& before, bool now_keyed,
                       std::optional<std::int64_t> now_rowid);

  Engine& engine_;
  const TrackedTable& table_;
  const RowSql& sql_;
};

// Lists the row in rejoin__clash, or takes it from there.
Status ListClash(Engine& engine, const TrackedTable& table, const Key& key, bool clash);

// Metadata for many new rows at once: rows of one birth that came into the
// table with ascending rowids beyond the table's high_rowid become runs.
struct NewRow {
  std::int64_t rowid = 0;
  std::uint64_t key_hash = 0;  // kIndexed only
};
Status AppendRun(Engine& engine, const TrackedTable& table, const Stamp& birth,
                 ColsetNumber colset, const std::vector<NewRow>& rows);
// The highest rowid that a run of the table ever covered.
Result<std::int64_t> HighRowid(Engine& engine, const TrackedTable& table);

}  // namespace rejoin
