# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a backup tells: before and after, a line per volume, and warnings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object

from .catalog import Catalog, SavedVolume
from .draft import RETAIN, original_policy
from .plan import Plan


def unknown_since(cluster: str, generation: str, why: str) -> str:
    """The warning of a backup that another one stands for the cluster in."""
    return (
        f"{why} What is saved of the volumes, claims and workloads of {cluster} is what the generation {generation} "
        "says: those that were made, changed or removed since are not known, nor what their pods do. The data is read "
        "from the host's directories as it is now."
    )


def before_after(
    found: Plan,
    newest: Catalog | None,
    final: Catalog,
    stored: Sequence[str],
    kept: Sequence[str],
) -> tuple[Object, Object]:
    """The diff: policies that become Retain, the generations, and what the newest of them says of each volume."""
    return (
        {
            "reclaim_policies": {v.name: v.reclaim_policy for v in found.volumes},
            "generations": list(stored),
            "volumes": {v.name: _summary(v) for v in newest.volumes} if newest else {},
        },
        {
            "reclaim_policies": dict.fromkeys((v.name for v in found.volumes), RETAIN),
            "generations": list(kept),
            "volumes": {v.name: _summary(v) for v in final.volumes},
        },
    )


def lines(found: Plan, final: Catalog) -> list[Object]:
    """A line per volume. archive: its path in the generation, '' for none or while it is only predicted.

    node: '' where the data is on the host.
    """
    saved = {volume.name: volume for volume in final.volumes}
    return [
        {
            "name": volume.name,
            "claim": volume.claim,
            **asdict(found.places[volume.name]),
            "files": saved[volume.name].files,
            "bytes": saved[volume.name].bytes,
            "digest": saved[volume.name].digest,
            "archive": getattr(saved[volume.name].archive, "path", ""),
            "original_reclaim_policy": original_policy(volume),
            "reclaim_policy_before": volume.reclaim_policy,
            "reclaim_policy": RETAIN,
            "in_use_by": found.in_use[volume.name],
        }
        for volume in found.volumes
    ]


def warnings(found: Plan, checksums: str, unreadable: str) -> tuple[str, ...]:
    """unreadable: why the newest generation could not be compared with, '' where it could."""
    told = []
    used = [name for name in (v.name for v in found.volumes) if found.in_use[name]]
    if used:
        meaning = "their data may be half written" + (
            "" if checksums == "none" else ", and will differ from its checksums as soon as they write again"
        )
        told.append(
            f"{len(used)} volume(s) are used by pods, so {meaning}: {', '.join(used[:10])}. "
            "Bring the pods to zero before the backup."
        )
    if unreadable:
        told.append(f"The newest generation is damaged, and a new one does not depend on it: {unreadable}")
    return tuple(told)


def _summary(volume: SavedVolume) -> Object:
    archive = volume.archive.compression if volume.archive else "none"
    return {
        "claim": volume.claim,
        "host_directory": volume.host_directory,
        "files": volume.files,
        "bytes": volume.bytes,
        "digest": volume.digest,
        "archive": archive,
    }
