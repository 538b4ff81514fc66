#!/usr/bin/env python3
"""kill -9 of devices and of the hub while they sync: nothing that was committed is lost, nothing comes back.

Each kill hits a living process: one that had ended by itself does not count. REJOIN_KILLS sets how many. After each
thousand all is looked at, and begins anew with empty files.
"""

import os
import random
import shutil
import subprocess
import time
import unittest

from random_writer import seed_of
from servers import PROGRAM, WithServers, connect, one

KILLS = int(os.environ.get("REJOIN_KILLS", "1000"))
KILLS_OF_A_WORLD = 1000  # its rows grow with them
DEVICES = ("a", "b", "c")
HUB_SHARE = 0.2  # of the kills
TABLE = "CREATE TABLE item(id TEXT PRIMARY KEY NOT NULL, qty INTEGER); SELECT rejoin_track('item');"


class Device:
    """A file, the connection of its application, and what that has committed."""

    def __init__(self, name, path):
        self.name, self.path = name, path
        self.db = connect(path)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.executescript(TABLE)
        self.rows = {}
        self.count = 0

    def write(self, draw):
        """Its own rows only, so that what there has to be in the end is known."""
        self.db.execute("BEGIN IMMEDIATE")
        rows = dict(self.rows)
        for _ in range(draw.randint(1, 20)):
            self.count += 1
            rows[f"{self.name}{self.count}"] = self.count
            self.db.execute("INSERT INTO item VALUES(?, ?)", (f"{self.name}{self.count}", self.count))
        for key in draw.sample(sorted(rows), min(len(rows), draw.randint(0, 5))):
            if draw.random() < 0.5:
                del rows[key]
                self.db.execute("DELETE FROM item WHERE id = ?", (key,))
            else:
                rows[key] = -rows[key]
                self.db.execute("UPDATE item SET qty = -qty WHERE id = ?", (key,))
        self.db.execute("COMMIT")
        self.rows = rows


class Kills(WithServers):
    def start_sync(self, device):
        return subprocess.Popen([PROGRAM, "sync", device.path, self.server.url()], stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)

    def usual_time_s(self):
        """Of a sync with a little to do, so that kills come at every moment of one."""
        begun = time.monotonic()
        for device in self.devices:
            self.sync(device.path, self.server.url())
        return (time.monotonic() - begun) / len(self.devices)

    def kill(self, process, after_s):
        """True if it was still there."""
        try:
            process.wait(after_s)
            return False
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return True

    def round(self, draw, usual_s):
        """The number of processes that were killed."""
        for device in self.devices:
            if draw.random() < 0.5:
                device.write(draw)
        syncing = [self.start_sync(device) for device in draw.sample(self.devices, draw.randint(1, 2))]
        after_s = draw.uniform(0, 1.5 * usual_s)
        if draw.random() < HUB_SHARE:
            time.sleep(after_s)
            port = self.server.port
            self.server.kill()
            killed = 1
            self.server = self.serve("hub", "--dir", self.path(f"{self.world}/rooms"), port=port)
        else:
            killed = self.kill(syncing[0], after_s)
        for process in syncing:
            process.wait(60)
        return int(killed)

    def test_nothing_is_lost(self):
        draw = random.Random(seed_of(self))
        begun = time.monotonic()
        for done in range(0, KILLS, KILLS_OF_A_WORLD):
            self.begin(f"world{done}")
            self.kill_and_look(draw, min(KILLS - done, KILLS_OF_A_WORLD))
            self.end()
            if KILLS > KILLS_OF_A_WORLD:
                print(f"{min(KILLS, done + KILLS_OF_A_WORLD):7} of {KILLS} kills, {time.monotonic() - begun:.0f} s", flush=True)

    def begin(self, world):
        os.mkdir(self.path(world))
        self.world = world
        self.server = self.serve("hub", "--dir", self.path(f"{world}/rooms"))
        self.devices = [self.device(name) for name in DEVICES]

    def device(self, name):
        return Device(name, self.path(f"{self.world}/{name}.db"))

    def end(self):
        self.server.kill()
        shutil.rmtree(self.path(self.world))

    def kill_and_look(self, draw, kills):
        usual_s = self.usual_time_s()
        killed = 0
        while killed < kills:
            killed += self.round(draw, usual_s)
        for device in self.devices * 2:
            self.sync(device.path, self.server.url())
        fresh = self.device("fresh")
        self.sync(fresh.path, self.server.url())
        expected = {key: qty for device in self.devices for key, qty in device.rows.items()}
        self.assertGreater(len(expected), 0)
        for device in [*self.devices, fresh]:
            self.assertEqual(dict(device.db.execute("SELECT id, qty FROM item")), expected, device.name)
            self.assertEqual(one(device.db, "SELECT rejoin_digest()"), one(fresh.db, "SELECT rejoin_digest()"))
            device.db.close()
            self.expect_healthy(device.path)


if __name__ == "__main__":
    unittest.main()
