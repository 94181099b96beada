# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Generations of backups: which ones nothing else needs, and which directories a backup is useless without."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Iterator

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import GENERATIONS, HOST, Catalog
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.retention import removable

from .directories import Former
from .model import GENERATION, BackupState, Item, Kept
from .names import time_of


def generation_items(state: BackupState) -> Iterator[Item]:
    """The generations of a backup. Those that alone hold something, and the newest one, are last copies."""
    names = [name for name, _catalog in state.generations]
    kept = removable(state.generations, names, ()).kept
    newest = next((name for name, catalog in reversed(state.generations) if catalog), "")
    for name in names:
        path = generation_path(state, name)
        item = Item(GENERATION, path, path, state.path, state.path, since=time_of(name))
        item = item.but(writing(state))
        if state.resumes:
            again = "Run kindlab.volumes.kind_cluster_recreate again: it resumes."
            item = item.but(Kept("a recreation that is not finished needs it", again, is_last_copy=True))
        if name == newest:
            item = item.but(Kept("it is the newest generation", is_last_copy=True))
        yield item.but(Kept(kept[name], is_last_copy=True) if name in kept else None)


def writing(state: BackupState) -> Kept | None:
    """Why nothing of a backup can go at this moment, None if it can."""
    if not state.writer:
        return None
    return Kept(f"another run is writing to the backup directory {state.path}", "Wait until it has finished.")


def generation_path(state: BackupState, name: str) -> str:
    """The directory of a generation."""
    return posixpath.join(state.path, GENERATIONS, name)


def standing(states: Iterable[BackupState], gone: Collection[str]) -> Iterator[tuple[str, str, str]]:
    """Directories without which a generation has no data, with that generation, as Related takes them.

    gone: directories of generations that do not count.
    """
    yield from ((directory, "", who) for directory, who, _written in _standing(states, gone))


def standing_since(states: Iterable[BackupState], gone: Collection[str]) -> dict[str, tuple[float, str]]:
    """The same directories with the oldest such generation of each: what is set aside later may be its data."""
    found: dict[str, tuple[float, str]] = {}
    for directory, who, written in _standing(states, gone):
        found[directory] = min((written, who), found.get(directory, (written, who)))
    return found


def _standing(states: Iterable[BackupState], gone: Collection[str]) -> Iterator[tuple[str, str, float]]:
    """Directory, who needs it, and since when."""
    for state in states:
        for name, catalog in state.generations:
            if catalog and generation_path(state, name) not in gone:
                who = f"a volume of which generation {name} of {state.path} has no archive"
                yield from ((directory, who, time_of(name) or 0) for directory in _unarchived(catalog))


def saved_directories(states: Iterable[BackupState]) -> dict[str, Former]:
    """Host directory -> the volume and claim that was in it, as the newest generation says."""
    return {
        volume.host_directory: (volume.name, volume.claim)
        for state in states
        for _name, catalog in state.generations
        if catalog
        for volume in catalog.volumes
        if volume.host_directory
    }


def _unarchived(catalog: Catalog) -> Iterator[str]:
    for volume in catalog.volumes:
        if volume.data == HOST and volume.archive is None and volume.host_directory:
            yield posixpath.normpath(volume.host_directory)
