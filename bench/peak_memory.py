#!/usr/bin/env python3
"""Peak memory of statements that write every row of a table, and of what Rejoin does
with them: one transaction each, every step in a process of its own, next to the same
on a plain table, and on a plain table whose triggers do nothing.

What is told is the peak of the process's resident memory above what it had before the
step (MiB), and the time that the step took. `above` is what a tracked table takes more
than one with such triggers: for these SQLite itself keeps the rowids of all rows that a
DELETE is about, 24 bytes each. `export` and `import` are the program's, in the same way
above what it takes to say its version.
"""

import argparse
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

KEYS = {"integer": ("id INTEGER PRIMARY KEY", "", "value"),
        "text": ("id TEXT PRIMARY KEY NOT NULL", "", "lower(hex(randomblob(8)))"),
        "without-rowid": ("id TEXT PRIMARY KEY NOT NULL", "WITHOUT ROWID", "lower(hex(randomblob(8)))")}
TRIGGER = "CREATE TRIGGER t_{0} AFTER {0} ON t BEGIN SELECT 1; END"
FOLD = "SELECT count(*) FROM rejoin_conflicts"  # a view that asks for folded metadata


def resident_kib(name):
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(name + ":"))


def run_sql(settings, file, extension, sql):
    """In this process: what the statement took above what was there before."""
    db = sqlite3.connect(file, isolation_level=None)
    if extension:
        db.enable_load_extension(True)
        db.load_extension(extension)
    for pragma in (f"journal_mode = {settings['journal']}", f"cache_size = -{settings['cache_kib']}",
                   "synchronous = OFF"):
        db.execute(f"PRAGMA {pragma}").fetchall()
    db.execute("SELECT count(*) FROM sqlite_schema").fetchall()
    before = resident_kib("VmRSS")
    with open("/proc/self/clear_refs", "w", encoding="ascii") as clear:
        clear.write("5")  # the peak begins anew
    began = time.monotonic()
    db.execute(sql).fetchall()
    seconds = time.monotonic() - began
    return {"mib": (resident_kib("VmHWM") - before) / 1024, "seconds": seconds}


def in_process(settings, file, sql, extension=None):
    words = json.dumps([settings, file, extension, sql])
    done = subprocess.run([sys.executable, __file__, "--step", words], check=True, capture_output=True)
    return json.loads(done.stdout)


def by_program(*words):
    """The program's own peak: it is the only child at that time."""
    began = time.monotonic()
    child = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        raise SystemExit(f"failed: {' '.join(words)}")
    return {"mib": usage.ru_maxrss / 1024, "seconds": time.monotonic() - began}


class Run:
    def __init__(self, settings, folder):
        self.settings = settings
        self.extension = os.path.join(settings["build"], "rejoin")
        self.program = os.path.join(settings["build"], "rejoin")
        self.delta = os.path.join(folder, "news.delta")
        self.plain, self.triggered, self.ours, self.other = (
            os.path.join(folder, name + ".db") for name in ("plain", "triggered", "ours", "other"))
        self.floor = by_program(self.program, "version")["mib"]
        self.worst = 0.0

    def sql(self, file, sql):
        return in_process(self.settings, file, sql, self.extension if file in (self.ours, self.other) else None)

    def command(self, *words):
        result = by_program(self.program, *words)
        result["mib"] -= self.floor
        return result

    def tell(self, step, ours, *others):
        above = ours["mib"] - (others[0]["mib"] if others else 0)
        self.worst = max(self.worst, above)
        beside = "".join(f" {other['mib']:8.1f} {other['seconds']:7.1f}" for other in others)
        print(f"{step:20} {above:8.1f} {ours['mib']:8.1f} {ours['seconds']:7.1f}{beside}", flush=True)

    def exchange(self):
        self.tell("  fold", self.sql(self.ours, FOLD))
        self.tell("  digest", self.sql(self.ours, "SELECT rejoin_digest()"))
        if self.settings["alone"]:
            return
        self.tell("  export", self.command("export", self.ours, "-o", self.delta, "--force", "--for", self.other))
        self.tell("  import", self.command("import", self.other, self.delta))

    def all(self):
        column, suffix, made = KEYS[self.settings["key"]]
        create = f"CREATE TABLE t({column}, a TEXT, b INTEGER) {suffix}"
        for file in (self.plain, self.triggered, self.ours, self.other):
            self.sql(file, create)
            if file in (self.ours, self.other):
                self.sql(file, "SELECT rejoin_track('t')")
        for verb in ("INSERT", "UPDATE", "DELETE"):
            self.sql(self.triggered, TRIGGER.format(verb))
        rows = self.settings["rows"]
        print(f"{'':20} {'above':>8} {'tracked':>16} {'empty triggers':>16} {'plain':>16}")
        print(f"{'':20} {'MiB':>8}" + f" {'MiB':>8} {'s':>7}" * 3)
        insert = (f"WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n LIMIT {rows})"
                  f" INSERT INTO t SELECT {made}, 'some text ' || value, value % 7 FROM n")
        for name, sql in (("INSERT", insert), ("UPDATE", "UPDATE t SET b = b + 1"), ("DELETE", "DELETE FROM t")):
            self.tell(f"{name} of {rows}", *(self.sql(file, sql) for file in (self.ours, self.triggered, self.plain)))
            self.exchange()


def main():
    if sys.argv[1:2] == ["--step"]:
        print(json.dumps(run_sql(*json.loads(sys.argv[2]))))
        return 0
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--key", choices=KEYS, default="integer")
    parser.add_argument("--journal", choices=("wal", "delete"), default="wal")
    parser.add_argument("--cache-kib", type=int, default=2000, help="SQLite's page cache (default 2000)")
    parser.add_argument("--alone", action="store_true", help="without export and import")
    parser.add_argument("--build", default="build/release", help="where the extension and the program are")
    parser.add_argument("--folder", help="where the files are made (default: a temporary folder)")
    parser.add_argument("--limit", type=float, help="fail if a step is more MiB above than this")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="rejoin-memory-", dir=options.folder)
    try:
        settings = {"rows": options.rows, "key": options.key, "journal": options.journal,
                    "cache_kib": options.cache_kib, "alone": options.alone, "build": os.path.abspath(options.build)}
        run = Run(settings, folder)
        run.all()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if options.limit is not None and run.worst > options.limit else 0


if __name__ == "__main__":
    sys.exit(main())
