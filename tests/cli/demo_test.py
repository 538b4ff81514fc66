#!/usr/bin/env python3
"""`rejoin demo`: one screen, the same each time, true, and what the README shows."""

import os
import re
import sqlite3
import sys
import unittest

from program import ERROR, SOURCE, WithFolder

NAME = "build/release/rejoin"  # as scripts/demo.sh calls it
MOST_LINES, MOST_COLUMNS = 40, 100


class Demo(WithFolder):
    def demo(self, *arguments, **options):
        return self.run_rejoin("demo", *arguments, name=NAME, **options)

    def test_is_what_the_readme_shows(self):
        with open(os.path.join(SOURCE, "README.md"), encoding="utf-8") as file:
            readme = file.read()
        shown = re.search(r"^```text\n\$ scripts/demo.sh\n(.*?)^```", readme, re.M | re.S)
        self.assertIsNotNone(shown)
        self.assertEqual(self.demo(), shown[1])

    def test_is_one_screen(self):
        lines = self.demo().splitlines()
        self.assertLessEqual(len(lines), MOST_LINES)
        self.assertLessEqual(max(map(len, lines)), MOST_COLUMNS)

    def test_is_plain_where_stdout_is_no_terminal(self):
        self.assertNotIn("\033", self.demo())

    def test_a_seed_gives_one_transcript(self):
        first = self.demo("--seed", "7")
        self.assertEqual(first, self.demo("--seed", "7"))
        self.assertNotEqual(first, self.demo("--seed", "8"))

    def test_every_seed_ends_well(self):
        for seed in range(2, 6):
            text = self.demo("--seed", str(seed))
            self.assertIn("both kept", text)
            self.assertNotIn("NOT EQUAL", text)
            digests = re.search(r"^digest +(\S+) +(\S+) +(\S+)$", text, re.M)
            self.assertEqual(len({digests[1], digests[2], digests[3]}), 1)

    def test_leaves_nothing_behind(self):
        self.demo(environment={"TMPDIR": self.folder})
        self.assertEqual(os.listdir(self.folder), [])

    def test_kept_files_are_what_it_said(self):
        text = self.demo("--keep", "shop")
        self.assertIn("shop/phone.db", text)
        self.run_rejoin("diff", "shop/phone.db", "shop/laptop.db")
        self.run_rejoin("diff", "shop/laptop.db", "shop/tablet.db")
        for device in ("phone", "laptop", "tablet"):
            self.run_rejoin("doctor", f"shop/{device}.db")
            db = sqlite3.connect(self.path(f"shop/{device}.db"))
            self.assertEqual(db.execute("PRAGMA foreign_key_check").fetchall(), [])
            qty, price = db.execute("SELECT qty, price FROM order_line WHERE order_id = 12 AND line = 1").fetchone()
            self.assertEqual((qty, price), (3, 9))
            db.close()
        status = self.json_of("status", "shop/tablet.db")
        self.assertEqual(status["quarantined"], 1)

    def test_keeps_out_of_a_folder_that_has_something(self):
        os.mkdir(self.path("shop"))
        with open(self.path("shop/mine"), "w", encoding="utf-8"):
            pass
        self.demo("--keep", "shop", status=ERROR)
        self.assertEqual(os.listdir(self.path("shop")), ["mine"])


if __name__ == "__main__":
    sys.exit(unittest.main())
