# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Evict pods from a node: side by side, again while a disruption budget refuses, and until they are gone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline, poll
from ansible_collections.kindlab.volumes.plugins.module_utils._core.drain.model import PodDecision
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Conflict
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.budgets import read_budget
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.conditions import why_node_not_ready
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import uid_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import count, listed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.activity import REPORTER
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster

Group = Sequence[PodDecision]

# Seconds between two attempts: the fewest, and the most if no budget shows that it allows an eviction.
PAUSE = 0.2
PATIENCE = 5.0
# Seconds between two looks at the node while its pods end.
HEARTBEAT = 10.0


class Evictions:
    """The evictions from one node, until one deadline. grace_period: in seconds; None is each pod's own."""

    def __init__(
        self,
        cluster: Cluster,
        node: str,
        deadline: Deadline,
        grace_period: int | None,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._cluster = cluster
        self._node = node
        self._fields = f"spec.nodeName={node}"
        self._deadline = deadline
        self._grace_period = grace_period
        self._sleep = sleep

    @property
    def seconds(self) -> int:
        """Seconds since the deadline began."""
        return round(self._deadline.seconds - self._deadline.left())

    def run(self, groups: Sequence[Group]) -> dict[str, str]:
        """Evict every pod of the groups and wait until it is gone; the pods that are left, {} for none.

        The result is 'namespace/name' -> why it cannot be evicted, '' if it was evicted but is still terminating.
        """
        all_pods = {pod.uid: pod for group in groups for pod in group}
        REPORTER.step(f"evict {count(len(all_pods), 'pod')}")
        REPORTER.done("pods evicted", 0, of=len(all_pods))
        refused = self._evict(groups)
        left = set(all_pods) - set(refused)
        if not refused:
            left = self._await_end(left)
        else:
            left &= self.pods_on_node()
        return {all_pods[uid].name: refused.get(uid, "") for uid in (*refused, *left)}

    def _await_end(self, uids: set[str]) -> set[str]:
        """Wait until these pods are gone, or their node is not ready: then nobody ends them; those that are left."""
        left = uids
        while left:
            seconds = min(HEARTBEAT, self._deadline.left())
            left = self._cluster.left_after("Pod", left, seconds, uid_of, self._fields)
            if left and (self._deadline.over() or why_node_not_ready(self._cluster.get("Node", self._node) or {})):
                break
        return left

    def pods_on_node(self) -> set[str]:
        """The uids of all pods of the node."""
        return {uid_of(pod) for pod in self._cluster.list("Pod", fields=self._fields)}

    def _evict(self, groups: Sequence[Group]) -> dict[str, str]:
        """Evict group by group, side by side; uid -> why, of those that were refused until the deadline."""
        refused: dict[str, str] = {}
        for _turn in poll(self._deadline, PAUSE, self._sleep):
            if refused:
                self._await_budget(groups)
                on_node = self.pods_on_node()
                groups = [[pod for pod in group if pod.uid in on_node] for group in groups]
            groups = [left for left in self._cluster.each(lambda group: self._advance(group, refused), groups) if left]
            if not groups:
                return {}
        first = {pod.uid: refused[group[0].uid] for group in groups for pod in group}
        return {uid: refused.get(uid, why) for uid, why in first.items()}

    def _advance(self, group: Group, refused: dict[str, str]) -> Group:
        """Evict one after another until one is refused; that one and those behind it."""
        for position, pod in enumerate(group):
            metadata = pod.pod["metadata"]
            try:
                why = self._cluster.evict(metadata["name"], metadata["namespace"], pod.uid, self._grace_period)
            except Conflict as error:
                why = error.message
            if why:
                refused[pod.uid] = why
                return group[position:]
            REPORTER.done("pods evicted")
        return ()

    def _await_budget(self, groups: Iterable[Group]) -> None:
        """Watch until a budget allows an eviction or is deleted; not for long, as others may refuse, too."""
        # If several budgets select a pod, none of them can show when it may be evicted.
        keys = {pod.budgets[0].key for group in groups for pod in group if len(pod.budgets) == 1}
        names = listed(sorted(keys))
        with REPORTER.waiting(lambda: f"disruption budgets to allow an eviction: {names}"):
            for change in self._cluster.watch("PodDisruptionBudget", min(PATIENCE, self._deadline.left())):
                budget = read_budget(change.object)
                if budget.key in keys and (change.type == "DELETED" or budget.allowed > 0):
                    return
