# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Directories of volumes and provisioners: in nodes and on the host."""

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
    """A directory of a node, and the same directory on the host ('' if it is not mounted from the host)."""

    node: str
    node_directory: str
    host_directory: str


def places(node_directory: str, names: Iterable[str], nodes: Iterable[Node]) -> tuple[Place, ...]:
    """A directory in the named nodes, or in all Kubernetes nodes if no name is given."""
    requested = set(names)
    chosen = [node for node in nodes if node.name in requested] if requested else kubernetes_nodes(nodes)
    return tuple(Place(n.name, node_directory, n.host_directory(node_directory) or "") for n in chosen)


def volume_places(volume: Volume, nodes: Iterable[Node]) -> tuple[Place, ...]:
    """The directory of a volume on its nodes; () for a source without a directory."""
    return places(volume.node_directory, volume.nodes, nodes) if volume.node_directory else ()


def used_directories(volumes: Iterable[Volume], nodes: Iterable[Node]) -> set[str]:
    """The host directories of volumes. If all nodes of a volume are gone, those of every other node."""
    nodes = tuple(nodes)
    found = (volume_places(v, nodes) or places(v.node_directory, (), nodes) for v in volumes if v.node_directory)
    return {place.host_directory for on_nodes in found for place in on_nodes} - {""}


def watched_places(
    volumes: Iterable[Volume], config_maps: Iterable[Object], nodes: Iterable[Node]
) -> dict[str, list[Place]]:
    """Host directory -> its places, for all directories in which provisioners create volumes.

    These are the directories of their configuration, and the parents of provisioned volumes.
    """
    nodes = tuple(nodes)
    watched = [p for path, names in provisioner_directories(config_maps).items() for p in places(path, names, nodes)]
    for volume in volumes:
        if volume.provisioned_by and volume.node_directory:
            watched += places(posixpath.dirname(volume.node_directory), volume.nodes, nodes)
    by_host_directory: dict[str, list[Place]] = {}
    for place in sorted(set(watched), key=lambda p: (p.host_directory, p.node, p.node_directory)):
        if place.host_directory:
            by_host_directory.setdefault(place.host_directory, []).append(place)
    return by_host_directory
