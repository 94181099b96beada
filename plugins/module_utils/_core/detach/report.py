# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a detachment tells: owners before and after, a line per volume, and why it did not come about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import TimedOut
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube import workloads
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, namespaced_name

from .holders import Held, summary
from .plan import Plan, Step


def before_after(found: Plan, *, detached: bool) -> tuple[Object, Object]:
    """The owners at both ends, as the module's diff shows them."""
    before = {workloads.key(step.item): None if step.missing else workloads.state(step.item) for step in found.steps}
    after = {workloads.key(step.item): _then(step, detached) for step in found.steps}
    deleted = [namespaced_name(pod) for pod in found.deleted]
    return {"owners": before, "pods": deleted}, {"owners": after, "pods": []}


def owner_lines(found: Plan, *, detached: bool) -> list[Object]:
    """A line per owner: what it had, and what was done."""
    return [
        {
            "kind": step.item["kind"],
            "namespace": step.item["metadata"]["namespace"],
            "name": step.item["metadata"]["name"],
            "had": {field: step.had[field] for field in step.had if field in workloads.state(step.item)},
            "has": _then(step, detached),
            "result": _result(step, detached),
        }
        for step in found.steps
    ]


def volume_lines(found: Plan, held: Mapping[str, Sequence[Held]]) -> list[Object]:
    """A line per volume: free, or held by what."""
    return [
        {
            "name": volume.name,
            "claim": volume.claim,
            "state": "held" if held.get(volume.name) else "free",
            "held_by": [one.as_dict() for one in held.get(volume.name, ())],
        }
        for volume in found.volumes
    ]


def not_free(found: Plan, held: Mapping[str, Sequence[Held]], timeout: float) -> TimedOut:
    """The error where something holds volumes still."""
    lines = [line for line in volume_lines(found, held) if line["state"] == "held"]
    return TimedOut(
        f"After {timeout:g} seconds {len(lines)} of {len(found.volumes)} volume(s) are not free: "
        f"{summary(held, {volume.name: volume.claim for volume in found.volumes})}.",
        next_step="End what holds them and run this again: what was brought to zero stays there until then. Or give "
        "everything back what it had: state=attached.",
        details=lines,
    )


def left_out(found: Plan) -> tuple[str, ...]:
    """Warnings for volumes that come and go with a pod."""
    return tuple(
        f"{volume.name} is not looked at: its claim {volume.claim} comes and goes with its pod."
        for volume in found.fleeting
    )


def _then(step: Step, detached: bool) -> Object:
    if detached:
        return workloads.scaled_to_zero(step.item)
    fields = workloads.state(step.item)
    return {field: step.had.get(field, value) for field, value in fields.items()}


def _result(step: Step, detached: bool) -> str:
    if not step.writes:
        return "unchanged"
    if detached:
        return "detached"
    return "created" if step.missing else "attached"
