// What a row store keeps in memory of its file: who it is, the version vector, and
// the dictionaries that numbers in states refer to.
//
// It is a cache: Refresh() at the start of each transaction reads again what another
// connection changed or a rollback took back. Whoever rolls back calls Invalidate().
// Thread-compatible.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "crdt/delta.h"
#include "store/sqlite/sql.h"

namespace rejoin {

using ReplicaNumber = std::uint32_t;

// A table of the room. ColumnId i is definition.columns[i].
struct RoomTable {
  std::uint32_t number = 0;
  DeltaTable definition;
  std::unordered_map<std::string, ColumnId> columns;
};

class RowCatalog {
 public:
  explicit RowCatalog(Database& db) : db_(db) {}
  RowCatalog(const RowCatalog&) = delete;
  RowCatalog& operator=(const RowCatalog&) = delete;

  // Within a transaction. kCorrupt where the file contradicts itself. References
  // handed out before are void if anything was read.
  Status Refresh();
  void Invalidate() { loaded_ = false; }

  const ReplicaId& self() const { return self_; }
  const RoomId& room() const { return room_; }
  const VersionVector& vector() const { return vector_; }
  HybridTimestamp clock() const { return clock_; }
  std::uint64_t head() const { return head_; }

  // nullptr: no such number, or name.
  const ReplicaId* Lookup(std::uint64_t number) const;
  const RoomTable* Table(std::uint64_t number) const;
  const RoomTable* FindTable(const std::string& name) const;
  std::size_t table_count() const { return tables_.size(); }

  // --- Changes, in the caller's write transaction ---------------------------------

  Result<ReplicaNumber> Intern(const ReplicaId& replica);
  // The table with at least these columns. kInvalidArgument where rules or key
  // parts differ; kLimit where the room would hold more than a delta can tell.
  // The table stays where it is until the next Refresh.
  Result<const RoomTable*> Intern(const DeltaTable& from);
  Status Raise(const VersionVector& to);
  Status SetRoom(const RoomId& room);
  // Both only ever rise.
  Status SetOrder(std::uint64_t head, HybridTimestamp clock);

 private:
  Status Load();
  Status LoadMeta();
  Status LoadReplicas();
  Status LoadTables();
  Status AddColumn(RoomTable& table, const std::string& name);
  Status SetMeta(std::string_view name, const Value& value);

  Database& db_;
  bool loaded_ = false;
  std::int64_t data_version_ = 0;  // as SQLite counts the commits of other connections

  ReplicaId self_;
  RoomId room_;
  VersionVector vector_;
  HybridTimestamp clock_;
  std::uint64_t head_ = 0;
  std::vector<ReplicaId> replicas_;
  std::unordered_map<ReplicaId, ReplicaNumber> replica_numbers_;
  std::deque<RoomTable> tables_;  // a deque: they stay where they are
  std::unordered_map<std::string, std::uint32_t> table_numbers_;
  std::uint64_t dictionary_bytes_ = 0;  // all names
};

}  // namespace rejoin
