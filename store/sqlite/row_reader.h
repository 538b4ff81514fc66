// Many rows of one table by key: what LoadRow (row_access.h) does, with the statements kept
// at hand and with what one row tells of the next ones.
//
// Rows and overrides are read along by rowid where the next one is near, and a stretch that
// was found empty is not searched again. So rows that are asked for in order of rowid cost
// a fraction of what they cost one by one. Nothing may be written to the table or its
// metadata between two calls of Load; Forget() makes that good.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "store/sqlite/row_access.h"
#include "store/sqlite/runs.h"

namespace rejoin {

// A statement that gives rows ascending from rowid ?1 on, the rowid in its first column.
class RowidCursor {
 public:
  RowidCursor(Database& db, const std::string& sql) : db_(db), sql_(sql) {}  // `sql` outlives it
  // Whether there is a row; then row() stands on it, until the next call. Cheapest ascending.
  Result<bool> Find(std::int64_t rowid);
  const Statement& row() const { return rows_; }
  // Ends the reading: what was found is searched for anew.
  void Forget();

 private:
  bool IsNear(std::int64_t rowid) const;
  Status Next();

  Database& db_;
  const std::string& sql_;
  Statement rows_;
  // No row lies in [from_, at_); without there_: at from_ or behind it.
  bool open_ = false;
  bool there_ = false;
  std::int64_t from_ = 0;
  std::int64_t at_ = 0;
  bool near_ = true;  // the last row was
  unsigned far_ = 0;  // how many were not
};

class RowReader {
 public:
  // Both outlive it.
  RowReader(Engine& engine, const TrackedTable& table);

  // Where the row stands in the user's table, if it does. Rows are read with the fewest jumps
  // ascending by this. KeyKind::kRowid: where it would stand. Always nullopt WITHOUT ROWID.
  Result<std::optional<std::int64_t>> FindRowid(const Key& key);
  // The row of the key. LoadAt: as FindRowid said.
  Result<LocatedRow> Load(const Key& key);
  Result<LocatedRow> LoadAt(const Key& key, std::optional<std::int64_t> rowid);
  // The row at a rowid, whatever its key.
  Result<LocatedRow> LoadAnyAt(std::int64_t rowid);

  // For the following, too, `rowid` is what FindRowid said.
  //
  // What is known of a row that stands in the table, as it is packed, without a look at the table; nullptr:
  // nothing. Until the next call, and the caller's to change.
  Result<PackedRow*> PackedAt(const Key& key, std::optional<std::int64_t> rowid);
  // Whether the table has the row; and, in a local column, this very value.
  Result<bool> IsThere(const Key& key, std::optional<std::int64_t> rowid);
  Result<bool> HasValue(const Key& key, std::optional<std::int64_t> rowid, ColumnId column, const Value& value);

  void Forget();

 private:
  Status ReadTableByKey(const Key& key, LocatedRow& row);
  Status ReadTableAt(std::int64_t rowid, LocatedRow& row);
  void TakeTableRow(const Statement& found, LocatedRow& row) const;
  // The following add the state to what is known of the row in the user's table.
  Status TakeState(const Key& key, LocatedRow& row);
  Status TakeRecord(ByteView record, std::uint64_t key_hash, LocatedRow& row);
  Result<bool> TakeOverride(const Key& key, LocatedRow& row);
  Result<bool> TakeRun(LocatedRow& row);
  Result<bool> IsInRun(std::int64_t rowid);  // then it is run_
  Status TakeKeyed(const Key& key, LocatedRow& row);
  Result<std::optional<Bytes>> FindKeyed(const Key& key);

  Engine& engine_;
  const TrackedTable& table_;
  const RowSql& sql_;
  RowidCursor rows_;
  RowidCursor overrides_;
  Statement find_rowid_;
  Statement read_by_key_;
  std::optional<Run> run_;
  std::optional<PackedRow> in_run_;  // what run_ says
  PackedRow packed_;
  // WITHOUT ROWID: what IsThere read last.
  std::optional<Key> read_key_;
  LocatedRow read_;
  // No record by key lies in [first, second); without second: to the last key.
  bool know_keys_ = false;
  Key no_keys_from_;
  std::optional<Key> no_keys_to_;
};

}  // namespace rejoin
