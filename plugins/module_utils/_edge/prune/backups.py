# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read backups that may be pruned: generations, whether a run needs or writes them, and what killed runs left."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import GENERATIONS, HOST, Catalog
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.loaded_images.index import DIRECTORY as IMAGES
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.generations import generation_items, writing
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.model import LEFTOVER, BackupState, Item, Kept
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.journal import latest
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.existing import read_catalogs
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import generations
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.writer import INCOMPLETE
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.directory import LOCK, is_locked
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.recreate.journal import JOURNAL, Journal

from .trash import trash_in, trash_items

_AGAIN = "Run kindlab.volumes.kind_cluster_recreate again: it resumes."


def find_backup(path: str) -> BackupState:
    """A backup. Raises BadInput if the path is none."""
    top = Path(path)
    # One whose first run was killed has a lock, but no generation.
    names = generations(path) if os.path.isdir(top / GENERATIONS) or not os.path.isfile(top / LOCK) else []
    catalogs = read_catalogs(path, names)
    return BackupState(
        path,
        tuple((name, catalog and _with_data(catalog)) for name, catalog in catalogs),
        resumes=_resumes(path),
        writer=is_locked(top) or is_locked(top / IMAGES),
    )


def backup_items(state: BackupState) -> Iterator[Item]:
    """Generations, what killed runs left, the journal of recreations, and the trash."""
    top, kept = state.path, writing(state)
    yield from generation_items(state)
    for directory in (Path(top), Path(top) / IMAGES):
        for left in sorted(map(str, directory.glob(f"{INCOMPLETE}*"))):
            yield Item(LEFTOVER, left, left, top, str(directory), kept=kept)
    journal = os.path.join(top, JOURNAL)
    if os.path.isfile(journal):
        needed = Kept("a recreation is not finished", _AGAIN, is_last_copy=True) if state.resumes else None
        yield Item(LEFTOVER, journal, journal, top, top, kept=kept or needed)
    yield from (item.but(kept) for item in trash_items(top, lock=top))


def _with_data(catalog: Catalog) -> Catalog:
    """Without volumes whose only data was in a directory that is gone: the generation does not hold them any more."""
    there = (v for v in catalog.volumes if v.archive or v.data != HOST or _is_there(v.host_directory))
    return replace(catalog, volumes=tuple(there))


def _is_there(path: str) -> bool:
    """False if a directory is gone for good: one that this user cannot look at, or that is in the trash, is there."""
    parent, name = os.path.split(os.path.normpath(path))
    try:
        if stat.S_ISDIR(os.stat(path).st_mode):
            return True
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError:
        return True
    try:
        return any(own == name for _stamp, own in trash_in(parent))
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True


def _resumes(path: str) -> bool:
    """True if a recreation is not finished, or its journal cannot be read."""
    try:
        return not latest(Journal(path).entries()).ended
    except BadInput:
        return True
