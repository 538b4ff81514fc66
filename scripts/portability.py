"""Compiles the shared layers with other platforms' compilers; scripts/portability.sh runs it.

The files and their macros come from the build's compile_commands.json, so what
is not in a target is not compiled here either. Third-party headers are linked
into one folder that the foreign compilers see in place of /usr/include.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

LAYERS = ("base", "crdt", "store", "replica")
HEADERS = ("sqlite3.h", "sqlite3ext.h", "zstd.h", "zstd_errors.h", "xxhash.h", "xxh3.h", "tl",
           "nlohmann")
SHOWN_ERRORS = 12
# No code is generated: nothing links it, and checking alone takes two thirds of the time.
FLAGS = ["-std=c++20", "-Wall", "-Wextra", "-Wno-unknown-warning-option", "-fsyntax-only"]
# A constant that does not fit is the usual 32-bit slip.
NARROWING = ["-Werror=overflow"]

COMPILERS = {
    "clang-14": ["clang++-14"],
    "emscripten": ["em++", "-fexceptions"],
    "mingw-w64": ["x86_64-w64-mingw32-g++-posix"] + NARROWING,
    "g++ -m32": ["g++", "-m32"] + NARROWING,
}


def link_headers(folder):
    """A fresh include folder with nothing but the third parties' headers."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in HEADERS:
        source = Path("/usr/include") / name
        if source.exists():
            (folder / name).symlink_to(source)


def units(build, root):
    """file: macros, of every source of the shared layers.

    A source that is in several targets is compiled once, as the one with the
    fewest macros has it: what else a target defines does not depend on the platform.
    """
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = Path(entry["file"]).resolve()
        if not path.is_relative_to(root):
            continue
        relative = path.relative_to(root)
        if relative.parts[0] in LAYERS:
            words = shlex.split(entry["command"])
            macros = [word for word in words if word.startswith("-D")]
            found[relative] = min(found.get(relative, macros), macros, key=len)
    return found


def compile_unit(command, file, macros, build, root):
    words = command + FLAGS + macros + [
        "-I", str(root), "-I", str(build / "generated"), "-isystem", str(build / "include"),
        str(root / file)]
    environment = dict(os.environ, NODE_PATH="/usr/share/nodejs")
    done = subprocess.run(words, env=environment, capture_output=True, text=True)
    return done.returncode == 0, file, done.stderr


def first_errors(text):
    lines = [line for line in text.splitlines()
             if " error: " in line and not line.startswith("em++: error")]  # its whole command
    return (lines or text.splitlines())[:SHOWN_ERRORS]


def main():
    root = Path(__file__).resolve().parent.parent
    build = Path(sys.argv[1]).resolve()
    link_headers(build / "include")
    wanted = units(build, root)
    if not wanted:
        print("portability: no sources found in the shared layers")
        return 1
    failed = False
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, command in COMPILERS.items():
            jobs = {file: pool.submit(compile_unit, command, file, wanted[file], build, root)
                    for file in sorted(wanted)}
            for folder in sorted({file.parent for file in wanted}):
                results = [job.result() for file, job in jobs.items() if file.parent == folder]
                broken = [result for result in results if not result[0]]
                verdict = f"{len(broken)} of {len(results)} FAIL" if broken else "ok"
                print(f"{name:12} {str(folder):14} {len(results):3} units  {verdict}", flush=True)
                for _, file, errors in broken:
                    failed = True
                    print(f"  {file}")
                    for line in first_errors(errors):
                        print(f"    {line}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
