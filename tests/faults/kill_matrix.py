"""Kill a recreation at the beginning, middle and end of each step; one rerun must complete it without data loss."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass

import scene
from harness import BACKUP, SCRATCH, VOLUMES, Row, kill, kubectl, note, recreation, row, run, start, steps, until

PARTS = {"beginning": 0.0, "middle": 0.5, "end": 0.9}
# The subset that `make test` runs.
SHORT = (("deleted", "middle"), ("created", "middle"), ("restored", "end"))
# The steps that concern data of runs that go back to a generation, and those in which pods may write again.
RUNNING = ("attached", "completed")
RETURNING = ("set_aside", "restored", "verified", *RUNNING)


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
    if not short:
        yield from returned(was)


def returned(was: scene.Scene) -> Iterator[Row]:
    """The same for runs back to a generation, from a state with other data and one object more."""
    run(recreation(recreate_data="archive"))
    generation = max(path.name for path in (BACKUP / "generations").iterdir())
    change()
    lengths = measured(recreate_generation=generation)
    wrong = unlike(was)
    yield row("back to a generation", f"its steps: {', '.join(lengths)}", not wrong, "; ".join(wrong))
    order = list(lengths)
    for step, part in itertools.product(RETURNING, PARTS):
        change()
        point = Point(order[order.index(step) - 1], step, part, PARTS[part] * lengths[step])
        before = killed(point, recreate_generation=generation)
        written = [path / "meanwhile" for path in VOLUMES.iterdir()] if step in RUNNING and before != "done" else []
        for path in written:
            path.write_text("meanwhile")
        ended = run(recreation(recreate_generation=generation), check=False)
        lost = [f"{path} is lost" for path in written if not path.exists()]
        for path in written:
            path.unlink(missing_ok=True)
        wrong = [*lost, *unlike(was)] if ended.code == 0 else [ended.flat[-300:]]
        found = f"the journal had '{before}'; the rerun took {ended.seconds:.0f} s"
        yield row(f"back to a generation, {point}", found, not wrong, "; ".join(wrong))


def change() -> None:
    """Write to all volumes, and create an object."""
    for directory in VOLUMES.iterdir():
        (directory / "later").write_text("later")
    kubectl("create", "configmap", "later")


def unlike(was: scene.Scene) -> list[str]:
    """How the cluster differs from the scene, in what change() has made, too."""
    later = kubectl("get", "configmap", "later", "--ignore-not-found", "-o", "name")
    return [*scene.wrong(was), *([f"{later.strip()} is still there"] if later else [])]


def measured(**options: object) -> dict[str, float]:
    """Seconds of each step, from the previous entry to its own."""
    count = len(steps())
    process = start(recreation(**options), SCRATCH / "recreation.log")
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


def killed(point: Point, **options: object) -> str:
    """Kill a run at this point; the last journal entry at that time."""
    count, before = len(steps()), point.before
    process = start(recreation(**options), SCRATCH / "killed.log")
    until(f"'{before}' in the journal", lambda: before in steps()[count:] or process.poll() is not None, 300, 0.005)
    time.sleep(point.seconds)
    kill(process)
    return steps()[-1]
