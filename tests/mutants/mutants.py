"""The lists of mutants: *.mutants beside this file, blocks with a blank line between them.

    name: cells_are_assigned
    file: crdt/row_state.cc
    why: what came last wins, so devices that heard in another order differ for ever
    by: crdt_laws_test *JoinIsCommutative*
     a line that stays, where one is needed to tell the place
    -a line that goes
    +a line that comes in its place

`why` says what would go wrong for a user. `by` is a test program and a GoogleTest filter of
what has to fail; there may be several. Lines of code are as in a diff: their first column says
what becomes of them, and those that stay or go, as they stand together, occur once in the file.
A line that begins with # is a comment.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

_FIELD = re.compile(r"(name|file|why|by): *(\S.*)")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_PROGRAM = re.compile(r"\brejoin_test\(\s*(\w+)")


@dataclass
class Mutant:
    where: str  # file:line of its block
    name: str = ""
    file: str = ""
    why: str = ""
    by: list = field(default_factory=list)  # (program, filter)
    old: list = field(default_factory=list)
    new: list = field(default_factory=list)

    def applied_to(self, text):
        return text.replace(self.old_text(), self.new_text())

    def old_text(self):
        return "".join(line + "\n" for line in self.old)

    def new_text(self):
        return "".join(line + "\n" for line in self.new)

    def programs(self):
        return sorted({program for program, _ in self.by})


class Unreadable(Exception):
    """A list is not as it has to be."""


def read_all(folder):
    mutants = []
    for path in sorted(Path(folder).glob("*.mutants")):
        mutants += read(path.name, path.read_text())
    return mutants


def read(name, text):
    """The mutants of one list."""
    mutants = []
    current = None
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("#"):
            continue
        if not line.strip():
            current = None
            continue
        if current is None:
            current = Mutant(f"{name}:{number}")
            mutants.append(current)
        _take(current, line, f"{name}:{number}")
    return mutants


def _take(mutant, line, where):
    if line[0] in " -":
        mutant.old.append(line[1:])
    if line[0] in " +":
        mutant.new.append(line[1:])
    if line[0] in " -+":
        return
    found = _FIELD.fullmatch(line)
    if not found:
        raise Unreadable(f"{where}: neither a field nor a line of code: {line}")
    key, value = found.groups()
    if key == "by":
        program, _, tests = value.partition(" ")
        mutant.by.append((program, tests.strip()))
    elif getattr(mutant, key):
        raise Unreadable(f"{where}: {key} is said twice")
    else:
        setattr(mutant, key, value)


def programs(root):
    """Test program -> its folder below tests/."""
    found = {}
    for path in sorted(Path(root, "tests").rglob("CMakeLists.txt")):
        for name in _PROGRAM.findall(path.read_text()):
            found[name] = path.parent.relative_to(root).as_posix()
    return found


def faults(root, mutants):
    """What is wrong with the lists, a line each."""
    seen = set()
    known = programs(root)
    tests = {name: _texts(Path(root, folder)) for name, folder in known.items()}
    for mutant in mutants:
        for fault in _faults_of(root, mutant, tests):
            yield f"{mutant.where}: {mutant.name or 'a mutant'}: {fault}"
        if mutant.name in seen:
            yield f"{mutant.where}: {mutant.name}: the name is taken"
        seen.add(mutant.name)


def _faults_of(root, mutant, tests):
    if not _NAME.fullmatch(mutant.name) or not mutant.why or not mutant.by:
        yield "it needs a name of small letters, a file, a why and a by"
    path = Path(root, mutant.file)
    if not mutant.file or not path.is_file():
        yield f"there is no file {mutant.file}"
    elif mutant.old == mutant.new:
        yield "it changes nothing"
    elif (count := path.read_text().count(mutant.old_text())) != 1:
        yield f"its lines occur {count} times in {mutant.file}: adapt it to the code as it is now"
    for program, pattern in mutant.by:
        if program not in tests:
            yield f"there is no test program {program}"
            continue
        for part in pattern.split(":"):
            suite, _, test = part.rpartition(".")
            name = test.split("/")[0].strip("*") or suite.split("/")[-1].strip("*")
            if not name or not re.search(rf"\b\w*{re.escape(name)}\w*\b", tests[program]):
                yield f"{program} has no test {part}"
            elif "*" not in part and re.search(rf"\bTEST_P\(\s*{suite},\s*{test}\b", tests[program]):
                yield f"{program} has {part} with parameters: say */{part}/*"


def _texts(folder):
    return "\n".join(path.read_text() for path in sorted(folder.glob("*.cc")))
