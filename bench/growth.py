#!/usr/bin/env python3
"""How the ratios to plain SQLite grow: rejoin-bench over tables of more and more rows, and
over version vectors of more and more replicas. Writes what each run measured to one file,
and prints the ratios as a Markdown table. For bench/plots.py."""

import argparse
import json
import subprocess
import sys
import tempfile

PHASES = ["bulk insert, one statement", "autocommit inserts, 2000", "update 1 column of half the rows, at random",
          "delete a quarter, at random", "extract everything", "apply to an empty replica",
          "apply the updates of half the rows", "extract the last 100 changes", "ask for news, where there is none"]


def measure(options, rows, replicas):
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        subprocess.run([options.program, "--rows", str(rows), "--replicas", str(replicas), "--table", options.table,
                        "--side", "plain", "--side", "rejoin", "--rounds", str(options.rounds), "--json", file.name,
                        "--folder", options.folder],
                       check=True, stdout=subprocess.DEVNULL)
        print(f"measured {rows} rows, {replicas} replicas", file=sys.stderr)
        return {"rows": rows, "replicas": replicas, "figures": json.load(file)[0]}


def cell(run, phase):
    for row in run["figures"]:
        if row["phase"] == phase and row["side"] == "rejoin":
            return f"{row['ratio']:.2f}" if "ratio" in row else f"{row['median']:.2f} {row['unit']}"
    return ""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", help="where the series is written, as JSON")
    parser.add_argument("--program", default="build/release/rejoin-bench")
    parser.add_argument("--table", default="text key")
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--replicas", type=int, nargs="+", default=[1, 100, 10_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", default=tempfile.gettempdir())
    options = parser.parse_args()
    series = [dict(measure(options, rows, 1), over="rows") for rows in options.rows]
    series += [dict(measure(options, 100_000, replicas), over="replicas") for replicas in options.replicas]
    with open(options.out, "w", encoding="utf-8") as file:
        json.dump(series, file)
    for over in ("rows", "replicas"):
        runs = [run for run in series if run["over"] == over]
        print(f"\n| {options.table}, {over} | " + " | ".join(f"{run[over]:,}" for run in runs) + " |")
        print("|---|" + "---|" * len(runs))
        for phase in PHASES:
            print(f"| {phase} | " + " | ".join(cell(run, phase) for run in runs) + " |")


if __name__ == "__main__":
    main()
