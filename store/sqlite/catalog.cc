#include "store/sqlite/catalog.h"

#include <algorithm>

#include "base/os.h"
#include "store/sqlite/meta_schema.h"

namespace rejoin {
namespace {

constexpr char kReadStamp[] = "SELECT value FROM {s}.rejoin__meta WHERE name = 'catalog'";
constexpr char kWriteStamp[] =
    "UPDATE {s}.rejoin__meta SET value = ?1 WHERE name = 'catalog'";
constexpr char kExists[] = "SELECT 1 FROM {s}.sqlite_schema WHERE name = 'rejoin__meta'";
constexpr char kReadTables[] =
    "SELECT number, name, local, same_key, delete_wins, fire_triggers, key_parts, version "
    "FROM {s}.rejoin__table ORDER BY number";
constexpr char kReadColumns[] =
    "SELECT name, local FROM {s}.rejoin__column WHERE tbl = ?1 ORDER BY number";
constexpr char kReadReplicas[] = "SELECT number, id FROM {s}.rejoin__replica";
constexpr char kReadColsets[] = "SELECT number, tbl, columns FROM {s}.rejoin__colset";
// Numbers are never used twice: log rows of a forgotten table must not be taken
// for those of a later one.
constexpr char kNextTable[] =
    "INSERT INTO {s}.rejoin__meta(name, value) VALUES('last_table', 1) "
    "ON CONFLICT(name) DO UPDATE SET value = value + 1 RETURNING value";
constexpr char kAddTable[] =
    "INSERT INTO {s}.rejoin__table(name, local, same_key, delete_wins, fire_triggers, key_parts, "
    "version, number) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
constexpr char kSaveTable[] =
    "UPDATE {s}.rejoin__table SET name = ?2, local = ?3, same_key = ?4, delete_wins = ?5, "
    "fire_triggers = ?6, key_parts = ?7, version = ?8 WHERE number = ?1";
constexpr char kAddColumn[] =
    "INSERT INTO {s}.rejoin__column(tbl, number, name, local) VALUES(?1, ?2, ?3, ?4)";
constexpr char kSaveColumn[] =
    "UPDATE {s}.rejoin__column SET local = ?3 WHERE tbl = ?1 AND number = ?2";
constexpr char kAddReplica[] = "INSERT INTO {s}.rejoin__replica(id) VALUES(?1) RETURNING number";
constexpr char kAddColset[] =
    "INSERT INTO {s}.rejoin__colset(tbl, columns) VALUES(?1, ?2) RETURNING number";

bool EqualIgnoringCase(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

void BindOptionalText(Statement& statement, int at, const std::optional<std::string>& text) {
  if (text) {
    statement.BindText(at, *text);
  } else {
    statement.BindNull(at);
  }
}

std::optional<std::string> OptionalText(const Statement& statement, int column) {
  if (statement.IsNull(column)) return std::nullopt;
  return std::string(statement.Text(column));
}

Bytes EncodeColset(const std::vector<ColumnId>& columns) {
  Bytes bytes;
  for (const ColumnId column : columns) PutVarint(bytes, column);
  return bytes;
}

std::vector<ColumnId> DecodeColset(ByteView bytes) {
  std::vector<ColumnId> columns;
  ByteReader reader(bytes);
  while (reader.remaining() > 0) columns.push_back(static_cast<ColumnId>(reader.Varint()));
  return columns;
}

// Runs an INSERT ... RETURNING to its end: the row is there only then.
Result<std::uint32_t> NewNumber(Statement& insert) {
  REJOIN_TRY(insert.Step());
  const auto number = static_cast<std::uint32_t>(insert.Integer(0));
  REJOIN_TRY(insert.Step());
  return number;
}

}  // namespace

Result<bool> Catalog::Refresh() {
  if (!stamp_) {
    REJOIN_ASSIGN(Statement exists, db_.Prepare(kExists));
    REJOIN_ASSIGN(const bool found, exists.Step());
    if (!found) return false;
  }
  std::int64_t stamp = 0;
  {
    REJOIN_ASSIGN(CachedStatement read, db_.Cached(kReadStamp));
    REJOIN_ASSIGN(const bool found, read->Step());
    if (!found) return Fail(Code::kCorrupt, "rejoin__meta lacks its entry 'catalog'; run rejoin doctor");
    stamp = read->Integer(0);
  }
  REJOIN_TRY(RefreshTo(stamp));
  return loaded();
}

Status Catalog::RefreshTo(std::int64_t stamp) {
  if (stamp_ == stamp) return {};
  stamp_.reset();
  REJOIN_ASSIGN(const bool set_up, CheckMetaFormat(db_));
  if (!set_up) return {};
  REJOIN_TRY(Load());
  stamp_ = stamp;
  return {};
}

Status Catalog::Load() {
  tables_.clear();
  replicas_.clear();
  replica_numbers_.clear();
  colsets_.clear();
  colset_numbers_.clear();
  {
    REJOIN_ASSIGN(Statement read, db_.Prepare(kReadTables));
    for (;;) {
      REJOIN_ASSIGN(const bool row, read.Step());
      if (!row) break;
      auto table = std::make_unique<TrackedTable>();
      table->number = static_cast<TableNumber>(read.Integer(0));
      table->name = std::string(read.Text(1));
      table->local = OptionalText(read, 2);
      table->rules = {static_cast<SameKey>(read.Integer(3)), read.Integer(4) != 0};
      table->fire_triggers = read.Integer(5) != 0;
      table->key_parts = static_cast<std::uint32_t>(read.Integer(6));
      table->version = read.Unsigned(7);
      tables_.push_back(std::move(table));
    }
  }
  for (const auto& table : tables_) REJOIN_TRY(LoadColumns(*table));
  {
    REJOIN_ASSIGN(Statement read, db_.Prepare(kReadReplicas));
    for (;;) {
      REJOIN_ASSIGN(const bool row, read.Step());
      if (!row) break;
      const auto id = ReplicaId::FromBytes(read.Text(1));
      if (!id) return Fail(Code::kCorrupt, "rejoin__replica holds an id that is not 16 bytes; run rejoin doctor");
      const auto number = static_cast<ReplicaNumber>(read.Integer(0));
      replicas_[number] = *id;
      replica_numbers_[*id] = number;
    }
  }
  REJOIN_ASSIGN(Statement read, db_.Prepare(kReadColsets));
  for (;;) {
    REJOIN_ASSIGN(const bool row, read.Step());
    if (!row) break;
    const auto number = static_cast<ColsetNumber>(read.Integer(0));
    colsets_[number] = DecodeColset(read.Text(2));
    colset_numbers_[{static_cast<TableNumber>(read.Integer(1)), colsets_[number]}] = number;
  }
  return {};
}

Status Catalog::LoadColumns(TrackedTable& table) {
  if (table.local) {
    auto shape = ReadTableShape(db_, *table.local);
    // A table that is gone or no longer fit is drift's to notice (drift.h).
    if (!shape && !IsAboutTable(shape.error().code)) return Forward(shape);
    if (shape) table.shape = std::move(*shape);
  }
  REJOIN_ASSIGN(Statement read, db_.Prepare(kReadColumns));
  read.Bind(1, std::int64_t{table.number});
  for (;;) {
    REJOIN_ASSIGN(const bool row, read.Step());
    if (!row) break;
    TrackedColumn column{std::string(read.Text(0)), OptionalText(read, 1), Affinity::kBlob};
    for (const ShapeColumn& shape : table.shape.columns) {
      if (column.local && EqualIgnoringCase(shape.name, *column.local)) {
        column.affinity = shape.affinity;
      }
    }
    table.columns.push_back(std::move(column));
  }
  return {};
}

Status Catalog::Touch() {
  const auto stamp = static_cast<std::int64_t>(random_.Draw64());
  REJOIN_ASSIGN(CachedStatement write, db_.Cached(kWriteStamp));
  write->Bind(1, stamp);
  REJOIN_TRY(write->Run());
  stamp_ = stamp;
  return {};
}

TrackedTable* Catalog::Find(TableNumber number) const {
  for (const auto& table : tables_) {
    if (table->number == number) return table.get();
  }
  return nullptr;
}

TrackedTable* Catalog::FindLocal(std::string_view local_name) const {
  for (const auto& table : tables_) {
    if (table->local && EqualIgnoringCase(*table->local, local_name)) return table.get();
  }
  return nullptr;
}

TrackedTable* Catalog::FindLogical(std::string_view name) const {
  for (const auto& table : tables_) {
    if (table->name == name) return table.get();
  }
  return nullptr;
}

Result<TrackedTable*> Catalog::AddTable(const TrackedTable& table) {
  Invalidate();
  auto added = std::make_unique<TrackedTable>(table);
  added->columns.clear();
  {
    REJOIN_ASSIGN(CachedStatement next, db_.Cached(kNextTable));
    REJOIN_ASSIGN(added->number, NewNumber(*next));
    REJOIN_ASSIGN(CachedStatement insert, db_.Cached(kAddTable));
    insert->BindText(1, table.name);
    BindOptionalText(*insert, 2, table.local);
    insert->Bind(3, static_cast<std::int64_t>(table.rules.same_key))
        .Bind(4, std::int64_t{table.rules.delete_wins})
        .Bind(5, std::int64_t{table.fire_triggers})
        .Bind(6, std::int64_t{table.key_parts})
        .Bind(7, table.version)
        .Bind(8, std::int64_t{added->number});
    REJOIN_TRY(insert->Run());
  }
  tables_.push_back(std::move(added));
  TrackedTable* const result = tables_.back().get();
  for (const TrackedColumn& column : table.columns) {
    REJOIN_TRY(AddColumn(*result, column.name, column.local));
  }
  REJOIN_TRY(Touch());
  return result;
}

Result<ColumnId> Catalog::AddColumn(TrackedTable& table, const std::string& name,
                                    const std::optional<std::string>& local) {
  const auto number = static_cast<ColumnId>(table.columns.size());
  Invalidate();
  {
    REJOIN_ASSIGN(CachedStatement insert, db_.Cached(kAddColumn));
    insert->Bind(1, std::int64_t{table.number}).Bind(2, std::int64_t{number}).BindText(3, name);
    BindOptionalText(*insert, 4, local);
    REJOIN_TRY(insert->Run());
  }
  TrackedColumn column{name, local, Affinity::kBlob};
  for (const ShapeColumn& shape : table.shape.columns) {
    if (local && EqualIgnoringCase(shape.name, *local)) column.affinity = shape.affinity;
  }
  table.columns.push_back(std::move(column));
  REJOIN_TRY(Touch());
  return number;
}

Status Catalog::SaveTable(const TrackedTable& table) {
  Invalidate();
  {
    REJOIN_ASSIGN(CachedStatement save, db_.Cached(kSaveTable));
    save->Bind(1, std::int64_t{table.number}).BindText(2, table.name);
    BindOptionalText(*save, 3, table.local);
    save->Bind(4, static_cast<std::int64_t>(table.rules.same_key))
        .Bind(5, std::int64_t{table.rules.delete_wins})
        .Bind(6, std::int64_t{table.fire_triggers})
        .Bind(7, std::int64_t{table.key_parts})
        .Bind(8, table.version);
    REJOIN_TRY(save->Run());
  }
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    REJOIN_ASSIGN(CachedStatement save, db_.Cached(kSaveColumn));
    save->Bind(1, std::int64_t{table.number}).Bind(2, static_cast<std::int64_t>(i));
    BindOptionalText(*save, 3, table.columns[i].local);
    REJOIN_TRY(save->Run());
  }
  return Touch();
}

Status Catalog::RemoveTable(TableNumber number) {
  Invalidate();
  const std::string which = std::to_string(number);
  for (const char* const from : {"rejoin__column WHERE tbl = ", "rejoin__colset WHERE tbl = ",
                                 "rejoin__run WHERE tbl = ", "rejoin__hash WHERE tbl = ",
                                 "rejoin__hidden WHERE tbl = ", "rejoin__clash WHERE tbl = ",
                                 "rejoin__table WHERE number = "}) {
    REJOIN_TRY(db_.Exec("DELETE FROM {s}." + (from + which)));
  }
  REJOIN_TRY(Touch());
  Invalidate();
  return {};
}

Result<ReplicaNumber> Catalog::Intern(const ReplicaId& replica) {
  const auto known = replica_numbers_.find(replica);
  if (known != replica_numbers_.end()) return known->second;
  Invalidate();
  ReplicaNumber number = 0;
  {
    REJOIN_ASSIGN(CachedStatement insert, db_.Cached(kAddReplica));
    insert->BindBlob(1, replica.View());
    REJOIN_ASSIGN(number, NewNumber(*insert));
  }
  replicas_[number] = replica;
  replica_numbers_[replica] = number;
  REJOIN_TRY(Touch());
  return number;
}

const ReplicaId* Catalog::Lookup(ReplicaNumber number) const {
  const auto at = replicas_.find(number);
  return at == replicas_.end() ? nullptr : &at->second;
}

Result<ColsetNumber> Catalog::InternColset(TableNumber table,
                                           const std::vector<ColumnId>& ascending) {
  if (ascending.empty()) return ColsetNumber{0};
  const auto known = colset_numbers_.find({table, ascending});
  if (known != colset_numbers_.end()) return known->second;
  const Bytes columns = EncodeColset(ascending);
  Invalidate();
  ColsetNumber number = 0;
  {
    REJOIN_ASSIGN(CachedStatement insert, db_.Cached(kAddColset));
    insert->Bind(1, std::int64_t{table}).BindBlob(2, columns);
    REJOIN_ASSIGN(number, NewNumber(*insert));
  }
  colsets_[number] = ascending;
  colset_numbers_[{table, ascending}] = number;
  REJOIN_TRY(Touch());
  return number;
}

const std::vector<ColumnId>* Catalog::LookupColset(ColsetNumber number) const {
  static const std::vector<ColumnId> kEmpty;
  if (number == 0) return &kEmpty;
  const auto at = colsets_.find(number);
  return at == colsets_.end() ? nullptr : &at->second;
}

std::vector<ColumnId> Catalog::LocalColumns(const TrackedTable& table) {
  std::vector<ColumnId> columns;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (table.columns[i].local) columns.push_back(static_cast<ColumnId>(i));
  }
  return columns;
}

}  // namespace rejoin
