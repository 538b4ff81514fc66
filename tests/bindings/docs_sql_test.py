#!/usr/bin/env python3
"""Every example of docs/sql.md runs and gives what the page says."""

import fnmatch
import os
import re
import sqlite3
import sys
import unittest

from loaded import WithFiles, one

PAGE = os.path.join(os.environ.get("REJOIN_SOURCE_DIR", "."), "docs", "sql.md")


def steps():
    """(line number, device or None, statement, expected lines) in order."""
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
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
    def test_examples(self):
        self.dbs = {"phone": self.open("phone.db"), "laptop": self.open("laptop.db")}
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
