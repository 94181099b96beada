# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Write generations of a backup: in a hidden directory, synced to disk, then made visible by one rename."""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import (
    CATALOG,
    GENERATIONS,
    Catalog,
    generation_name,
    generation_number,
    to_text,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.console.error_text import AS_ROOT
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.bounds import answer
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.directory import LOCK, only_writer
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.text_file import NO_LOCKS, nearest, obstacle

INCOMPLETE = ".incomplete-"
# From this number of files on, one sync of the file system is faster than one per file.
MANY = 64


def check_place(path: str | Path) -> None:
    """Raise BadInput if path is not a directory, or cannot be created or written to, and TimedOut; changes nothing."""
    top = Path(path)
    answer(partial(os.path.lexists, top), str(top))
    for place in (_nearest(top), top / GENERATIONS):
        if os.path.lexists(place) and not place.is_dir():
            raise _failure(top, NotADirectoryError(errno.ENOTDIR, f"{place} is not a directory", str(place)))
        if os.path.lexists(place) and not os.access(place, os.R_OK | os.W_OK | os.X_OK):
            raise _failure(top, PermissionError(errno.EACCES, f"no write permission for {place}", str(place)))
    if error := obstacle(str(top / LOCK), lock=True):
        raise _failure(top, error)


def _nearest(path: Path) -> Path:
    """The path, or the nearest of its parents that exists."""
    return Path(nearest(str(path)))


@contextmanager
def locked(path: str | Path) -> Iterator[None]:
    """Create the backup directory if it is missing, be its only writer, and remove what a killed one left.

    Raises Conflict if another run writes to it, BadInput if this user cannot.
    """
    top = Path(path)
    with only_writer(top, f"writing to the backup directory {top}", lambda error: _failure(top, error)):
        for left in top.glob(f"{INCOMPLETE}*"):
            shutil.rmtree(left, ignore_errors=True)
        yield


class Writer:
    """A generation being written. files: path in it -> sha256, of everything written so far."""

    def __init__(self, path: str | Path, needed: int = 0) -> None:
        """needed: the approximate size in bytes, for the error if the disk is full."""
        self.top = Path(path)
        self.needed = needed
        self.files: dict[str, str] = {}
        self.directory = self.top / f"{INCOMPLETE}{secrets.token_hex(8)}"
        self._made = {self.directory}

    def __enter__(self) -> Writer:
        with self._reported():
            self.directory.mkdir(mode=0o700)
        return self

    def __exit__(self, *_error: object) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)

    def write(self, path: str, text: str | Iterable[str]) -> None:
        """One file. path: relative to the generation. text: whole, or in pieces."""
        sha256 = hashlib.sha256()
        with self.open(path) as file, self._reported():
            for piece in (text,) if isinstance(text, str) else text:
                content = piece.encode("utf-8")
                sha256.update(content)
                file.write(content)
        self.files[path] = sha256.hexdigest()

    def discard(self, path: str) -> None:
        """Remove a file, if it was written, to write it again."""
        (self.directory / path).unlink(missing_ok=True)
        self.files.pop(path, None)

    @contextmanager
    def open(self, path: str) -> Iterator[IO[bytes]]:
        """A file to write piece by piece; the caller adds its sha256 to files."""
        place = self.directory / path
        with self._reported():
            self._make(place.parent)
            descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with open(descriptor, "wb") as file:
                yield file

    def _make(self, directory: Path) -> None:
        """A directory of the generation, with those above it."""
        if directory not in self._made:
            self._make(directory.parent)
            directory.mkdir(mode=0o700, exist_ok=True)
            self._made.add(directory)

    def publish(self, catalog: Catalog) -> str:
        """Write the catalog, sync everything, and make it the newest generation; returns its name."""
        self.write(CATALOG, to_text(catalog))
        with self._reported():
            self._flush()
            visible = self.top / GENERATIONS
            visible.mkdir(mode=0o700, exist_ok=True)
            newest = max((generation_number(name) or 0 for name in os.listdir(visible)), default=0)
            name = generation_name(newest + 1, catalog.created)
            self.directory.rename(visible / name)
            for changed in (visible, self.top):
                sync(changed)
        return name

    def _flush(self) -> None:
        if len(self.files) > MANY:
            _sync_file_system(self.directory)
            return
        for path in self.files:
            sync(self.directory / path)
        for directory in self._made:
            sync(directory)

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise _failure(self.top, error, self.needed) from None


def remove_generations(path: str | Path, names: Iterable[str]) -> None:
    """Remove generations; each is hidden by a rename first, so that none is ever partly visible."""
    top = Path(path)
    for name in names:
        hidden = top / f"{INCOMPLETE}{secrets.token_hex(8)}"
        try:
            (top / GENERATIONS / name).rename(hidden)
            shutil.rmtree(hidden)
        except OSError as error:
            raise _failure(top, error) from None


def sync(path: Path) -> None:
    """Sync a file, or the names in a directory, to disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_file_system(directory: Path) -> None:
    syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if syncfs is None:
        os.sync()
        return
    descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if syncfs(descriptor) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(directory))
    finally:
        os.close(descriptor)


def _failure(top: Path, error: OSError, needed: int = 0) -> KindlabError:
    tried = f"ls -ld {error.filename or top}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        free = shutil.disk_usage(top).free
        return KindlabError(
            f"The disk of the backup directory {top} is full: {free:,} bytes are free, up to {needed:,} are needed. "
            "This generation was discarded.",
            tried=f"df -h {top}",
            next_step="Free some space, set path to a larger disk, or keep fewer generations (keep).",
        )
    if error.errno in NO_LOCKS:
        return BadInput(
            f"The file system of the backup directory {top} does not support locks (flock): {error.strerror}.",
            tried=f"df -T {top}",
            next_step="Set path to a directory on a local disk.",
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return BadInput(
            f"Cannot write to the backup directory {top}: {error.strerror}.",
            tried=tried,
            next_step=f"Set path to a directory of this user, or {AS_ROOT}.",
        )
    return BadInput(
        f"Cannot use the backup directory {top}: {error.strerror}.",
        tried=tried,
        next_step="Set path to a directory; it is created if it is missing.",
    )
