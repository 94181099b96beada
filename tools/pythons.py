"""The versions of ansible-core that are tested, and the interpreters of this machine that they run on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from paths import say

# ansible-core -> the minor versions of Python 3 that it is tested with, the oldest version first.
# `make test` takes the first Python that the machine has: together the versions cover them all.
CORES = {"2.19": (11, 12, 13), "2.20": (12, 13), "2.21": (13, 12)}
# Modules also run on Pythons that no controller runs on.
MODULES = (9, 10, 11, 12, 13, 14)
LOOK = "import json, sys; print(json.dumps([sys.executable, sys.version_info[:2], sys.version, sys.base_prefix]))"


@dataclass(frozen=True)
class Python:
    """An interpreter. Environments of one with another identity are not used again."""

    path: str
    minor: int
    identity: tuple[str, ...]

    def __str__(self) -> str:
        return f"3.{self.minor}"


@dataclass(frozen=True)
class Cell:
    """A version of ansible-core on a Python."""

    core: str
    python: Python

    def __str__(self) -> str:
        return f"{self.core}/{self.python}"


@cache
def find(minor: int) -> Python | None:
    """This interpreter, one on the PATH, or one of pyenv; the first that works."""
    return next(filter(None, (_looked_at(path, minor) for path in _candidates(minor))), None)


def tested(core: str) -> Iterator[Cell]:
    """A version of ansible-core on each Python that it is tested with and this machine has."""
    return (Cell(core, python) for python in map(find, CORES[core]) if python)


def newest() -> Cell:
    """The newest ansible-core that this machine can run; on the Python that runs this, if that is new enough."""
    for core in reversed(CORES):
        cells = sorted(tested(core), key=lambda cell: cell.python.minor != sys.version_info.minor)
        if cells:
            return cells[0]
    sys.exit(f"no ansible-core that is tested runs on Python 3.{sys.version_info.minor}: make PYTHON=python3.12 ...")


def chosen(wanted: list[str], *, everywhere: bool) -> list[Cell]:
    """The wanted versions of ansible-core, each on the first of its Pythons or on all. What is skipped is named."""
    unknown = [core for core in wanted if core not in CORES]
    if unknown:
        sys.exit(f"ansible-core {', '.join(unknown)} is not tested; choose from: {', '.join(CORES)}")
    cells: list[Cell] = []
    for core in wanted or CORES:
        found = list(tested(core))
        missing = [f"3.{minor}" for minor in CORES[core] if not find(minor)]
        if missing and (everywhere or not found):
            say(f"skipping ansible-core {core} on Python {', '.join(missing)}, which this machine does not have")
        cells += found if everywhere else found[:1]
    if not cells:
        sys.exit("this machine has no Python that one of these runs on")
    return cells


def directories() -> list[str]:
    """The directories of all interpreters that modules may run on, for programs that look for them by name."""
    found = [Path(python.path).parent for python in map(find, MODULES) if python]
    return list(dict.fromkeys(map(str, found)))


def _candidates(minor: int) -> Iterator[str]:
    if sys.version_info[:2] == (3, minor):
        yield sys.executable
    name = f"python3.{minor}"
    yield from filter(None, [shutil.which(name)])
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    patches = [path for path in root.glob(f"3.{minor}.*") if path.name.rpartition(".")[2].isdigit()]
    for patch in sorted(patches, key=lambda path: int(path.name.rpartition(".")[2]), reverse=True):
        yield str(patch / "bin" / name)


def _looked_at(path: str, minor: int) -> Python | None:
    """None for a program that does not run, such as a shim of pyenv for a version that is not activated."""
    try:
        done = subprocess.run([path, "-c", LOOK], stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=True)
        real, version, *identity = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return Python(real, minor, tuple(identity)) if version == [3, minor] else None
