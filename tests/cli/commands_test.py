#!/usr/bin/env python3
"""Each command: what it prints, its exit status, and what it leaves alone."""

import json
import os
import sys
import unittest

from program import ERROR, FOUND, OK, USAGE, WithFolder, rejoin

NOBODY = 65534
COMMANDS = ("track", "untrack", "status", "version", "diff", "doctor", "export", "import", "demo")
SCHEMA = "CREATE TABLE todo(id TEXT PRIMARY KEY NOT NULL, title TEXT);"
ROWS = "INSERT INTO todo VALUES('milk', 'Milk'), ('eggs', 'Eggs');"
NEEDS_FILE = (["track", "{}", "todo"], ["untrack", "{}", "todo"], ["status", "{}"], ["doctor", "{}"],
              ["diff", "{}", "{}"], ["export", "{}", "-o", "x.delta"], ["import", "{}", "x.delta"])


class Usage(WithFolder):
    def test_help_lists_every_command_and_the_statuses(self):
        text = self.run_rejoin("--help")
        for command in COMMANDS:
            self.assertIn(f"  {command} ", text)
        self.assertIn("Exit status", text)

    def test_each_command_has_help_with_an_example(self):
        for command in COMMANDS:
            text = self.run_rejoin(command, "--help")
            self.assertIn(f"Example:\n  rejoin {command}", text)

    def test_wrong_command_lines(self):
        self.make("a.db", SCHEMA)
        for arguments in ([], ["nothing"], ["track"], ["track", "a.db"], ["untrack", "a.db"],
                          ["track", "a.db", "todo", "--all"], ["diff", "a.db"], ["export", "a.db"],
                          ["import", "a.db"], ["track", "a.db", "todo", "--same-key", "oldest"],
                          ["status", "a.db", "b.db"], ["diff", "a.db", "b.db", "--limit", "x"],
                          ["export", "a.db", "-o", "d", "--since", "v", "--for", "b.db"]):
            self.run_rejoin(*arguments, status=USAGE)

    def test_version(self):
        self.assertRegex(self.run_rejoin("--version"), r"^\d+\.\d+\.\d+ \(\w+\)\n$")
        self.assertEqual(set(self.json_of("version")), {"version", "commit", "format", "protocol"})


class Files(WithFolder):
    def each(self, name, words):
        for arguments in NEEDS_FILE:
            arguments = [part.format(name) for part in arguments]
            before = sorted(os.listdir(self.folder))
            done = rejoin(*arguments, folder=self.folder)
            self.assertEqual(done.returncode, ERROR, arguments)
            self.assertIn(words, done.stderr.decode(), arguments)
            self.assertEqual(sorted(os.listdir(self.folder)), before, arguments)

    def test_a_missing_file_is_not_made(self):
        self.each("missing.db", "no such file")

    def test_what_is_no_database(self):
        with open(self.path("text.db"), "w", encoding="utf-8") as file:
            file.write("no database " * 100)
        self.each("text.db", "not an SQLite database")

    def test_a_folder(self):
        os.mkdir(self.path("folder.db"))
        self.each("folder.db", "cannot be opened")

    def test_a_newer_format_is_not_written(self):
        self.make("a.db", SCHEMA + ROWS)
        self.run_rejoin("track", "a.db", "todo")
        self.make("a.db", "UPDATE rejoin__meta SET value = 99 WHERE name = 'format'")
        before = self.read("a.db")
        for arguments in (["track", "a.db", "todo"], ["untrack", "a.db", "--all"],
                          ["export", "a.db", "-o", "d"], ["import", "a.db", "-"]):
            self.run_rejoin(*arguments, status=ERROR, stdin=b"")
        self.assertIn("newer version", self.run_rejoin("status", "a.db"))
        self.assertEqual(self.read("a.db"), before)

    def test_a_file_that_can_only_be_read(self):
        user = NOBODY if os.geteuid() == 0 else None  # root may write everything
        self.make("a.db", SCHEMA + ROWS)
        self.run_rejoin("track", "a.db", "todo")
        os.chmod(self.folder, 0o755)
        os.chmod(self.path("a.db"), 0o444)
        try:
            rejoin("version", user=user)
        except PermissionError:
            self.skipTest("the build is where only root can see it")
        for arguments in (["track", "a.db", "todo", "--fire-triggers"], ["untrack", "a.db", "todo"]):
            done = self.run_rejoin(*arguments, status=ERROR, user=user)
            self.assertEqual(done, "")
        self.assertIn("(read-only)", self.run_rejoin("status", "a.db", user=user))
        self.run_rejoin("doctor", "a.db", user=user)
        self.run_rejoin("diff", "a.db", "a.db", user=user)


class Track(WithFolder):
    def test_tracks_and_forgets(self):
        self.make("a.db", SCHEMA + ROWS)
        self.assertEqual(self.json_of("track", "a.db", "todo"), {"tables": [{"table": "todo", "adopted": 2}]})
        status = self.json_of("status", "a.db")
        self.assertEqual([table["rows"] for table in status["table_list"]], [2])
        self.assertEqual(self.run_rejoin("untrack", "a.db", "todo"), "todo: no longer tracked; its rows stay\n")
        self.assertEqual(self.json_of("status", "a.db")["table_list"], [])
        self.run_rejoin("untrack", "a.db", "--all")
        self.assertFalse(self.json_of("status", "a.db")["set_up"])

    def test_all_or_none(self):
        self.make("a.db", SCHEMA + "CREATE TABLE keyless(x);")
        self.run_rejoin("track", "a.db", "todo", "keyless", status=ERROR)
        self.assertFalse(self.json_of("status", "a.db")["set_up"])

    def test_all_leaves_out_what_cannot_be_tracked_and_says_so(self):
        self.make("a.db", SCHEMA + "CREATE TABLE keyless(x);")
        tables = {entry["table"]: entry for entry in self.json_of("track", "a.db", "--all")["tables"]}
        self.assertEqual(tables["todo"]["adopted"], 0)
        self.assertIn("left_out", tables["keyless"])

    def test_options(self):
        self.make("a.db", SCHEMA)
        self.run_rejoin("track", "a.db", "todo", "--same-key", "newest", "--delete-wins", "--name", "t")
        table, = self.json_of("status", "a.db")["table_list"]
        self.assertEqual((table["name"], table["same_key"], table["delete_wins"]), ("t", "newest", 1))


class Exchange(WithFolder):
    def setUp(self):
        super().setUp()
        self.make("a.db", SCHEMA + ROWS)
        self.make("b.db", SCHEMA)
        for name in ("a.db", "b.db"):
            self.run_rejoin("track", name, "todo")

    def test_round_trip(self):
        done = self.json_of("export", "a.db", "-o", "a.delta", "--for", "b.db")
        self.assertEqual((done["rows"], done["bytes"]), (2, os.path.getsize(self.path("a.delta"))))
        merged, = self.json_of("import", "b.db", "a.delta")["merged"]
        self.assertEqual(merged["rows_changed"], 2)
        merged = self.json_of("import", "b.db", "a.delta", "a.delta")["merged"]
        self.assertEqual([entry["rows_changed"] for entry in merged], [0, 0])
        self.assertTrue(self.json_of("diff", "a.db", "b.db")["equal"])
        self.run_rejoin("doctor", "b.db")

    def test_since_a_vector_and_through_pipes(self):
        with open(self.path("vv.json"), "w", encoding="utf-8") as file:
            file.write("{}")
        delta = self.run_rejoin("export", "a.db", "-o", "-", "--since", "vv.json")
        self.run_rejoin("import", "b.db", "-", stdin=delta)
        self.assertTrue(self.json_of("diff", "a.db", "b.db")["equal"])
        with open(self.path("vv.json"), "w", encoding="utf-8") as file:
            file.write("[1]")
        self.run_rejoin("export", "a.db", "-o", "x", "--since", "vv.json", status=ERROR)

    def test_does_not_overwrite(self):
        self.run_rejoin("export", "a.db", "-o", "b.db", status=ERROR)
        self.run_rejoin("export", "a.db", "-o", "a.delta")
        self.run_rejoin("export", "a.db", "-o", "a.delta", status=ERROR)
        self.run_rejoin("export", "a.db", "-o", "a.delta", "--force")
        self.assertNotIn("a.delta.part", os.listdir(self.folder))

    def test_damage_is_an_error_and_changes_nothing(self):
        self.run_rejoin("export", "a.db", "-o", "a.delta")
        delta = self.read("a.delta")
        for broken in (delta[:-1], delta[:40] + bytes([delta[40] ^ 1]) + delta[41:], delta + b"x", b""):
            self.run_rejoin("import", "b.db", "-", stdin=broken, status=ERROR)
        self.assertFalse(self.json_of("diff", "a.db", "b.db", status=FOUND)["equal"])
        self.run_rejoin("import", "b.db", "missing.delta", status=ERROR)
        self.run_rejoin("import", "b.db", self.folder, status=ERROR)


class Doctor(WithFolder):
    def findings(self, status=FOUND):
        return self.json_of("doctor", "a.db", status=status)["findings"]

    def test_a_sound_file(self):
        self.make("a.db", SCHEMA + ROWS)
        self.assertEqual(self.findings(OK), [])
        self.run_rejoin("track", "a.db", "todo")
        self.assertEqual(self.findings(OK), [])
        self.assertIn("agree", self.run_rejoin("doctor", "a.db", "--quick"))

    def test_a_missing_trigger(self):
        self.make("a.db", SCHEMA + ROWS)
        self.run_rejoin("track", "a.db", "todo")
        import sqlite3
        db = sqlite3.connect(self.path("a.db"))
        trigger, = db.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger' AND sql LIKE '%AFTER INSERT%'").fetchone()
        db.execute(f'DROP TRIGGER "{trigger}"')
        db.commit()
        db.close()
        found = self.findings()
        self.assertEqual(found[0]["table"], "todo")
        self.assertTrue(found[0]["cure"])
        self.assertEqual(self.findings(), found, "doctor repairs nothing")

    def test_a_broken_foreign_key(self):
        self.make("a.db", "CREATE TABLE p(id INTEGER PRIMARY KEY);"
                          "CREATE TABLE c(id INTEGER PRIMARY KEY, p REFERENCES p); INSERT INTO c VALUES(1, 7), (2, 8)")
        found, = self.findings()
        self.assertEqual((found["table"], found["problem"]), ("c", "2 rows without a parent in p"))

    def test_a_damaged_file(self):
        self.make("a.db", "CREATE TABLE t(id INTEGER PRIMARY KEY, x);" +
                  "INSERT INTO t(x) VALUES(hex(randomblob(2000)));" * 20)
        with open(self.path("a.db"), "r+b") as file:
            file.seek(3 * 4096)
            file.write(os.urandom(2048))
        self.assertIn(".recover", self.findings()[0]["cure"])


class Status(WithFolder):
    def test_tells_what_a_person_asks(self):
        self.make("a.db", SCHEMA + ROWS)
        self.assertIn("no table is tracked", self.run_rejoin("status", "a.db"))
        self.run_rejoin("track", "a.db", "todo")
        text = self.run_rejoin("status", "a.db")
        self.assertIn("todo: 2 rows", text)
        self.assertIn("(this one)", text)
        json.dumps(self.json_of("status", "a.db"))


if __name__ == "__main__":
    sys.exit(unittest.main())
