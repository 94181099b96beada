# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Entries of a directory, their lines in a checksum list, and how two lists differ."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from json.encoder import encode_basestring_ascii as quoted
from typing import NamedTuple, cast

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput

from .difference import Difference, First
from .packed import Packed

TYPES = ("file", "dir", "symlink", "fifo", "char", "block")
# A label of the host's policy, not of the data: it can differ between hosts.
_NOT_DATA = "security.selinux"


class Entry(NamedTuple):
    """One entry of a directory (a NamedTuple: there may be millions, and it is made in half the time).

    path: relative to the directory, '.' for itself; bytes that are not UTF-8 are kept as surrogates.
    type: file, dir, symlink, fifo, char or block. size: of files, else 0. mode: permission bits.
    mtime_ns: nanoseconds since 1970. target: of a symlink; 'major:minor' of a device; else ''.
    same_as: the first path of those that are hard links to the same file, '' for a file with one path.
    xattrs: sha256 over extended attributes and ACLs, '' for none. sha256: of a file's content, '' in fast mode.
    """

    path: str
    type: str
    size: int = 0
    mode: int = 0
    uid: int = 0
    gid: int = 0
    mtime_ns: int = 0
    target: str = ""
    same_as: str = ""
    xattrs: str = ""
    sha256: str = ""


_FIELDS = (str, str, int, int, int, int, int, str, str, str, str)
# Nanoseconds; a file system's own limits are nearer.
_LATEST = 2**62 * 10**9


def compare(saved: Iterable[Entry], now: Iterable[Entry], mode: str) -> Difference:
    """What was added, removed and changed. mode: as the list was made, full or fast ('none' compares nothing).

    saved, now: sorted by path, and read once from start to end. full: compares content but not times. fast: compares
    sizes and times of files, as content was not read.
    """
    if mode == "none":
        return Difference()
    added, removed, changed = First(), First(), First()
    old, new = _sorted(saved), _sorted(now)
    before, after = next(old, None), next(new, None)
    while before or after:
        if after is None or (before is not None and before.path < after.path):
            removed.add(cast("Entry", before).path)
            before = next(old, None)
        elif before is None or after.path < before.path:
            added.add(after.path)
            after = next(new, None)
        else:
            if before != after and (fields := _changed(before, after, mode)):
                changed.add(f"{before.path} ({', '.join(fields)})")
            before, after = next(old, None), next(new, None)
    kinds = {"added": added, "removed": removed, "changed": changed}
    beyond = {kind: first.beyond for kind, first in kinds.items() if first.beyond}
    return Difference(tuple(added.paths), tuple(removed.paths), tuple(changed.paths), beyond)


def _sorted(entries: Iterable[Entry]) -> Iterator[Entry]:
    previous = ""
    for entry in entries:
        if entry.path <= previous:
            raise ValueError(f"{entry.path!r} follows {previous!r}")
        previous = entry.path
        yield entry


def _changed(before: Entry, after: Entry, mode: str) -> list[str]:
    return [name for name in _compared(before, mode) if getattr(before, name) != getattr(after, name)]


def line(entry: Entry) -> str:
    """The entry as a line of JSON."""
    return f'{_body(entry)},"mtime_ns":{entry.mtime_ns}}}\n'


def compared_line(entry: Entry, mode: str) -> str:
    """What the digest of a list is over: the line without its time, unless compare() compares that."""
    return line(entry) if mode == "fast" and entry.type == "file" else f"{_body(entry)}}}\n"


def from_text(text: str | bytes, where: str) -> Sequence[Entry]:
    """Read a list; see from_lines."""
    return from_lines((text if isinstance(text, bytes) else text.encode()).split(b"\n"), where)


def from_lines(lines: Iterable[bytes], where: str) -> Sequence[Entry]:
    """Read a list. where: its file, for errors. Raises BadInput if a line is not an entry."""
    entries: Packed[Entry] = Packed(Entry._make)
    previous = ""
    for number, text in enumerate(filter(None, lines), 1):
        try:
            fields = json.loads(text)
            fields["mode"] = int(fields.get("mode", "0"), 8)
            entry = _checked(Entry(**fields))
            if entry.path <= previous:
                raise ValueError("its path is listed twice" if entry.path == previous else "it is not sorted by path")
            previous = entry.path
            entries.append(entry)
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
            raise BadInput(
                f"Line {number} of the checksum list {where} is not an entry: {error}",
                next_step="Restore the file from a copy, or use another generation of this backup.",
            ) from None
    return entries


def attributes_digest(values: Mapping[str, bytes]) -> str:
    """Entry.xattrs: a sha256 over extended attributes by name, ACLs included, '' for none."""
    names = sorted(values.keys() - {_NOT_DATA})
    if not names:
        return ""
    sha256 = hashlib.sha256()
    for name in names:
        sha256.update(b"%s\0%d\0%s" % (name.encode("utf-8", "surrogateescape"), len(values[name]), values[name]))
    return sha256.hexdigest()


def _checked(entry: Entry) -> Entry:
    if tuple(map(type, entry)) != _FIELDS or entry.type not in TYPES:
        raise TypeError("a field is of another type")
    _path, _type, size, mode, uid, gid, mtime_ns, *_texts = entry
    in_range = 0 <= size < 2**63 and 0 <= mode <= 0o7777 and 0 <= uid < 2**32 and 0 <= gid < 2**32
    if not in_range or not -_LATEST < mtime_ns < _LATEST:
        raise ValueError("a number is out of range")
    return entry


def _compared(entry: Entry, mode: str) -> list[str]:
    omitted = {"mtime_ns"} if mode == "full" or entry.type != "file" else set()
    return [name for name in Entry._fields if name not in omitted | ({"sha256"} if mode == "fast" else set())]


def _body(entry: Entry) -> str:
    """The entry's line up to its time, without the closing brace and without empty fields.

    Written by hand: json.dumps takes as long as reading and hashing a small file.
    """
    path, kind, size, mode, uid, gid, _mtime, target, same_as, xattrs, sha256 = entry
    text = f'{{"path":{quoted(path)},"type":"{kind}","mode":"{mode:04o}","uid":{uid},"gid":{gid}'
    if kind == "file":
        text += f',"size":{size}'
    if sha256:
        text += f',"sha256":"{sha256}"'
    if target:
        text += f',"target":{quoted(target)}'
    if same_as:
        text += f',"same_as":{quoted(same_as)}'
    if xattrs:
        text += f',"xattrs":"{xattrs}"'
    return text
