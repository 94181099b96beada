# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where a restored volume's data belongs in this cluster: on the host by its nodes' mounts, or inside one node."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._core.cluster_view import RUNNING
from ansible_collections.kindlab.volumes.plugins.module_utils._core.inventory import Place, volume_places
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore_model import Observed, Wanted
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore_refusal import Refusal
from ansible_collections.kindlab.volumes.plugins.module_utils._core.topology import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volume import Volume

NOWHERE = Place("", "", "")


def data_place(wanted: Wanted, observed: Observed) -> tuple[Place, Refusal | None]:
    """The place, its node '' where the host has the data; or why the data can't be there."""
    volume = wanted.volume
    if not volume.node_directory:
        return NOWHERE, None
    places = volume_places(volume, _serving(volume, observed.nodes))
    on_host = sorted({place.host_directory for place in places} - {""})
    if len(on_host) > 1:
        return NOWHERE, Refusal(
            f"its nodes keep {volume.node_directory} in different directories of the host: {', '.join(on_host)}",
            "Mount one host directory at the same place in all nodes.",
        )
    if on_host:
        return Place("", volume.node_directory, on_host[0]), None
    return places[0] if len(places) == 1 else NOWHERE, _inside_refuses(wanted, places, observed)


def _inside_refuses(wanted: Wanted, places: tuple[Place, ...], observed: Observed) -> Refusal | None:
    """Data that goes with its node comes from an archive, and into the one node where it is looked for."""
    saved, path = wanted.saved, wanted.volume.node_directory
    if saved.archive is None:
        was = f" (it was {saved.host_directory})" if saved.host_directory else ""
        return Refusal(
            f"{path} is no directory of the host in this cluster's nodes{was}, and the backup has no archive of it",
            "Create the cluster with the mount that its data needs, or use a backup that was made with data: archive.",
        )
    if len(places) != 1:
        return Refusal(
            f"{path} is no directory of the host, and its pods may run on {', '.join(p.node for p in places)}, each "
            f"with a directory of its own",
            "Create the cluster with a host directory mounted there in all nodes.",
        )
    state = next(node.state for node in observed.nodes if node.name == places[0].node)
    if state != RUNNING:
        return Refusal(
            f"{path} is inside its node {places[0].node}, which is {state}",
            "kindlab.volumes.kind_cluster with state: present starts the cluster's nodes.",
        )
    return None


def _serving(volume: Volume, nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    """The nodes where its pods may run: those it names, else the workers, else all."""
    if volume.nodes:
        return nodes
    return tuple(n for n in nodes if n.role == "worker") or nodes
