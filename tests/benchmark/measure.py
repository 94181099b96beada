"""Times plays and commands, compares two sides in rounds, and defines what a figure is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / ".build"
SCRATCH = BUILD / "benchmark"
BIN = Path(sys.executable).parent
# Rounds go on until the ratio differs by less than this part from the one before, up to a maximum.
STABLE = 0.1
MOST_ROUNDS = 6


@dataclass(frozen=True)
class Rounds:
    """Seconds of both sides, one entry for each round."""

    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)

    def ratio(self, rounds: int | None = None) -> float:
        """Our shortest time over theirs, in the first rounds or in all."""
        return min(self.ours[:rounds]) / min(self.theirs[:rounds])

    def stable(self) -> bool:
        """Whether the last round changed the ratio by less than STABLE."""
        number = len(self.ours)
        if number < 2:
            return False
        before = self.ratio(number - 1)
        return abs(self.ratio() - before) < STABLE * before


@dataclass(frozen=True)
class Figure:
    """One measured value with its limit; at_least: the limit is a lower one; rounds: all that was measured."""

    name: str
    value: float
    limit: float
    unit: str = "ratio"
    at_least: bool = False
    rounds: Rounds | None = None

    @property
    def ok(self) -> bool:
        return self.value >= self.limit if self.at_least else self.value <= self.limit


@dataclass(frozen=True)
class Run:
    """What a command took: seconds of wall time, and the largest process's peak memory in MB."""

    seconds: float
    megabytes: float


def run(argv: Sequence[str | Path], stdin: str = "", **environment: str) -> Run:
    """Time a command that must succeed; its output is shown if it fails."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    given, output = SCRATCH / "stdin", SCRATCH / "output"
    given.write_text(stdin)
    with given.open() as source, output.open("w") as sink:
        start = time.monotonic()
        child = subprocess.Popen(
            [str(word) for word in argv],
            stdin=source,
            stdout=sink,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
        )
        _pid, status, usage = os.wait4(child.pid, 0)
        seconds = time.monotonic() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{output.read_text()[-4000:]}\nfailed: {' '.join(map(str, argv))}")
    return Run(seconds, usage.ru_maxrss / 1024)


def compare(name: str, ours: Callable[[], float], theirs: Callable[[], float], most: int = MOST_ROUNDS) -> Rounds:
    """Measure both sides in turns until their ratio is stable. Each function runs one side and returns its seconds."""
    rounds = Rounds()
    while not rounds.stable() and len(rounds.ours) < most:
        sides = [(rounds.theirs, theirs), (rounds.ours, ours)]
        # The side that goes first changes with each round.
        for times, measure in reversed(sides) if len(rounds.ours) % 2 else sides:
            times.append(measure())
        note(f"{name}, round {len(rounds.ours)}: {rounds.ours[-1]:.1f} s, plain {rounds.theirs[-1]:.1f} s")
    return rounds


def shell(command: str) -> Run:
    """Time a command line."""
    return run(["bash", "-euo", "pipefail", "-c", command])


def play(*tasks: dict[str, object]) -> Run:
    """Time a play of these tasks on this machine; Ansible reads YAML, and JSON is YAML."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    book = SCRATCH / "play.yml"
    book.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": list(tasks)}]))
    return run([BIN / "ansible-playbook", book])


def role(name: str, **variables: object) -> dict[str, object]:
    """A task that runs a role of the collection."""
    return {"ansible.builtin.include_role": {"name": f"kindlab.volumes.{name}"}, "vars": variables}


def empty_play() -> float:
    """Seconds of a play without tasks to run, the shorter of two."""
    return min(play({"ansible.builtin.meta": "noop"}).seconds for _ in range(2))


def note(text: str) -> None:
    """Print a line of progress."""
    print(f"     {text}", flush=True)
