#!/usr/bin/env python3
"""The SQL functions, as an application calls them: rightly, and wrongly."""

import json
import sqlite3
import sys
import unittest

from loaded import WithFiles, connect, one

# Each function with its usage, and the number of arguments that it takes.
FUNCTIONS = {
    "rejoin_track": (1, 2), "rejoin_untrack": (1, 1), "rejoin_drop_column": (2, 2),
    "rejoin_uninstall": (0, 0), "rejoin_uuid": (0, 0), "rejoin_id": (0, 0), "rejoin_vv": (0, 0),
    "rejoin_delta": (0, 1), "rejoin_merge": (1, 1), "rejoin_digest": (0, 1),
    "rejoin_sync": (1, 2), "rejoin_connect": (1, 2), "rejoin_disconnect": (0, 1),
    "rejoin_wait_synced": (1, 1), "rejoin_step": (1, 1), "rejoin_version": (0, 0), "rejoin_replica": (0, 0), "rejoin_status": (0, 0),
}
TEXT_FIRST = ["rejoin_sync", "rejoin_connect", "rejoin_disconnect", "rejoin_track", "rejoin_untrack", "rejoin_delta", "rejoin_digest"]


class Arguments(WithFiles):
    def test_every_function_is_there(self):
        db = self.open()
        found = {row[0] for row in db.execute(
            "SELECT name FROM pragma_function_list WHERE name LIKE 'rejoin%'")}
        # What triggers ask; its name is what SQLite says where the extension is not loaded.
        found.remove("rejoin_extension_not_loaded_in_this_connection")
        self.assertEqual(found, set(FUNCTIONS))

    def test_counts(self):
        db = self.todo()
        for name, (least, most) in FUNCTIONS.items():
            for count in {max(0, least - 1), most + 1} - set(range(least, most + 1)):
                marks = ", ".join(["'x'"] * count)
                self.refuses(db, f"SELECT {name}({marks})", f"{name}(")

    def test_wrong_storage_classes(self):
        db = self.todo()
        for name in TEXT_FIRST:
            for value in (None, 1, 1.5, b"todo"):
                self.refuses(db, f"SELECT {name}(?)", "must be text, not", value)
        for value in (None, 1, 1.5, "text"):
            self.refuses(db, "SELECT rejoin_merge(?)", "must be a blob, not", value)
            if value != "text":
                self.refuses(db, "SELECT rejoin_track('todo', ?)", "must be text, not", value)
                self.refuses(db, "SELECT rejoin_drop_column('todo', ?)", "must be text, not", value)

    def test_options(self):
        db = self.open()
        db.execute("CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL)")
        for options, words in [
                ("", "not JSON"), ("{", "not JSON"), ("[]", "JSON object"), ("1", "JSON object"),
                ('{"x": 1}', 'no option "x"'), ('{"delete_wins": "yes"}', "option delete_wins"),
                ('{"same_key": 1}', "option same_key"), ('{"name": null}', "option name"),
                ('{"fire_triggers": 0}', "option fire_triggers")]:
            self.refuses(db, "SELECT rejoin_track('t', ?)", words, options)

    def test_unknown_tables_and_columns(self):
        db = self.todo()
        for sql in ("rejoin_track('nothing')", "rejoin_untrack('nothing')", "rejoin_digest('nothing')",
                    "rejoin_drop_column('nothing', 'x')", "rejoin_drop_column('todo', 'nothing')"):
            self.refuses(db, f"SELECT {sql}", "nothing")

    def test_tables_that_cannot_be_tracked(self):
        db = self.open()
        db.execute("CREATE TABLE keyless(a)")
        db.execute("CREATE VIEW seen AS SELECT 1 AS a")
        db.execute("CREATE VIRTUAL TABLE words USING fts5(a)")
        db.execute("CREATE TEMP TABLE passing(id TEXT PRIMARY KEY NOT NULL)")
        for name in ("keyless", "seen", "words", "words_data", "passing", "sqlite_schema"):
            self.refuses(db, "SELECT rejoin_track(?)", name, name)

    def test_vectors(self):
        db = self.todo()
        for vector in ("", "[]", '{"a": "1"}', '{"' + "0" * 32 + '": 1}'):
            self.refuses(db, "SELECT rejoin_delta(?)", "rejoin_delta([vector])", vector)

    def test_blobs_that_are_no_delta(self):
        db = self.todo()
        delta = one(db, "SELECT rejoin_delta()")
        broken = delta[:-1], delta + b"x", delta[:20] + b"\xff" + delta[21:]
        for blob in (b"", b"x", b"\0" * 1000, b"SQLite format 3\0" * 64, *broken):
            self.refuses(db, "SELECT rejoin_merge(?)", "", blob)


class NotSetUp(WithFiles):
    def test_says_so_and_stays_untouched(self):
        db = self.open("plain.db")
        db.execute("CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL)")
        for sql in ("rejoin_vv()", "rejoin_delta()", "rejoin_replica()", "rejoin_digest()",
                    "rejoin_untrack('t')", "rejoin_merge(x'00')"):
            self.refuses(db, f"SELECT {sql}", "track")
        self.assertFalse(json.loads(one(db, "SELECT rejoin_status()"))["set_up"])
        self.assertEqual(one(db, "SELECT count(*) FROM sqlite_schema"), 2)


class Exchange(WithFiles):
    def test_two_files_become_one(self):
        phone, laptop = self.todo("phone.db"), self.open("laptop.db")
        laptop.execute("CREATE TABLE todo(id TEXT PRIMARY KEY NOT NULL, title TEXT, done INTEGER DEFAULT 0)")
        laptop.execute("SELECT rejoin_track('todo')")
        self.assertEqual(self.pull(phone, laptop), 1)
        phone.execute("UPDATE todo SET done = 1")
        laptop.execute("UPDATE todo SET title = 'Oat milk'")
        self.assertEqual(self.pull(phone, laptop), 1)
        self.assertEqual(self.pull(laptop, phone), 1)
        self.assertEqual(self.pull(laptop, phone), 0)
        for db in (phone, laptop):
            self.assertEqual(db.execute("SELECT * FROM todo").fetchall(), [("milk", "Oat milk", 1)])
        self.assertEqual(one(phone, "SELECT rejoin_digest()"), one(laptop, "SELECT rejoin_digest()"))
        self.assertEqual(one(phone, "SELECT rejoin_vv()"), one(laptop, "SELECT rejoin_vv()"))

    def pull(self, source, target):
        delta = one(source, "SELECT rejoin_delta(?)", one(target, "SELECT rejoin_vv()"))
        return one(target, "SELECT rejoin_merge(?)", delta)

    def test_a_gap_is_refused(self):
        phone, laptop = self.todo(), self.open()
        laptop.execute("CREATE TABLE todo(id TEXT PRIMARY KEY NOT NULL, title TEXT, done INTEGER DEFAULT 0)")
        laptop.execute("SELECT rejoin_track('todo')")
        vector = one(phone, "SELECT rejoin_vv()")
        phone.execute("UPDATE todo SET done = 1")
        late = one(phone, "SELECT rejoin_delta(?)", vector)
        self.refuses(laptop, "SELECT rejoin_merge(?)", "rejoin_vv()", late)

    def test_a_blob_larger_than_the_limit_points_to_export(self):
        db = self.todo()
        db.execute("INSERT INTO todo SELECT rejoin_uuid(), hex(randomblob(500)), 0"
                   " FROM (WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)"
                   " SELECT i FROM n)")
        if not hasattr(db, "setlimit"):
            self.skipTest("Python 3.11 has setlimit")
        db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 50_000)
        with self.assertRaises(sqlite3.Error) as caught:
            db.execute("SELECT length(rejoin_delta())").fetchall()
        self.assertIn("rejoin export", str(caught.exception))


class Transactions(WithFiles):
    def test_no_exchange_while_changes_are_open(self):
        db = self.todo()
        delta = one(db, "SELECT rejoin_delta()")
        db.execute("BEGIN")
        one(db, "SELECT rejoin_delta()")  # nothing was written yet
        db.execute("UPDATE todo SET done = 1")
        for sql in ("SELECT rejoin_delta()", "SELECT rejoin_digest()", "SELECT rejoin_digest('todo')",
                    "SELECT * FROM rejoin_conflicts", "SELECT * FROM rejoin_quarantine"):
            self.refuses(db, sql, "COMMIT or ROLLBACK")
        self.refuses(db, "SELECT rejoin_merge(?)", "COMMIT or ROLLBACK", delta)
        db.execute("ROLLBACK")
        self.assertEqual(one(db, "SELECT rejoin_merge(?)", delta), 0)

    def test_no_effect_inside_a_statement_that_writes(self):
        db = self.todo()
        db.execute("CREATE TABLE other(x)")
        for call in ("rejoin_delta()", "rejoin_track('other')", "rejoin_uninstall()"):
            self.refuses(db, f"INSERT INTO other SELECT {call}", "statement that writes")
        db.execute("INSERT INTO other SELECT rejoin_uuid()")
        returning = db.execute("INSERT INTO other VALUES(1), (2) RETURNING x")
        returning.fetchone()
        self.refuses(db, "SELECT rejoin_delta()", "statement that writes")
        returning.fetchall()
        one(db, "SELECT rejoin_delta()")


class ReadOnly(WithFiles):
    def test_reads_and_says_that_it_cannot_write(self):
        self.todo("phone.db").close()
        db = connect(f"file:{self.path('phone.db')}?mode=ro", uri=True)
        self.addCleanup(db.close)
        self.assertEqual(len(one(db, "SELECT rejoin_replica()")), 32)
        self.assertTrue(json.loads(one(db, "SELECT rejoin_status()"))["read_only"])
        self.assertEqual(one(db, "SELECT count(*) FROM rejoin_tables"), 1)
        json.loads(one(db, "SELECT rejoin_vv()"))
        for call in ("rejoin_untrack('todo')", "rejoin_uninstall()"):
            with self.assertRaises(sqlite3.Error) as caught:
                db.execute(f"SELECT {call}").fetchall()
            self.assertRegex(str(caught.exception), "rejoin: .*can only be read")


class Locked(WithFiles):
    def test_says_who_holds_the_lock_and_what_to_do(self):
        db, other = self.todo("a.db"), self.open("a.db")
        other.execute("BEGIN IMMEDIATE")
        db.execute("PRAGMA busy_timeout = 1")
        for call in ("rejoin_untrack('todo')", "rejoin_track('todo', '{\"fire_triggers\": true}')"):
            with self.assertRaises(sqlite3.Error) as caught:
                db.execute(f"SELECT {call}").fetchall()
            self.assertRegex(str(caught.exception), "^rejoin: another connection holds the lock; try again")
        other.execute("ROLLBACK")
        with self.assertRaisesRegex(sqlite3.Error, "^rejoin: another statement of this connection"):
            db.execute("SELECT rejoin_untrack(tbl) FROM rejoin_tables").fetchall()
        self.assertEqual(one(db, "SELECT rejoin_untrack('todo')"), 1)


class Folding(WithFiles):
    def test_a_key_became_smaller_and_its_row_was_updated_since_the_last_fold(self):
        db = self.open()
        db.execute("CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL, x)")
        db.execute("SELECT rejoin_track('t')")
        db.execute("INSERT INTO t VALUES('b', 1)")
        db.execute("UPDATE t SET id = 'a'")
        db.execute("UPDATE t SET x = 2")
        digest = one(db, "SELECT rejoin_digest()")
        peer = self.open()
        peer.execute("CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL, x)")
        peer.execute("SELECT rejoin_track('t')")
        peer.execute("SELECT rejoin_merge(?)", (one(db, "SELECT rejoin_delta()"),))
        self.assertEqual(one(peer, "SELECT rejoin_digest()"), digest)
        self.assertEqual(peer.execute("SELECT * FROM t").fetchall(), [("a", 2)])


class Values(WithFiles):
    def test_keys_by_default(self):
        db = self.open()
        db.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, u TEXT DEFAULT (rejoin_uuid()),"
                   " i INTEGER DEFAULT (rejoin_id()))")
        for _ in range(100):
            db.execute("INSERT INTO t DEFAULT VALUES")
        self.assertEqual(one(db, "SELECT count(DISTINCT u) || ' ' || count(DISTINCT i) FROM t"), "100 100")
        self.assertEqual(one(db, "SELECT count(*) FROM t WHERE u GLOB '????????-????-7???-[89ab]???-*'"), 100)

    def test_version(self):
        version = json.loads(one(self.open(), "SELECT rejoin_version()"))
        self.assertEqual(set(version), {"version", "commit", "format", "protocol"})


if __name__ == "__main__":
    sys.exit(unittest.main())
