#!/usr/bin/env python3
"""`rejoin diff`: names what differs, however keys are ordered and columns named."""

import sqlite3
import sys
import unittest

from program import ERROR, FOUND, WithFolder

ANY_KEY = "CREATE TABLE t(k BLOB PRIMARY KEY NOT NULL, x);"


class Diff(WithFolder):
    def differ(self, sql_a, sql_b, *options):
        for name, sql in (("a.db", sql_a), ("b.db", sql_b)):
            self.make(name, sql)
        return self.json_of("diff", "a.db", "b.db", *options, status=FOUND)

    def kinds(self, sql_a, sql_b):
        return [difference["kind"] for difference in self.differ(sql_a, sql_b)["differences"]]

    def test_names_rows_and_cells(self):
        table = "CREATE TABLE t(id INTEGER PRIMARY KEY, x, y);"
        found = self.differ(table + "INSERT INTO t VALUES(1, 'a', 1), (2, 'b', 2), (4, 'd', 4)",
                            table + "INSERT INTO t VALUES(1, 'a', 1), (2, 'b', 3), (3, 'c', 3)")
        self.assertEqual(found["differences"], [
            {"table": "t", "kind": "cells", "key": [2], "cells": [{"column": "y", "a": 2, "b": 3}]},
            {"table": "t", "kind": "row_only_in_b", "key": [3]},
            {"table": "t", "kind": "row_only_in_a", "key": [4]}])
        self.assertEqual((found["rows"], found["rows_differ"], found["cells_differ"]), (4, 1, 1))
        text = self.run_rejoin("diff", "a.db", "b.db", status=FOUND)
        self.assertIn("t [2] y: 2 in a.db, 3 in b.db\n", text)
        self.assertIn("t [3]: only in b.db\n", text)

    def test_equal_whatever_the_order_of_rows_and_columns(self):
        self.make("a.db", "CREATE TABLE t(k TEXT COLLATE NOCASE PRIMARY KEY NOT NULL, x, Y);"
                          "INSERT INTO t VALUES('b', 1, 2), ('A', 1, 2), ('C', NULL, x'00')")
        self.make("b.db", "CREATE TABLE t(y, x, k TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;"
                          "INSERT INTO t VALUES(2, 1, 'A'), (x'00', NULL, 'C'), (2, 1, 'b')")
        found = self.json_of("diff", "a.db", "b.db")
        self.assertEqual((found["equal"], found["rows"], found["tables"]), (True, 3, 1))
        self.assertEqual(self.run_rejoin("diff", "a.db", "b.db"), "1 table, 3 rows: equal\n")

    def test_keys_of_every_class_meet(self):
        keys = ["1", "2", "-1", "1.5", "-9e999", "9e999", "9007199254740993", "9007199254740992.0",
                "9223372036854775807", "9.3e18", "-9223372036854775808", "'1'", "'é'", "'z'", "''", "x''",
                "x'ff'", "x'31'", "0.1", "-0.5"]
        insert = "INSERT INTO t VALUES(%s, 1);"
        self.make("a.db", ANY_KEY + "".join(insert % key for key in keys))
        self.make("b.db", ANY_KEY + "".join(insert % key for key in reversed(keys)))
        self.assertEqual(self.json_of("diff", "a.db", "b.db")["rows"], len(keys))
        for key in keys:
            db = sqlite3.connect(self.path("b.db"))
            db.execute(f"DELETE FROM t WHERE k = {key}")
            db.commit()
            found = self.json_of("diff", "a.db", "b.db", status=FOUND)
            self.assertEqual((found["rows_only_in_a"], found["rows_only_in_b"], found["rows_differ"]), (1, 0, 0), key)
            db.execute(insert % key)
            db.commit()
            db.close()

    def test_sees_storage_classes(self):
        found = self.differ(ANY_KEY + "INSERT INTO t VALUES(1, 1), (2, 'a'), (3, NULL), (4, 0.0)",
                            ANY_KEY + "INSERT INTO t VALUES(1, 1.0), (2, x'61'), (3, ''), (4, -0.0)")
        self.assertEqual([row["key"] for row in found["differences"]], [[1], [2], [3], [4]][:found["rows_differ"]])
        self.assertGreaterEqual(found["rows_differ"], 3)  # SQLite stores -0.0 as 0.0 in some columns

    def test_names_tables_and_columns_on_one_side(self):
        self.assertEqual(self.kinds("CREATE TABLE a(k TEXT PRIMARY KEY NOT NULL, x); CREATE TABLE b(k TEXT PRIMARY KEY NOT NULL)",
                                    "CREATE TABLE a(k TEXT PRIMARY KEY NOT NULL, y); CREATE TABLE c(k TEXT PRIMARY KEY NOT NULL)"),
                         ["column_only_in_a", "column_only_in_b", "table_only_in_a", "table_only_in_b"])

    def test_keys_of_other_columns_cannot_be_compared(self):
        self.assertEqual(self.kinds("CREATE TABLE a(k TEXT PRIMARY KEY NOT NULL)",
                                    "CREATE TABLE a(k TEXT NOT NULL, l TEXT NOT NULL, PRIMARY KEY(k, l))"), ["keys"])

    def test_tracked_tables_are_matched_by_the_names_that_others_know(self):
        self.make("a.db", "CREATE TABLE t(k TEXT PRIMARY KEY NOT NULL, x); INSERT INTO t VALUES('a', 1)")
        self.make("b.db", "CREATE TABLE u(k TEXT PRIMARY KEY NOT NULL, x); INSERT INTO u VALUES('a', 1);"
                          "CREATE TABLE untracked(k TEXT PRIMARY KEY NOT NULL)")
        self.run_rejoin("track", "a.db", "t")
        self.run_rejoin("track", "b.db", "u", "--name", "t")
        self.assertTrue(self.json_of("diff", "a.db", "b.db")["equal"])
        self.assertFalse(self.json_of("diff", "a.db", "b.db", "--all", status=FOUND)["equal"])

    def test_limit_bounds_the_list_and_not_the_count(self):
        rows = ANY_KEY + "".join(f"INSERT INTO t VALUES({n}, 1);" for n in range(20))
        found = self.differ(rows, ANY_KEY, "--limit", "5")
        self.assertEqual((len(found["differences"]), found["not_listed"], found["rows_only_in_a"]), (5, 15, 20))
        text = self.run_rejoin("diff", "a.db", "b.db", "--limit", "5", status=FOUND)
        self.assertIn("... and 15 more", text)
        self.assertEqual(len(self.differ("", "", "--limit", "0")["differences"]), 20)

    def test_names_that_need_quotes(self):
        table = 'CREATE TABLE "a ""b\'"("k [" TEXT PRIMARY KEY NOT NULL, "x;" TEXT);'
        found = self.differ(table + """INSERT INTO "a ""b'" VALUES('1', 'p')""",
                            table + """INSERT INTO "a ""b'" VALUES('1', 'q')""")
        self.assertEqual(found["differences"][0]["cells"], [{"column": "x;", "a": "p", "b": "q"}])

    def test_leaves_both_files_alone(self):
        self.make("a.db", ANY_KEY)
        self.make("b.db", ANY_KEY)
        before = [self.read(name) for name in ("a.db", "b.db")]
        self.run_rejoin("diff", "a.db", "b.db")
        self.assertEqual([self.read(name) for name in ("a.db", "b.db")], before)

    def test_other_encodings_are_refused(self):
        self.make("a.db", ANY_KEY)
        self.make("b.db", "PRAGMA encoding = 'UTF-16le';" + ANY_KEY)
        self.run_rejoin("diff", "a.db", "b.db", status=ERROR)


if __name__ == "__main__":
    sys.exit(unittest.main())
