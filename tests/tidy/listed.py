"""Every source is built: each .cc is named in a CMakeLists.txt of its own or a folder above."""

import re
from pathlib import PurePosixPath

_HERE = re.compile(r"\$\{CMAKE_CURRENT_(?:SOURCE|LIST)_DIR\}/")


def check(tree):
    words = {}
    for path in tree.files:
        if PurePosixPath(path).name == "CMakeLists.txt":
            text = re.sub(r"#[^\n]*", "", _HERE.sub("", tree.text(path)))
            words[str(PurePosixPath(path).parent)] = set(re.split(r'[\s()";]+', text))
    for path in tree.cpp((".cc",)):
        file = PurePosixPath(path)
        if not any(str(file.relative_to(folder)) in words.get(str(folder), ())
                   for folder in file.parents):
            yield f"{path}: no CMakeLists.txt names it: build it or delete it"
