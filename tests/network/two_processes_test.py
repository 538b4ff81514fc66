#!/usr/bin/env python3
"""Two processes that have one file open: one of them has its link, and the other knows."""

import os
import signal
import subprocess
import sys
import unittest

from links import PATIENCE_MS, WithLinks, links
from servers import PROGRAM, TESTS, one

HOST = """
from loaded import connect
db = connect(sys.argv[2])
db.execute('SELECT rejoin_connect(?)', (sys.argv[3],)).fetchall()
print('linked', flush=True)
for line in sys.stdin:
    print(db.execute(line).fetchone(), flush=True)
"""


class TwoProcesses(WithLinks):
    def start_host(self, file, url):
        bindings = os.path.join(TESTS, "bindings")
        host = subprocess.Popen([sys.executable, "-c", "import sys; sys.path.insert(0, sys.argv[1])\n" + HOST,
                                 bindings, file, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.end_host, host)
        self.assertEqual(host.stdout.readline(), "linked\n")
        return host

    def end_host(self, host):
        host.kill()
        host.wait()
        host.stdin.close()
        host.stdout.close()

    def ask(self, host, sql):
        host.stdin.write(sql + "\n")
        host.stdin.flush()
        return host.stdout.readline().strip()

    def setUp(self):
        super().setUp()
        self.url = self.hub().url()
        self.other = self.device("other.db", self.url)
        self.device("app.db").close()
        self.first = self.start_host(self.path("app.db"), self.url)
        self.ask(self.first, "SELECT rejoin_wait_synced(30000)")

    def states(self, db):
        return sorted((link["mode"], link["state"]) for link in links(db))

    def locks(self):
        return [name for name in os.listdir(self.path("")) if name.startswith("app.db-rejoin-link-")]

    def test_one_has_the_link_and_the_other_tells_how_it_stands(self):
        app = self.device("app.db", self.url)
        self.until(lambda: self.states(app) == [("background", "in another process"), ("other process", "live")],
                   lambda: links(app))
        held = [link for link in links(app) if link["mode"] == "other process"][0]
        self.assertEqual((held["url"], held["process"]), (self.url, self.first.pid))
        done = subprocess.run([PROGRAM, "status", self.path("app.db")], capture_output=True, text=True, check=True)
        self.assertIn(f"{self.url}: live", done.stdout)
        self.assertIn(f"(process {self.first.pid})", done.stdout)

    def test_what_the_other_commits_is_sent(self):
        app = self.device("app.db", self.url)
        app.execute("INSERT INTO item VALUES('by the second', 1)")
        self.until(lambda: one(self.other, "SELECT count(*) FROM item") == 1, "it did not come")

    def test_the_other_can_wait_until_all_is_synced(self):
        app = self.device("app.db", self.url)
        for number in range(5):
            app.execute("INSERT INTO item VALUES(?, 1)", (number,))
            self.assertEqual(one(app, "SELECT rejoin_wait_synced(?)", PATIENCE_MS), 1)
        self.synced(self.other)
        self.equal(app, self.other)
        self.until(lambda: ("background", "in another process") in self.states(app), lambda: links(app))

    def test_the_other_takes_over_from_one_that_is_killed(self):
        app = self.device("app.db", self.url)
        self.until(lambda: ("other process", "live") in self.states(app), lambda: links(app))
        self.first.kill()
        self.until(lambda: self.states(app) == [("background", "live")], lambda: links(app))
        app.execute("INSERT INTO item VALUES('afterwards', 1)")
        self.synced(app, self.other)
        self.equal(app, self.other)

    def test_the_other_takes_over_from_one_that_disconnects(self):
        app = self.device("app.db", self.url)
        self.until(lambda: ("other process", "live") in self.states(app), lambda: links(app))
        self.ask(self.first, "SELECT rejoin_disconnect()")
        self.until(lambda: self.states(app) == [("background", "live")], lambda: links(app))
        app.execute("SELECT rejoin_disconnect()").fetchall()
        self.assertEqual(self.locks(), [])

    def test_a_forked_child_is_another_process(self):
        """Its parent has the link, which the child did not inherit."""
        self.device("other2.db").close()
        script = """
import json, os, time
from loaded import connect
db = connect(sys.argv[2])
db.execute('SELECT rejoin_connect(?)', (sys.argv[3],)).fetchall()
assert db.execute('SELECT rejoin_wait_synced(30000)').fetchone()[0] == 1
if os.fork() == 0:
    own = connect(sys.argv[2])
    own.execute('SELECT rejoin_connect(?)', (sys.argv[3],)).fetchall()
    links, end = [], time.monotonic() + 30
    while len(links) < 2 and time.monotonic() < end:
        links = json.loads(own.execute('SELECT rejoin_status()').fetchone()[0])['links']
        time.sleep(0.01)
    print(sorted(link['mode'] for link in links), flush=True)
    os._exit(0)
os.wait()
"""
        done = subprocess.run([sys.executable, "-c", "import sys; sys.path.insert(0, sys.argv[1])\n" + script,
                               os.path.join(TESTS, "bindings"), self.path("other2.db"), self.url],
                              capture_output=True, text=True, timeout=90, check=False)
        self.assertEqual((done.stdout, done.stderr), ("['background', 'other process']\n", ""))

    def test_a_lock_file_that_nobody_holds_is_nothing(self):
        lock = self.locks()[0]
        self.first.kill()
        self.first.wait()
        self.assertEqual(self.locks(), [lock])  # left by who was killed
        done = subprocess.run([PROGRAM, "status", self.path("app.db")], capture_output=True, text=True, check=True)
        self.assertNotIn("process", done.stdout)
        app = self.device("app.db", self.url)
        self.assertEqual(one(app, "SELECT rejoin_wait_synced(?)", PATIENCE_MS), 1)
        self.assertEqual(self.states(app), [("background", "live")])

    def test_a_status_that_cannot_be_read_is_left_out(self):
        app = self.device("app.db", self.url)
        both = [("background", "in another process"), ("other process", "live")]
        self.until(lambda: self.states(app) == both, lambda: links(app))
        self.first.send_signal(signal.SIGSTOP)  # it would write it anew
        with open(self.path(self.locks()[0]), "r+", encoding="utf-8") as lock:
            lock.write("{not json")
        self.assertEqual(self.states(app), both[:1])


if __name__ == "__main__":
    unittest.main()
