# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A creation that failed: find out why from the journals of the nodes that kind left, and remove these."""

from __future__ import annotations

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed, KindlabError, TimedOut
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.host.failure import (
    EXISTING,
    Explanation,
    explain,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node, kubernetes_nodes
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine

from .cluster import KindCluster

SECONDS = 5.0
# Of containerd and kubelet, then the ends of the logs of static pods.
JOURNAL = (
    "sh",
    "-c",
    "journalctl --no-pager --quiet --output=cat --lines=1000 --unit=containerd --unit=kubelet; "
    "tail --quiet --lines=5 /var/log/pods/kube-system_*/*/*.log 2>/dev/null; :",
)
_RETAIN = "Run this again with retain_on_failure=true, then: "
_LATER = "Run this again with a larger wait_timeout: the next run replaces what this one left."


def timed_out(cluster: KindCluster, error: TimedOut) -> TimedOut:
    """The error of a creation that took too long; what it left stays for the next run."""
    why = _look(cluster, "")
    message = f"kind did not create cluster {cluster.name} within {cluster.timeout:g} seconds."
    message = "\n".join(filter(None, [message, why.message]))
    return TimedOut(message, tried=error.tried, next_step=why.next_step or _LATER)


def failed(cluster: KindCluster, config: str, output: str, *, retain: bool) -> CommandFailed:
    """The error of a creation that failed; what it left is removed, unless it is to be kept or is another run's."""
    why = _look(cluster, output)
    if re.search(EXISTING.pattern, output, re.IGNORECASE) or (not retain and _clean_up(cluster)):
        cluster.marker.clear()
    return CommandFailed(
        f"kind could not create cluster {cluster.name}: {why.message}",
        tried=cluster.kind.command(f"create cluster --name {cluster.name} --config FILE"),
        next_step=why.next_step or _RETAIN + cluster.kind.command(f"export logs --name {cluster.name}"),
        details={"config": config},
    )


def _clean_up(cluster: KindCluster) -> bool:
    """Remove the nodes of a creation that failed; False if any are left, e.g. because the engine failed as well."""
    cluster.restart_clock()
    try:
        cluster.kind.delete(cluster.name, cluster.own.path)
        return not cluster.engine.nodes(cluster.name)
    except KindlabError:
        return False


def _look(cluster: KindCluster, output: str) -> Explanation:
    """Why the creation of a cluster failed. output: of kind."""
    try:
        nodes: Sequence[Node] = kubernetes_nodes(cluster.engine.nodes(cluster.name))
    except KindlabError:
        nodes = ()
    with ThreadPoolExecutor(max(1, len(nodes))) as pool:
        journals = dict(zip((node.name for node in nodes), pool.map(lambda n: _journal(cluster.engine, n), nodes)))
    return explain(output, journals, cluster.engine.name, cluster.own.path)


def _journal(engine: Engine, node: Node) -> str:
    """What kubelet and containerd of a node said, and what the node itself did; '' if that cannot be read."""
    said = ""
    try:
        logs = engine.query("logs", "--tail", "100", node.name, timeout=SECONDS)
        said = f"{logs.out}\n{logs.err}"
        if node.state == "running":
            said = f"{said}\n{engine.inside(node.name).run(JOURNAL, check=False, timeout=SECONDS).out}"
    except KindlabError:
        pass
    return said
