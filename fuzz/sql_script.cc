#include "fuzz/sql_script.h"

#include <array>

namespace rejoin::fuzz {
namespace {

struct Table {
  std::string name;
  std::vector<std::string> key;
  std::vector<std::string> columns;
};

// An INTEGER key, a text key with UNIQUE pairs and a CHECK, WITHOUT ROWID with a collation
// and a REPLACE of its own, a key of any class that may be NULL, a table that is all key.
const std::vector<Table>& Tables() {
  static const std::vector<Table> tables{{"item", {"id"}, {"a", "b", "u"}},
                                         {"note", {"id"}, {"a", "b", "u", "v"}},
                                         {"pair", {"x", "y"}, {"a", "b", "u"}},
                                         {"slot", {"k"}, {"a", "b"}},
                                         {"edge", {"x", "y"}, {}}};
  return tables;
}

template <std::size_t kCount>
const char* Pick(Choices& choices, const std::array<const char*, kCount>& of) {
  return of[choices.Below(kCount)];
}

// Few of them, so that they meet.
const char* AnyValue(Choices& choices) {
  return Pick(choices, std::array{"NULL", "0", "1", "2", "3", "-1", "'a'", "'A'", "'b'", "''", "1.0", "2.5", "'1'",
                                  "x'00'", "x''", "9223372036854775807", "-9e999", "zeroblob(70)", "'ä'"});
}

std::string AnyKey(Choices& choices, const Table& table) {
  const std::string first =
      Pick(choices, std::array{"1", "2", "3", "4", "'a'", "'A'", "'2'", "2.0", "NULL", "x'61'", "-5"});
  if (table.key.size() == 1) return first;
  return first + ", " + Pick(choices, std::array{"'p'", "'P'", "'q'", "1"});
}

std::string Joined(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

std::string AllColumns(const Table& table) {
  return Joined(table.key) + (table.columns.empty() ? "" : ", " + Joined(table.columns));
}

// Of the key too, where there is nothing else.
std::string AnyColumn(Choices& choices, const Table& table) {
  const std::vector<std::string>& of = table.columns.empty() ? table.key : table.columns;
  return of[choices.Below(of.size())];
}

std::string KeyIs(Choices& choices, const Table& table) {
  return "(" + Joined(table.key) + ") = (" + AnyKey(choices, table) + ")";
}

std::string Where(Choices& choices, const Table& table) {
  switch (choices.Below(4)) {
    case 0: return "";
    case 1: return " WHERE " + AnyColumn(choices, table) + " IS " + AnyValue(choices);
    default: return " WHERE " + KeyIs(choices, table);
  }
}

std::string Or(Choices& choices) {
  return Pick(choices, std::array{"", "", "", " OR IGNORE", " OR REPLACE", " OR REPLACE", " OR FAIL",
                                  " OR ROLLBACK"});
}

std::string Values(Choices& choices, const Table& table) {
  std::string list = "(" + AnyKey(choices, table);
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    list += ", ";
    list += AnyValue(choices);
  }
  return list + ")";
}

std::string Insert(Choices& choices, const Table& table) {
  std::string sql = "INSERT" + Or(choices) + " INTO " + table.name + "(" + AllColumns(table) + ") VALUES" +
                    Values(choices, table);
  for (std::size_t more = choices.Below(4); more > 1; --more) sql += ", " + Values(choices, table);
  return sql;
}

std::string Upsert(Choices& choices, const Table& table) {
  const std::string insert = Insert(choices, table) + " ON CONFLICT(" + Joined(table.key) + ") DO ";
  const std::string column = AnyColumn(choices, table);
  switch (choices.Below(3)) {
    case 0: return insert + "NOTHING";
    case 1: return insert + "UPDATE SET " + column + " = excluded." + column;
    default: return insert + "UPDATE SET " + column + " = " + AnyValue(choices);
  }
}

std::string Update(Choices& choices, const Table& table) {
  const std::string column = AnyColumn(choices, table);
  const std::string sql = "UPDATE" + Or(choices) + " " + table.name + " SET " + column + " = ";
  switch (choices.Below(4)) {
    case 0: return sql + column + Where(choices, table);
    case 1: return sql + column + " + 1" + Where(choices, table);
    default: return sql + AnyValue(choices) + Where(choices, table);
  }
}

// Of one row, or of all.
std::string ChangeKey(Choices& choices, const Table& table) {
  const std::string sql = "UPDATE" + Or(choices) + " " + table.name + " SET ";
  const std::string& part = table.key[choices.Below(table.key.size())];
  switch (choices.Below(3)) {
    case 0: return sql + part + " = " + part + " + 1";
    case 1: return sql + part + " = -" + part + Where(choices, table);
    default:
      return sql + "(" + Joined(table.key) + ") = (SELECT " + AnyKey(choices, table) + ") WHERE " +
             KeyIs(choices, table);
  }
}

// The rowid is no key there, and nothing that replicas share.
std::string MoveRows(Choices& choices) {
  const char* const table = Pick(choices, std::array{"note", "slot", "edge"});
  return std::string("UPDATE") + Or(choices) + " " + table + " SET rowid = " +
         Pick(choices, std::array{"rowid + 1", "-rowid", "rowid * 7", "3"});
}

std::string Copy(Choices& choices, const Table& table) {
  const std::string columns = AllColumns(table);
  const std::string first = table.key.front();
  return "INSERT" + Or(choices) + " INTO " + table.name + "(" + columns + ") SELECT " + first + " + " +
         Pick(choices, std::array{"1", "10", "0"}) + columns.substr(first.size()) + " FROM " + table.name +
         " ORDER BY 1, 2 LIMIT 3";
}

std::string Named(Choices& choices, const char* what) {
  return std::string(what) + Pick(choices, std::array{" s", " r", " S"});
}

}  // namespace

const char* const kSqlSchema =
    "CREATE TABLE item(id INTEGER PRIMARY KEY, a, b INTEGER DEFAULT 5, u UNIQUE);"
    "CREATE TABLE note(id TEXT PRIMARY KEY COLLATE NOCASE NOT NULL, a, b INTEGER CHECK(b IS NOT 3),"
    "  u, v, UNIQUE(u, v));"
    "CREATE TABLE pair(x, y TEXT COLLATE NOCASE, a, b NOT NULL DEFAULT 0, u UNIQUE ON CONFLICT REPLACE,"
    "  PRIMARY KEY(x, y)) WITHOUT ROWID;"
    "CREATE TABLE slot(k PRIMARY KEY, a REAL, b TEXT);"
    "CREATE TABLE edge(x INTEGER NOT NULL, y NUMERIC NOT NULL, PRIMARY KEY(x, y));";

const std::vector<std::string>& SqlTables() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Table& table : Tables()) all.push_back(table.name);
    return all;
  }();
  return names;
}

std::string TriggersThatMayAbort() {
  std::string sql;
  for (const Table& table : Tables()) {
    for (const std::string event : {"INSERT", "UPDATE", "DELETE"}) {
      sql += "CREATE TRIGGER may_abort_" + table.name + event + " AFTER " + event + " ON " + table.name +
             " WHEN 0 BEGIN SELECT raise(ABORT, ''); END;";
    }
  }
  return sql;
}

std::string NextStatement(Choices& choices) {
  const std::size_t kind = choices.Below(18);
  const Table& table = Tables()[kind < 6 ? 0 : choices.Below(Tables().size())];
  switch (kind) {
    case 0: return "BEGIN";
    case 1: return "COMMIT";
    case 2: return Named(choices, "ROLLBACK TO");
    case 3: return Named(choices, "SAVEPOINT");
    case 4: return Named(choices, "RELEASE");
    case 5: return choices.Below(2) == 0 ? "ROLLBACK" : MoveRows(choices);
    case 6: return Upsert(choices, table);
    case 7:
    case 8: return Update(choices, table);
    case 9: return ChangeKey(choices, table);
    case 10:
    case 11: return "DELETE FROM " + table.name + Where(choices, table);
    case 12: return Copy(choices, table);
    default: return Insert(choices, table);
  }
}

}  // namespace rejoin::fuzz
