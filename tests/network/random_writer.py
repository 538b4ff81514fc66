"""A device's file with tables of three kinds of key, and somebody who writes to it at random."""

import os
import random
import threading

from servers import connect, one

SCHEMA = """
CREATE TABLE note(id TEXT PRIMARY KEY NOT NULL, title, place INTEGER UNIQUE, body);
CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, price);
CREATE TABLE pair(x TEXT, y INTEGER, a, b, PRIMARY KEY(x, y)) WITHOUT ROWID;
"""
# table -> (key columns, others)
TABLES = {"note": (("id",), ("title", "place", "body")),
          "item": (("id",), ("name", "price")),
          "pair": (("x", "y"), ("a", "b"))}
KEYS = 25  # of each column: few, so that devices meet in rows


def seed_of(test):
    """Another one each time, or the one to replay: REJOIN_TEST_SEED. It is printed.

    It fixes what is drawn; when the processes get their turns is the system's."""
    seed = int(os.environ.get("REJOIN_TEST_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"{test.id()}: REJOIN_TEST_SEED={seed}", flush=True)
    return seed


def make_device(path, wal=False):
    db = connect(path)
    db.execute(f"PRAGMA journal_mode = {'WAL' if wal else 'DELETE'}")
    db.execute("PRAGMA busy_timeout = 30000")
    db.executescript(SCHEMA)
    for table in TABLES:
        one(db, "SELECT rejoin_track(?)", table)
    return db


def shown(db):
    """What the tables show, with storage classes."""
    rows = {}
    for table, (keys, others) in TABLES.items():
        columns = ", ".join(f"{column}, typeof({column})" for column in keys + others)
        rows[table] = db.execute(f"SELECT {columns} FROM {table} ORDER BY {', '.join(keys)}").fetchall()
    return rows


class RandomWriter:
    def __init__(self, db, draw):
        self.db = db
        self.draw = draw
        self.done = dict.fromkeys(("insert", "update", "delete", "rekey", "replace"), 0)

    def work(self, transactions=1):
        for _ in range(transactions):
            self.db.execute("BEGIN IMMEDIATE")
            before = dict(self.done)
            for _ in range(self.draw.randint(1, 5)):
                self._write(self.draw.choice(list(self.done)), self.draw.choice(list(TABLES)))
            if self.draw.random() < 0.1:
                self.db.execute("ROLLBACK")
                self.done = before
            else:
                self.db.execute("COMMIT")

    def _write(self, kind, table):
        keys, others = TABLES[table]
        where = " AND ".join(f"{key} = ?" for key in keys)
        if kind in ("insert", "replace"):
            names = keys + others
            verb = "REPLACE" if kind == "replace" else "INSERT OR IGNORE"
            marks = ", ".join("?" * len(names))
            sql = f"{verb} INTO {table}({', '.join(names)}) VALUES({marks})"
            bound = self._key(keys) + [self._value(column) for column in others]
        elif kind == "update":
            columns = self.draw.sample(others, self.draw.randint(1, len(others)))
            sql = f"UPDATE OR IGNORE {table} SET {', '.join(f'{c} = ?' for c in columns)} WHERE {where}"
            bound = [self._value(column) for column in columns] + self._key(keys)
        elif kind == "rekey":
            sql = f"UPDATE OR IGNORE {table} SET {', '.join(f'{k} = ?' for k in keys)} WHERE {where}"
            bound = self._key(keys) + self._key(keys)
        else:
            sql, bound = f"DELETE FROM {table} WHERE {where}", self._key(keys)
        if self.db.execute(sql, bound).rowcount > 0:
            self.done[kind] += 1

    def _key(self, keys):
        if len(keys) == 1:  # in the column id, 7 and '7' are one key of either table
            return [self.draw.randrange(KEYS)]
        return [f"x{self.draw.randrange(5)}", self.draw.randrange(5)]

    def _value(self, column):
        draw = self.draw
        if column == "place":
            return draw.choice((None, draw.randrange(40)))
        return draw.choice((None, draw.randrange(-5, 5), draw.random() - 0.5, "", "é" * draw.randrange(9),
                            draw.randbytes(draw.randrange(30)), draw.randbytes(draw.randrange(1, 2000)).hex()))


class Writing:
    """Somebody who writes to the file until the context ends, on a thread and a connection of his own."""

    def __init__(self, path, draw, pause_s):
        self.path = path
        self.draw = draw
        self.pause_s = pause_s
        self.writer = None
        self.failed = None
        self.stopping = threading.Event()
        self.begun = threading.Event()
        self.thread = threading.Thread(target=self._write)

    def _write(self):
        db = connect(self.path)
        try:
            db.execute("PRAGMA busy_timeout = 30000")
            self.writer = RandomWriter(db, self.draw)
            while not self.stopping.is_set():
                self.writer.work()
                self.begun.set()
                self.stopping.wait(self.pause_s)
        except Exception as fault:  # told by the test's thread
            self.failed = fault
            self.begun.set()
        finally:
            db.close()

    def __enter__(self):
        self.thread.start()
        self.begun.wait()
        return self.writer

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()
        if self.failed:
            raise self.failed


def expect_equal(test, names):
    """Files agree in what they hold and in what they show."""
    connections = [connect(test.path(name)) for name in names]
    try:
        first = connections[0]
        for name, each in zip(names[1:], connections[1:]):
            test.assertEqual(shown(each), shown(first), (name, names[0]))
            digest = "SELECT rejoin_digest()"
            test.assertEqual(one(each, digest), one(first, digest), (name, names[0]))
            for view in ("rejoin_quarantine", "rejoin_conflicts"):
                rows = f"SELECT tbl, key, count(*) FROM {view} GROUP BY 1, 2 ORDER BY 1, 2"
                test.assertEqual(each.execute(rows).fetchall(), first.execute(rows).fetchall(), (view, name, names[0]))
    finally:
        for each in connections:
            each.close()
