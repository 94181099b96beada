"""Times plays and commands, and says what a figure is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / ".build"
SCRATCH = BUILD / "benchmark"
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Figure:
    """One measured value with its limit; at_least: the limit is a lower one."""

    name: str
    value: float
    limit: float
    unit: str = "ratio"
    at_least: bool = False

    @property
    def ok(self) -> bool:
        return self.value >= self.limit if self.at_least else self.value <= self.limit


@dataclass(frozen=True)
class Run:
    """What a command took: seconds of wall time, and the largest process's peak memory in MB."""

    seconds: float
    megabytes: float


def run(argv: Sequence[str | Path], stdin: str = "", **environment: str) -> Run:
    """Time a command that must succeed; what it said is shown when it does not."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    given, said = SCRATCH / "stdin", SCRATCH / "output"
    given.write_text(stdin)
    with given.open() as source, said.open("w") as sink:
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
        sys.exit(f"{said.read_text()[-4000:]}\nfailed: {' '.join(map(str, argv))}")
    return Run(seconds, usage.ru_maxrss / 1024)


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
    """Seconds of a play that does nothing: what Ansible takes by itself. The shorter of two."""
    return min(play({"ansible.builtin.meta": "noop"}).seconds for _ in range(2))


def note(text: str) -> None:
    """A line on what is going on."""
    print(f"     {text}", flush=True)
