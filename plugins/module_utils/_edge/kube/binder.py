# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes volumes and claims that are bound to each other, and watches until Kubernetes agrees."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Conflict, TimedOut
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube import binding
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.model import Step

from .client import Cluster
from .resources import Key, key_of

PV, PVC = "PersistentVolume", "PersistentVolumeClaim"
# For so long nothing may change before what was written is taken as agreed to.
QUIET_SECONDS = 1.0
GONE = "deleted"


def write(cluster: Cluster, step: Step) -> None:
    """Bring one volume, and its claim where that is restored too, to where they belong.

    Every write may be the last one: what is there then is recognised by the next plan, and gone on with.
    """
    claim = step.claim
    if step.wanted.claim is None:
        claim = claim if binding.joined(step.pv, claim) else None
    elif claim is None:
        claim = cluster.create(binding.claim_to_create(step.wanted.claim, step.wanted.volume.name))
    if claim is not None:
        _write_pair(cluster, step, claim)
        return
    pv = _write_volume(cluster, step)
    if binding.phase_of(pv) not in ("Available", "Bound"):
        cluster.patch(PV, pv["metadata"]["name"], binding.volume_status("Available"), subresource="status")


def _write_pair(cluster: Cluster, step: Step, claim: Object) -> None:
    name = step.wanted.volume.name
    namespace, claim_name = key_of(claim)
    if not claim["spec"].get("volumeName"):
        claim = cluster.patch(PVC, claim_name, {"spec": {"volumeName": name}}, namespace)
    pv = _write_volume(cluster, step, claim["metadata"]["uid"])
    if binding.phase_of(pv) != "Bound":
        cluster.patch(PV, name, binding.volume_status("Bound"), subresource="status")
    cluster.patch(PVC, claim_name, binding.claim_status(pv), namespace, subresource="status")


def _write_volume(cluster: Cluster, step: Step, claim_uid: str = "") -> Object:
    """The volume as it is now; its phase is what it was before."""
    if step.pv is None:
        return cluster.create(binding.volume_to_create(step.wanted.pv, claim_uid))
    change = binding.volume_change(step.pv, step.wanted.pv, claim_uid)
    if not change:
        return step.pv
    return cluster.patch(PV, step.wanted.volume.name, change)


@dataclass(frozen=True)
class Expected:
    """What a restored volume is waited for: its claim ('' where any will do), and whether both must be bound."""

    name: str
    claim: Key = ("", "")
    bound: bool = True


def confirm(cluster: Cluster, expected: Iterable[Expected], timeout: float) -> dict[Key, str]:
    """Watch until every volume and claim is as expected and stays so; their phases then, and those of other claims.

    Raises Conflict where one was deleted meanwhile, and TimedOut, with each volume's phases, after the timeout.
    """
    all_of = tuple(expected)
    allowed: dict[str, dict[Key, tuple[str, ...]]] = {
        PV: {("", e.name): ("Bound",) if e.bound else ("Available", "Bound") for e in all_of},
        PVC: {e.claim: ("Bound",) for e in all_of if e.bound},
    }
    end = time.monotonic() + timeout
    while all_of:
        seen, seen_claims = cluster.each(lambda kind: _look(cluster, kind, allowed[kind]), allowed)
        if seen.quiet and seen_claims.quiet:
            return {**seen.phases, **seen_claims.phases}
        wrong = {**seen.wrong, **seen_claims.wrong}
        for name, phase in wrong.items():
            if phase == GONE:
                raise _deleted(name)
        if time.monotonic() >= end:
            raise _late(timeout, wrong)
    return {}


@dataclass(frozen=True)
class Look:
    """What was seen in a while: all phases at its end, the wrong ones by name, and whether none ever was wrong."""

    phases: dict[Key, str]
    wrong: dict[str, str]
    quiet: bool


def _look(cluster: Cluster, kind: str, allowed: Mapping[Key, tuple[str, ...]]) -> Look:
    seen: dict[Key, str] = {}
    quiet = True
    for change in cluster.watch(kind, QUIET_SECONDS) if allowed else ():
        key = key_of(change.object)
        deleted = change.type == "DELETED" or change.object["metadata"].get("deletionTimestamp")
        seen[key] = GONE if deleted else binding.phase_of(change.object)
        quiet = quiet and seen[key] in allowed.get(key, (seen[key],))
    wrong = {key: seen.get(key, GONE) for key in allowed if seen.get(key, GONE) not in allowed[key]}
    named = {f"{kind} {'/'.join(filter(None, key))}": phase for key, phase in wrong.items()}
    return Look(seen, named, quiet and not wrong)


def _deleted(name: str) -> Conflict:
    return Conflict(f"{name} was deleted while it was restored.", next_step="See who deletes it, then run this again.")


def _late(timeout: float, wrong: Mapping[str, str]) -> TimedOut:
    shown = ", ".join(f"{name} is {phase}" for name, phase in sorted(wrong.items())[:10])
    kind, _space, name = min(wrong, default="pv").partition(" ")
    namespace, _slash, name = name.rpartition("/")
    return TimedOut(
        f"After {timeout:g} seconds {len(wrong)} object(s) are not bound or keep changing: {shown}",
        next_step=f"kubectl describe {kind.lower()} {f'-n {namespace} ' if namespace else ''}{name}",
        details=dict(wrong),
    )
