#!/usr/bin/env python3
"""A real database of eleven related tables: three copies, edited apart, become one through a hub."""

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import unittest

from random_writer import seed_of
from servers import OK, PROGRAM, SOURCE, WithServers, connect, one

CHINOOK = os.path.join(SOURCE, "../shared/data/chinook.db")
TABLES = 11
EDITS = 300
COPIES = ("shop.db", "phone.db", "laptop.db")


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


class Clerk:
    """Edits a copy at random, and keeps to its foreign keys."""

    def __init__(self, db, draw):
        self.db = db
        self.draw = draw
        self.done = 0
        self.refused = 0
        self.columns = {}  # table -> (name, is key, is text)
        for table, in db.execute("SELECT tbl FROM rejoin_tables"):
            self.columns[table] = [(row[1], row[5] > 0, row[2].startswith("NVARCHAR"))
                                   for row in db.execute(f"PRAGMA table_info({quoted(table)})")]
        db.execute("PRAGMA foreign_keys = ON")

    def work(self):
        table = self.draw.choice(list(self.columns))
        edit = self.draw.choice((self._rename, self._rename, self._take_from_another, self._copy, self._delete))
        sql = edit(quoted(table), self.columns[table])
        if sql is None:
            return
        try:
            self.done += self.db.execute(sql).rowcount
        except sqlite3.IntegrityError:
            self.refused += 1

    def _any(self, table):
        count = one(self.db, f"SELECT count(*) FROM {table}")
        return f"rowid = (SELECT rowid FROM {table} LIMIT 1 OFFSET {self.draw.randrange(max(count, 1))})"

    def _rename(self, table, columns):
        texts = [name for name, _, is_text in columns if is_text]
        if not texts:
            return None
        name = quoted(self.draw.choice(texts))
        return f"UPDATE {table} SET {name} = {name} || '{self.draw.randrange(10)}' WHERE {self._any(table)}"

    def _take_from_another(self, table, columns):
        others = [name for name, is_key, _ in columns if not is_key]
        if not others:
            return None
        name = quoted(self.draw.choice(others))
        value = f"(SELECT {name} FROM {table} WHERE {self._any(table)})"
        return f"UPDATE {table} SET {name} = {value} WHERE {self._any(table)}"

    def _copy(self, table, columns):
        first, *others = (quoted(name) for name, _, _ in columns)
        values = ", ".join([f"(SELECT max({first}) + 1 FROM {table})", *others])
        return f"INSERT OR IGNORE INTO {table} SELECT {values} FROM {table} WHERE {self._any(table)}"

    def _delete(self, table, columns):
        return f"DELETE FROM {table} WHERE {self._any(table)}"


class Chinook(WithServers):
    @unittest.skipUnless(os.path.exists(CHINOOK), f"there is no {CHINOOK} on this machine")
    def test_three_copies_edited_apart_become_one_through_a_hub(self):
        draw = random.Random(seed_of(self))
        hub = self.hub()
        clerks = []
        for name in COPIES:
            shutil.copyfile(CHINOOK, self.path(name))
            subprocess.run([PROGRAM, "track", self.path(name), "--all"], check=True, capture_output=True)
            db = connect(self.path(name))
            self.addCleanup(db.close)
            clerks.append(Clerk(db, draw))
            self.assertEqual(len(clerks[-1].columns), TABLES)
        for turn in range(3):
            for name, clerk in zip(COPIES, clerks):
                clerk.db.execute("BEGIN")
                for _ in range(EDITS // 3):
                    clerk.work()
                clerk.db.execute("COMMIT")
                if turn < 2:
                    self.sync(name, hub.url("chinook"))
        for clerk in clerks:
            self.assertGreater(clerk.done, EDITS / 2)
        self.assertNotEqual(self.diff(*COPIES[:2]), OK)

        for _ in range(2):
            for name in COPIES:
                self.sync(name, hub.url("chinook"))
        for name in COPIES[1:]:
            self.assertEqual(self.diff(COPIES[0], name), OK)
            self.assertEqual(self.digest(name), self.digest(COPIES[0]))

    def diff(self, a, b):
        done = subprocess.run([PROGRAM, "diff", self.path(a), self.path(b)], capture_output=True, check=False)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return done.returncode


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=2))
