"""Clocks, randomness, threads, files, sockets and the terminal are reached through seams only."""

import re

from tree import bare

# Where the world may be touched: the seams themselves, the layers above the
# sans-I/O sessions, and what only drives the code.
SEAMS = re.compile(r"base/os\w*\.cc$|(?:transport|hub|cli|tests|fuzz|bench|examples)/")

CALLS = (
    "time clock_gettime gettimeofday clock "              # the time
    "rand srand random getrandom getentropy arc4random "  # chance
    "getenv secure_getenv system popen fork "             # the process
    "sleep usleep nanosleep pthread_create "              # threads
    "fopen open openat creat unlink mkstemp "             # files
    "socket socketpair accept4 getaddrinfo setsockopt "   # sockets
    "recv recvfrom recvmsg sendto sendmsg "
    "printf fprintf vprintf vfprintf puts fputs putchar"  # the terminal
).split()
NAMES = ("random_device thread jthread async this_thread cout cerr clog "
         "ifstream ofstream fstream").split()

_CALL = re.compile(r"(?<![\w.>:])(?:std\s*::\s*|::\s*)?(" + "|".join(CALLS) + r")\s*\(")
_STD_NAME = re.compile(r"\bstd\s*::\s*(" + "|".join(NAMES) + r")\b")
_CLOCK = re.compile(r"\b((?:system|steady|high_resolution|utc|file)_clock)\b")
# `Instant time() const` declares; `return time(nullptr)` calls.
_DECLARED = re.compile(r"(?!(?:return|co_return|else|do|throw|case|and|or|not)\b)\b[A-Za-z_]\w*[\s&*]+$")


def check(tree):
    for path in tree.cpp():
        if SEAMS.match(path):
            continue
        code = bare(tree.text(path))
        for pattern in (_CALL, _STD_NAME, _CLOCK):
            for hit in pattern.finditer(code):
                if pattern is _CALL and _is_declaration(code, hit):
                    continue
                line = code.count("\n", 0, hit.start()) + 1
                yield f"{path}:{line}: {hit[1]} outside its seam (base/os*.cc, transport/, hub/, cli/)"


def _is_declaration(code, hit):
    before = code[code.rfind("\n", 0, hit.start()) + 1:hit.start()]
    return not hit[0].startswith(("std", "::")) and _DECLARED.search(before) is not None
