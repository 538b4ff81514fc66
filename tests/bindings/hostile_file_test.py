#!/usr/bin/env python3
"""Files that call our functions, write our tables, or are opened without us."""

import sqlite3
import sys
import unittest

from loaded import WithFiles, connect, one

NOT_LOADED = "rejoin_extension_not_loaded_in_this_connection"


class HostileFile(WithFiles):
    def test_effects_are_refused_in_what_a_file_brings(self):
        effects = ("rejoin_track('t')", "rejoin_untrack('t')", "rejoin_drop_column('t', 'x')",
                   "rejoin_uninstall()", "rejoin_delta()", "rejoin_merge(x'00')", "rejoin_digest()",
                   "rejoin_vv()", "rejoin_status()")
        for number, call in enumerate(effects):
            with self.subTest(call):
                plain = self.open(f"{number}.db", extension=False)
                plain.execute("CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL, x)")
                plain.execute(f"CREATE VIEW seen AS SELECT {call} AS x")
                plain.execute(f"CREATE TRIGGER fired AFTER INSERT ON t BEGIN SELECT {call}; END")
                plain.close()
                db = self.open(f"{number}.db")
                for sql in ("SELECT * FROM seen", "INSERT INTO t VALUES('a', 1)"):
                    with self.assertRaisesRegex(sqlite3.Error, "unsafe use of rejoin_"):
                        db.execute(sql).fetchall()
                self.assertEqual(one(db, "SELECT count(*) FROM t"), 0)

    def test_views_of_ours_are_refused_in_what_a_file_brings(self):
        plain = self.open("a.db", extension=False)
        plain.execute("CREATE TABLE t(x)")
        plain.execute("CREATE TRIGGER fired AFTER INSERT ON t BEGIN INSERT INTO t SELECT message FROM rejoin_log; END")
        plain.close()
        db = self.open("a.db")
        with self.assertRaisesRegex(sqlite3.Error, "unsafe use of virtual table"):
            db.execute("INSERT INTO t VALUES(1)")

    def test_works_where_no_schema_is_trusted(self):
        db = self.todo("a.db")
        db.execute("CREATE TABLE made(id TEXT PRIMARY KEY NOT NULL DEFAULT (rejoin_uuid()), n DEFAULT (rejoin_id()))")
        db.execute("SELECT rejoin_track('made')")
        db.execute("PRAGMA trusted_schema = OFF")
        db.execute("INSERT INTO todo VALUES('a', 'A', 0)")
        db.execute("INSERT INTO made DEFAULT VALUES")
        self.assertEqual(one(db, "SELECT count(*) FROM rejoin_changes WHERE kind = 'insert'"), 3)

    def test_capture_tables_take_no_writes_of_others(self):
        db = self.todo("a.db")
        tables = [row[0] for row in db.execute(
            "SELECT name FROM sqlite_schema WHERE name LIKE 'rejoin\\_\\_capture%' ESCAPE '\\'")]
        self.assertTrue(tables)
        for table in tables:
            for sql in (f"INSERT INTO {table} DEFAULT VALUES", f"INSERT INTO {table}(head) VALUES(x'00')"):
                self.refuses(db, sql, "rejoin__capture")

    def test_a_connection_without_the_extension_reads_and_cannot_write(self):
        self.todo("a.db").close()
        plain = self.open("a.db", extension=False)
        self.assertEqual(plain.execute("SELECT title FROM todo").fetchall(), [("Milk",)])
        for sql in ("INSERT INTO todo VALUES('a', 'A', 0)", "DELETE FROM todo", "UPDATE todo SET done = 1"):
            with self.assertRaisesRegex(sqlite3.Error, f"{NOT_LOADED}|no such table"):
                plain.execute(sql)

    def test_uninstall_leaves_a_plain_file(self):
        db = self.todo("a.db")
        db.execute("SELECT rejoin_uninstall()").fetchall()
        db.close()
        plain = self.open("a.db", extension=False)
        self.assertEqual(one(plain, "SELECT count(*) FROM sqlite_schema WHERE name LIKE '%rejoin%' OR sql LIKE '%rejoin%'"), 0)
        plain.execute("INSERT INTO todo VALUES('a', 'A', 0)")
        self.assertEqual(one(plain, "PRAGMA integrity_check"), "ok")

    def test_other_files_give_one_clear_error(self):
        with open(self.path("text.db"), "w", encoding="utf-8") as file:
            file.write("this is no database " * 100)
        db = connect(self.path("text.db"))
        self.addCleanup(db.close)
        for call in ("rejoin_track('t')", "rejoin_status()", "rejoin_vv()"):
            with self.assertRaisesRegex(sqlite3.Error, "not a database"):
                db.execute(f"SELECT {call}").fetchall()


if __name__ == "__main__":
    sys.exit(unittest.main())
