#!/usr/bin/env python3
"""The runner of mutants: what is wrong with a list is said, and what a test program says is understood."""

import tempfile
import unittest
from pathlib import Path

import mutants
import scratch

LIST = """\
# A comment.
name: one
file: base/a.cc
why: somebody loses something
by: base_test Suite.Holds
 int a() {
-  return 1;
+  return 2;
"""


class Lists(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        for name, text in {
            "base/a.cc": "int a() {\n  return 1;\n}\nint b() {\n  return 1;\n}\n",
            "tests/base/CMakeLists.txt": "rejoin_test(base_test\n  SOURCES a_test.cc)\n",
            "tests/base/a_test.cc": "TEST(Suite, Holds) {}\nTEST_P(Many, Hold) {}\n",
        }.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def faults(self, text):
        return "\n".join(mutants.faults(self.root, mutants.read("a.mutants", text)))

    def test_a_mutant_changes_the_one_place_that_it_tells(self):
        mutant, = mutants.read("a.mutants", LIST)
        self.assertEqual(self.faults(LIST), "")
        before = (self.root / "base/a.cc").read_text()
        self.assertEqual(mutant.applied_to(before), before.replace("return 1", "return 2", 1))
        self.assertEqual(mutant.by, [("base_test", "Suite.Holds")])

    def test_what_no_longer_applies_is_told(self):
        self.assertIn("occur 0 times", self.faults(LIST.replace("return 1", "return 7")))
        self.assertIn("occur 2 times", self.faults(LIST.replace(" int a() {\n", "")))
        self.assertIn("no file base/c.cc", self.faults(LIST.replace("a.cc", "c.cc")))

    def test_what_says_nothing_is_told(self):
        self.assertIn("changes nothing", self.faults(LIST.replace("return 2", "return 1")))
        self.assertIn("the name is taken", self.faults(LIST + "\n" + LIST))
        self.assertIn("it needs a name", self.faults(LIST.replace("why: somebody loses something\n", "")))

    def test_tests_that_are_gone_are_told(self):
        self.assertIn("base_test has no test Suite.Held", self.faults(LIST.replace("Holds", "Held")))
        self.assertIn("say */Many.Hold/*", self.faults(LIST.replace("Suite.Holds", "Many.Hold")))
        self.assertEqual(self.faults(LIST.replace("Suite.Holds", "*/Many.Hold/*")), "")
        self.assertIn("no test program acid_test", self.faults(LIST.replace("base_test", "acid_test")))

    def test_what_is_no_list_is_refused(self):
        for line in ("what: is this\n", "name: two\n"):
            with self.assertRaises(mutants.Unreadable):
                mutants.read("a.mutants", LIST + line)


class Programs(unittest.TestCase):
    HEAD = "[ RUN      ] A.Holds\n[       OK ] A.Holds (1 ms)\n[ RUN      ] B/C.Breaks/0\n"
    FAILED = "[  FAILED  ] B/C.Breaks/0, where GetParam() = 7 (5 ms)\n"
    END = "[==========] 2 tests from 2 test suites ran. (6 ms total)\n"

    def outcome(self, output, status, timed_out=False):
        run = scratch._outcome(output, status, timed_out, 1.0)
        return run.ran, run.failed, run.how, run.fails()

    def test_all_passed(self):
        passed = self.HEAD + "[       OK ] B/C.Breaks/0 (5 ms)\n" + self.END
        self.assertEqual(self.outcome(passed, 0), (2, [], "", False))

    def test_one_failed(self):
        summary = "[  FAILED  ] 1 test, listed below:\n[  FAILED  ] B/C.Breaks/0, where GetParam() = 7\n"
        self.assertEqual(self.outcome(self.HEAD + self.FAILED + self.END + summary, 1), (2, ["B/C.Breaks/0"], "", True))

    def test_one_that_ends_the_program_has_failed(self):
        self.assertEqual(self.outcome(self.HEAD, -11), (0, ["B/C.Breaks/0"], "crash", True))

    def test_one_that_hangs_has_failed(self):
        self.assertEqual(self.outcome(self.HEAD, -9, True), (0, ["B/C.Breaks/0"], "timeout", True))

    def test_a_program_that_says_nothing_has_failed(self):
        self.assertEqual(self.outcome("", 127), (0, [], "crash", True))


if __name__ == "__main__":
    unittest.main()
