# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The time until a cluster can be used: its API server, nodes, storage and default service account."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError, TimedOut
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.conditions import (
    is_default_class,
    node_ready,
)

from .client import Cluster

PAUSE = 0.3


class Startup:
    """Waits for one cluster; all waiting together ends after the timeout, in seconds, with TimedOut."""

    def __init__(self, cluster: Cluster, timeout: float) -> None:
        self.cluster = cluster
        self.timeout = timeout
        self.end = time.monotonic() + timeout

    def api(self, pause: Callable[[float], None] = time.sleep) -> str:
        """Wait until the API server answers, and lets this user read; its version.

        A server that has just started refuses everybody until it has read its own rules.
        """
        while True:
            try:
                self.cluster.list("Node")
                return self.cluster.version()
            except KindlabError as error:
                if time.monotonic() >= self.end:
                    raise TimedOut(
                        f"After {self.timeout:g} seconds the API server does not answer: {error.message}",
                        tried=error.tried,
                        next_step=error.next_step,
                    ) from None
                pause(PAUSE)

    def nodes(self, names: Iterable[str]) -> None:
        """Wait until these nodes run pods."""
        self.cluster.wait("Node", node_ready, [("", name) for name in names], self._left())

    def storage(self) -> bool:
        """Wait until pods can be made; whether the cluster has a default storage class.

        kind applies its manifest of storage before it ends: a class that is not there by now will not come. Its
        provisioner may need some seconds more; claims wait for it.
        """
        self.cluster.wait("ServiceAccount", lambda _account: True, [("default", "default")], self._left())
        return any(is_default_class(item) for item in self.cluster.list("StorageClass"))

    def _left(self) -> float:
        return max(1.0, self.end - time.monotonic())
