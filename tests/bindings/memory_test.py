#!/usr/bin/env python3
"""Memory does not grow with the rows of a statement: the bench's steps, held to a bound."""

import os
import subprocess
import sys
import unittest

SOURCE = os.environ.get("REJOIN_SOURCE_DIR", ".")
BUILD = os.environ.get("REJOIN_BUILD_DIR", "build/release")
ROWS = 200_000  # enough to fill every buffer there is
LIMIT_MIB = 32


class Memory(unittest.TestCase):
    def test_is_bounded_whatever_a_statement_writes(self):
        if os.environ.get("REJOIN_SANITIZE"):
            self.skipTest("a sanitizer keeps memory of its own")
        if not os.path.exists("/proc/self/clear_refs"):
            self.skipTest("this system does not tell the peak of a step")
        tool = os.path.join(SOURCE, "bench", "peak_memory.py")
        done = subprocess.run([sys.executable, tool, "--build", BUILD, "--rows", str(ROWS), "--limit", str(LIMIT_MIB)],
                              stdout=subprocess.PIPE, text=True, check=False)
        print(done.stdout)
        self.assertEqual(done.returncode, 0)


if __name__ == "__main__":
    sys.exit(unittest.main())
