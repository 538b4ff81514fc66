#!/usr/bin/env python3
"""Files that come back from the past, on a device or a hub, and files that were cloned: nothing is lost."""

import glob
import os
import shutil
import sys
import unittest

from random_writer import expect_equal, make_device
from servers import WithServers, connect, one

SIDECAR = "-rejoin"


class Identity(WithServers):
    def device(self, name, *keys):
        """A new file that has notes with these keys."""
        make_device(self.path(name)).close()
        self.write(name, *keys)

    def write(self, name, *keys):
        """Each in a transaction of its own."""
        db = connect(self.path(name))
        for key in keys:
            db.execute("INSERT INTO note(id, title) VALUES(?, ?)", (key, f"by {name}"))
        db.close()

    def keys(self, name):
        db = connect(self.path(name))
        found = {key for key, in db.execute("SELECT id FROM note")}
        db.close()
        return found

    def replica(self, name):
        db = connect(self.path(name))
        found = one(db, "SELECT rejoin_replica()")
        db.close()
        return found

    def copy(self, source, to, sidecar):
        for each in glob.glob(self.path(to) + "*"):
            os.remove(each)
        shutil.copy(self.path(source), self.path(to))
        if sidecar and os.path.exists(self.path(source) + SIDECAR):
            shutil.copy(self.path(source) + SIDECAR, self.path(to) + SIDECAR)

    def sync_all(self, url, *names):
        for _ in range(2):
            for name in names:
                self.sync(name, url)
        expect_equal(self, names)
        for name in names:
            self.expect_healthy(name)

    def restored(self, sidecar):
        """Of a device that wrote and synced after the copy was made, and writes on after it is put back."""
        hub = self.hub()
        self.device("a.db", "first")
        self.device("b.db", "b")
        for name in ("a.db", "b.db"):
            self.sync(name, hub.url())
        self.assertTrue(os.path.exists(self.path("a.db") + SIDECAR))
        self.copy("a.db", "old.db", sidecar=True)
        self.write("a.db", "synced 1", "synced 2")
        self.sync("a.db", hub.url())
        self.write("a.db", "lost, for nobody has it")
        if sidecar == "newer":  # only the database is put back
            shutil.copy(self.path("old.db"), self.path("a.db"))
        else:
            self.copy("old.db", "a.db", sidecar=sidecar == "older")
        self.write("a.db", "after 1", "after 2", "after 3")
        self.sync_all(hub.url(), "b.db", "a.db")
        self.assertEqual(self.keys("a.db"), {"first", "b", "synced 1", "synced 2", "after 1", "after 2", "after 3"})

    def test_a_device_restored_beside_its_newer_sidecar(self):
        self.restored("newer")

    def test_a_device_restored_without_a_sidecar(self):
        self.restored("none")

    def test_a_device_restored_with_its_older_sidecar(self):
        self.restored("older")

    def test_a_device_restored_and_synced_before_it_writes(self):
        hub = self.hub()
        self.device("a.db", "first")
        self.sync("a.db", hub.url())
        self.copy("a.db", "old.db", sidecar=True)
        self.write("a.db", "synced")
        self.sync("a.db", hub.url())
        self.copy("old.db", "a.db", sidecar=True)
        self.sync("a.db", hub.url())
        self.assertEqual(self.keys("a.db"), {"first", "synced"})
        self.write("a.db", "after")
        self.device("b.db")
        self.sync_all(hub.url(), "a.db", "b.db")
        self.assertEqual(self.keys("b.db"), {"first", "synced", "after"})

    def test_a_hub_restored(self):
        hub = self.hub()
        self.device("a.db", "a 1")
        self.device("b.db", "b 1")
        for name in ("a.db", "b.db"):
            self.sync(name, hub.url())
        self.assertEqual(hub.end(), 0)
        shutil.copytree(self.path("rooms"), self.path("old rooms"))
        hub.start()
        self.write("a.db", "a 2", "a 3")
        self.write("b.db", "b 2")
        self.sync("a.db", hub.url())
        self.sync("b.db", hub.url())
        db = connect(self.path("a.db"))
        db.execute("DELETE FROM note WHERE id = 'b 1'")
        db.close()
        self.sync("a.db", hub.url())
        self.assertEqual(hub.end(), 0)
        shutil.rmtree(self.path("rooms"))
        shutil.move(self.path("old rooms"), self.path("rooms"))

        # The hub's order grows past where it was, by changes of somebody new.
        hub.start()
        self.device("c.db", *[f"c {i}" for i in range(10)])
        self.sync("c.db", hub.url())
        self.sync_all(hub.url(), "a.db", "b.db", "c.db")
        self.assertEqual(self.keys("c.db"), {"a 1", "a 2", "a 3", "b 2"} | {f"c {i}" for i in range(10)})
        self.device("d.db")
        self.sync_all(hub.url(), "d.db", "a.db")

    def test_a_hub_whose_rooms_are_lost(self):
        hub = self.hub()
        self.device("a.db", "a")
        self.device("b.db", "b")
        self.sync_all(hub.url(), "a.db", "b.db")
        hub.kill()
        shutil.rmtree(self.path("rooms"))
        hub.start()
        self.write("b.db", "b 2")
        self.sync_all(hub.url(), "b.db", "a.db")
        self.device("c.db")
        self.sync_all(hub.url(), "c.db", "a.db")
        self.assertEqual(self.keys("c.db"), {"a", "b", "b 2"})

    def cloned(self, sidecar, order):
        hub = self.hub()
        self.device("a.db", "first")
        self.device("b.db")
        for name in ("a.db", "b.db"):
            self.sync(name, hub.url())
        self.copy("a.db", "clone.db", sidecar)
        for turn in range(3):
            self.write("a.db", f"a {turn}")
            self.write("clone.db", f"clone {turn}", f"clone {turn} too")
            for name in order:
                self.sync(name, hub.url())
        names = ("a.db", "clone.db", "b.db")
        self.sync_all(hub.url(), *names)
        wanted = {"first"}
        for turn in range(3):
            wanted |= {f"a {turn}", f"clone {turn}", f"clone {turn} too"}
        for name in names:
            self.assertEqual(self.keys(name), wanted, name)
        self.assertEqual(len({self.replica(name) for name in names}), 3)

    def test_two_clones_that_both_write(self):
        self.cloned(sidecar=False, order=("a.db", "clone.db"))

    def test_two_clones_that_both_write_the_last_one_first(self):
        self.cloned(sidecar=False, order=("clone.db", "a.db"))

    def test_two_clones_with_one_sidecar(self):
        self.cloned(sidecar=True, order=("a.db", "clone.db"))

    def test_two_clones_with_one_sidecar_the_last_one_first(self):
        self.cloned(sidecar=True, order=("clone.db", "a.db"))

    def test_what_sync_said_is_done_survives_a_kill_of_the_hub(self):
        hub = self.hub()
        self.device("a.db")
        for turn in range(8):
            self.write("a.db", f"turn {turn}")
            self.sync("a.db", hub.url())
            hub.kill()
            hub.start()
            name = f"fresh {turn}.db"
            self.device(name)
            self.sync(name, hub.url())
            self.assertEqual(self.keys(name), {f"turn {i}" for i in range(turn + 1)})

    def test_what_sync_said_is_done_survives_a_kill_of_the_device_that_served(self):
        self.device("served.db", "served")
        server = self.serve("serve", self.path("served.db"))
        self.device("a.db", "a")
        self.sync("a.db", server.url())
        server.kill()
        self.assertEqual(self.keys("served.db"), {"served", "a"})
        self.expect_healthy("served.db")
        server.start()
        self.sync_all(server.url(), "a.db")
        expect_equal(self, ("served.db", "a.db"))


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=2))
