# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read a backup: choose a generation and verify everything against its catalog."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import (
    CATALOG,
    GENERATIONS,
    Catalog,
    SavedVolume,
    generation_number,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog_reader import (
    read_catalog,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.manifests import (
    MANIFESTS,
    WORKLOADS,
    is_saved,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data import checksums
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.checksum_list import totals
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import Key, LeftOut, Saved
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.stored import files as object_files
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import is_number, listed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube import manifests as manifest_text

from .files import USE_OTHER, names_in, opened

_SET_PATH = "Set path to a directory that kindlab.volumes.volume_backup wrote."


@dataclass(frozen=True)
class Backup:
    """A generation whose files, except the archives, were compared with its catalog.

    directory: of the generation; name: of the directory.
    """

    directory: Path
    name: str
    catalog: Catalog

    def workloads(self) -> list[Object]:
        """The saved workloads, of all kinds."""
        return self.objects(WORKLOADS)

    def objects(self, kind: str) -> list[Object]:
        """The saved objects of a kind (of MANIFESTS), in the order of the file; [] if none were saved."""
        path = MANIFESTS[kind]
        if path not in self.catalog.files:
            return []
        objects = manifest_text.from_text(self._content(path), str(self.directory / path))
        for item in objects:
            if not is_saved(kind, item):
                file = self.directory / path
                raise BadInput(f"{file} contains an invalid {kind}: {item!r:.200}", next_step=USE_OTHER)
        return objects

    def saved_objects(self) -> Saved:
        """The saved objects of all kinds, none if they were not requested."""
        objects = self.catalog.objects
        if objects is None:
            return Saved()
        texts = {path: self._content(path) for path in self.catalog.files if object_files.is_objects(path)}
        rows = (LeftOut(Key(row.group, row.kind, row.namespace, row.name), row.why) for row in objects.left_out)
        saved = object_files.from_texts(texts, rows)
        if (len(saved.made), len(saved.changed)) != (objects.made, objects.changed):
            raise BadInput(
                f"{self.directory} holds {len(saved.made)} objects and {len(saved.changed)} changes; the catalog says "
                f"{objects.made} and {objects.changed}.",
                next_step=USE_OTHER,
            )
        return saved

    def entries(self, volume: SavedVolume) -> Sequence[checksums.Entry]:
        """A volume's checksum list, for checksums.compare(); [] if there is none."""
        if not volume.checksum_list:
            return []
        path = self.directory / volume.checksum_list
        with opened(self.directory) as opened_files:
            lines = opened_files.lines(volume.checksum_list, self.catalog.files[volume.checksum_list])
            entries = checksums.from_lines(lines, str(path))
        files, size = totals(entries)
        if not entries or (files, size) != (volume.files, volume.bytes):
            raise BadInput(
                f"{path} lists {files} files of {size} bytes; the catalog says {volume.files} of {volume.bytes}.",
                next_step=USE_OTHER,
            )
        return entries

    def check_archives(self) -> None:
        """Read all archives. Raises BadInput if one does not have the sha256 of the catalog."""
        with opened(self.directory) as files:
            for volume in self.catalog.volumes:
                if volume.archive:
                    files.check(volume.archive.path, volume.archive.sha256)

    def damaged_archives(self, volumes: Iterable[SavedVolume]) -> dict[str, str]:
        """Volume's name -> how its archive is damaged, for those whose archive is. Reads all of them."""

        def damage(volume: SavedVolume) -> str:
            try:
                replace(self, catalog=replace(self.catalog, volumes=(volume,))).check_archives()
            except BadInput as error:
                return error.message.rstrip(".")
            return ""

        volumes = tuple(volumes)
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            found = zip(volumes, pool.map(damage, volumes))
            return {volume.name: why for volume, why in found if why}

    def _content(self, path: str) -> bytes:
        with opened(self.directory) as files:
            return files.read(path, self.catalog.files[path])


def generations(path: str | Path) -> list[str]:
    """The names of the complete generations of a backup, oldest first. Raises BadInput if path is none, TimedOut."""
    top = Path(path)
    try:
        names = names_in(top)
        if GENERATIONS not in names:
            content = f"it contains {listed(sorted(names), 5)}, but not {GENERATIONS}" if names else "it is empty"
            raise BadInput(f"{top} is not a backup: {content}.", next_step=_SET_PATH)
        with os.scandir(top / GENERATIONS) as entries:
            names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError as error:
        raise BadInput(
            f"Cannot read the backup directory {top}: {error.strerror}.",
            tried=f"ls {error.filename}",
            next_step=_SET_PATH,
        ) from None
    return sorted((name for name in names if generation_number(name)), key=lambda name: (generation_number(name), name))


def read_backup(path: str | Path, generation: str | int | None = None) -> Backup:
    """Read a generation: the newest, or the one of this name or number.

    Reads everything except the archives and compares it with the catalog's sha256 (see check_archives and
    restore/extract.py). Raises BadInput if anything is missing, damaged, unreadable, of an unknown format, or leads
    out of the backup.
    """
    names = generations(path)
    if not names:
        raise BadInput(f"The backup directory {path} has no complete generation.", next_step="Run the backup again.")
    requested = "" if generation is None else str(generation)
    number = int(requested) if is_number(requested) else None
    matching = [name for name in names if requested in ("", name) or generation_number(name) == number]
    if not matching:
        raise BadInput(
            f"The backup {path} has no generation {requested}.",
            next_step=f"Set generation to one of {listed(reversed(names))}.",
        )
    directory = Path(path) / GENERATIONS / matching[-1]
    with opened(directory) as files:
        catalog = read_catalog(files.read(CATALOG), str(directory / CATALOG))
        archives = {volume.archive.path: volume.archive for volume in catalog.volumes if volume.archive}
        for file, sha256 in catalog.files.items():
            if file in archives:
                files.check_size(file, archives[file].bytes)
            else:
                files.check(file, sha256)
    return Backup(directory, matching[-1], catalog)
