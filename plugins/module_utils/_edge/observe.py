# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Observe a cluster: node containers and API objects, read in parallel and proved to belong to one cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.engines import kind_command
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.cluster import (
    Answer,
    answer_of,
    check_same_cluster,
    with_api_facts,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.host import compared, resolved, sharing
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import CLUSTER_LABEL, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object

from .command import Runner
from .engine import Engine, find_engine
from .identity.look import look_at_host, look_at_nodes
from .identity.proof import check_dead, compared_nodes
from .kube.client import Cluster, open_cluster

Connect = Callable[..., Cluster]


@dataclass(frozen=True)
class Observation:
    """A cluster's node containers, with facts of their Nodes and of their mounts, and API objects.

    objects: by kind, those that were requested and Node. sharing: the nodes, in any state, of other clusters of the
    engine that can write to a host directory of this cluster, or to one above or below it.
    """

    engine: Engine
    nodes: tuple[Node, ...]
    cluster: Cluster
    objects: Mapping[str, list[Object]]
    sharing: tuple[Node, ...] = ()


@dataclass(frozen=True)
class _Reading:
    cluster: Cluster
    objects: dict[str, list[Object]]
    answer: Answer


def observe(
    options: Mapping[str, Any], read: Iterable[str], *, runner: Runner | None = None, connect: Connect = open_cluster
) -> Observation:
    """Read the cluster that the options engine, cluster, kubeconfig and context name. read: kinds of objects.

    Raises BadInput if the engine has no such cluster or the API server belongs to another one, and Unreachable.
    """
    engine, name = find_engine(options["engine"], runner or Runner()), options["cluster"]
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(_read, options, {*read, "Node"}, connect)
        everywhere = engine.nodes()
        nodes = tuple(node for node in everywhere if node.cluster == name)
        # A missing cluster has no API server either: report the cause.
        _check_cluster(name, nodes, engine.name)
        looks, host = look_at_nodes(engine, nodes), look_at_host(everywhere)
        found = reading.result()
    check_same_cluster(name, nodes, looks, found.answer, engine.name)
    nodes = with_api_facts(compared(nodes, looks, host, engine.name), found.objects["Node"])
    others = (node for node in everywhere if node.cluster != name)
    return Observation(engine, nodes, found.cluster, found.objects, sharing(nodes, resolved(others, host)))


def nodes_without_api(engine: Engine, cluster: str, why: str) -> tuple[Node, ...]:
    """The nodes of a cluster whose API server does not answer, compared with this host; () if there is none.

    why: it does not answer. Raises Declined if it does when it is asked inside the cluster.
    """
    nodes = engine.nodes(cluster)
    check_dead(engine, nodes, why)
    return compared_nodes(engine, nodes)


def _read(options: Mapping[str, Any], kinds: set[str], connect: Connect) -> _Reading:
    cluster = connect(options["cluster"], options["kubeconfig"], options["context"])
    ordered = sorted(kinds)
    with ThreadPoolExecutor(1) as pool:
        root_ca = pool.submit(cluster.root_ca)
        objects = dict(zip(ordered, cluster.lists(*ordered)))
        return _Reading(cluster, objects, answer_of(cluster.server, root_ca.result(), objects["Node"]))


def _check_cluster(cluster: str, nodes: Sequence[Node], engine: str) -> None:
    """Raise BadInput if the engine has no such cluster. engine: its name."""
    if not nodes:
        raise BadInput(
            f"{engine} has no node of a kind cluster named {cluster}.",
            tried=f"{engine} ps --all --filter label={CLUSTER_LABEL}={cluster}",
            next_step=f"Name a cluster that is listed by {kind_command(engine, 'get clusters')}, or another engine.",
        )
