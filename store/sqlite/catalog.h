// The dictionary of one database file: tracked tables, their columns, replicas
// and column sets, each under a small number that metadata and log use.
//
// A cache of rejoin__table, rejoin__column, rejoin__replica and rejoin__colset.
// Every change of those writes a fresh random number to rejoin__meta 'catalog';
// Refresh compares it, so that changes by other connections, and changes of ours
// that were rolled back, are noticed.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crdt/row_state.h"
#include "store/sqlite/table_shape.h"

namespace rejoin {

using TableNumber = std::uint32_t;    // from 1
using ReplicaNumber = std::uint32_t;  // from 1; 1 is not special
using ColsetNumber = std::uint32_t;   // from 1; 0 is the empty set

// A column that is not part of the key. Its ColumnId is its index in
// TrackedTable::columns and never changes.
struct TrackedColumn {
  std::string name;                  // logical, on the wire
  std::optional<std::string> local;  // its name here; nullopt: unknown to the local schema
  Affinity affinity = Affinity::kBlob;  // where local
};

struct TrackedTable {
  TableNumber number = 0;
  std::string name;                  // logical, on the wire
  std::optional<std::string> local;  // its name here; nullopt: carried for others
  RowRules rules;
  bool fire_triggers = false;  // the user's triggers fire on merge
  std::uint32_t key_parts = 1;
  std::uint64_t version = 1;  // of the columns; what the triggers were made for
  std::vector<TrackedColumn> columns;
  TableShape shape;  // where local: as it was when the catalog was loaded
  // Names of the per-table metadata tables, unquoted, without the schema.
  std::string row_table() const { return "rejoin__row_" + std::to_string(number); }
  std::string key_table() const { return "rejoin__key_" + std::to_string(number); }
};

class Catalog {
 public:
  Catalog(Database& db, class Random& random) : db_(db), random_(random) {}

  // True where the file holds Rejoin's tables. Reloads if anything changed.
  Result<bool> Refresh();
  // The same where its stamp was read already, and the tables are there.
  Status RefreshTo(std::int64_t stamp);
  bool loaded() const { return stamp_.has_value(); }
  void Invalidate() { stamp_.reset(); }

  // Ascending by number; unknown-here tables included. Pointers stay valid until
  // the next Refresh that reloads, or change of that table.
  const std::vector<std::unique_ptr<TrackedTable>>& tables() const { return tables_; }
  TrackedTable* Find(TableNumber number) const;
  TrackedTable* FindLocal(std::string_view local_name) const;  // ASCII case-insensitive
  TrackedTable* FindLogical(std::string_view name) const;

  // Interning; each writes where the thing is new.
  Result<TrackedTable*> AddTable(const TrackedTable& table);  // number is given here
  Result<ColumnId> AddColumn(TrackedTable& table, const std::string& name,
                             const std::optional<std::string>& local);
  Status SaveTable(const TrackedTable& table);   // after a change of its fields
  Status RemoveTable(TableNumber number);
  Result<ReplicaNumber> Intern(const ReplicaId& replica);
  const ReplicaId* Lookup(ReplicaNumber number) const;
  Result<ColsetNumber> InternColset(TableNumber table, const std::vector<ColumnId>& ascending);
  const std::vector<ColumnId>* LookupColset(ColsetNumber number) const;

  // Every column that the local table has, ascending: what a local INSERT writes.
  static std::vector<ColumnId> LocalColumns(const TrackedTable& table);

 private:
  Status Load();
  Status LoadColumns(TrackedTable& table);
  Status Touch();  // writes a fresh catalog stamp

  Database& db_;
  class Random& random_;
  std::optional<std::int64_t> stamp_;
  std::vector<std::unique_ptr<TrackedTable>> tables_;
  std::map<ReplicaId, ReplicaNumber> replica_numbers_;
  std::map<ReplicaNumber, ReplicaId> replicas_;
  std::map<std::pair<TableNumber, std::vector<ColumnId>>, ColsetNumber> colset_numbers_;
  std::map<ColsetNumber, std::vector<ColumnId>> colsets_;
};

}  // namespace rejoin
