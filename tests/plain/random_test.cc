// Random scripts, failing statements among them, against both databases.
//
// A script of RapidCheck's is shrunk to the shortest that still shows a difference.
// RC_PARAMS="seed=... max_success=..." repeats or lengthens a run.

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/plain/twin.h"

namespace rejoin::testing {
namespace {

constexpr char kSchema[] = R"sql(
CREATE TABLE item(id INTEGER PRIMARY KEY, a, b INTEGER DEFAULT 5, u UNIQUE);
CREATE TABLE note(id TEXT PRIMARY KEY COLLATE NOCASE NOT NULL, a, b INTEGER CHECK(b IS NOT 3),
  item INTEGER REFERENCES item ON DELETE CASCADE ON UPDATE CASCADE, u, v, UNIQUE(u, v));
CREATE TABLE pair(x, y TEXT COLLATE NOCASE, a, b NOT NULL DEFAULT 0, u UNIQUE ON CONFLICT REPLACE,
  PRIMARY KEY(x, y)) WITHOUT ROWID;
CREATE TABLE log(what, a);
CREATE TRIGGER item_gone AFTER DELETE ON item BEGIN
  INSERT INTO log VALUES('gone', old.a);
  UPDATE pair SET a = old.a WHERE x = old.id;
END;
CREATE TRIGGER note_touched AFTER UPDATE OF a ON note BEGIN
  UPDATE note SET b = b + 10 WHERE id = new.id AND b < 100;
  INSERT OR IGNORE INTO item(id, a) VALUES(new.b, 'by trigger');
END;
)sql";

// Makes statements on the plain side atomic, as ours are (twin.h).
constexpr char kMayAbort[] = R"sql(
CREATE TRIGGER a1 AFTER INSERT ON item WHEN 0 BEGIN SELECT raise(ABORT, ''); END;
CREATE TRIGGER a2 AFTER UPDATE ON item WHEN 0 BEGIN SELECT raise(ABORT, ''); END;
CREATE TRIGGER a3 AFTER DELETE ON item WHEN 0 BEGIN SELECT raise(ABORT, ''); END;
CREATE TRIGGER a4 AFTER INSERT ON note WHEN 0 BEGIN SELECT raise(ABORT, ''); END;
CREATE TRIGGER a5 AFTER UPDATE ON note WHEN 0 BEGIN SELECT raise(ABORT, ''); END;
CREATE TRIGGER a6 AFTER DELETE ON note WHEN 0 BEGIN SELECT raise(ABORT, ''); END;
CREATE TRIGGER a7 AFTER INSERT ON pair WHEN 0 BEGIN SELECT raise(ABORT, ''); END;
CREATE TRIGGER a8 AFTER UPDATE ON pair WHEN 0 BEGIN SELECT raise(ABORT, ''); END;
CREATE TRIGGER a9 AFTER DELETE ON pair WHEN 0 BEGIN SELECT raise(ABORT, ''); END;
)sql";

struct Table {
  const char* name;
  std::vector<const char*> key;
  std::vector<const char*> columns;
};
const std::vector<Table>& Tables() {
  static const std::vector<Table> tables{{"item", {"id"}, {"a", "b", "u"}},
                                         {"note", {"id"}, {"a", "b", "item", "u", "v"}},
                                         {"pair", {"x", "y"}, {"a", "b", "u"}}};
  return tables;
}

template <class T>
T Pick(const std::vector<T>& choices) {
  return *rc::gen::elementOf(choices);
}

// Few of them, so that they meet.
std::string AnyValue() {
  return Pick<std::string>({"NULL", "0", "1", "2", "3", "7", "'a'", "'A'", "'b'", "1.0", "2.5", "x'00'",
                            "'1'", "''", "-1"});
}
std::string AnyKey(const Table& table) {
  const std::string first = Pick<std::string>({"1", "2", "3", "4", "'a'", "'A'", "'2'", "2.0", "NULL"});
  if (table.key.size() == 1) return first;
  return first + ", " + Pick<std::string>({"'p'", "'P'", "'q'", "1"});
}
std::string Names(const std::vector<const char*>& names) {
  std::string list;
  for (const char* const name : names) list += (list.empty() ? "" : ", ") + std::string(name);
  return list;
}
std::string KeyIs(const Table& table) { return "(" + Names(table.key) + ") = (" + AnyKey(table) + ")"; }
std::string Where(const Table& table) {
  if (*rc::gen::inRange(0, 3) != 0) return " WHERE " + KeyIs(table);
  const std::string column = Pick(table.columns);
  if (*rc::gen::inRange(0, 3) != 0) return " WHERE " + column + " IS " + AnyValue();
  return "";
}
std::string Values(const Table& table) {
  std::string list = "(" + AnyKey(table);
  for (std::size_t i = 0; i < table.columns.size(); ++i) list += ", " + AnyValue();
  return list + ")";
}
std::string Or() { return Pick<std::string>({"", "", "", " OR IGNORE", " OR REPLACE", " OR REPLACE", " OR FAIL", " OR ROLLBACK"}); }
std::string Returning() { return *rc::gen::inRange(0, 4) == 0 ? " RETURNING *" : ""; }

std::string Insert(const Table& table) {
  std::string sql = "INSERT" + Or() + " INTO " + table.name + "(" + Names(table.key) + ", " +
                    Names(table.columns) + ") VALUES" + Values(table);
  const int more = *rc::gen::inRange(0, 3);
  for (int i = 1; i < more; ++i) sql += ", " + Values(table);
  return sql;
}
std::string Upsert(const Table& table) {
  const std::string column = Pick(table.columns);
  return Insert(table) + " ON CONFLICT(" + Names(table.key) + ") DO UPDATE SET " + column + " = " +
         Pick<std::string>({"excluded." + column, AnyValue()});
}
std::string Update(const Table& table) {
  const std::string column = Pick(table.columns);
  return "UPDATE" + Or() + " " + table.name + " SET " + column + " = " +
         Pick<std::string>({AnyValue(), AnyValue(), "b + 1", column}) + Where(table);
}
std::string ChangeKey(const Table& table) {
  return "UPDATE" + Or() + " " + table.name + " SET (" + Names(table.key) + ") = (SELECT " +
         AnyKey(table) + ") WHERE " + KeyIs(table);
}
std::string Delete(const Table& table) { return std::string("DELETE FROM ") + table.name + Where(table); }

std::string AnyStatement() {
  const Table& table = Pick(Tables());
  switch (*rc::gen::inRange(0, 16)) {
    case 0: return "BEGIN";
    case 1: return "COMMIT";
    case 2: return Pick<std::string>({"ROLLBACK", "COMMIT", "COMMIT"});
    case 3: return "SAVEPOINT " + Pick<std::string>({"s", "r"});
    case 4: return "ROLLBACK TO " + Pick<std::string>({"s", "r"});
    case 5: return "RELEASE " + Pick<std::string>({"s", "r"});
    case 6: return Upsert(table) + Returning();
    case 7:
    case 8: return Update(table) + Returning();
    case 9: return ChangeKey(table);
    case 10:
    case 11: return Delete(table) + Returning();
    default: return Insert(table) + Returning();
  }
}

RC_GTEST_PROP(PlainRandom, ScriptsDoWhatTheyDoWithoutUs, ()) {
  TwinOptions options;
  options.before_all = Pick<std::string>({"PRAGMA foreign_keys = ON;", "PRAGMA recursive_triggers = ON;"});
  options.schema = kSchema;
  options.only_plain = kMayAbort;
  options.tables = {"item", "note", "pair"};
  const auto statements = *rc::gen::container<std::vector<std::string>>(rc::gen::exec(AnyStatement));
  Twin twin(options);
  twin.arrive_each = *rc::gen::arbitrary<bool>();
  std::string script;
  for (const std::string& statement : statements) script += statement + ";\n";
  std::string difference = twin.Difference(script);
  if (difference.empty()) {
    if (sqlite3_get_autocommit(twin.plain()) == 0) difference = twin.Difference("COMMIT;");
    if (sqlite3_get_autocommit(twin.plain()) == 0) difference += twin.Difference("ROLLBACK;");
    difference += twin.ArrivalDifference();
  }
  if (!difference.empty()) RC_FAIL(difference + "\nscript:\n" + script);
}

}  // namespace
}  // namespace rejoin::testing
