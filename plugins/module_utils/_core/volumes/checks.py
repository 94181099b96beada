# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks that a cluster exists and that the API server belongs to it."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ansible_collections.kindlab.volumes.plugins.module_utils._core.engines import kind_command
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import CLUSTER_LABEL, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed


def check_cluster(cluster: str, nodes: Collection[Node], engine: str) -> None:
    """Raise BadInput if the engine has no such cluster. engine: its name."""
    if not nodes:
        raise BadInput(
            f"{engine} has no node of a kind cluster named {cluster}.",
            tried=f"{engine} ps --all --filter label={CLUSTER_LABEL}={cluster}",
            next_step=f"Name a cluster that is listed by {kind_command(engine, 'get clusters')}, or another engine.",
        )


def check_same_cluster(cluster: str, nodes: Iterable[Node], api_nodes: Iterable[Object], engine: str) -> None:
    """Raise BadInput if the API server belongs to another cluster.

    Host directories are derived from the mounts of node containers: those of another cluster would be wrong.
    """
    containers = {node.name for node in nodes}
    known = {node["metadata"]["name"] for node in api_nodes}
    if not known & containers:
        raise BadInput(
            f"The kubeconfig points to another cluster than {cluster}: its nodes are {listed(sorted(known))}; "
            f"the nodes of {cluster} are {listed(sorted(containers))}.",
            next_step=f"Use the kubeconfig and context of {cluster}: "
            + kind_command(engine, f"get kubeconfig --name {cluster}"),
        )
