# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Volumes of generic ephemeral volumes, also those whose pods and claims are gone and that are about to be deleted."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.workloads import template


def ephemeral_volumes(volumes: Iterable[Volume], workloads: Iterable[Object]) -> set[str]:
    """The names of ephemeral volumes. workloads: of all kinds, whose pods have them.

    Without its claim one is known by the claim's name, POD-VOLUME, as pods are named after their workloads.
    """
    parts = {
        (item["metadata"].get("namespace", ""), item["metadata"]["name"], volume.get("name", ""))
        for item in workloads
        for volume in (template(item).get("spec") or {}).get("volumes") or ()
        if "ephemeral" in volume
    }
    return {v.name for v in volumes if v.is_ephemeral or (_is_deleted(v) and _has_name(v.claim, parts))}


def _is_deleted(volume: Volume) -> bool:
    """True for a volume that its provisioner deletes because its claim is gone."""
    return bool(volume.provisioned_by) and volume.reclaim_policy == "Delete" and not volume.claim_phase


def _has_name(claim: str, parts: Iterable[tuple[str, str, str]]) -> bool:
    namespace, _slash, name = claim.partition("/")
    return any(
        namespace == own and name.startswith(f"{workload}-") and name.endswith(f"-{volume}")
        for own, workload, volume in parts
    )
