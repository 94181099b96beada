# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Result of a backup: diff, the module's result, and warnings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.binding import unbindable_warning
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import claimed, count, listed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import Place

from .catalog import CATALOG, GENERATIONS, Catalog, SavedObjects, SavedVolume
from .plan import RETAIN, Plan, original_policy
from .retention import Retention


@dataclass(frozen=True)
class BackupResult:
    """The backup directory before and after, in check mode as it would be.

    generation, catalog: of the one that holds the volumes now; new: it did not exist before. existing: names of the
    generations before; newest: the catalog of the newest one, None if there is none, or it is damaged (then damage
    says how). retention: which generations are removed.
    """

    plan: Plan
    generation: str
    catalog: Catalog
    new: bool
    existing: Sequence[str]
    newest: Catalog | None
    damage: str
    retention: Retention

    @property
    def changed(self) -> bool:
        """True if anything is written."""
        return bool(self.plan.retain or self.new or self.retention.removed)

    def diff(self) -> tuple[Object, Object]:
        """Before and after: reclaim policies, generations, and the volumes in the newest of them."""
        generations = [*self.existing, *([self.generation] if self.new else [])]
        newest = self.newest.objects if self.newest else None
        before, after = (
            {"objects": _numbers(saved)} if self.plan.objects else {} for saved in (newest, self.catalog.objects)
        )
        return (
            {
                "reclaim_policies": {v.name: v.reclaim_policy for v in self.plan.volumes},
                "generations": list(self.existing),
                "volumes": {v.name: _summary(v) for v in self.newest.volumes} if self.newest else {},
                **before,
            },
            {
                "reclaim_policies": {v.name: RETAIN for v in self.plan.volumes},
                "generations": [name for name in generations if name not in self.retention.removed],
                "volumes": {v.name: _summary(v) for v in self.catalog.volumes},
                **after,
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
            "removed_generations": list(self.retention.removed),
            "kept_generations": [{"generation": name, "why": why} for name, why in self.retention.kept.items()],
            "volumes": self._volumes(),
            "claims": [
                {"claim": claim, "phase": phase, "why": self.plan.unbindable.get(claim, "")}
                for claim, phase in self.plan.waiting.items()
            ],
            **({"objects": self.plan.objects.result()} if self.plan.objects else {}),
        }

    def warnings(self) -> tuple[str, ...]:
        """What a restore will not bring back as it is, damage, and generations that stay."""
        return tuple(warning for warning in (*self._data_warnings(), *self._object_warnings()) if warning)

    def _data_warnings(self) -> Iterator[str]:
        unused = self.plan.request.assume_unused
        claims = {volume.name: volume.claim for volume in self.plan.volumes}
        changing = [claimed(v.name, v.claim) for v in self.catalog.volumes if not v.consistent and v.name not in unused]
        if changing:
            yield (
                f"The data of {count(len(changing), 'volume')} is not saved consistently, because it was written to "
                f"whenever it was read: {listed(changing)}. Scale their workloads to zero and run this again "
                "(kindlab.volumes.volume_detach)."
            )
        users = self.plan.in_use_by.items()
        used = [claimed(name, claims.get(name, "")) for name, pods in users if pods and name in self.plan.places]
        if used:
            yield (
                f"The data of {count(len(used), 'volume')} may be inconsistent, because pods use it: {listed(used)}"
                + ("." if self.catalog.checksums == "none" else "; it will differ from its checksums when pods write.")
                + " Scale their workloads to zero before a backup (kindlab.volumes.volume_detach)."
            )
        if self.plan.elsewhere:
            where = [f"{claims.get(name) or name} ({text})" for name, text in self.plan.elsewhere.items()]
            yield (
                f"The data of {count(len(where), 'volume')} is not in this backup, which has only manifests of "
                f"{'it' if len(where) == 1 else 'them'}: {listed(where)}"
            )
        if self.damage:
            yield f"The newest generation is damaged; this backup does not depend on it: {self.damage}"

    def _object_warnings(self) -> Iterator[str]:
        yield from self.plan.objects.warnings() if self.plan.objects else ()
        going = [claimed(v.name, v.claim) for v in self.plan.volumes if v.is_terminating]
        if going:
            yield (
                f"{count(len(going), 'volume')} or {'its' if len(going) == 1 else 'their'} claims are being deleted: "
                f"{listed(going)}. The data stays, because the reclaim policy is Retain."
            )
        lost = [claim for claim, phase in self.plan.waiting.items() if phase == "Lost"]
        if lost:
            names = listed(lost)
            yield f"The volume of {count(len(lost), 'claim')} no longer exists: {names}. Only the claim is saved."
        if self.plan.unbindable:
            yield unbindable_warning(self.plan.unbindable)
        for name, why in self.retention.kept.items():
            yield (
                f"The generation {name} is not removed, although keep={self.plan.request.keep}: {why}. If that is not "
                f"needed any more: rm -r {Path(self.plan.request.path) / GENERATIONS / name}"
            )

    def _volumes(self) -> list[Object]:
        saved = {volume.name: volume for volume in self.catalog.volumes}
        return [self._row(volume, saved[volume.name]) for volume in self.plan.volumes]

    def _row(self, volume: Volume, saved: SavedVolume) -> Object:
        return {
            "name": volume.name,
            "claim": volume.claim,
            "phase": saved.phase,
            "data": saved.data,
            "source": saved.source,
            **self.plan.places.get(volume.name, Place("", volume.node_directory, "")).as_dict(),
            "files": saved.files,
            "bytes": saved.bytes,
            "consistent": saved.consistent,
            "digest": saved.digest,
            "archive": getattr(saved.archive, "path", ""),
            "original_reclaim_policy": original_policy(volume),
            "reclaim_policy_before": volume.reclaim_policy,
            "reclaim_policy": RETAIN,
            "in_use_by": self.plan.in_use_by[volume.name],
        }


def stale_warning(cluster: str, generation: str, why: str) -> str:
    """Warning: this backup was made from an older one because the API server is down."""
    return (
        f"{why} The volumes, claims and workloads of {cluster} are those of generation {generation}: later changes, "
        "and pods that use the volumes, are unknown. The data is read from the host's directories as it is now."
    )


def _numbers(saved: SavedObjects | None) -> Object:
    return {"made": saved.made, "changed": saved.changed} if saved else {}


def _summary(volume: SavedVolume) -> Object:
    return {
        "claim": volume.claim,
        "data": volume.data,
        "host_directory": volume.host_directory,
        "files": volume.files,
        "bytes": volume.bytes,
        "digest": volume.digest,
        "archive": volume.archive.compression if volume.archive else "none",
    }
