# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The archives of images in a backup, one for each content: written, and removed when no generation needs them."""

from __future__ import annotations

import errno
import os
import secrets
import tarfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ansible_collections.kindlab.volumes.plugins.module_utils._core.console.error_text import AS_ROOT
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    BadInput,
    CommandFailed,
    Conflict,
    KindlabError,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.loaded_images.index import DIRECTORY, archive_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.loaded_images.layout import (
    BLOBS,
    descriptor,
    index_files,
    named,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.loaded_images.plan import Source
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.activity import REPORTER
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.directory import only_writer

from .archive import CHUNK, read_archive

INCOMPLETE = ".incomplete-"
# What people see of it.
MOVED = "images saved"


@contextmanager
def locked(path: str | Path) -> Iterator[None]:
    """Be the only writer of a backup's archives of images, and remove what a killed one left.

    Raises Conflict if another run writes them, BadInput if this user cannot.
    """
    directory = Path(path) / DIRECTORY
    writes = f"writing images to the backup directory {path}"
    with only_writer(directory, writes, lambda error: _failure(directory, error)):
        for left in directory.glob(f"{INCOMPLETE}*"):
            left.unlink(missing_ok=True)
        yield


def write(path: str | Path, source: Source, stream: IO[bytes], platform: str) -> None:
    """Write an archive from a tar stream of its blobs, read it back, and make it visible. Lock it before."""
    digest, directory = source.target.digest, Path(path) / DIRECTORY
    incomplete = directory / f"{INCOMPLETE}{secrets.token_hex(8)}"
    with _reported(directory, source.content.bytes):
        try:
            descriptor = os.open(incomplete, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with open(descriptor, "wb") as file:
                _fill(file, source, stream)
                file.flush()
                os.fsync(file.fileno())
            read_archive(incomplete, digest, platform)
            incomplete.rename(Path(path) / archive_of(digest))
        except (tarfile.TarError, ValueError, LookupError, TypeError) as error:
            raise CommandFailed(
                f"Image {source.names[0]} cannot be read from node {source.node}: {error}.",
                next_step="Run this again; if it fails again, load the image again with kindlab.volumes.kind_image.",
            ) from None
        finally:
            incomplete.unlink(missing_ok=True)
        names = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(names)
        finally:
            os.close(names)


def has_any(path: str | Path) -> bool:
    """True if a backup has archives of images, or had some."""
    return (Path(path) / DIRECTORY).is_dir()


def check_present(path: str | Path, archives: Iterable[str]) -> None:
    """Raise Conflict if an archive (path in the backup) is not there, because another run removed it."""
    missing = [archive for archive in archives if archive and not (Path(path) / archive).is_file()]
    if missing:
        raise Conflict(
            f"The archive {Path(path) / missing[0]} of an image was removed by another run.",
            next_step="Run this again: it saves the image once more.",
        )


def remove_unneeded(path: str | Path, needed: Iterable[str]) -> tuple[str, ...]:
    """Remove the archives that are not needed (paths in the backup); those that were removed. Lock them before."""
    keep, removed = set(needed), []
    directory = Path(path) / DIRECTORY
    with _reported(directory):
        for file in sorted(directory.glob("*.tar")):
            name = f"{DIRECTORY}/{file.name}"
            if name not in keep:
                file.unlink()
                removed.append(name)
    return tuple(removed)


def _fill(file: IO[bytes], source: Source, stream: IO[bytes]) -> None:
    left = {digest.partition(":")[2]: size for digest, size in source.content.blobs.items()}
    with tarfile.open(fileobj=file, mode="w") as archive:
        entry = descriptor(source.target, source.content.blobs[source.target.digest])
        for header, data in index_files(named(entry, source.names)):
            archive.addfile(header, data)
        with tarfile.open(fileobj=stream, mode="r|", bufsize=CHUNK) as blobs:
            for member in blobs:
                content = blobs.extractfile(member)
                if content is None or left.pop(member.name, None) != member.size:
                    raise ValueError(f"the node sent {member.name}, which is not what it listed")
                header = tarfile.TarInfo(BLOBS + member.name)
                header.size = member.size
                archive.addfile(header, _Counted(content))
    if left:
        raise ValueError(f"the node did not send {', '.join(left)}")


class _Counted:
    """A stream whose bytes count as saved."""

    def __init__(self, content: IO[bytes]) -> None:
        self.read: Callable[..., bytes] = REPORTER.counted(MOVED, content.read)


@contextmanager
def _reported(directory: Path, needed: int = 0) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _failure(directory, error, needed) from None


def _failure(directory: Path, error: OSError, needed: int = 0) -> KindlabError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return KindlabError(
            f"The disk of {directory} is full: {needed:,} bytes are needed for an image.",
            tried=f"df -h {directory}",
            next_step="Free some space, or set path to a larger disk.",
        )
    return BadInput(
        f"Cannot write images to {directory}: {error.strerror}.",
        tried=f"ls -ld {error.filename or directory}",
        next_step=f"Set path to a directory of this user, or {AS_ROOT}.",
    )
