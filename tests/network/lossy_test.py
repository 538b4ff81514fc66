#!/usr/bin/env python3
"""Hosts between which packets get lost: links find their way back by themselves, and all end equal with all that was written.

Skipped where the system lets nobody make network namespaces. REJOIN_LAB=long adds what takes minutes: silence that is
longer than a link bears, and a device that gets another address.
"""

import json
import os
import time
import unittest

import lab
from links import TABLE, WithLinks
from servers import DEADLINE_S

LONG = os.environ.get("REJOIN_LAB") == "long"
SILENCE_S = 60  # a link that hears nothing for so long ends
PATIENCE_S = 2 * DEADLINE_S
NAMES = ("a", "b", "c")


@unittest.skipUnless(lab.inside(), "this system lets nobody make network namespaces, or has no ip, nft and unshare")
class LossyNetwork(WithLinks):
    def setUp(self):
        super().setUp()
        self.network = lab.Network()
        self.addCleanup(self.network.close)
        self.hub_host = self.network.host("hub")
        self.hosts = {name: self.network.host(name) for name in NAMES}
        self.hub = lab.HubAt(self.hub_host, self.path("told"), self.path("rooms"))
        self.addCleanup(self.hub.kill)
        self.hub.start()
        self.devices = {name: self.linked(name) for name in NAMES}
        self.written = 0

    def linked(self, name):
        device = lab.DeviceAt(self.hosts[name], self.path(name + ".db"))
        self.addCleanup(device.close)
        device.query("PRAGMA journal_mode = WAL")
        for sql in filter(str.strip, TABLE.split(";")):
            device.query(sql)
        device.query("SELECT rejoin_connect(?)", self.hub.url())
        return device

    def write(self, *names, times=1):
        for _ in range(times):
            for name in names or NAMES:
                self.written += 1
                self.devices[name].query("INSERT INTO item VALUES(?, ?)", f"{name}{self.written}", self.written)

    def count(self, name):
        return self.devices[name].one("SELECT count(*) FROM item")

    def state(self, name):
        return json.loads(self.devices[name].one("SELECT rejoin_status()"))["links"][0]

    def wait_for(self, condition, what):
        end = time.monotonic() + PATIENCE_S
        while not condition():
            self.assertLess(time.monotonic(), end, f"{what}: {[self.state(name) for name in NAMES]}")
            time.sleep(0.1)

    def all_are_equal(self, *names):
        names = names or NAMES
        self.wait_for(lambda: {self.count(name) for name in names} == {self.written}, "not all came")
        digests = {self.devices[name].one("SELECT rejoin_digest()") for name in names}
        self.assertEqual(len(digests), 1)

    def test_a_fifth_of_all_packets_is_lost(self):
        self.hub_host.lose(20)
        for _ in range(10):
            self.write()
            time.sleep(0.05)
        self.all_are_equal()
        self.assertGreater(self.hub_host.lost(), 0)

    def test_who_is_cut_off_goes_on_alone(self):
        self.write()
        self.all_are_equal()
        self.hub_host.lose(peer=self.hosts["a"])
        self.write("b", "c", times=20)
        self.wait_for(lambda: self.count("b") == self.count("c") == self.written, "b and c")
        self.write("a", times=20)
        self.assertEqual(self.devices["a"].one("SELECT rejoin_wait_synced(1000)"), 0)
        self.assertEqual(self.count("a"), len(NAMES) + 20)
        self.assertEqual(self.count("b"), len(NAMES) + 40)
        self.hub_host.heal()
        self.all_are_equal()

    def test_who_is_heard_and_hears_nothing(self):
        self.write()
        self.all_are_equal()
        self.hub_host.lose(ways=("output",), peer=self.hosts["a"])
        self.write("a")
        self.wait_for(lambda: self.count("b") == self.written, "it was heard")
        self.write("b")
        self.wait_for(lambda: self.count("c") == self.written, "c hears")
        self.assertEqual(self.count("a"), self.written - 1)
        self.hub_host.heal()
        self.all_are_equal()

    def test_the_hub_is_killed_again_and_again(self):
        self.hub_host.lose(5)
        for _ in range(5):
            self.write(times=5)
            self.hub.kill()
            self.write(times=5)
            self.hub.start()
            self.wait_for(lambda: any(self.state(name)["state"] == "live" for name in NAMES), "nobody came back")
        self.all_are_equal()
        self.assertGreater(self.hub_host.lost(), 0)

    @unittest.skipUnless(LONG, "takes minutes; REJOIN_LAB=long")
    def test_a_longer_silence_than_a_link_bears(self):
        self.write()
        self.all_are_equal()
        self.hub_host.lose()
        self.write(times=10)
        self.wait_for(lambda: all(self.state(name)["state"] != "live" for name in NAMES), "somebody thinks it is linked")
        time.sleep(SILENCE_S)  # the hub has to notice, too
        self.hub_host.heal()
        self.all_are_equal()
        self.assertIn("nothing was heard from", self.hub.words())

    @unittest.skipUnless(LONG, "takes minutes; REJOIN_LAB=long")
    def test_a_device_gets_another_address(self):
        self.write()
        self.all_are_equal()
        self.hosts["a"].move(77)
        self.write(times=10)
        self.all_are_equal()


if __name__ == "__main__":
    lab.enter()
    unittest.main()
