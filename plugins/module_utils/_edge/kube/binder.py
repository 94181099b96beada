# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pre-bind volumes and claims, and wait until the controllers leave them as they are."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Conflict, TimedOut
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.binding import (
    Binding,
    claim_status,
    claim_to_create,
    phase_of,
    released_uid,
    volume_change,
    volume_status,
    volume_to_create,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.managed.fields import (
    creator,
    has_managers,
    managers,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import claim_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import count, listed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.activity import REPORTER

from .api import Missing
from .client import MANAGER, Cluster
from .resources import Key, describe_command, key_of, key_text

PV, PVC = "PersistentVolume", "PersistentVolumeClaim"
# How long phases are watched before it is decided whether they are settled, and how long none may have been wrong then.
WATCHED_SECONDS, QUIET_SECONDS = 1.0, 0.5
DELETED = "deleted"


def prebind(cluster: Cluster, binding: Binding) -> None:
    """Write a volume, and its claim if that is requested, bound to each other.

    The process may be killed after any of the writes: the next plan recognises the state and completes it.
    """
    if not binding.binds:
        pv = _write_volume(cluster, binding, released_uid(binding.requested_volume) if binding.released else "")
        if phase_of(pv) not in binding.phases:
            cluster.patch(PV, binding.name, volume_status(binding.phases[0]), subresource="status")
        return
    claim, requested = binding.claim, binding.requested_claim
    if claim is None and requested is not None:
        if binding.volume is not None:
            # A claim whose volume still belongs to a deleted one is refused by the controller, which looks again late.
            binding = replace(binding, volume=_write_volume(cluster, binding))
        claim = create_applied(cluster, claim_to_create(requested, binding.name))
    elif claim is not None and requested is not None:
        claim = _applied(cluster, requested, claim)
    if claim is not None:
        _bind(cluster, binding, claim)


def _bind(cluster: Cluster, binding: Binding, claim: Object) -> None:
    namespace, name = key_of(claim)
    pv = _write_volume(cluster, binding, claim["metadata"]["uid"])
    if not claim["spec"].get("volumeName"):
        cluster.patch(PVC, name, {"spec": {"volumeName": binding.name}}, namespace)
    if phase_of(pv) != "Bound":
        cluster.patch(PV, binding.name, volume_status("Bound"), subresource="status")
    cluster.patch(PVC, name, claim_status(pv), namespace, subresource="status")


def _write_volume(cluster: Cluster, binding: Binding, claim_uid: str = "") -> Object:
    """The volume after the write, with the phase it had before."""
    if binding.volume is None:
        return create_applied(cluster, volume_to_create(binding.requested_volume, claim_uid))
    volume = _applied(cluster, binding.requested_volume, binding.volume)
    change = volume_change(volume, binding.requested_volume, claim_uid)
    return cluster.patch(PV, binding.name, change) if change else volume


def create_applied(cluster: Cluster, item: Object) -> Object:
    """Create a volume or a claim; those who apply it from the server side manage its fields as before."""
    return _give_back(cluster, item, cluster.create(item))


def _applied(cluster: Cluster, saved: Object, live: Object) -> Object:
    """The same for one that an interrupted run may have created."""
    writers = {entry.get("manager") for entry in live["metadata"].get("managedFields") or ()}
    return _give_back(cluster, saved, live) if writers & {MANAGER, creator(saved, MANAGER)} else live


def _give_back(cluster: Cluster, saved: Object, live: Object) -> Object:
    if has_managers(saved, live):
        return live
    namespace, name = key_of(saved)
    fields = managers(saved, live, {MANAGER, creator(saved, MANAGER)})
    return cluster.patch(saved["kind"], name, {"metadata": {"managedFields": fields}}, namespace)


def wait_bound(cluster: Cluster, bindings: Collection[Binding], timeout: float) -> dict[Key, str]:
    """Watch until every volume and claim is in its phase and stays so; the phases of all that exist then.

    Raises Conflict if one is deleted while it waits, TimedOut with the phases of the others after timeout seconds.
    """
    claims = {claim_of(b.requested_volume).partition("/")[::2]: b for b in bindings if b.binds}
    allowed: dict[str, dict[Key, tuple[str, ...]]] = {
        PV: {("", b.name): b.phases for b in bindings},
        PVC: dict.fromkeys(claims, ("Bound",)),
    }
    deadline = Deadline(timeout)
    with REPORTER.waiting(lambda: _names(bindings)):
        while bindings:
            of_volumes, of_claims = cluster.each(lambda kind: _snapshot(cluster, kind, allowed[kind]), allowed)
            if of_volumes.settled and of_claims.settled:
                return {**of_volumes.phases, **of_claims.phases}
            _check_left({PV: of_volumes.wrong, PVC: of_claims.wrong}, deadline)
            cluster.each(partial(_look_again, cluster), [claims[key] for key in of_claims.wrong])
    return {}


def _look_again(cluster: Cluster, binding: Binding) -> None:
    """Write a claim's status once more.

    The controller's caches follow the API server independently of each other. If it learns of a claim before its volume
    the claim is Lost, until the next write to it, or the controller's next turn after 15 seconds.
    """
    namespace, _slash, name = claim_of(binding.requested_volume).partition("/")
    with suppress(Missing):
        cluster.patch(PVC, name, claim_status(binding.requested_volume), namespace, subresource="status")


def _names(bindings: Collection[Binding]) -> str:
    names = listed((claim_of(binding.requested_volume) or binding.name for binding in bindings), 3)
    return f"{count(len(bindings), 'volume')} to be bound: {names}"


@dataclass(frozen=True)
class Snapshot:
    """All phases at the end of a watch, the wrong ones, and whether none was wrong for a while before."""

    phases: dict[Key, str]
    wrong: dict[Key, str]
    settled: bool


def _snapshot(cluster: Cluster, kind: str, allowed: Mapping[Key, tuple[str, ...]]) -> Snapshot:
    phases: dict[Key, str] = {}
    quiet = Deadline(0)
    for change in cluster.watch(kind, WATCHED_SECONDS) if allowed else ():
        key = key_of(change.object)
        deleted = change.type == "DELETED" or change.object["metadata"].get("deletionTimestamp")
        phases[key] = DELETED if deleted else phase_of(change.object)
        if phases[key] not in allowed.get(key, (phases[key],)):
            quiet = Deadline(QUIET_SECONDS)
    wrong = {key: phases.get(key, DELETED) for key in allowed if phases.get(key, DELETED) not in allowed[key]}
    return Snapshot(phases, wrong, quiet.over() and not wrong)


def _check_left(found: Mapping[str, Mapping[Key, str]], deadline: Deadline) -> None:
    """Raise what wait_bound() does for objects that are not in their phases. found: the wrong ones by kind."""
    wrong = {f"{kind} {key_text(key)}": phase for kind, phases in found.items() for key, phase in phases.items()}
    for name, phase in wrong.items():
        if phase == DELETED:
            raise Conflict(
                f"{name} was deleted while it was being bound.",
                next_step="Find out who deletes it and run this again.",
            )
    if deadline.over():
        raise _not_bound(deadline.seconds, wrong)


def _not_bound(timeout: float, wrong: Mapping[str, str]) -> TimedOut:
    phases = listed([f"{name} is {phase or 'without a phase'}" for name, phase in sorted(wrong.items())])
    kind, _space, name = min(wrong, default="pv").partition(" ")
    return TimedOut(
        f"Volumes and claims did not settle within {timeout:g} seconds: {phases or 'their phases keep changing'}",
        next_step=describe_command(kind, name.rpartition("/")[::2]).rstrip(),
        details=dict(wrong),
    )
