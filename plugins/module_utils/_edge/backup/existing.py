# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a backup has already, for those who write to it or rely on it: its generations, catalogs and archives."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import (
    CATALOG,
    GENERATIONS,
    Catalog,
    generation_name,
    generation_number,
    same_content,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog_reader import (
    NewerFormat,
    read_catalog,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput

from .files import opened
from .reader import Backup, generations, read_backup


@dataclass(frozen=True)
class ExistingBackups:
    """The generations of a backup. newest: None if there is none, or it is damaged (then damage says how)."""

    names: tuple[str, ...] = ()
    newest: Backup | None = None
    damage: str = ""

    def holds(self, catalog: Catalog) -> bool:
        """True if the newest generation has the same content."""
        return self.newest is not None and same_content(catalog, self.newest.catalog)

    def relied_on_for(self, catalog: Catalog) -> ExistingBackups:
        """Without the newest one if it would stand for a new one with this catalog, and has damaged archives."""
        if self.newest is None or not self.holds(catalog):
            return self
        damaged = self.newest.damaged_archives(self.newest.catalog.volumes)
        return replace(self, newest=None, damage=next(iter(damaged.values()))) if damaged else self

    def next_name(self, created: str) -> str:
        """The name of the generation that would be written now."""
        return generation_name(max((generation_number(name) or 0 for name in self.names), default=0) + 1, created)


def read_catalogs(path: str | Path, names: Iterable[str]) -> list[tuple[str, Catalog | None]]:
    """Generations with their catalogs; None for one that is damaged, as far as its catalog and sizes tell."""
    found: list[tuple[str, Catalog | None]] = []
    for name in names:
        directory = Path(path) / GENERATIONS / name
        try:
            with opened(directory) as files:
                catalog = read_catalog(files.read(CATALOG), str(directory / CATALOG))
                for volume in catalog.volumes:
                    if volume.archive:
                        files.check_size(volume.archive.path, volume.archive.bytes)
            found.append((name, catalog))
        except BadInput:
            found.append((name, None))
    return found


def read_existing(path: str | Path) -> ExistingBackups:
    """For a writer: the generations and the newest one, which may be damaged: a new one does not depend on it.

    Raises NewerFormat if a newer version of this collection wrote it.
    """
    if not (Path(path) / GENERATIONS).is_dir():
        return ExistingBackups()
    names = tuple(generations(path))
    try:
        return ExistingBackups(names, read_backup(path) if names else None)
    except NewerFormat:
        raise
    except BadInput as error:
        return ExistingBackups(names, None, error.message)
