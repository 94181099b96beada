"""Draw worlds, with a process for each property; print a row as JSON for each."""

from __future__ import annotations

import faulthandler
import json
import os
import sys
import tempfile
import traceback
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import hypothesis
from separate import CASE, HANGS

from ansible_collections.kindlab.volumes.tests.unit.support.worlds.chain import chain
from ansible_collections.kindlab.volumes.tests.unit.support.worlds.choices import SIZE, Choices, choices
from ansible_collections.kindlab.volumes.tests.unit.support.worlds.kubeconfigs import connect
from ansible_collections.kindlab.volumes.tests.unit.support.worlds.properties import play
from ansible_collections.kindlab.volumes.tests.unit.support.worlds.recreation import recreate
from ansible_collections.kindlab.volumes.tests.unit.support.worlds.round_trip import round_trip
from ansible_collections.kindlab.volumes.tests.unit.support.worlds.world import World, build

Ask = Callable[[Choices, World], Iterator[str]]
# Property -> how it is asked, and its part of all worlds.
PROPERTIES: dict[str, tuple[Ask, int]] = {
    "requests: check mode and run agree, nothing else is changed": (play, 4),
    "saved, lost and restored volumes are equal": (round_trip, 4),
    "recreated: plan and run agree, nothing is lost": (recreate, 1),
    "detached, backed up, deleted: check mode of all and their run agree": (chain, 1),
    "any kubeconfig": (connect, 1),
}


def rows(top: Path, seed: int, worlds: int, only: str, world: str) -> Iterator[dict[str, Any]]:
    """A row per property whose name contains `only`. world: the bytes of the only world, '' to draw them."""
    asked = [name for name in PROPERTIES if only in name]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(partial(_asked, top, seed, worlds, world), asked)


def _asked(top: Path, seed: int, worlds: int, world: str, name: str) -> dict[str, Any]:
    """The row of a property, in a directory of its own."""
    place = Path(tempfile.mkdtemp(dir=top))
    ask, share = PROPERTIES[name]
    found: dict[str, str] = {}
    number = 1 if world else worlds * share // sum(share for _ask, share in PROPERTIES.values())
    if world:
        found |= _wrong(place, Choices.from_text(world), ask)
    else:
        _draw(place, seed ^ zlib.crc32(name.encode()), number, ask, found)
    return _row(place, name, number, ask, found)


def _draw(top: Path, seed: int, number: int, ask: Ask, found: dict[str, str]) -> None:
    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=number,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(choices())
    def every(drawn: Choices) -> None:
        found.update(_wrong(top, drawn, ask))

    every()


def _wrong(top: Path, drawn: Choices, ask: Ask) -> dict[str, str]:
    """The world's bytes -> what does not hold in it; {} if everything does."""
    (top / CASE).write_text(f"--world {drawn.text}")
    faulthandler.dump_traceback_later(HANGS, exit=True)
    try:
        with tempfile.TemporaryDirectory(dir=top) as place:
            os.environ |= {"KUBECONFIG": f"{place}/user", "HOME": f"{place}/home"}
            problem = next(ask(drawn, build(drawn, Path(place))), "")
    except Exception:  # noqa: BLE001
        problem = traceback.format_exc()
    faulthandler.cancel_dump_traceback_later()
    return {drawn.text: problem} if problem else {}


def _row(top: Path, name: str, number: int, ask: Ask, found: dict[str, str]) -> dict[str, Any]:
    told = "it holds in all of them"
    if found:
        text, problem = _shrunk(top, *min(found.items(), key=lambda pair: len(pair[1])), ask)
        told = f"{problem}\n    Repeat it: python tests/faults/drawn_worlds.py --only '{name}' --world {text}"
    result = f"{number} worlds, {len(found)} wrong"
    return {"point": f"drawn worlds, {name}", "found": result, "result": told, "ok": not found}


def _shrunk(top: Path, text: str, problem: str, ask: Ask) -> tuple[str, str]:
    """A plainer world in which something does not hold either: with fewer choices that are not the first ones."""
    drawn, size = bytearray(bytes.fromhex(text).ljust(SIZE, b"\0")), SIZE // 4
    while size:
        for start in range(0, SIZE, size):
            kept = drawn[start : start + size]
            if any(kept):
                drawn[start : start + size] = bytes(len(kept))
                again = _wrong(top, Choices(bytes(drawn)), ask)
                if again:
                    ((text, problem),) = again.items()
                else:
                    drawn[start : start + size] = kept
        size //= 4
    return text, problem


if __name__ == "__main__":
    for row in rows(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5]):
        print(json.dumps(row), flush=True)
