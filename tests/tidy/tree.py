"""The files of the project as the tidy checks see them."""

import re
import subprocess
from pathlib import Path

LAYERS = ("base", "crdt", "store", "replica", "transport", "hub", "cli")
BESIDE = ("bindings", "tests", "fuzz", "bench")  # code that is no layer
CODE_FOLDERS = LAYERS + BESIDE + ("examples",)
CPP = (".h", ".cc")

_NOISE = re.compile(
    r"""//[^\n]* | /\*.*?\*/                          # comments
      | R"([^()\\\s]{0,16})\(.*?\)\1"                 # raw strings
      | "(?:\\.|[^"\\\n])*"
      | (?<![0-9A-Za-z_])(?:u8|[uUL])?'(?:\\.|[^'\\\n])+'  # not the separators of 1'000
    """,
    re.S | re.X,
)


def bare(text):
    """C++ text with comments and literals blanked; every line stays where it is."""
    return _NOISE.sub(lambda hit: re.sub(r"[^\n]", " ", hit[0]), text)


class Tree:
    """The files below `root` that belong to the project, with cached texts."""

    def __init__(self, root):
        self.root = Path(root)
        self._texts = {}
        self.files = sorted(path for path in self._listed() if (self.root / path).is_file())

    def _listed(self):
        """What git would commit; without a repository, all but the builds."""
        done = subprocess.run(
            ["git", "-C", str(self.root), "ls-files", "-z", "-c", "-o", "--exclude-standard"],
            capture_output=True)
        if done.returncode == 0:
            return {name.decode() for name in done.stdout.split(b"\0") if name}
        found = (path.relative_to(self.root) for path in self.root.rglob("*"))
        return {path.as_posix() for path in found if path.parts[0] not in ("build", ".git")}

    def text(self, path):
        """The file's text, or None where it is binary."""
        if path not in self._texts:
            try:
                self._texts[path] = (self.root / path).read_bytes().decode()
            except UnicodeDecodeError:
                self._texts[path] = None
        return self._texts[path]

    def cpp(self, suffixes=CPP):
        """The paths of our C++ files."""
        return [path for path in self.files
                if path.endswith(suffixes) and path.split("/")[0] in CODE_FOLDERS]
