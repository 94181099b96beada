# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a restore would do with each volume, and why; from objects alone, the data comes after."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.binding import bound, joined, phase_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore_model import (
    ALREADY,
    CREATE,
    FINISH,
    REBIND,
    Observed,
    Step,
    Wanted,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore_place import data_place
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore_refusal import (
    namespace_refuses,
    nodes_refuse,
    objects_refuse,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volume import claim_of


def plan(wanted: Iterable[Wanted], observed: Observed, *, namespaces_too: bool) -> tuple[Step, ...]:
    """A step for each volume, in their order."""
    return tuple(_step(w, observed, namespaces_too) for w in wanted)


def _step(wanted: Wanted, observed: Observed, namespaces_too: bool) -> Step:
    pv = observed.volumes.get(wanted.volume.name)
    claim = observed.claims.get(wanted.volume.claim)
    step = Step(wanted, ALREADY, "", pv=pv, claim=claim)
    place, no_place = data_place(wanted, observed)
    refusal = objects_refuse(wanted, pv, claim)
    if refusal is None:
        step = _decide(step)
        if step.action == ALREADY:
            return replace(step, node=place.node, host_directory=place.host_directory)
        refusal = namespace_refuses(wanted, claim, observed, namespaces_too) or nodes_refuse(wanted, observed)
    refusal = refusal or no_place
    if refusal:
        return step.refused(refusal.why, refusal.next_step)
    data_matters = bool(wanted.volume.node_directory)
    return replace(step, node=place.node, host_directory=place.host_directory, data_matters=data_matters)


def _decide(step: Step) -> Step:
    wanted, pv, claim = step.wanted, step.pv, step.claim
    name = wanted.volume.claim
    if bound(pv, claim):
        return replace(step, action=ALREADY, why=f"is bound to {name}")
    does = f"binds to {name}" if wanted.claim else f"is available to {name}" if name else "is available to any claim"
    if pv is None:
        waiting = claim is not None and claim["spec"].get("volumeName") == wanted.volume.name
        note = f" (the claim is there, {phase_of(claim)}, and names this volume)" if waiting else ""
        return replace(step, action=CREATE, why=does + note)
    held = (pv["spec"].get("claimRef") or {}).get("uid", "")
    if held and (claim is None or claim["metadata"]["uid"] != held):
        gone = "was deleted" if claim is None else "was made anew"
        return replace(step, action=REBIND, why=f"{does} (is {phase_of(pv)}: the claim it had {gone})")
    if wanted.claim is None and not joined(pv, claim) and phase_of(pv) == "Available" and claim_of(pv) == name:
        return replace(step, action=ALREADY, why=does)
    return replace(step, action=FINISH, why=f"{does} (it is there, {phase_of(pv) or 'without a phase'})")
