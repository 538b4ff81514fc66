#!/usr/bin/env python3
"""A hub and devices for hours: memory stays flat, files stay bounded, and in the end all are equal.

    soak.py [--minutes 120] [--devices 50] [--writes-a-second 20]

Each device is a process with a file and a link that lives in the background; it writes at random, and every few minutes
it ends and begins anew, as applications do. Every now and then the hub ends and comes back, too. Each minute a line
tells what memory and files take. Rows are deleted and made again all the time, and what is known of them grows by it: so
the hub is compared with one that has just begun, too.
"""

import argparse
import glob
import os
import random
import select
import subprocess
import sys
import tempfile
import time

from random_writer import RandomWriter, make_device
from servers import OK, PROGRAM, Server, connect, one

MIB = 1 << 20
LINE_S = 60
DEVICE_LIVES_S = 300  # on average
HUB_LIVES_S = 1200
PATIENCE_MS = 120_000
# Flat: what is taken after a quarter of the time, and this much for chance.
MAX_GROWTH, MAX_GROWTH_MIB = 1.25, 16
MAX_AGE_MIB = 8  # of a hub, beyond the quarter and what it takes when it has just begun
# The log of a device is kept within 16 MiB (docs/architecture.md); the rows here are some hundred kilobytes.
MAX_DEVICE_FILES_MIB, MAX_HUB_FILES_MIB = 32, 64


def be_device(path, url, seed, pause_s):
    """Until its input ends; then it waits until it is in sync, and prints its digest."""
    draw = random.Random(int(seed))
    db = connect(path)
    db.execute("PRAGMA busy_timeout = 30000")
    one(db, "SELECT rejoin_connect(?)", url)
    writer = RandomWriter(db, draw)
    while not select.select([sys.stdin], [], [], draw.expovariate(1 / float(pause_s)))[0]:
        writer.work()
    for _ in range(2):  # what went up, and then what came down
        one(db, "SELECT rejoin_wait_synced(?)", PATIENCE_MS)
    print(one(db, "SELECT rejoin_digest()"), flush=True)
    db.close()


def rss_mib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024


def files_mib(pattern):
    return sum(os.path.getsize(path) for path in glob.glob(pattern)) / MIB


class Device:
    def __init__(self, path, url, draw, pause_s):
        self.path, self.url, self.draw, self.pause_s = path, url, draw, pause_s
        make_device(path, wal=True).close()
        self.begin()

    def begin(self):
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--device", self.path, self.url, str(self.draw.randrange(1 << 32)), str(self.pause_s)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask_to_end(self):
        self.process.stdin.close()

    def end(self):
        """Its digest."""
        digest = self.process.stdout.readline().strip()
        self.process.stdout.close()
        if self.process.wait() != 0:
            raise SystemExit(f"{self.path} ended with {self.process.returncode}")
        return digest


class Soak:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.draw = random.Random(options.seed)
        self.hub = Server(os.path.join(folder, "told"), "hub", "--dir", os.path.join(folder, "rooms"), "--quiet").start()
        pause_s = options.devices / options.writes_a_second
        self.devices = [Device(os.path.join(folder, f"{number}.db"), self.hub.url(), self.draw, pause_s)
                        for number in range(options.devices)]
        self.seen = []

    def measure(self):
        devices = [rss_mib(device.process.pid) for device in self.devices]
        self.seen.append({"hub": rss_mib(self.hub.process.pid), "device": sum(devices) / len(devices),
                          "hub_files": files_mib(os.path.join(self.folder, "rooms", "*")),
                          "device_files": max(files_mib(device.path + "*") for device in self.devices)})
        now = self.seen[-1]
        print(f"{len(self.seen):5} | hub {now['hub']:6.1f} MiB, files {now['hub_files']:5.1f} MiB | device {now['device']:6.1f} MiB "
              f"on average, files {now['device_files']:5.1f} MiB at most", flush=True)

    def happens(self, life_s):
        return self.draw.random() < 1 / life_s

    def second(self):
        for device in self.devices:
            if self.happens(DEVICE_LIVES_S):
                device.ask_to_end()
                device.end()
                device.begin()
        if self.happens(HUB_LIVES_S):
            self.begin_hub_anew()
        time.sleep(1)

    def begin_hub_anew(self):
        port = self.hub.port
        self.hub.end()
        self.hub.command[self.hub.command.index("--port") + 1] = str(port)
        self.hub.start()

    def compare_with_new_hub(self):
        old = rss_mib(self.hub.process.pid)
        self.begin_hub_anew()
        time.sleep(min(LINE_S, self.options.minutes * 60 / 4))  # all are back, and write on
        new = rss_mib(self.hub.process.pid)
        print(f"the hub takes {old:.1f} MiB, and one that has just begun {new:.1f} MiB", flush=True)
        self.expect(old <= MAX_GROWTH * new + MAX_AGE_MIB, f"the hub keeps memory: {old} MiB, {new} MiB once it has begun anew")

    def run(self):
        begun = time.monotonic()
        lines = 0
        while time.monotonic() < begun + self.options.minutes * 60:
            self.second()
            if time.monotonic() >= begun + lines * LINE_S:
                lines += 1
                self.measure()
        self.compare_with_new_hub()
        for _ in range(2):  # the first to end has not heard the last
            for device in self.devices:
                device.ask_to_end()
            digests = {device.end() for device in self.devices}
            for device in self.devices:
                device.pause_s = 1e9
                device.begin()
        self.expect(len(digests) == 1, f"{len(digests)} digests")

    def expect(self, holds, what):
        if not holds:
            raise SystemExit(f"soak: {what}")

    def judge(self):
        early, late = self.seen[len(self.seen) // 4], self.seen[-1]
        for name in ("hub", "device"):
            self.expect(late[name] <= MAX_GROWTH * early[name] + MAX_GROWTH_MIB, f"the memory of a {name} grew: {early}, {late}")
        self.expect(late["device_files"] < MAX_DEVICE_FILES_MIB, f"a device's files: {late}")
        self.expect(late["hub_files"] < MAX_HUB_FILES_MIB, f"the hub's files: {late}")
        for device in self.devices:
            done = subprocess.run([PROGRAM, "doctor", device.path], capture_output=True, check=False)
            self.expect(done.returncode == OK, f"{device.path}: {done.stdout}")

    def close(self):
        for device in self.devices:
            device.process.kill()
            device.process.wait()
        self.hub.kill()


def main():
    if sys.argv[1:2] == ["--device"]:
        return be_device(*sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--devices", type=int, default=50)
    parser.add_argument("--writes-a-second", type=float, default=20, help="of all devices together")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="rejoin-soak-") as folder:
        soak = Soak(options, folder)
        try:
            soak.run()
            soak.judge()
        finally:
            soak.close()
    print("all are equal")


if __name__ == "__main__":
    main()
