# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Scan directories: metadata and checksums of their entries."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import chain
from typing import NamedTuple

from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.checksums import Entry, attributes_digest
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput

from .hashing import Seen, hash_files
from .read_errors import check_permissions, read_error, refuse_unreadable

_TYPES = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "dir",
    stat.S_IFLNK: "symlink",
    stat.S_IFIFO: "fifo",
    stat.S_IFCHR: "char",
    stat.S_IFBLK: "block",
}


class Found(NamedTuple):
    """An entry as the walk found it. relative: '.' for the directory itself; xattrs: as in Entry."""

    relative: str
    path: bytes
    status: os.stat_result
    xattrs: str


def scan(directory: str, mode: str) -> list[Entry]:
    """The entries of one directory, sorted by path; see scan_all."""
    return scan_all([directory], mode)[0]


def scan_all(directories: Sequence[str], mode: str) -> list[list[Entry]]:
    """The entries of each directory, itself included ('.'), sorted by path.

    Omitted: the content of file systems mounted in it, and sockets (they belong to a process; no archive keeps them).

    mode: full reads and hashes every file, fast reads none, none returns empty lists without reading anything.
    Raises BadInput if a directory is missing or unreadable, Conflict if an entry changes while it is read.
    """
    if mode == "none":
        return [[] for _directory in directories]
    walked = [walk(directory) for directory in directories]
    hashes = _hashes(walked) if mode == "full" else {}
    return [_entries(found, hashes) for found in walked]


def _hashes(walked: Sequence[Sequence[Found]]) -> dict[bytes, str]:
    """path -> sha256 of every regular file; hard links to one file are read once. Raises what hash_file raises."""
    files: list[Seen] = []
    first: dict[tuple[int, int], bytes] = {}
    hard_links: dict[bytes, bytes] = {}
    for _relative, path, status, _attributes in chain.from_iterable(walked):
        if not stat.S_ISREG(status.st_mode):
            continue
        if status.st_nlink > 1:
            same = first.setdefault((status.st_dev, status.st_ino), path)
            if same != path:
                hard_links[path] = same
                continue
        files.append(Seen(path, status.st_size, status.st_ino, status.st_mtime_ns))
    hashes = hash_files(files)
    return {**hashes, **{path: hashes[same] for path, same in hard_links.items()}}


def check_readable(directories: Mapping[str, str]) -> None:
    """Raise BadInput, with details, if any directory (by volume's name) is missing, not a directory or not readable."""
    unreadable = {}
    for name, directory in directories.items():
        try:
            with os.scandir(directory):
                pass
        except OSError as error:
            unreadable[name] = f"{directory}: {error.strerror}"
    first = directories[next(iter(unreadable))] if unreadable else ""
    refuse_unreadable(unreadable, f"ls -la {first}", check_permissions())


def walk(directory: str) -> list[Found]:
    """The directory's entries, sorted by path."""
    top = os.fsencode(directory)
    try:
        status = os.lstat(top)
        if not stat.S_ISDIR(status.st_mode):
            raise BadInput(f"The volume directory {directory} is not a directory.", tried=f"ls -ld {directory}")
        found = [Found(".", top, status, _xattrs(top))]
        todo = [(top, b"")]
        while todo:
            above, prefix = todo.pop()
            with os.scandir(above) as listed:
                for entry in listed:
                    own = entry.stat(follow_symlinks=False)
                    if stat.S_ISSOCK(own.st_mode):
                        continue
                    relative = prefix + entry.name
                    path = entry.path
                    found.append(Found(relative.decode("utf-8", "surrogateescape"), path, own, _xattrs(path)))
                    if stat.S_ISDIR(own.st_mode) and own.st_dev == status.st_dev:
                        todo.append((path, relative + b"/"))
    except OSError as error:
        raise read_error(top, error, directory) from None
    found.sort(key=lambda item: item.relative)
    return found


def _entries(found: list[Found], hashes: dict[bytes, str]) -> list[Entry]:
    """The walk's entries with their content's sha256."""
    links = _hard_links(found)
    entries = []
    for relative, path, status, xattrs in found:
        kind = _TYPES.get(stat.S_IFMT(status.st_mode), "file")
        size, target = 0, ""
        if kind == "file":
            size = status.st_size
        elif kind == "symlink":
            target = _target(path)
        elif kind in ("char", "block"):
            target = f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}"
        own = stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, status.st_mtime_ns
        same_as = links.get(relative, "")
        entries.append(Entry(relative, kind, size, *own, target, same_as, xattrs, hashes.get(path, "")))
    return entries


def _hard_links(found: list[Found]) -> dict[str, str]:
    """Path -> first path of the same file, for files that have several paths in this directory.

    Not of FIFOs and devices: tar writes each of their paths separately.
    """
    groups: dict[tuple[int, int], list[str]] = {}
    for relative, _path, status, _attributes in found:
        if status.st_nlink > 1 and stat.S_IFMT(status.st_mode) in (stat.S_IFREG, stat.S_IFLNK):
            groups.setdefault((status.st_dev, status.st_ino), []).append(relative)
    return {path: paths[0] for paths in groups.values() if len(paths) > 1 for path in paths}


def _target(path: bytes) -> str:
    try:
        return os.readlink(path).decode("utf-8", "surrogateescape")
    except OSError as error:
        raise read_error(path, error) from None


def _xattrs(path: bytes) -> str:
    """As in Entry; one that vanishes meanwhile, or must not be read, is omitted."""
    values = {}
    with suppress(OSError):
        for name in os.listxattr(path, follow_symlinks=False):
            with suppress(OSError):
                values[name] = os.getxattr(path, name, follow_symlinks=False)
    return attributes_digest(values) if values else ""
