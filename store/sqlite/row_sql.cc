#include "store/sqlite/row_sql.h"

#include "base/hash.h"

namespace rejoin {
namespace {

std::uint64_t HashOfShape(const TrackedTable& table) {
  std::uint64_t hash = Hash64(table.local.value_or(std::string()));
  hash = Hash64(table.shape.rowid_name, hash + static_cast<std::uint64_t>(table.shape.kind));
  for (const std::size_t key : table.shape.key) hash = Hash64(table.shape.columns[key].name, hash);
  for (const TrackedColumn& column : table.columns) {
    hash = column.local ? Hash64(*column.local, hash) : hash * 31 + 1;
  }
  return hash;
}

void Append(std::string& list, const std::string& item, const char* separator) {
  if (!list.empty()) list += separator;
  list += item;
}

void UserTableSql(const TrackedTable& table, RowSql& sql) {
  const TableShape& shape = table.shape;
  const std::string rowid = QuoteName(shape.rowid_name);
  std::string results;
  std::string equal_key;
  std::string keys;
  int next = 0;
  if (shape.kind != KeyKind::kWithoutRowid) {
    results = rowid;
    ++next;
  }
  sql.key_at = next;
  if (shape.kind == KeyKind::kRowid) {
    equal_key = rowid + " = ?1";
    sql.key_at = 0;
  } else {
    for (const std::size_t key : shape.key) {
      const std::string name = QuoteName(shape.columns[key].name);
      Append(results, name, ", ");
      Append(keys, name, ", ");
      ++next;
      Append(equal_key, name + " = ?" + std::to_string(next - sql.key_at), " AND ");
    }
  }
  sql.values_at = next;
  const std::string from = " FROM {s}." + QuoteName(*table.local);
  const std::string at_rowid = " WHERE " + rowid + " = ?1";
  sql.key_by_rowid = "SELECT " + results + from + at_rowid;
  if (shape.kind != KeyKind::kWithoutRowid) sql.find_rowid = "SELECT " + results + from + " WHERE " + equal_key;
  sql.local = Catalog::LocalColumns(table);
  for (const ColumnId column : sql.local) {
    Append(results, QuoteName(*table.columns[column].local), ", ");
  }
  const std::string select = "SELECT " + results + from;
  sql.read_by_key = select + " WHERE " + equal_key;
  if (shape.kind == KeyKind::kWithoutRowid) {
    std::string parameters;
    for (int part = 1; part <= next; ++part) Append(parameters, "?" + std::to_string(part), ", ");
    sql.scan = select + " WHERE (" + keys + ") >= (" + parameters + ") ORDER BY " + keys;
    return;
  }
  sql.scan = select + " WHERE " + rowid + " >= ?1 ORDER BY " + rowid;
}

RowSql MakeSql(const TrackedTable& table) {
  RowSql sql;
  if (table.local) UserTableSql(table, sql);
  const std::string by_rowid = "{s}." + table.row_table();
  sql.get_override = "SELECT record FROM " + by_rowid + " WHERE rowid = ?1";
  sql.put_override = "INSERT OR REPLACE INTO " + by_rowid + "(rowid, record) VALUES(?1, ?2)";
  sql.drop_override = "DELETE FROM " + by_rowid + " WHERE rowid = ?1";
  // The hash follows the first byte.
  sql.drop_override_of = sql.drop_override + " AND substr(record, 2, 8) = ?2";
  sql.scan_overrides =
      "SELECT rowid, record FROM " + by_rowid + " WHERE rowid >= ?1 ORDER BY rowid";
  const std::string by_key = "{s}." + table.key_table();
  sql.get_keyed = "SELECT record FROM " + by_key + " WHERE key = ?1";
  sql.put_keyed = "INSERT OR REPLACE INTO " + by_key + "(key, record) VALUES(?1, ?2)";
  sql.drop_keyed = "DELETE FROM " + by_key + " WHERE key = ?1";
  sql.scan_keyed = "SELECT key, record FROM " + by_key + " WHERE key >= ?1 ORDER BY key";
  return sql;
}

}  // namespace

const RowSql& RowSqlCache::For(const TrackedTable& table) {
  const std::uint64_t shape = HashOfShape(table);
  Entry& entry = entries_[table.number];
  if (entry.shape != shape || entry.sql.get_keyed.empty()) entry = {shape, MakeSql(table)};
  return entry.sql;
}

bool ReadRowKey(const Statement& row, const RowSql& sql, KeyKind kind, Key& key) {
  key.clear();
  const int end = kind == KeyKind::kRowid ? sql.key_at + 1 : sql.values_at;
  for (int at = sql.key_at; at < end; ++at) {
    const ValueView part = ColumnView(row, at);
    if (part.type == ValueType::kNull) return false;
    AppendKeyPart(key, part);
  }
  return true;
}

bool BindKey(Statement& statement, const TrackedTable& table, const Key& key) {
  ByteReader reader(key);
  int at = 1;
  for (; reader.remaining() > 0; ++at) {
    const std::optional<ValueView> part = ReadKeyPart(reader);
    if (!part) return false;
    if (table.shape.kind == KeyKind::kRowid && part->type != ValueType::kInteger) return false;
    BindView(statement, at, *part);
  }
  return at == static_cast<int>(table.key_parts) + 1;
}

ValueView ColumnView(const Statement& row, int column) {
  return ViewOf(sqlite3_column_value(row.raw(), column));
}

void BindView(Statement& statement, int at, const ValueView& value) {
  switch (value.type) {
    case ValueType::kNull:
      statement.BindNull(at);
      return;
    case ValueType::kInteger:
      statement.Bind(at, value.bits);
      return;
    case ValueType::kReal:
      statement.BindReal(at, Value{ValueType::kReal, value.bits, {}}.real());
      return;
    case ValueType::kText:
      statement.BindText(at, value.bytes);
      return;
    case ValueType::kBlob:
      statement.BindBlob(at, value.bytes);
      return;
  }
}

}  // namespace rejoin
