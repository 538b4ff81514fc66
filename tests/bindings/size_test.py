#!/usr/bin/env python3
"""The README's figures: what metadata costs per row, and what is added to a file."""

import os
import re
import sys
import unittest

from loaded import WithFiles, one

README = os.path.join(os.environ.get("REJOIN_SOURCE_DIR", "."), "README.md")
ROWS = 20_000
KEYS = {"INTEGER PRIMARY KEY": ("INTEGER PRIMARY KEY", "", "value"),
        "another key": ("TEXT PRIMARY KEY NOT NULL", "", "rejoin_uuid()"),
        "WITHOUT ROWID": ("TEXT PRIMARY KEY NOT NULL", "WITHOUT ROWID", "rejoin_uuid()")}


def section(title):
    with open(README, encoding="utf-8") as file:
        return file.read().split(f"## {title}\n")[1].split("\n## ")[0]


class Sizes(WithFiles):
    def metadata(self, db):
        """Bytes of our rows but for the log, folded."""
        one(db, "SELECT rejoin_digest()")
        return one(db, "SELECT coalesce(sum(payload), 0) FROM dbstat"
                       " WHERE name LIKE 'rejoin\\_\\_%' ESCAPE '\\' AND name <> 'rejoin__log'")

    def test_bytes_per_row(self):
        if not one(self.open(), "SELECT count(*) FROM pragma_compile_options WHERE compile_options = 'ENABLE_DBSTAT_VTAB'"):
            self.skipTest("this SQLite has no dbstat")
        told = {row[0]: [float(cell) for cell in row[1:]] for row in re.findall(
            r"^\| ([^|]+?) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", section("What it does to your database"), re.M)}
        self.assertEqual(set(told), set(KEYS))
        for name, (key, rest, made) in KEYS.items():
            measured = self.measure(key, rest, made)
            print(name, [round(bytes, 1) for bytes in measured])
            for found, said in zip(measured, told[name]):
                self.assertAlmostEqual(found, said, delta=max(1, said * 0.1), msg=name)

    def measure(self, key, rest, made):
        db = self.open()
        db.execute(f"CREATE TABLE t(id {key}, a TEXT, b TEXT, n INTEGER) {rest}")
        db.execute("SELECT rejoin_track('t')").fetchall()
        empty = self.metadata(db)
        db.execute(f"WITH n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < {ROWS})"
                   f" INSERT INTO t SELECT {made}, hex(randomblob(20)), hex(randomblob(20)), value FROM n")
        inserted = self.metadata(db)
        db.execute("UPDATE t SET a = hex(randomblob(20))")
        updated = self.metadata(db)
        db.execute("DELETE FROM t WHERE n % 2")
        deleted = self.metadata(db)
        # A deleted row had been updated: what that cost goes with it.
        half = (updated - inserted) / ROWS * (ROWS / 2)
        return (inserted - empty) / ROWS, (updated - inserted) / ROWS, (deleted - updated + half) / (ROWS / 2)

    def test_every_object_is_named(self):
        told = section("What it does to your database")
        db = self.todo("a.db")
        for kind, name in db.execute("SELECT type, name FROM sqlite_schema WHERE name LIKE 'rejoin%'"):
            self.assertIn(f"`{re.sub('_[0-9]+', '_N', name)}`", told, kind)
        files = {name for name in os.listdir(self.folder) if not name.endswith(("-wal", "-shm", "-journal"))}
        self.assertEqual(files, {"a.db", "a.db-rejoin"})
        self.assertIn("`FILE-rejoin`", told)


if __name__ == "__main__":
    sys.exit(unittest.main())
