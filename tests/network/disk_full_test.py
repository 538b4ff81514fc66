#!/usr/bin/env python3
"""Disks that fill, real ones: of a device, and of the hub. Told in one line, nothing lost, and on it goes once there is room.

The disk is a small tmpfs in a mount namespace of the test's own; skipped where the system allows none.
"""

import os
import sqlite3
import subprocess
import sys
import unittest

from servers import WithServers, connect, one

INSIDE = "REJOIN_TEST_MAY_MOUNT"
NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount"]
DISK_BYTES = 16 << 20
ROWS_AT_ONCE = 50
TABLE = "CREATE TABLE item(id TEXT PRIMARY KEY NOT NULL, body TEXT); SELECT rejoin_track('item');"
FULL = "make room and try again (database or disk is full)"


def may_mount():
    try:
        return subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


@unittest.skipUnless(os.environ.get(INSIDE), "this system lets nobody mount a disk in a namespace of his own")
class DiskFull(WithServers):
    def setUp(self):
        super().setUp()
        self.disk = self.path("disk")
        os.mkdir(self.disk)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", self.disk], check=True)
        self.addCleanup(subprocess.run, ["umount", "--lazy", self.disk], check=True)

    def fill_disk(self, left_bytes):
        with open(os.path.join(self.disk, "filler"), "wb") as filler:
            filler.write(bytes(DISK_BYTES - left_bytes))

    def make_room(self):
        os.remove(os.path.join(self.disk, "filler"))

    def device(self, name):
        db = connect(self.path(name))
        self.addCleanup(db.close)
        db.execute("PRAGMA journal_mode = WAL")
        db.executescript(TABLE)
        return db

    def write(self, db, transactions):
        """The keys of what was committed; fewer where the disk is full."""
        committed = set()
        for _ in range(transactions):
            keys = {os.urandom(8).hex() for _ in range(ROWS_AT_ONCE)}
            try:
                db.execute("BEGIN IMMEDIATE")
                for key in keys:
                    db.execute("INSERT INTO item VALUES(?, ?)", (key, os.urandom(150).hex()))
                db.execute("COMMIT")
            except sqlite3.OperationalError as error:
                self.assertIn("disk is full", str(error))
                if db.in_transaction:
                    db.execute("ROLLBACK")
                return committed
            committed |= keys
        return committed

    def keys(self, db):
        return {key for (key,) in db.execute("SELECT id FROM item")}

    def test_of_a_device(self):
        hub = self.hub()
        near, far = self.device("disk/near.db"), self.device("far.db")
        self.fill_disk(4 << 20)
        written = self.write(near, 1000)
        self.assertLess(len(written), 1000 * ROWS_AT_ONCE, "the disk was not full")
        self.assertEqual(self.keys(near), written)
        written |= self.write(far, 100)
        self.sync("far.db", hub.url())

        before = self.keys(near)
        self.assertIn(FULL, self.refused("disk/near.db", hub.url()))
        self.assertEqual(self.keys(near), before)
        self.assertEqual(one(near, "SELECT * FROM pragma_integrity_check"), "ok")

        self.make_room()
        self.sync("disk/near.db", hub.url())
        self.sync("far.db", hub.url())
        self.assertEqual(self.keys(near), written)
        self.assertEqual(self.keys(far), written)
        self.assertEqual(self.digest("disk/near.db"), self.digest("far.db"))
        self.expect_healthy("disk/near.db")

    def test_of_the_hub(self):
        near, far = self.device("near.db"), self.device("far.db")
        written = self.write(near, 100)
        self.fill_disk(1 << 20)
        hub = self.serve("hub", "--dir", os.path.join(self.disk, "rooms"))
        for _ in range(3):
            words = self.refused("near.db", hub.url())
            self.assertIn("asks to try again later", words)
            self.assertIn("room.room", words)
            self.assertIn(FULL, words)
        self.assertIn(FULL, hub.words())
        # Who has nothing to bring finds a hub that answers; what it has taken is whole transactions.
        self.sync("far.db", hub.url())
        self.assertEqual(len(self.keys(far)) % ROWS_AT_ONCE, 0)
        self.assertLessEqual(self.keys(far), written)

        self.make_room()
        self.sync("near.db", hub.url())
        self.sync("far.db", hub.url())
        self.assertEqual(self.keys(far), written)
        self.assertEqual(self.digest("near.db"), self.digest("far.db"))


if __name__ == "__main__":
    if not os.environ.get(INSIDE) and may_mount():
        os.execvpe(NAMESPACE[0], [*NAMESPACE, sys.executable, *sys.argv], {**os.environ, INSIDE: "1"})
    unittest.main()
