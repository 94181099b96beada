# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Copy the data of volumes, several at once, and put it in its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed, Conflict, KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.transfer.copies import Plan, Step
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import Backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.hashing import cpu_count
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.node_directory import NodeDirectory
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster

from . import data, progress
from .archives import extract_to
from .create import create_volumes

# How often data that its pods write to is copied before it counts as changing all the time.
ATTEMPTS = 3


def copy_data(planned: Plan, engine: Engine, sizes: Mapping[str, int]) -> dict[str, NodeDirectory]:
    """Complete copies of volumes of the cluster, by name, beside where they will be; all, or none if one fails.

    sizes: name -> bytes.
    """
    steps = [step for step in planned.pending if step.origin and not step.copied]
    for step in steps:
        data.remove_leftovers(data.directory_of(step.target, engine))
    progress.copy([sizes.get(step.name, 0) for step in steps])
    made: dict[str, NodeDirectory] = {}
    failure = None
    with ThreadPoolExecutor(cpu_count()) as pool:
        running = {step.name: pool.submit(_copy, step, planned, engine, sizes.get(step.name, 0)) for step in steps}
        for name, future in running.items():
            try:
                made[name] = future.result()
            except KindlabError as error:
                failure = failure or error
    if failure:
        discard(made)
        raise failure
    return made


def discard(made: Mapping[str, NodeDirectory]) -> None:
    """Remove copies that get no volume."""
    for temporary in made.values():
        data.discard(temporary)


def create(
    planned: Plan, made: Mapping[str, NodeDirectory], backup: Backup | None, cluster: Cluster, engine: Engine
) -> None:
    """Create the volumes and claims, with the copies and what is extracted from archives."""

    def put(step: Step) -> None:
        target = data.directory_of(step.target, engine)
        if step.name in made:
            data.put(made[step.name], target)
        elif backup and step.source.saved and not step.copied:
            extract_to(backup, step.source.saved, target, planned.request.verify)

    create_volumes(planned, cluster, put)


def _copy(step: Step, planned: Plan, engine: Engine, size: int) -> NodeDirectory:
    with progress.one_copied(size) as written:
        return _unchanged(step, planned, engine, written)


def _unchanged(step: Step, planned: Plan, engine: Engine, written: Callable[[int], None]) -> NodeDirectory:
    """Of a volume that its pods write to, as it was at one time: what changes meanwhile is copied again."""
    source, target = (data.directory_of(place, engine) for place in (step.origin, step.target) if place)
    for attempt in range(ATTEMPTS):
        try:
            with data.copied(source, target, written) as temporary:
                if differs := data.difference(source, temporary, planned.request.verify):
                    raise _differing(step, differs, paused=planned.request.pause)
                return temporary
        except (Conflict, CommandFailed):
            if planned.request.pause or attempt == ATTEMPTS - 1:
                raise
    raise AssertionError


def _differing(step: Step, how: str, *, paused: bool) -> Conflict:
    then = "Find out what writes to it, and run this again." if paused else "Set pause=true."
    return Conflict(
        f"The copy of {step.source.volume.claim} differs from its source: {how}. It was removed.", next_step=then
    )
