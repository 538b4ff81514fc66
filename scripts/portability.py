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
FLAGS = ["-std=c++20", "-O1", "-Wall", "-Wextra", "-Wno-unknown-warning-option", "-c"]
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
    """(folder, file, macros) of every translation unit of the shared layers."""
    found = set()
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = Path(entry["file"]).resolve()
        if not path.is_relative_to(root):
            continue
        relative = path.relative_to(root)
        if relative.parts[0] in LAYERS:
            words = shlex.split(entry["command"])
            macros = tuple(word for word in words if word.startswith("-D"))
            found.add((str(relative.parent), str(relative), macros))
    return sorted(found)


def compile_unit(command, unit, build, root, name):
    _, file, macros = unit
    variant = "".join(macros).replace("/", "_")
    output = build / "objects" / name.replace(" ", "") / (file + variant + ".o")
    output.parent.mkdir(parents=True, exist_ok=True)
    words = command + FLAGS + list(macros) + [
        "-I", str(root), "-I", str(build / "generated"), "-isystem", str(build / "include"),
        str(root / file), "-o", str(output)]
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
            jobs = [(unit[0], pool.submit(compile_unit, command, unit, build, root, name))
                    for unit in wanted]
            for folder in sorted({unit[0] for unit in wanted}):
                results = [job.result() for at, job in jobs if at == folder]
                broken = [result for result in results if not result[0]]
                verdict = f"{len(broken)} of {len(results)} FAIL" if broken else "ok"
                print(f"{name:12} {folder:14} {len(results):3} units  {verdict}", flush=True)
                for _, file, errors in broken:
                    failed = True
                    print(f"  {file}")
                    for line in first_errors(errors):
                        print(f"    {line}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
