"""SQLite connections with the extension loaded, as an application opens them."""

import os
import shutil
import sqlite3
import tempfile
import unittest

EXTENSION = os.path.join(os.environ.get("REJOIN_BUILD_DIR", "build/release"), "rejoin")


def connect(path=":memory:", extension=True, uri=False):
    """Autocommit, as SQL says it: BEGIN and COMMIT are the caller's."""
    connection = sqlite3.connect(path, isolation_level=None, uri=uri)
    if extension:
        connection.enable_load_extension(True)
        connection.load_extension(EXTENSION)
        connection.enable_load_extension(False)
    return connection


def one(connection, sql, *parameters):
    row = connection.execute(sql, parameters).fetchone()
    return row[0] if row else None


class WithFiles(unittest.TestCase):
    """Tests with a folder of their own, and connections that are closed after them."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="rejoin-")
        self.addCleanup(shutil.rmtree, self.folder, True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def open(self, name=None, **options):
        connection = connect(self.path(name) if name else ":memory:", **options)
        self.addCleanup(connection.close)
        return connection

    def todo(self, name=None):
        """A tracked table with a row."""
        db = self.open(name)
        db.execute("CREATE TABLE todo(id TEXT PRIMARY KEY NOT NULL, title TEXT, done INTEGER DEFAULT 0)")
        db.execute("SELECT rejoin_track('todo')")
        db.execute("INSERT INTO todo VALUES('milk', 'Milk', 0)")
        return db

    def refuses(self, db, sql, words, *parameters):
        """The error begins with rejoin:, has the words in it, and changes nothing."""
        before = "\n".join(db.iterdump()) if db.in_transaction is False else None
        with self.assertRaises(sqlite3.Error) as caught:
            db.execute(sql, parameters).fetchall()
        message = str(caught.exception)
        self.assertTrue(message.startswith("rejoin: "), message)
        self.assertIn(words, message)
        if before is not None:
            self.assertEqual("\n".join(db.iterdump()), before, "it changed something")
