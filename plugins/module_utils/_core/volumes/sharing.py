# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Host directories that volumes of other clusters have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node, is_below
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, namespaced_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume

from .places import places, volume_places


@dataclass(frozen=True)
class Elsewhere:
    """What other clusters have. volumes: host directory -> the volume there, for people.

    unknown: cluster -> why its volumes are not known, and the host directories that it has mounted. claims: volume's
    name -> the claim that waits for it, for people.
    """

    volumes: Mapping[str, str] = field(default_factory=dict)
    unknown: Mapping[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    claims: Mapping[str, str] = field(default_factory=dict)

    def why_used(self, directory: str) -> str:
        """Why a host directory, or one above or below it, is another cluster's too; '' if it is not."""
        for path, volume in self.volumes.items():
            if _overlap(path, directory):
                return f"{path} is the directory of {volume}"
        return self.why_unknown(directory)

    def why_unknown(self, directory: str) -> str:
        """Why it is not known whether another cluster has a host directory, '' if it is."""
        for cluster, (why, paths) in self.unknown.items():
            if any(_overlap(path, directory) for path in paths):
                return f"cluster {cluster} has {directory} mounted too, and its volumes are not known: {why}"
        return ""


def directories_of(volumes: Iterable[Volume], nodes: Iterable[Node]) -> dict[str, str]:
    """Host directory -> 'volume NAME (CLAIM) of cluster CLUSTER', of volumes of the cluster of these nodes.

    If all nodes of a volume are gone, those of every other node.
    """
    nodes = tuple(nodes)
    return {
        place.host_directory: f"volume {volume.name}{f' ({volume.claim})' if volume.claim else ''} of cluster "
        f"{nodes[0].cluster}"
        for volume in volumes
        if volume.node_directory
        for place in volume_places(volume, nodes) or places(volume.node_directory, (), nodes)
        if place.host_directory
    }


def awaited(claims: Iterable[Object], cluster: str) -> dict[str, str]:
    """Volume's name -> 'claim CLAIM of cluster CLUSTER', of claims whose volume is lost, or not created yet."""
    return {
        name: f"claim {namespaced_name(claim)} of cluster {cluster}"
        for claim in claims
        if (claim.get("status") or {}).get("phase") != "Bound"
        for name in (claim["spec"].get("volumeName", ""), f"pvc-{claim['metadata'].get('uid', '')}")
        if name
    }


def _overlap(path: str, other: str) -> bool:
    return is_below(path, other) or is_below(other, path)
