"""Devices whose files are linked by rejoin_connect()."""

import json
import time

from servers import DEADLINE_S, WithServers, connect, one

PATIENCE_MS = DEADLINE_S * 1000
TABLE = "CREATE TABLE item(id TEXT PRIMARY KEY NOT NULL, qty INTEGER); SELECT rejoin_track('item');"


def links(db):
    return json.loads(one(db, "SELECT rejoin_status()"))["links"]


class WithLinks(WithServers):
    def device(self, name, url=None, timeout=None, **options):
        """A file with the table, whose connection is linked."""
        db = connect(self.path(name))
        self.addCleanup(db.close)
        if timeout is not None:
            db.execute(f"PRAGMA busy_timeout = {timeout}")
        db.execute("PRAGMA journal_mode = WAL")
        if not db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'item'").fetchone():
            db.executescript(TABLE)
        if url:
            self.assertEqual(one(db, "SELECT rejoin_connect(?, ?)", url, json.dumps(options)), 1)
        return db

    def synced(self, *devices, times=1):
        """All have what all had: what went up, and then what came down."""
        for _ in range(times + 1):
            for db in devices:
                self.assertEqual(one(db, "SELECT rejoin_wait_synced(?)", PATIENCE_MS), 1, links(db))

    def equal(self, *devices):
        digests = {one(db, "SELECT rejoin_digest()") for db in devices}
        self.assertEqual(len(digests), 1)

    def until(self, condition, what):
        end = time.monotonic() + DEADLINE_S
        while not condition():
            self.assertLess(time.monotonic(), end, what() if callable(what) else what)
            time.sleep(0.01)
