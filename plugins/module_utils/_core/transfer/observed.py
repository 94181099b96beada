# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The cluster as it is seen by what copies and moves volumes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.conditions import why_node_not_ready
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, namespaced_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume, read_volumes

READ = (
    *("Node", "PersistentVolume", "PersistentVolumeClaim", "StorageClass", "Namespace"),
    *("ConfigMap", "Deployment"),
)


@dataclass(frozen=True)
class Observed:
    """Objects by name, those in namespaces by 'namespace/name'. not_ready: node -> why it is not ready.

    taken: names that a new volume cannot get, because a directory has them.
    """

    nodes: tuple[Node, ...]
    volumes: tuple[Volume, ...]
    pvs: Mapping[str, Object]
    claims: Mapping[str, Object]
    storage_classes: Mapping[str, Object]
    namespaces: Mapping[str, Object]
    config_maps: Sequence[Object] = ()
    deployments: Sequence[Object] = ()
    not_ready: Mapping[str, str] = field(default_factory=dict)
    taken: frozenset[str] = frozenset()

    @classmethod
    def from_objects(cls, nodes: Sequence[Node], objects: Mapping[str, Sequence[Object]]) -> Observed:
        """objects: those of each kind in READ."""
        claims = objects["PersistentVolumeClaim"]
        return cls(
            tuple(nodes),
            read_volumes(objects["PersistentVolume"], claims),
            _by_name(objects["PersistentVolume"]),
            {namespaced_name(claim): claim for claim in claims},
            _by_name(objects["StorageClass"]),
            _by_name(objects["Namespace"]),
            objects["ConfigMap"],
            objects["Deployment"],
            {node["metadata"]["name"]: why for node in objects["Node"] if (why := why_node_not_ready(node))},
        )


def _by_name(objects: Sequence[Object]) -> dict[str, Object]:
    return {item["metadata"]["name"]: item for item in objects}
