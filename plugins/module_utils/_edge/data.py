# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads the bytes of directories: what is in them, with checksums, on all cores."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

from ansible_collections.kindlab.volumes.plugins.module_utils._core.checksums import Entry
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.hashing import (
    SMALL,
    Found,
    cores,
    failure,
    hash_file,
    hash_small,
    rights,
)

_TYPES = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "dir",
    stat.S_IFLNK: "symlink",
    stat.S_IFIFO: "fifo",
    stat.S_IFCHR: "char",
    stat.S_IFBLK: "block",
}
# A label of the host's policy, not of the data: it may differ where the same data is put.
_NOT_DATA = {"security.selinux"}


def scan(directory: str, mode: str) -> list[Entry]:
    """What is in one directory, by path; see scan_all."""
    return scan_all([directory], mode)[0]


def scan_all(directories: Sequence[str], mode: str) -> list[list[Entry]]:
    """What is in each directory, itself included ('.'), sorted by path.

    Left out: what other file systems mounted in it hold, and sockets (a running process's own; no archive keeps them).

    mode: full reads and hashes every file, fast reads none, none returns empty lists without a look.
    Raises BadInput where a directory is missing or unreadable, Conflict where an entry changes while it is read.
    """
    if mode == "none":
        return [[] for _directory in directories]
    walked = [_walk(directory) for directory in directories]
    if mode == "fast":
        return [_entries(found, {}, {}, mode) for found in walked]
    small, large = _to_hash(walked)
    # The processes first: a fork must not happen beside threads.
    hashes = hash_small(small)
    with ThreadPoolExecutor(max_workers=cores()) as pool:
        futures = {item.path: pool.submit(hash_file, item) for item in large}
        try:
            return [_entries(found, hashes, futures, mode) for found in walked]
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def check_readable(directories: Iterable[str]) -> None:
    """Raise BadInput, with the list in details, for directories that are missing, no directories or not readable."""
    bad = {}
    for directory in directories:
        try:
            with os.scandir(directory):
                pass
        except OSError as error:
            bad[directory] = error.strerror
    if bad:
        shown = "; ".join(f"{directory}: {why}" for directory, why in list(bad.items())[:10])
        raise BadInput(
            f"{len(bad)} volume director{'y' if len(bad) == 1 else 'ies'} can't be read: {shown}",
            tried=f"ls -la {next(iter(bad))}",
            next_step=rights(),
            details=[{"host_directory": directory, "reason": why} for directory, why in bad.items()],
        )


def _to_hash(walked: Iterable[Iterable[Found]]) -> tuple[list[Found], list[Found]]:
    """The small and the large files, each content once."""
    seen: set[tuple[int, int]] = set()
    small: list[Found] = []
    large: list[Found] = []
    for item in (item for found in walked for item in found):
        status = item.status
        if not stat.S_ISREG(status.st_mode):
            continue
        if status.st_nlink > 1:
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
        (small if status.st_size <= SMALL else large).append(item)
    return small, large


def _walk(directory: str) -> list[Found]:
    top = os.fsencode(directory)
    try:
        status = os.lstat(top)
        if not stat.S_ISDIR(status.st_mode):
            raise BadInput(f"The volume directory {directory} is no directory.", tried=f"ls -ld {directory}")
        found = [Found(".", top, status)]
        todo = [(top, b"")]
        while todo:
            path, prefix = todo.pop()
            with os.scandir(path) as entries:
                for entry in entries:
                    own = entry.stat(follow_symlinks=False)
                    if stat.S_ISSOCK(own.st_mode):
                        continue
                    relative = prefix + entry.name
                    found.append(Found(relative.decode("utf-8", "surrogateescape"), entry.path, own))
                    if stat.S_ISDIR(own.st_mode) and own.st_dev == status.st_dev:
                        todo.append((entry.path, relative + b"/"))
    except OSError as error:
        raise failure(top, error, directory) from None
    found.sort(key=lambda item: item.relative)
    return found


def _entries(found: list[Found], hashes: dict[bytes, str], large: dict[bytes, Future[str]], mode: str) -> list[Entry]:
    """The walk's entries with their content's sha256; files that hard links share are read once."""
    links = _hard_links(found)
    shared: dict[str, str] = {}
    entries = []
    for item in found:
        relative, path, status = item
        kind = _TYPES.get(stat.S_IFMT(status.st_mode), "file")
        same_as = links.get(relative, "")
        size, target, sha256 = 0, "", ""
        if kind == "file":
            size = status.st_size
            if mode == "full":
                sha256 = shared.get(same_as) or hashes.get(path) or ""
                if not sha256:
                    sha256 = large[path].result() if path in large else hash_file(item)
                if same_as:
                    shared[same_as] = sha256
        elif kind == "symlink":
            target = _target(item)
        elif kind in ("char", "block"):
            target = f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}"
        entries.append(
            Entry(
                relative,
                kind,
                size,
                stat.S_IMODE(status.st_mode),
                status.st_uid,
                status.st_gid,
                status.st_mtime_ns,
                target,
                same_as,
                _xattrs(path),
                sha256,
            )
        )
    return entries


def _hard_links(found: list[Found]) -> dict[str, str]:
    """Path -> first path of the same file, for files that have several paths in this directory."""
    groups: dict[tuple[int, int], list[str]] = {}
    for relative, _path, status in found:
        if status.st_nlink > 1 and not stat.S_ISDIR(status.st_mode):
            groups.setdefault((status.st_dev, status.st_ino), []).append(relative)
    return {path: paths[0] for paths in groups.values() if len(paths) > 1 for path in paths}


def _target(item: Found) -> str:
    try:
        return os.readlink(item.path).decode("utf-8", "surrogateescape")
    except OSError as error:
        raise failure(item.path, error) from None


def _xattrs(path: bytes) -> str:
    """sha256 over the extended attributes (ACLs are among them), '' for none."""
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError:
        return ""
    if not names:
        return ""
    sha256 = hashlib.sha256()
    for name in sorted(set(names) - _NOT_DATA):
        with suppress(OSError):
            value = os.getxattr(path, name, follow_symlinks=False)
            sha256.update(b"%s\0%d\0%s" % (os.fsencode(name), len(value), value))
    return sha256.hexdigest() if set(names) - _NOT_DATA else ""
