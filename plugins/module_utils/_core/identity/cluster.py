# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Identity of a cluster: whether its API server belongs to its node containers, and its nodes as both show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.engines import kind_command
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.scheduling import KEEPING_OUT
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed

# Taints that the node controller sets and removes by a node's condition.
_CONDITION_TAINTS = "node.kubernetes.io/"


def check_same_cluster(cluster: str, nodes: Iterable[Node], api_nodes: Iterable[Object], engine: str) -> None:
    """Raise BadInput if the API server belongs to another cluster. engine: its name.

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


def with_api_facts(nodes: Iterable[Node], api_nodes: Iterable[Object]) -> tuple[Node, ...]:
    """Node containers with the labels of their Nodes, and whether these take ordinary pods."""
    by_name = {item["metadata"]["name"]: item for item in api_nodes}
    untainted = set(untainted_nodes(by_name.values()))
    # If all are tainted, every pod that runs tolerates something.
    return tuple(
        replace(
            node,
            labels=by_name[node.name]["metadata"].get("labels") or {},
            takes_pods=not untainted or node.name in untainted,
        )
        if node.name in by_name
        else node
        for node in nodes
    )


def untainted_nodes(api_nodes: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The names of the Nodes that run pods without tolerations."""
    return tuple(sorted(node["metadata"]["name"] for node in api_nodes if not _keeps_out(_taints(node))))


def _taints(node: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return (node.get("spec") or {}).get("taints") or ()


def _keeps_out(taints: Iterable[Mapping[str, Any]]) -> bool:
    return any(taint["effect"] in KEEPING_OUT and not taint["key"].startswith(_CONDITION_TAINTS) for taint in taints)
