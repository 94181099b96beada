# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Refuse a detachment: pods that no known workload recreates, and static pods."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube import pods, workloads
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, namespaced_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal, decline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import count

from .model import Request

# API groups of workloads.WORKLOAD_KINDS; others have kinds of the same name, e.g. the Job of batch.volcano.sh.
_GROUPS = ("", "apps", "batch")
_BARE = "Delete these pods, or set unmanaged=delete."
_UNKNOWN = "Scale down their controller, or set unmanaged=delete to delete the pods."
_STATIC = "Move the manifests of static pods out of the node's /etc/kubernetes/manifests."


def unmanaged(pod: Object, known: Mapping[str, Object]) -> Refusal | None:
    """Why a pod cannot be stopped by scaling a workload, None if it can. known: workloads by uid."""
    if pods.is_mirror(pod):
        return _refusal(pod, "it is a static pod", _STATIC, static=True)
    if pods.is_terminating(pod):
        return None
    item = pod
    while (reference := pods.controller(item)) is not None:
        above = known.get(reference.get("uid", ""))
        if above is None:
            # The pods of a known kind are deleted with their workload.
            if _is_known(reference):
                return None
            controller = f"{reference['kind']}/{reference['name']}"
            return _refusal(pod, f"it is controlled by {controller}, which this module cannot scale", _UNKNOWN)
        item = above
    return _refusal(pod, "no controller recreates this pod", _BARE) if item is pod else None


def refuse(refusals: Iterable[Refusal], request: Request) -> None:
    """Raise Declined for static pods, and for all others unless they are to be deleted."""
    refused = [r for r in refusals if request.unmanaged == "refuse" or r.details["static"]]
    decline(f"Cannot stop {count(len(refused), 'pod')} using the volumes", refused, *_deletions(refused))


def _deletions(refused: Iterable[Refusal]) -> Iterator[str]:
    """Commands that delete the pods without a controller, one per namespace."""
    names: dict[str, list[str]] = {}
    for refusal in refused:
        if refusal.next_step == _BARE:
            namespace, name = refusal.name.split("/")
            names.setdefault(namespace, []).append(name)
    yield from (f"kubectl -n {namespace} delete pod {' '.join(pods)}" for namespace, pods in names.items())


def _refusal(pod: Object, why: str, next_step: str, *, static: bool = False) -> Refusal:
    return Refusal(namespaced_name(pod), why, next_step, {"static": static})


def _is_known(reference: Object) -> bool:
    group = str(reference.get("apiVersion", "")).rpartition("/")[0]
    return reference["kind"] in workloads.WORKLOAD_KINDS and group in _GROUPS
