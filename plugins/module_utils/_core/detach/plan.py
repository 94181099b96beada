# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan a detachment: which workloads are scaled to zero, or back up, and which pods are deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube import pods, workloads
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, namespaced_name, uid_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.scaling.reclaim import (
    ATTACHED,
    Policies,
    restored,
    retained,
)

from .model import Observed, Request, Step, created, scaled_down, scaled_up
from .refusals import on_dead_nodes, refuse, unmanaged
from .report import made_again, scaled_again, volume_rows, waiting_for_others
from .usage import VolumeUser, users_without


@dataclass(frozen=True)
class Plan:
    """The reclaim policies, the steps, and the pods that are deleted.

    pods: all that use the volumes; ephemeral: volumes that are deleted with their pods. users: by volume's name, what
    uses it after the steps. notes: further warnings.
    """

    request: Request
    volumes: tuple[Volume, ...]
    steps: tuple[Step, ...]
    pods: tuple[Object, ...] = ()
    deleted: tuple[Object, ...] = ()
    ephemeral: tuple[Volume, ...] = ()
    policies: Policies = field(default_factory=Policies)
    users: Mapping[str, Sequence[VolumeUser]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """True if something is written."""
        return bool(self.deleted or self.policies.patches) or any(step.writes for step in self.steps)

    def remaining(self, users: Mapping[str, Sequence[VolumeUser]]) -> dict[str, list[VolumeUser]]:
        """Those of the users that are left once the pods are gone."""
        return users_without({namespaced_name(pod) for pod in self.pods}, users)

    def newcomers(self) -> Callable[[Object], bool]:
        """A function that is true for a pod that uses the volumes, and is not among the plan's."""
        known = {uid_of(pod) for pod in self.pods}
        claims = {volume.claim for volume in (*self.volumes, *self.ephemeral) if volume.claim_phase}
        return lambda pod: uid_of(pod) not in known and bool(_using([pod], claims))

    def following(self, again: Plan) -> Plan | None:
        """What is left to do after this plan was carried out, None for nothing. again: a plan made since then.

        Raises Conflict if somebody else undoes what was done.
        """
        scaled = {workloads.key(step.item) for step in self.steps if step.writes}
        steps = [step for step in again.steps if step.writes]
        if undone := [step.item for step in steps if workloads.key(step.item) in scaled]:
            raise scaled_again(undone)
        makers = {_maker(pod) for pod in self.deleted}
        if made := [pod for pod in again.deleted if _maker(pod) in makers]:
            raise made_again(made)
        known = {uid_of(pod) for pod in self.pods}
        new = tuple(pod for pod in again.pods if uid_of(pod) not in known)
        if not (steps or again.deleted or new):
            return None
        return replace(again, steps=tuple(steps), pods=new)

    def joined(self, later: Plan) -> Plan:
        """Both as one, with everything as it was before this one."""
        steps = {workloads.key(step.item): step for step in (*self.steps, *later.steps)}
        return replace(
            self,
            steps=tuple(step for _key, step in sorted(steps.items())),
            pods=(*self.pods, *later.pods),
            deleted=(*self.deleted, *later.deleted),
            policies=self.policies.joined(later.policies),
        )

    def diff(self) -> tuple[Object, Object]:
        """The reclaim policies, workloads and deleted pods, before and after."""
        before = {workloads.key(step.item): None if step.missing else workloads.state(step.item) for step in self.steps}
        after = {workloads.key(step.item): step.after for step in self.steps}
        deleted = [namespaced_name(pod) for pod in self.deleted]
        policies = (dict(sorted(names.items())) for names in (self.policies.before(), self.policies.after()))
        return (
            {"reclaim_policies": next(policies), "workloads": before, "pods": deleted},
            {"reclaim_policies": next(policies), "workloads": after, "pods": []},
        )

    def result(self) -> Object:
        """What the module returns."""
        rows: Object = {
            "workloads": [step.row(self.request.state) for step in self.steps],
            "reclaim_policies": self.policies.rows(),
        }
        if self.request.state == "detached":
            shown = sorted((*self.volumes, *self.ephemeral), key=lambda volume: volume.name)
            rows["volumes"] = volume_rows(shown, self.users)
            rows["deleted_pods"] = [namespaced_name(pod) for pod in self.deleted]
        return rows

    def warnings(self) -> tuple[str, ...]:
        """Policies that stay Retain, and the notes."""
        return (*self.policies.warnings, *self.notes)


def plan(request: Request, observed: Observed, *, begun: bool = False) -> Plan:
    """Raises BadInput for unknown names, and Declined for pods and volumes that cannot be detached.

    begun: workloads were scaled already. Then volumes that are being deleted, or are gone, are not refused.
    """
    if request.state == "attached":
        return _plan_attached(request, observed)
    return _plan_detached(request, observed, begun)


def _plan_detached(request: Request, observed: Observed, begun: bool) -> Plan:
    selected = tuple(filter(request.selects, observed.volumes))
    if not begun:
        request.selection.check_names(observed.volumes, f"Cluster {request.cluster}")
    claims = {volume.claim for volume in selected if volume.claim_phase} | request.claims
    using = tuple(_using(observed.pods, claims))
    refusals = {namespaced_name(pod): found for pod in using if (found := unmanaged(pod, observed.workloads))}
    items = {workloads.key(item): item for item in _workloads(observed, using, claims, request)}
    steps = tuple(scaled_down(item, request.purpose) for _key, item in sorted(items.items()))
    stopped = _stopped(observed, using, steps)
    names = {volume.name for volume in selected}
    affected = [v for v in observed.volumes if v.name in names or (v.claim_phase and v.claim in stopped)]
    dead = on_dead_nodes(using, observed.not_ready)
    refuse([*refusals.values(), *dead], () if begun else affected, request, begun=begun)
    deleted = {name for name, refusal in refusals.items() if not refusal.details["by_workload"]}
    return Plan(
        request,
        tuple(volume for volume in selected if not volume.is_ephemeral),
        steps,
        using,
        tuple(pod for pod in using if namespaced_name(pod) in deleted),
        tuple(volume for volume in selected if volume.is_ephemeral),
        retained(affected, ATTACHED, stopped),
    )


def _plan_attached(request: Request, observed: Observed) -> Plan:
    request.selection.check_names(observed.volumes, f"Cluster {request.cluster}")
    selected = tuple(filter(request.selects, observed.volumes))
    claims = workloads.Claims({volume.claim for volume in selected if volume.claim} | request.claims)
    known = workloads.Claims(observed.claims)
    steps = {workloads.key(item): created(item, at_zero=request.leaves_down(item, known)) for item in observed.saved}
    for item in observed.workloads.values():
        steps.pop(workloads.key(item), None)
        before = workloads.recorded(item) if workloads.is_scalable(item) else None
        if before is not None and not request.leaves_down(item, known):
            steps[workloads.key(item)] = scaled_up(item, before)
    used = tuple(step for _key, step in sorted(steps.items()) if _is_selected(request, step.item, claims))
    return Plan(
        request,
        tuple(volume for volume in selected if not volume.is_ephemeral),
        used,
        ephemeral=tuple(volume for volume in selected if volume.is_ephemeral),
        policies=restored(_returned(request, observed, selected, used), ATTACHED),
        notes=waiting_for_others(request, observed, claims, known),
    )


def _using(found: Iterable[Object], claims: set[str]) -> list[Object]:
    """Those of the pods that use a claim and have not ended."""
    return [pod for pod in found if not (pods.is_terminal(pod) or claims.isdisjoint(pods.claims_used(pod)))]


def _workloads(observed: Observed, using: Iterable[Object], claims: set[str], request: Request) -> Iterable[Object]:
    """Workloads that use these claims, with or without a pod at the moment; Jobs besides their CronJob."""
    index = workloads.Claims(claims)
    scalable = workloads.is_scalable if request.unmanaged == "delete" else workloads.is_top_level
    for item in observed.workloads.values():
        if scalable(item) and not workloads.has_finished(item) and workloads.used_claims(item, index):
            yield item
    for pod in using:
        for item in pods.controllers(pod, observed.workloads):
            if scalable(item) and not workloads.has_finished(item):
                yield item


def _stopped(observed: Observed, using: Iterable[Object], steps: Iterable[Step]) -> set[str]:
    """All claims of the pods that are stopped, also of other volumes than the selected ones."""
    index = workloads.Claims(observed.claims)
    of_pods = {claim for pod in using for claim in pods.claims_used(pod)}
    return of_pods.union(*(workloads.used_claims(step.item, index) for step in steps if step.writes))


def _returned(request: Request, observed: Observed, selected: Iterable[Volume], steps: Iterable[Step]) -> list[Volume]:
    """The selected volumes, and all others of workloads that are scaled up, without those of workloads left down."""
    index = workloads.Claims(observed.claims)
    up = set().union(*(workloads.used_claims(step.item, index) for step in steps))
    left = [item for item in observed.workloads.values() if request.leaves_down(item, index)]
    down = set().union(*(workloads.used_claims(item, index) for item in left)) - up
    names = {volume.name for volume in selected}
    return [v for v in observed.volumes if (v.name in names and v.claim not in down) or v.claim in up]


def _is_selected(request: Request, item: Object, claims: workloads.Claims) -> bool:
    """Whether state attached scales a workload up; the claims of ephemeral volumes are gone by then."""
    selection = request.selection
    if workloads.used_claims(item, claims) or workloads.key(item) in request.stopped:
        return True
    if request.claims:
        return False
    if selection.selects_all:
        return True
    if selection.names or not workloads.has_ephemeral_volumes(item):
        return False
    return not selection.namespaces or item["metadata"]["namespace"] in selection.namespaces


def _maker(pod: Object) -> str:
    """What creates a pod: its controller, or whoever uses its name."""
    return str((pods.controller(pod) or {}).get("uid", "")) or namespaced_name(pod)
