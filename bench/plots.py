#!/usr/bin/env python3
"""Draws what rejoin-bench measured.

  plots.py ratios FIGURES.json FOLDER    one picture for each table: costs as ratios to plain SQLite
  plots.py growth SERIES.json FOLDER     what bench/growth.py gathered: ratios over rows and replicas
"""

import json
import os
import re
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402  after the backend is chosen

# The phases of a ratio picture, from above to below, and what they are called there.
PHASES = [
    ("bulk insert, one statement", "insert, one statement"),
    ("autocommit inserts, 2000", "insert, a commit each"),
    ("update 1 column of half the rows, at random", "update one column"),
    ("delete a quarter, at random", "delete"),
    ("extract everything", "extract everything"),
    ("apply to an empty replica", "apply everything"),
    ("apply again, row by row", "apply it again"),
    ("apply the updates of half the rows", "apply updates"),
    ("insert, fold and extract everything", "insert and extract"),
]
COLORS = {"session": "#9aa5b1", "rejoin": "#1f6feb", "cr-sqlite": "#d29922", "SQLite Sync": "#cf222e"}
STYLE = {"font.size": 9, "svg.fonttype": "none", "svg.hashsalt": "rejoin", "axes.spines.top": False,
         "axes.spines.right": False}


def save(figure, path):
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
    print(path)


def draw_ratios(tables, folder):
    for figures in tables:
        title = figures[0]["table"]
        ratios = {(row["phase"], row["side"]): row["ratio"] for row in figures if "ratio" in row}
        sides = [side for side in COLORS if any(key[1] == side for key in ratios)]
        phases = [(phase, label) for phase, label in PHASES if (phase, "rejoin") in ratios]
        figure, axes = plt.subplots(figsize=(7, 0.6 + 0.42 * len(phases)))
        height = 0.8 / len(sides)
        for i, side in enumerate(sides):
            places = [n + (i - (len(sides) - 1) / 2) * height for n in range(len(phases))]
            values = [ratios.get((phase, side), 0) for phase, _ in phases]
            axes.barh(places, values, height, color=COLORS[side], label=side)
            for place, value in zip(places, values):
                axes.annotate(f"{value:.2g}" if value < 10 else f"{value:.0f}", (value, place), (3, 0),
                              textcoords="offset points", va="center", fontsize=7)
        axes.axvline(1, color="#57606a", linewidth=0.8)
        axes.set_xscale("log")
        axes.minorticks_off()
        axes.set_xlim(left=0.4)
        axes.set_xticks([tick for tick in (0.5, 1, 2, 5, 10, 20, 50, 100) if tick <= axes.get_xlim()[1]])
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.set_yticks(range(len(phases)), [label for _, label in phases])
        axes.invert_yaxis()
        axes.set_xlabel("CPU time, ratio to plain SQLite (1: no more than plain)")
        axes.set_title(title, loc="left")
        axes.legend(frameon=False, fontsize=8, loc="lower right", bbox_to_anchor=(1, 1), ncols=len(sides))
        save(figure, os.path.join(folder, "ratios-" + re.sub(r"[^a-z]+", "-", title.split(",")[0].lower()).strip("-") + ".svg"))


GROWTH = ["bulk insert, one statement", "update 1 column of half the rows, at random", "extract everything",
          "apply to an empty replica", "apply the updates of half the rows"]


def draw_growth(series, folder):
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), sharey=True)
    for axis, over in zip(axes, ("rows", "replicas")):
        runs = sorted((run for run in series if run["over"] == over), key=lambda run: run[over])
        for phase in GROWTH:
            points = [(run[over], row["ratio"]) for run in runs for row in run["figures"]
                      if row["phase"] == phase and row["side"] == "rejoin" and "ratio" in row]
            axis.plot(*zip(*points), marker="o", markersize=3, linewidth=1.2, label=phase.split(",")[0])
        axis.set_xscale("log")
        axis.set_xlabel("rows of the table" if over == "rows" else "replicas in the version vector")
        axis.set_ylim(bottom=0)
    axes[0].set_ylabel("CPU time, ratio to plain SQLite")
    axes[1].legend(frameon=False, fontsize=7)
    save(figure, os.path.join(folder, "growth.svg"))


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in ("ratios", "growth"):
        raise SystemExit(__doc__)
    with open(sys.argv[2], encoding="utf-8") as file:
        measured = json.load(file)
    os.makedirs(sys.argv[3], exist_ok=True)
    with plt.rc_context(STYLE):
        (draw_ratios if sys.argv[1] == "ratios" else draw_growth)(measured, sys.argv[3])


if __name__ == "__main__":
    main()
