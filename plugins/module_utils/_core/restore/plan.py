# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan a restore: what happens to each volume, and why."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.places import is_local_data
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.binding import (
    claim_to_create,
    phase_of,
    unbindable_warning,
    volume_to_create,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, namespaced_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal, decline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.scaling.reclaim import Policies
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import count, listed

from .claims import plan_claims
from .data import DataState, check_verify, decide
from .model import UNCHANGED, Observed, Request, Step
from .replace import decide_replacing, nested_refusals
from .selection import prerequisites, select
from .step import plan_volume

_GATES = (
    "Change what refuses this, and run this again: kubectl get --all-namespaces limitranges,resourcequotas,"
    "validatingwebhookconfigurations,mutatingwebhookconfigurations,validatingadmissionpolicies"
)


@dataclass(frozen=True)
class Plan:
    """Namespaces and storage classes to create, then the volumes by name.

    Incomplete before with_data, which compares the data. refusals: why objects prevent the restore of volumes.
    claims: those without a volume, to create last. unbindable: which of them stay Pending -> why.
    """

    request: Request
    observed: Observed
    steps: tuple[Step, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    warnings: tuple[str, ...] = ()
    prerequisites: tuple[Object, ...] = ()
    claims: tuple[Object, ...] = ()
    unbindable: Mapping[str, str] = field(default_factory=dict)

    @property
    def to_compare(self) -> tuple[Step, ...]:
        """The steps whose data must be compared with the backup."""
        return tuple(step for step in self.steps if step.compare)

    def with_data(self, data: Mapping[str, DataState]) -> Plan:
        """The complete plan. data: of to_compare, by volume's name. Raises Declined with all reasons of all volumes."""
        results = [self._decide(s, data[s.name]) if s.compare else s for s in self.steps]
        steps = tuple(result for result in results if isinstance(result, Step))
        refusals = [*self.refusals, *(result for result in results if isinstance(result, Refusal))]
        total = len(steps) + len(refusals)
        _decline([*refusals, *nested_refusals(steps, self.observed)], total)
        concerned = [step for step in steps if step.action != UNCHANGED or self.request.replaces]
        return replace(
            self,
            steps=steps,
            warnings=(*self.warnings, *_data_warnings(concerned)),
            prerequisites=prerequisites(self.request, self.observed, steps, self.claims),
        )

    def _decide(self, step: Step, data: DataState) -> Step | Refusal:
        if self.request.replaces:
            return decide_replacing(step, data, self.request, self.observed)
        return decide(step, data, self.request.verify)

    def check_extraction(self, obstacles: Mapping[str, tuple[str, str]]) -> None:
        """Raise Declined for archives that cannot be extracted. obstacles: volume's name -> why, and the next step."""
        by_name = {step.name: step for step in self.steps}
        _decline([by_name[name].selected.refuse(*obstacle) for name, obstacle in obstacles.items()], len(self.steps))

    @property
    def pending(self) -> list[Step]:
        """The steps that write a volume."""
        return [step for step in self.steps if step.action != UNCHANGED]

    @property
    def extracted(self) -> list[Step]:
        """The steps that write data."""
        return [step for step in self.steps if step.writes_data]

    @property
    def stopped_claims(self) -> frozenset[str]:
        """The claims whose pods must not run meanwhile, if existing ones are replaced."""
        claims = {s.selected.volume.claim for s in self.steps if s.writes_data or s.replaced}
        return frozenset(claims - {""}) if self.request.replaces else frozenset()

    @property
    def creations(self) -> list[Object]:
        """The volumes and claims that are created, also in the place of one that is deleted before."""
        bindings = [(step.binding, step.replaced) for step in self.pending]
        volumes = [volume_to_create(binding.requested_volume) for binding, _old in bindings if binding.volume is None]
        claims = [
            claim_to_create(binding.requested_claim, binding.name)
            for binding, old in bindings
            if binding.requested_claim is not None and (binding.claim is None or old is not None)
        ]
        return [*volumes, *claims, *self.claims]

    def check_accepted(self, refused: Collection[Refusal]) -> None:
        """Raise Declined for creations that the API server refuses.

        A claim that is replaced counts for its quota until it is deleted: whether the new one fits is known then.
        """
        replaced = {f"PersistentVolumeClaim {namespaced_name(step.replaced)}" for step in self.steps if step.replaced}
        found = [item for item in refused if not (item.name in replaced and "exceeded quota" in item.why)]
        _decline(found, len(self.steps) + len(self.claims), _GATES)

    @property
    def policy_changes(self) -> dict[str, str]:
        """Volume's name -> its original reclaim policy, for those that get it back once all are bound."""
        if self.request.reclaim_policy == "keep":
            return {}
        policies = {step.name: [step.policies(option)[1] for option in ("keep", "original")] for step in self.steps}
        return {name: original for name, (kept, original) in policies.items() if original != kept}

    def with_policies(self, written: Policies) -> Plan:
        """The plan as it was carried out. written: of policy_changes, those that were; other volumes keep theirs."""
        kept = self.policy_changes.keys() - written.patches.keys()
        steps = tuple(replace(step, keeps_policy=step.name in kept) for step in self.steps)
        return replace(self, steps=steps, warnings=(*self.warnings, *written.warnings))

    @property
    def changed(self) -> bool:
        """True if anything is to be written."""
        return bool(self.prerequisites or self.pending or self.extracted or self.policy_changes or self.claims)

    def diff(self) -> tuple[Object, Object]:
        """What changes: volumes with their reclaim policies, namespaces and storage classes."""
        before: dict[str, dict[str, str]] = {"volumes": {}}
        after: dict[str, dict[str, str]] = {"volumes": {}}
        for step in self.steps:
            old, new = step.policies(self.request.reclaim_policy)
            if step.action == UNCHANGED and old == new and not step.writes_data:
                continue
            bound = step.action == UNCHANGED and not step.writes_data
            state = step.why if bound else f"is {phase_of(step.pv)}"
            before["volumes"][step.name] = f"{state}, {old}" if step.pv else "missing"
            after["volumes"][step.name] = f"{step.why}, {new}"
        for kind, key in (("Namespace", "namespaces"), ("StorageClass", "storage_classes")):
            if created := self._created(kind):
                before[key] = dict.fromkeys(created, "missing")
                after[key] = dict.fromkeys(created, "as in the backup")
        if claims := [namespaced_name(claim) for claim in self.claims]:
            before["claims"] = dict.fromkeys(claims, "missing")
            waiting = {name: f"; it stays Pending: {why}" for name, why in self.unbindable.items()}
            after["claims"] = {name: f"without a volume, as in the backup{waiting.get(name, '')}" for name in claims}
        return before, after

    def result(self, phases: Mapping[tuple[str, str], str]) -> dict[str, Any]:
        """What the module returns. phases: (namespace, name) -> phase of volumes and claims at the end."""
        return {
            "generation": self.observed.generation.name,
            "volumes": [step.row(self.request.reclaim_policy, phases) for step in self.steps],
            "claims": [namespaced_name(claim) for claim in self.claims],
            "namespaces": self._created("Namespace"),
            "storage_classes": self._created("StorageClass"),
        }

    def _created(self, kind: str) -> list[str]:
        return [item["metadata"]["name"] for item in self.prerequisites if item["kind"] == kind]


def plan(request: Request, observed: Observed) -> Plan:
    """The plan without the comparison of data; with_data completes it.

    Raises BadInput for volumes, nodes and comparisons that the backup does not have.
    """
    check_verify(request.verify, observed.generation.catalog)
    selected = select(request, observed.generation)
    results = [plan_volume(volume, request, observed) for volume in selected.volumes]
    alone = plan_claims(selected.claims, request, observed)
    return Plan(
        request,
        observed,
        steps=tuple(result for result in results if isinstance(result, Step)),
        refusals=(*(result for result in results if isinstance(result, Refusal)), *alone.refusals),
        warnings=(*selected.warnings, *([unbindable_warning(alone.unbindable)] if alone.unbindable else [])),
        claims=alone.created,
        unbindable=alone.unbindable,
    )


def _decline(refusals: Sequence[Refusal], total: int, *next_steps: str) -> None:
    decline(
        f"{len(refusals)} of {count(total, 'volume')} cannot be restored as backed up",
        sorted(refusals, key=lambda refusal: refusal.name),
        *next_steps,
    )


def _data_warnings(written: Sequence[Step]) -> Iterator[str]:
    """written: the steps that write a volume, or may replace its data."""
    inside = [step.name for step in written if step.node and step.action != UNCHANGED and not step.selected.elsewhere]
    if inside:
        yield f"The data of {count(len(inside), 'volume')} is inside a node and is deleted with it: {listed(inside)}."
    away = [step for step in written if step.selected.elsewhere and not is_local_data(step.selected.pv)]
    if away:
        where = listed([f"{step.selected.volume.claim or step.name} ({step.selected.elsewhere})" for step in away])
        yield f"The data of {count(len(away), 'volume')} is not in the backup and was not compared: {where}."
