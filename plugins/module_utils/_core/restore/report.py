# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Results and diff of volume_restore."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.binding import phase_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object

from .model import UNCHANGED, Step


def row(step: Step, reclaim_policy: str, phases: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    """One volume. reclaim_policy: see policies; phases: (namespace, name) -> phase of volumes and claims at the end."""
    volume, saved = step.selected.volume, step.selected.saved
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
        "files": saved.files,
        "digest": saved.digest,
        "checksum": step.checksum,
        "reclaim_policy": policies(step, reclaim_policy)[1],
    }


def policies(step: Step, reclaim_policy: str) -> tuple[str, str]:
    """The volume's reclaim policy before ('' if it does not exist) and after. reclaim_policy: the option."""
    before = str(step.pv["spec"].get("persistentVolumeReclaimPolicy", "Retain")) if step.pv else ""
    if reclaim_policy == "original":
        return before, step.selected.saved.reclaim_policy
    return before, before if step.action == UNCHANGED else "Retain"


def names(objects: Sequence[Object], kind: str) -> list[str]:
    """The names of the objects of a kind."""
    return [item["metadata"]["name"] for item in objects if item["kind"] == kind]


def diff(steps: Sequence[Step], prerequisites: Sequence[Object], reclaim_policy: str) -> tuple[Object, Object]:
    """What changes: volumes with their reclaim policies, namespaces and storage classes."""
    before: dict[str, dict[str, str]] = {"volumes": {}}
    after: dict[str, dict[str, str]] = {"volumes": {}}
    for step in steps:
        old, new = policies(step, reclaim_policy)
        if step.action == UNCHANGED and old == new:
            continue
        state = step.why if step.action == UNCHANGED else f"is {phase_of(step.pv)}"
        before["volumes"][step.name] = f"{state}, {old}" if step.pv else "missing"
        after["volumes"][step.name] = f"{step.why}, {new}"
    for kind, key in (("Namespace", "namespaces"), ("StorageClass", "storage_classes")):
        if created := names(prerequisites, kind):
            before[key] = dict.fromkeys(created, "missing")
            after[key] = dict.fromkeys(created, "as in the backup")
    return before, after
