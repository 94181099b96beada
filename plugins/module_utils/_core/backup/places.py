# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the data of volumes is: on the host, inside the one node that has it, or where no backup reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.lost import MISSING as LOST
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.view import RUNNING
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube import workloads
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, namespaced_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.manifests import LABEL
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal, decline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import count, listed, printable
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import Place, volume_places
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.sources import source_text

MISSING, OTHER = "missing", "other"

_ARCHIVE = "Set data=archive to save data inside nodes."
LEAVE_OUT = "Leave these volumes out (names, namespaces, storage_classes)."
_MOUNT = (
    "Create the cluster with a host directory mounted there on all nodes (kindlab.volumes.kind_cluster, mounts), and "
    "move the data into it."
)
_COMPLETE = (
    "Complete it: kindlab.volumes.volume_restore with existing=replace. If the data is right as it is, start what was "
    "stopped: kindlab.volumes.volume_detach with state=attached."
)
_PERMIT = "Run this as a user who can read the files, for example as root (become: true)."


@dataclass(frozen=True)
class Look:
    """What a look at a volume's directory found.

    state: there, empty, missing, or other (not a directory). unreadable: paths that this user cannot read; bytes: of
    its files on the disk, and devices: whether there are device nodes, as far as they are needed to plan archives.
    lacking: programs that its node does not have. half_restored: an interrupted restore left a part of the data in it.
    """

    state: str
    unreadable: tuple[str, ...] = ()
    bytes: int = 0
    lacking: tuple[str, ...] = ()
    devices: bool = False
    half_restored: bool = False


def is_local_data(pv: Mapping[str, Any]) -> bool:
    """True for a volume of local_data: its data belongs to the host."""
    return LABEL in (pv["metadata"].get("labels") or {})


def elsewhere(volume: Volume, pv: Mapping[str, Any]) -> str:
    """Where the data is that no backup reads, for people; '' for data in a directory of a node or the host."""
    if is_local_data(pv):
        return f"{source_text(pv)}, data of the host"
    if volume.is_block:
        return f"{source_text(pv)}, a block device"
    return "" if volume.node_directory else source_text(pv) or "an unknown source"


def may_be_unused(volume: Volume) -> bool:
    """True for a volume that waits for a claim: without a directory it has no data."""
    return bool(volume.node_directory) and volume.phase == "Available" and not volume.claim_phase


def data_places(volumes: Iterable[Volume], nodes: Sequence[Node], *, archives: bool) -> dict[str, Place]:
    """Volume's name -> where its data is; the node is '' if the host has the data, of whichever node.

    archives: data inside a node can be saved, as it is read there. Raises Declined for volumes whose data cannot be
    read at one certain place.
    """
    places: dict[str, Place] = {}
    refusals = []
    for volume in volumes:
        place = data_place(volume, nodes, archives=archives)
        if isinstance(place, Refusal):
            refusals.append(place)
        else:
            places[volume.name] = place
    decline(f"The data of {count(len(refusals), 'volume')} cannot be saved", refusals, LEAVE_OUT, _MOUNT)
    return places


def data_place(volume: Volume, nodes: Sequence[Node], *, archives: bool) -> Place | Refusal:
    """The place of one volume with a directory, as in data_places, or why there is none."""

    def refused(why: str, next_step: str = "") -> Refusal:
        return Refusal(volume.name, why, next_step, {"claim": volume.claim})

    path = volume.node_directory
    places = volume_places(volume, nodes)
    if not places:
        return refused(no_node(volume, nodes))
    inside = [place.node for place in places if not place.host_directory]
    if inside:
        not_mounted = f"{path} on {', '.join(inside)} is not mounted from the host"
        if len(places) > 1:
            names = ", ".join(place.node for place in places)
            return refused(f"{not_mounted}, and it is unknown which of its nodes {names} has the data")
        state = next(node.state for node in nodes if node.name == inside[0])
        if state == LOST:
            restore = "Restore its data from an earlier backup (kindlab.volumes.volume_restore)"
            gone = f"{not_mounted}, and its container is gone, with this data"
            return refused(gone, f"{restore}, or delete it: kubectl delete pv {volume.name}")
        if archives and state != RUNNING:
            return refused(f"{not_mounted}, and cannot be read there while the node is {state}")
        return places[0] if archives else refused(not_mounted, _ARCHIVE)
    if differing := next((place for place in places if place.mismatch), None):
        # What pods see is in the node: there it can be read, unless it is not known which node that is.
        running = {node.name for node in nodes if node.state == RUNNING}
        if archives and len(places) == 1 and differing.node in running and differing.answers:
            return replace(differing, host_directory="")
        return refused(differing.mismatch, differing.remedy)
    directories = sorted({place.host_directory for place in places})
    if len(directories) > 1:
        return refused(f"any node may have its data, and they use different directories: {', '.join(directories)}")
    return Place("", path, directories[0])


def no_node(volume: Volume, nodes: Sequence[Node]) -> str:
    """Why pods cannot use a volume, if none of these nodes fits it."""
    gone = volume.nodes and not any(node.name in volume.nodes for node in nodes)
    where = f"its node {', '.join(volume.nodes)}" if gone else "a node that its affinity allows"
    return f"{where} is not part of this cluster"


def refuse_ephemeral(volumes: Iterable[Volume]) -> None:
    """Raise Declined for volumes of generic ephemeral volumes that were named."""
    why = "it is a generic ephemeral volume, which is deleted with its pod"
    refusals = [Refusal(volume.name, why, LEAVE_OUT, {"claim": volume.claim}) for volume in volumes]
    decline(f"{count(len(refusals), 'volume')} cannot be saved", refusals)


def check_readable(
    volumes: Iterable[Volume],
    places: Mapping[str, Place],
    looks: Mapping[str, Look],
    restoring: Mapping[str, str],
    *,
    archives: bool,
) -> None:
    """Raise Declined for volumes whose data cannot be saved. By volume's name: places, looks; restoring, see Plan."""
    found = (
        _interrupted(volume, looks[volume.name], restoring.get(volume.name, ""))
        or unreadable(volume, places[volume.name], looks[volume.name], archives=archives)
        for volume in volumes
    )
    refusals = [refusal for refusal in found if refusal]
    decline(f"The data of {count(len(refusals), 'volume')} cannot be saved", refusals, LEAVE_OUT)


def restored_for(volumes: Iterable[Volume], items: Iterable[Object]) -> dict[str, str]:
    """Volume's name -> the workload that a restore stopped for it, and did not start again. items: all workloads."""
    by_claim = {volume.claim: volume.name for volume in volumes if volume.claim_phase}
    index = workloads.Claims(by_claim)
    return {
        by_claim[claim]: f"{item['kind']} {namespaced_name(item)}"
        for item in items
        for claim in workloads.used_claims(item, index)
        if workloads.stopped_for(item).startswith("restore")
    }


def _interrupted(volume: Volume, look: Look, stopped: str) -> Refusal | None:
    """Why its data may not be whole: as a generation, it could take the place of the one that is restored."""
    if not (stopped or look.half_restored):
        return None
    why = "a restore of its data was interrupted" + (f", and {stopped} is at zero since" if stopped else "")
    return Refusal(volume.name, why, _COMPLETE, {"claim": volume.claim})


def unreadable(volume: Volume, place: Place, look: Look, *, archives: bool) -> Refusal | None:
    """Why the data in a place cannot be saved, None if it can."""
    where = place.text()
    if look.state in (MISSING, OTHER):
        why = f"its directory {where} {'is missing' if look.state == MISSING else 'is not a directory'}"
        next_step = f"Mount or copy its data to {where}, or delete the volume: kubectl delete pv {volume.name}"
    elif look.lacking:
        why = f"the node {place.node} has no {' and no '.join(look.lacking)}"
        next_step = "Use a node image with GNU tar and find."
    elif look.devices and archives:
        why = "it contains device nodes, which are never extracted"
        next_step = "Save these volumes with data=in_place, or leave them out."
    elif look.unreadable:
        why = f"this user cannot read {listed(map(printable, look.unreadable), 3)}"
        next_step = _PERMIT
    else:
        return None
    return Refusal(volume.name, why, next_step, {"claim": volume.claim})
