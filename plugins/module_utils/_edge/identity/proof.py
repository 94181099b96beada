# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Prove that an API server is that of a cluster's node containers, before what it says is believed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.engines import kind_command
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Declined, KindlabError, Unreachable
from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.cluster import (
    Answer,
    answer_of,
    check_named_alike,
    check_same_cluster,
    with_api_facts,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.host import compared
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import CONTROL_PLANE, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.view import RUNNING
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine, find_engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster

from .look import look_at_host, look_at_nodes

# A client in a control plane. kind's certificates contain localhost, and no proxy of the node is used for it.
KUBECTL = ("kubectl", "--kubeconfig=/etc/kubernetes/admin.conf", "--server=https://localhost:6443")
_READY = (*KUBECTL, "get", "--raw=/readyz")
_READY_SECONDS = 10


@dataclass(frozen=True)
class Proved:
    """A cluster's API, and a warning if the engine has no node that could prove whose it is."""

    name: str
    cluster: Cluster
    engine: Engine
    warnings: tuple[str, ...] = ()

    def nodes(self) -> tuple[Node, ...]:
        """The cluster's nodes, () if the engine does not show them."""
        try:
            return self.engine.nodes(self.name)
        except Unreachable:
            return ()


def open_proved(options: Mapping[str, Any], runner: Runner | None, connect: Callable[..., Cluster]) -> Proved:
    """The API server that the options engine, cluster, kubeconfig and context name.

    Raises as check_same_cluster does. If the cluster's containers are not within reach, only names can be compared: a
    warning says so.
    """
    engine, name = find_engine(options["engine"], runner or Runner()), options["cluster"]
    # Most clusters have a node of this name, by which they are known without listing all.
    first = Node(f"{name}-{CONTROL_PLANE}", name, CONTROL_PLANE)
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(_ask, connect, name, options["kubeconfig"], options["context"])
        look = look_at_nodes(engine, [first])[first.name]
        cluster, answer = asking.result()
    if first.name in answer.nodes and look.certificates & answer.certificates:
        return Proved(name, cluster, engine)
    why = f"{engine.name} has no node of a cluster {name}"
    try:
        nodes = engine.nodes(name)
    except Unreachable as error:
        nodes, why = (), error.message.rstrip(".")
    if nodes:
        check_same_cluster(name, nodes, look_at_nodes(engine, nodes), answer, engine.name)
        return Proved(name, cluster, engine)
    check_named_alike(name, answer, engine.name)
    warning = f"It was not checked that the API server at {answer.server} is that of cluster {name}: {why}."
    return Proved(name, cluster, engine, (warning,))


def check_answer(cluster: Cluster, engine: Engine, nodes: Sequence[Node]) -> None:
    """Raises as check_same_cluster does. cluster: what should be the API server of these nodes."""
    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(look_at_nodes, engine, _witnesses(nodes))
        answer = ask(cluster)
        check_same_cluster(nodes[0].cluster, nodes, looking.result(), answer, engine.name)


def proved_nodes(engine: Engine, nodes: Sequence[Node], cluster: Cluster) -> tuple[Node, ...]:
    """The nodes with facts of their Nodes, compared with this host. cluster: what should be their API server.

    Raises as check_same_cluster does.
    """
    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(look_at_nodes, engine, nodes)
        api_nodes = cluster.list("Node")
        answer = answer_of(cluster.server, cluster.root_ca(), api_nodes)
        looks = looking.result()
    check_same_cluster(nodes[0].cluster, nodes, looks, answer, engine.name)
    return with_api_facts(compared(nodes, looks, look_at_host(nodes), engine.name), api_nodes)


def compared_nodes(engine: Engine, nodes: Sequence[Node]) -> tuple[Node, ...]:
    """The nodes, compared with this host, without their API server."""
    return compared(nodes, look_at_nodes(engine, nodes), look_at_host(nodes), engine.name)


def ask(cluster: Cluster) -> Answer:
    """What an API server says of itself. Raises Unreachable."""
    return answer_of(cluster.server, cluster.root_ca(), cluster.list("Node"))


def check_dead(engine: Engine, nodes: Sequence[Node], why: str) -> None:
    """Raise Declined if an API server is ready when it is asked inside its node. why: it does not answer this host.

    That may be due to a kubeconfig, a proxy or a port of this host.
    """
    for node in nodes:
        if node.role == CONTROL_PLANE and node.state == RUNNING and _is_ready(engine.inside(node.name)):
            raise Declined(
                f"The API server of {node.cluster} is ready in its node {node.name}, but does not answer this host: "
                f"{why.rstrip('.')}. Nothing was changed.",
                tried=f"{engine.name} exec {node.name} {' '.join(_READY)}",
                next_step="Correct what keeps this host from it, e.g. HTTPS_PROXY without NO_PROXY, or the kubeconfig: "
                + kind_command(engine.name, f"export kubeconfig --name {node.cluster}"),
            )


def _is_ready(inside: Runner) -> bool:
    try:
        return inside.run(_READY, check=False, timeout=_READY_SECONDS).code == 0
    except KindlabError:
        return False


def _ask(connect: Callable[..., Cluster], *place: str | None) -> tuple[Cluster, Answer]:
    cluster = connect(*place)
    return cluster, ask(cluster)


def _witnesses(nodes: Sequence[Node]) -> Sequence[Node]:
    """The nodes that show the cluster's CA: one control plane, if there is one that runs."""
    return [n for n in nodes if n.role == CONTROL_PLANE and n.state == RUNNING][:1] or nodes
