"""Kill a recreation at the beginning, middle and end of each step; one rerun must complete it without data loss."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass

import scene
from harness import SCRATCH, Row, kill, note, recreation, row, run, start, steps, until

PARTS = {"beginning": 0.0, "middle": 0.5, "end": 0.9}
# The subset that `make test` runs.
SHORT = (("deleted", "middle"), ("created", "middle"), ("restored", "end"))


@dataclass(frozen=True)
class Point:
    """When a run is killed: that many seconds after the journal entry `before`."""

    before: str
    step: str
    part: str
    seconds: float

    def __str__(self) -> str:
        return f"killed at the {self.part} of '{self.step}'"


def rows(was: scene.Scene, *, short: bool) -> Iterator[Row]:
    """A row per point. Raises SystemExit if the run without a fault fails."""
    note("a recreation without a fault, to measure its steps")
    begin = time.monotonic()
    lengths = measured()
    wrong = scene.wrong(was)
    yield row("no fault", f"{time.monotonic() - begin:.0f} s", not wrong, "; ".join(wrong))
    order = list(lengths)
    for step, part in SHORT if short else itertools.product(order[1:], PARTS):
        point = Point(order[order.index(step) - 1], step, part, PARTS[part] * lengths[step])
        before = killed(point)
        ended = run(recreation(), check=False)
        wrong = scene.wrong(was) if ended.code == 0 else [ended.flat[-300:]]
        found = f"the journal had '{before}'; the rerun took {ended.seconds:.0f} s"
        yield row(str(point), found, not wrong, "; ".join(wrong))


def measured() -> dict[str, float]:
    """Seconds of each step, from the previous entry to its own."""
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
    """Kill a run at this point; the last journal entry at that time."""
    count, before = len(steps()), point.before
    process = start(recreation(), SCRATCH / "killed.log")
    until(f"'{before}' in the journal", lambda: before in steps()[count:] or process.poll() is not None, 300, 0.005)
    time.sleep(point.seconds)
    kill(process)
    return steps()[-1]
