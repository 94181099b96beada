# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pods of another cluster that use host directories, also those that have not started yet: no process shows these."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node, kubernetes_nodes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube import pods
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, namespaced_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import volume_places

from .usage import VolumeUser, above, directories_without_claim

# A name, and the host directory that is asked for; a name may have several.
Asked = Sequence[tuple[str, str]]


def pods_elsewhere(
    volumes: Iterable[Volume], all_pods: Iterable[Object], nodes: Sequence[Node], asked: Asked
) -> dict[str, list[VolumeUser]]:
    """Name -> the pods of one cluster, of these nodes, that use its host directory, or would once they start."""
    nodes = kubernetes_nodes(nodes)
    claimed = {volume.claim: volume for volume in volumes if volume.claim_phase and volume.claim}
    at: dict[str, list[str]] = {}
    below: dict[str, list[str]] = {}
    for name, directory in asked:
        at.setdefault(posixpath.normpath(directory), []).append(name)
        for place in above(directory):
            below.setdefault(place, []).append(name)
    found: dict[str, list[VolumeUser]] = {}
    for pod in all_pods:
        if not pods.is_terminal(pod):
            for path, of_claim in _host_directories(pod, claimed, nodes):
                # Another directory without a claim is a user only of what it lies in, as in the own cluster.
                inner = below.get(path, ()) if of_claim else ()
                for name in {*inner, *(n for place in above(path) for n in at.get(place, ()))}:
                    found.setdefault(name, []).append(_user(pod, nodes[0].cluster, path))
    return found


def unknown_elsewhere(cluster: str, why: str, nodes: Iterable[Node], asked: Asked) -> dict[str, list[VolumeUser]]:
    """Name -> that it is not known which pods use its host directory, for those that a cluster has mounted."""
    nodes = tuple(nodes)
    user = VolumeUser(f"cluster {cluster} has its directory mounted, and its pods are not known: {why}")
    return {name: [user] for name, directory in asked if any(node.paths_of(directory) for node in nodes)}


def _host_directories(pod: Object, claimed: Mapping[str, Volume], nodes: Sequence[Node]) -> set[tuple[str, bool]]:
    """The host directories that a pod has where it is, or where it may start, and whether a claim leads there."""
    places = {p for name in pods.claims_used(pod) if name in claimed for p in volume_places(claimed[name], nodes)}
    scheduled = pod["spec"].get("nodeName", "")
    there = [node for node in nodes if not scheduled or node.name == scheduled]
    paths = filter(lambda path: path.startswith("/"), directories_without_claim(pod))
    direct = {node.host_directory(path) or "" for path in paths for node in there}
    return {(p.host_directory, True) for p in places if p.host_directory} | {(d, False) for d in direct - {""}}


def _user(pod: Object, cluster: str, path: str) -> VolumeUser:
    """Without the pod's name in a field of its own: another cluster's pods may be called like this one's."""
    uses = "would use" if pods.phase(pod) == "Pending" else "uses"
    pending = ", which is Pending," if pods.phase(pod) == "Pending" else ""
    why = f"pod {namespaced_name(pod)} of cluster {cluster}{pending} {uses} {path}"
    return VolumeUser(why, pod["spec"].get("nodeName", ""))
