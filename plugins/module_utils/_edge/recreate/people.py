# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read and set what people made of a cluster's Nodes, storage classes and provisioners; read which cluster it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Conflict
from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.node_settings import (
    node_settings,
    settings_patch,
    without_created,
    without_labels,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, by_ref
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.kept import (
    provisioned_storage,
    steps_to,
    to_install,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.report import RESOURCES
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.state import Step, installed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.provisioner.writer import carry_out

# Attempts to change a Node, which its kubelet and controllers write to as well.
ATTEMPTS = 10


def made_by_people(
    cluster: Cluster, requested_labels: Iterable[str] = (), created: Mapping[str, Mapping[str, str]] | None = None
) -> dict[str, Any]:
    """The facts node_settings and storage of a running cluster.

    Without the labels that are requested now, and those that nodes were created with. created: node's name -> these.
    """
    nodes, *objects = cluster.lists("Node", *RESOURCES)
    state = by_ref(item for items in objects for item in items)
    settings = without_created(without_labels(node_settings(nodes), requested_labels), created or {})
    return {"node_settings": settings, "storage": provisioned_storage(state)}


def storage_to_install(
    cluster: Cluster, classes: Sequence[Object], saved: Sequence[Object], timeout: float | None, *, same_images: bool
) -> list[Object]:
    """Options of storage_provisioner for what a new cluster does not bring by itself; what it brings is waited for.

    timeout: seconds, None not to wait.
    """
    state = by_ref(item for items in cluster.lists(*RESOURCES) for item in items)
    todo = to_install(classes, saved, state, same_images=same_images)
    brought = () if todo else installed(state)
    _carry_out(cluster, [Step("wait", ref) for ref in brought], timeout)
    return todo


def set_storage(cluster: Cluster, saved: Sequence[Object], timeout: float | None, *, same_images: bool) -> list[str]:
    """Storage classes and configurations of provisioners as saved; warnings about what is not. timeout: see above."""
    if not saved:
        return []
    state = by_ref(item for items in cluster.lists(*RESOURCES) for item in items)
    steps, warnings = steps_to(saved, state, same_images=same_images)
    _carry_out(cluster, steps, timeout)
    return warnings


def _carry_out(cluster: Cluster, steps: Iterable[Step], timeout: float | None) -> None:
    for step in steps:
        if step.verb != "wait" or timeout is not None:
            carry_out(cluster, step, timeout or 0)


def set_node_settings(cluster: Cluster, settings: Mapping[str, Mapping[str, Any]]) -> None:
    """The settings of those nodes that the cluster has. Raises KindlabError if the API server refuses one."""
    names = {item["metadata"]["name"] for item in cluster.list("Node")} if settings else set()

    def set_one(name: str) -> None:
        for attempt in range(ATTEMPTS):
            node = cluster.get("Node", name)
            patch = settings_patch(settings[name], node, same_nodes=names == set(settings)) if node else None
            if patch is None:
                return
            try:
                cluster.patch("Node", name, patch)
            except Conflict:
                if attempt == ATTEMPTS - 1:
                    raise

    cluster.each(set_one, sorted(names & settings.keys()))


def identity(cluster: Cluster) -> tuple[str, str]:
    """The uid of namespace kube-system, which no two clusters share, and when it was created."""
    metadata = (cluster.get("Namespace", "kube-system") or {}).get("metadata") or {}
    return str(metadata.get("uid", "")), str(metadata.get("creationTimestamp", ""))
