"""Every header compiles alone, whatever was included before it.

A header that a source includes before anything else has been shown to by the
build, but for its guard; the others are compiled here.
"""

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

LOADABLE = "-DREJOIN_LOADABLE_EXTENSION"
BUILT_TWICE = ("store/sqlite/", "bindings/sqlite/")
SHOWN_LINES = 6


def check(tree):
    build = Path(os.environ["REJOIN_BUILD_DIR"])
    compiler = [os.environ.get("REJOIN_CXX", "g++")]
    if shutil.which("ccache"):
        compiler.insert(0, "ccache")
    proven = set(filter(None, (_first_include(tree.root / path) for path in tree.cpp((".cc",)))))
    jobs = [(path, macros) for path in tree.cpp((".h",))
            if path not in proven and not path.startswith("examples/")
            for macros in ([], [LOADABLE])[: 2 if path.startswith(BUILT_TWICE) else 1]]
    yield from (f"{path}: does not say #pragma once" for path in sorted(proven)
                if (tree.root / path).is_file() and "#pragma once" not in tree.text(path))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from filter(None, pool.map(
            lambda job: _compile(tree.root, build, compiler, *job), jobs))


def _first_include(source):
    """The path that the first #include of the source names, if it is one of ours."""
    for line in source.read_text().splitlines():
        if line.startswith("#include"):
            return line.split('"')[1] if '"' in line else None
        if line.startswith("#"):
            return None
    return None


def _compile(root, build, compiler, path, macros):
    """A fault, or None. A unit of its own, so that ccache knows it the next time."""
    unit = build / "headers" / (path.replace("/", "_") + "".join(macros) + ".cc")
    unit.parent.mkdir(parents=True, exist_ok=True)
    text = f'#include "{path}"\n#include "{path}"\n'
    if not unit.exists() or unit.read_text() != text:
        unit.write_text(text)
    done = subprocess.run(
        [*compiler, "-std=c++20", "-Wall", "-Wextra", "-Werror", *macros,
         "-I", str(root), "-I", str(build / "generated"),
         "-c", str(unit), "-o", str(unit.with_suffix(".o"))],
        capture_output=True, text=True)
    if done.returncode == 0:
        return None
    return f"{path}: does not compile alone\n" + "\n".join(done.stderr.splitlines()[:SHOWN_LINES])
