#!/usr/bin/env python3
"""Rows that were lost behind everybody's back, on a device or a hub, come back within a day, and people are told."""

import json
import sqlite3
import sys
import unittest

from random_writer import expect_equal, make_device
from servers import WithServers, connect, one


class Compare(WithServers):
    def device(self, name, *keys):
        make_device(self.path(name)).close()
        db = connect(self.path(name))
        for key in keys:
            db.execute("INSERT INTO note(id, title) VALUES(?, ?)", (key, f"by {name}"))
        db.close()

    def sync_once(self, name, url):
        db = connect(self.path(name))
        report = json.loads(one(db, f"SELECT rejoin_sync('{url}')"))
        db.close()
        return report

    def keys(self, name):
        db = connect(self.path(name))
        found = {key for key, in db.execute("SELECT id FROM note")}
        db.close()
        return found

    def findings(self, name):
        db = connect(self.path(name))
        found = [text for text, in db.execute("SELECT message FROM rejoin_log WHERE kind = 'digest'")]
        db.close()
        return found

    def behind_its_back(self, name, *statements):
        """As nobody should: triggers and schema are afterwards as they were."""
        db = sqlite3.connect(self.path(name), isolation_level=None)
        version = db.execute("PRAGMA schema_version").fetchone()[0]
        triggers = db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        db.execute("BEGIN")
        for trigger, _ in triggers:
            db.execute(f'DROP TRIGGER "{trigger}"')
        for statement in statements:
            self.assertGreater(db.execute(statement).rowcount, 0, statement)
        for _, sql in triggers:
            db.execute(sql)
        db.execute("COMMIT")
        db.execute(f"PRAGMA schema_version = {version}")
        db.close()

    def a_day_passes(self, name):
        self.behind_its_back(name, "DELETE FROM rejoin__meta WHERE name LIKE 'compared %'")

    def test_a_first_sync_compares_and_the_next_ones_do_not(self):
        hub = self.hub()
        self.device("a.db", "1", "2")
        self.assertIs(self.sync_once("a.db", hub.url())["compared"], True)
        self.assertIs(self.sync_once("a.db", hub.url())["compared"], None)
        self.a_day_passes("a.db")
        self.assertIs(self.sync_once("a.db", hub.url())["compared"], True)
        self.assertEqual(self.findings("a.db"), [])

    def test_a_row_that_a_device_lost(self):
        hub = self.hub()
        self.device("a.db", "1", "2", "3")
        self.sync_once("a.db", hub.url())
        self.behind_its_back("a.db", "DELETE FROM note WHERE id = '2'")
        self.sync_once("a.db", hub.url())
        self.assertEqual(self.keys("a.db"), {"1", "3"})
        self.a_day_passes("a.db")
        report = self.sync_once("a.db", hub.url())
        self.assertIs(report["compared"], True)
        self.assertEqual(self.keys("a.db"), {"1", "2", "3"})
        found = self.findings("a.db")
        self.assertEqual(len(found), 2, found)
        self.assertIn("hold different states", found[0])
        self.assertIn("both hold the same", found[1])
        self.assertIn("both hold the same", hub.words())
        self.expect_healthy("a.db")

    def test_a_row_that_a_hub_lost(self):
        hub = self.hub()
        self.device("a.db", "1", "2", "3")
        self.sync_once("a.db", hub.url())
        self.assertEqual(hub.end(), 0)
        room = sqlite3.connect(self.path("rooms/room.room"), isolation_level=None)
        self.assertEqual(room.execute("DELETE FROM row WHERE position = 2").rowcount, 1)
        room.close()
        hub.start()
        self.device("b.db")
        self.sync_once("b.db", hub.url())
        self.assertEqual(len(self.keys("b.db")), 2)
        self.a_day_passes("a.db")
        self.assertIs(self.sync_once("a.db", hub.url())["compared"], True)
        self.device("c.db")
        self.sync_once("c.db", hub.url())
        self.assertEqual(self.keys("c.db"), {"1", "2", "3"})
        self.a_day_passes("b.db")
        self.assertIs(self.sync_once("b.db", hub.url())["compared"], True)
        expect_equal(self, ("a.db", "b.db", "c.db"))


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=2))
