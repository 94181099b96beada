# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan a drain: whether the node is schedulable, what happens to each pod, and in which order pods are evicted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.conditions import why_node_not_ready
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.scheduling import affinity_fits, is_schedulable
from ansible_collections.kindlab.volumes.plugins.module_utils._core.scaling.reclaim import (
    RETAIN,
    UNCORDONED,
    Policies,
    restored,
    retained,
)

from .decisions import decide, waiting_for
from .model import Observed, PodDecision, Request
from .refusals import refuse


@dataclass(frozen=True)
class Plan:
    """The node, and its pods (state=drained) or those that wait for it (state=uncordoned).

    not_ready: why the node is not ready, '' if it is.
    """

    request: Request
    was_schedulable: bool
    pods: tuple[PodDecision, ...] = ()
    policies: Policies = field(default_factory=Policies)
    not_ready: str = ""

    @property
    def schedulable(self) -> bool:
        """Whether the node is schedulable in the end."""
        return self.request.state == "uncordoned"

    @property
    def changed(self) -> bool:
        """True if something is written."""
        evicts = any(pod.is_evicted for pod in self.pods)
        return self.was_schedulable != self.schedulable or evicts or bool(self.policies.patches)

    def carried_out(self, pods: Iterable[PodDecision]) -> Plan:
        """The plan after these evictions: no budget has blocked any of them."""
        return replace(self, pods=tuple(replace(pod, blocked="") for pod in sorted(pods, key=lambda pod: pod.name)))

    def diff(self) -> tuple[Object, Object]:
        """The node before and after, with the pods on it where they are evicted."""
        before: Object = {"node": self.request.node, "schedulable": self.was_schedulable}
        after: Object = {"node": self.request.node, "schedulable": self.schedulable}
        if self.request.state == "drained":
            before["pods"] = [pod.name for pod in self.pods]
            after["pods"] = [pod.name for pod in self.pods if not pod.is_evicted]
        if self.policies.volumes:
            before["reclaim_policies"], after["reclaim_policies"] = self.policies.before(), self.policies.after()
        return before, after

    def result(self) -> Object:
        """What the module returns."""
        rows = [pod.as_dict() for pod in self.pods]
        return {
            "node": self.request.node,
            "schedulable": self.schedulable,
            "pods": rows,
            "reclaim_policies": self.policies.rows(),
        }

    def warnings(self) -> tuple[str, ...]:
        """A line for each pod whose eviction a budget will never allow, and for a node that is not ready."""
        node, seconds = self.request.node, self.request.wait_timeout
        dead = [f"Node {node} is {self.not_ready}: no pod starts on it until it is ready."] if self.not_ready else []
        return (
            *self.policies.warnings,
            *dead,
            *(
                f"{pod.name} would still be on node {node} after {seconds:g} seconds: {pod.blocked}"
                for pod in self.pods
                if pod.blocked
            ),
        )


def plan(request: Request, observed: Observed) -> Plan:
    """Raises BadInput for an unknown node, and Declined for pods or data that would be lost."""
    node = observed.node(request)
    planned = Plan(request, is_schedulable(node))
    if request.state == "uncordoned":
        waiting = waiting_for(observed, node, "returned" if request.wait else "waiting")
        fitting = [volume for volume in observed.all_volumes() if affinity_fits(volume.required, node)]
        policies = restored(fitting, UNCORDONED)
        return replace(planned, pods=waiting, policies=policies, not_ready=why_node_not_ready(node))
    if request.state == "drained":
        planned = replace(planned, pods=decide(observed, request.node))
        if planned.changed:
            refuse(request, observed, planned.pods)
        used = {volume.name for pod in planned.pods if pod.is_evicted for volume in pod.volumes}
        volumes = observed.all_volumes()
        shown = [
            v for v in volumes if v.retained_until == UNCORDONED or (v.name in used and v.reclaim_policy != RETAIN)
        ]
        claims = {volume.claim for volume in shown if volume.name in used}
        planned = replace(planned, policies=retained(shown, UNCORDONED, claims))
    return planned


def eviction_groups(decisions: Iterable[PodDecision]) -> list[list[PodDecision]]:
    """The pods to evict, in groups that are evicted side by side; within a group in order, until a budget refuses.

    One disruption budget counts all pods of a group: their evictions at the same time would only conflict. Pods that
    need no permission come first, pods without a successor last, because they use up what the budget allows.
    """
    groups: dict[tuple[str, ...], list[PodDecision]] = {}
    for decision in decisions:
        if decision.is_evicted:
            groups.setdefault(tuple(b.key for b in decision.budgets) or (decision.name, ""), []).append(decision)
    return [sorted(group, key=lambda d: (d.needs_permission, d.has_no_successor)) for group in groups.values()]
