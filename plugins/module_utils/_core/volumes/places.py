# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Directories of volumes and provisioners: in nodes and on the host."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node, kubernetes_nodes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.scheduling import affinity_fits
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import HOSTNAME, Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.registry import provisioner_directories

_OF_HOST = ("kubernetes.io/arch", "beta.kubernetes.io/arch", "kubernetes.io/os", "beta.kubernetes.io/os")


@dataclass(frozen=True)
class Place:
    """A directory of a node, and the same directory on the host ('' if it is not mounted from the host).

    mismatch: why the host's directory is not the node's, '' if it is or if they were not compared; remedy: what to do.
    answers: False if a file system of it does not answer.
    """

    node: str
    node_directory: str
    host_directory: str
    mismatch: str = ""
    remedy: str = ""
    answers: bool = True

    def text(self) -> str:
        """The directory on the host, or 'PATH in NODE'."""
        return self.host_directory or f"{self.node_directory} in {self.node}"

    def as_dict(self) -> Object:
        """The directories in a module's result."""
        return {name: getattr(self, name) for name in ("node", "node_directory", "host_directory")}


def places(node_directory: str, names: Iterable[str], nodes: Iterable[Node]) -> tuple[Place, ...]:
    """A directory in the named nodes, or in all Kubernetes nodes if no name is given."""
    requested = set(names)
    chosen = [node for node in nodes if node.name in requested] if requested else kubernetes_nodes(nodes)
    return tuple(_place(node, node_directory) for node in chosen)


def volume_places(volume: Volume, nodes: Iterable[Node]) -> tuple[Place, ...]:
    """The directory of a volume on the nodes where pods can use it; () for a source without a directory.

    These are the nodes that its affinity names, or that fit it and take ordinary pods.
    """
    path = volume.node_directory
    return tuple(_place(node, path) for node in volume_nodes(volume, nodes)) if path else ()


def volume_nodes(volume: Volume, nodes: Iterable[Node]) -> list[Node]:
    """The nodes where pods can use a volume, [] if none fits its affinity; see volume_places."""
    if volume.nodes:
        # A term may require more than the name.
        return [node for node in nodes if node.name in volume.nodes and _fits(volume, node)]
    fitting = [node for node in kubernetes_nodes(nodes) if _fits(volume, node)]
    return [node for node in fitting if node.takes_pods] or fitting


def _fits(volume: Volume, node: Node) -> bool:
    if node.labels is None:
        return True
    # What every Node has, also one that does not exist yet: its name, and the architecture of the host.
    terms = (volume.required or {}).get("nodeSelectorTerms") or ()
    requirements = (r for term in terms for r in term.get("matchExpressions") or ())
    own = {r["key"]: value for r in requirements if r.get("key") in _OF_HOST for value in (r.get("values") or ())[:1]}
    labels = {**own, HOSTNAME: node.name, **node.labels}
    return affinity_fits(volume.required, {"metadata": {"name": node.name, "labels": labels}})


def _place(node: Node, path: str) -> Place:
    mount = node.mount_of(path)
    place = Place(node.name, path, node.host_directory(path) or "")
    fault = mount.fault_of(path) if mount else None
    if fault is None:
        return place
    return replace(place, mismatch=fault.mismatch, remedy=fault.remedy, answers=fault.answers)


def mismatches(volumes: Iterable[Volume], nodes: Iterable[Node]) -> dict[str, Place]:
    """Volume's name -> the first of its places where the host's directory is not the node's."""
    nodes = tuple(nodes)
    found = ((v.name, next((p for p in volume_places(v, nodes) if p.mismatch), None)) for v in volumes)
    return {name: place for name, place in found if place}


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
