# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Wait until a cluster is usable: its API server, nodes, storage and default service account."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline, poll
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError, TimedOut
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.conditions import is_default_class, is_ready
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import be, count, listed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.activity import REPORTER

from .client import Cluster
from .resources import key_of

PAUSE = 0.3
# What follows the API server gets at least these seconds, even if the server used up the deadline.
LEAST = 1.0
# Seconds until the kubelet of a node that starts has created its Node, if that was deleted; it tries every 7 seconds.
REGISTRATION = 60.0


def wait_api(cluster: Cluster, deadline: Deadline, sleep: Callable[[float], None] = time.sleep) -> str:
    """Wait until the API server answers and lets this user read; its version. Raises TimedOut.

    A server that has just started refuses everybody until it has loaded its RBAC rules.
    """
    with REPORTER.waiting(lambda: "the API server"):
        for _turn in poll(deadline, PAUSE, sleep):
            try:
                cluster.list("Node")
                return cluster.version()
            except KindlabError as error:
                last = error
    raise TimedOut(
        f"The API server did not answer within {deadline.seconds:g} seconds: {last.message}",
        tried=last.tried,
        next_step=last.next_step,
    )


def wait_nodes(cluster: Cluster, names: Iterable[str], deadline: Deadline, engine: str) -> None:
    """Wait until these nodes are ready. Raises TimedOut, early for those that somebody deleted. engine: its name."""
    keys = [("", name) for name in names]
    try:
        cluster.wait("Node", is_ready, keys, min(REGISTRATION, deadline.left(LEAST)))
    except TimedOut:
        there = set(map(key_of, cluster.list("Node")))
        if missing := [key[1] for key in keys if key not in there]:
            raise _missing(missing, engine) from None
        if deadline.over():
            raise
        cluster.wait("Node", is_ready, keys, deadline.left(LEAST))


def _missing(names: Sequence[str], engine: str) -> TimedOut:
    """The error for nodes whose kubelets run, and do not create their Nodes again until they are restarted."""
    return TimedOut(
        f"{count(len(names), 'node')} {be(len(names))} not known to the API server: {listed(names)}.",
        tried="kubectl get nodes",
        next_step=f"Restart what was deleted from the cluster, and run this again: {engine} restart {' '.join(names)}",
        details=list(names),
    )


def wait_storage(cluster: Cluster, deadline: Deadline) -> bool:
    """Wait until pods can be created; whether the cluster has a default storage class. Raises TimedOut.

    kind applies its storage manifest before it exits: a class that does not exist by now will not appear. Its
    provisioner may need some seconds more; claims wait for it.
    """
    cluster.wait("ServiceAccount", is_ready, [("default", "default")], deadline.left(LEAST))
    return any(is_default_class(item) for item in cluster.list("StorageClass"))
