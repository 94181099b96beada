# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan one volume of a restore: create it, bind it, leave it as it is, or refuse."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.binding import (
    bound,
    joined,
    phase_of,
    with_lasting_policy,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, namespaced_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import claim_of, is_ephemeral
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import volume_places

from .model import CREATE, FINISH, REBIND, UNCHANGED, Observed, Request, SelectedVolume, Step
from .place_refusals import node_refusal, place_refusal
from .refusals import claim_refusal, class_refusal, namespace_refusal, object_refusal

# The finalizer that Kubernetes removes itself, once no pod uses the claim.
_PROTECTION = "kubernetes.io/pvc-protection"


def plan_volume(selected: SelectedVolume, request: Request, observed: Observed) -> Step | Refusal:
    """What happens to one volume, or why it cannot be restored; its data is not considered."""
    volume = selected.volume
    pv, claim = observed.volumes.get(volume.name), observed.claims.get(volume.claim)
    replaced, freed = _replaced_claim(selected, claim, observed) if request.replaces else (None, None)
    claim = None if replaced else claim
    conflict = object_refusal(selected, pv, claim, request) or _replaced_refusal(selected, replaced, freed)
    if conflict:
        return conflict
    places = volume_places(volume, observed.nodes)
    on_host = {place.host_directory for place in places}
    action, why = _action(selected, pv, claim)
    step = Step(
        selected,
        action,
        why + _origin(selected) + _replaced_text(replaced, freed),
        host_directory="".join(on_host) if len(on_host) == 1 else "",
        node=places[0].node if len(places) == 1 and not places[0].host_directory else "",
        pv=pv,
        claim=claim,
        replaced=replaced,
        freed=freed,
    )
    if step.action == UNCHANGED:
        if not request.replaces:
            return step
        # Its workloads may be stopped for a while.
        step = replace(step, pv=pv and with_lasting_policy(pv))
    return (
        namespace_refusal(selected, request, observed)
        or class_refusal(selected, request, observed)
        or node_refusal(selected, request, observed)
        or (None if selected.is_unused else place_refusal(selected, places, observed))
        or _with_data(step)
    )


def _replaced_claim(
    selected: SelectedVolume, claim: Object | None, observed: Observed
) -> tuple[Object | None, Object | None]:
    """The existing claim if it has another volume, or gets one, and nobody deletes it already; and that volume."""
    if claim is None or selected.claim is None or selected.released:
        return None, None
    if selected.volume.claim != selected.saved.claim:
        # Under a new name, it is a claim of somebody else.
        return None, None
    if claim["metadata"].get("deletionTimestamp") or is_ephemeral(claim) or not claim_refusal(selected, claim):
        return None, None
    return claim, observed.volumes.get(claim["spec"].get("volumeName", ""))


def _replaced_text(claim: Object | None, freed: Object | None) -> str:
    """What happens to them, as the end of a sentence."""
    kept = f", and its volume {freed['metadata']['name']} kept" if freed else ""
    return f"; the existing claim {namespaced_name(claim)} is deleted first{kept}" if claim else ""


def _replaced_refusal(selected: SelectedVolume, claim: Object | None, freed: Object | None) -> Refusal | None:
    """A claim whose deletion would not end, or a volume whose data would go with the claim that is replaced."""
    finalizers = {*((claim or {}).get("metadata", {}).get("finalizers") or ())} - {_PROTECTION}
    if finalizers:
        namespace, _slash, name = selected.volume.claim.partition("/")
        return selected.refuse(
            f"the existing claim {selected.volume.claim} cannot be replaced while it has finalizers of others: "
            f"{listed(sorted(finalizers))}",
            f"Wait for what set them, or remove them: kubectl edit pvc -n {namespace} {name}",
        )
    if freed is None or not freed["metadata"].get("deletionTimestamp"):
        return None
    name = freed["metadata"]["name"]
    return selected.refuse(
        f"the volume {name} of the existing claim {selected.volume.claim} is being deleted",
        f"Check its finalizers: kubectl describe pv {name}",
    )


def _origin(selected: SelectedVolume) -> str:
    """What a volume that is restored under other names is in the backup, as the end of a sentence."""
    volume, saved = selected.volume, selected.saved
    other = [old for old, new in ((saved.name, volume.name), (saved.claim, volume.claim)) if old != new]
    return f"; in the backup it is {' of '.join(filter(None, other))}" if any(other) else ""


def _with_data(step: Step) -> Step:
    """The step with how its data is treated."""
    selected = step.selected
    if selected.elsewhere:
        return replace(step, why=f"{step.why}; its data is elsewhere ({selected.elsewhere})")
    return replace(step, compare=bool(selected.volume.node_directory) and not selected.is_unused)


def _action(selected: SelectedVolume, pv: Object | None, claim: Object | None) -> tuple[str, str]:
    """The action, and why."""
    name = selected.volume.claim
    if bound(pv, claim):
        return UNCHANGED, f"is bound to {name}"
    if selected.released:
        return _released_action(selected, pv, claim)
    effect = f"binds to {name}" if selected.claim else f"is available to {name or 'any claim'}"
    if pv is None:
        waiting = claim is not None and claim["spec"].get("volumeName") == selected.volume.name
        return CREATE, effect + (f" (its claim exists and is {phase_of(claim)})" if waiting else "")
    uid = (pv["spec"].get("claimRef") or {}).get("uid", "")
    if uid and (claim is None or claim["metadata"]["uid"] != uid):
        event = "deleted" if claim is None else "recreated"
        return REBIND, f"{effect} (it is {phase_of(pv)}: its claim was {event})"
    available = not joined(pv, claim) and phase_of(pv) == "Available" and claim_of(pv) == name
    if selected.claim is None and available:
        return UNCHANGED, effect
    return FINISH, f"{effect} (it exists and is {phase_of(pv) or 'without a phase'})"


def _released_action(selected: SelectedVolume, pv: Object | None, claim: Object | None) -> tuple[str, str]:
    """A volume whose claim was gone when it was saved comes back like that: a new claim of the name is not its own."""
    name = selected.volume.claim
    effect = f"is Released as in the backup, where its claim {name} was gone"
    if pv is None:
        return CREATE, effect
    if (pv["spec"].get("claimRef") or {}).get("uid") and phase_of(pv) in ("Released", "Failed"):
        return UNCHANGED, f"is {phase_of(pv)} as in the backup"
    if claim is not None and claim["spec"].get("volumeName") == selected.volume.name:
        return UNCHANGED, f"is requested by {name}"
    return FINISH, f"{effect} (it exists and is {phase_of(pv) or 'without a phase'})"
