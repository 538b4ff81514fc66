#!/usr/bin/env python3
"""Every example of docs/sql.md, and the lines of the README, run and give what they say."""

import fnmatch
import os
import re
import sqlite3
import sys
import unittest

from loaded import WithFiles, one

SOURCE = os.environ.get("REJOIN_SOURCE_DIR", ".")


def page_of(name):
    with open(os.path.join(SOURCE, name), encoding="utf-8") as file:
        return file.read()


def steps():
    """(line number, device or None, statement, expected lines) in order."""
    page = page_of("docs/sql.md")
    for block in re.finditer(r"^```sql\n(.*?)^```", page, re.M | re.S):
        number = page.count("\n", 0, block.start()) + 1
        device, statement, expected = None, [], []
        for line in block[1].splitlines() + ["-- on end"]:
            number += 1
            comment = re.match(r"-- (.*)", line)
            if comment and not comment[1].startswith("on "):
                expected.append(comment[1])
                continue
            if statement and statement[-1].endswith(";"):
                yield number - 1, device, "\n".join(statement), expected
                statement, expected = [], []
            if comment:
                device = comment[1][3:]
            elif line.strip():
                statement.append(line)


class Page(WithFiles):
    def setUp(self):
        super().setUp()
        self.dbs = {"phone": self.open("phone.db"), "laptop": self.open("laptop.db")}

    def test_the_lines_of_the_readme(self):
        lines = re.search(r"^```sql\n\.load \./rejoin\n(.*?)^```", page_of("README.md"), re.M | re.S)[1]
        statements = re.sub(r" *--.*", "", lines).strip().splitlines()
        # There is no hub here; that it would be spoken to is what can be seen.
        network = [statement for statement in statements if "rejoin_sync" in statement]
        self.assertEqual(len(network), 1)
        for statement in statements[:-2]:
            if statement in network:
                continue
            self.assertNotIn("error", "".join(self.run_on("phone", statement)))
        for statement in statements[:2]:
            self.run_on("laptop", statement)
        self.assertIn("cannot be reached", "".join(self.run_on("phone", network[0].replace("8787", "1"))))
        self.assertIn("blob", self.run_on("phone", statements[-2].replace("rejoin_delta", "typeof(rejoin_delta")
                                          .replace(";", ")")))
        self.assertEqual(self.run_on("laptop", statements[-1]), ["1"])

    def test_examples(self):
        device, ran = "phone", 0
        for number, here, statement, expected in steps():
            device = here or device
            with self.subTest(line=number, statement=statement):
                self.assertMatches(self.run_on(device, statement), expected)
            ran += 1
        self.assertGreater(ran, 40)

    def run_on(self, device, statement):
        other = "laptop" if device == "phone" else "phone"
        parameters = {}
        for name in re.findall(r"\$(\w+)", statement):
            parameters[name] = self.value_of(name, other)
        try:
            rows = self.dbs[device].execute(statement, parameters).fetchall()
        except sqlite3.Error as error:
            return [f"error: {error}"]
        return ["|".join("NULL" if value is None else str(value) for value in row) for row in rows]

    def value_of(self, name, other):
        device, what = name.split("_")
        receiver = one(self.dbs["laptop" if device == "phone" else "phone"], "SELECT rejoin_vv()")
        self.assertEqual(device, other)
        if what == "delta":
            return one(self.dbs[device], "SELECT rejoin_delta(?)", receiver)
        return one(self.dbs[device], f"SELECT rejoin_{what}()")

    def assertMatches(self, lines, expected):
        patterns = [re.sub(r"([\[\]?*])", r"[\1]", line).replace("…", "*") for line in expected]
        self.assertTrue(len(lines) == len(patterns) and
                        all(map(fnmatch.fnmatchcase, lines, patterns)), f"{lines} is not {expected}")


if __name__ == "__main__":
    sys.exit(unittest.main())
