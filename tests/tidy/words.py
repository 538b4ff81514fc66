"""Words that have no place in code, documents or names of folders."""

import re

# In two halves, or this file would find itself.
UNFINISHED = ["TO" "DO", "FIX" "ME", "X" "XX", "HA" "CK"]
MAKESHIFT = "for" " now"
ELSEWHERE = "../sha" "red"
FOLDERS = {"utils", "common", "helpers", "core", "impl"}  # they say nothing of what is in them

_WORD = re.compile(r"\b(" + "|".join(UNFINISHED) + r")\b|\b(?i:" + MAKESHIFT.replace(" ", r"\s") + r")\b")
_OUTSIDE = re.compile(re.escape(ELSEWHERE) + r"(/data)?")
EXEMPT = ("LICENSE",)


def check(tree):
    for path in tree.files:
        for part in path.split("/")[:-1]:
            if part in FOLDERS:
                yield f"{path}: a folder named {part}: name it after what it is for"
        text = tree.text(path)
        if path in EXEMPT or text is None:
            continue
        for hit in _WORD.finditer(text):
            yield f"{_place(path, text, hit)}: {hit[0]}: finish it, or say what is so"
        for hit in _OUTSIDE.finditer(text):
            if not (hit[1] and path.startswith("tests/")):  # tests may look for data, and skip
                yield f"{_place(path, text, hit)}: {hit[0]} lies outside the repository"


def _place(path, text, hit):
    return f"{path}:{text.count(chr(10), 0, hit.start()) + 1}"
