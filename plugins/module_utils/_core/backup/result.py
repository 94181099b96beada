# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Result of a backup: diff, the module's result, and warnings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import count, listed

from .catalog import CATALOG, GENERATIONS, Catalog, SavedVolume
from .plan import RETAIN, Plan, original_policy


@dataclass(frozen=True)
class BackupResult:
    """The backup directory before and after, in check mode as it would be.

    generation, catalog: of the one that holds the volumes now; new: it did not exist before. existing: generations
    before; newest: the catalog of the newest one, None if there is none, or it is damaged (then damage says how).
    removed: generations that are removed.
    """

    plan: Plan
    generation: str
    catalog: Catalog
    new: bool
    existing: Sequence[str]
    newest: Catalog | None
    damage: str
    removed: Sequence[str]

    @property
    def changed(self) -> bool:
        """True if anything is written."""
        return bool(self.plan.retain or self.new or self.removed)

    def diff(self) -> tuple[Object, Object]:
        """Before and after: reclaim policies, generations, and the volumes in the newest of them."""
        generations = [*self.existing, *([self.generation] if self.new else [])]
        return (
            {
                "reclaim_policies": {v.name: v.reclaim_policy for v in self.plan.volumes},
                "generations": list(self.existing),
                "volumes": {v.name: _summary(v) for v in self.newest.volumes} if self.newest else {},
            },
            {
                "reclaim_policies": {v.name: RETAIN for v in self.plan.volumes},
                "generations": [name for name in generations if name not in self.removed],
                "volumes": {v.name: _summary(v) for v in self.catalog.volumes},
            },
        )

    def result(self) -> Object:
        """What the module returns, without the seconds."""
        directory = Path(self.plan.request.path) / GENERATIONS / self.generation
        return {
            "generation": self.generation,
            # Not 'path': Ansible adds owner, mode and size to a result with that name.
            "directory": str(directory),
            "catalog": str(directory / CATALOG),
            "removed_generations": list(self.removed),
            "volumes": self._volumes(),
        }

    def warnings(self) -> tuple[str, ...]:
        """Volumes in use, and a damaged generation."""
        warnings = []
        used = [name for name, pods in self.plan.in_use_by.items() if pods]
        if used:
            warnings.append(
                f"The data of {count(len(used), 'volume')} may be inconsistent, because pods use it: {listed(used)}"
                + ("." if self.catalog.checksums == "none" else "; it will differ from its checksums when pods write.")
                + " Scale their workloads to zero before a backup (kindlab.volumes.volume_detach)."
            )
        if self.damage:
            warnings.append(f"The newest generation is damaged; this backup does not depend on it: {self.damage}")
        return tuple(warnings)

    def _volumes(self) -> list[Object]:
        saved = {volume.name: volume for volume in self.catalog.volumes}
        return [
            {
                "name": volume.name,
                "claim": volume.claim,
                **self.plan.places[volume.name].as_dict(),
                "files": saved[volume.name].files,
                "bytes": saved[volume.name].bytes,
                "digest": saved[volume.name].digest,
                "archive": getattr(saved[volume.name].archive, "path", ""),
                "original_reclaim_policy": original_policy(volume),
                "reclaim_policy_before": volume.reclaim_policy,
                "reclaim_policy": RETAIN,
                "in_use_by": self.plan.in_use_by[volume.name],
            }
            for volume in self.plan.volumes
        ]


def stale_warning(cluster: str, generation: str, why: str) -> str:
    """Warning: this backup was made from an older one because the API server is down."""
    return (
        f"{why} The volumes, claims and workloads of {cluster} are those of generation {generation}: later changes, "
        "and pods that use the volumes, are unknown. The data is read from the host's directories as it is now."
    )


def _summary(volume: SavedVolume) -> Object:
    return {
        "claim": volume.claim,
        "host_directory": volume.host_directory,
        "files": volume.files,
        "bytes": volume.bytes,
        "digest": volume.digest,
        "archive": volume.archive.compression if volume.archive else "none",
    }
