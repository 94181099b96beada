# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan one volume of a restore: create it, bind it, leave it as it is, or refuse."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import WORKER, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.binding import bound, joined, phase_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume, claim_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import volume_places

from .model import CREATE, FINISH, REBIND, UNCHANGED, Observed, Request, SelectedVolume, Step
from .refusals import namespace_refusal, node_refusal, object_refusal, place_refusal


def plan_volume(selected: SelectedVolume, request: Request, observed: Observed) -> Step | Refusal:
    """What happens to one volume, or why it cannot be restored; its data is not considered."""
    volume = selected.volume
    pv, claim = observed.volumes.get(volume.name), observed.claims.get(volume.claim)
    conflict = object_refusal(selected, pv, claim)
    if conflict:
        return conflict
    places = volume_places(volume, _possible_nodes(volume, observed.nodes))
    on_host = {place.host_directory for place in places} - {""}
    step = Step(
        selected,
        *_action(selected, pv, claim),
        host_directory="".join(on_host) if len(on_host) == 1 else "",
        node=places[0].node if len(places) == 1 and not on_host else "",
        pv=pv,
        claim=claim,
    )
    if step.action == UNCHANGED:
        return step
    return (
        namespace_refusal(selected, request, observed)
        or node_refusal(selected, request, observed)
        or place_refusal(selected, places, observed)
        or replace(step, compare=bool(volume.node_directory))
    )


def _action(selected: SelectedVolume, pv: Object | None, claim: Object | None) -> tuple[str, str]:
    """The action, and why."""
    name = selected.volume.claim
    if bound(pv, claim):
        return UNCHANGED, f"is bound to {name}"
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


def _possible_nodes(volume: Volume, nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    """The nodes that its pods may run on: without an affinity the workers, or all if there are none."""
    if volume.nodes:
        return nodes
    return tuple(node for node in nodes if node.role == WORKER) or nodes
