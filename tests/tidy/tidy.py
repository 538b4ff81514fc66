#!/usr/bin/env python3
"""Runs one tidy check over the repository: tidy.py layers|lengths|calls|words|listed|headers

Prints a line per fault, and fails if there is one. tidy_test.py shows that each
check can fail.
"""

import importlib
import sys
from pathlib import Path

from tree import Tree

CHECKS = ("layers", "lengths", "calls", "words", "listed", "headers")


def main(arguments):
    if len(arguments) != 1 or arguments[0] not in CHECKS:
        print(__doc__)
        return 2
    check = importlib.import_module(arguments[0]).check
    faults = list(check(Tree(Path(__file__).resolve().parents[2])))
    print("\n".join(faults) if faults else f"{arguments[0]}: tidy")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
