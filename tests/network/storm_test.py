#!/usr/bin/env python3
"""A thousand devices at one hub: it is killed under them, and all come back, with all that anybody wrote meanwhile.

REJOIN_STORM_KILLS sets how often (default 1).
"""

import json
import os
import resource
import subprocess
import time
import unittest

from servers import DEADLINE_S, WithServers  # which finds `program`
from program import BUILD

CROWD = os.path.join(BUILD, "crowd")
DEVICES = 1000
WRITERS = DEVICES // 10
KILLS = int(os.environ.get("REJOIN_STORM_KILLS", "1"))
PATIENCE_S = 3 * DEADLINE_S
HUB_MAX_MIB = 256


def allow_files(count):
    """Each link takes a descriptor at both ends. What is allowed here is inherited."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        raise unittest.SkipTest(f"this system allows {hard} open files, and {count} are needed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count), hard))


class Crowd:
    def __init__(self, url):
        self.process = subprocess.Popen([CROWD, url, str(DEVICES)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, command="status"):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


class Storm(WithServers):
    def until(self, condition, what):
        end = time.monotonic() + PATIENCE_S
        while True:
            status = self.crowd.ask()
            if condition(status):
                return status
            self.assertLess(time.monotonic(), end, f"{what}: {status}")
            time.sleep(0.2)

    def peak_mib(self, server):
        with open(f"/proc/{server.process.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024

    def test_all_come_back(self):
        allow_files(2 * DEVICES)
        server = self.hub("--quiet")
        self.crowd = Crowd(server.url())
        self.addCleanup(self.crowd.close)
        self.until(lambda status: status["live"] == DEVICES, "not all came")
        self.crowd.ask("write")
        written = WRITERS
        for _ in range(KILLS):
            self.crowd.ask("write")
            written += WRITERS
            port = server.port
            server.kill()
            server = self.serve("hub", "--dir", self.path("rooms"), "--quiet", port=port)
            self.until(lambda status: status["live"] == DEVICES, "not all came back")
            self.until(lambda status: status["fewest"] == written, "something is missing")
            self.assertLess(self.peak_mib(server), HUB_MAX_MIB)
        told = self.crowd.ask("equal")
        print(f"{DEVICES} devices, {told['conversations']} conversations, the hub's peak {self.peak_mib(server):.0f} MiB")
        self.assertEqual((told["fewest"], told["most"], told["digests"]), (written, written, 1))


if __name__ == "__main__":
    unittest.main()
