# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Scan directories: metadata and checksums of their entries; a file that changes meanwhile is read again."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple, TypeAlias

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
Scanned: TypeAlias = "Sequence[Entry] | Conflict"
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
    """The entries of one directory, sorted by path; see scan_all."""
    return scan_all([directory], mode)[0]


def scan_all(directories: Sequence[str], mode: str) -> list[Sequence[Entry]]:
    """As scan_each, but raises Conflict for a directory that changes while it is read."""
    found: list[Sequence[Entry]] = []
    for result in scan_each(directories, mode):
        if isinstance(result, Conflict):
            raise result
        found.append(result)
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
        for number, result in zip(todo, _scan([directories[n] for n in todo], mode), strict=True):
            results[number] = result
    return results


def _scan(directories: Sequence[str], mode: str) -> list[Scanned]:
    walked = [_records(directory) for directory in directories]
    if mode == "full":
        return _hashed(directories, walked)
    return [
        w if isinstance(w, Conflict) else Packed(Entry._make, (Entry._make(record.fields) for record in w))
        for w in walked
    ]


def _records(directory: str) -> Packed[Record] | Conflict:
    """The entries of a directory, with the first path of those that have several."""
    records: Packed[Record] = Packed(Record._make)
    paths: dict[tuple[int, int], list[str]] = {}
    try:
        for found in walk(directory):
            record = _record(found)
            records.append(record)
            # Not of FIFOs and devices: tar writes each of their paths separately.
            if record.links > 1 and record.fields[1] in ("file", "symlink"):
                paths.setdefault((record.device, record.inode), []).append(found.relative)
    except Conflict as error:
        return error
    first = {path: own[0] for own in paths.values() if len(own) > 1 for path in own}
    if not first:
        return records
    named = (r._replace(fields=(*r.fields[:8], first.get(r.fields[0], ""), *r.fields[9:])) for r in records)
    return Packed(Record._make, named)


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


def _hashed(directories: Sequence[str], walked: Sequence[Packed[Record] | Conflict]) -> list[Scanned]:
    """Each directory's entries with the sha256 of every regular file; hard links to one file are read once."""
    results: list[Packed[Entry] | Conflict] = [
        found if isinstance(found, Conflict) else Packed(Entry._make) for found in walked
    ]
    tops = [os.fsencode(directory) + b"/" for directory in directories]
    linked: dict[Inode, str | Conflict] = {}
    for batch in _batches(walked):
        hashes = _hashes(tops, batch, linked, results)
        for number, (fields, device, inode, links) in batch:
            result = results[number]
            if isinstance(result, Conflict):
                continue
            sha256: str | Conflict = ""
            if fields[1] == "file":
                sha256 = linked.get((device, inode)) or hashes[device, inode]
                if links > 1:
                    linked[device, inode] = sha256
            entry: Entry | Conflict
            if isinstance(sha256, Conflict):
                entry = _read_again(tops[number], fields, sha256)
            else:
                entry = Entry._make((*fields[:10], sha256))
            if isinstance(entry, Conflict):
                results[number] = entry
            else:
                result.append(entry)
    return list(results)


def _batches(walked: Sequence[Iterable[Record] | Conflict]) -> Iterator[list[tuple[int, Record]]]:
    """Number of the directory, and record, many at a time: small directories share the processors, too."""
    rest = ((n, record) for n, found in enumerate(walked) if not isinstance(found, Conflict) for record in found)
    while batch := list(islice(rest, BATCH)):
        yield batch


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
