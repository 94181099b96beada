# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether data outlives its cluster if that goes now, as a deletion decides it; and one line about all volumes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.places import elsewhere, no_node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.removal import NO_BACKUP, NOT_IN_BACKUP, Needed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import be, count
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.obstacles import (
    KEPT,
    LOST,
    UNKNOWN,
    Obstacle,
    obstacles,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import volume_places

NOT_READ = "its archive was not read and compared with it"
_COMPARE = "Set verify=full to compare it."


@dataclass(frozen=True)
class Survival:
    """Whether a volume's data outlives its cluster. survives: of obstacles.SURVIVES; why: with its cause or its place.

    next_step: '' for nothing to do. what: the cause in a word or two, '' for data that survives.
    """

    survives: str
    why: str
    next_step: str = ""
    what: str = ""

    def as_dict(self) -> Object:
        """In a module's result."""
        return {"survives": self.survives, "survives_why": self.why, "survives_next_step": self.next_step}


@dataclass(frozen=True)
class Known:
    """What is known of volumes and of their backup. By name of a volume:

    pvs: PersistentVolumes; unused: those that never had data; missing: what is wrong with a directory on the host;
    not_backed_up: why the backup does not hold it as it is; archived: its archive was compared with it; unread: why the
    archive that it has was not. needed: what a backup must contain.
    """

    pvs: Mapping[str, Object]
    nodes: Sequence[Node]
    needed: Needed = field(default_factory=lambda: Needed((), ()))
    unused: Collection[str] = ()
    ephemeral: Collection[str] = ()
    missing: Mapping[str, str] = field(default_factory=dict)
    not_backed_up: Mapping[str, str] = field(default_factory=dict)
    archived: Collection[str] = ()
    unread: Mapping[str, str] = field(default_factory=dict)


def survivals(volumes: Iterable[Volume], known: Known) -> dict[str, Survival]:
    """By a volume's name."""
    volumes = tuple(volumes)
    stake = [v for v in volumes if v.name not in known.unused and v.name not in known.ephemeral]
    found = _worst(stake, known, known.archived)
    with_unread = _worst(stake, known, {*known.archived, *known.unread})
    return {v.name: _survival(v, known, found.get(v.name), with_unread.get(v.name)) for v in volumes}


def _worst(volumes: Sequence[Volume], known: Known, archived: Collection[str]) -> dict[str, Obstacle]:
    """Volume's name -> the first obstacle that loses its data, or else that may lose it."""
    found: dict[str, Obstacle] = {}
    for volume, obstacle in obstacles(volumes, known.nodes, {}, known.not_backed_up, archived, known.needed.data):
        before = found.get(volume.name)
        if obstacle.survives == LOST and (before is None or before.survives != LOST):
            found[volume.name] = obstacle
        elif obstacle.survives == UNKNOWN:
            found.setdefault(volume.name, obstacle)
    return found


def _survival(volume: Volume, known: Known, obstacle: Obstacle | None, with_unread: Obstacle | None) -> Survival:
    """obstacle: what loses its data, with_unread: if its archive holds it."""
    name = volume.name
    if name in known.ephemeral:
        return Survival(LOST, "it is a generic ephemeral volume, which ends with its pod", what="ephemeral")
    if name in known.unused:
        return Survival(KEPT, "it was never used and has no data")
    if name in known.missing:
        why = known.missing[name]
        return Survival(LOST, why, "Mount or restore its directory.", "without a directory")
    if obstacle is None:
        return _kept(volume, known)
    if name in known.unread:
        if with_unread is None:
            step = _COMPARE if known.unread[name] == NOT_READ else ""
            what = f"{obstacle.what} and in an archive that was not compared"
            return Survival(UNKNOWN, f"{obstacle.why}; {known.unread[name]}", step, what)
        obstacle = with_unread
    if obstacle.what.startswith("inside "):
        step = f"{obstacle.next_step}."
        why_not = known.not_backed_up.get(name, "the backup has no archive of it")
        saved = "in no backup" if why_not in (NO_BACKUP, NOT_IN_BACKUP) else "in no backup as it is now"
        return Survival(LOST, f"{obstacle.why}; {why_not}", step, f"{obstacle.what} and {saved}")
    return Survival(obstacle.survives, obstacle.why, obstacle.next_step, obstacle.what)


def _kept(volume: Volume, known: Known) -> Survival:
    if outside := elsewhere(volume, known.pvs[volume.name]):
        return Survival(KEPT, f"its data is outside of the cluster: {outside}")
    places = volume_places(volume, known.nodes)
    if not places:
        return Survival(UNKNOWN, no_node(volume, known.nodes), what="of nodes that this cluster does not have")
    directories = ", ".join(sorted({place.host_directory for place in places if place.host_directory}))
    if directories:
        return Survival(KEPT, f"its data is on the host, in {directories}")
    return Survival(KEPT, "an archive in the backup holds its data as it is now")


def summary(found: Iterable[Survival]) -> str:
    """'18 of 20 volumes survive; 2 are inside lab-worker and in no backup'."""
    found = tuple(found)
    if not found:
        return "there are no volumes"
    sums: dict[tuple[str, str], int] = {}
    for one in sorted(found, key=lambda one: (one.survives != LOST, one.what)):
        if one.survives != KEPT:
            sums[one.survives, one.what] = sums.get((one.survives, one.what), 0) + 1
    total, kept = len(found), sum(one.survives == KEPT for one in found)
    verb = "survives" if total == 1 else "survive"
    head = f"all {total} volumes survive" if kept == total > 1 else f"{kept} of {count(total, 'volume')} {verb}"
    rest = (
        f"{number} {be(number)} {what}{' (unknown)' if survives == UNKNOWN else ''}"
        for (survives, what), number in sums.items()
    )
    return "; ".join([head, *rest])
