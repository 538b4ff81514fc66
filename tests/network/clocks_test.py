#!/usr/bin/env python3
"""Devices and hubs whose clocks are wrong by years, as processes (F14, F15, F16)."""

import os
import subprocess
import sys
import unittest
from unittest import mock

from random_writer import expect_equal, make_device
from servers import ERROR, OK, PROGRAM, WithServers, connect, finish, one
from program import BUILD

YEAR_S = 365 * 24 * 3600
PRELOAD = os.path.join(BUILD, "shifted_clock.so")
# In a process of its own, which believes the wrong clock.
WRITE = """
import sys
from loaded import connect
db = connect(sys.argv[1])
for sql in sys.argv[2:]:
    db.execute(sql)
db.close()
"""


def wrong_clock(shift_s):
    """Processes that are started within it have a wall clock that is wrong."""
    preload = " ".join(filter(None, (os.environ.get("LD_PRELOAD"), PRELOAD)))
    return mock.patch.dict(os.environ, LD_PRELOAD=preload, REJOIN_TEST_CLOCK_SHIFT_S=str(shift_s),
                           PYTHONPATH=os.pathsep.join(sys.path))


class Clocks(WithServers):
    def setUp(self):
        super().setUp()
        self.shift_s = {}  # file -> of its device's clock

    def device(self, name, shift_s=0):
        make_device(self.path(name)).close()
        self.shift_s[name] = shift_s
        return name

    def run_on(self, name, command):
        with wrong_clock(self.shift_s[name]):
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return finish(process)

    def write(self, name, *statements):
        ended = self.run_on(name, [sys.executable, "-c", WRITE, self.path(name), *statements])
        self.assertEqual(ended[0], OK, ended)

    def put(self, name, key, title):
        self.write(name, f"INSERT INTO note(id, title) VALUES('{key}', '{title}') "
                         "ON CONFLICT DO UPDATE SET title = excluded.title")

    def exchange(self, name, url):
        """(status, what it said)."""
        status, out, words = self.run_on(name, [PROGRAM, "sync", self.path(name), url])
        return status, out + words

    def sync_all(self, url, *names):
        for name in names + names:
            status, words = self.exchange(name, url)
            self.assertEqual(status, OK, (name, words))

    def notes(self, name):
        db = connect(self.path(name))
        found = dict(db.execute("SELECT id, title FROM note ORDER BY id"))
        db.close()
        return found

    def replica(self, name):
        db = connect(self.path(name))
        found = one(db, "SELECT rejoin_replica()")
        db.close()
        return found

    def expect_end(self, notes, *names):
        expect_equal(self, names)
        for name in names:
            self.assertEqual(self.notes(name), notes, name)
            self.expect_healthy(name)

    def edited_in_turn(self, shift_s):
        """Before anybody has met anybody, so that a slow clock has its own times too."""
        hub = self.hub()
        off = self.device("off.db", shift_s)
        right = self.device("right.db")
        self.put(off, "first off", "off")
        self.put(right, "first off", "right")
        self.put(right, "first right", "right")
        self.put(off, "first right", "off")
        self.put(off, "off alone", "off")
        self.put(off, "off alone", "off again")
        self.sync_all(hub.url(), off, right)
        self.expect_end({"first off": "right", "first right": "off", "off alone": "off again"}, off, right)
        self.put(right, "first right", "right again")
        self.sync_all(hub.url(), right, off)
        self.assertEqual(self.notes(off)["first right"], "right again")

    def test_a_device_years_ahead(self):
        self.edited_in_turn(10 * YEAR_S)

    def test_a_device_a_day_ahead(self):
        self.edited_in_turn(24 * 3600)

    def test_a_device_years_behind(self):
        self.edited_in_turn(-10 * YEAR_S)

    def test_a_process_that_was_told_the_time_writes_right_by_itself(self):
        hub = self.hub()
        right = self.device("right.db")
        for name, shift_s in (("ahead.db", 10 * YEAR_S), ("behind.db", -10 * YEAR_S)):
            off = self.device(name, shift_s)
            self.put(right, name, "before")
            self.sync_all(hub.url(), right)
            self.write(off, f"SELECT rejoin_sync('{hub.url()}')",
                       f"UPDATE note SET title = 'off, offline' WHERE id = '{name}'")
            self.put(right, name, "right, later")
            self.sync_all(hub.url(), right)
            served = self.serve("serve", self.path(off))  # a device: it tells nobody the time
            self.sync_all(served.url(), right)
            self.assertEqual(self.notes(right)[name], "right, later")
            self.assertEqual(self.notes(off)[name], "right, later")

    def test_a_slow_clocks_reply_comes_after_what_it_saw(self):
        hub = self.hub()
        slow = self.device("slow.db", -10 * YEAR_S)
        right = self.device("right.db")
        self.put(right, "k", "question")
        self.sync_all(hub.url(), right, slow)
        self.put(slow, "k", "reply")
        self.sync_all(hub.url(), slow, right)
        self.expect_end({"k": "reply"}, slow, right)

    def test_what_is_beyond_the_bound_is_refused_and_its_neighbours_are_not(self):
        hub = self.hub()
        off = self.device("off.db", 3 * YEAR_S + 3600)
        carrier = self.device("carrier.db")
        right = self.device("right.db")
        self.put(carrier, "honest", "carrier")
        self.put(off, "future", "off")
        self.carry(off, carrier)
        self.put(right, "own", "right")
        for turn in range(2):
            status, words = self.exchange(carrier, hub.url())
            self.assertEqual(status, ERROR, words)
            self.assertIn(self.replica(off), words)
            self.assertIn("3 years ahead", words)
            self.assertIn(f"replica {self.replica(off)} stamped a change", hub.words())
            self.put(right, "own", f"right {turn}")
            self.sync_all(hub.url(), right)
            self.assertEqual(self.notes(right), {"honest": "carrier", "own": f"right {turn}"})
        # Its own device, once it is told the time, brings the same change.
        self.sync_all(hub.url(), off, right)
        self.assertEqual(self.notes(right)["future"], "off")

    def carry(self, source, to):
        """By a file, which nobody guards."""
        delta = self.path("delta")
        for command in (["export", self.path(source), "-o", delta], ["import", self.path(to), delta]):
            done = subprocess.run([PROGRAM, *command], capture_output=True, check=False)
            self.assertEqual(done.returncode, 0, done)

    def test_a_device_that_serves_refuses_too(self):
        off = self.device("off.db", 3 * YEAR_S + 3600)
        served = self.device("served.db")
        self.put(off, "future", "off")
        server = self.serve("serve", self.path(served))
        status, words = self.exchange(off, server.url())
        self.assertEqual(status, ERROR, words)
        self.assertIn(self.replica(off), words)
        self.assertIn("3 years ahead", words)
        self.assertEqual(self.notes(served), {})

    def test_a_hub_with_a_dead_clock_judges_and_corrects_nobody(self):
        with wrong_clock(-30 * YEAR_S):
            hub = self.hub()
        right = self.device("right.db")
        other = self.device("other.db")
        self.put(right, "k", "right")
        self.put(other, "k", "other, later")
        self.sync_all(hub.url(), right, other)
        self.put(right, "k", "right again")
        self.sync_all(hub.url(), right, other)
        self.expect_end({"k": "right again"}, right, other)
        self.assertNotIn("ahead", hub.words())


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=2))
