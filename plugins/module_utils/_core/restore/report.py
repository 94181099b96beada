# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A restore for people: a line per volume, before and after, and the refusal that lists every reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.binding import phase_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object

from .model import ALREADY, REFUSE, Observed, Step
from .node_map import likely_map

SHOWN = 10


def line(step: Step, how: str, phases: Mapping[tuple[str, str], str]) -> Object:
    """One volume of the result. how: see policies; phases: those seen at the end, of volumes and claims by key."""
    volume = step.wanted.volume
    namespace, _slash, name = volume.claim.partition("/")
    expected = ("Bound", "Bound") if step.binding.binds else ("Available", phase_of(step.claim))
    return {
        "name": volume.name,
        "claim": volume.claim,
        "action": step.action,
        "why": step.why,
        "nodes": list(volume.nodes),
        "node_directory": volume.node_directory,
        "node": step.node,
        "host_directory": step.host_directory,
        "phase": phases.get(("", volume.name), expected[0]),
        "claim_phase": phases.get((namespace, name), expected[1]),
        "files": step.wanted.saved.files,
        "digest": step.wanted.saved.digest,
        "checksum": step.checksum,
        "reclaim_policy": policies(step, how)[1],
    }


def policies(step: Step, how: str) -> tuple[str, str]:
    """(reclaim policy now, '' where there is no volume; reclaim policy once the step is done). how: keep, original."""
    now = str(step.pv["spec"].get("persistentVolumeReclaimPolicy", "Retain")) if step.pv else ""
    if how == "original":
        return now, step.wanted.saved.reclaim_policy
    return now, now if step.action == ALREADY else "Retain"


def before_after(steps: Sequence[Step], around: Sequence[Object], how: str) -> tuple[Object, Object]:
    """What changes: volumes with their reclaim policies, namespaces and storage classes. how: see policies."""
    before: dict[str, dict[str, str]] = {"volumes": {}}
    after: dict[str, dict[str, str]] = {"volumes": {}}
    for step in steps:
        name = step.wanted.volume.name
        was, becomes = policies(step, how)
        if step.action == ALREADY and was == becomes:
            continue
        then = f"is {phase_of(step.pv)}, {was}" if step.pv else "is not there"
        if step.action == ALREADY:
            then = f"{step.why}, {was}"
        before["volumes"][name] = then
        after["volumes"][name] = f"{step.why}, {becomes}"
    for kind, word in (("Namespace", "namespaces"), ("StorageClass", "storage_classes")):
        made = [item["metadata"]["name"] for item in around if item["kind"] == kind]
        if made:
            before[word] = dict.fromkeys(made, "is not there")
            after[word] = dict.fromkeys(made, "as in the backup")
    return before, after


def inside_nodes(steps: Sequence[Step]) -> tuple[str, ...]:
    """A warning where restored data goes with its node, () where all of it outlives the cluster."""
    names = [step.wanted.volume.name for step in steps if step.node and step.action != ALREADY]
    if not names:
        return ()
    more = ", ..." if len(names) > SHOWN else ""
    return (
        f"{len(names)} volume(s) have their data inside a node of this cluster, no directory of the host, and it goes "
        f"with the node: {', '.join(names[:SHOWN])}{more}.",
    )


def refusal(steps: Sequence[Step], observed: Observed, old_cluster: str, new_cluster: str) -> Declined | None:
    """One error with every volume that can't be restored and why, None where all can."""
    refused = [step for step in steps if step.action == REFUSE]
    if not refused:
        return None
    reasons = [f"{s.wanted.volume.name} ({s.wanted.volume.claim or 'no claim'}): {s.why}" for s in refused]
    more = [f"and {len(reasons) - SHOWN} more"] if len(reasons) > SHOWN else []
    steps_out = list(dict.fromkeys(step.next_step for step in refused))
    gone = {n for s in refused for n in s.wanted.volume.nodes if n not in observed.node_names}
    meant = likely_map(old_cluster, gone, new_cluster, observed.node_names)
    if meant:
        steps_out.append(f"Here node_map is probably {{{', '.join(f'{old}: {new}' for old, new in meant.items())}}}.")
    return Declined(
        f"Nothing was changed: {len(refused)} of {len(steps)} volumes can't be restored as they were saved:\n- "
        + "\n- ".join(reasons[:SHOWN] + more),
        next_step="\n- ".join(["", *steps_out]) if len(steps_out) > 1 else steps_out[0],
        details=[
            {
                "name": step.wanted.volume.name,
                "claim": step.wanted.volume.claim,
                "reason": step.why,
                "next_step": step.next_step,
            }
            for step in refused
        ],
    )
