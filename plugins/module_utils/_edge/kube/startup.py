# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Wait until a cluster is usable: its API server, nodes, storage and default service account."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline, poll
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError, TimedOut
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.conditions import is_default_class, is_ready
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.activity import REPORTER

from .client import Cluster

PAUSE = 0.3
# What follows the API server gets at least these seconds, even if the server used up the deadline.
LEAST = 1.0


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


def wait_nodes(cluster: Cluster, names: Iterable[str], deadline: Deadline) -> None:
    """Wait until these nodes are ready. Raises TimedOut."""
    cluster.wait("Node", is_ready, [("", name) for name in names], deadline.left(LEAST))


def wait_storage(cluster: Cluster, deadline: Deadline) -> bool:
    """Wait until pods can be created; whether the cluster has a default storage class. Raises TimedOut.

    kind applies its storage manifest before it exits: a class that does not exist by now will not appear. Its
    provisioner may need some seconds more; claims wait for it.
    """
    cluster.wait("ServiceAccount", is_ready, [("default", "default")], deadline.left(LEAST))
    return any(is_default_class(item) for item in cluster.list("StorageClass"))
