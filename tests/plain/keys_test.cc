// Every kind of primary key under every kind of statement.

#include <map>

#include "tests/plain/twin.h"

namespace rejoin::testing {
namespace {

// A way to declare the key of table t, and what scripts put in its place.
struct KeyStyle {
  const char* name;
  const char* columns;   // declarations of the key's columns
  const char* constraint;  // table constraint, with its comma
  const char* suffix;    // behind the closing parenthesis
  const char* names;     // {keys}: the key's columns in a list
  const char* values[4];  // {k1}..{k4}: values in a list
  const char* sames[4];   // {is1}..{is4}: a condition
};

// Where the name is one column, k.
#define REJOIN_SAMES(a, b, c, d) {"k = " a, "k = " b, "k = " c, "k = " d}

constexpr KeyStyle kStyles[] = {
    {"Integer", "k INTEGER PRIMARY KEY", "", "", "k", {"1", "-7", "9223372036854775806", "0"},
     REJOIN_SAMES("1", "-7", "9223372036854775806", "0")},
    {"Autoincrement", "k INTEGER PRIMARY KEY AUTOINCREMENT", "", "", "k", {"1", "70", "71", "500"},
     REJOIN_SAMES("1", "70", "71", "500")},
    {"IntegerDescending", "k INTEGER PRIMARY KEY DESC", "", "", "k", {"1", "2", "3", "40"},
     REJOIN_SAMES("1", "2", "3", "40")},
    {"IntNotRowid", "k INT PRIMARY KEY NOT NULL", "", "", "k", {"1", "2", "3", "40"},
     REJOIN_SAMES("1", "2", "3", "40")},
    {"Text", "k TEXT PRIMARY KEY NOT NULL", "", "", "k", {"'a'", "'b'", "''", "'A'"},
     REJOIN_SAMES("'a'", "'b'", "''", "'A'")},
    {"TextNullable", "k TEXT PRIMARY KEY", "", "", "k", {"'a'", "'b'", "''", "'A'"},
     REJOIN_SAMES("'a'", "'b'", "''", "'A'")},
    {"Blob", "k BLOB PRIMARY KEY NOT NULL", "", "", "k", {"x'00'", "x''", "x'0001'", "x'ff'"},
     REJOIN_SAMES("x'00'", "x''", "x'0001'", "x'ff'")},
    {"Untyped", "k PRIMARY KEY NOT NULL", "", "", "k", {"1", "'1'", "x'31'", "1.5"},
     REJOIN_SAMES("1", "'1'", "x'31'", "1.5")},
    {"Real", "k REAL PRIMARY KEY NOT NULL", "", "", "k", {"1", "1.5", "-2e300", "0.1"},
     REJOIN_SAMES("1", "1.5", "-2e300", "0.1")},
    {"Nocase", "k TEXT COLLATE NOCASE PRIMARY KEY NOT NULL", "", "", "k",
     {"'a'", "'b'", "'c'", "'A'"}, REJOIN_SAMES("'a'", "'b'", "'c'", "'A'")},
    {"NocaseWithoutRowid", "k TEXT COLLATE NOCASE PRIMARY KEY NOT NULL", "", "WITHOUT ROWID", "k",
     {"'a'", "'b'", "'c'", "'A'"}, REJOIN_SAMES("'a'", "'b'", "'c'", "'A'")},
    {"Composite", "k INTEGER NOT NULL, l TEXT NOT NULL", ", PRIMARY KEY(l, k)", "", "k, l",
     {"1, 'x'", "1, 'y'", "2, 'x'", "2, ''"},
     {"(k, l) = (1, 'x')", "(k, l) = (1, 'y')", "(k, l) = (2, 'x')", "(k, l) = (2, '')"}},
    {"WithoutRowid", "k TEXT PRIMARY KEY NOT NULL", "", "WITHOUT ROWID", "k",
     {"'a'", "'b'", "''", "'A'"}, REJOIN_SAMES("'a'", "'b'", "''", "'A'")},
    {"IntegerWithoutRowid", "k INTEGER PRIMARY KEY", "", "WITHOUT ROWID", "k", {"1", "2", "3", "4"},
     REJOIN_SAMES("1", "2", "3", "4")},
    {"CompositeWithoutRowid", "k ANY, l BLOB", ", PRIMARY KEY(k, l)", "WITHOUT ROWID", "k, l",
     {"1, x'01'", "'1', x'01'", "1, x''", "0.5, x''"},
     {"(k, l) = (1, x'01')", "(k, l) = ('1', x'01')", "(k, l) = (1, x'')", "(k, l) = (0.5, x'')"}},
    {"Strict", "k TEXT PRIMARY KEY NOT NULL", "", "STRICT", "k", {"'a'", "'b'", "''", "'A'"},
     REJOIN_SAMES("'a'", "'b'", "''", "'A'")},
    {"StrictInteger", "k INTEGER PRIMARY KEY", "", "STRICT", "k", {"1", "2", "3", "4"},
     REJOIN_SAMES("1", "2", "3", "4")},
    {"StrictAnyWithoutRowid", "k ANY PRIMARY KEY", "", "STRICT, WITHOUT ROWID", "k",
     {"1", "'1'", "x'31'", "1.5"}, REJOIN_SAMES("1", "'1'", "x'31'", "1.5")},
    {"ReplacesOnConflict", "k TEXT PRIMARY KEY ON CONFLICT REPLACE NOT NULL", "", "", "k",
     {"'a'", "'b'", "''", "'A'"}, REJOIN_SAMES("'a'", "'b'", "''", "'A'")},
};

// What is in t besides its key. u: one more UNIQUE key.
constexpr char kPlainColumns[] = "a TEXT, b INTEGER DEFAULT 5 CHECK(b < 1000), c TEXT NOT NULL DEFAULT 'c'";
constexpr char kUniqueColumns[] = ", u TEXT UNIQUE";
constexpr char kReplacingUnique[] = ", u TEXT UNIQUE ON CONFLICT REPLACE";

std::string Filled(std::string text, const KeyStyle& style) {
  std::map<std::string, std::string> parts{{"{keys}", style.names}};
  for (std::size_t i = 0; i < 4; ++i) {
    parts["{k" + std::to_string(i + 1) + "}"] = style.values[i];
    parts["{is" + std::to_string(i + 1) + "}"] = style.sames[i];
  }
  for (const auto& [mark, value] : parts) {
    for (std::size_t at = 0; (at = text.find(mark, at)) != std::string::npos; at += value.size()) {
      text.replace(at, mark.size(), value);
    }
  }
  return text;
}

void PrintTo(const KeyStyle& style, std::ostream* out) { *out << style.name; }

class PlainKeys : public ::testing::TestWithParam<KeyStyle> {
 protected:
  void Check(const std::string& columns, const std::string& script) {
    const KeyStyle& style = GetParam();
    TwinOptions options;
    options.schema = std::string("CREATE TABLE t(") + style.columns + ", " + kPlainColumns +
                     columns + style.constraint + ") " + style.suffix + ";";
    options.tables = {"t"};
    ExpectPlain(options, Filled(script, style));
  }
};

constexpr char kWrites[] = R"sql(
INSERT INTO t({keys}, a) VALUES({k1}, 'one');
INSERT INTO t({keys}, a, b) VALUES({k2}, 'two', 2), ({k3}, 'three', 3) RETURNING *, b + 1;
SELECT changes(), last_insert_rowid();
UPDATE t SET a = 'eins' WHERE {is1} RETURNING a, b;
UPDATE t SET a = a;
UPDATE t SET b = b + 1;
UPDATE t SET b = '7', a = 8 WHERE {is2};
UPDATE t SET a = 'none' WHERE b = 999;
DELETE FROM t WHERE {is3} RETURNING *;
INSERT INTO t({keys}, a) VALUES({k3}, 'again');
DELETE FROM t WHERE a = 'nobody';
UPDATE t SET ({keys}) = (SELECT {k4}) WHERE {is3};
DELETE FROM t WHERE {is4};
DELETE FROM t;
INSERT INTO t({keys}) VALUES({k4});
SELECT changes(), last_insert_rowid();
)sql";

TEST_P(PlainKeys, WritesAndReturning) { Check("", kWrites); }

constexpr char kErrors[] = R"sql(
INSERT INTO t({keys}, a) VALUES({k1}, 'one');
INSERT INTO t({keys}, a) VALUES({k1}, 'twice');
INSERT INTO t({keys}, a) VALUES({k2}, 'x'), ({k1}, 'twice');
INSERT OR FAIL INTO t({keys}, a) VALUES({k2}, 'kept'), ({k1}, 'twice'), ({k3}, 'never');
INSERT OR IGNORE INTO t({keys}, a) VALUES({k1}, 'ignored'), ({k3}, 'made');
SELECT changes(), last_insert_rowid();
UPDATE t SET b = 1000 WHERE {is1};
UPDATE OR IGNORE t SET b = CASE WHEN {is1} THEN 1000 ELSE 9 END;
UPDATE t SET c = NULL WHERE {is1};
INSERT INTO t({keys}, c) VALUES({k4}, NULL);
INSERT OR IGNORE INTO t({keys}, c) VALUES({k4}, NULL);
INSERT INTO t({keys}, nothing) VALUES({k4}, 1);
UPDATE t SET ({keys}) = (SELECT {k1}) WHERE {is2};
BEGIN;
INSERT INTO t({keys}, a) VALUES({k4}, 'rolled back');
INSERT OR ROLLBACK INTO t({keys}, a) VALUES({k1}, 'twice');
SELECT changes(), last_insert_rowid();
BEGIN;
UPDATE t SET a = 'kept through an error' WHERE {is1};
INSERT INTO t({keys}, a) VALUES({k1}, 'twice');
COMMIT;
INSERT INTO t({keys}, b) VALUES({k4}, 'no number');
)sql";

TEST_P(PlainKeys, ConstraintErrors) { Check("", kErrors); }

constexpr char kUpserts[] = R"sql(
INSERT INTO t({keys}, a) VALUES({k1}, 'one');
INSERT INTO t({keys}, a) VALUES({k1}, 'two') ON CONFLICT DO NOTHING;
INSERT INTO t({keys}, a, b) VALUES({k1}, 'two', 2) ON CONFLICT({keys}) DO UPDATE SET a = excluded.a;
INSERT INTO t({keys}, a, b) VALUES({k2}, 'new', 2) ON CONFLICT({keys}) DO UPDATE SET a = excluded.a;
SELECT changes(), last_insert_rowid();
INSERT INTO t({keys}, a, b) VALUES({k1}, 'x', 1), ({k3}, 'y', 2), ({k2}, 'z', 3)
  ON CONFLICT({keys}) DO UPDATE SET a = excluded.a, b = b + excluded.b RETURNING a, b;
INSERT INTO t({keys}, a, b) VALUES({k1}, 'x', 1) ON CONFLICT({keys}) DO UPDATE SET a = 'no' WHERE b > 900;
INSERT INTO t({keys}, a, b) VALUES({k1}, 'x', 1) ON CONFLICT({keys}) DO UPDATE SET b = 5000;
BEGIN;
DELETE FROM t WHERE {is1};
INSERT INTO t({keys}, a, b) VALUES({k1}, 'back', 1) ON CONFLICT({keys}) DO UPDATE SET a = 'no';
INSERT INTO t({keys}, a, b) VALUES({k1}, 'and', 1) ON CONFLICT({keys}) DO UPDATE SET a = excluded.a;
COMMIT;
)sql";

TEST_P(PlainKeys, Upsert) { Check("", kUpserts); }

constexpr char kReplaces[] = R"sql(
INSERT INTO t({keys}, a) VALUES({k1}, 'one'), ({k2}, 'two');
INSERT OR REPLACE INTO t({keys}, a) VALUES({k1}, 'eins');
SELECT changes(), last_insert_rowid();
REPLACE INTO t({keys}, a, b) VALUES({k3}, 'three', 3), ({k1}, 'uno', 1) RETURNING *;
REPLACE INTO t({keys}, c) VALUES({k1}, NULL);
REPLACE INTO t({keys}, b) VALUES({k1}, 1000);
UPDATE OR REPLACE t SET ({keys}) = (SELECT {k2}) WHERE {is1};
BEGIN;
REPLACE INTO t({keys}, a) VALUES({k1}, 'a');
REPLACE INTO t({keys}, a) VALUES({k1}, 'b');
DELETE FROM t WHERE {is1};
REPLACE INTO t({keys}, a) VALUES({k1}, 'c');
UPDATE t SET b = 77 WHERE {is1};
COMMIT;
BEGIN;
DELETE FROM t WHERE {is2};
REPLACE INTO t({keys}, a) VALUES({k2}, 'd');
DELETE FROM t WHERE {is2};
COMMIT;
)sql";

TEST_P(PlainKeys, ReplaceByItsOwnKey) { Check("", kReplaces); }

constexpr char kUniqueReplaces[] = R"sql(
INSERT INTO t({keys}, a, u) VALUES({k1}, 'one', 'x'), ({k2}, 'two', 'y'), ({k3}, 'three', NULL);
INSERT INTO t({keys}, u) VALUES({k4}, 'x');
INSERT OR REPLACE INTO t({keys}, u) VALUES({k4}, 'x');
SELECT changes(), last_insert_rowid();
REPLACE INTO t({keys}, u) VALUES({k2}, 'x');
UPDATE t SET u = 'x' WHERE {is3};
UPDATE OR REPLACE t SET u = 'x' WHERE {is3};
INSERT INTO t({keys}, u) VALUES({k1}, 'x') ON CONFLICT(u) DO UPDATE SET a = 'hit';
INSERT INTO t({keys}, u) VALUES({k1}, 'z') ON CONFLICT(u) DO UPDATE SET a = 'hit';
BEGIN;
REPLACE INTO t({keys}, u) VALUES({k2}, 'z');
REPLACE INTO t({keys}, u) VALUES({k1}, 'z');
DELETE FROM t WHERE u = 'z';
INSERT INTO t({keys}, u) VALUES({k1}, 'z');
COMMIT;
BEGIN;
UPDATE t SET u = 'swap' WHERE {is1};
UPDATE t SET u = 'z' WHERE {is3};
UPDATE t SET u = 'x' WHERE {is1};
COMMIT;
UPDATE OR REPLACE t SET u = 'same';
DELETE FROM t;
)sql";

TEST_P(PlainKeys, ReplaceByAnotherUniqueKey) { Check(kUniqueColumns, kUniqueReplaces); }
TEST_P(PlainKeys, OnConflictReplaceInTheSchema) { Check(kReplacingUnique, kUniqueReplaces); }

constexpr char kSavepoints[] = R"sql(
SAVEPOINT a;
SAVEPOINT b;
INSERT INTO t({keys}, a) VALUES({k1}, 'one');
RELEASE b;
ROLLBACK TO a;
INSERT INTO t({keys}, a) VALUES({k2}, 'two');
SAVEPOINT b;
UPDATE t SET a = 'zwei' WHERE {is2};
SAVEPOINT c;
DELETE FROM t WHERE {is2};
ROLLBACK TO b;
INSERT INTO t({keys}, a) VALUES({k2}, 'twice');
INSERT INTO t({keys}, a) VALUES({k3}, 'three');
RELEASE a;
BEGIN;
UPDATE t SET a = 'drei' WHERE {is3};
SAVEPOINT a;
UPDATE t SET b = 1;
ROLLBACK TO a;
ROLLBACK TO a;
DELETE FROM t WHERE {is3};
SAVEPOINT a;
INSERT INTO t({keys}, a) VALUES({k3}, 'back');
RELEASE a;
SAVEPOINT a;
INSERT INTO t({keys}, a) VALUES({k4}, 'gone');
ROLLBACK TO a;
COMMIT;
BEGIN;
UPDATE t SET a = 'never';
DELETE FROM t WHERE {is2};
ROLLBACK;
SAVEPOINT a;
DELETE FROM t;
ROLLBACK TO a;
RELEASE a;
)sql";

TEST_P(PlainKeys, SavepointsWithPartialRollback) { Check(kUniqueColumns, kSavepoints); }

// A row that goes to the rowid of another takes its place, whatever the rowid is called.
TEST(PlainRowids, ReplaceByARowidThatIsTaken) {
  for (const char* const schema :
       {"CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL, a, oid UNIQUE);", "CREATE TABLE t(id, a, PRIMARY KEY(id, a));"}) {
    TwinOptions options;
    options.schema = schema;
    options.tables = {"t"};
    ExpectPlain(options, R"sql(
INSERT INTO t(id, a) VALUES('a', 1), ('b', 2), ('c', 3), ('d', 4), ('e', 5);
UPDATE t SET rowid = 2 WHERE id = 'a';
UPDATE OR REPLACE t SET rowid = 2 WHERE id = 'a';
UPDATE OR REPLACE t SET _rowid_ = 3, a = 7 WHERE id = 'd';
BEGIN;
UPDATE OR REPLACE t SET rowid = 5 WHERE id = 'd';
INSERT INTO t(id, a) VALUES('c', 8);
ROLLBACK;
UPDATE OR REPLACE t SET rowid = 9;
INSERT INTO t(id, a) VALUES('a', 1);
)sql");
  }
}

std::string StyleName(const ::testing::TestParamInfo<KeyStyle>& style) { return style.param.name; }
INSTANTIATE_TEST_SUITE_P(Key, PlainKeys, ::testing::ValuesIn(kStyles), StyleName);

}  // namespace
}  // namespace rejoin::testing
