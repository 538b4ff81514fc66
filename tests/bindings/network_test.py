#!/usr/bin/env python3
"""rejoin_sync(), against a real hub and what is none."""

import json
import os
import re
import signal
import socket
import subprocess
import threading
import unittest

from loaded import WithFiles, one

PROGRAM = os.path.join(os.environ.get("REJOIN_BUILD_DIR", "build/release"), "rejoin")
LINE = re.compile(r"at ws://([^/]+)/ROOM")


class WithHub(WithFiles):
    def hub(self, *arguments):
        """A hub, or what the arguments say; returns where it listens."""
        arguments = arguments or ("hub", "--dir", self.path("rooms"))
        process = subprocess.Popen([PROGRAM, *arguments, "--port", "0", "--quiet"],
                                   stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.send_signal, signal.SIGTERM)
        return "ws://" + LINE.search(process.stdout.readline())[1]

    def sync(self, db, url, **options):
        return json.loads(one(db, "SELECT rejoin_sync(?, ?)", url, json.dumps(options)))


class Sync(WithHub):
    def test_devices_become_one_through_a_hub(self):
        hub = self.hub()
        phone, laptop = self.todo("phone.db"), self.todo("laptop.db")
        laptop.execute("UPDATE todo SET done = 1")
        self.assertEqual(self.sync(phone, hub + "/list", name="phone"),
                         {"sent": 1, "received": 0, "conflicts": 0, "quarantined": 0, "compared": True})
        self.assertEqual(self.sync(laptop, hub + "/list")["conflicts"], 1)
        self.sync(phone, hub + "/list")
        self.assertEqual(one(phone, "SELECT rejoin_digest()"), one(laptop, "SELECT rejoin_digest()"))
        self.assertEqual(one(phone, "SELECT done FROM todo"), 1)
        again = self.sync(phone, hub + "/list")
        self.assertEqual((again["sent"], again["compared"]), (0, None))

    def test_a_device_is_served_while_its_application_writes(self):
        phone, laptop = self.todo("phone.db"), self.todo("laptop.db")
        served = self.hub("serve", self.path("phone.db"), "--room", "list")
        for number in range(20):
            phone.execute("INSERT INTO todo(id) VALUES(?)", (f"p{number}",))
            laptop.execute("INSERT INTO todo(id) VALUES(?)", (f"l{number}",))
            self.sync(laptop, served + "/list")
        self.assertEqual(one(phone, "SELECT count(*) FROM todo"), 41)
        self.assertEqual(one(phone, "SELECT rejoin_digest()"), one(laptop, "SELECT rejoin_digest()"))

    def test_last_insert_rowid_and_changes_stay(self):
        hub = self.hub()
        phone, laptop = self.todo("phone.db"), self.todo("laptop.db")
        self.sync(phone, hub + "/list")
        laptop.execute("CREATE TABLE own(id INTEGER PRIMARY KEY)")
        laptop.execute("INSERT INTO own VALUES(77)")
        self.sync(laptop, hub + "/list")
        self.assertEqual(one(laptop, "SELECT last_insert_rowid()"), 77)

    def test_many_rows_come_in_parts(self):
        hub = self.hub()
        phone, laptop = self.todo("phone.db"), self.todo("laptop.db")
        phone.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 60000)"
                      "INSERT INTO todo SELECT 'r' || i, hex(randomblob(60)), i FROM n")
        self.sync(phone, hub + "/list")
        self.assertEqual(self.sync(laptop, hub + "/list")["received"], 60001)
        self.assertEqual(one(phone, "SELECT rejoin_digest()"), one(laptop, "SELECT rejoin_digest()"))


class Refusals(WithHub):
    def test_bad_arguments(self):
        db = self.todo("a.db")
        for url, words in [("", "ws://"), ("http://x/y", "ws://"), ("wss://x/y", "wss"), ("ws://x", "room"),
                           ("ws://x/", "room"), ("ws:///y", "host"), ("ws://x:99999/y", "port")]:
            self.refuses(db, "SELECT rejoin_sync(?)", words, url)
        for options, words in [("x", "not JSON"), ('{"x":1}', 'no option "x"'), ('{"name":1}', "option name"),
                               ('{"timeout_ms":-1}', "option timeout_ms"), ('{"timeout_ms":"1"}', "option timeout_ms")]:
            self.refuses(db, "SELECT rejoin_sync('ws://127.0.0.1/x', ?)", words, options)

    def test_nobody_there(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        db = self.todo("a.db")
        self.refuses(db, "SELECT rejoin_sync(?)", f"127.0.0.1:{port} cannot be reached",
                     f"ws://127.0.0.1:{port}/list")

    def test_somebody_else_there(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            def answer():
                peer, _ = server.accept()
                with peer:
                    peer.recv(65536)
                    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
            thread = threading.Thread(target=answer)
            thread.start()
            db = self.todo("a.db")
            port = server.getsockname()[1]
            self.refuses(db, "SELECT rejoin_sync(?)", f"127.0.0.1:{port}", f"ws://127.0.0.1:{port}/list")
            thread.join()

    def test_in_a_transaction(self):
        hub = self.hub()
        db = self.todo("a.db")
        for begin in (["BEGIN"], ["BEGIN", "INSERT INTO todo(id) VALUES('x')"], ["SAVEPOINT s"]):
            for sql in begin:
                db.execute(sql)
            self.refuses(db, "SELECT rejoin_sync(?)", "transaction", hub + "/list")
            db.execute("ROLLBACK")

    def test_another_room(self):
        hub = self.hub()
        a, b = self.todo("a.db"), self.todo("b.db")
        self.sync(a, hub + "/family")
        self.sync(b, hub + "/office")
        self.refuses(a, "SELECT rejoin_sync(?)", "room", hub + "/office")
        self.sync(a, hub + "/family")

    def test_a_file_that_tracks_nothing(self):
        self.refuses(self.open("a.db"), "SELECT rejoin_sync('ws://127.0.0.1:1/x')", "tracks no table")

    def test_a_peer_that_says_nothing_is_left(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            db = self.todo("a.db")
            # It takes the connection and is silent: as long as the handshake may take.
            port = server.getsockname()[1]
            self.refuses(db, "SELECT rejoin_sync(?)", f"127.0.0.1:{port}", f"ws://127.0.0.1:{port}/list")


if __name__ == "__main__":
    unittest.main()
