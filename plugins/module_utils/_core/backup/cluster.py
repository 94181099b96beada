# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The cluster in a backup: how to recreate it, and what is known of it when its API server is down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.lost import lost_nodes, on_containers
from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.node_settings import node_settings
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node, kubernetes_nodes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.source.model import Found
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, by_ref
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.kept import provisioned_storage
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.report import RESOURCES, storage_classes

from .catalog import NOTHING, Catalog, SavedVolume
from .manifests import CLUSTER, WORKLOADS
from .plan import Observed

BOUND = "Bound"


def describe_cluster(
    name: str,
    nodes: Sequence[Node],
    objects: Mapping[str, Sequence[Object]],
    shape: Found,
    loaded_images: Sequence[Mapping[str, Any]] = (),
) -> Object:
    """The cluster's manifest. objects: by kind, those of provisioner.report.RESOURCES among them.

    shape: the options of kind_cluster that recreate it, and what they do not say of one that others created.
    storage_classes: each with the options of storage_provisioner that recreate it. storage: storage classes, and
    configurations of provisioners, as they are. node_settings: what people set on its Nodes. loaded_images: see
    loaded_images.index.
    """
    state = by_ref(item for kind in RESOURCES for item in objects[kind])
    return {
        "apiVersion": "kindlab.volumes/v1",
        "kind": CLUSTER,
        "metadata": {"name": name},
        "nodes": [node.name for node in nodes],
        "images": sorted({node.image for node in kubernetes_nodes(nodes)}),
        "options": dict(shape.options),
        **({"doubts": list(shape.doubts)} if shape.doubts else {}),
        "storage_classes": storage_classes(state),
        "node_settings": node_settings(objects.get("Node", ())),
        "storage": provisioned_storage(state),
        **({"loaded_images": list(loaded_images)} if loaded_images else {}),
    }


def with_lost_nodes(name: str, nodes: Sequence[Node], objects: Mapping[str, Sequence[Object]]) -> tuple[Node, ...]:
    """The nodes, and those whose container is gone: what they had mounted from the host is still there."""
    return (*nodes, *lost_nodes(name, nodes, objects["Node"], objects["ConfigMap"]))


def running_pods(nodes: Sequence[Node], objects: Mapping[str, Sequence[Object]]) -> list[Object]:
    """The pods that may write; those of a node whose container is gone do not."""
    return on_containers(objects["Pod"], (node.name for node in nodes))


def observed_from_backup(
    name: str, nodes: Sequence[Node], catalog: Catalog, saved: Mapping[str, Sequence[Object]], where: str
) -> Observed:
    """The cluster according to a generation. nodes: those that the engine has, () if it has none.

    Raises BadInput if the generation belongs to another cluster.
    """
    if catalog.cluster.name != name:
        raise BadInput(
            f"{where} is a backup of the cluster {catalog.cluster.name}, not of {name}.",
            next_step="Set path to the backup of this cluster.",
        )
    volumes = {volume.name: volume for volume in catalog.volumes}
    return Observed(
        nodes=tuple(nodes) or tuple(node.as_node() for node in catalog.cluster.nodes),
        volumes=[
            _with_phase(item, _phase(volumes.get(item["metadata"]["name"]))) for item in saved["PersistentVolume"]
        ],
        claims=[
            _with_phase(item, BOUND if item["spec"].get("volumeName") in volumes else "Pending")
            for item in saved["PersistentVolumeClaim"]
        ],
        storage_classes=saved["StorageClass"],
        namespaces=saved["Namespace"],
        pods=(),
        kubernetes_version=catalog.cluster.kubernetes_version,
        workloads=saved[WORKLOADS],
        cluster=next(iter(saved[CLUSTER]), None),
        unused={volume.name for volume in catalog.volumes if volume.data == NOTHING},
        is_live=False,
    )


def _phase(volume: SavedVolume | None) -> str:
    """Its phase when it was saved; in format 1, which had none, it is assumed to be bound."""
    return (volume.phase if volume else "") or BOUND


def _with_phase(item: Object, phase: str) -> Object:
    """A backup has no status."""
    return {**item, "status": {"phase": phase}}
