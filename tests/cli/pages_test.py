#!/usr/bin/env python3
"""Pages say what is so: the table of errors, the commands, the tests that the README names."""

import os
import re
import subprocess
import sys
import unittest

from program import SOURCE, WithFolder


def page(name):
    with open(os.path.join(SOURCE, name), encoding="utf-8") as file:
        return file.read()


class Pages(WithFolder):
    def test_errors_are_those_of_the_table(self):
        done = subprocess.run([os.path.join(SOURCE, "scripts/errors.sh"), "--check"],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_every_command_and_option_is_told(self):
        text = page("docs/cli.md")
        commands = re.findall(r"^  (\w+) ", self.run_rejoin("--help").split("Subcommands:")[1], re.M)
        self.assertIn("demo", commands)
        for command in commands:
            self.assertIn(f"## rejoin {command}", text)
            for option in re.findall(r"(--[\w-]+)", self.run_rejoin(command, "--help").split("Example:")[0]):
                if option != "--help":
                    self.assertIn(option, text, command)

    def test_the_readme_names_tests_that_exist(self):
        tests = "".join(page(os.path.join(folder, name))
                        for folder, _, names in os.walk(os.path.join(SOURCE, "tests"))
                        for name in names if name.endswith((".cc", ".py")))
        wins = page("README.md").split("## What wins")[1].split("\n## ")[0]
        named = re.findall(r"\| `(\w+)` \|$", wins, re.M)
        self.assertGreaterEqual(len(named), 8)
        for name in named:
            self.assertRegex(tests, rf"\b{name}\b")

    def test_links_between_pages_lead_somewhere(self):
        for name in ["README.md", *("docs/" + name for name in os.listdir(os.path.join(SOURCE, "docs")))]:
            for target in re.findall(r"\]\(([^)#:]+)[^)]*\)", page(name)):
                path = os.path.join(SOURCE, os.path.dirname(name), target)
                self.assertTrue(os.path.exists(path), f"{name}: {target}")


if __name__ == "__main__":
    sys.exit(unittest.main())
