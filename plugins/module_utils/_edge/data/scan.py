# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Scan directories: metadata and checksums of their entries; a file that changes meanwhile is read again."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple, Union

from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.checksums import Entry
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.packed import Packed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Conflict

from .hashing import Seen, hash_file, hash_files
from .read_errors import Vanished, changed_while_read, read_error
from .walk import Found, path_of, walk

# Entries whose files are hashed at a time.
BATCH = 1 << 14
# How often a file, or the directory if an entry vanishes, is read before its data counts as changing.
ATTEMPTS = 3
PAUSE = 0.1

_TYPES = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "dir",
    stat.S_IFLNK: "symlink",
    stat.S_IFIFO: "fifo",
    stat.S_IFCHR: "char",
    stat.S_IFBLK: "block",
}

# The entries of a directory, or why they could not be read unchanged.
Scanned = Union[Sequence[Entry], Conflict]
# Device and inode.
Inode = tuple[int, int]
# Those of Entry.
Fields = tuple[str, str, int, int, int, int, int, str, str, str, str]


class Record(NamedTuple):
    """An entry without its content's sha256. links: the number of its hard links."""

    fields: Fields
    device: int
    inode: int
    links: int


def scan(directory: str, mode: str) -> Sequence[Entry]:
    """As scan_each for one directory, but raises its Conflict."""
    (found,) = scan_each([directory], mode)
    if isinstance(found, Conflict):
        raise found
    return found


def scan_each(directories: Sequence[str], mode: str) -> list[Scanned]:
    """The entries of each directory as walk finds them, or the Conflict if entries change whenever they are read.

    mode: full reads and hashes every file, fast reads none, none returns empty lists without reading anything.
    Raises BadInput if a directory is missing or unreadable.
    """
    if mode == "none":
        return [[] for _directory in directories]
    results: list[Scanned] = [Vanished("") for _directory in directories]
    for attempt in range(ATTEMPTS):
        todo = [number for number, result in enumerate(results) if isinstance(result, Vanished)]
        time.sleep(PAUSE * attempt if todo else 0)
        for number, result in zip(todo, _scan([directories[n] for n in todo], mode)):
            results[number] = result
    return results


def _scan(directories: Sequence[str], mode: str) -> list[Scanned]:
    """Each directory's entries, with the sha256 of files in mode full; hard links to one file are read once."""
    results: list[Packed[Entry] | Conflict] = [Packed(Entry._make) for _directory in directories]
    links: list[dict[Inode, list[str]]] = [{} for _directory in directories]
    tops = [os.fsencode(directory) + b"/" for directory in directories]
    known: dict[Inode, str | Conflict] = {}
    walked = _walk(directories, results, links)
    while batch := list(islice(walked, BATCH)):
        hashes = _hashes(tops, batch, known, results) if mode == "full" else {}
        for number, (fields, device, inode, count) in batch:
            result = results[number]
            if isinstance(result, Conflict):
                continue
            sha256: str | Conflict = ""
            if fields[1] == "file" and mode == "full":
                sha256 = known.get((device, inode)) or hashes[device, inode]
                if count > 1:
                    known[device, inode] = sha256
            if isinstance(sha256, Conflict):
                entry = _read_again(tops[number], fields, sha256)
                if isinstance(entry, Conflict):
                    results[number] = entry
                    continue
            else:
                entry = Entry._make((*fields[:10], sha256))
            result.append(entry)
    return [_with_links(result, paths) for result, paths in zip(results, links)]


def _walk(
    directories: Sequence[str], results: list[Packed[Entry] | Conflict], links: Sequence[dict[Inode, list[str]]]
) -> Iterator[tuple[int, Record]]:
    """Number of the directory, and record; small directories share the processors, too.

    Adds the Conflict of a directory to results, and the paths of files that have several to links.
    """
    for number, directory in enumerate(directories):
        try:
            for found in walk(directory):
                record = _record(found)
                # Not of FIFOs and devices: tar writes each of their paths separately.
                if record.links > 1 and record.fields[1] in ("file", "symlink"):
                    links[number].setdefault((record.device, record.inode), []).append(found.relative)
                yield number, record
        except Conflict as error:
            results[number] = error


def _with_links(result: Packed[Entry] | Conflict, links: dict[Inode, list[str]]) -> Scanned:
    """The entries with the first path of those that have several."""
    first = {path: paths[0] for paths in links.values() if len(paths) > 1 for path in paths}
    if isinstance(result, Conflict) or not first:
        return result
    return Packed(Entry._make, (entry._replace(same_as=first.get(entry.path, "")) for entry in result))


def _record(found: Found) -> Record:
    relative, path, status, xattrs = found
    kind = _TYPES.get(stat.S_IFMT(status.st_mode), "file")
    size, target = 0, ""
    if kind == "file":
        size = status.st_size
    elif kind == "symlink":
        target = _target(path)
    elif kind in ("char", "block"):
        target = f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}"
    own = stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, status.st_mtime_ns
    fields = (relative, kind, size, *own, target, "", xattrs, "")
    return Record(fields, status.st_dev, status.st_ino, status.st_nlink)


def _target(path: bytes) -> str:
    try:
        return os.readlink(path).decode("utf-8", "surrogateescape")
    except OSError as error:
        raise read_error(path, error) from None


def _hashes(
    tops: Sequence[bytes], batch: Iterable[tuple[int, Record]], known: Container[Inode], results: Sequence[object]
) -> dict[Inode, str | Conflict]:
    """Of the files of a batch, without those that are known, and those of directories that have a Conflict."""
    files: dict[Inode, Seen] = {}
    for number, (fields, device, inode, _links) in batch:
        key = device, inode
        if fields[1] == "file" and key not in known and key not in files and not isinstance(results[number], Conflict):
            files[key] = Seen(tops[number] + path_of(fields[0]), fields[2], inode, fields[6])
    hashes = hash_files(list(files.values()))
    return {inode: hashes[seen.path] for inode, seen in files.items()}


def _read_again(top: bytes, fields: Fields, changed: Conflict) -> Entry | Conflict:
    """A file that changed, as it is now."""
    entry = Entry._make(fields)
    path = top + path_of(entry.path)
    for attempt in range(1, ATTEMPTS):
        time.sleep(PAUSE * (attempt - 1))
        try:
            status = os.lstat(path)
            if not stat.S_ISREG(status.st_mode):
                return changed_while_read(os.fsdecode(path))
            entry = entry._replace(mode=stat.S_IMODE(status.st_mode), uid=status.st_uid, gid=status.st_gid)
            entry = entry._replace(size=status.st_size, mtime_ns=status.st_mtime_ns)
            return entry._replace(sha256=hash_file(path, status.st_size, status.st_ino, status.st_mtime_ns))
        except OSError as error:
            failure = read_error(path, error)
            if isinstance(failure, Conflict):
                return failure
            raise failure from None
        except Conflict as error:
            changed = error
    return changed
