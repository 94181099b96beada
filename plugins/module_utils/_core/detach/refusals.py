# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Refuse a detachment: pods that no known workload recreates, static pods, and volumes that are being deleted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube import pods
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, namespaced_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal, decline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.scaling.reclaim import terminating
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import count

from .model import Request

_BARE = "Delete these pods, or set unmanaged=delete."
_UNKNOWN = "Scale down their controller, or set unmanaged=delete to delete the pods."
_OPERATED = "Scale down their controller, or set unmanaged=delete to scale down the workloads that it made."
_NOT_READY = "Find out why: kubectl describe node {node}; kindlab.volumes.kind_cluster starts a node that is stopped."
_STATIC = "Move the manifests of static pods out of the node's /etc/kubernetes/manifests."


def unmanaged(pod: Object, known: Mapping[str, Object]) -> Refusal | None:
    """Why a pod cannot be stopped by scaling a workload that nobody else scales, None if it can.

    known: workloads by uid. details: static if nothing else stops it, either; by_workload if scaling a workload stops
    it until its operator acts.
    """
    if pods.is_mirror(pod):
        return _refusal(pod, "it is a static pod", _STATIC, static=True)
    if pods.is_terminating(pod):
        return None
    item = [pod, *pods.controllers(pod, known)][-1]
    reference = pods.controller(item)
    if reference is None:
        return _refusal(pod, "no controller recreates this pod", _BARE) if item is pod else None
    if reference.get("uid", "") in known:
        return _refusal(pod, "its controllers are controlled by each other", _UNKNOWN)
    # The pods of a known kind are deleted with their workload.
    if pods.is_builtin(reference):
        return None
    controller = pods.referred(reference).text()
    if item is pod:
        return _refusal(pod, f"it is controlled by {controller}, which this module cannot scale", _UNKNOWN)
    name = f"{item['kind']}/{item['metadata']['name']}"
    why = f"its {name} is controlled by {controller}, which may scale it up again"
    return _refusal(pod, why, _OPERATED, by_workload=True)


def on_dead_nodes(using: Iterable[Object], not_ready: Mapping[str, str]) -> list[Refusal]:
    """The pods that no kubelet ends. not_ready: node -> why it is not ready."""
    found = []
    for pod in using:
        node = pod["spec"].get("nodeName", "")
        if node in not_ready:
            why = f"its node {node} is {not_ready[node]}, and ends no pods"
            found.append(_refusal(pod, why, _NOT_READY.format(node=node), static=True))
    return found


def refuse(refusals: Iterable[Refusal], volumes: Sequence[Volume], request: Request, *, begun: bool = False) -> None:
    """Raise Declined for volumes that are being deleted, static pods, and all others unless they are to be deleted.

    begun: workloads were scaled already.
    """
    refused = [r for r in refusals if request.unmanaged == "refuse" or r.details["static"]]
    going = terminating(volumes)
    subject = f"Cannot stop {count(len(refused), 'pod')} using the volumes"
    effect = "the workloads that were scaled down stay at zero" if begun else "nothing was changed"
    subject = f"Cannot detach {count(len(going), 'volume')}" if going else subject
    decline(subject, [*going, *refused], *_deletions(refused), effect=effect)


def _deletions(refused: Iterable[Refusal]) -> Iterator[str]:
    """Commands that delete the pods without a controller, one per namespace."""
    names: dict[str, list[str]] = {}
    for refusal in refused:
        if refusal.next_step == _BARE:
            namespace, name = refusal.name.split("/")
            names.setdefault(namespace, []).append(name)
    yield from (f"kubectl -n {namespace} delete pod {' '.join(pods)}" for namespace, pods in names.items())


def _refusal(pod: Object, why: str, next_step: str, *, static: bool = False, by_workload: bool = False) -> Refusal:
    return Refusal(namespaced_name(pod), why, next_step, {"static": static, "by_workload": by_workload})
