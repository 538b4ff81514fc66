#!/usr/bin/env python3
"""The views: what they show, and that they are only looked at."""

import json
import sqlite3
import sys
import unittest

from loaded import WithFiles, one

VIEWS = ("rejoin_tables", "rejoin_changes", "rejoin_peers", "rejoin_conflicts",
         "rejoin_quarantine", "rejoin_log")
SCHEMA = "CREATE TABLE todo(id TEXT PRIMARY KEY NOT NULL, title TEXT, done INTEGER DEFAULT 0)"


class Views(WithFiles):
    def test_are_empty_where_nothing_is_tracked(self):
        db = self.open()
        for view in VIEWS:
            self.assertEqual(db.execute(f"SELECT * FROM {view}").fetchall(), [], view)

    def test_cannot_be_written(self):
        db = self.todo()
        for view in VIEWS:
            for sql in (f"DELETE FROM {view}", f"INSERT INTO {view} DEFAULT VALUES",
                        f"CREATE VIRTUAL TABLE x USING {view}"):
                with self.assertRaises(sqlite3.Error, msg=sql):
                    db.execute(sql).fetchall()

    def test_changes_tell_who_did_what(self):
        db = self.open()
        db.execute(SCHEMA)
        db.execute("INSERT INTO todo VALUES('old', 'Old', 0)")
        db.execute("SELECT rejoin_track('todo')")
        db.execute("INSERT INTO todo VALUES('milk', 'Milk', 0), ('eggs', 'Eggs', 0)")
        db.execute("UPDATE todo SET done = 1 WHERE id = 'milk'")
        db.execute("DELETE FROM todo WHERE id = 'eggs'")
        changes = db.execute("SELECT tbl, key, kind, columns FROM rejoin_changes"
                             " WHERE kind <> 'adopt' ORDER BY position, key").fetchall()
        self.assertEqual(changes, [("todo", '["eggs"]', "insert", None), ("todo", '["milk"]', "insert", None),
                                   ("todo", '["milk"]', "update", '["done"]'),
                                   ("todo", '["eggs"]', "delete", None)])
        own = one(db, "SELECT rejoin_replica()")
        self.assertEqual(one(db, "SELECT count(*) FROM rejoin_changes WHERE replica <> ?", own), 0)

    def test_changes_begin_at_a_position(self):
        db = self.todo()
        for done in range(1, 50):
            db.execute("UPDATE todo SET done = ?", (done,))
        last = one(db, "SELECT max(position) FROM rejoin_changes")
        for condition, count in (("> ?", 10), (">= ?", 11), ("= ?", 1)):
            self.assertEqual(one(db, f"SELECT count(*) FROM rejoin_changes WHERE position {condition}",
                                 last - 10), count, condition)
        self.assertEqual(one(db, "SELECT count(*) FROM rejoin_changes WHERE position > 'x'"), 0)
        self.assertEqual(one(db, "SELECT count(*) FROM rejoin_changes WHERE position > -5"),
                         one(db, "SELECT count(*) FROM rejoin_changes"))

    def test_merged_rows_are_changes_too(self):
        phone, laptop = self.todo(), self.open()
        laptop.execute(SCHEMA)
        laptop.execute("SELECT rejoin_track('todo')")
        laptop.execute("SELECT rejoin_merge(?)", (one(phone, "SELECT rejoin_delta()"),)).fetchall()
        row = laptop.execute("SELECT replica, key, kind FROM rejoin_changes").fetchall()[-1]
        self.assertEqual(row, (one(phone, "SELECT rejoin_replica()"), '["milk"]', "merge"))
        peers = dict(laptop.execute("SELECT replica, is_self FROM rejoin_peers"))
        self.assertEqual(peers[one(phone, "SELECT rejoin_replica()")], 0)

    def test_tables_tell_options_and_what_is_unknown_here(self):
        phone, laptop = self.open(), self.open()
        phone.execute("CREATE TABLE todo(id TEXT PRIMARY KEY NOT NULL, title TEXT, more TEXT)")
        phone.execute("CREATE TABLE list(id INTEGER PRIMARY KEY)")
        laptop.execute(SCHEMA)
        for name in ("todo", "list"):
            phone.execute("SELECT rejoin_track(?)", (name,))
        phone.execute("INSERT INTO todo VALUES('milk', 'Milk', 'two')")
        phone.execute("INSERT INTO list VALUES(1)")
        laptop.execute("SELECT rejoin_track('todo', '{\"fire_triggers\": true}')")
        laptop.execute("CREATE TABLE noted(x)")
        laptop.execute("CREATE TRIGGER note AFTER INSERT ON todo BEGIN INSERT INTO noted VALUES(NEW.id); END")
        laptop.execute("SELECT rejoin_merge(?)", (one(phone, "SELECT rejoin_delta()"),)).fetchall()
        cursor = laptop.execute("SELECT * FROM rejoin_tables ORDER BY name")
        names = [column[0] for column in cursor.description]
        carried, todo = (dict(zip(names, row)) for row in cursor)
        self.assertEqual((carried["tbl"], carried["name"], carried["same_key"]), (None, "list", "newest"))
        self.assertEqual((todo["tbl"], todo["same_key"], todo["rows"]), ("todo", "merge", 1))
        self.assertEqual(json.loads(todo["unknown_columns"]), ["more"])
        self.assertEqual(json.loads(todo["firing"]), ["note"])

    def test_conflicts_show_both_sides(self):
        phone, laptop = self.open(), self.open()
        for db, title in ((phone, "Six"), (laptop, "Twelve")):
            db.execute(SCHEMA)
            db.execute("SELECT rejoin_track('todo')")
            db.execute("INSERT INTO todo VALUES('eggs', ?, 0)", (title,))
        for _ in range(2):
            laptop.execute("SELECT rejoin_merge(?)", (one(phone, "SELECT rejoin_delta()"),)).fetchall()
            phone.execute("SELECT rejoin_merge(?)", (one(laptop, "SELECT rejoin_delta()"),)).fetchall()
        rows = [db.execute("SELECT * FROM rejoin_conflicts").fetchall() for db in (phone, laptop)]
        self.assertEqual(rows[0], rows[1])
        shown = one(phone, "SELECT title FROM todo")
        self.assertEqual([row[:4] for row in rows[0]], [("todo", '["eggs"]', "title", shown)])
        self.assertEqual({rows[0][0][3], rows[0][0][6]}, {"Six", "Twelve"})
        self.assertEqual({rows[0][0][4], rows[0][0][7]},
                         {one(db, "SELECT rejoin_replica()") for db in (phone, laptop)})

    def test_quarantine_lists_rows_without_a_key(self):
        db = self.open()
        db.execute("CREATE TABLE t(id TEXT PRIMARY KEY, x)")
        db.execute("SELECT rejoin_track('t')")
        db.execute("INSERT INTO t VALUES(NULL, x'01'), ('a', 2), (NULL, 9e999)")
        rows = db.execute("SELECT tbl, key, reason, row FROM rejoin_quarantine").fetchall()
        self.assertEqual(rows, [("t", None, "no key", '{"id":null,"x":{"blob":"01"}}'),
                                ("t", None, "no key", '{"id":null,"x":9e999}')])

    def test_quarantine_lists_values_that_are_too_large(self):
        phone, laptop = self.todo(), self.open()
        laptop.execute(SCHEMA)
        laptop.execute("SELECT rejoin_track('todo')")
        phone.execute("INSERT INTO todo VALUES('film', zeroblob(16777217), 1)")

        def carry():
            laptop.execute("SELECT rejoin_merge(?)", (one(phone, "SELECT rejoin_delta()"),)).fetchall()

        carry()
        self.assertEqual(laptop.execute("SELECT * FROM todo ORDER BY id").fetchall(),
                         [("film", None, 1), ("milk", "Milk", 0)])
        row = phone.execute("SELECT tbl, key, reason, detail, row ->> 'done' FROM rejoin_quarantine").fetchall()
        self.assertEqual(row, [("todo", '["film"]', "too large", "a value is larger than the limit max_cell_bytes,"
                                " 16777216 bytes, and stays on this replica", 1)])
        self.assertEqual(laptop.execute("SELECT * FROM rejoin_quarantine").fetchall(), [])
        phone.execute("UPDATE todo SET title = 'A film' WHERE id = 'film'")
        self.assertEqual(phone.execute("SELECT * FROM rejoin_quarantine").fetchall(), [])
        carry()
        self.assertEqual(one(laptop, "SELECT title FROM todo WHERE id = 'film'"), "A film")

    def test_two_readings_at_once(self):
        db = self.todo()
        db.execute("INSERT INTO todo VALUES('a', 'A', 0)")
        count = one(db, "SELECT count(*) FROM rejoin_changes")
        self.assertEqual(one(db, "SELECT count(*) FROM rejoin_changes AS a, rejoin_changes AS b"), count ** 2)


if __name__ == "__main__":
    sys.exit(unittest.main())
