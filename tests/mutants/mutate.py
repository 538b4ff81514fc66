#!/usr/bin/env python3
"""Tests the tests: breaks the product in the ways of *.mutants, one at a time, and expects a test to fail.

    mutate.py                        all mutants, with the tests that each names
    mutate.py --only NAME...         some of them (part of name, file or test program)
    mutate.py --all-tests            with all tests of the programs that the lists name
    mutate.py --check                nothing is built: do the lists fit the code?
    mutate.py --list                 names, and what would go wrong
    mutate.py --report docs/mutants.md

The checkout is only read: mutants are built in a copy, by default in build/mutants. The status
is 1 where a mutant survived or did not build, 2 where no mutant could be run.
"""

import argparse
import sys
import time
from pathlib import Path

import mutants as lists
from scratch import Scratch

ROOT = Path(__file__).resolve().parents[2]
LIST_FOLDER = Path(__file__).resolve().parent
# Times what the tests take without a mutant, and at least so long.
TIMEOUT_FACTOR = 10
MIN_TIMEOUT_S = 60
ALL_TESTS_TIMEOUT_S = 900
SHOWN_TESTS = 3
SHOWN_ERROR_LINES = 12
SHOWN_BYTES = 3000  # where nothing builds

CAUGHT, SURVIVED, NOT_BUILT = "CAUGHT", "SURVIVED", "DOES NOT BUILD"


class Verdict:
    """What came of one mutant."""

    def __init__(self, mutant, status, runs=(), seconds=0.0, said=""):
        self.mutant = mutant
        self.status = status
        self.tests = [name for run in runs for name in run.failed]
        self.caught_by = list(dict.fromkeys(bare(name) for name in self.tests))
        self.how = sorted({run.how for run in runs if run.how})
        self.seconds = seconds
        self.said = said

    def text(self):
        if self.status != CAUGHT:
            return self.status
        how = f" ({' and '.join(self.how)})" if self.how else ""
        more = len(self.caught_by) - SHOWN_TESTS
        tests = ", ".join(self.caught_by[:SHOWN_TESTS]) + (f" and {more} more" if more > 0 else "")
        return f"{CAUGHT}{how} by {tests or 'a program that ended early'}"


def bare(test):
    """Suite.Test of what GoogleTest calls Instance/Suite.Test/Parameter or Suite/Type.Test."""
    suite, _, name = test.rpartition(".")
    parts = [part for part in suite.split("/") if not part.isdigit()]
    return f"{parts[-1]}.{name.split('/')[0]}"


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\n")[0], formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="names, and what would go wrong")
    parser.add_argument("--check", action="store_true", help="only whether the lists fit the code")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="mutants with this in their name, file or test programs")
    parser.add_argument("--all-tests", action="store_true", help="every test of the programs that the lists name")
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "mutants", metavar="DIR",
                        help="where the copy and its build are kept")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="of the compiler")
    parser.add_argument("--report", type=Path, metavar="FILE", help="writes the table as Markdown; needs all mutants")
    return parser.parse_args()


def chosen(mutants, wanted):
    if not wanted:
        return mutants
    return [mutant for mutant in mutants
            if any(part in text for part in wanted for text in (mutant.name, mutant.file, *mutant.programs()))]


def filters(mutants):
    """Test program -> the filter of all that these mutants name of it."""
    merged = {}
    for mutant in mutants:
        for program, pattern in mutant.by:
            merged.setdefault(program, [])
            merged[program] += [part for part in pattern.split(":") if part not in merged[program]]
    return {program: ":".join(parts) for program, parts in merged.items()}


def without_mutants(scratch, mutants, all_tests):
    """Seconds per (program, filter), and what is wrong: all of them have to pass as the code is."""
    said = scratch.build(sorted(filters(mutants)))
    if said:
        return {}, f"the sources as they are do not build:\n{said[-SHOWN_BYTES:]}"
    seconds = {}
    complaints = []
    for program, pattern in sorted(what_to_run(mutants, all_tests)):
        run = scratch.run(program, pattern, ALL_TESTS_TIMEOUT_S)
        seconds[program, pattern] = run.seconds
        if run.fails() or run.ran == 0:
            complaints.append(f"without a mutant: {program} {pattern}: {complaint(run)}")
            print(f"  {complaints[-1]}", flush=True)
        else:
            print(f"  {program} {pattern}: {run.ran} tests pass in {run.seconds:.1f} s", flush=True)
    return seconds, "\n".join(complaints)


def complaint(run):
    return f"fails: {', '.join(run.failed) or run.how}" if run.fails() else "there is no such test"


def what_to_run(mutants, all_tests):
    if all_tests:
        return {(program, "*") for program in filters(mutants)}
    return {by for mutant in mutants for by in mutant.by}


def judge(scratch, mutant, runs, seconds):
    """Builds the mutant and runs what is to catch it."""
    begun = time.monotonic()
    programs = sorted({program for program, _ in runs})
    scratch.mutate(mutant)
    try:
        said = scratch.build(programs)
        if said:
            return Verdict(mutant, NOT_BUILT, seconds=time.monotonic() - begun, said=said)
        done = [scratch.run(program, pattern, max(MIN_TIMEOUT_S, TIMEOUT_FACTOR * seconds[program, pattern]))
                for program, pattern in runs]
    finally:
        scratch.restore(mutant)
    status = CAUGHT if any(run.fails() for run in done) else SURVIVED
    return Verdict(mutant, status, done, time.monotonic() - begun)


def judge_all(scratch, mutants, all_tests):
    scratch.sync()
    scratch.configure()
    print("Without a mutant:", flush=True)
    seconds, error = without_mutants(scratch, mutants, all_tests)
    if error:
        print(error)
        return None
    print(f"{len(mutants)} mutants:", flush=True)
    verdicts = []
    begun = time.monotonic()
    for number, mutant in enumerate(mutants, 1):
        runs = sorted(what_to_run(mutants, True)) if all_tests else mutant.by
        verdict = judge(scratch, mutant, runs, seconds)
        verdicts.append(verdict)
        left_s = (time.monotonic() - begun) / number * (len(mutants) - number)
        print(f"  {number} of {len(mutants)}, {left_s / 60:.0f} min left: {mutant.name}: {verdict.text()}",
              flush=True)
        if all_tests:
            print("".join(f"      {name}\n" for name in verdict.tests), end="")
        if verdict.said:
            print("\n".join(verdict.said.splitlines()[:SHOWN_ERROR_LINES]))
    return verdicts


def print_summary(verdicts):
    width = max(len(verdict.mutant.name) for verdict in verdicts)
    print()
    for verdict in verdicts:
        print(f"{verdict.mutant.name:{width}}  {verdict.seconds:4.0f} s  {verdict.mutant.file}  {verdict.text()}")
    print()
    for status in (CAUGHT, SURVIVED, NOT_BUILT):
        count = sum(verdict.status == status for verdict in verdicts)
        print(f"{count:4} {status.lower()}")


def report(verdicts):
    lines = [
        "# Mutants",
        "",
        "Generated by `tests/mutants/mutate.py --report docs/mutants.md`; edit `tests/mutants/*.mutants`. Each is a mistake that"
        " one could make in the product, and the tests named have to fail with it",
        "([testing.md](testing.md#tests-of-the-tests)).",
        "",
        f"{len(verdicts)} mutants, {sum(verdict.status == CAUGHT for verdict in verdicts)} caught.",
    ]
    file = None
    for verdict in verdicts:
        mutant = verdict.mutant
        if mutant.file != file:
            file = mutant.file
            lines += ["", f"`{file}`", "", "| mutant | what would go wrong | caught by |", "|---|---|---|"]
        tests = "<br>".join(f"`{name}`" for name in verdict.caught_by[:SHOWN_TESTS])
        how = "".join(f" ({way})" for way in verdict.how)
        status = tests + how if verdict.status == CAUGHT else verdict.status.lower()
        lines.append(f"| `{mutant.name}` | {mutant.why} | {status} |")
    return "\n".join(lines) + "\n"


def main():
    options = arguments()
    try:
        mutants = lists.read_all(LIST_FOLDER)
    except lists.Unreadable as error:
        print(error)
        return 2
    if options.list:
        for mutant in chosen(mutants, options.only):
            print(f"{mutant.name}  {mutant.file}\n    {mutant.why}")
        return 0
    faults = list(lists.faults(ROOT, mutants))
    print("\n".join(faults) if faults else f"{len(mutants)} mutants apply")
    if faults or options.check:
        return 2 if faults else 0
    wanted = chosen(mutants, options.only)
    if not wanted:
        print("no mutant has such a name")
        return 2
    scratch = Scratch(ROOT, options.build, lists.programs(ROOT), options.jobs)
    verdicts = judge_all(scratch, wanted, options.all_tests)
    if verdicts is None:
        return 2
    print_summary(verdicts)
    if options.report:
        options.report.write_text(report(verdicts))
    return 0 if all(verdict.status == CAUGHT for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
