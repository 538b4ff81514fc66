"""Files and functions stay short; ratchet.txt lists the exceptions, which only shrink.

A line of ratchet.txt is `path lines reason...` for a file, and
`path:function lines reason...` for a function.
"""

import ast
import re
from pathlib import Path

from tree import CPP, bare

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 70
RATCHET = "tests/tidy/ratchet.txt"
MEASURED = CPP + (".c", ".js", ".py", ".sh", ".cmake")

_BLANKED = re.compile(r"[^\n]")
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.M)
_LABEL = re.compile(r"\b(?:public|protected|private)\s*:")
_TEST_MACRO = re.compile(r"\b(?:[A-Z]+_)*(?:TEST|PROP)(?:_[A-Z]+)*\s*\([^)]*\)")
_NAME = re.compile(
    r"(?<!\w)(?!(?:requires|alignas|decltype|noexcept|explicit|__attribute__)\b)"
    r"(operator\s*[^\s\w(]+|operator\s*\(\)|[\w~:]+)\s*\(")
_INITIALIZES_MEMBER = re.compile(r"\)\s*(?:noexcept\s*(?:\([^)]*\))?\s*)?:(?!:).*[\w>]$", re.S)
_ENDS_SIGNATURE = re.compile(r"\)\s*(?:const|noexcept|override|final|&|\s)*$")


def check(tree):
    measured = dict(_measure(tree))
    allowed = {}
    ratchet = tree.text(RATCHET).splitlines() if RATCHET in tree.files else []
    for number, line in enumerate(ratchet, 1):
        if not line.strip() or line.startswith("#"):
            continue
        words = line.split(maxsplit=2)
        if len(words) < 3 or not words[1].isdigit():
            yield f"{RATCHET}:{number}: not `name lines reason`: {line}"
            continue
        allowed[words[0]] = int(words[1])
        yield from _ratchet_faults(f"{RATCHET}:{number}", words[0], int(words[1]), measured)
    for name, lines in sorted(measured.items()):
        most = max(_limit(name), allowed.get(name, 0))
        if lines > most:
            yield f"{name}: {lines} lines, at most {most}: divide it"


def _ratchet_faults(where, name, recorded, measured):
    lines = measured.get(name, 0)
    if lines <= _limit(name):
        yield f"{where}: {name} is within the limit now: remove this line"
    elif lines < recorded:
        yield f"{where}: {name} has shrunk: lower {recorded} to {lines}"


def _limit(name):
    return MAX_FUNCTION_LINES if ":" in name else MAX_FILE_LINES


def _measure(tree):
    """(name, lines) of every file and function; of functions with one name, the longest."""
    for path in tree.files:
        if not path.endswith(MEASURED) or tree.text(path) is None:
            continue
        text = tree.text(path)
        yield path, len(text.splitlines())
        longest = {}
        for name, lines in _functions(path, text):
            longest[name] = max(lines, longest.get(name, 0))
        for name, lines in longest.items():
            yield f"{path}:{name}", lines


def _functions(path, text):
    if path.endswith(".py"):
        for node in ast.walk(ast.parse(text, Path(path).name)):
            if isinstance(node, ast.FunctionDef):
                yield node.name, node.end_lineno - node.lineno + 1
    elif path.endswith(CPP):
        yield from cpp_functions(text)


def cpp_functions(text):
    """(name, lines from the name to the closing brace) of each C++ function.

    A reading by braces, not a parse: the text before a `{` outside functions tells
    a scope (entered) from a function (measured) and an initializer (passed over).
    """
    code = _DIRECTIVE.sub(_blank, bare(text))
    start = at = 0  # of what may become a signature; of the scan
    while at < len(code):
        if code[at] in ";}":
            start = at + 1
        elif code[at] == "{":
            kind = _kind(code[start:at])
            end = _closing(code, at)
            if kind == "initializer":  # the signature or declaration goes on behind it
                code = f"{code[:at]}({_BLANKED.sub(' ', code[at + 1:end])}){code[end + 1:]}"
            elif kind == "function":
                name, offset = _name(code[start:at])
                yield name, code.count("\n", start + offset, end) + 1
                start = at = end + 1
                continue
            else:
                start = at + 1
        at += 1


def _blank(hit):
    return _BLANKED.sub(" ", hit[0])


def _kind(head):
    head = _without_template(_LABEL.sub("", head).strip())
    if re.search(r"\bnamespace\b", head) or re.match(r"extern\s*$", head):
        return "scope"
    if re.match(r"(?:class|struct|union)\b", head) and not _ENDS_SIGNATURE.search(head):
        return "scope"
    if "(" not in head or head.endswith("=") or re.match(r"concept\b", head):
        return "initializer"
    return "initializer" if _INITIALIZES_MEMBER.search(head) else "function"


def _without_template(head):
    while re.match(r"template\s*<", head):
        depth = 0
        for hit in re.finditer(r"[<>]", head):
            depth += 1 if hit[0] == "<" else -1
            if depth == 0:
                break
        head = head[hit.end():].strip()
    return head


def _closing(code, opening):
    depth = 0
    for hit in re.compile(r"[{}]").finditer(code, opening):
        depth += 1 if hit[0] == "{" else -1
        if depth == 0:
            return hit.start()
    return len(code) - 1


def _name(head):
    """The function's name and where in `head` it stands."""
    found = _TEST_MACRO.search(head) or _NAME.search(head)
    if not found:
        return "lambda", 0
    return re.sub(r"\s+", "", found[found.lastindex or 0]), found.start()
