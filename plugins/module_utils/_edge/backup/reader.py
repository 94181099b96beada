# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads backups from their directory: finds the generation, and believes nothing that its catalog does not prove."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import (
    CATALOG,
    Catalog,
    NewerFormat,
    SavedVolume,
    from_text,
    generation_number,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.manifest_schema import is_saved
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data import checksums
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube import manifests as manifest_text

GENERATIONS = "generations"
# What makes pods with the volumes, of several kinds.
WORKLOADS = "Workload"
MANIFESTS = {
    "Namespace": "manifests/namespaces.yaml",
    "StorageClass": "manifests/storageclasses.yaml",
    "PersistentVolume": "manifests/persistentvolumes.yaml",
    "PersistentVolumeClaim": "manifests/persistentvolumeclaims.yaml",
    WORKLOADS: "manifests/workloads.yaml",
    "Cluster": "manifests/cluster.yaml",
}
CHUNK = 1 << 20

_OTHER = "Use another generation of this backup, or a copy of it."
_MADE = "Name the directory that kindlab.volumes.volume_backup wrote (its option path)."


@dataclass(frozen=True)
class Backup:
    """One generation, checked: its catalog is whole and every file but the archives has its sha256.

    directory: of the generation; name: of the directory; number: its place in the order.
    """

    directory: Path
    name: str
    number: int
    catalog: Catalog

    def objects(self, kind: str) -> list[Object]:
        """The saved objects of a kind (of MANIFESTS), in the order of the file; [] where none were saved."""
        if MANIFESTS[kind] not in self.catalog.files:
            return []
        where = str(self.directory / MANIFESTS[kind])
        found = manifest_text.from_text(self._content(MANIFESTS[kind]), where)
        for item in found:
            if not is_saved(kind, item):
                raise BadInput(f"{where} holds what is no {kind} of a backup: {item!r:.200}", next_step=_OTHER)
        return found

    def entries(self, volume: SavedVolume) -> list[checksums.Entry]:
        """A volume's checksum list, for checksums.compare(); [] where none was made."""
        if not volume.checksum_list:
            return []
        path = self.directory / volume.checksum_list
        found = checksums.from_text(self._content(volume.checksum_list), str(path))
        files, size = checksums.totals(found)
        if not found or (files, size) != (volume.files, volume.bytes):
            raise BadInput(
                f"{path} lists {files} files of {size} bytes, the catalog says {volume.files} of {volume.bytes}.",
                next_step=_OTHER,
            )
        return found

    def check_archives(self) -> None:
        """Read all archives. Raises BadInput where one has not the sha256 that the catalog says."""
        with _opened(self.directory) as root:
            for volume in self.catalog.volumes:
                if volume.archive:
                    _check(root, self.directory, volume.archive.path, volume.archive.sha256)

    def _content(self, path: str) -> bytes:
        with _opened(self.directory) as root:
            return _check(root, self.directory, path, self.catalog.files[path], keep=True)


def generations(path: str | Path) -> list[str]:
    """The names of the complete generations of a backup, oldest first. Raises BadInput where path is no backup."""
    top = Path(path)
    try:
        with os.scandir(top) as found:
            names = [entry.name for entry in found]
        if GENERATIONS not in names:
            raise BadInput(f"The backup directory {top} holds no backup: {_listed(names)}.", next_step=_MADE)
        with os.scandir(top / GENERATIONS) as found:
            names = [entry.name for entry in found if entry.is_dir(follow_symlinks=False)]
    except OSError as error:
        raise BadInput(
            f"The backup directory {top} can't be read: {error.strerror}.",
            tried=f"ls {error.filename}",
            next_step=_MADE,
        ) from None
    return sorted((name for name in names if generation_number(name)), key=lambda name: (generation_number(name), name))


def read_backup(path: str | Path, generation: str | int | None = None) -> Backup:
    """Read one generation, the newest unless one is named by its directory's name or its number.

    Everything but the archives is read and compared with the catalog's sha256 (see check_archives and
    archive.extract). Raises BadInput that names the file and the next step where anything is missing, damaged,
    unreadable, of an unknown format, or leads out of the backup.
    """
    names = generations(path)
    if not names:
        raise BadInput(f"The backup directory {path} holds no complete generation.", next_step="Run the backup again.")
    asked = "" if generation is None else str(generation)
    fitting = [n for n in names if not asked or n == asked or (asked.isdigit() and generation_number(n) == int(asked))]
    if not fitting:
        raise BadInput(
            f"The backup {path} has no generation {asked}.", next_step=f"It has {', '.join(reversed(names[-10:]))}."
        )
    directory = Path(path) / GENERATIONS / fitting[-1]
    with _opened(directory) as root:
        where = str(directory / CATALOG)
        catalog = from_text(_read(root, directory, CATALOG), where)
        archives = {volume.archive.path: volume.archive for volume in catalog.volumes if volume.archive}
        for file, digest in catalog.files.items():
            if file in archives:
                _check_size(root, directory, file, archives[file].bytes)
            else:
                _check(root, directory, file, digest)
    return Backup(directory, fitting[-1], generation_number(fitting[-1]) or 0, catalog)


@dataclass(frozen=True)
class Stored:
    """What a backup directory holds. newest: None where there is none, or none that can be read (then why says it)."""

    names: tuple[str, ...] = ()
    newest: Backup | None = None
    why: str = ""


def read_stored(path: str | Path) -> Stored:
    """The generations and the newest one, for a writer: a damaged newest one is only told of, a new one will follow.

    Raises NewerFormat where a newer version of this collection wrote it.
    """
    if not (Path(path) / GENERATIONS).is_dir():
        return Stored()
    names = tuple(generations(path))
    try:
        return Stored(names, read_backup(path) if names else None)
    except NewerFormat:
        raise
    except BadInput as error:
        return Stored(names, None, error.message)


@contextmanager
def _opened(directory: Path) -> Iterator[int]:
    """A generation's directory; an OSError of what is done in it becomes BadInput."""
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise _unreadable(directory, error) from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def open_below(root: int, path: str) -> int:
    """A descriptor of a regular file below a directory; no part of its path may be a symbolic link."""
    directory = root
    *parents, name = path.split("/")
    try:
        for parent in parents:
            nearer = os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=directory)
            if directory != root:
                os.close(directory)
            directory = nearer
        # O_NONBLOCK: opening a FIFO must not wait for its writer.
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        return file
    finally:
        if directory != root:
            os.close(directory)


def _read(root: int, directory: Path, path: str) -> bytes:
    try:
        with open(open_below(root, path), "rb") as file:
            return file.read()
    except OSError as error:
        raise _unreadable(directory / path, error) from None


def _check(root: int, directory: Path, path: str, digest: str, *, keep: bool = False) -> bytes:
    """Compare a file with its sha256; its content where it is to be kept."""
    kept = []
    sha256 = hashlib.sha256()
    try:
        with open(open_below(root, path), "rb", buffering=0) as file:
            while chunk := file.read(CHUNK):
                sha256.update(chunk)
                if keep:
                    kept.append(chunk)
    except OSError as error:
        raise _unreadable(directory / path, error) from None
    if sha256.hexdigest() != digest:
        raise BadInput(
            f"{directory / path} was changed after the backup: its sha256 is {sha256.hexdigest()}, "
            f"the catalog says {digest}.",
            tried=f"sha256sum {directory / path}",
            next_step=_OTHER,
        )
    return b"".join(kept)


def _check_size(root: int, directory: Path, path: str, size: int) -> None:
    try:
        descriptor = open_below(root, path)
        found = os.fstat(descriptor).st_size
        os.close(descriptor)
    except OSError as error:
        raise _unreadable(directory / path, error) from None
    if found != size:
        raise BadInput(f"{directory / path} has {found} bytes, the catalog says {size}.", next_step=_OTHER)


def _unreadable(path: Path, error: OSError) -> BadInput:
    why = error.strerror
    if error.errno in (errno.ELOOP, errno.ENOTDIR):
        why = "a symbolic link or another kind of file is in its place, which a backup never has"
    return BadInput(f"{path} of the backup can't be read: {why}.", tried=f"ls -l {path}", next_step=_OTHER)


def _listed(names: list[str]) -> str:
    return f"it has {', '.join(sorted(names)[:5])}, but no {GENERATIONS}" if names else "it is empty"
