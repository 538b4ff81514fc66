#!/usr/bin/env python3
"""Node.js with better-sqlite3 as the host of the extension.

Skipped, saying so, where it has not been installed: scripts/setup.sh node."""

import os
import shutil
import subprocess
import threading
import unittest

from links import WithLinks
from servers import DEADLINE_S, EXTENSION, TESTS, one

FOLDER = os.path.join(TESTS, "network", "node")
ADDON = os.path.join(FOLDER, "node_modules", "better-sqlite3", "build", "Release", "better_sqlite3.node")
ROWS = 300


@unittest.skipUnless(shutil.which("node") and os.path.exists(ADDON), "scripts/setup.sh node has not been run")
class Node(WithLinks):
    def start(self, name, url):
        host = subprocess.Popen(["node", os.path.join(FOLDER, "host.mjs"), self.path(name + ".db"), EXTENSION, url,
                                 name, str(ROWS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)
        guard = threading.Timer(DEADLINE_S, host.kill)
        guard.start()
        self.addCleanup(guard.cancel)
        self.addCleanup(host.kill)
        return host

    def count(self, host):
        printed, told = host.communicate("count\n")
        self.assertEqual((host.returncode, told), (0, ""))
        return printed.split()

    def test_three_hosts_write_at_once(self):
        hub = self.hub()
        hosts = [self.start(name, hub.url()) for name in ("one", "two")]
        python = self.device("python.db", hub.url())
        for number in range(ROWS):
            python.execute("INSERT INTO item VALUES(?, ?)", (f"python{number}", number))
        for host in hosts:
            self.assertEqual(host.stdout.readline(), "written\n", host.poll() is not None and host.stderr.read())
        self.synced(python)
        self.assertEqual(one(python, "SELECT count(*) FROM item"), 3 * ROWS)
        digest = one(python, "SELECT rejoin_digest()")
        for host in hosts:
            self.assertEqual(self.count(host), [str(3 * ROWS), digest])

    def test_the_process_may_just_end(self):
        hub = self.hub()
        host = self.start("one", hub.url())
        self.assertEqual(host.stdout.readline(), "written\n")
        host.kill()
        host.wait()
        host.communicate()
        self.assertEqual(self.count(self.restarted("one", hub.url())), [str(ROWS), self.digest_of(hub)])

    def restarted(self, name, url):
        """The same file; nothing more is written."""
        host = subprocess.Popen(["node", os.path.join(FOLDER, "host.mjs"), self.path(name + ".db"), EXTENSION, url,
                                 name, "0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True)
        self.addCleanup(host.kill)
        self.assertEqual(host.stdout.readline(), "written\n")
        return host

    def digest_of(self, hub):
        last = self.device("last.db", hub.url())
        self.synced(last)
        return one(last, "SELECT rejoin_digest()")


if __name__ == "__main__":
    unittest.main()
