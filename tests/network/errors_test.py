#!/usr/bin/env python3
"""What cannot be synced or served is refused in one line that says what and where, and nothing is changed."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest

from random_writer import make_device
from servers import DEADLINE_S, ERROR, OK, PROGRAM, USAGE, WithServers, connect, finish

NOBODY = 65534
END_WITHIN_S = 2


class Listener:
    """A server that is none of ours: answers whoever comes with some bytes, or with nothing."""

    def __init__(self, answer, then_close=True):
        self.answer = answer
        self.then_close = then_close
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.visitors = []
        self.thread = threading.Thread(target=self._accept)
        self.thread.start()

    def _accept(self):
        while True:
            try:
                visitor, _ = self.socket.accept()
            except OSError:
                return
            self.visitors.append(visitor)
            try:
                visitor.recv(1 << 16)  # the request: unread, it would make the close a reset
                visitor.sendall(self.answer)
                if self.then_close:
                    visitor.shutdown(socket.SHUT_WR)
            except OSError:
                pass

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        for each in [self.socket, *self.visitors]:
            each.close()


class Errors(WithServers):
    def setUp(self):
        super().setUp()
        db = make_device(self.path("a.db"))
        db.execute("INSERT INTO note(id, title) VALUES('milk', 'Milk')")
        db.close()

    def listener(self, answer, **options):
        listener = Listener(answer, **options)
        self.addCleanup(listener.close)
        return listener

    def tracked(self, name, sql, *calls):
        db = connect(self.path(name))
        db.executescript(sql)
        for call in calls:
            db.execute(call)
        db.close()

    def unchanged(self, name, url, *words):
        """Refused in one line with these words, and the file holds what it held."""
        before = self.digest(name)
        line = self.refused(name, url)
        for each in words:
            self.assertIn(each, line)
        self.assertEqual(self.digest(name), before)
        return line

    def refuses(self, *command, status=ERROR):
        """A server that does not start; its line."""
        done = subprocess.run([PROGRAM, *command], capture_output=True, cwd=self.folder, timeout=DEADLINE_S,
                              check=False)
        words = done.stderr.decode()
        self.assertEqual((done.returncode, done.stdout), (status, b""), words)
        if status == ERROR:
            self.assertRegex(words, r"\Arejoin: [^\n]+\n\Z")
        return words


class Addresses(Errors):
    def test_nobody_listens(self):
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        self.unchanged("a.db", f"ws://127.0.0.1:{port}/room", f"127.0.0.1:{port}", "refused")

    def test_wrong_urls(self):
        for url, words in (("http://127.0.0.1/room", "ws://"), ("127.0.0.1/room", "ws://"), ("", "ws://"),
                           ("wss://127.0.0.1/room", "TLS"), ("ws://127.0.0.1:1", "no room"),
                           ("ws://127.0.0.1:1/", "no room"), ("ws://127.0.0.1:0/room", "port"),
                           ("ws://127.0.0.1:65536/room", "port"), ("ws:///room", "host"),
                           ("ws://127.0.0.1:1/a b", "space"), ("ws://127.0.0.1:1/a?b=c", "?"),
                           ("ws://u:p@127.0.0.1:1/room", "user name"),
                           ("ws://127.0.0.1:1/" + 201 * "x", "201 bytes")):
            with self.subTest(url=url):
                self.unchanged("a.db", url, words)

    def test_a_room_whose_name_is_too_long_for_a_file(self):
        hub = self.hub()
        self.unchanged("a.db", hub.url(100 * "A"), "too long")
        self.assertEqual(os.listdir(self.path("rooms")), [])
        self.sync("a.db", hub.url(200 * "a"))  # the longest name that can be

    def rooms(self, folder):
        return [name for name in os.listdir(self.path(folder)) if name.endswith(".room")]

    def test_names_of_rooms_that_a_folder_would_mix_up(self):
        hub = self.hub()
        for i, room in enumerate(("A", "a", "%41", "..", "../a", "a/b", "é", "%2e%2e", ".", "con", "a.room")):
            name = f"{i}.db"
            make_device(self.path(name)).close()
            with self.subTest(room=room):
                self.sync(name, hub.url(room))
                self.assertEqual(len(self.rooms("rooms")), i + 1)
        self.assertEqual(self.rooms("."), [])


class OtherServers(Errors):
    def test_one_that_answers_over_http(self):
        page = b"HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\n\r\nNothing"
        other = self.listener(page)
        self.unchanged("a.db", f"ws://127.0.0.1:{other.port}/room", f"127.0.0.1:{other.port}", "404")

    def test_one_that_sends_garbage(self):
        for garbage in (b"220 mail.example.org ESMTP\r\n", bytes(range(256)) * 64, b"\r\n\r\n", b"H",
                        b"HTTP/1.1 101 Switching Protocols\r\n\r\n"):
            with self.subTest(garbage=garbage[:20]):
                other = self.listener(garbage)
                self.unchanged("a.db", f"ws://127.0.0.1:{other.port}/room", f"127.0.0.1:{other.port}")

    def test_one_that_hangs_up(self):
        other = self.listener(b"")
        self.unchanged("a.db", f"ws://127.0.0.1:{other.port}/room", f"127.0.0.1:{other.port}")

    def test_one_that_is_silent_is_given_up_when_the_timeout_says(self):
        other = self.listener(b"", then_close=False)
        begun = time.monotonic()
        line = self.refused("a.db", f"ws://127.0.0.1:{other.port}/room", "--timeout", "1")
        self.assertIn(f"127.0.0.1:{other.port}", line)
        self.assertLess(time.monotonic() - begun, 5)


class Rooms(Errors):
    def two_rooms(self):
        """A hub; a.db is of the room family, b.db of the room office."""
        hub = self.hub()
        db = make_device(self.path("b.db"))
        db.execute("INSERT INTO note(id) VALUES('report')")
        db.close()
        for _ in range(2):  # a hub's new room reaches a file with the second sync at the latest
            self.sync("a.db", hub.url("family"))
            self.sync("b.db", hub.url("office"))
        return hub

    def test_a_file_of_another_room(self):
        hub = self.two_rooms()
        digest = self.digest("b.db")
        self.unchanged("a.db", hub.url("office"), "another room")
        self.sync("b.db", hub.url("office"))
        self.assertEqual(self.digest("b.db"), digest)
        self.sync("a.db", hub.url("family"))

    def test_a_file_is_of_its_room_after_its_first_sync(self):
        hub = self.hub("--quiet")
        for i in range(16):  # new ids each time
            for room in ("family", "office"):
                db = make_device(self.path(f"{room} {i}.db"))
                db.execute("INSERT INTO note(id) VALUES(?)", (room,))
                db.close()
                self.sync(f"{room} {i}.db", hub.url(f"{room}{i}"))
            self.unchanged(f"family {i}.db", hub.url(f"office{i}"), "another room")

    def test_a_refusal_names_the_address(self):
        hub = self.two_rooms()
        self.unchanged("a.db", hub.url("office"), f"127.0.0.1:{hub.port}")

    def test_a_device_that_serves_another_room(self):
        self.two_rooms()
        server = self.serve("serve", self.path("b.db"), told="served")
        self.unchanged("a.db", server.url(), "another room")

    def test_serve_with_a_room_takes_no_other_one(self):
        make_device(self.path("b.db")).close()
        server = self.serve("serve", self.path("b.db"), "--room", "groceries")
        self.unchanged("a.db", server.url("office"), "office", "groceries")
        self.sync("a.db", server.url("groceries"))
        self.assertEqual(self.digest("a.db"), self.digest("b.db"))

    def test_tables_with_other_options(self):
        hub = self.hub()
        table = "CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL, x); INSERT INTO t VALUES('{0}', 1);"
        self.tracked("merge.db", table.format("m"), "SELECT rejoin_track('t')")
        self.tracked("newest.db", table.format("n"), """SELECT rejoin_track('t', '{"same_key": "newest"}')""")
        self.tracked("wins.db", table.format("w"), """SELECT rejoin_track('t', '{"delete_wins": true}')""")
        self.sync("merge.db", hub.url())
        before = self.digest("merge.db")
        for name in ("newest.db", "wins.db"):
            self.unchanged(name, hub.url(), "t")
        self.sync("merge.db", hub.url())
        self.assertEqual(self.digest("merge.db"), before)

    def test_a_file_meets_itself(self):
        server = self.serve("serve", self.path("a.db"))
        self.unchanged("a.db", server.url(), "this")


class Files(Errors):
    URL = "ws://127.0.0.1:1/room"  # nobody gets that far

    def test_files_that_cannot_be_synced(self):
        self.make_plain("plain.db")
        with open(self.path("text.db"), "w", encoding="utf-8") as file:
            file.write("no database " * 100)
        os.mkdir(self.path("folder.db"))
        for name, words in (("missing.db", "no such file"), ("plain.db", "rejoin_track"),
                            ("text.db", "not an SQLite database"), ("folder.db", "folder.db")):
            before = sorted(os.listdir(self.folder))
            with self.subTest(name=name):
                self.assertIn(words, self.refused(name, self.URL))
                self.assertIn(words, self.refuses("serve", name, "--port", "0"))
                self.assertEqual(sorted(os.listdir(self.folder)), before)

    def make_plain(self, name):
        db = connect(self.path(name), extension=False)
        db.execute("CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL)")
        db.close()

    def only_read(self, *command):
        """The line of a program that may read a.db and not write it."""
        with open(self.path("a.db"), "rb") as file:
            before = file.read()
        os.chmod(self.path("a.db"), 0o444)
        os.chmod(self.folder, 0o755)
        user = NOBODY if os.geteuid() == 0 else None  # root writes what it likes
        process = subprocess.Popen([PROGRAM, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, user=user)
        try:
            line = process.stdout.readline()  # of a server that has started, or the end
            self.assertEqual(line, b"", "it runs")
            status, _, words = finish(process)
        finally:
            process.kill()
            process.communicate()
        self.assertEqual(status, ERROR, words)
        self.assertRegex(words, r"\Arejoin: [^\n]*\bread[^\n]*\n\Z")
        with open(self.path("a.db"), "rb") as file:
            self.assertEqual(file.read(), before)

    def test_sync_of_a_file_that_can_only_be_read(self):
        self.only_read("sync", self.path("a.db"), self.hub().url())

    def test_serve_of_a_file_that_can_only_be_read(self):
        self.only_read("serve", self.path("a.db"), "--port", "0")


class Servers(Errors):
    def test_a_port_that_is_taken(self):
        hub = self.hub()
        for command in (["hub", "--dir", "other rooms"], ["serve", "a.db"]):
            words = self.refuses(*command, "--port", str(hub.port))
            self.assertIn(f"127.0.0.1:{hub.port}", words)
            self.assertIn("in use", words)

    def test_a_folder_that_is_a_file(self):
        with open(self.path("file"), "w", encoding="utf-8"):
            pass
        self.assertIn("file", self.refuses("hub", "--dir", "file", "--port", "0"))
        self.assertIn("file/rooms", self.refuses("hub", "--dir", "file/rooms", "--port", "0"))

    def test_wrong_command_lines(self):
        for command in (["hub", "rooms"], ["hub", "--port", "x"], ["hub", "--port", "65536"], ["hub", "--port", "-1"],
                        ["serve"], ["serve", "a.db", "b.db"], ["sync"], ["sync", "a.db"],
                        ["sync", "a.db", "ws://a/b", "c"], ["sync", "a.db", "ws://a/b", "--timeout", "x"],
                        ["sync", "a.db", "ws://a/b", "--room", "c"]):
            with self.subTest(command=command):
                self.assertNotEqual(self.refuses(*command, status=USAGE), "")

    def test_signals_end_servers_in_good_order(self):
        make_device(self.path("b.db")).close()
        for command in (["hub", "--dir", self.path("rooms")], ["serve", self.path("a.db")]):
            for how in (signal.SIGTERM, signal.SIGINT):
                for visited in (False, True):
                    with self.subTest(command=command[0], how=how, visited=visited):
                        server = self.serve(*command)
                        if visited:
                            self.sync("b.db", server.url())
                            # One that stays, and says nothing.
                            guest = socket.create_connection(("127.0.0.1", server.port))
                            self.addCleanup(guest.close)
                        begun = time.monotonic()
                        self.assertEqual(server.end(how), OK)
                        self.assertLess(time.monotonic() - begun, END_WITHIN_S)

    def test_a_port_is_free_again_at_once(self):
        server = self.hub()
        self.sync("a.db", server.url())
        server.end()
        again = subprocess.Popen([PROGRAM, "hub", "--dir", self.path("rooms"), "--port", str(server.port)],
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.addCleanup(again.stdout.close)
        self.addCleanup(again.wait)
        self.addCleanup(again.kill)
        self.assertIn(f":{server.port}/".encode(), again.stdout.readline())

    def test_a_sync_is_told_when_the_server_ends(self):
        server = self.serve("serve", self.path("a.db"))
        make_device(self.path("b.db")).close()
        self.sync("b.db", server.url())
        server.end()
        self.unchanged("b.db", server.url(), f"127.0.0.1:{server.port}")


class Output(Errors):
    def test_json(self):
        hub = self.hub()
        sent = json.loads(self.sync("a.db", hub.url(), "--json"))
        self.assertEqual(sent["url"], hub.url())
        self.assertEqual((sent["sent"], sent["received"], sent["conflicts"], sent["quarantined"]), (1, 0, 0, 0))
        self.assertGreater(sent["bytes_sent"], 0)
        make_device(self.path("b.db")).close()
        received = json.loads(self.sync("b.db", hub.url(), "--json"))
        self.assertEqual((received["sent"], received["received"]), (0, 1))

    def test_a_sync_that_works_says_nothing_on_stderr(self):
        hub = self.hub()
        done = subprocess.run([PROGRAM, "sync", self.path("a.db"), hub.url()], capture_output=True, check=True)
        self.assertEqual(done.stderr, b"")
        self.assertIn(b"1 row sent, 0 rows received", done.stdout)

    def test_who_came_is_told_by_name_and_not_with_quiet(self):
        hub = self.hub()
        self.sync("a.db", hub.url(), "--name", "Anna's phone")
        self.assertEqual(hub.end(), OK)
        self.assertIn("(Anna's phone) in room room", hub.words())
        quiet = self.serve("hub", "--dir", self.path("rooms"), "--quiet", told="quiet")
        self.sync("a.db", quiet.url())
        self.assertEqual(quiet.end(), OK)
        self.assertEqual(quiet.words(), "")

    def test_help_has_an_example(self):
        for command in ("hub", "serve", "sync"):
            done = subprocess.run([PROGRAM, command, "--help"], capture_output=True, check=True)
            self.assertIn(f"Example:\n  rejoin {command}".encode(), done.stdout)


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=2))
