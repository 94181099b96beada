# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Directories of volumes: where they are in nodes and on the host, and which directories provisioners use."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node, kubernetes_nodes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.registry import provisioner_directories


@dataclass(frozen=True)
class Place:
    """A directory of one node, and the directory on the host that holds it ('' where none does)."""

    node: str
    node_directory: str
    host_directory: str


def places(node_directory: str, names: Iterable[str], nodes: Iterable[Node]) -> tuple[Place, ...]:
    """A directory in the named nodes, or in all nodes that run pods where no name is given."""
    requested = set(names)
    chosen = [node for node in nodes if node.name in requested] if requested else kubernetes_nodes(nodes)
    return tuple(Place(n.name, node_directory, n.host_directory(node_directory) or "") for n in chosen)


def volume_places(volume: Volume, nodes: Iterable[Node]) -> tuple[Place, ...]:
    """Where a volume's directory lies; () for a source without a directory in the node."""
    return places(volume.node_directory, volume.nodes, nodes) if volume.node_directory else ()


def used_directories(volumes: Iterable[Volume], nodes: Iterable[Node]) -> set[str]:
    """The host directories of all volumes; those whose nodes are gone may be in any node's."""
    nodes = tuple(nodes)
    used: set[str] = set()
    for volume in volumes:
        found = volume_places(volume, nodes) or places(volume.node_directory, (), nodes)
        used |= {p.host_directory for p in found if volume.node_directory}
    return used - {""}


def watched_places(
    volumes: Iterable[Volume], config_maps: Iterable[Object], nodes: Iterable[Node]
) -> dict[str, list[Place]]:
    """Host directory -> the places it serves, for every directory that provisioners make volumes in.

    Those are the directories of local-path's configuration, and the parents of volumes that a provisioner made.
    """
    nodes = tuple(nodes)
    watched = [p for path, names in provisioner_directories(config_maps).items() for p in places(path, names, nodes)]
    for volume in volumes:
        if volume.provisioned_by and volume.node_directory:
            watched += places(posixpath.dirname(volume.node_directory), volume.nodes, nodes)
    serving: dict[str, list[Place]] = {}
    for place in sorted(set(watched), key=lambda p: (p.host_directory, p.node, p.node_directory)):
        if place.host_directory:
            serving.setdefault(place.host_directory, []).append(place)
    return serving
