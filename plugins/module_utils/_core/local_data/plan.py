# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan local data: a step for each namespace, the namespaces to create, and the admission policy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.binding import bound
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.conditions import namespace_obstacle
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, is_subset
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal, decline

from . import report
from .manifests import READ_ONLY, claim_manifest, volume_manifest
from .model import CREATE, FINISH, REMOVE, REPLACE, TERMINATING, UNCHANGED, Observed, Step, describe, mode_of
from .policy import policy_steps
from .request import Request, volume_name


@dataclass(frozen=True)
class Plan:
    """What is written. enforced: whether the policy keeps pods from writing."""

    request: Request
    observed: Observed
    steps: tuple[Step, ...]
    policies: tuple[tuple[str, Object], ...] = ()
    namespaces: tuple[str, ...] = ()
    enforced: bool = False

    @property
    def pending(self) -> list[Step]:
        """The steps that write anything."""
        return [step for step in self.steps if step.action not in (UNCHANGED, TERMINATING)]

    @property
    def changed(self) -> bool:
        return bool(self.pending or self.policies or self.namespaces)

    def diff(self) -> tuple[Object, Object]:
        """Claims, namespaces and policies that change, before and after."""
        return report.before_after(self.pending, self.namespaces, self.policies)

    def result(self, phases: Mapping[tuple[str, str], str]) -> Object:
        """What the module returns. phases: of volumes and claims by (namespace, name), as they were seen at the end."""
        volumes = [report.row(step, self.observed.nodes, phases) for step in self.steps]
        if self.request.state == "absent":
            return {"volumes": volumes}
        use = {"claimName": self.request.name, **({"readOnly": True} if self.request.read_only else {})}
        return {
            "volumes": volumes,
            "pod_volume": {"persistentVolumeClaim": use},
            "enforced": self.enforced,
            "namespaces": list(self.namespaces),
        }


def plan(request: Request, observed: Observed) -> Plan:
    """Raises Declined, with a reason for each namespace that is refused."""
    namespaces: Iterable[str] = request.namespaces
    if request.state == "absent":
        namespaces = namespaces or sorted(_namespaces_with(request.name, observed))
    found = [_step(request, observed, namespace) for namespace in namespaces]
    decline(
        f"Local data {request.name} cannot be {'exposed' if request.state == 'present' else 'removed'} as requested",
        [refusal for step in found if (refusal := _refusal(request, observed, step))],
    )
    if request.state == "absent":
        steps = tuple(map(_absent, filter(lambda step: step.existing, found)))
        return Plan(request, observed, steps, policy_steps(observed.policy, needed=_read_only_left(observed, steps)))
    steps = tuple(map(_present, found))
    return Plan(
        request,
        observed,
        steps,
        policy_steps(observed.policy, needed=True) if request.read_only or _read_only_left(observed, ()) else (),
        tuple(step.namespace for step in steps if step.namespace not in observed.namespaces),
        enforced=request.read_only and observed.policy is not None,
    )


def _step(request: Request, observed: Observed, namespace: str) -> Step:
    step = Step(
        namespace,
        request.name,
        volume=observed.volumes.get(volume_name(namespace, request.name)),
        claim=observed.claims.get(f"{namespace}/{request.name}"),
        users=observed.users.get(f"{namespace}/{request.name}", ()),
    )
    if observed.location is None:
        return step
    return replace(
        step,
        requested_volume=volume_manifest(request, observed.location, namespace),
        requested_claim=claim_manifest(request, namespace),
    )


def _refusal(request: Request, observed: Observed, step: Step) -> Refusal | None:
    users = {"pods": list(step.users)}
    for item, option in ((step.claim, f" -n {step.namespace}"), (step.volume, "")):
        if item is not None and not mode_of(item):
            kind, name = item["kind"], item["metadata"]["name"]
            return Refusal(
                step.claim_name,
                f"the existing {kind} {name} was not created by kindlab.volumes.local_data",
                f"Use another name, or inspect it: kubectl{option} get {kind.lower()} {name}",
                users,
            )
    if request.state == "absent":
        if not step.users or request.force or not step.existing:
            return None
        next_step = "Delete these pods, or set force=true; the removal is completed when the last one has ended."
        return Refusal(step.claim_name, f"in use by {', '.join(step.users)}", next_step, users)
    why, next_step = namespace_obstacle(
        step.namespace, observed.namespaces.get(step.namespace), create=request.create_namespaces
    )
    if why:
        return Refusal(step.claim_name, why, next_step, users)
    if step.users and (_is_deleted(step) or not _is_as_requested(step)):
        state = "being deleted" if _is_deleted(step) else describe(step.volume)
        next_step = "A volume cannot be changed while pods use it: delete them, then run this again."
        return Refusal(step.claim_name, f"it is {state}, and in use by {', '.join(step.users)}", next_step, users)
    return None


def _present(step: Step) -> Step:
    if not step.existing:
        action = CREATE
    elif _is_deleted(step) or not _is_as_requested(step):
        action = REPLACE
    else:
        action = UNCHANGED if bound(step.volume, step.claim) else FINISH
    return replace(step, action=action)


def _absent(step: Step) -> Step:
    deleted = all("deletionTimestamp" in item["metadata"] for item in step.existing)
    return replace(step, action=TERMINATING if deleted else REMOVE)


def _is_as_requested(step: Step) -> bool:
    pairs = ((step.requested_volume, step.volume), (step.requested_claim, step.claim))
    return all(live is None or is_subset(requested, live) for requested, live in pairs)


def _is_deleted(step: Step) -> bool:
    return any("deletionTimestamp" in item["metadata"] for item in step.existing)


def _read_only_left(observed: Observed, steps: Iterable[Step]) -> bool:
    """True if a claim to read-only local data is left after the steps."""
    removed = {step.claim_name for step in steps if step.action in (REMOVE, TERMINATING)}
    return any(mode_of(item) == READ_ONLY for name, item in observed.claims.items() if name not in removed)


def _namespaces_with(name: str, observed: Observed) -> set[str]:
    claims = (key for key, item in observed.claims.items() if key.endswith(f"/{name}") and mode_of(item))
    refs = (item["spec"].get("claimRef") or {} for item in observed.volumes.values() if mode_of(item))
    return {key.partition("/")[0] for key in claims} | {ref["namespace"] for ref in refs if ref.get("name") == name}
