# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where a backup reads the data of volumes: on the host, or inside the one node that has it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.lost import MISSING
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.view import RUNNING
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal, decline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import count
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import Place, volume_places

_ARCHIVE = "Set data=archive to save data inside nodes."
_NEXT = {
    MISSING: "Its container is gone, with this data. Restore an earlier backup (kindlab.volumes.volume_restore), or "
    "delete the volume: kubectl delete pv NAME"
}
_LEAVE_OUT = "Leave these volumes out (names, namespaces, storage_classes)."
_MOUNT = (
    "Create the cluster with a host directory mounted there on all nodes (kindlab.volumes.kind_cluster, mounts), and "
    "move the data into it."
)


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
    decline(f"The data of {count(len(refusals), 'volume')} cannot be saved", refusals, _LEAVE_OUT, _MOUNT)
    return places


def data_place(volume: Volume, nodes: Sequence[Node], *, archives: bool) -> Place | Refusal:
    """The place of one volume, as in data_places, or why there is none."""

    def refused(why: str, next_step: str = "") -> Refusal:
        return Refusal(volume.name, why, next_step, {"claim": volume.claim})

    path = volume.node_directory
    if not path:
        return refused(f"its source is {volume.source or 'unknown'}, not a directory in a node")
    places = volume_places(volume, nodes)
    if not places:
        return refused(f"its node {', '.join(volume.nodes)} is not part of this cluster")
    inside = [place.node for place in places if not place.host_directory]
    if inside:
        not_mounted = f"{path} on {', '.join(inside)} is not mounted from the host"
        if len(places) > 1:
            names = ", ".join(place.node for place in places)
            return refused(f"{not_mounted}, and it is unknown which of its nodes {names} has the data")
        state = next(node.state for node in nodes if node.name == inside[0])
        if state == MISSING or (archives and state != RUNNING):
            return refused(f"{not_mounted}, and cannot be read there while the node is {state}", _NEXT.get(state, ""))
        return places[0] if archives else refused(not_mounted, _ARCHIVE)
    if differing := next((place for place in places if place.mismatch), None):
        # What pods see is in the node: there it can be read, unless it is not known which node that is.
        running = {node.name for node in nodes if node.state == RUNNING}
        if archives and len(places) == 1 and differing.node in running:
            return replace(differing, host_directory="")
        return refused(differing.mismatch, differing.remedy)
    directories = sorted({place.host_directory for place in places})
    if len(directories) > 1:
        return refused(f"any node may have its data, and they use different directories: {', '.join(directories)}")
    return Place("", path, directories[0])
