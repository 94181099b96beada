# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Types of a drain: the request, the observed cluster, and what happens to one pod."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube import pods
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.budgets import (
    Budget,
    BudgetIndex,
    read_budgets,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, namespaced_name, uid_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.scheduling import UNSCHEDULABLE, tolerates
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume, read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import check_not_empty, check_numbers

READ = (
    *("Node", "Pod", "PersistentVolume", "PersistentVolumeClaim", "PodDisruptionBudget", "Deployment"),
    *pods.CONTROLLER_KINDS,
)
_TAINT = {"key": UNSCHEDULABLE, "effect": "NoSchedule"}


@dataclass(frozen=True)
class Request:
    """The options of node_drain. pod_selector: all of pod_selectors, as the API takes them; '' selects every pod."""

    cluster: str
    node: str
    state: str = "drained"
    wait: bool = True
    wait_timeout: int = 300
    terminate_grace_period: int | None = None
    force: bool = False
    delete_emptydir_data: bool = False
    on_failure: str = "restore"
    pod_selector: str = ""

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Request:
        """Raises BadInput if a number is out of range, or a list is empty."""
        check_numbers(options)
        check_not_empty(options, "pod_selectors")
        own = {option.name: options[option.name] for option in fields(cls) if option.name in options}
        return cls(pod_selector=",".join(options["pod_selectors"] or ()), **own)


@dataclass(frozen=True)
class Observed:
    """The objects of the cluster. selected: uids of the only pods that may be evicted, None for all."""

    nodes: tuple[Object, ...]
    pods: tuple[Object, ...]
    volumes: Mapping[str, Object]
    claims: Mapping[str, Object]
    budgets: tuple[Budget, ...]
    deployments: tuple[Object, ...]
    controllers: Mapping[str, Object]
    selected: frozenset[str] | None = None

    @classmethod
    def from_objects(
        cls, objects: Mapping[str, Sequence[Object]], selected: Sequence[Object] | None = None
    ) -> Observed:
        """objects: those of each kind in READ. selected: the only pods that may be evicted, None for all."""
        return cls(
            nodes=tuple(objects["Node"]),
            pods=tuple(sorted(objects["Pod"], key=namespaced_name)),
            volumes={pv["metadata"]["name"]: pv for pv in objects["PersistentVolume"]},
            claims={namespaced_name(claim): claim for claim in objects["PersistentVolumeClaim"]},
            budgets=read_budgets(objects["PodDisruptionBudget"]),
            deployments=tuple(objects["Deployment"]),
            controllers={uid_of(item): item for kind in pods.CONTROLLER_KINDS for item in objects[kind]},
            selected=None if selected is None else frozenset(uid_of(pod) for pod in selected),
        )

    def all_volumes(self) -> tuple[Volume, ...]:
        """The volumes with their claims."""
        return read_volumes(self.volumes.values(), self.claims.values())

    def used(self, decisions: Iterable[PodDecision]) -> list[Volume]:
        """The volumes of these pods, without ephemeral ones."""
        names = {volume.name for decision in decisions for volume in decision.volumes}
        return [volume for volume in self.all_volumes() if volume.name in names]

    @cached_property
    def budgets_by_label(self) -> BudgetIndex:
        """The budgets, to find those of a pod."""
        return BudgetIndex(self.budgets)

    def node(self, request: Request) -> Object:
        """The requested node. Raises BadInput if it does not exist."""
        for node in self.nodes:
            if node["metadata"]["name"] == request.node:
                return node
        names = ", ".join(sorted(node["metadata"]["name"] for node in self.nodes))
        raise BadInput(
            f"Cluster {request.cluster} has no node {request.node}.", next_step=f"Use one of its nodes: {names}"
        )


@dataclass(frozen=True)
class PodDecision:
    """What happens to one pod.

    workload: 'Kind/name', '' for none. result: evicted, cannot_move (evicted, but no other node can run its
    replacement), daemon or left (not evicted); waiting (for this node) or returned (to it). blocked: why its disruption
    budgets will never allow the eviction, '' if they may. other_nodes: schedulable nodes that could run it.
    """

    pod: Object = field(compare=False)
    workload: str
    result: str
    why: str = ""
    other_nodes: tuple[str, ...] = ()
    volumes: tuple[pods.PodVolume, ...] = ()
    budgets: tuple[Budget, ...] = ()
    blocked: str = ""

    @property
    def name(self) -> str:
        """'namespace/name' of the pod."""
        return namespaced_name(self.pod)

    @property
    def uid(self) -> str:
        """The uid of the pod."""
        return uid_of(self.pod)

    @property
    def may_return(self) -> bool:
        """True if its replacement may run on the cordoned node."""
        return tolerates(self.pod["spec"].get("tolerations") or (), _TAINT)

    @property
    def is_evicted(self) -> bool:
        """True if it is to leave the node."""
        return self.result in ("evicted", "cannot_move")

    @property
    def needs_permission(self) -> bool:
        """True if a disruption budget has to allow its eviction."""
        return any(budget.applies_to(self.pod) for budget in self.budgets)

    @property
    def has_no_successor(self) -> bool:
        """True if no ready pod replaces it while the node is drained."""
        return self.result == "cannot_move" or not self.workload

    def as_dict(self) -> Object:
        """The row in the module's result."""
        whys = (self.blocked, "" if self.blocked and self.result == "evicted" else self.why)
        return {
            "namespace": self.pod["metadata"]["namespace"],
            "name": self.pod["metadata"]["name"],
            "workload": self.workload,
            "result": "blocked" if self.blocked else self.result,
            "why": "; ".join(filter(None, whys)),
            "other_nodes": list(self.other_nodes),
            "volumes": [volume.as_dict() for volume in self.volumes],
        }
