#!/usr/bin/env python3
"""A first sync over a line that keeps breaking comes to its end: what has arrived is not sent again."""

import random
import sys
import unittest

from cutting_proxy import DOWN, UP, CuttingProxy, Weather
from random_writer import seed_of
from servers import ERROR, OK, WithServers, connect, finish, one, start_sync

MIB = 1 << 20
PART_BYTES = 4 * MIB  # a first sync's (SessionOptions::part_bytes); a part that was cut is sent again
# Of the delta, at most: keys, stamps and frames on top of the payload.
OVERHEAD = 1.1
ROWS, ROW_BYTES = 24_000, 1000  # random, so that no compression makes less of it
TABLE = "CREATE TABLE note(id INTEGER PRIMARY KEY, body BLOB); SELECT rejoin_track('note');"


class Resend(WithServers):
    def fill(self, name, draw):
        db = connect(self.path(name))
        db.executescript(TABLE)
        db.execute("BEGIN")
        db.executemany("INSERT INTO note VALUES(?, ?)",
                       ((i, draw.randbytes(ROW_BYTES)) for i in range(ROWS)))
        db.execute("COMMIT")
        db.close()

    def pair(self, draw):
        """A hub that has it all, and a device, empty.db, that has nothing; behind a proxy."""
        self.fill("full.db", draw)
        db = connect(self.path("empty.db"))
        db.executescript(TABLE)
        db.close()
        hub = self.hub()
        self.sync("full.db", hub.url())
        proxy = CuttingProxy(hub.port)
        self.addCleanup(proxy.close)
        return hub, proxy

    def test_a_first_sync_sends_nothing_back(self):
        _, proxy = self.pair(random.Random(seed_of(self)))
        self.sync("empty.db", proxy.url())
        self.assertLess(proxy.carried[UP], MIB)

    def test_a_first_sync_that_was_cut_sends_nothing_back(self):
        _, proxy = self.pair(random.Random(seed_of(self)))
        proxy.forecast = [Weather({DOWN: int(1.5 * PART_BYTES)})]
        self.refused("empty.db", proxy.url())
        proxy.wait_until_idle()
        self.sync("empty.db", proxy.url())
        self.assertLess(proxy.carried[UP], MIB)

    def test_what_arrived_before_a_cut_is_not_sent_again(self):
        draw = random.Random(seed_of(self))
        hub, proxy = self.pair(draw)
        payload = ROWS * ROW_BYTES
        delta = int(payload * OVERHEAD)
        parts = delta // PART_BYTES + 1
        attempts, rows = 0, [0]
        status = ERROR
        while status != OK:
            # Room for one whole part, wherever it begins, and never for two.
            cut = draw.randrange(int(1.25 * PART_BYTES), 2 * PART_BYTES)
            attempts += 1
            # Not a reset: that takes back what the kernels hold, which no program can bound.
            proxy.forecast = [Weather({DOWN: cut})]
            status, _, words = finish(start_sync(self.path("empty.db"), proxy.url()))
            proxy.wait_until_idle()
            self.assertIn(status, (OK, ERROR), words)
            db = connect(self.path("empty.db"))
            rows.append(one(db, "SELECT count(*) FROM note"))
            db.close()
            # Each attempt brings the part that it had room for.
            self.assertGreater(rows[-1], rows[-2], (attempts, words))
            self.assertLessEqual(attempts, parts, rows)
        carried = proxy.carried[DOWN]
        print(f"{attempts} attempts, rows after each {rows}, {carried / payload:.2f} times the payload")
        self.assertGreaterEqual(attempts, payload // (2 * PART_BYTES), "the cuts were to matter")
        # A cut wastes what it cut off a part: less than a part, with what was on its way behind it.
        self.assertLessEqual(carried, delta + (attempts - 1) * PART_BYTES)
        self.assertEqual(rows[-1], ROWS)
        self.assertEqual(self.digest("empty.db"), self.digest("full.db"))
        self.expect_healthy("empty.db")
        self.assertEqual(hub.end(), OK)


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=2))
