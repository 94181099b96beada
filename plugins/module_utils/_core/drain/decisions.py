# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Decide what happens to the pods of a drained node, and which pods wait for a cordoned one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube import pods
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, uid_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.scheduling import UNSCHEDULABLE, obstacle

from .model import Observed, PodDecision


def decide(observed: Observed, node: str) -> tuple[PodDecision, ...]:
    """What happens to each pod of the node, by namespace and name."""
    decisions = [_decide(observed, node, pod) for pod in observed.pods if pod["spec"].get("nodeName") == node]
    blocked = _blocked(observed, decisions)
    return tuple(replace(decision, blocked=blocked.get(decision.name, "")) for decision in decisions)


def waiting_for(observed: Observed, node: Object, result: str) -> tuple[PodDecision, ...]:
    """The pending pods that this node could run, and no other one now."""
    name = node["metadata"]["name"]
    decisions = []
    for pod in filter(pods.is_unscheduled, observed.pods):
        volumes = pods.volumes_of(pod, observed.claims, observed.volumes, observed.nodes)
        others, why = _other_nodes(observed, name, pod, volumes)
        fits = not obstacle(pod, node, opened=True) and all(name in v.nodes for v in volumes if v.pinned)
        if fits and not others:
            workload = pods.workload_of(pod, observed.controllers).text()
            decisions.append(PodDecision(pod, workload, result, why, volumes=volumes))
    return tuple(decisions)


def _decide(observed: Observed, node: str, pod: Object) -> PodDecision:
    workload = pods.workload_of(pod, observed.controllers)
    volumes = pods.volumes_of(pod, observed.claims, observed.volumes, observed.nodes)
    budgets = observed.budgets_by_label.of(pod)
    stays = _stays(observed, pod, workload)
    if stays:
        return PodDecision(pod, workload.text(), *stays, volumes=volumes)
    evicted = PodDecision(pod, workload.text(), "evicted", volumes=volumes, budgets=budgets)
    if pods.is_terminal(pod) or pods.is_terminating(pod):
        return replace(evicted, why="it has ended" if pods.is_terminal(pod) else "it is already terminating")
    if not workload.kind:
        return replace(evicted, why="no controller recreates it")
    others, why = _other_nodes(observed, node, pod, volumes)
    if not others:
        return replace(evicted, result="cannot_move", why=f"{why}: its replacement waits until {node} is schedulable")
    if evicted.may_return:
        why = f"it tolerates the taint {UNSCHEDULABLE}: its replacement may run on this node"
    elif any(b.counted and b.allowed == 0 and b.applies_to(pod) for b in budgets):
        why = f"once the disruption budget {' and '.join(b.text() for b in budgets)} allows it"
    return replace(evicted, why=why, other_nodes=others)


def _stays(observed: Observed, pod: Object, workload: pods.Workload) -> tuple[str, str] | None:
    """(result, why) of a pod that is not evicted."""
    if pods.is_mirror(pod):
        return "left", "it is a static pod"
    if workload.kind == "DaemonSet" and not pods.is_terminal(pod):
        return "daemon", "its DaemonSet would recreate it on this node"
    if observed.selected is not None and uid_of(pod) not in observed.selected:
        return "left", "pod_selectors does not match it"
    return None


def _other_nodes(
    observed: Observed, node: str, pod: Object, volumes: Sequence[pods.PodVolume]
) -> tuple[tuple[str, ...], str]:
    """(the other nodes that could run a pod, why there is none)."""
    others = {n["metadata"]["name"]: obstacle(pod, n) for n in observed.nodes if n["metadata"]["name"] != node}
    pinned = [volume for volume in volumes if volume.pinned]
    with_volumes = sorted(other for other in others if all(other in volume.nodes for volume in pinned))
    suitable = tuple(other for other in with_volumes if not others[other])
    if suitable:
        return suitable, ""
    ready = {other for other in others if not others[other]} or set(others)
    whys = [
        f"its claim {v.claim} (volume {v.name}) is on {' and '.join(v.nodes)}" for v in pinned if ready - set(v.nodes)
    ]
    whys += [f"{other} {others[other]}" for other in with_volumes]
    return (), "; ".join(whys) or "there is no other node"


def _blocked(observed: Observed, decisions: Sequence[PodDecision]) -> dict[str, str]:
    """'namespace/name' of each pod whose eviction its budgets will never allow -> why."""
    several = "several disruption budgets select it, and Kubernetes then refuses its eviction: {}"
    found = {
        d.name: several.format(", ".join(b.key for b in d.budgets))
        for d in decisions
        if len(d.budgets) > 1 and not pods.is_exempt_from_budgets(d.pod)
    }
    applying: dict[str, list[PodDecision]] = {}
    for decision in decisions:
        if decision.is_evicted and len(decision.budgets) == 1 and decision.needs_permission:
            applying.setdefault(decision.budgets[0].key, []).append(decision)
    # Pending pods of a budget are unavailable already, for as long as the node is drained.
    unscheduled = filter(pods.is_unscheduled, observed.pods)
    pending = Counter(budget.key for pod in unscheduled for budget in observed.budgets_by_label.of(pod))
    for key, limited in applying.items():
        budget = limited[0].budgets[0]
        left = budget.max_disruptions - pending[key]
        for decision in sorted(limited, key=lambda d: d.has_no_successor):
            if left < 1 and budget.counted:
                used_up = ": pods that cannot move use up its disruptions" if budget.max_disruptions else ""
                found[decision.name] = f"the disruption budget {budget.text()} does not allow it{used_up}"
            left -= decision.has_no_successor
    return found
