# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who has to be brought to zero so that volumes are free, and what only somebody else can decide."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube import pods, workloads
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, namespaced_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import (
    Volume,
    read_volumes,
    select_volumes,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.checks import check_names

SEEN = ("PersistentVolume", "PersistentVolumeClaim", "Pod", *workloads.WORKLOAD_KINDS)
# API groups of workloads.WORKLOAD_KINDS; others have kinds of the same name, e.g. the Job of batch.volcano.sh.
_GROUPS = ("", "apps", "batch")
_DELETE = "Remove them by hand, or have them deleted: unmanaged=delete."
_UNKNOWN = "Bring what makes them to zero by its own means, or have the pods deleted once: unmanaged=delete."
_STATIC = "Move their manifests out of the node's /etc/kubernetes/manifests."


@dataclass(frozen=True)
class Observed:
    """The cluster's volumes and workloads, read once. owners: uid -> object, of WORKLOAD_KINDS."""

    volumes: tuple[Volume, ...]
    claims: Mapping[str, Object]
    pods: tuple[Object, ...]
    owners: Mapping[str, Object]


@dataclass(frozen=True)
class Step:
    """An owner. change: the patch that is to be applied, None where it is as it is to be; had: what it had before.

    missing: it is not in the cluster, item is to be created.
    """

    item: Object
    had: Object
    change: Object | None = None
    missing: bool = False

    @property
    def writes(self) -> bool:
        """True where something is changed."""
        return self.missing or self.change is not None


@dataclass(frozen=True)
class Plan:
    """The volumes, the pods that use them, the owners, and the pods that are deleted as nothing stops them otherwise.

    fleeting: volumes left out, whose claims come and go with their pods.
    """

    volumes: tuple[Volume, ...]
    users: tuple[Object, ...]
    steps: tuple[Step, ...]
    deleted: tuple[Object, ...] = ()
    fleeting: tuple[Volume, ...] = ()


def observed(persistent_volumes: Sequence[Object], claims: Sequence[Object], *others: Sequence[Object]) -> Observed:
    """What the kinds of SEEN show."""
    everybody, *owners = others
    return Observed(
        read_volumes(persistent_volumes, claims),
        {namespaced_name(claim): claim for claim in claims},
        tuple(everybody),
        {item["metadata"]["uid"]: item for items in owners for item in items},
    )


def chosen(seen: Observed, options: Mapping[str, Any]) -> tuple[tuple[Volume, ...], tuple[Volume, ...]]:
    """The volumes that are asked for, and those left out because their claims come and go with their pods.

    Raises BadInput for names that there are not.
    """
    check_names(options["cluster"], seen.volumes, options["names"])
    found = select_volumes(
        seen.volumes,
        names=options["names"],
        namespaces=options["namespaces"],
        storage_classes=options["storage_classes"],
    )
    fleeting = {v.name for v in found if v.claim_phase and _is_fleeting(seen.claims[v.claim])}
    return tuple(v for v in found if v.name not in fleeting), tuple(v for v in found if v.name in fleeting)


def plan_detached(seen: Observed, options: Mapping[str, Any]) -> Plan:
    """Raises Declined, with the list, for pods that nothing known here makes, unless they are to be deleted."""
    volumes, fleeting = chosen(seen, options)
    claims = {volume.claim for volume in volumes if volume.claim_phase}
    users = tuple(pod for pod in seen.pods if _uses(pod, claims) and not pods.is_terminal(pod))
    reasons = {namespaced_name(pod): reason for pod in users if (reason := _unmanaged(pod, seen.owners))}
    _refuse({pod: reason for pod, reason in reasons.items() if reason.static or options["unmanaged"] == "refuse"})
    owners = {workloads.key(item): item for item in _owners(seen, users, claims)}
    steps = tuple(_stopped(item) for _key, item in sorted(owners.items()))
    deleted = tuple(pod for pod in users if namespaced_name(pod) in reasons)
    return Plan(volumes, users, steps, deleted, fleeting)


def plan_attached(seen: Observed, saved: Iterable[Object], options: Mapping[str, Any]) -> Plan:
    """The owners that get back what they had. saved: the owners of a backup, those that are not there are made."""
    volumes, fleeting = chosen(seen, options)
    claims = {volume.claim for volume in volumes if volume.claim}
    everything = not (options["names"] or options["namespaces"] or options["storage_classes"])
    steps = {}
    for item in seen.owners.values():
        had = workloads.recorded(item) if workloads.is_top_level(item) else None
        if had is not None and (everything or workloads.used_claims(item, claims)):
            steps[workloads.key(item)] = Step(item, had, workloads.scale_up_patch(item, had))
    there = {workloads.key(item) for item in seen.owners.values()}
    for item in saved:
        if workloads.key(item) not in there and (everything or workloads.used_claims(item, claims)):
            steps[workloads.key(item)] = Step(item, workloads.state(item), missing=True)
    return Plan(volumes, (), tuple(step for _key, step in sorted(steps.items())), (), fleeting)


@dataclass(frozen=True)
class _Reason:
    """Why a pod can't be stopped by stopping what makes it."""

    why: str
    way_out: str
    static: bool = False


def _unmanaged(pod: Object, owners: Mapping[str, Object]) -> _Reason | None:
    if pods.is_mirror(pod):
        return _Reason("it is a static pod of its node", _STATIC, True)
    if pods.is_terminating(pod):
        return None
    item: Object = pod
    while (reference := pods.controller(item)) is not None:
        above = owners.get(reference.get("uid", ""))
        if above is None:
            # One of a known kind that is gone takes its pods along.
            if _is_known(reference):
                return None
            made_by = f"{reference['kind']}/{reference['name']}"
            return _Reason(f"it is made by {made_by}, which is not known here", _UNKNOWN)
        item = above
    return _Reason("nothing makes this pod again", _DELETE) if item is pod else None


def _is_known(reference: Object) -> bool:
    group = str(reference.get("apiVersion", "")).rpartition("/")[0]
    return reference["kind"] in workloads.WORKLOAD_KINDS and group in _GROUPS


def _refuse(reasons: Mapping[str, _Reason]) -> None:
    if not reasons:
        return
    shown = [f"{pod}: {reason.why}" for pod, reason in reasons.items()]
    raise Declined(
        f"{len(reasons)} pod(s) that use volumes are not stopped: {'; '.join(shown[:10])}"
        f"{f'; and {len(shown) - 10} more' if len(shown) > 10 else ''}. Nothing was changed.",
        next_step=" ".join(dict.fromkeys(reason.way_out for reason in reasons.values())),
        details=[{"pod": pod, **asdict(reason)} for pod, reason in reasons.items()],
    )


def _owners(seen: Observed, users: Iterable[Object], claims: set[str]) -> Iterable[Object]:
    """All that makes pods with these claims: whether or not it has one now, and Jobs besides their CronJob."""
    for item in seen.owners.values():
        if workloads.is_top_level(item) and not workloads.has_finished(item) and workloads.used_claims(item, claims):
            yield item
    for pod in users:
        above = pods.controller(pod)
        while above is not None:
            maker = seen.owners.get(above.get("uid", ""))
            if maker is None:
                break
            above = pods.controller(maker)
            if workloads.is_top_level(maker) and not workloads.has_finished(maker):
                yield maker


def _stopped(item: Object) -> Step:
    return Step(item, workloads.recorded(item) or workloads.state(item), workloads.scale_down_patch(item))


def reread(step: Step, item: Object) -> Step:
    """The step for an owner that was changed meanwhile."""
    return replace(_stopped(item), missing=step.missing)


def _uses(pod: Object, claims: set[str]) -> bool:
    return not claims.isdisjoint(pods.claims_used(pod))


def _is_fleeting(claim: Object) -> bool:
    reference = pods.controller(claim)
    return reference is not None and reference["kind"] == "Pod"
