"""What holds in every drawn world: what check mode tells is what a run does, and no run does more than it was asked."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError, TimedOut

from .choices import Choices
from .names import CLUSTER
from .requests import Request, draw
from .scope import outside, stopped_before_retained
from .world import World

# How many requests are made one after the other in a world.
TURNS = 3
# The modules that wait for claims to be bound. During others nothing is bound that was not bound before.
BINDING = ("volume_restore", "local_data")


@dataclass(frozen=True)
class Told:
    """What a module told: its verdict 'ok' or the class of its error, and the text or the result."""

    verdict: str
    result: Any
    changed: bool = False


def attempt(request: Request, world: World, check_mode: bool) -> Told:
    """Any error but the collection's own goes on: that is a defect."""
    try:
        done = request.run(world, check_mode)
    except KindlabError as error:
        return Told(type(error).__name__, (error.text(), error.details))
    facts = copy.deepcopy({name: value for name, value in done.facts.items() if name != "seconds"})
    for row in facts["volumes"] if request.module == "volume_restore" else ():
        # Somebody else's claim may take a volume as soon as it is available.
        del row["phase"], row["claim_phase"]
    return Told("ok", copy.deepcopy((done.before, done.after, facts, done.warnings)), done.changed)


def play(c: Choices, world: World) -> Iterator[str]:
    """Make requests; what does not hold, as sentences."""
    for turn in range(TURNS):
        # Often there is a backup, which other modules read.
        first = c.pick(("volume_backup", "")) if turn == 0 else ""
        request = draw(c.part(64), world, first)
        yield from (f"{request}: {problem}" for problem in problems(request, world))
        if world.host.clusters.get(CLUSTER) is not world.api:
            # The cluster was deleted or created again: there is nothing left to look at.
            return


def problems(request: Request, world: World) -> Iterator[str]:
    """Run one request in check mode, in earnest and again; what does not hold."""
    world.api.binds = request.module in BINDING
    world.api.settle()
    before, files = world.api.text(), world.files()
    told = attempt(request, world, True)
    if world.api.text() != before or world.host.writes() or world.files() != files:
        yield f"check mode changed something: {changes(world, before, files)}"
    if told.verdict == "ok" and _needs_a_human(world, told):
        return
    objects = world.api.by_key()
    world.api.writes.clear()
    done = attempt(request, world, False)
    if request.module == "kind_cluster" and told.verdict == "ok" and done.verdict in ("TimedOut", "BadInput"):
        # Only a run starts a cluster, and reads what it recorded; its Nodes may never be ready.
        return
    if told != done:
        yield f"check mode and the run differ: {'; '.join(differences(told, done))}"
    if done.verdict != "ok" and (world.api.text() != before or world.files() != files):
        yield f"it failed ({done.verdict}) and changed something: {changes(world, before, files)}"
    yield from outside(request, objects, world.api)
    yield from stopped_before_retained(objects, world.api)
    world.host.calls.clear()
    if done.verdict == "ok":
        again = attempt(request, world, False)
        if again.verdict != "ok" or again.changed:
            yield f"the second run changes something, or fails: {again}"
        world.host.calls.clear()


def changes(world: World, before: str, files: dict[str, str]) -> str:
    """What differs now, for people."""
    now = world.files()
    different = sorted(path for path in {*files, *now} if files.get(path) != now.get(path))
    return f"writes {world.api.writes} {world.host.writes()}, objects {world.api.text() != before}, files {different}"


def differences(one: Any, other: Any, place: str = "") -> Iterator[str]:
    """Where two results differ, and how."""
    if isinstance(one, Told) and isinstance(other, Told):
        one, other = vars(one), vars(other)
    if isinstance(one, dict) and isinstance(other, dict):
        pairs = {key: (one.get(key, "nothing"), other.get(key, "nothing")) for key in {**one, **other}}
    elif isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)) and len(one) == len(other):
        pairs = dict(enumerate(zip(one, other, strict=True)))
    else:
        pairs = {}
        if one != other:
            yield f"{place} is {one!r}, then {other!r}"
    for key, pair in pairs.items():
        yield from differences(*pair, f"{place}/{key}")


def _needs_a_human(world: World, told: Told) -> bool:
    """True if a run would wait for something that never happens here, e.g. for a pod with a finalizer."""
    volumes = told.result[2].get("volumes") or ()
    return world.api.is_stuck() or any(isinstance(row, dict) and row.get("state") == "in use" for row in volumes)


__all__ = ["TURNS", "TimedOut", "play", "problems"]
