# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From what a cluster has to what happens to each pod of a node that is drained, or made schedulable again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube import pods
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.budgets import Budget, read_budgets
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, namespaced_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.scheduling import (
    UNSCHEDULABLE,
    obstacle,
    tolerates,
)

SEEN = (
    *("Node", "Pod", "PersistentVolume", "PersistentVolumeClaim", "PodDisruptionBudget", "Deployment"),
    *pods.CONTROLLER_KINDS,
)
_TAINT = {"key": UNSCHEDULABLE, "effect": "NoSchedule"}


@dataclass(frozen=True)
class Observed:
    """Everything that a plan reads, as the API shows it."""

    nodes: tuple[Object, ...]
    pods: tuple[Object, ...]
    volumes: dict[str, Object]
    claims: dict[str, Object]
    budgets: tuple[Budget, ...]
    deployments: tuple[Object, ...]
    owners: dict[str, Object]

    def node(self, name: str) -> Object:
        """The node of that name. Raises BadInput, with those that there are."""
        for node in self.nodes:
            if node["metadata"]["name"] == name:
                return node
        names = ", ".join(sorted(node["metadata"]["name"] for node in self.nodes))
        raise BadInput(f"There is no node {name} in this cluster.", next_step=f"Name one of its nodes: {names}")


@dataclass(frozen=True)
class Line:
    """What happens to one pod.

    result: evicted, cannot_move (evicted, but its successor has no other node to go to), daemon or left (both stay);
    waiting (for this node to be schedulable). blocked: why no disruption budget will ever let it go, '' where one
    will. other_nodes: schedulable nodes that could take it.
    """

    pod: Object = field(compare=False)
    owner: str
    result: str
    why: str = ""
    other_nodes: tuple[str, ...] = ()
    volumes: tuple[pods.PodVolume, ...] = ()
    budgets: tuple[Budget, ...] = ()
    blocked: str = ""

    @property
    def key(self) -> str:
        """'namespace/name' of the pod."""
        return namespaced_name(self.pod)

    @property
    def uid(self) -> str:
        """The uid of the pod."""
        return str(self.pod["metadata"]["uid"])

    @property
    def comes_again(self) -> bool:
        """True where another one may come to the node although it is not schedulable."""
        return tolerates(self.pod["spec"].get("tolerations") or (), _TAINT)

    @property
    def goes(self) -> bool:
        """True where it is to leave the node."""
        return self.result in ("evicted", "cannot_move")

    def as_dict(self) -> Object:
        """As a module returns it."""
        whys = (self.blocked, "" if self.blocked and self.result == "evicted" else self.why)
        return {
            "namespace": self.pod["metadata"]["namespace"],
            "name": self.pod["metadata"]["name"],
            "owner": self.owner,
            "result": "blocked" if self.blocked else self.result,
            "why": "; ".join(filter(None, whys)),
            "other_nodes": list(self.other_nodes),
            "volumes": [volume.as_dict() for volume in self.volumes],
        }


def observed(
    nodes: Iterable[Object],
    all_pods: Iterable[Object],
    volumes: Iterable[Object],
    claims: Iterable[Object],
    budgets: Iterable[Object],
    deployments: Iterable[Object],
    *owners: Iterable[Object],
) -> Observed:
    """The objects of the kinds in SEEN, in their order."""
    return Observed(
        nodes=tuple(nodes),
        pods=tuple(sorted(all_pods, key=namespaced_name)),
        volumes={pv["metadata"]["name"]: pv for pv in volumes},
        claims={namespaced_name(claim): claim for claim in claims},
        budgets=read_budgets(budgets),
        deployments=tuple(deployments),
        owners={item["metadata"]["uid"]: item for items in owners for item in items},
    )


def plan_drain(seen: Observed, name: str, selected: frozenset[str] | None = None) -> tuple[Line, ...]:
    """What happens to each pod of the node, by namespace and name. Raises BadInput where there is no such node.

    selected: the uids of the only pods that may be evicted; None for all.
    """
    seen.node(name)
    here = [pod for pod in seen.pods if pod["spec"].get("nodeName") == name]
    lines = [_line(seen, name, pod, selected) for pod in here]
    blocked = _blocked(seen, lines)
    return tuple(replace(line, blocked=blocked.get(line.key, "")) for line in lines)


def plan_schedulable(seen: Observed, name: str) -> tuple[Line, ...]:
    """The pods that wait for this node: it could take them, and no other one can now."""
    node = seen.node(name)
    lines = []
    for pod in filter(pods.is_unscheduled, seen.pods):
        volumes = pods.volumes_of(pod, seen.claims, seen.volumes, seen.nodes)
        others, why = _elsewhere(seen, name, pod, volumes)
        fits = not obstacle(pod, node, opened=True) and all(name in v.nodes for v in volumes if v.pinned)
        if fits and not others:
            owner = pods.workload_of(pod, seen.owners).text()
            lines.append(Line(pod, owner, "waiting", why, volumes=volumes))
    return tuple(lines)


def lanes(lines: Iterable[Line]) -> list[list[Line]]:
    """The pods that go, in lanes that are evicted side by side; each lane in its order, until a budget says no.

    Evictions at the same time would only get in each other's way where one budget counts them. Pods that need no
    permission come first; those that have nowhere to go last, because they stay away.
    """
    found: dict[tuple[str, ...], list[Line]] = {}
    for line in lines:
        if line.goes:
            found.setdefault(tuple(b.key for b in line.budgets) or (line.key, ""), []).append(line)
    return [sorted(lane, key=lambda line: (_asks(line), _stays_away(line))) for lane in found.values()]


def _line(seen: Observed, name: str, pod: Object, selected: frozenset[str] | None) -> Line:
    owner = pods.workload_of(pod, seen.owners)
    volumes = pods.volumes_of(pod, seen.claims, seen.volumes, seen.nodes)
    budgets = tuple(b for b in seen.budgets if b.selects_pod(pod))
    stays = _stays(pod, owner, selected)
    if stays:
        return Line(pod, owner.text(), *stays, volumes=volumes)
    goes = Line(pod, owner.text(), "evicted", volumes=volumes, budgets=budgets)
    if pods.is_terminal(pod) or pods.is_terminating(pod):
        return replace(goes, why="it has ended" if pods.is_terminal(pod) else "it is ending already")
    if not owner.kind:
        return replace(goes, why="nothing makes it again")
    others, why = _elsewhere(seen, name, pod, volumes)
    if not others:
        return replace(goes, result="cannot_move", why=f"{why}: its replacement waits until {name} is schedulable")
    if goes.comes_again:
        why = f"it tolerates the taint {UNSCHEDULABLE}: another one may come to this node"
    elif any(b.counted and b.allowed == 0 and b.applies_to(pod) for b in budgets):
        why = f"when the disruption budget {' and '.join(b.text() for b in budgets)} lets it go"
    return replace(goes, why=why, other_nodes=others)


def _stays(pod: Object, owner: pods.Workload, selected: frozenset[str] | None) -> tuple[str, str] | None:
    """(result, why) of a pod that is not touched."""
    if pods.is_mirror(pod):
        return "left", "it is static: the node's kubelet runs it from a file"
    if owner.kind == "DaemonSet" and not pods.is_terminal(pod):
        return "daemon", "its DaemonSet would make it again on this node"
    if selected is not None and pod["metadata"]["uid"] not in selected:
        return "left", "pod_selector leaves it out"
    return None


def _elsewhere(
    seen: Observed, name: str, pod: Object, volumes: Sequence[pods.PodVolume]
) -> tuple[tuple[str, ...], str]:
    """(the other nodes that could take a pod, why there is none)."""
    others = {n["metadata"]["name"]: obstacle(pod, n) for n in seen.nodes if n["metadata"]["name"] != name}
    pinned = [volume for volume in volumes if volume.pinned]
    near = sorted(other for other in others if all(other in volume.nodes for volume in pinned))
    free = tuple(other for other in near if not others[other])
    if free:
        return free, ""
    ready = {other for other in others if not others[other]} or set(others)
    held = [volume for volume in pinned if ready - set(volume.nodes)]
    whys = [f"its volume {v.name} (claim {v.claim}) is on {' and '.join(v.nodes)}" for v in held]
    whys += [f"{other} {others[other]}" for other in near]
    return (), "; ".join(whys) or "there is no other node"


def _blocked(seen: Observed, lines: Sequence[Line]) -> dict[str, str]:
    """'namespace/name' of each pod that its budgets will never let go -> why."""
    several = "more than one disruption budget selects it, and Kubernetes then grants no eviction: {}"
    found = {
        line.key: several.format(", ".join(b.key for b in line.budgets))
        for line in lines
        if len(line.budgets) > 1 and not pods.is_exempt_from_budgets(line.pod)
    }
    for budget in seen.budgets:
        guarded = [line for line in lines if line.goes and line.budgets == (budget,) and budget.applies_to(line.pod)]
        # Pods of this budget that wait for a node are away already, and for as long as the node is drained.
        room = budget.max_disruptions - sum(budget.selects_pod(pod) and pods.is_unscheduled(pod) for pod in seen.pods)
        for line in sorted(guarded, key=_stays_away):
            if room < 1 and budget.counted:
                found[line.key] = f"the disruption budget {budget.text()} does not let it go{_used_up(budget)}"
            room -= _stays_away(line)
    return found


def _used_up(budget: Budget) -> str:
    return ": pods that have no other node to go to use up what it allows" if budget.max_disruptions else ""


def _asks(line: Line) -> bool:
    return any(budget.applies_to(line.pod) for budget in line.budgets)


def _stays_away(line: Line) -> bool:
    """True for a pod that no ready one follows."""
    return line.result == "cannot_move" or not line.owner
