#include "tests/store/table_sql.h"

#include <cmath>
#include <cstdio>

#include "store/sqlite/sql.h"

namespace rejoin {
namespace {

// As SQL has it, storage class and bits included.
std::string Literal(const Value& value) {
  switch (value.type) {
    case ValueType::kNull:
      return "NULL";
    case ValueType::kInteger:
      return std::to_string(value.integer());
    case ValueType::kReal: {
      if (std::isinf(value.real())) return value.real() > 0 ? "9e999" : "-9e999";
      char text[40];
      std::snprintf(text, sizeof text, "%.17e", value.real());
      return text;
    }
    case ValueType::kText:
      return QuoteText(value.bytes);
    case ValueType::kBlob: {
      std::string text = "x'";
      for (const char byte : value.bytes) {
        char digits[3];
        std::snprintf(digits, sizeof digits, "%02x", static_cast<unsigned char>(byte));
        text += digits;
      }
      return text + "'";
    }
  }
  return "NULL";
}

}  // namespace

std::string Joined(const std::vector<std::string>& items, const std::string& between) {
  std::string text;
  for (const std::string& item : items) text += (text.empty() ? "" : between) + item;
  return text;
}

std::string NameList(const std::vector<std::string>& names) {
  std::vector<std::string> quoted;
  for (const std::string& name : names) quoted.push_back(QuoteName(name));
  return "(" + Joined(quoted) + ")";
}

std::string Parameters(std::size_t first, std::size_t count) {
  std::vector<std::string> parameters;
  for (std::size_t i = 0; i < count; ++i) parameters.push_back("?" + std::to_string(first + i));
  return Joined(parameters);
}

std::string Declared(const ColumnDef& column) {
  const std::string name = QuoteName(column.name);
  std::string text = name;
  if (column.not_null) text += " NOT NULL";
  if (column.default_value.type != ValueType::kNull) {
    text += " DEFAULT " + Literal(column.default_value);
  }
  if (column.forbidden) text += " CHECK(" + name + " IS NOT " + Literal(*column.forbidden) + ")";
  return text;
}

std::string CreateTableSql(const TableDef& def, bool without_rowid) {
  std::vector<std::string> parts;
  for (const std::string& key : def.key_columns) {
    parts.push_back(QuoteName(key) + (def.integer_key ? " INTEGER" : " NOT NULL"));
  }
  for (const ColumnDef& column : def.columns) parts.push_back(Declared(column));
  parts.push_back("PRIMARY KEY" + NameList(def.key_columns));
  for (const auto& set : def.unique_sets) parts.push_back("UNIQUE" + NameList(set));
  return "CREATE TABLE " + QuoteName(def.name) + "(" + Joined(parts) + ")" +
         (without_rowid && !def.integer_key ? " WITHOUT ROWID" : "");
}

}  // namespace rejoin
