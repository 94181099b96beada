"""A playbook of several tasks in a drawn world: what it tells in check mode is what its run does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from .choices import Choices
from .names import CLUSTER
from .properties import Told, attempt
from .requests import Request, draw
from .round_trip import SAVING, SAVING_ALL
from .world import World


def chain(c: Choices, world: World) -> Iterator[str]:
    """Detach the volumes, back them up and delete the cluster; what does not hold."""
    path = f"{world.top}/{c.pick(('first', 'backup'))}"
    if c.chance(3):
        attempt(draw(c.part(64), world, "volume_backup", path=path, **SAVING), world, False)
    requests = [
        draw(c.part(64), world, "volume_detach", state="detached", path=None, generation=None, **SAVING_ALL),
        draw(c.part(64), world, "volume_backup", path=path, without_api="refuse", assume_unused=[], **SAVING),
        draw(c.part(64), world, "kind_cluster", state="absent", force=False, backup=path, **_ASSUMED),
    ]
    world.api.settle()
    state, files = world.api.text(), world.files()
    told = list(_checked(requests, world))
    if world.api.text() != state or world.host.writes() or world.files() != files:
        yield f"{requests}: check mode changed something"
    if world.api.is_stuck() or any(row["state"] == "in use" for row in _volumes(told[0])):
        # A run would wait for somebody.
        return
    for request, expected in zip(requests, told, strict=False):
        done = attempt(request, world, False)
        if done.verdict != expected.verdict:
            yield f"{request} of {requests}: check mode told {expected}, then {done}"
        if done.verdict != "ok":
            return
    if world.host.nodes and len(told) == len(requests):
        yield f"{requests}: nodes of {CLUSTER} are left"


_ASSUMED: dict[str, list[str]] = {"assume_unused": [], "assume_saved": []}


def _checked(requests: Sequence[Request], world: World) -> Iterator[Told]:
    """What each task tells in check mode, up to the first that fails; each assumes what those before would do."""
    detach, save, remove = requests
    detached = attempt(detach, world, True)
    yield detached
    if detached.verdict != "ok":
        return
    unused = [row["name"] for row in _volumes(detached) if row["state"] == "free"]
    saved = attempt(_assuming(save, assume_unused=unused), world, True)
    yield saved
    if saved.verdict == "ok":
        names = [row["name"] for row in _volumes(saved) if _is_proof(row, unused)]
        yield attempt(_assuming(remove, assume_unused=unused, assume_saved=names), world, True)


def _is_proof(row: dict[str, Any], unused: Sequence[str]) -> bool:
    """Whether a deletion finds in the backup what it needs: as the role backup records it."""
    written = not row["consistent"] and row["name"] in unused
    return bool(row["digest"]) or written or row["data"] == "elsewhere"


def _assuming(request: Request, **assumed: list[str]) -> Request:
    return replace(request, options={**request.options, **assumed})


def _volumes(told: Told) -> list[dict[str, Any]]:
    return list(told.result[2]["volumes"]) if told.verdict == "ok" else []
