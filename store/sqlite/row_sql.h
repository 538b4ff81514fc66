// The statements that read and write one table's rows and their metadata: texts
// made once per shape of the table.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "store/sqlite/catalog.h"

namespace rejoin {

struct RowSql {
  // Of the user's table. Their result columns: the rowid (not WITHOUT ROWID), the
  // key's columns from key_at on (not kRowid, where the key is the rowid), then
  // the columns `local` from values_at on. Empty where there is no local table.
  std::string read_by_key;    // ?1.. the key's parts
  std::string find_rowid;     // the same without the columns from values_at on; empty WITHOUT ROWID
  std::string key_by_rowid;   // ?1; likewise
  std::string scan;           // ascending from rowid ?1 on; kWithoutRowid: from the key's parts ?1.. on
  int key_at = 0;
  int values_at = 0;
  std::vector<ColumnId> local;

  // Overrides: rejoin__row_N. ?1 the rowid, ?2 the record.
  std::string get_override;
  std::string put_override;
  std::string drop_override;
  std::string drop_override_of;  // only if ?2 is the key hash in the record, as 8 bytes
  std::string scan_overrides;    // rowid, record; from rowid ?1 on
  // Records by key: rejoin__key_N. ?1 the key, ?2 the record.
  std::string get_keyed;
  std::string put_keyed;
  std::string drop_keyed;
  std::string scan_keyed;  // key, record; from key ?1 on
};

class RowSqlCache {
 public:
  // Valid until the table is asked for with another shape.
  const RowSql& For(const TrackedTable& table);

 private:
  struct Entry {
    std::uint64_t shape = 0;  // a hash of everything that the texts depend on
    RowSql sql;
  };
  std::map<TableNumber, Entry> entries_;
};

// The key of the row that a statement of the user's table stands on; false where
// a part is NULL: such a row is local only.
bool ReadRowKey(const Statement& row, const RowSql& sql, KeyKind kind, Key& key);

// Binds ?1.. of read_by_key; false where the key cannot be one of this table. The
// key's bytes must outlive the statement's use.
bool BindKey(Statement& statement, const TrackedTable& table, const Key& key);

// One value as it stands in the statement's row; valid until its next step.
ValueView ColumnView(const Statement& row, int column);
void BindView(Statement& statement, int at, const ValueView& value);

}  // namespace rejoin
