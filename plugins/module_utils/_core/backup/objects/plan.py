# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan a generation that holds objects only: its files and catalog, and whether the newest one has the same."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import (
    CATALOG,
    GENERATIONS,
    Catalog,
    SavedCluster,
    same_content,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.retention import Retention
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.selection import Selection
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.stored.collected import Collected
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.stored.files import to_texts
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import check_numbers
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal, decline

from .counted import counted


@dataclass(frozen=True)
class Request:
    """The options of object_backup, checked. path: absolute."""

    cluster: str
    path: str
    selection: Selection = field(default_factory=Selection)
    keep: int = 0

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Request:
        """Raises BadInput."""
        check_numbers(options)
        path = str(Path(options["path"]).absolute())
        return cls(options["cluster"], path, Selection.from_options(options), options["keep"])


@dataclass(frozen=True)
class Existing:
    """What the backup directory has. newest: None if there is none, or it is damaged (then damage says how)."""

    names: Sequence[str] = ()
    newest: Catalog | None = None
    damage: str = ""


@dataclass(frozen=True)
class Plan:
    """The generation. files: path in it -> text. new: the newest one has other content."""

    request: Request
    collected: Collected
    existing: Existing
    catalog: Catalog
    files: Mapping[str, str]
    new: bool

    def result(self, generation: str, retention: Retention) -> Object:
        """What the module returns, without the seconds. generation: the one that holds the objects now."""
        directory = Path(self.request.path) / GENERATIONS / generation
        return {
            "generation": generation,
            # Not 'path': Ansible adds owner, mode and size to a result with that name.
            "directory": str(directory),
            "catalog": str(directory / CATALOG),
            "removed_generations": list(retention.removed),
            "kept_generations": [{"generation": name, "why": why} for name, why in retention.kept.items()],
            "objects": self.collected.result(),
        }

    def diff(self, generation: str, retention: Retention) -> tuple[Object, Object]:
        """Before and after: the generations, and how many objects the newest one holds."""
        before = self.existing.newest.objects if self.existing.newest else None
        now = self.collected.saved
        names = [*self.existing.names, *([generation] if self.new else [])]
        return (
            {
                "generations": list(self.existing.names),
                "objects": {"made": before.made, "changed": before.changed} if before else {},
            },
            {
                "generations": [name for name in names if name not in retention.removed],
                "objects": {"made": len(now.made), "changed": len(now.changed)},
            },
        )

    def warnings(self) -> tuple[str, ...]:
        """What a restore will not bring back, and damage."""
        damage = self.existing.damage
        damaged = f"The newest generation is damaged; this backup does not depend on it: {damage}"
        return (*self.collected.warnings(), *([damaged] if damage else []))


def plan(request: Request, cluster: SavedCluster, collected: Collected, existing: Existing, created: str) -> Plan:
    """Raises BadInput if no object matches the request, Declined if the directory has backups of volumes."""
    saved = collected.saved
    if not (saved.made or saved.changed or request.selection.is_everything):
        raise BadInput(
            f"No object of the cluster {request.cluster} matches all of namespaces, kinds and label_selectors.",
            next_step="List objects that people make most: kubectl get all,configmaps,secrets -A --show-labels",
        )
    if existing.newest is not None and existing.newest.volumes:
        step = "Set path to another directory, or save both in one generation with kindlab.volumes.volume_backup."
        decline(
            "The objects cannot be saved there",
            [Refusal(request.path, f"its newest generation, {existing.names[-1]}, holds volumes", step)],
        )
    files = to_texts(saved)
    catalog = Catalog(
        created,
        cluster,
        checksums="none",
        files={path: hashlib.sha256(text.encode()).hexdigest() for path, text in files.items()},
        objects=counted(collected),
    )
    new = existing.newest is None or not same_content(catalog, existing.newest)
    return Plan(request, collected, existing, catalog, files, new)
