# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the deletion of a cluster would lose: volumes in use, deleted with their node, or without a current backup."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import Catalog
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.places import data_place
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.checksums import Difference
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node, kubernetes_nodes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, namespaced_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.manifests import LABEL
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.refusals import differences
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import (
    Place,
    mismatches,
    volume_places,
)

from .refusals import Refusal
from .text import listed

NO_BACKUP = "no backup of it is given"
_ARCHIVE = "Back it up with kindlab.volumes.volume_backup and data=archive, and set backup to that path."
_BACK_UP = "Back it up with kindlab.volumes.volume_backup, and set backup to that path."
_DETACH = "Scale down what uses the volumes: kindlab.volumes.volume_detach."
_CSI = "Back it up with the CSI driver's own tools, then set force=true."
_RETAIN = (
    "Set its reclaim policy to Retain, as kindlab.volumes.volume_backup does: "
    """kubectl patch pv NAME --patch '{"spec": {"persistentVolumeReclaimPolicy": "Retain"}}'"""
)

Objects: TypeAlias = tuple[Iterable[Object], Iterable[Object]]


def blockers(
    volumes: Iterable[Volume],
    nodes: Sequence[Node],
    users: Mapping[str, Sequence[str]],
    not_backed_up: Mapping[str, str],
    archived: Collection[str] = (),
    needing: Iterable[Volume] = (),
) -> tuple[Refusal, ...]:
    """Every reason not to delete the cluster; () if all data outlives it.

    By a volume's name: users, what uses it; not_backed_up, why its backup is missing or stale. archived: the volumes
    whose current data is in an archive; needing: those that need a backup.
    """
    unknown = mismatches([volume for volume in needing if volume.name not in archived], nodes)
    return tuple(
        Refusal(volume.name, why, next_step, {"claim": volume.claim})
        for volume in volumes
        for why, next_step in (
            *_deleted_with_node(volume, nodes, archived),
            *([(_differs(unknown[volume.name]), unknown[volume.name].remedy)] if volume.name in unknown else []),
            *([(f"it is in use: {listed(users[volume.name], 3)}", _DETACH)] if users.get(volume.name) else []),
            *([(not_backed_up[volume.name], _BACK_UP)] if not_backed_up.get(volume.name) else []),
        )
    )


def _deleted_with_node(volume: Volume, nodes: Sequence[Node], archived: Collection[str]) -> Iterator[tuple[str, str]]:
    path = volume.node_directory
    if path and volume.name not in archived:
        possible = [node for node in kubernetes_nodes(nodes) if not volume.nodes or node.name in volume.nodes]
        inside = [node.name for node in possible if node.host_directory(path) is None]
        if inside:
            yield f"{path} is not mounted from the host on {', '.join(inside)} and is deleted with the node", _ARCHIVE
    elif volume.source == "csi" and volume.name not in archived:
        yield "its data is managed by a CSI driver", _CSI
    if volume.reclaim_policy == "Delete" and volume.claim_phase == "Bound":
        yield "its reclaim policy is Delete and its claim is bound", _RETAIN


def _differs(place: Place) -> str:
    return f"what the node has cannot be compared with the host: {place.mismatch}"


def needing_backup(volumes: Iterable[Volume], persistent_volumes: Iterable[Object]) -> tuple[Volume, ...]:
    """The volumes that only a backup can restore; those of local_data are created again from the host's own data."""
    local_data = {pv["metadata"]["name"] for pv in persistent_volumes if LABEL in (pv["metadata"].get("labels") or {})}
    return tuple(v for v in volumes if v.node_directory and v.name not in local_data)


def comparable(volumes: Iterable[Volume], nodes: Sequence[Node]) -> tuple[dict[str, Place], dict[str, str]]:
    """By a volume's name: where its data is read, and why it cannot be compared with a backup.

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
    volumes: Iterable[Volume], live: Objects, catalog: Catalog, saved: Objects, changed: Mapping[str, Difference]
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
    reasons = {}
    for volume in volumes:
        entry, why = entries.get(volume.name), ""
        if entry is None or volume.name not in saved_pvs:
            why = "the backup does not contain it"
        elif not entry.checksum_list:
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
