# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Evicts pods from a node: side by side, again where a disruption budget says no, and until they are gone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from ansible_collections.kindlab.volumes.plugins.module_utils._core.drain.plan import Line
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Conflict
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.budgets import read_budget
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import uid_of
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster

Lane = Sequence[Line]

# Seconds between two attempts at the least, and at the most where no budget shows that it allows more.
PAUSE = 0.2
PATIENCE = 5.0


class Evictions:
    """The evictions from one node; all of them together end at a (monotonic) time.

    grace_period: in seconds; None is each pod's own, 0 is none at all.
    """

    def __init__(
        self,
        cluster: Cluster,
        node: str,
        end: float,
        grace_period: int | None,
        *,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._cluster = cluster
        self._fields = f"spec.nodeName={node}"
        self._end = end
        self._grace_period = grace_period
        self._clock = clock
        self._pause = pause

    def run(self, lanes: Sequence[Lane]) -> dict[str, str]:
        """Evict every pod of the lanes and wait until it is gone; what is left at the end, {} for nothing.

        The answer is 'namespace/name' -> why it can't be evicted, '' where it was, but has not ended.
        """
        everything = {line.uid: line for lane in lanes for line in lane}
        refused = self._evict(lanes)
        left = set(everything) - set(refused)
        if not refused:
            left = self._cluster.left_after("Pod", left, self._seconds(), uid_of, self._fields)
        else:
            left &= self.here()
        return {everything[uid].key: refused.get(uid, "") for uid in (*refused, *left)}

    def _evict(self, lanes: Sequence[Lane]) -> dict[str, str]:
        """Evict lane by lane, side by side; uid -> why, of those that were never let go until the time was over."""
        said: dict[str, str] = {}
        while True:
            lanes = [lane for lane in self._cluster.each(lambda lane: self._advance(lane, said), lanes) if lane]
            if not lanes:
                return {}
            if self._seconds() <= 0:
                first = {line.uid: said[lane[0].uid] for lane in lanes for line in lane}
                return {uid: said.get(uid, why) for uid, why in first.items()}
            self._await_room(lanes)
            here = self.here()
            lanes = [[line for line in lane if line.uid in here] for lane in lanes]

    def _advance(self, lane: Lane, said: dict[str, str]) -> Lane:
        """Evict one after another until one is refused; that one and those behind it."""
        for position, line in enumerate(lane):
            metadata = line.pod["metadata"]
            try:
                why = self._cluster.evict(metadata["name"], metadata["namespace"], line.uid, self._grace_period)
            except Conflict as error:
                why = error.message
            if why:
                said[line.uid] = why
                return lane[position:]
        return ()

    def _await_room(self, lanes: Iterable[Lane]) -> None:
        """Watch until one of the budgets allows an eviction, or is gone; not for long, as others may say no, too."""
        self._pause(PAUSE)
        # Where several budgets select a pod, none of them can say when it may go.
        wanted = {line.budgets[0].key for lane in lanes for line in lane if len(line.budgets) == 1}
        for change in self._cluster.watch("PodDisruptionBudget", min(PATIENCE, self._seconds())):
            budget = read_budget(change.object)
            if budget.key in wanted and (change.type == "DELETED" or budget.allowed > 0):
                return

    def here(self) -> set[str]:
        """The uids of all pods of the node."""
        return {uid_of(pod) for pod in self._cluster.list("Pod", fields=self._fields)}

    def _seconds(self) -> float:
        return max(0.0, self._end - self._clock())
