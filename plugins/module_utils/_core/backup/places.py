# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where a backup reads the data of volumes: from directories of the host, or inside the one node that has it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.view import RUNNING
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import Place, volume_places


class _NoPlace(NamedTuple):
    """Why there is no place, and whether an archive would do."""

    why: str
    savable: bool = False


def data_places(volumes: Iterable[Volume], nodes: Sequence[Node], *, archives: bool) -> dict[str, Place]:
    """Volume's name -> where its data is. The node is '' where the host has the data, for whichever node.

    archives: data inside a node can be saved, as it is read there. Raises Declined, with the list in details, for
    volumes whose data can't be read at one certain place.
    """
    found: dict[str, Place] = {}
    refused: dict[Volume, _NoPlace] = {}
    for volume in volumes:
        place = _place(volume, nodes, archives)
        if isinstance(place, _NoPlace):
            refused[volume] = place
        else:
            found[volume.name] = place
    if refused:
        raise _declined(refused, archives)
    return found


def _place(volume: Volume, nodes: Sequence[Node], archives: bool) -> Place | _NoPlace:
    path = volume.node_directory
    if not path:
        return _NoPlace(f"its source {volume.source or 'is unknown'}, not a directory of a node")
    places = volume_places(volume, nodes)
    if not places:
        return _NoPlace(f"its node {', '.join(volume.nodes)} is none of this cluster")
    inside = [place.node for place in places if not place.host_directory]
    if inside:
        not_mounted = f"{path} on {', '.join(inside)} is not mounted from the host"
        if len(places) > 1:
            names = ", ".join(place.node for place in places)
            return _NoPlace(f"{not_mounted}, and which of its nodes {names} has the data can't be known")
        state = next(node.state for node in nodes if node.name == inside[0])
        if archives and state != RUNNING:
            return _NoPlace(f"{not_mounted}, and can't be read there while the node is {state}")
        return places[0] if archives else _NoPlace(not_mounted, savable=True)
    directories = sorted({place.host_directory for place in places})
    if len(directories) > 1:
        return _NoPlace(f"any node may hold it, and they have different directories for it: {', '.join(directories)}")
    return Place("", path, directories[0])


def _declined(refused: Mapping[Volume, _NoPlace], archives: bool) -> Declined:
    shown = [f"{volume.name} ({volume.claim or 'no claim'}): {no.why}" for volume, no in refused.items()]
    savable = any(no.savable for no in refused.values())
    return Declined(
        f"{len(refused)} volume(s) have no data {'at a place' if archives else 'on the host'} that could be saved: "
        f"{'; '.join(shown[:10])}{f'; and {len(shown) - 10} more' if len(shown) > 10 else ''}",
        next_step=("Save what is inside nodes with data: archive. " if savable else "")
        + "Leave volumes out (names, namespaces, storage_classes), or create the cluster with a host directory mounted "
        "there on all nodes (kindlab.volumes.kind_cluster, mounts) and move the data into it.",
        details=[{"name": v.name, "claim": v.claim, "reason": no.why} for v, no in refused.items()],
    )
