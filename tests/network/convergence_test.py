#!/usr/bin/env python3
"""Devices and a hub, or two devices, through cuts at any byte and kills at any moment: all become equal."""

import os
import random
import subprocess
import sys
import unittest

from cutting_proxy import DOWN, UP, CuttingProxy, Weather
from random_writer import RandomWriter, Writing, expect_equal, make_device, seed_of
from servers import ERROR, OK, WithServers, finish, start_sync

KILLED = -9
STEPS = 60
KINDS = ("calm", "cut", "slow", "sync killed", "hub killed at a byte", "hub killed at a moment")


class Convergence(WithServers):
    def setUp(self):
        super().setUp()
        self.draw = random.Random(seed_of(self))

    def proxy(self, server):
        proxy = CuttingProxy(server.port)
        self.addCleanup(proxy.close)
        return proxy

    def devices(self, *names):
        """Writers of files, every other one with a write-ahead log."""
        writers = []
        for i, name in enumerate(names):
            db = make_device(self.path(name), wal=i % 2 == 1)
            self.addCleanup(db.close)
            writers.append(RandomWriter(db, self.draw))
        return writers

    def some_bytes(self):
        """Up to a few conversations long; small numbers as likely as large ones."""
        return int(2 ** self.draw.uniform(0, 17))

    def weather(self, kind, server):
        if kind == "cut":
            return Weather({self.draw.choice((UP, DOWN)): self.some_bytes()}, reset=self.draw.random() < 0.5)
        if kind == "hub killed at a byte":
            return Weather({self.draw.choice((UP, DOWN)): self.some_bytes()}, on_cut=server.kill)
        if kind == "slow":
            return Weather(delay_s=self.draw.uniform(0, 0.01))
        return Weather()

    def sync_in(self, kind, name, server, proxy):
        """One sync, whatever becomes of it. True: it says that it is done."""
        proxy.forecast = [self.weather(kind, server)]
        process = start_sync(self.path(name), proxy.url())
        if kind in ("sync killed", "hub killed at a moment"):
            try:
                process.wait(self.draw.uniform(0, 0.06))
            except subprocess.TimeoutExpired:
                (process if kind == "sync killed" else server).kill()
        status, _, words = finish(process)
        proxy.wait_until_idle()
        if server.process is None:
            proxy.target_port = server.start().port
        allowed = {OK, KILLED} if kind == "sync killed" else {OK} if kind in ("calm", "slow") else {OK, ERROR}
        self.assertIn(status, allowed, (kind, words))
        if status == ERROR:
            self.assertRegex(words, r"\Arejoin: [^\n]+\n\Z")
        return status == OK

    def test_three_devices_and_a_hub_through_cuts_and_kills(self):
        hub = self.hub()
        proxy = self.proxy(hub)
        names = ("a.db", "b.db", "c.db")
        writers = dict(zip(names, self.devices(*names)))
        ended = {kind: set() for kind in KINDS}
        for step in range(STEPS):
            writer = writers[self.draw.choice(names)]
            writer.work(self.draw.randint(1, 6))
            kind = KINDS[step % len(KINDS)]
            with self.subTest(step=step, kind=kind):
                ended[kind].add(self.sync_in(kind, self.draw.choice(names), hub, proxy))
        self.assertGreater(proxy.cuts, 0)
        self.assertIn(False, ended["cut"], "no cut ever mattered")
        for writer in writers.values():
            for kind, times in writer.done.items():
                self.assertGreater(times, 0, kind)

        for _ in range(2):
            for name in names:
                self.sync(name, hub.url())
        expect_equal(self, names)
        for name in names:
            self.expect_healthy(name)
        rooms = [name for name in os.listdir(self.path("rooms")) if name.endswith(".room")]
        self.assertEqual(rooms, ["room.room"])
        self.assertEqual(hub.end(), OK)

    def test_a_device_is_served_while_it_is_written(self):
        names = ("served.db", "a.db", "b.db")
        others = self.devices(*names)[1:]
        server = self.serve("serve", self.path("served.db"))
        proxy = self.proxy(server)
        self.sync("a.db", server.url())  # now it has a room: see the test below
        with Writing(self.path("served.db"), random.Random(self.draw.random()), pause_s=0.005) as writer:
            for step in range(24):
                which = self.draw.randrange(2)
                others[which].work(self.draw.randint(1, 6))
                kind = ("calm", "cut", "hub killed at a byte", "slow")[step % 4]
                with self.subTest(step=step, kind=kind):
                    self.sync_in(kind, names[1 + which], server, proxy)
        self.assertGreater(sum(writer.done.values()), 50)
        for _ in range(2):
            for name in names[1:]:
                self.sync(name, server.url())
        expect_equal(self, names)
        for name in names:
            self.expect_healthy(name)
        self.assertEqual(server.end(), OK)

    def test_a_first_sync_with_a_device_that_is_being_written(self):
        for i in range(60):
            names = (f"served {i}.db", f"new {i}.db")
            for name in names:
                make_device(self.path(name), wal=i % 2 == 1).close()
            server = self.serve("serve", self.path(names[0]))
            with Writing(self.path(names[0]), self.draw, pause_s=0.001):
                self.sync(names[1], server.url())
            server.end()


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=2))
