#!/usr/bin/env python3
"""What staying in sync costs: a hub and devices as processes of this machine, over loopback.

Prints one line a figure. The devices are SQLite files in write-ahead logging with synchronous=FULL;
the hub is durable. Compare only figures of one run: a loaded machine is slower.
"""

import argparse
import json
import os
import random
import re
import resource
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

BUILD = os.environ.get("REJOIN_BUILD_DIR", "build/release")
TABLE = "CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT); SELECT rejoin_track('note');"
PATIENCE_MS = 600_000
BUSY_TIMEOUT_S = 5  # Python's default


def connect(path, journal_mode="WAL"):
    db = sqlite3.connect(path, isolation_level=None, timeout=BUSY_TIMEOUT_S)
    db.enable_load_extension(True)
    db.load_extension(os.path.join(BUILD, "rejoin"))
    db.executescript(f"PRAGMA journal_mode = {journal_mode}; PRAGMA synchronous = FULL;")
    return db


def one(db, sql, *parameters):
    return db.execute(sql, parameters).fetchone()[0]


class Hub:
    def __init__(self, folder):
        command = [os.path.join(BUILD, "rejoin"), "hub", "--dir", os.path.join(folder, "rooms"), "--port", "0",
                   "--quiet"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        address = re.search(r"at ws://([^/]+)/ROOM", self.process.stdout.readline())[1]
        self.url = f"ws://{address}/room"

    def peak_mib(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmHWM:\s+(\d+)", status.read())[1]) / 1024

    def cpu_s(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self.process.stdout.close()


def cpu_s():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def tell(what, value, unit):
    print(f"{what:<58} {value:>12,.1f} {unit}", flush=True)


def fill(path, rows):
    db = connect(path)
    db.executescript(TABLE)
    db.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT ?) "
               "INSERT INTO note SELECT i, hex(randomblob(30)) || hex(randomblob(26)) FROM n", (rows,))
    return db


def rss_mib():
    with open("/proc/self/status", encoding="ascii") as status:
        text = status.read()
    return int(re.search(r"VmHWM:\s+(\d+)", text)[1]) / 1024, int(re.search(r"VmRSS:\s+(\d+)", text)[1]) / 1024


def clear_peak():
    with open("/proc/self/clear_refs", "w", encoding="ascii") as clear:
        clear.write("5")


def first_sync(folder, hub, rows):
    """Up from a full file, then down into an empty one."""
    full = fill(os.path.join(folder, "full.db"), rows)
    for name, db in (("up", full), ("down", None)):
        if db is None:
            db = connect(os.path.join(folder, "empty.db"))
            db.executescript(TABLE)
        clear_peak()
        _, before_mib = rss_mib()
        begun, cpu, hub_cpu = time.monotonic(), cpu_s(), hub.cpu_s()
        json.loads(one(db, "SELECT rejoin_sync(?)", hub.url))
        took = time.monotonic() - begun
        tell(f"first sync {name}, {rows:,} rows of 120 bytes", rows / took, "rows/s")
        tell(f"first sync {name}, CPU of the device", (cpu_s() - cpu) * 1e6 / rows, "us/row")
        tell(f"first sync {name}, CPU of the hub", (hub.cpu_s() - hub_cpu) * 1e6 / rows, "us/row")
        tell(f"first sync {name}, memory of the device above start", rss_mib()[0] - before_mib, "MiB")
        assert one(db, "SELECT count(*) FROM note") == rows
        db.close()
    tell("memory of the hub, at most", hub.peak_mib(), "MiB")


def beside(folder, hub, rows):
    """`rejoin sync` brings rows, in random order under text keys, into a file to which an application goes on writing."""
    table = "CREATE TABLE item(id TEXT PRIMARY KEY NOT NULL, name, price); SELECT rejoin_track('item');"
    url = hub.url + "-of-items"
    full = connect(os.path.join(folder, "items.db"))
    full.executescript(table)
    full.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT ?) "
                 "INSERT INTO item SELECT hex(randomblob(4)) || i, 'name of ' || i, i FROM n", (rows,))
    one(full, "SELECT rejoin_sync(?)", url)
    full.close()
    for journal_mode in ("DELETE", "WAL"):
        path = os.path.join(folder, f"beside {journal_mode}.db")
        db = connect(path, journal_mode)
        db.executescript(table)
        took, failed = [], 0
        begun = time.monotonic()
        sync = subprocess.Popen([os.path.join(BUILD, "rejoin"), "sync", path, url],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while sync.poll() is None:
            asked = time.monotonic()
            try:
                db.execute("INSERT INTO item VALUES(?, 'mine', 1)", (f"{journal_mode} {len(took)}",))
            except sqlite3.OperationalError:
                failed += 1
            took.append(time.monotonic() - asked)
            time.sleep(0.05)
        assert sync.returncode == 0
        what = f"an application beside `rejoin sync`, {journal_mode}"
        tell(f"{what}: the sync", time.monotonic() - begun, "s")
        tell(f"{what}: its writes", len(took), "")
        tell(f"{what}: the longest", max(took), "s")
        tell(f"{what}: failed after {BUSY_TIMEOUT_S} s", failed, "")
        db.close()


def latency(folder, hub, commits):
    """From the end of a commit on one device to the row on another, which polls."""
    one_device, other = (connect(os.path.join(folder, name)) for name in ("a.db", "b.db"))
    for db in (one_device, other):
        db.executescript(TABLE)
        one(db, "SELECT rejoin_connect(?)", hub.url)
        one(db, "SELECT rejoin_wait_synced(?)", PATIENCE_MS)
    # A connection of its own, so that looking does not keep the link from merging.
    looking = sqlite3.connect(os.path.join(folder, "b.db"), isolation_level=None)
    times = []
    for number in range(commits):
        one_device.execute("INSERT INTO note VALUES(?, 'x')", (number,))
        begun = time.perf_counter()
        while not looking.execute("SELECT 1 FROM note WHERE id = ?", (number,)).fetchone():
            time.sleep(0.0002)
        times.append((time.perf_counter() - begun) * 1000)
        time.sleep(0.005)
    times.sort()
    tell("a commit is visible on another device, median", statistics.median(times), "ms")
    tell("a commit is visible on another device, 99th of 100", times[len(times) * 99 // 100], "ms")
    return one_device, other


def live(folder, hub, devices, rows, rows_per_commit):
    """Rows written on one device for as long as it can, until the last one is on the other."""
    writer = devices[0]
    looking = sqlite3.connect(os.path.join(folder, "b.db"), isolation_level=None)
    first = one(writer, "SELECT coalesce(max(id), 0) + 1 FROM note")
    ids = range(first, first + rows)
    shuffled = list(ids)
    random.Random(7).shuffle(shuffled)
    body = "x" * 112
    for what, sql, parameters in (
            ("inserts", "INSERT INTO note VALUES(?2, ?1)", [(body, number) for number in ids]),
            ("single-column updates", "UPDATE note SET body = ?1 WHERE id = ?2", [("new", number) for number in shuffled])):
        last_body, last = parameters[-1]
        begun, cpu, hub_cpu = time.monotonic(), cpu_s(), hub.cpu_s()
        for start in range(0, rows, rows_per_commit):
            writer.execute("BEGIN")
            writer.executemany(sql, parameters[start:start + rows_per_commit])
            writer.execute("COMMIT")
        written = time.monotonic() - begun
        while not looking.execute("SELECT 1 FROM note WHERE id = ? AND body = ?", (last, last_body)).fetchone():
            time.sleep(0.002)
        took = time.monotonic() - begun
        tell(f"live {what}, {rows_per_commit:,} a commit, until they are there", rows / took, "rows/s")
        tell(f"live {what}, as they were written", rows / written, "rows/s")
        tell(f"live {what}, CPU of both devices", (cpu_s() - cpu) * 1e6 / rows, "us/row")
        tell(f"live {what}, CPU of the hub", (hub.cpu_s() - hub_cpu) * 1e6 / rows, "us/row")


def switches():
    total = 0
    for thread in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{thread}/status", encoding="ascii") as status:
            total += int(re.search(r"\nvoluntary_ctxt_switches:\s+(\d+)", status.read())[1])
    return total


def idle(seconds, settle_seconds):
    """Of both devices' threads together, in this process."""
    time.sleep(settle_seconds)
    before, cpu = switches(), cpu_s()
    time.sleep(seconds)
    tell("wake-ups of an idle link (two here)", (switches() - before) / seconds / 2, "/s")
    tell("CPU of an idle link (two here)", (cpu_s() - cpu) / seconds / 2 * 1000, "ms/s")


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=200_000, help="of the first sync")
    options.add_argument("--commits", type=int, default=300)
    options.add_argument("--live-rows", type=int, default=200_000, help="inserted, and then updated, on one device")
    options.add_argument("--live-commit", type=int, default=1000, help="of these rows in a transaction")
    options.add_argument("--idle-seconds", type=int, default=10)
    options.add_argument("--settle-seconds", type=int, default=70,
                         help="until a link has stopped looking for commits after the last write")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="rejoin-bench-") as folder:
        hub = Hub(folder)
        try:
            first_sync(folder, hub, given.rows)
            beside(folder, hub, given.rows)
        finally:
            hub.close()
        os.rename(os.path.join(folder, "rooms"), os.path.join(folder, "done"))
        hub = Hub(folder)
        try:
            devices = latency(folder, hub, given.commits)
            live(folder, hub, devices, given.live_rows, given.live_commit)
            idle(given.idle_seconds, given.settle_seconds)
            for device in devices:
                device.close()
        finally:
            hub.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
