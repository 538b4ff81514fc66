"""`rejoin hub` and `rejoin serve` as processes, and devices that sync with them."""

import os
import queue
import re
import signal
import subprocess
import sys
import threading

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path += [os.path.join(TESTS, "cli"), os.path.join(TESTS, "bindings")]

from loaded import EXTENSION, WithFiles, connect, one  # noqa: E402
from program import ERROR, OK, PROGRAM, SOURCE, USAGE  # noqa: E402

# For what must happen: generous, a guard against a hang and not a measure.
DEADLINE_S = 60
PROGRESS = re.compile(r"^rejoin: \d+ s: [^\n]*\n", re.MULTILINE)
ADDRESS = re.compile(rb" at ws://[0-9.]+:(\d+)/ROOM")


class Server:
    """`rejoin hub` or `rejoin serve`, at a free port. What it tells is kept in a file."""

    def __init__(self, told, *command, port=0):
        self.told = told
        self.command = [PROGRAM, *command, "--port", str(port)]
        self.process = None
        self.port = None
        self._lock = threading.RLock()  # a proxy may kill it from a thread of its own

    def start(self):
        with open(self.told, "ab") as told:
            self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=told)
        line = _line_of(self.process.stdout)
        found = ADDRESS.search(line)
        if found is None:
            self.kill()
            raise AssertionError(f"{self.command} printed {line!r} and told {self.words()}")
        self.port = int(found[1])
        return self

    def url(self, room="room", port=None):
        return f"ws://127.0.0.1:{port or self.port}/{room}"

    def words(self):
        with open(self.told, encoding="utf-8") as told:
            return told.read()

    def kill(self):
        """As a power cut would, as far as the process can tell."""
        with self._lock:
            if self.process is not None:
                self.process.kill()
                self._reap()

    def end(self, how=signal.SIGTERM):
        """Its exit status after a signal that asks it to end."""
        with self._lock:
            self.process.send_signal(how)
            status = self.process.wait(DEADLINE_S)
            self._reap()
            return status

    def _reap(self):
        self.process.wait(DEADLINE_S)
        self.process.stdout.close()
        self.process = None


def _line_of(stream):
    """Its next line; empty where it ends or says nothing until the deadline."""
    lines = queue.Queue()
    threading.Thread(target=lambda: lines.put(stream.readline()), daemon=True).start()
    try:
        return lines.get(timeout=DEADLINE_S)
    except queue.Empty:
        return b""


def start_sync(file, url, *options):
    return subprocess.Popen([PROGRAM, "sync", file, url, *options], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)


def finish(process):
    """(status, stdout, stderr) of a process that ends by itself.

    Without the lines that tell how far a sync is: on a slow machine there are some."""
    try:
        out, words = process.communicate(timeout=DEADLINE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return process.returncode, out.decode(), PROGRESS.sub("", words.decode())


class WithServers(WithFiles):
    """Tests with servers that are gone after them, and files that sync."""

    def serve(self, *command, told="told", port=0):
        server = Server(self.path(told), *command, port=port)
        self.addCleanup(server.kill)
        return server.start()

    def hub(self, *options):
        return self.serve("hub", "--dir", self.path("rooms"), *options)

    def sync(self, name, url, *options, status=OK):
        """What it printed, on stdout if it was to succeed, else on stderr."""
        ended, out, words = finish(start_sync(self.path(name), url, *options))
        self.assertEqual(ended, status, (name, url, out, words))
        return out if status == OK else words

    def refused(self, name, url, *options):
        """The one line that says why."""
        words = self.sync(name, url, *options, status=ERROR)
        self.assertRegex(words, r"\Arejoin: [^\n]+\n\Z")
        return words

    def digest(self, name):
        db = connect(self.path(name))
        try:
            return one(db, "SELECT rejoin_digest()")
        finally:
            db.close()

    def expect_healthy(self, name):
        done = subprocess.run([PROGRAM, "doctor", self.path(name)], capture_output=True, check=False)
        self.assertEqual(done.returncode, OK, (name, done.stdout, done.stderr))
