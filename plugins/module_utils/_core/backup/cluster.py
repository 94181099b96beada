# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The cluster in a backup: all that makes it again, and what a backup stands for when its API server is gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node, kubernetes_nodes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.record import (
    RECORD,
    RECORD_NAMESPACE,
    known_options,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, by_ref
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.report import RESOURCES, storage_classes

from .catalog import Catalog
from .plan import Observed

KIND = "Cluster"
_RECORD = (RECORD_NAMESPACE, RECORD)


def described(name: str, nodes: Sequence[Node], found: Mapping[str, Sequence[Object]]) -> Object:
    """The cluster as a backup keeps it. found: objects by kind, those of provisioner.report.RESOURCES among them.

    options: those of kind_cluster that make it again, {} where it was made otherwise. storage_classes: with the options
    of storage_provisioner that make each.
    """
    record = next(filter(_is_record, found["ConfigMap"]), None)
    state = by_ref(item for kind in RESOURCES for item in found[kind])
    return {
        "apiVersion": "kindlab.volumes/v1",
        "kind": KIND,
        "metadata": {"name": name},
        "nodes": [node.name for node in nodes],
        "images": sorted({node.image for node in kubernetes_nodes(nodes)}),
        "options": known_options(record, nodes),
        "storage_classes": storage_classes(state),
    }


def remembered(
    name: str, nodes: Sequence[Node], catalog: Catalog, saved: Mapping[str, Sequence[Object]], where: str
) -> Observed:
    """What a generation says of a cluster that can't be asked. nodes: as the engine has them, none where it has none.

    Raises BadInput where it is another cluster's.
    """
    if catalog.cluster.name != name:
        raise BadInput(
            f"{where} is a backup of the cluster {catalog.cluster.name}, not of {name}.",
            next_step="Name the path of this cluster's backup.",
        )
    return Observed(
        nodes=tuple(nodes) or catalog.cluster.nodes,
        volumes=[_bound(item) for item in saved["PersistentVolume"]],
        claims=[_bound(item) for item in saved["PersistentVolumeClaim"]],
        storage_classes=saved["StorageClass"],
        namespaces=saved["Namespace"],
        pods=(),
        kubernetes_version=catalog.cluster.kubernetes_version,
        owners=saved["Workload"],
        cluster=next(iter(saved[KIND]), None),
    )


def _is_record(item: Object) -> bool:
    return (item["metadata"].get("namespace"), item["metadata"]["name"]) == _RECORD


def _bound(item: Object) -> Object:
    """A backup keeps no status: what it was saved with is taken to hold still."""
    return {**item, "status": {"phase": "Bound"}}
