#!/usr/bin/env python3
"""The simulator: every scenario holds, every canary is found, a failure replays and shrinks."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

PROGRAM = Path(os.environ["REJOIN_BUILD_DIR"]) / "rejoin-sim"
SCENARIOS = Path(os.environ["REJOIN_SOURCE_DIR"]) / "tests/sim/scenarios"
# A sanitizer makes everything some ten times slower, and looks at the same code.
SHARE = 10 if os.environ.get("REJOIN_SANITIZE") else 1
SCHEDULES = 100 // SHARE
SQLITE_SCHEDULES = 8 // SHARE
CANARY_SCHEDULES = 400  # within so many it is found
# Canaries that another scenario shows sooner than the default.
CANARY_SCENARIO = {"takes_the_future": "f14", "splits_transactions": "f7", "assigns_the_last": "everything",
                   "acknowledges_what_waits": "everything"}
# Transactions stay open on SQLite stores only.
CANARY_SQLITE_PERCENT = {"acknowledges_what_waits": 100}
OK, FAILED, USAGE = 0, 1, 2


def run(*arguments, status=OK):
    done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != status:
        raise AssertionError(f"{arguments}: exit status {done.returncode}, not {status}\n{done.stdout}{done.stderr}")
    return done.stdout


def names_of_canaries():
    return re.findall(r"^  (\w+): ", run("--help").split("Canaries:")[1], re.M)


class Scenarios(unittest.TestCase):
    def test_every_file_is_listed(self):
        files = sorted(path.stem for path in SCENARIOS.glob("*.scenario"))
        self.assertEqual(run("--list").split(), files)
        for number in [*range(1, 19), 20]:
            self.assertIn(f"f{number}", files)

    def test_all_hold_in_memory(self):
        for name in run("--list").split():
            with self.subTest(name):
                told = run("--scenario", name, "--schedules", SCHEDULES, "--quiet", "--sqlite-percent", 0)
                self.assertIn(f"{SCHEDULES} schedules", told)

    def test_all_hold_on_sqlite(self):
        for name in run("--list").split():
            with self.subTest(name):
                run("--scenario", name, "--schedules", SQLITE_SCHEDULES, "--seed", 1000, "--quiet",
                    "--sqlite-percent", 60)

    def test_all_take_turns(self):
        told = run("--scenario", "all", "--schedules", 2 * len(run("--list").split()), "--quiet", "--keep-going")
        self.assertIn(f"{2 * len(run('--list').split())} schedules", told)
        told = run("--scenario", "all", "--schedules", CANARY_SCHEDULES, "--canary", "loses_a_row", "--keep-going",
                   "--shrink-runs", 0, "--quiet", status=FAILED)
        self.assertGreater(len(set(re.findall(r"FAILED: scenario (\w+)", told))), 3)
        self.assertIn(f"{CANARY_SCHEDULES} schedules", told)

    def test_an_interrupted_run_tells_what_it_found(self):
        with subprocess.Popen([PROGRAM, "--scenario", "all", "--minutes", "10", "--canary", "loses_a_row", "--keep-going",
                               "--shrink-runs", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as sim:
            progress = sim.stderr.readline()
            self.assertRegex(progress, r"^\d+ schedules, [1-9]\d* failed, ")
            sim.send_signal(signal.SIGINT)
            told, _ = sim.communicate()
        self.assertEqual(sim.returncode, FAILED)
        self.assertIn("FAILED: scenario", told)
        self.assertRegex(told, r"\n\d+ schedules in ")

    def test_a_schedule_has_twenty_operations_and_deliveries_at_least(self):
        told = run("--schedules", SCHEDULES, "--quiet")
        self.assertGreaterEqual(int(re.search(r"in a schedule (\d+) at least", told)[1]), 20)


class Canaries(unittest.TestCase):
    def test_each_is_found(self):
        self.assertGreaterEqual(len(names_of_canaries()), 6)
        for name in names_of_canaries():
            with self.subTest(name):
                told = run("--canary", name, "--scenario", CANARY_SCENARIO.get(name, "f13"), "--schedules",
                           CANARY_SCHEDULES, "--sqlite-percent", CANARY_SQLITE_PERCENT.get(name, 0), "--quiet",
                           "--shrink-runs", 0, status=FAILED)
                self.assertIn("FAILED: scenario", told)

    def test_a_failure_shrinks_to_a_short_script_that_still_fails(self):
        told = run("--canary", "loses_a_row", "--scenario", "f13", "--schedules", CANARY_SCHEDULES, "--quiet",
                   status=FAILED)
        again = re.search(r"rejoin-sim (--scenario .*)", told)[1].split()
        self.assertIn("FAILED", run(*again, "--shrink-runs", 0, status=FAILED))
        script = told[told.index("scenario f13\nseed"):]
        events = re.findall(r"^event .*", script, re.M)
        self.assertLessEqual(len(events), 5)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "script"
            path.write_text(script[:script.index(events[-1]) + len(events[-1])] + "\n")
            self.assertIn("FAILED", run("--script", path, "--canary", "loses_a_row", status=FAILED))
            run("--script", path)


class Replays(unittest.TestCase):
    def test_a_seed_has_one_course(self):
        trace = {re.search(r"trace (\w+)", run("--seed", 7, "--schedules", 30, "--jobs", jobs, "--quiet",
                                               "--sqlite-percent", 30))[1] for jobs in (1, 1, 2)}
        self.assertEqual(len(trace), 1)
        self.assertEqual(run("--seed", 9, "--trace"), run("--seed", 9, "--trace"))
        self.assertNotEqual(run("--seed", 9, "--trace"), run("--seed", 10, "--trace"))


class Usage(unittest.TestCase):
    def test_help_is_complete(self):
        told = run("--help")
        for word in ("--scenario", "--seed", "--schedules", "--minutes", "--sqlite-percent", "--jobs", "--canary",
                     "--script", "--trace", "--shrink-runs", "Exit status", "Example", "everything"):
            self.assertIn(word, told)

    def test_wrong_command_lines(self):
        for arguments in (["--nothing"], ["--scenario", "nobody"], ["--canary", "nobody"], ["--script", "/no/where"],
                          ["--jobs", "0"], ["--sqlite-percent", "101"], ["--minutes", "1", "--schedules", "2"]):
            run(*arguments, status=USAGE)

    def test_wrong_scenarios_say_the_line(self):
        with tempfile.TemporaryDirectory() as folder:
            for text in ("write = 1\nwhat = 2\n", "write = 1\ndevices = 4..2\n", "write = 1\nwrite\n"):
                path = Path(folder) / "wrong.scenario"
                path.write_text(text)
                done = subprocess.run([PROGRAM, "--scenario", path, "--schedules", "1"], capture_output=True, text=True)
                self.assertEqual(done.returncode, USAGE)
                self.assertIn(":2: not understood", done.stderr)


if __name__ == "__main__":
    sys.exit(unittest.main())
