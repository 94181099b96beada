# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan a detachment: which workloads are scaled to zero, or back up, and which pods are deleted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import TimedOut
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube import pods, workloads
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, namespaced_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import be, count, listed

from .model import Observed, Request, Step, created, scaled_down, scaled_up
from .refusals import refuse, unmanaged
from .usage import VolumeUser, users_without


@dataclass(frozen=True)
class Plan:
    """The steps, and the pods that are deleted. pods: all that use the volumes; skipped: volumes with ephemeral claims.

    users: by volume's name, what uses it after the steps.
    """

    request: Request
    volumes: tuple[Volume, ...]
    steps: tuple[Step, ...]
    pods: tuple[Object, ...] = ()
    deleted: tuple[Object, ...] = ()
    skipped: tuple[Volume, ...] = ()
    users: Mapping[str, Sequence[VolumeUser]] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """True if something is written."""
        return bool(self.deleted) or any(step.writes for step in self.steps)

    def remaining(self, users: Mapping[str, Sequence[VolumeUser]]) -> dict[str, list[VolumeUser]]:
        """Those of the users that are left once the pods are gone."""
        return users_without({namespaced_name(pod) for pod in self.pods}, users)

    def diff(self) -> tuple[Object, Object]:
        """The workloads and deleted pods, before and after."""
        before = {workloads.key(step.item): None if step.missing else workloads.state(step.item) for step in self.steps}
        after = {workloads.key(step.item): step.after for step in self.steps}
        deleted = [namespaced_name(pod) for pod in self.deleted]
        return {"workloads": before, "pods": deleted}, {"workloads": after, "pods": []}

    def result(self) -> Object:
        """What the module returns."""
        rows: Object = {"workloads": [step.row(self.request.state) for step in self.steps]}
        if self.request.state == "detached":
            rows["volumes"] = self._volumes()
            rows["deleted_pods"] = [namespaced_name(pod) for pod in self.deleted]
        return rows

    def warnings(self) -> tuple[str, ...]:
        """A line for each volume that is skipped."""
        return tuple(f"{v.name} is skipped: its claim {v.claim} is ephemeral." for v in self.skipped)

    def still_in_use(self, seconds: float) -> TimedOut:
        """The error if volumes are in use when the time is over."""
        rows = [row for row in self._volumes() if row["in_use_by"]]
        return TimedOut(
            f"{len(rows)} of {count(len(self.volumes), 'volume')} {be(len(rows))} still in use "
            f"after {seconds:g} seconds: {summary(self.volumes, self.users)}.",
            next_step="End these pods and processes, then run this again; the workloads stay at zero until then. "
            "Or scale them back up: state=attached.",
            details=rows,
        )

    def _volumes(self) -> list[Object]:
        return [
            {
                "name": volume.name,
                "claim": volume.claim,
                "state": "in use" if self.users.get(volume.name) else "free",
                "in_use_by": [user.as_dict() for user in self.users.get(volume.name, ())],
            }
            for volume in self.volumes
        ]


def summary(volumes: Iterable[Volume], users: Mapping[str, Sequence[VolumeUser]]) -> str:
    """The volumes in use, as a part of a sentence."""
    texts = (
        f"{volume.name}{f' ({volume.claim})' if volume.claim else ''}: "
        + listed([user.text() for user in users[volume.name]], 3)
        for volume in volumes
        if users.get(volume.name)
    )
    return listed(texts, separator="; ")


def plan(request: Request, observed: Observed) -> Plan:
    """Raises BadInput for unknown names, and Declined for pods that cannot be stopped by scaling a workload."""
    return _plan_attached(request, observed) if request.state == "attached" else _plan_detached(request, observed)


def _plan_detached(request: Request, observed: Observed) -> Plan:
    volumes, skipped = _select(request, observed)
    claims = {volume.claim for volume in volumes if volume.claim_phase}
    using = tuple(p for p in observed.pods if not (pods.is_terminal(p) or claims.isdisjoint(pods.claims_used(p))))
    refusals = {namespaced_name(pod): found for pod in using if (found := unmanaged(pod, observed.workloads))}
    refuse(refusals.values(), request)
    items = {workloads.key(item): item for item in _workloads(observed, using, claims)}
    steps = tuple(scaled_down(item) for _key, item in sorted(items.items()))
    deleted = tuple(pod for pod in using if namespaced_name(pod) in refusals)
    return Plan(request, volumes, steps, using, deleted, skipped)


def _plan_attached(request: Request, observed: Observed) -> Plan:
    volumes, skipped = _select(request, observed)
    claims = {volume.claim for volume in volumes if volume.claim}
    down = set(request.keep_down)
    steps = {workloads.key(item): created(item, down=workloads.key(item) in down) for item in observed.saved}
    for item in observed.workloads.values():
        steps.pop(workloads.key(item), None)
        before = workloads.recorded(item) if workloads.is_top_level(item) else None
        if before is not None and workloads.key(item) not in down:
            steps[workloads.key(item)] = scaled_up(item, before)
    used = (
        step
        for _key, step in sorted(steps.items())
        if request.selection.selects_all or workloads.used_claims(step.item, claims)
    )
    return Plan(request, volumes, tuple(used), skipped=skipped)


def _workloads(observed: Observed, using: Iterable[Object], claims: set[str]) -> Iterable[Object]:
    """Workloads that use these claims, with or without a pod at the moment; Jobs besides their CronJob."""
    for item in observed.workloads.values():
        if workloads.is_top_level(item) and not workloads.has_finished(item) and workloads.used_claims(item, claims):
            yield item
    for pod in using:
        reference = pods.controller(pod)
        while reference is not None:
            item = observed.workloads.get(reference.get("uid", ""), {})
            if not item:
                break
            reference = pods.controller(item)
            if workloads.is_top_level(item) and not workloads.has_finished(item):
                yield item


def _select(request: Request, observed: Observed) -> tuple[tuple[Volume, ...], tuple[Volume, ...]]:
    """The selected volumes, and those skipped because their claims are ephemeral."""
    selected = request.selection.select(observed.volumes, f"Cluster {request.cluster}")
    controllers = {v.name: pods.controller(observed.claims[v.claim]) or {} for v in selected if v.claim_phase}
    ephemeral = {name for name, reference in controllers.items() if reference.get("kind") == "Pod"}
    return tuple(v for v in selected if v.name not in ephemeral), tuple(v for v in selected if v.name in ephemeral)
