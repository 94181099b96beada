# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the deletion of a cluster would lose: volumes in use, deleted with their node, or without a current backup."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import Catalog
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.places import (
    data_place,
    elsewhere,
    is_local_data,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.difference import Difference
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, namespaced_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.workloads import WORKLOAD_KINDS
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.refusals import differences
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.ephemeral import ephemeral_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.obstacles import (
    ARCHIVE,
    BACK_UP,
    TIED,
    obstacles,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import Place, volume_places

from .refusals import Refusal

READ = ("PersistentVolume", "PersistentVolumeClaim", *WORKLOAD_KINDS)
NO_BACKUP = "no backup of it is given"
NOT_SAVED = "the backup would not contain it, or have no checksums of it"
NOT_IN_BACKUP = "the backup does not contain it"
_ACCEPT = "If the data is not needed or outlives the nodes, set accept_loss=['{name}']."
_NEW = "it was created while the other volumes were looked at"
_CHANGED = "it or its claim was changed while the volumes were looked at"

Objects = tuple[Iterable[Object], Iterable[Object]]
# Volume's name -> how its data differs from the backup.
Changes = dict[str, Difference]


def unread(why: str) -> Difference:
    """What counts as the difference of data that cannot be compared."""
    return Difference(changed=(why.rstrip("."),))


def at_stake(volumes: Sequence[Volume], workloads: Iterable[Object], unused: Collection[str]) -> tuple[Volume, ...]:
    """The volumes that a deletion could lose.

    Not those that never had data (unused: their names), nor those of generic ephemeral volumes, which end with their
    pods.
    """
    ignored = {*unused, *ephemeral_volumes(volumes, workloads)}
    return tuple(volume for volume in volumes if volume.name not in ignored)


@dataclass(frozen=True)
class Needed:
    """What a backup must contain: volumes with their data, and those of which it has only manifests."""

    data: tuple[Volume, ...]
    manifests: tuple[Volume, ...]

    @property
    def all(self) -> tuple[Volume, ...]:
        return (*self.data, *self.manifests)


def needed(volumes: Iterable[Volume], persistent_volumes: Iterable[Object]) -> Needed:
    """The volumes that only a backup can restore; those of local_data are created again from the host's own data."""
    pvs = {pv["metadata"]["name"]: pv for pv in persistent_volumes}
    wanted = [volume for volume in volumes if not is_local_data(pvs[volume.name])]
    outside = {volume.name for volume in wanted if elsewhere(volume, pvs[volume.name])}
    return Needed(
        tuple(volume for volume in wanted if volume.name not in outside),
        tuple(volume for volume in wanted if volume.name in outside),
    )


def assumed(needed: Needed, saved: Collection[str]) -> tuple[dict[str, str], set[str]]:
    """Why a generation with these volumes does not contain the others, by name; and the names of those with data in it.

    A backup refuses data inside nodes unless it has an archive of it.
    """
    reasons = {volume.name: NOT_SAVED for volume in needed.all if volume.name not in saved}
    return reasons, {volume.name for volume in needed.data if volume.name in saved}


def as_saved(volumes: Iterable[Volume], names: Collection[str]) -> tuple[Volume, ...]:
    """The volumes as they are once those of these names are backed up: they are retained."""
    return tuple(replace(volume, reclaim_policy="Retain") if volume.name in names else volume for volume in volumes)


def blockers(
    volumes: Iterable[Volume],
    nodes: Sequence[Node],
    users: Mapping[str, Sequence[str]],
    not_backed_up: Mapping[str, str],
    archived: Collection[str] = (),
    needing: Iterable[Volume] = (),
    accepted: Collection[str] = (),
) -> tuple[Refusal, ...]:
    """Every reason not to delete the cluster; () if all data outlives it. The arguments are those of obstacles."""
    found = obstacles(volumes, nodes, users, not_backed_up, archived, needing, accepted)
    return tuple(
        Refusal(volume.name, obstacle.why, _with_option(volume.name, obstacle.next_step), {"claim": volume.claim})
        for volume, obstacle in found
    )


def changed_meanwhile(before: Iterable[Volume], now: Iterable[Volume]) -> tuple[Refusal, ...]:
    """Why volumes at stake now prevent a deletion that are new, or are not as they were when all were looked at."""
    known = {volume.name: volume for volume in before}
    return tuple(
        Refusal(volume.name, _CHANGED if volume.name in known else _NEW, "Run this again.", {"claim": volume.claim})
        for volume in now
        if volume != known.get(volume.name)
    )


def _with_option(name: str, next_step: str) -> str:
    """The next step with the options of a deletion. name: of the volume."""
    if next_step == TIED:
        return f"{TIED} {_ACCEPT.format(name=name)}"
    return f"{next_step}, and set backup to that path." if next_step in (ARCHIVE, BACK_UP) else next_step


def comparable(volumes: Iterable[Volume], nodes: Sequence[Node]) -> tuple[dict[str, Place], dict[str, str]]:
    """By the name of a volume with data: where that is read, and why it cannot be compared with a backup.

    A volume without a directory in this cluster is in neither of them.
    """
    places: dict[str, Place] = {}
    incomparable: dict[str, str] = {}
    for volume in volumes:
        place = data_place(volume, nodes, archives=True)
        if not isinstance(place, Refusal):
            places[volume.name] = place
        elif volume_places(volume, nodes):
            incomparable[volume.name] = f"it cannot be compared with its backup: {place.why}"
    return places, incomparable


def not_backed_up(
    needed: Needed, live: Objects, catalog: Catalog, saved: Objects, changed: Mapping[str, Difference]
) -> dict[str, str]:
    """Volume's name -> why the backup does not contain it as it is.

    live, saved: PersistentVolumes and claims of the cluster, and of the backup. changed: by a volume's name, how its
    data differs from its checksum list.
    """
    pvs = {pv["metadata"]["name"]: pv for pv in live[0]}
    claims = {namespaced_name(claim) for claim in live[1]}
    saved_pvs = {pv["metadata"]["name"]: pv for pv in saved[0]}
    saved_claims = {namespaced_name(claim) for claim in saved[1]}
    entries = {volume.name: volume for volume in catalog.volumes}
    with_data = {volume.name for volume in needed.data}
    reasons = {}
    for volume in needed.all:
        entry, why = entries.get(volume.name), ""
        if entry is None or volume.name not in saved_pvs:
            why = NOT_IN_BACKUP
        elif volume.name in with_data and not entry.consistent:
            why = "the backup of its data is not consistent: it was written to while it was read"
        elif volume.name in with_data and not entry.checksum_list:
            why = "the backup has no checksums of it"
        elif volume.claim in claims and (volume.claim not in saved_claims or entry.claim != volume.claim):
            why = f"the backup does not contain its claim {volume.claim}"
        elif fields := differences(pvs[volume.name], saved_pvs[volume.name]):
            why = f"it differs from the backup: {'; '.join(fields)}"
        elif changed.get(volume.name):
            why = f"its data has changed since the backup: {changed[volume.name].text()}"
        if why:
            reasons[volume.name] = why
    return reasons
