# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read files of a generation: regular files below its directory only, compared with their size or sha256."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.bounds import answer
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.hashing import cpu_count

T = TypeVar("T")
R = TypeVar("R")

CHUNK = 1 << 20
USE_OTHER = "Use another generation of this backup, or a copy of it."


def names_in(directory: Path) -> list[str]:
    """The names in a directory. Raises OSError, and TimedOut if its file system does not answer."""
    return answer(partial(os.listdir, directory), str(directory))


@contextmanager
def opened(directory: Path) -> Iterator[Files]:
    """The files of a generation."""
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise _unreadable(directory, error) from None
    try:
        yield Files(directory, descriptor)
    finally:
        os.close(descriptor)


def each(function: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """The results for all items, in order, on all processors."""
    with ThreadPoolExecutor(cpu_count()) as pool:
        return list(pool.map(function, items))


class Files:
    """An open directory. All methods raise BadInput if a file is missing, unreadable or not the expected one."""

    def __init__(self, directory: Path, descriptor: int) -> None:
        self._directory = directory
        self._descriptor = descriptor

    def read(self, path: str, sha256: str = "") -> bytes:
        """The content, compared with its sha256 if that is given."""
        return b"".join(self._chunks(path, sha256))

    def check(self, path: str, sha256: str) -> None:
        """Compare the content with its sha256."""
        for _chunk in self._chunks(path, sha256):
            pass

    def lines(self, path: str, sha256: str) -> Iterator[bytes]:
        """The lines of a text, one by one, after all of it has been compared with its sha256."""
        self.check(path, sha256)
        rest = b""
        for chunk in self._chunks(path, sha256):
            *lines, rest = (rest + chunk).split(b"\n")
            yield from lines
        yield rest

    def check_size(self, path: str, size: int) -> None:
        """Compare the size, in bytes."""
        with self._open(path) as descriptor:
            found = os.fstat(descriptor).st_size
        if found != size:
            raise BadInput(f"{self._directory / path} has {found} bytes; the catalog says {size}.", next_step=USE_OTHER)

    def _chunks(self, path: str, expected: str) -> Iterator[bytes]:
        sha256 = hashlib.sha256()
        with self._open(path) as descriptor:
            while chunk := os.read(descriptor, CHUNK):
                sha256.update(chunk)
                yield chunk
        if expected and sha256.hexdigest() != expected:
            file = self._directory / path
            raise BadInput(
                f"{file} was changed after the backup: its sha256 is {sha256.hexdigest()}, not {expected}.",
                tried=f"sha256sum {file}",
                next_step=USE_OTHER,
            )

    @contextmanager
    def _open(self, path: str) -> Iterator[int]:
        """An OSError while it is open becomes BadInput."""
        try:
            descriptor = open_below(self._descriptor, path)
            try:
                yield descriptor
            finally:
                os.close(descriptor)
        except OSError as error:
            raise _unreadable(self._directory / path, error) from None


def open_below(root: int, path: str) -> int:
    """A descriptor of a regular file below a directory; no part of its path may be a symbolic link."""
    directory = root
    *parents, name = path.split("/")
    try:
        for parent in parents:
            child = os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=directory)
            if directory != root:
                os.close(directory)
            directory = child
        # O_NONBLOCK: opening a FIFO must not wait for its writer.
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        return file
    finally:
        if directory != root:
            os.close(directory)


def _unreadable(path: Path, error: OSError) -> BadInput:
    why = error.strerror
    if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.ENXIO):
        why = "it is a symbolic link or not a regular file, which a backup never contains"
    return BadInput(f"Cannot read {path} of the backup: {why}.", tried=f"ls -l {path}", next_step=USE_OTHER)
