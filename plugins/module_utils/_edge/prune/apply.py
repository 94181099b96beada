# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Prune: move what a plan names to the trash, or remove it, and delete Released volumes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import ExitStack
from pathlib import Path

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import GENERATIONS
from ansible_collections.kindlab.volumes.plugins.module_utils._core.console.error_text import AS_ROOT
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Conflict, KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.binding import phase_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.model import (
    GENERATION,
    TRASH,
    UNCLAIMED,
    VOLUME,
    Item,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.plan import Plan
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.existing import read_catalogs
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.kept.oldest import remove_images
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import generations
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.directory import only_writer
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster

from .trash import check_same, move, remove, trash_in

PV = "PersistentVolume"
SECONDS = 60.0


def apply(plan: Plan, cluster: Cluster | None, known: Collection[str]) -> None:
    """Prune, one after another; what is left after an error, or of a killed run, is found by the next one.

    cluster: None if there is none; known: the names of the volumes that were looked at. Raises Conflict if something is
    not what was looked at, before anything is moved.
    """
    with ExitStack() as stack:
        _lock(stack, {item.lock for item in plan.pruned if item.lock == item.top})
        with ExitStack() as inner:
            _lock(inner, {item.lock for item in plan.pruned if item.lock != item.top})
            _prune(plan, cluster, known)
        # It has the lock of the archives itself.
        _remove_images(plan)


def _lock(stack: ExitStack, directories: Collection[str]) -> None:
    for directory in sorted({*directories} - {""}):
        stack.enter_context(only_writer(Path(directory), f"writing to {directory}", _failure(directory)))


def _prune(plan: Plan, cluster: Cluster | None, known: Collection[str]) -> None:
    """Nothing that takes long comes between the look at what goes and its rename; removals come last."""
    volumes = [item for item in plan.pruned if item.kind == VOLUME]
    there = [item for item in plan.pruned if item.path]
    for item in there:
        check_same(item)
    if cluster is not None and any(item.kind != GENERATION for item in plan.pruned):
        _check_volumes(cluster, volumes, known)
    targets = [plan.place(item) for item in there]
    for item, target in zip(there, targets):
        move(item, target)
    if cluster is not None and volumes:
        cluster.each(lambda item: cluster.delete(PV, item.name), volumes)
        cluster.wait_gone(PV, [("", item.name) for item in volumes], SECONDS)
    for item, target in zip(there, targets):
        if not plan.target(item):
            remove(target, item.top)


def _check_volumes(cluster: Cluster, items: Iterable[Item], known: Collection[str]) -> None:
    """Raise Conflict if somebody wants one of the volumes meanwhile, or created others, of whatever directory."""
    now = {pv["metadata"]["name"]: pv for pv in cluster.list(PV)}
    for name in sorted(now.keys() - known):
        raise Conflict(f"Volume {name} was created meanwhile.", next_step="Run this again.")
    for item in items:
        pv = now.get(item.name)
        if pv is None or phase_of(pv) not in UNCLAIMED:
            phase = phase_of(pv) or "gone"
            raise Conflict(f"Volume {item.name} is {phase} meanwhile.", next_step="Run this again.")


def _remove_images(plan: Plan) -> None:
    """The archives of images of generations that are gone for good; those in the trash need theirs."""
    for path in plan.request.backups:
        gone = [item for item in plan.pruned if item.top == path and item.kind in (GENERATION, TRASH)]
        final = any(not plan.target(item) for item in gone) and _has_no_trash(path)
        if final and (Path(path) / GENERATIONS).is_dir():
            remove_images(path, read_catalogs(path, generations(path)))


def _has_no_trash(path: str) -> bool:
    """False also if that cannot be read."""
    try:
        return not any(trash_in(path))
    except OSError:
        return False


def _failure(directory: str) -> Callable[[OSError], KindlabError]:
    """The error if this user cannot lock a directory."""

    def failure(error: OSError) -> KindlabError:
        return BadInput(
            f"{directory} cannot be locked: {error.strerror}.",
            tried=f"ls -ld {directory}",
            next_step=f"Correct this, or {AS_ROOT}.",
        )

    return failure
