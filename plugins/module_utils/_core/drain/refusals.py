# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Refuse a drain: pods or data that would be lost, and pods that the cluster needs and no other node can run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube import pods
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.conditions import is_ready, why_node_not_ready
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.scheduling import is_schedulable
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.registry import serves_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal, decline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.scaling.reclaim import terminating
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import count

from .model import Observed, PodDecision, Request

CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
SYSTEM = "kube-system"
CRITICAL = ("system-cluster-critical", "system-node-critical")
_ESSENTIAL = "Uncordon another node that can run it, or set force=true."
_BARE = "Set force=true to evict pods without a controller."
_NOT_READY = (
    "Find out why: kubectl describe node {node}; kindlab.volumes.kind_cluster starts a node that is stopped. Or delete "
    "its pods without waiting for it: force=true and terminate_grace_period=0; their containers still run if it does."
)
_DATA = "Set delete_emptydir_data=true to evict pods and delete the data in these volumes."


def refuse(request: Request, observed: Observed, decisions: Iterable[PodDecision]) -> None:
    """Raise Declined, with every refusal that neither force nor delete_emptydir_data overrides."""
    evicted = [decision for decision in decisions if decision.is_evicted]
    overridden = {
        "force": request.force,
        "delete_emptydir_data": request.delete_emptydir_data,
        "terminate_grace_period": request.force and request.terminate_grace_period == 0,
        "": False,
    }
    found = (*_not_ready(request, observed, evicted), *_control_plane(request, observed), *_of_pods(observed, evicted))
    going = [replace(r, details={**r.details, "option": ""}) for r in terminating(observed.used(evicted))]
    left = [r for r in (*going, *found) if not overridden[r.details["option"]]]
    decline(f"Cannot drain node {request.node}", left)


def _refusal(name: str, why: str, next_step: str, option: str = "force") -> Refusal:
    return Refusal(name, why, next_step, {"option": option})


def _not_ready(request: Request, observed: Observed, evicted: Sequence[PodDecision]) -> Iterator[Refusal]:
    """Its kubelet ends no pod: they would be terminating until the time is over."""
    why = why_node_not_ready(observed.node(request))
    if why and evicted:
        waiting = f"it is {why}; {count(len(evicted), 'pod')} on it would not end before it is ready again"
        yield _refusal(request.node, waiting, _NOT_READY.format(node=request.node), "terminate_grace_period")


def _control_plane(request: Request, observed: Observed) -> Iterator[Refusal]:
    """Static pods stay on a drained node, but no other node could run them."""
    ready = [n for n in observed.nodes if is_schedulable(n) and is_ready(n)]
    others = [n for n in ready if _is_control_plane(n) and n["metadata"]["name"] != request.node]
    if _is_control_plane(observed.node(request)) and not others:
        why = "it is the only control plane node that is ready and schedulable"
        yield _refusal(request.node, why, _ESSENTIAL)


def _is_control_plane(node: Object) -> bool:
    return CONTROL_PLANE in (node["metadata"].get("labels") or {})


def _of_pods(observed: Observed, evicted: Iterable[PodDecision]) -> Iterator[Refusal]:
    provisioners = {
        f"{d['metadata']['namespace']}/Deployment/{d['metadata']['name']}"
        for d in observed.deployments
        if serves_volumes(d)
    }
    for decision in evicted:
        name, pod = decision.name, decision.pod
        if pods.is_terminal(pod) or pods.is_terminating(pod):
            continue
        namespace = pod["metadata"]["namespace"]
        if decision.result == "cannot_move":
            if f"{namespace}/{decision.workload}" in provisioners:
                yield _refusal(name, f"no other node can run this volume provisioner ({decision.why})", _ESSENTIAL)
            elif namespace == SYSTEM or pod["spec"].get("priorityClassName") in CRITICAL:
                yield _refusal(name, f"no other node can run this system pod ({decision.why})", _ESSENTIAL)
        if not decision.workload:
            yield _refusal(name, "no controller recreates this pod", _BARE)
        data = pods.local_data(pod)
        if data:
            why = f"the data in its volumes {', '.join(data)} would be lost"
            yield _refusal(name, why, _DATA, "delete_emptydir_data")
