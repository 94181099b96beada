"""The recreation killed at the beginning, middle and end of each of its steps; one rerun, and nothing may be lost."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass

import scene
from lab import SCRATCH, Row, kill, note, recreation, row, run, start, steps, until

STEPS = (
    "planned",
    "detached",
    "saved",
    "deleting",
    "deleted",
    "created",
    "provisioned",
    "restored",
    "verified",
    "attached",
    "done",
)
PARTS = {"beginning": 0.0, "middle": 0.5, "end": 0.9}
# What `make test` takes of it.
SHORT = (("deleted", "middle"), ("created", "middle"), ("restored", "end"))


@dataclass(frozen=True)
class Point:
    """Where a run is killed: so many seconds after the line of the step before."""

    step: str
    part: str
    seconds: float

    def __str__(self) -> str:
        return f"killed at the {self.part} of '{self.step}'"


def rows(was: scene.Scene, *, short: bool) -> Iterator[Row]:
    """A row per point. Raises SystemExit where a run that nobody kills does not succeed."""
    note("a recreation without a fault, for the length of its steps")
    begin = time.monotonic()
    lengths = measured()
    wrong = scene.wrong(was)
    yield row("no fault", f"{time.monotonic() - begin:.0f} s", not wrong, "; ".join(wrong))
    for step, part in SHORT if short else itertools.product(STEPS[1:], PARTS):
        point = Point(step, part, PARTS[part] * lengths[step])
        before = killed(point)
        ended = run(recreation(), check=False)
        wrong = scene.wrong(was) if ended.code == 0 else [ended.flat[-300:]]
        found = f"the journal had '{before}'; the rerun took {ended.seconds:.0f} s"
        yield row(str(point), found, not wrong, "; ".join(wrong))


def measured() -> dict[str, float]:
    """Seconds that each step takes: from the line before it to its own."""
    count = len(steps())
    process = start(recreation(), SCRATCH / "recreation.log")
    seen: dict[str, float] = {}
    last = time.monotonic()
    while process.poll() is None:
        now = steps()[count:]
        for step in now[len(seen) :]:
            seen[step], last = time.monotonic() - last, time.monotonic()
        time.sleep(0.01)
    if process.returncode:
        raise SystemExit((SCRATCH / "recreation.log").read_text()[-4000:])
    return seen


def killed(point: Point) -> str:
    """Kill a run there; the last step that the journal has then."""
    count, before = len(steps()), STEPS[STEPS.index(point.step) - 1]
    process = start(recreation(), SCRATCH / "killed.log")
    until(f"'{before}' in the journal", lambda: before in steps()[count:] or process.poll() is not None, 300, 0.005)
    time.sleep(point.seconds)
    kill(process)
    return steps()[-1]
