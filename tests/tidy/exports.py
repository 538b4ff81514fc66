#!/usr/bin/env python3
"""The loadable extension exports its entry point, and needs nothing that a host may lack."""

import os
import re
import subprocess
import sys

ENTRY = "sqlite3_rejoin_init"
NEEDED = {"libc", "libm", "ld-linux-x86-64", "ld-linux-aarch64", "libpthread", "libdl"}


def lines_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def exported(module):
    return sorted(line.split()[-1] for line in lines_of("nm", "-D", "--defined-only", module))


def needed(module):
    found = re.findall(r"\(NEEDED\).*\[(.+?)\.so", "\n".join(lines_of("readelf", "-d", module)))
    return set(found)


def main():
    module = os.path.join(os.environ["REJOIN_BUILD_DIR"], "rejoin.so")
    status = 0
    if exported(module) != [ENTRY]:
        print(f"{module} exports {exported(module)}, not just {ENTRY}")
        status = 1
    if needed(module) - NEEDED:
        print(f"{module} needs {sorted(needed(module) - NEEDED)} from its host")
        status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
