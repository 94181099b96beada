# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a restore would do with each volume, and why; from objects alone, the data comes after."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.view import RUNNING
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.binding import bound, joined, phase_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume, claim_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import Place, volume_places

from .model import (
    ALREADY,
    CREATE,
    FINISH,
    REBIND,
    Observed,
    Step,
    Wanted,
)
from .refusals import (
    Refusal,
    namespace_refuses,
    nodes_refuse,
    objects_refuse,
)


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


NOWHERE = Place("", "", "")


def data_place(wanted: Wanted, observed: Observed) -> tuple[Place, Refusal | None]:
    """The place, its node '' where the host has the data; or why the data can't be there."""
    volume = wanted.volume
    if not volume.node_directory:
        return NOWHERE, None
    places = volume_places(volume, _serving(volume, observed.nodes))
    on_host = sorted({place.host_directory for place in places} - {""})
    if len(on_host) > 1:
        return NOWHERE, Refusal(
            f"its nodes keep {volume.node_directory} in different directories of the host: {', '.join(on_host)}",
            "Mount one host directory at the same place in all nodes.",
        )
    if on_host:
        return Place("", volume.node_directory, on_host[0]), None
    return places[0] if len(places) == 1 else NOWHERE, _inside_refuses(wanted, places, observed)


def _inside_refuses(wanted: Wanted, places: tuple[Place, ...], observed: Observed) -> Refusal | None:
    """Data that goes with its node comes from an archive, and into the one node where it is looked for."""
    saved, path = wanted.saved, wanted.volume.node_directory
    if saved.archive is None:
        was = f" (it was {saved.host_directory})" if saved.host_directory else ""
        return Refusal(
            f"{path} is no directory of the host in this cluster's nodes{was}, and the backup has no archive of it",
            "Create the cluster with the mount that its data needs, or use a backup that was made with data: archive.",
        )
    if len(places) != 1:
        return Refusal(
            f"{path} is no directory of the host, and its pods may run on {', '.join(p.node for p in places)}, each "
            f"with a directory of its own",
            "Create the cluster with a host directory mounted there in all nodes.",
        )
    state = next(node.state for node in observed.nodes if node.name == places[0].node)
    if state != RUNNING:
        return Refusal(
            f"{path} is inside its node {places[0].node}, which is {state}",
            "kindlab.volumes.kind_cluster with state: present starts the cluster's nodes.",
        )
    return None


def _serving(volume: Volume, nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    """The nodes where its pods may run: those it names, else the workers, else all."""
    if volume.nodes:
        return nodes
    return tuple(n for n in nodes if n.role == "worker") or nodes
