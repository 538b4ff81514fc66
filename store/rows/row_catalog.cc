#include "store/rows/row_catalog.h"

#include <algorithm>

#include "crdt/delta_format.h"

namespace rejoin {
namespace {

constexpr char kDataVersion[] = "PRAGMA {s}.data_version";
constexpr char kReadMeta[] = "SELECT value FROM {s}.meta WHERE name = ?1";
constexpr char kWriteMeta[] = "INSERT OR REPLACE INTO {s}.meta(name, value) VALUES (?1, ?2)";
constexpr char kReplicas[] = "SELECT number, id, applied FROM {s}.replica ORDER BY number";
constexpr char kAddReplica[] = "INSERT INTO {s}.replica(number, id) VALUES (?1, ?2)";
constexpr char kRaise[] = "UPDATE {s}.replica SET applied = ?2 WHERE number = ?1";
constexpr char kTables[] =
    "SELECT number, name, same_key, delete_wins, key_parts FROM {s}.room_table ORDER BY number";
constexpr char kColumns[] =
    "SELECT room_table, number, name FROM {s}.room_column ORDER BY room_table, number";
constexpr char kAddTable[] =
    "INSERT INTO {s}.room_table(number, name, same_key, delete_wins, key_parts) "
    "VALUES (?1, ?2, ?3, ?4, ?5)";
constexpr char kAddColumn[] =
    "INSERT INTO {s}.room_column(room_table, number, name) VALUES (?1, ?2, ?3)";

// What a name costs in a delta beyond its bytes, at most.
constexpr std::uint64_t kNameOverheadBytes = 16;

tl::unexpected<Error> Damaged(const char* what) {
  return Fail(Code::kCorrupt, std::string("the hub's file contradicts itself: ") + what +
                                  "; restore it from a backup, or begin a new one: devices bring "
                                  "everything again");
}

ByteView BytesOf(const RoomId& room) {
  return {reinterpret_cast<const char*>(room.bytes.data()), room.bytes.size()};
}

Status CheckRules(const DeltaTable& ours, const DeltaTable& theirs) {
  if (ours.key_parts != theirs.key_parts) {
    return Fail(Code::kInvalidArgument,
                "table " + ours.name + " has a key of " + std::to_string(ours.key_parts) +
                    " columns in this room and of " + std::to_string(theirs.key_parts) +
                    " on the delta's sender; give it the same PRIMARY KEY on all replicas");
  }
  if (ours.rules != theirs.rules) {
    return Fail(Code::kInvalidArgument,
                "table " + ours.name + " is tracked with other options for same_key or delete_wins "
                "in this room than on the delta's sender; track it with the same ones on all replicas");
  }
  return {};
}

tl::unexpected<Error> PastLimit(const std::string& what, std::uint64_t limit) {
  return Fail(Code::kLimit, what + " would pass " + std::to_string(limit) +
                                ", and a delta carries no more");
}

}  // namespace

Status RowCatalog::Refresh() {
  REJOIN_ASSIGN(CachedStatement version, db_.Cached(kDataVersion));
  REJOIN_TRY(version->Step());
  const std::int64_t current = version->Integer(0);
  if (loaded_ && current == data_version_) return {};
  REJOIN_TRY(Load());
  data_version_ = current;
  loaded_ = true;
  return {};
}

Status RowCatalog::Load() {
  loaded_ = false;
  room_ = {};
  vector_ = {};
  replicas_.clear();
  replica_numbers_.clear();
  tables_.clear();
  table_numbers_.clear();
  dictionary_bytes_ = 0;
  REJOIN_TRY(LoadMeta());
  REJOIN_TRY(LoadReplicas());
  return LoadTables();
}

Status RowCatalog::LoadMeta() {
  REJOIN_ASSIGN(CachedStatement read, db_.Cached(kReadMeta));
  const auto value = [&](const char* name) -> Result<Value> {
    read->Reset();
    read->BindText(1, name);
    REJOIN_ASSIGN(const bool found, read->Step());
    return found ? read->ColumnValue(0) : Value::Null();
  };
  REJOIN_ASSIGN(const Value self, value("replica"));
  const auto id = ReplicaId::FromBytes(self.bytes);
  if (!id) return Damaged("it has no replica id");
  self_ = *id;
  REJOIN_ASSIGN(const Value room, value("room"));
  if (room.type != ValueType::kNull) {
    if (room.bytes.size() != room_.bytes.size()) return Damaged("its room id is not one");
    std::copy(room.bytes.begin(), room.bytes.end(), room_.bytes.begin());
  }
  REJOIN_ASSIGN(const Value head, value("head"));
  REJOIN_ASSIGN(const Value clock, value("clock"));
  if (head.type != ValueType::kInteger || clock.type != ValueType::kInteger) {
    return Damaged("it has no head or no clock");
  }
  head_ = head.bits;
  clock_ = HybridTimestamp{clock.bits};
  return {};
}

Status RowCatalog::LoadReplicas() {
  REJOIN_ASSIGN(CachedStatement each, db_.Cached(kReplicas));
  std::vector<VersionVector::Entry> entries;
  for (;;) {
    REJOIN_ASSIGN(const bool found, each->Step());
    if (!found) break;
    const auto id = ReplicaId::FromBytes(each->Text(1));
    if (!id || each->Unsigned(0) != replicas_.size()) return Damaged("its replicas are out of order");
    replica_numbers_.emplace(*id, static_cast<ReplicaNumber>(replicas_.size()));
    replicas_.push_back(*id);
    entries.emplace_back(*id, HybridTimestamp{each->Unsigned(2)});
  }
  vector_ = VersionVector::Of(std::move(entries));
  return {};
}

Status RowCatalog::LoadTables() {
  REJOIN_ASSIGN(CachedStatement each, db_.Cached(kTables));
  for (;;) {
    REJOIN_ASSIGN(const bool found, each->Step());
    if (!found) break;
    if (each->Unsigned(0) != tables_.size() || each->Unsigned(2) > 1 || each->Unsigned(3) > 1) {
      return Damaged("its tables are out of order");
    }
    RoomTable& table = tables_.emplace_back();
    table.number = static_cast<std::uint32_t>(tables_.size() - 1);
    table.definition.name = each->Text(1);
    table.definition.rules.same_key = static_cast<SameKey>(each->Unsigned(2));
    table.definition.rules.delete_wins = each->Unsigned(3) != 0;
    table.definition.key_parts = static_cast<std::uint32_t>(each->Unsigned(4));
    table_numbers_.emplace(table.definition.name, table.number);
    dictionary_bytes_ += table.definition.name.size() + kNameOverheadBytes;
  }
  REJOIN_ASSIGN(CachedStatement column, db_.Cached(kColumns));
  for (;;) {
    REJOIN_ASSIGN(const bool found, column->Step());
    if (!found) return {};
    if (column->Unsigned(0) >= tables_.size()) return Damaged("a column is of no table");
    RoomTable& table = tables_[static_cast<std::size_t>(column->Unsigned(0))];
    if (column->Unsigned(1) != table.columns.size()) return Damaged("its columns are out of order");
    const std::string name(column->Text(2));
    table.columns.emplace(name, static_cast<ColumnId>(table.columns.size()));
    table.definition.columns.push_back(name);
    dictionary_bytes_ += name.size() + kNameOverheadBytes;
  }
}

const ReplicaId* RowCatalog::Lookup(std::uint64_t number) const {
  return number < replicas_.size() ? &replicas_[static_cast<std::size_t>(number)] : nullptr;
}

const RoomTable* RowCatalog::Table(std::uint64_t number) const {
  return number < tables_.size() ? &tables_[static_cast<std::size_t>(number)] : nullptr;
}

const RoomTable* RowCatalog::FindTable(const std::string& name) const {
  const auto at = table_numbers_.find(name);
  return at == table_numbers_.end() ? nullptr : &tables_[at->second];
}

// --- Changes ---------------------------------------------------------------------

Result<ReplicaNumber> RowCatalog::Intern(const ReplicaId& replica) {
  const auto at = replica_numbers_.find(replica);
  if (at != replica_numbers_.end()) return at->second;
  const auto number = static_cast<ReplicaNumber>(replicas_.size());
  REJOIN_ASSIGN(CachedStatement add, db_.Cached(kAddReplica));
  add->Bind(1, std::int64_t{number}).BindBlob(2, replica.View());
  REJOIN_TRY(add->Run());
  replicas_.push_back(replica);
  replica_numbers_.emplace(replica, number);
  return number;
}

Result<const RoomTable*> RowCatalog::Intern(const DeltaTable& from) {
  auto at = table_numbers_.find(from.name);
  if (at != table_numbers_.end()) {
    REJOIN_TRY(CheckRules(tables_[at->second].definition, from));
  } else {
    if (tables_.size() == kMaxTables) return PastLimit("the number of the room's tables", kMaxTables);
    const auto number = static_cast<std::uint32_t>(tables_.size());
    REJOIN_ASSIGN(CachedStatement add, db_.Cached(kAddTable));
    add->Bind(1, std::int64_t{number}).BindBlob(2, from.name);
    add->Bind(3, static_cast<std::int64_t>(from.rules.same_key));
    add->Bind(4, std::int64_t{from.rules.delete_wins}).Bind(5, std::int64_t{from.key_parts});
    REJOIN_TRY(add->Run());
    tables_.push_back({number, {from.name, from.rules, from.key_parts, {}}, {}});
    at = table_numbers_.emplace(from.name, number).first;
    dictionary_bytes_ += from.name.size() + kNameOverheadBytes;
  }
  RoomTable& table = tables_[at->second];
  for (const std::string& column : from.columns) {
    if (table.columns.count(column) == 0) REJOIN_TRY(AddColumn(table, column));
  }
  if (dictionary_bytes_ > kMaxDictionaryBytes) {
    return PastLimit("the size in bytes of all names of tables and columns in the room",
                     kMaxDictionaryBytes);
  }
  return &table;
}

Status RowCatalog::AddColumn(RoomTable& table, const std::string& name) {
  const std::size_t number = table.columns.size();
  if (number == kMaxColumns) {
    return PastLimit("the number of columns of table " + table.definition.name, kMaxColumns);
  }
  REJOIN_ASSIGN(CachedStatement add, db_.Cached(kAddColumn));
  add->Bind(1, std::int64_t{table.number}).Bind(2, std::uint64_t{number}).BindBlob(3, name);
  REJOIN_TRY(add->Run());
  table.columns.emplace(name, static_cast<ColumnId>(number));
  table.definition.columns.push_back(name);
  dictionary_bytes_ += name.size() + kNameOverheadBytes;
  return {};
}

Status RowCatalog::Raise(const VersionVector& to) {
  for (const auto& [replica, time] : to.entries()) {
    if (time <= vector_.Get(replica)) continue;
    REJOIN_ASSIGN(const ReplicaNumber number, Intern(replica));
    REJOIN_ASSIGN(CachedStatement raise, db_.Cached(kRaise));
    raise->Bind(1, std::int64_t{number}).Bind(2, time.value);
    REJOIN_TRY(raise->Run());
  }
  vector_.Join(to);
  return {};
}

Status RowCatalog::SetRoom(const RoomId& room) {
  REJOIN_TRY(SetMeta("room", Value::Blob(Bytes(BytesOf(room)))));
  room_ = room;
  return {};
}

Status RowCatalog::SetOrder(std::uint64_t head, HybridTimestamp clock) {
  if (head > head_) REJOIN_TRY(SetMeta("head", Value::Integer(static_cast<std::int64_t>(head))));
  if (clock > clock_) {
    REJOIN_TRY(SetMeta("clock", Value::Integer(static_cast<std::int64_t>(clock.value))));
  }
  head_ = std::max(head, head_);
  clock_ = std::max(clock, clock_);
  return {};
}

Status RowCatalog::SetMeta(std::string_view name, const Value& value) {
  REJOIN_ASSIGN(CachedStatement write, db_.Cached(kWriteMeta));
  write->BindText(1, name).BindValue(2, value);
  return write->Run();
}

}  // namespace rejoin
