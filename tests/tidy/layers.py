"""Includes point one way: base <- crdt <- store <- replica <- transport <- hub <- cli."""

import re

from tree import BESIDE, LAYERS

# What a folder sees besides itself.
SEES = {layer: set(LAYERS[:index]) for index, layer in enumerate(LAYERS)}
SEES["cli"] |= {"bindings"}  # the program hosts the SQLite binding, as any application does
SEES["bindings"] = set(LAYERS[: LAYERS.index("transport") + 1])
SEES["tests"] = SEES["fuzz"] = SEES["bench"] = {*LAYERS, "bindings"}
SEES["fuzz"] |= {"tests"}
SEES["bench"] |= {"tests"}
SEES["examples"] = {*LAYERS, "bindings"}

SQLITE_API = "store/sqlite/sqlite_api.h"
SEES_SQLITE = ("store/sqlite/", "bindings/sqlite/", "tests/", "fuzz/", "bench/")
# What the hub's row store may use of the SQLite store: the wrapper around SQLite.
ROWS_SEE = ("store/sqlite/sql.h", "store/sqlite/sqlite_file.h")
SEES_BOOST = ("transport/", "hub/")

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.M)


def check(tree):
    for path in tree.cpp():
        text = tree.text(path)
        for hit in _INCLUDE.finditer(text):
            line = text.count("\n", 0, hit.start()) + 1
            fault = _fault(path, hit[1], hit[2])
            if fault:
                yield f"{path}:{line}: {fault}"


def _fault(path, quote, target):
    if re.match(r"sqlite3(ext)?\.h$", target):
        if path != SQLITE_API:
            return f"includes {target}: SQLite is seen through {SQLITE_API} only"
    elif target == SQLITE_API and not path.startswith(SEES_SQLITE):
        return f"includes {target}: SQLite is seen in {', '.join(SEES_SQLITE)} only"
    elif target.startswith("boost/") and not path.startswith(SEES_BOOST):
        return f"includes {target}: Boost is seen in {' and '.join(SEES_BOOST)} only"
    elif quote == '"':
        return _pointing_fault(path, target)
    elif target.split("/")[0] in SEES and "/" in target:
        return f'includes <{target}>: ours are quoted, "{target}"'
    return None


def _pointing_fault(path, target):
    own, other = path.split("/")[0], target.split("/")[0]
    if "/" not in target or other not in SEES:
        return f'includes "{target}": includes are written from the root of the repository'
    if other != own and other not in SEES[own]:
        return f'includes "{target}": {own} must not see {other}'
    if own == "store" and target.startswith("store/sqlite/") and not path.startswith("store/sqlite/"):
        if path.startswith("store/rows/"):
            if target in ROWS_SEE:
                return None
            return f'includes "{target}": of store/sqlite it sees {", ".join(ROWS_SEE)} only'
        return f'includes "{target}": the seam and the memory store know no SQLite'
    return None


assert set(BESIDE) <= set(SEES)
