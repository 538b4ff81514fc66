"""A copy of the sources in which a mutant is built and tested, and its build."""

import os
import re
import resource
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

# Quick to compile, and quick enough to run. No debug information: nobody looks.
FLAGS = "-O1 -DNDEBUG"
TEST_OPTIONS = "-O0"  # the templates of the test frameworks are most of what is compiled
ENVIRONMENT = {"RC_PARAMS": "seed=1"}
MAX_MEMORY_BYTES = 8 << 30  # a mutant may ask for all there is

_RAN = re.compile(r"^\[==========\] (\d+) tests? from .* ran", re.M)
_FAILED = re.compile(r"^\[  FAILED  \] ([\w./<>-]+)(?:, where .*)? \(\d+ ms\)$", re.M)
_BEGUN = re.compile(r"^\[ RUN      \] (\S+)$", re.M)
_DONE = re.compile(r"^\[(?:       OK|  FAILED|  SKIPPED) \] ([\w./<>-]+)", re.M)


@dataclass
class Run:
    """What came of a test program."""
    ran: int = 0  # tests
    failed: list = field(default_factory=list)  # their names
    how: str = ""  # "crash" or "timeout", where it did not end as it should
    seconds: float = 0.0

    def fails(self):
        return bool(self.failed or self.how)


class Scratch:
    """`folder`/tree is as the checkout is, but for a mutant; `folder`/out is its build.

    Both stay from run to run at the same place, so that one file is compiled per mutant.
    """

    def __init__(self, root, folder, folders_of_programs, jobs):
        self.root = Path(root)
        self.tree = Path(folder).resolve() / "tree"
        self.out = Path(folder).resolve() / "out"
        self.folders = folders_of_programs
        self.jobs = jobs

    def sync(self):
        """Makes the copy equal to the checkout; only what differs is written, and so compiled."""
        listed = subprocess.run(
            ["git", "-C", self.root, "ls-files", "-z", "-c", "-o", "--exclude-standard"],
            capture_output=True, check=True).stdout
        wanted = {name.decode() for name in listed.split(b"\0") if name}
        wanted = {name for name in wanted if (self.root / name).is_file()}
        for name in wanted:
            self._write(name, (self.root / name).read_bytes())
        for path in list(self.tree.rglob("*")):
            if path.is_file() and path.relative_to(self.tree).as_posix() not in wanted:
                path.unlink()

    def _write(self, name, content):
        path = self.tree / name
        if path.is_file() and path.read_bytes() == content:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def configure(self):
        if (self.out / "build.ninja").exists():
            return
        subprocess.run(
            ["cmake", "-G", "Ninja", "-S", self.tree, "-B", self.out, "-DCMAKE_BUILD_TYPE=Release",
             f"-DCMAKE_CXX_FLAGS_RELEASE={FLAGS}", f"-DREJOIN_TEST_OPTIONS={TEST_OPTIONS}", "-DREJOIN_TESTS=ON"],
            check=True, stdout=subprocess.DEVNULL)

    def mutate(self, mutant):
        # The time of writing tells ninja, here and below: an old one would leave the mutant's
        # object in place.
        text = (self.root / mutant.file).read_text()
        self._write(mutant.file, mutant.applied_to(text).encode())

    def restore(self, mutant):
        self._write(mutant.file, (self.root / mutant.file).read_bytes())

    def build(self, programs):
        """What the compiler says; empty: it is built."""
        done = subprocess.run(["ninja", "-C", self.out, f"-j{self.jobs}", *programs],
                              capture_output=True, text=True)
        return "" if done.returncode == 0 else done.stdout + done.stderr

    def run(self, program, pattern, timeout_s):
        begun = time.monotonic()
        path = self.out / self.folders[program] / program
        child = subprocess.Popen(
            [path, f"--gtest_filter={pattern}"], cwd=self.tree, env=os.environ | ENVIRONMENT, text=True,
            errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=_be_bounded)
        timed_out = False
        try:
            output, _ = child.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            timed_out = True
            os.killpg(child.pid, signal.SIGKILL)
            output, _ = child.communicate()
        return _outcome(output, child.returncode, timed_out, time.monotonic() - begun)


def _be_bounded():
    os.setpgrp()  # what it forks ends with it
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _outcome(output, status, timed_out, seconds):
    ran = _RAN.search(output)
    run = Run(int(ran[1]) if ran else 0, list(dict.fromkeys(_FAILED.findall(output))), seconds=seconds)
    if timed_out:
        run.how = "timeout"
    elif not ran or (status != 0 and not run.failed):
        run.how = "crash"
    if run.how:
        done = set(_DONE.findall(output))
        run.failed += [name for name in _BEGUN.findall(output) if name not in done]
    return run
