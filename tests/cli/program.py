"""The program `rejoin`, run as a script would."""

import json
import os
import shutil
import subprocess
import tempfile
import unittest

BUILD = os.environ.get("REJOIN_BUILD_DIR", os.path.abspath("build/release"))
SOURCE = os.environ.get("REJOIN_SOURCE_DIR", os.path.abspath("."))
PROGRAM = os.path.join(BUILD, "rejoin")

OK, FOUND, USAGE, ERROR = 0, 1, 2, 3


def rejoin(*arguments, folder=None, environment=None, stdin=None, name=PROGRAM, user=None):
    return subprocess.run([name, *arguments], executable=PROGRAM, cwd=folder, capture_output=True,
                          env={**os.environ, **(environment or {})}, input=stdin, user=user, check=False)


class WithFolder(unittest.TestCase):
    """Tests in a folder of their own; files are named as in it."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="rejoin-")
        self.addCleanup(shutil.rmtree, self.folder, True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def run_rejoin(self, *arguments, status=OK, **options):
        done = rejoin(*arguments, folder=self.folder, **options)
        self.assertEqual(done.returncode, status, (arguments, done.stdout, done.stderr))
        if status == ERROR:
            self.assertTrue(done.stderr.startswith(b"rejoin: "), done.stderr)
        return done.stdout if done.stdout[:7] == b"RJDELTA" else done.stdout.decode()

    def json_of(self, *arguments, status=OK):
        return json.loads(self.run_rejoin(*arguments, "--json", status=status))

    def make(self, name, sql):
        """A plain database, made by the sqlite3 of Python: nothing of ours in it."""
        import sqlite3
        db = sqlite3.connect(self.path(name))
        db.executescript(sql)
        db.close()
