#!/usr/bin/env python3
"""Dump, backup and restore: every stamp stays with its row, and a copy is a replica of its own."""

import subprocess
import sys
import unittest

from loaded import EXTENSION, WithFiles, one

SCHEMA = """
CREATE TABLE note(id TEXT PRIMARY KEY NOT NULL, a, u UNIQUE);
CREATE TABLE item(id INTEGER PRIMARY KEY, a);
CREATE TABLE pair(x, y, a, PRIMARY KEY(x, y)) WITHOUT ROWID;
"""
TABLES = ("note", "item", "pair")
# Inserts that become runs, holes in their rowids, edits, a row with another rowid.
WRITES = """
INSERT INTO note WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 50)
  SELECT 'k' || i, i, 2 * i FROM n;
INSERT INTO item WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 50) SELECT i, i FROM n;
INSERT INTO pair WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 50) SELECT i, -i, i FROM n;
DELETE FROM note WHERE a % 3 = 0;
UPDATE note SET a = a + 1 WHERE a % 4 = 0;
REPLACE INTO note VALUES('k1', 7, 99);
DELETE FROM item WHERE id IN (5, 50);
UPDATE pair SET a = 0 WHERE x = 3;
"""


class Backup(WithFiles):
    def original(self, name="original.db"):
        db = self.open(name)
        db.executescript(SCHEMA)
        for table in TABLES:
            db.execute("SELECT rejoin_track(?)", (table,))
        db.executescript(WRITES)
        return db

    def shell(self, file, *, load, text):
        commands = ["-cmd", f".load {EXTENSION}"] if load else []
        done = subprocess.run(["sqlite3", *commands, self.path(file)], input=text, check=True,
                              capture_output=True)
        self.assertEqual(done.stderr, b"")
        return done.stdout

    def expect_sound_copy(self, copy, original):
        """It holds what the original holds, writes under its own name, and both agree again."""
        self.assertEqual(one(copy, "SELECT rejoin_digest()"), one(original, "SELECT rejoin_digest()"))
        first = one(original, "SELECT rejoin_replica()")
        copy.execute("INSERT INTO note VALUES('by the copy', 1, NULL)")
        copy.execute("UPDATE item SET a = 'copy' WHERE id = 7")
        original.execute("UPDATE item SET a = 'original' WHERE id = 8")
        original.execute("DELETE FROM pair WHERE x = 9")
        self.assertNotEqual(one(copy, "SELECT rejoin_replica()"), first)
        self.assertEqual(one(original, "SELECT rejoin_replica()"), first)
        for to, source in ((copy, original), (original, copy)):
            delta = one(source, "SELECT rejoin_delta(?)", one(to, "SELECT rejoin_vv()"))
            one(to, "SELECT rejoin_merge(?)", delta)
        self.assertEqual(one(copy, "SELECT rejoin_digest()"), one(original, "SELECT rejoin_digest()"))
        for table in TABLES:
            rows = f"SELECT * FROM {table} ORDER BY 1, 2"
            self.assertEqual(copy.execute(rows).fetchall(), original.execute(rows).fetchall())
        self.assertEqual(one(copy, "SELECT a FROM item WHERE id = 7"), "copy")
        self.assertEqual(one(copy, "SELECT a FROM item WHERE id = 8"), "original")
        self.assertEqual(one(copy, "SELECT count(*) FROM pair WHERE x = 9"), 0)

    def test_a_dump_is_restored_with_and_without_the_extension(self):
        for load in (False, True):
            with self.subTest(load=load):
                original = self.original(f"{load}.db")
                dump = self.shell(f"{load}.db", load=False, text=b".dump")
                self.assertIn(b"CREATE TABLE note", dump)
                self.shell(f"copy-{load}.db", load=load, text=dump)
                self.expect_sound_copy(self.open(f"copy-{load}.db"), original)

    def test_a_backup_is_a_replica_of_its_own(self):
        original = self.original()
        self.shell("original.db", load=False, text=f".backup {self.path('backup.db')}".encode())
        self.expect_sound_copy(self.open("backup.db"), original)

    def test_restored_over_an_open_file(self):
        original = self.original()
        self.shell("original.db", load=False, text=f".backup {self.path('old.db')}".encode())
        peer = self.open("peer.db")
        peer.executescript(SCHEMA)
        for table in TABLES:
            peer.execute("SELECT rejoin_track(?)", (table,))
        original.execute("INSERT INTO note VALUES('since the backup', 1, 'u')")
        one(peer, "SELECT rejoin_merge(?)", one(original, "SELECT rejoin_delta()"))
        self.shell("original.db", load=False, text=f".restore {self.path('old.db')}".encode())
        self.assertEqual(one(original, "SELECT count(*) FROM note WHERE u = 'u'"), 0)
        original.execute("INSERT INTO note VALUES('since the restore', 1, 'v')")
        for to, source in ((peer, original), (original, peer)):
            delta = one(source, "SELECT rejoin_delta(?)", one(to, "SELECT rejoin_vv()"))
            one(to, "SELECT rejoin_merge(?)", delta)
        for db in (original, peer):
            self.assertEqual(one(db, "SELECT count(*) FROM note WHERE u IN ('u', 'v')"), 2)
        self.assertEqual(one(peer, "SELECT rejoin_digest()"), one(original, "SELECT rejoin_digest()"))


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=2))
