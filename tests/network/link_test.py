#!/usr/bin/env python3
"""rejoin_connect(): staying in sync in the background, inside an application that goes on."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import unittest

from links import PATIENCE_MS, TABLE, WithLinks, links
from servers import DEADLINE_S, EXTENSION, connect, one

class Following(WithLinks):
    def test_what_is_committed_here_is_there(self):
        hub = self.hub()
        phone, laptop = self.device("phone.db", hub.url()), self.device("laptop.db", hub.url())
        for number in range(20):
            phone.execute("INSERT INTO item VALUES(?, ?)", (f"p{number}", number))
            laptop.execute("INSERT INTO item VALUES(?, ?)", (f"l{number}", number))
            self.synced(phone, laptop)
            self.assertEqual(one(phone, "SELECT count(*) FROM item"), 2 * number + 2)
            self.assertEqual(one(laptop, "SELECT count(*) FROM item"), 2 * number + 2)
        self.equal(phone, laptop)
        self.assertEqual([link["state"] for link in links(phone)], ["live"])

    def test_a_commit_is_sent_without_being_waited_for(self):
        hub = self.hub()
        phone, laptop = self.device("phone.db", hub.url()), self.device("laptop.db", hub.url())
        self.synced(phone, laptop)
        phone.execute("INSERT INTO item VALUES('milk', 1)")
        self.until(lambda: one(laptop, "SELECT count(*) FROM item") == 1, "it did not come")

    def test_what_another_process_commits_is_sent_too(self):
        hub = self.hub()
        phone, laptop = self.device("phone.db", hub.url()), self.device("laptop.db", hub.url())
        self.synced(phone, laptop)
        script = ("import sys; sys.path.insert(0, sys.argv[1]); from loaded import connect;"
                  "connect(sys.argv[2]).execute(\"INSERT INTO item VALUES('other', 1)\")")
        bindings = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "bindings")
        subprocess.run([sys.executable, "-c", script, bindings, self.path("phone.db")], check=True)
        self.until(lambda: one(laptop, "SELECT count(*) FROM item") == 1, "it did not come")

    def test_a_device_hands_on_what_it_hears(self):
        """Two hubs with a device between them."""
        left, right = self.hub(), self.serve("hub", "--dir", self.path("others"), told="told2")
        between = self.device("between.db", left.url())
        self.synced(between)  # two new hubs that heard of it at once would make two rooms
        one(between, "SELECT rejoin_connect(?)", right.url())
        self.synced(between)
        a, b = self.device("a.db", left.url()), self.device("b.db", right.url())
        a.execute("INSERT INTO item VALUES('from a', 1)")
        b.execute("INSERT INTO item VALUES('from b', 2)")
        self.until(lambda: one(a, "SELECT count(*) FROM item") == 2 == one(b, "SELECT count(*) FROM item"),
                   "they did not come together")
        self.assertEqual(len(links(between)), 2)

    def test_a_first_sync_goes_on_while_the_application_writes(self):
        hub = self.hub()
        full = self.device("full.db", hub.url())
        full.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 200000)"
                     "INSERT INTO item SELECT hex(randomblob(8)), i FROM n")
        self.synced(full)
        empty = self.device("empty.db", timeout=0)
        one(empty, "SELECT rejoin_connect(?)", hub.url())
        written = 0
        while one(empty, "SELECT count(*) FROM item") < 200000 + written:
            empty.execute("INSERT INTO item VALUES(?, 0)", (f"mine{written}",))
            written += 1
        self.synced(empty, full)
        self.equal(empty, full)


class Hosts(WithLinks):
    """Living inside an application."""

    MERGES = 1000

    def test_who_does_not_wait_for_locks_is_never_refused(self):
        for mode in ("WAL", "DELETE"):
            with self.subTest(mode):
                self.alone_with_its_file(mode)

    def alone_with_its_file(self, mode):
        hub = self.serve("hub", "--dir", self.path("rooms" + mode), told="told" + mode)
        app = self.device(f"app{mode}.db")
        app.execute("PRAGMA busy_timeout = 0")
        app.execute(f"PRAGMA journal_mode = {mode}")
        self.assertEqual(one(app, "SELECT rejoin_connect(?)", hub.url()), 1)
        other = self.device(f"other{mode}.db", hub.url())
        self.synced(app, other)
        done = threading.Event()
        failed = []

        def write():
            try:
                mine = connect(self.path(f"other{mode}.db"))
                for number in range(self.MERGES):
                    mine.execute("INSERT INTO item VALUES(?, ?)", (f"o{number}", number))
                    time.sleep(0.001)  # so that they are not joined as one
                mine.close()
            except sqlite3.Error as error:
                failed.append(error)
            done.set()

        writer = threading.Thread(target=write)
        writer.start()
        written = 0
        while not done.is_set():
            app.execute("INSERT INTO item VALUES(?, 1)", (f"a{written}",))
            app.execute("BEGIN IMMEDIATE")
            app.execute("UPDATE item SET qty = qty + 1 WHERE id = ?", (f"a{written}",))
            app.execute("SELECT count(*) FROM item").fetchall()
            app.execute("COMMIT")
            written += 1
        writer.join()
        self.assertEqual(failed, [])
        self.synced(app, other)
        self.equal(app, other)
        self.assertEqual(one(app, "SELECT count(*) FROM item"), self.MERGES + written)
        self.assertGreater(links(app)[0]["rows_received"], 0)

    def test_a_transaction_that_reads_is_waited_for(self):
        """What a background merge may do to a reader that turns writer, it does not do at once."""
        hub = self.hub()
        app, other = self.device("app.db", hub.url(), timeout=0), self.device("other.db", hub.url())
        self.synced(app, other)
        app.execute("BEGIN")
        before = one(app, "SELECT count(*) FROM item")
        other.execute("INSERT INTO item VALUES('theirs', 1)")
        self.synced(other)
        time.sleep(0.3)
        app.execute("INSERT INTO item VALUES('mine', ?)", (before,))
        app.execute("COMMIT")
        self.synced(app, other)
        self.equal(app, other)

    def test_an_open_cursor_does_not_hold_back_what_comes(self):
        hub = self.hub()
        app, other = self.device("app.db", hub.url()), self.device("other.db", hub.url())
        app.executemany("INSERT INTO item VALUES(?, 1)", ((str(i),) for i in range(1000)))
        self.synced(app, other)
        cursor = app.execute("SELECT id FROM item")
        cursor.fetchone()
        other.execute("INSERT INTO item VALUES('theirs', 1)")
        looking = connect(self.path("app.db"))
        self.addCleanup(looking.close)
        self.until(lambda: one(looking, "SELECT count(*) FROM item") == 1001, "it did not come")
        cursor.close()

    def test_connections_share_a_link(self):
        hub = self.hub()
        first, second = self.device("app.db", hub.url()), self.device("app.db", hub.url())
        self.assertEqual(len(links(first)), 1)
        self.assertEqual(one(first, "SELECT rejoin_connect(?)", hub.url()), 0)
        first.close()
        second.execute("INSERT INTO item VALUES('still', 1)")
        self.synced(second)
        self.assertEqual(len(links(second)), 1)

    def test_disconnecting(self):
        hub = self.hub()
        app = self.device("app.db", hub.url())
        self.synced(app)
        self.assertEqual(one(app, "SELECT rejoin_disconnect('ws://elsewhere/room')"), 0)
        self.assertEqual(one(app, "SELECT rejoin_disconnect(?)", hub.url()), 1)
        self.assertEqual(links(app), [])
        self.refuses(app, "SELECT rejoin_wait_synced(1)", "there is no link")
        self.assertEqual(one(app, "SELECT rejoin_connect(?)", hub.url()), 1)
        app.execute("INSERT INTO item VALUES('again', 1)")
        self.synced(app)

    def test_closing_takes_a_second_at_most(self):
        """Also while the hub does not answer."""
        with socket.create_server(("127.0.0.1", 0)) as silent:
            app = self.device("app.db", f"ws://127.0.0.1:{silent.getsockname()[1]}/room")
            time.sleep(0.1)
            begun = time.monotonic()
            app.close()
            self.assertLess(time.monotonic() - begun, 10)  # a guard against a hang: docs say a second

    def run_host(self, script, *arguments):
        """An application of its own; returns what it printed."""
        bindings = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "bindings")
        done = subprocess.run([sys.executable, "-c", "import sys; sys.path.insert(0, sys.argv[1])\n" + script,
                               bindings, *arguments], capture_output=True, text=True, timeout=DEADLINE_S, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        return done.stdout

    def test_exit_without_goodbye(self):
        hub = self.hub()
        for name, ending in (("returns", ""), ("exits", "sys.exit(0)"), ("hard", "import os; os._exit(0)")):
            with self.subTest(name):
                self.device(name + ".db")
                self.run_host("from loaded import connect\ndb = connect(sys.argv[2])\n"
                              "db.execute('SELECT rejoin_connect(?)', (sys.argv[3],)).fetchall()\n"
                              f"db.execute(\"INSERT INTO item VALUES('{name}', 1)\")\n"
                              "assert db.execute('SELECT rejoin_wait_synced(30000)').fetchone()[0] == 1\n" + ending,
                              self.path(name + ".db"), hub.url())
        last = self.device("last.db", hub.url())
        self.synced(last)
        self.assertEqual({row[0] for row in last.execute("SELECT id FROM item")}, {"returns", "exits", "hard"})

    def test_forks(self):
        """The parent's link goes on; the child has none, may open the file anew, and ends in peace."""
        hub = self.hub()
        self.device("app.db")
        told = self.run_host("""
import os
from loaded import connect
db = connect(sys.argv[2])
db.execute("PRAGMA busy_timeout = 10000")
db.execute('SELECT rejoin_connect(?)', (sys.argv[3],)).fetchall()
for number in range(20):
    db.execute("INSERT INTO item VALUES(?, 1)", (f"parent{number}",))
    child = os.fork()
    if child == 0:
        own = connect(sys.argv[2])
        own.execute("PRAGMA busy_timeout = 10000")
        own.execute("INSERT INTO item VALUES(?, 1)", (f"child{number}",))
        own.close()
        sys.exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
assert db.execute('SELECT rejoin_wait_synced(30000)').fetchone()[0] == 1
db.close()
print("done")
""", self.path("app.db"), hub.url())
        self.assertEqual(told, "done\n")
        last = self.device("last.db", hub.url())
        self.synced(last)
        self.assertEqual(one(last, "SELECT count(*) FROM item"), 40)

    def test_the_shell_is_a_host(self):
        hub = self.hub()
        # The shell switches SQLite's mutexes off, so what is in the background cannot wait for it.
        script = (f".timeout 10000\n.load {EXTENSION}\n{TABLE}\nSELECT rejoin_connect('{hub.url()}');\n"
                  "INSERT INTO item VALUES('shell', 1);\nSELECT rejoin_wait_synced(30000);\n")
        done = subprocess.run(["sqlite3", self.path("shell.db")], input=script, capture_output=True, text=True,
                              timeout=DEADLINE_S, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout.split(), ["0", "1", "1"])
        last = self.device("last.db", hub.url())
        self.synced(last)
        self.assertEqual(one(last, "SELECT id FROM item"), "shell")


class Steps(WithLinks):
    """Everything on the caller's connection, when the caller says so."""

    def test_a_database_in_memory_is_synced_in_steps(self):
        hub = self.hub()
        db = connect()
        self.addCleanup(db.close)
        db.executescript(TABLE)
        self.refuses(db, f"SELECT rejoin_connect('{hub.url()}')", "rejoin_step")
        self.assertEqual(one(db, "SELECT rejoin_connect(?, ?)", hub.url(), '{"step": true}'), 1)
        db.execute("INSERT INTO item VALUES('memory', 1)")
        self.assertEqual(one(db, "SELECT rejoin_wait_synced(?)", PATIENCE_MS), 1)
        other = self.device("other.db", hub.url())
        other.execute("INSERT INTO item VALUES('file', 1)")
        self.synced(other)
        self.assertEqual(one(other, "SELECT count(*) FROM item"), 2)
        self.until(lambda: one(db, "SELECT rejoin_step(10)") and one(db, "SELECT count(*) FROM item") == 2,
                   "it did not come")
        self.assertEqual(links(db)[0]["mode"], "step")

    def test_nothing_is_merged_between_steps(self):
        hub = self.hub()
        app, other = self.device("app.db", hub.url(), step=True), self.device("other.db", hub.url())
        self.assertEqual(one(app, "SELECT rejoin_wait_synced(?)", PATIENCE_MS), 1)
        other.execute("INSERT INTO item VALUES('theirs', 1)")
        self.synced(other)
        time.sleep(0.2)
        self.assertEqual(one(app, "SELECT count(*) FROM item"), 0)
        self.assertEqual(one(app, "SELECT rejoin_wait_synced(?)", PATIENCE_MS), 1)
        self.assertEqual(one(app, "SELECT count(*) FROM item"), 1)


class Troubles(WithLinks):
    def test_a_hub_that_is_not_there_yet(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        app = self.device("app.db", f"ws://127.0.0.1:{port}/room")
        self.until(lambda: links(app)[0]["error"], lambda: links(app))
        self.assertIn("cannot be reached", links(app)[0]["error"])
        self.assertEqual(one(app, "SELECT rejoin_wait_synced(1)"), 0)
        app.execute("INSERT INTO item VALUES('early', 1)")
        hub = self.serve("hub", "--dir", self.path("rooms"), port=port)
        self.synced(app)
        self.assertIsNone(links(app)[0]["error"])
        other = self.device("other.db", hub.url())
        self.synced(other)
        self.assertEqual(one(other, "SELECT id FROM item"), "early")

    def test_a_hub_that_is_killed_and_comes_back(self):
        hub = self.hub()
        app, other = self.device("app.db", hub.url()), self.device("other.db", hub.url())
        for number in range(5):
            self.synced(app, other)
            port = hub.port
            hub.kill()
            app.execute("INSERT INTO item VALUES(?, 1)", (f"a{number}",))
            other.execute("INSERT INTO item VALUES(?, 1)", (f"o{number}",))
            hub = self.serve("hub", "--dir", self.path("rooms"), port=port)
        self.synced(app, other)
        self.equal(app, other)
        self.assertGreaterEqual(links(app)[0]["conversations"], 5)

    def test_another_room_is_told_of_and_not_joined(self):
        hub = self.hub()
        app, other = self.device("app.db", hub.url("a")), self.device("other.db", hub.url("b"))
        self.synced(app, other)
        one(app, "SELECT rejoin_disconnect()")
        one(app, "SELECT rejoin_connect(?)", hub.url("b"))
        self.until(lambda: links(app)[0]["error"], lambda: links(app))
        self.assertIn("another room", links(app)[0]["error"])

    def test_bad_arguments(self):
        app = self.device("app.db")
        for url in ("http://x/y", "", "ws://x", "wss://x/y"):
            self.refuses(app, "SELECT rejoin_connect(?)", "ws", url)
        self.refuses(app, "SELECT rejoin_connect('ws://x/y', '{\"nmae\": 1}')", "nmae")
        self.refuses(app, "SELECT rejoin_connect('ws://x/y', '{\"step\": 1}')", "true or false")
        self.refuses(app, "SELECT rejoin_connect()", "1 to 2 arguments")
        self.refuses(app, "SELECT rejoin_connect(NULL)", "the URL")
        self.refuses(app, "SELECT rejoin_wait_synced('soon')", "whole number")
        self.refuses(app, "SELECT rejoin_wait_synced(-1)", "below 0")
        self.refuses(app, "SELECT rejoin_step(1)", "there is no link")
        app.execute("BEGIN")
        self.refuses(app, "SELECT rejoin_connect('ws://x/y')", "COMMIT or ROLLBACK")
        app.execute("ROLLBACK")
        plain = self.open("plain.db")
        self.refuses(plain, "SELECT rejoin_connect('ws://x/y')", "rejoin_track")
        app.execute("PRAGMA locking_mode = EXCLUSIVE")
        self.refuses(app, "SELECT rejoin_connect('ws://x/y')", "EXCLUSIVE")

    def test_waiting_is_for_what_is_committed(self):
        hub = self.hub()
        app = self.device("app.db", hub.url())
        app.execute("BEGIN")
        self.refuses(app, "SELECT rejoin_wait_synced(1000)", "COMMIT or ROLLBACK")
        self.refuses(app, "SELECT rejoin_step(1000)", "COMMIT or ROLLBACK")
        app.execute("COMMIT")


if __name__ == "__main__":
    unittest.main()
