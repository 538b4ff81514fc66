// What else a schema may hold: triggers, foreign keys, generated columns, odd names.

#include "tests/plain/twin.h"

namespace rejoin::testing {
namespace {

TEST(Plain, UserTriggersFireAsEver) {
  ExpectPlain({R"sql(
CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, updated_at INTEGER DEFAULT 0);
CREATE TABLE total(name TEXT PRIMARY KEY NOT NULL, n INTEGER);
CREATE TABLE audit(what TEXT, id INTEGER);
CREATE TRIGGER touch AFTER UPDATE OF a ON t BEGIN
  UPDATE t SET updated_at = updated_at + 1 WHERE id = new.id;
END;
CREATE TRIGGER made AFTER INSERT ON t BEGIN
  INSERT INTO audit VALUES('made', new.id);
  INSERT INTO total VALUES('t', 1) ON CONFLICT(name) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER gone AFTER DELETE ON t BEGIN
  INSERT INTO audit VALUES('gone', old.id);
  UPDATE total SET n = n - 1 WHERE name = 't';
END;
CREATE TRIGGER guard BEFORE UPDATE ON t WHEN new.a = 'forbidden' BEGIN
  SELECT raise(ABORT, 'not this one');
END;
CREATE TRIGGER skip BEFORE INSERT ON t WHEN new.a = 'skipped' BEGIN
  SELECT raise(IGNORE);
END;
CREATE VIEW v AS SELECT id, a FROM t;
CREATE TRIGGER write_view INSTEAD OF INSERT ON v BEGIN
  INSERT INTO t(id, a) VALUES(new.id, new.a);
END;
)sql", {"t", "total"}}, R"sql(
INSERT INTO t(a) VALUES('one'), ('two'), ('skipped'), ('three') RETURNING id;
SELECT last_insert_rowid(), changes();
UPDATE t SET a = a || '!' WHERE id < 3 RETURNING a, updated_at;
UPDATE t SET a = 'forbidden';
UPDATE t SET a = CASE id WHEN 3 THEN 'forbidden' ELSE 'x' END;
INSERT INTO v VALUES(9, 'through the view');
SELECT last_insert_rowid(), changes();
REPLACE INTO t(id, a) VALUES(1, 'replaced');
DELETE FROM t WHERE id < 3;
BEGIN;
INSERT INTO t(id, a) VALUES(20, 'x');
UPDATE t SET a = 'y' WHERE id = 20;
DELETE FROM t WHERE id = 20;
INSERT INTO t(id, a) VALUES(20, 'z');
COMMIT;
DELETE FROM t;
)sql");
}

TEST(Plain, RecursiveTriggers) {
  TwinOptions options;
  options.before_all = "PRAGMA recursive_triggers = ON;";
  options.schema = R"sql(
CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL, n INTEGER, u TEXT UNIQUE);
CREATE TRIGGER down AFTER UPDATE OF n ON t WHEN new.n > 0 BEGIN
  UPDATE t SET n = n - 1 WHERE id = new.id;
END;
CREATE TABLE seen(id TEXT);
CREATE TRIGGER gone AFTER DELETE ON t BEGIN INSERT INTO seen VALUES(old.id); END;
)sql";
  options.tables = {"t"};
  ExpectPlain(options, R"sql(
INSERT INTO t VALUES('a', 0, 'x'), ('b', 0, 'y');
UPDATE t SET n = 5;
REPLACE INTO t VALUES('a', 1, 'y');
REPLACE INTO t VALUES('c', 1, 'y');
UPDATE OR REPLACE t SET id = 'c';
)sql");
}

// The one place where a tracked table does more than a plain one: SQLite believes
// that no trigger of `t` can fail, and keeps what the statement did before it did.
TEST(Plain, AStatementThatFailsInATriggerIsTakenBackWhole) {
  TwinOptions options;
  options.schema = R"sql(
CREATE TABLE other(id INTEGER PRIMARY KEY);
CREATE TABLE t(id INTEGER PRIMARY KEY, a);
CREATE TRIGGER echo AFTER UPDATE OF a ON t BEGIN INSERT OR IGNORE INTO other VALUES(new.a); END;
INSERT INTO t VALUES(1, 1);
)sql";
  options.tables = {"t"};
  constexpr char kFails[] = "UPDATE OR IGNORE t SET a = 'no integer'";
  {
    Twin twin(options);
    twin.Run("BEGIN;");
    EXPECT_EQ(RunStatement(twin.plain(), kFails).code, SQLITE_MISMATCH);
    EXPECT_EQ(RunStatement(twin.tracked().db, kFails).code, SQLITE_MISMATCH);
    EXPECT_EQ(ExactRows(twin.plain(), "SELECT a FROM t"), std::vector<std::string>{"tno integer"});
    EXPECT_EQ(ExactRows(twin.tracked().db, "SELECT a FROM t"), std::vector<std::string>{"i1"});
  }
  options.only_plain = "CREATE TRIGGER z AFTER UPDATE ON t WHEN 0 BEGIN SELECT raise(ABORT, ''); END;";
  Twin twin(options);
  twin.Run("BEGIN;");
  twin.Expect(SQLITE_MISMATCH, kFails);
}

constexpr char kFamilies[] = R"sql(
CREATE TABLE parent(id INTEGER PRIMARY KEY, code TEXT UNIQUE);
CREATE TABLE child(id TEXT PRIMARY KEY NOT NULL, parent INTEGER REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE nullable(id INTEGER PRIMARY KEY, code TEXT REFERENCES parent(code) ON DELETE SET NULL ON UPDATE SET DEFAULT);
CREATE TABLE strictly(a INTEGER, b INTEGER, parent INTEGER NOT NULL REFERENCES parent ON DELETE RESTRICT,
  PRIMARY KEY(a, b)) WITHOUT ROWID;
CREATE TABLE later(id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
)sql";

TEST(Plain, ForeignKeyCascades) {
  TwinOptions options;
  options.before_all = "PRAGMA foreign_keys = ON;";
  options.schema = kFamilies;
  options.tables = {"parent", "child", "nullable", "strictly", "later"};
  ExpectPlain(options, R"sql(
INSERT INTO parent VALUES(1, 'x'), (2, 'y'), (3, 'z');
INSERT INTO child VALUES('a', 1), ('b', 1), ('c', 2), ('d', NULL);
INSERT INTO nullable VALUES(1, 'x'), (2, 'y');
INSERT INTO strictly VALUES(1, 1, 3);
INSERT INTO child VALUES('e', 99);
DELETE FROM parent WHERE id = 1;
SELECT changes();
UPDATE parent SET id = 20 WHERE id = 2;
UPDATE parent SET code = 'yy' WHERE id = 20;
DELETE FROM parent WHERE id = 3;
BEGIN;
INSERT INTO later VALUES(1, 50);
COMMIT;
INSERT INTO parent VALUES(50, 'late');
COMMIT;
BEGIN;
DELETE FROM parent WHERE id = 50;
COMMIT;
DELETE FROM later;
COMMIT;
REPLACE INTO parent VALUES(20, 'z');
REPLACE INTO parent VALUES(21, 'z');
DELETE FROM strictly;
DELETE FROM parent;
)sql");
}

TEST(Plain, GeneratedColumns) {
  ExpectPlain({R"sql(
CREATE TABLE t(id INTEGER PRIMARY KEY, price REAL, qty INTEGER,
  total AS (price * qty), label TEXT AS ('#' || id) STORED, n INTEGER AS (qty + 1) STORED UNIQUE);
CREATE INDEX by_total ON t(total);
)sql", {"t"}}, R"sql(
INSERT INTO t(price, qty) VALUES(1.5, 2), (2, 3) RETURNING *;
UPDATE t SET qty = 2 WHERE id = 2;
UPDATE t SET qty = 9 WHERE id = 2 RETURNING total, label, n;
UPDATE t SET total = 1;
INSERT INTO t(price, qty, label) VALUES(1, 1, 'x');
REPLACE INTO t(price, qty) VALUES(7, 9);
UPDATE t SET id = id + 10;
DELETE FROM t WHERE total > 3;
)sql");
}

TEST(Plain, QuotedNames) {
  ExpectPlain({R"sql(
CREATE TABLE "{s}"("a""b" TEXT PRIMARY KEY NOT NULL, [x y] INTEGER, `select` TEXT UNIQUE, "{s}" BLOB, "NEW" TEXT,
  "old" TEXT, "rowid" TEXT, "it's" TEXT, "v0" TEXT, "secret" TEXT, "%d %s" TEXT, "ünï" TEXT, "" TEXT);
CREATE TABLE "a.b c""d"("_rowid_" INTEGER, "oid" TEXT, "key" TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;
CREATE TABLE [table]([order] INTEGER PRIMARY KEY, [group] TEXT);
)sql", {"{s}", "a.b c\"d", "table"}}, R"sql(
INSERT INTO "{s}" VALUES('k', 1, 's', x'00', 'n', 'o', 'r', 'i', 'v', 'x', 'p', 'u', 'e');
UPDATE "{s}" SET "a""b" = 'l', [x y] = 2, "{s}" = 'text', "NEW" = 'nn', "old" = "NEW", "" = 'E';
REPLACE INTO "{s}"("a""b", "select", "rowid") VALUES('m', 's', 'rr');
INSERT INTO "a.b c""d" VALUES(1, 'o', 'k'), (2, 'p', 'l');
UPDATE "a.b c""d" SET "_rowid_" = 7, "oid" = 'q' WHERE "key" = 'l';
DELETE FROM "a.b c""d" WHERE "oid" = 'o';
INSERT INTO [table]([group]) VALUES('g'), ('h');
UPDATE [table] SET [order] = 5 WHERE [group] = 'h';
DELETE FROM "{s}";
)sql");
}

TEST(Plain, UntrustedSchema) {
  TwinOptions options;
  options.before_all = "PRAGMA trusted_schema = OFF;";
  options.schema = "CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL, a, u UNIQUE);";
  options.tables = {"t"};
  ExpectPlain(options, R"sql(
INSERT INTO t VALUES('a', 1, 1), ('b', 2, 2);
UPDATE t SET a = 3;
REPLACE INTO t VALUES('c', 4, 2);
DELETE FROM t WHERE id = 'a';
)sql");
}

TEST(Plain, PartialAndExpressionIndexes) {
  ExpectPlain({R"sql(
CREATE TABLE t(id INTEGER PRIMARY KEY, email TEXT, active INTEGER, name TEXT COLLATE NOCASE, "it's" TEXT);
CREATE UNIQUE INDEX by_email ON t(lower(email)) WHERE active = 1;
CREATE UNIQUE INDEX by_name ON t(name, substr("it's", 1, 1) COLLATE RTRIM);
)sql", {"t"}}, R"sql(
INSERT INTO t VALUES(1, 'A@x', 1, 'ann', 'p'), (2, 'a@X', 0, 'ann', 'q');
INSERT INTO t VALUES(3, 'a@x', 1, 'bob', 'p');
REPLACE INTO t VALUES(3, 'a@x', 1, 'bob', 'p');
UPDATE t SET active = 1 WHERE id = 2;
UPDATE OR REPLACE t SET active = 1 WHERE id = 2;
REPLACE INTO t VALUES(4, 'z', 0, 'ANN', 'qqq');
INSERT INTO t VALUES(5, 'z', 0, 'Ann', 'q') ON CONFLICT DO NOTHING;
)sql");
}

TEST(Plain, StatementsOfManyShapes) {
  ExpectPlain({R"sql(
CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, a, b DEFAULT (1 + 1), c DEFAULT 'C' COLLATE NOCASE);
CREATE TABLE s(id INTEGER PRIMARY KEY, v);
)sql", {"t", "s"}}, R"sql(
WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 40)
INSERT INTO t(a, c) SELECT i, 'x' || i FROM n;
INSERT INTO s SELECT id, a FROM t WHERE id % 2;
UPDATE t SET a = s.v * 10, b = 'joined' FROM s WHERE s.id = t.id AND t.id < 10;
WITH big AS (SELECT id FROM t WHERE a > 50) DELETE FROM t WHERE id IN big RETURNING id;
DELETE FROM t WHERE id > 30;
INSERT INTO t DEFAULT VALUES;
SELECT last_insert_rowid();
INSERT INTO t SELECT id + 1000, a, b, c FROM t;
UPDATE t SET id = id + 5000 WHERE id > 1000;
INSERT INTO t(id, a) VALUES('17 ', 'not a key');
INSERT INTO t(id, a) VALUES('600', 'a key as text');
INSERT INTO t(id, a) VALUES(601.0, 'a key as real');
INSERT INTO t(id, a) VALUES(NULL, 'a key made up');
UPDATE t SET rowid = 12345 WHERE id = 600;
DELETE FROM s;
INSERT INTO s VALUES(9223372036854775807, 'the last');
DELETE FROM s;
)sql");
}

}  // namespace
}  // namespace rejoin::testing
