# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks of a request against a cluster: the cluster exists, the API is its own, the named volumes exist."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume, unknown_names


def check_cluster(cluster: str, nodes: Iterable[Node]) -> None:
    """Raise BadInput where the engine has no such cluster."""
    if not tuple(nodes):
        raise BadInput(
            f"The engine has no node of a kind cluster named {cluster}.",
            next_step="Name the cluster as 'kind get clusters' shows it, and the engine that runs it.",
        )


def check_names(cluster: str, volumes: Iterable[Volume], names: Iterable[str] | None) -> None:
    """Raise BadInput where a cluster has no volume of a name that is asked for, nor of a claim of that name."""
    unknown = unknown_names(volumes, names)
    if unknown:
        raise BadInput(
            f"The cluster {cluster} has no volume of this name, or of a claim of this name: {', '.join(unknown)}.",
            tried="kubectl get persistentvolumes",
            next_step="Name volumes by themselves, or by their claims as namespace/name.",
        )


def check_same_cluster(cluster: str, nodes: Iterable[Node], kubernetes_nodes: Iterable[Object]) -> None:
    """Raise BadInput where the API is that of another cluster.

    Directories on the host are found by the mounts of node containers: those of another cluster would be wrong.
    """
    containers = {node.name for node in nodes}
    known = {node["metadata"]["name"] for node in kubernetes_nodes}
    if not known & containers:
        raise BadInput(
            f"The kubeconfig leads to another cluster than {cluster}: its nodes are {', '.join(sorted(known))}, "
            f"those of {cluster} are {', '.join(sorted(containers))}.",
            next_step=f"Name the kubeconfig and context of {cluster}: kind get kubeconfig --name {cluster}",
        )
