# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Identity of a cluster: whether its API server belongs to its node containers, and its nodes as both show them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.engines import kind_command
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Unreachable
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import (
    CLUSTER_LABEL,
    CONTROL_PLANE,
    WORKER,
    Node,
    context_name,
    kubernetes_nodes,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.scheduling import KEEPING_OUT
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed

from .look import Look, certificates

# The CA certificate in a node, where kubeadm writes it.
CA = "/etc/kubernetes/pki/ca.crt"
# Taints that the node controller sets and removes by a node's condition.
_CONDITION_TAINTS = "node.kubernetes.io/"


@dataclass(frozen=True)
class Answer:
    """What an API server says of itself. server: its URL; certificates: of its CA, by sha256; nodes: their names."""

    server: str
    certificates: frozenset[str]
    nodes: frozenset[str]


def answer_of(server: str, root_ca: str, api_nodes: Iterable[Object]) -> Answer:
    """From the CA certificates of an API server, as PEM, and its Nodes."""
    return Answer(server, certificates(root_ca), frozenset(node["metadata"]["name"] for node in api_nodes))


def check_same_cluster(
    cluster: str, nodes: Iterable[Node], looks: Mapping[str, Look], answer: Answer, engine: str
) -> None:
    """Raise BadInput if the API server belongs to another cluster, Unreachable if no node runs that could show it.

    Host directories are derived from the mounts of node containers: those of another cluster would be wrong. Names
    prove nothing, as kind gives the same ones on every machine. looks: by node; engine: its name.
    """
    containers = sorted(node.name for node in kubernetes_nodes(nodes))
    if not looks:
        raise Unreachable(
            f"No node of {cluster} is running; what answers at {answer.server} is another cluster's API server.",
            tried=f"{engine} ps --all --filter label={CLUSTER_LABEL}={cluster}",
            next_step="Start the cluster: kindlab.volumes.kind_cluster with state=present.",
        )
    own = {name: look.certificates for name, look in looks.items() if look.certificates}
    if not own:
        errors = (f"{name}: {look.error}" for name, look in looks.items() if look.error)
        why = listed(errors) or "no node has a CA certificate: kubeadm has not finished in them"
        raise Unreachable(
            f"It is not known whether the API server at {answer.server} is that of {cluster}: {why}.",
            tried=f"{engine} exec {next(iter(looks))} cat {CA}",
            next_step="Check that the nodes run: kubectl get nodes",
        )
    if answer.certificates and not any(digests & answer.certificates for digests in own.values()):
        name, digests = next(iter(own.items()))
        raise _another(
            cluster,
            answer,
            containers,
            f"its CA certificate has the sha256 {_short(answer.certificates)}, that in {name} {_short(digests)}",
            engine,
        )
    if answer.nodes and not answer.nodes & set(containers):
        raise _another(cluster, answer, containers, "they have no node in common", engine)
    if not answer.certificates:
        raise BadInput(
            f"The API server at {answer.server} does not show a CA certificate, so it is not known whether it is that "
            f"of {cluster}.",
            tried="kubectl -n kube-system get configmap kube-root-ca.crt",
            next_step=_kubeconfig_of(cluster, engine),
        )


def check_named_alike(cluster: str, answer: Answer, engine: str) -> None:
    """Raise BadInput unless the API server has a node with a name that kind gives to nodes of the cluster."""
    if not any(re.fullmatch(rf"{re.escape(cluster)}-({CONTROL_PLANE}|{WORKER})\d*", name) for name in answer.nodes):
        raise _another(cluster, answer, (), "its nodes have other names", engine)


def _another(cluster: str, answer: Answer, containers: Sequence[str], why: str, engine: str) -> BadInput:
    return BadInput(
        f"The kubeconfig points to another cluster than {cluster}: {why}. The API server at {answer.server} has the "
        f"nodes {listed(sorted(answer.nodes)) or 'of no name'}; {cluster} of {engine} has "
        f"{listed(containers) or 'none'}.",
        next_step=_kubeconfig_of(cluster, engine),
    )


def _kubeconfig_of(cluster: str, engine: str) -> str:
    command = kind_command(engine, f"get kubeconfig --name {cluster}")
    return f"Use the kubeconfig and context ({context_name(cluster)}) of {cluster}, which kind prints: {command}"


def _short(digests: Iterable[str]) -> str:
    return " and ".join(f"{digest[:16]}..." for digest in sorted(digests))


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
