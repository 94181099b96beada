# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read a tar stream as GNU tar writes it with --format=posix; anything unknown is an error, never skipped.

Python's tarfile computes a wrong size, and a wrong offset of the next header, for a sparse member with more than 8 GiB
of data (https://github.com/python/cpython/issues/136601 and 136602).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

BLOCK = 512
PIECE = 1 << 20
END = bytes(2 * BLOCK)

# The type flag in a member's header -> its kind; 'link' is a hard link to an earlier member.
_KINDS = {b"0": "file", b"1": "link", b"2": "symlink", b"3": "char", b"4": "block", b"5": "dir", b"6": "fifo"}
# Far above what a path and its attributes take: a header that claims more is damaged, and would exhaust memory.
_LARGEST_EXTENDED = 64 << 20
# The names of an entry's attributes take at most 64 KiB (XATTR_LIST_MAX): there cannot be more of them.
_MOST_RECORDS = 1 << 14
# Of sizes and offsets in a file.
_LARGEST_NUMBER = 2**63 - 1
# All of its own that tar writes here, of a sparse file. What else it understands would be added to the map.
_SPARSE = {b"GNU.sparse.major", b"GNU.sparse.minor", b"GNU.sparse.name", b"GNU.sparse.realsize"}
# Records that replace a name in the header.
_NAMES = (b"path", b"linkpath", b"GNU.sparse.name")
_OCTAL = re.compile(rb" *([0-7]*)[ \0]*")
_TIME = re.compile(rb"(-?)(\d{1,20})(?:\.(\d{1,9}))?")


class Damaged(ValueError):
    """The stream is not an archive of this format, or is truncated."""


class Member(NamedTuple):
    """One member. name, link: as in the archive; kind: of _KINDS; device: 'major:minor' of a device.

    size: of a file including its holes; stored: its bytes in the stream (including the map of its holes).
    header: its block unchanged; extended: the pax records before it, key -> value.
    """

    name: bytes
    kind: str
    link: bytes
    mode: int
    uid: int
    gid: int
    mtime_ns: int
    device: str
    size: int
    stored: int
    header: bytes
    extended: Mapping[bytes, bytes]

    @property
    def sparse(self) -> bool:
        return b"GNU.sparse.major" in self.extended


class TarStream:
    """Iterates over the members of an archive; the data of the current one can be read.

    left: unread bytes of the current member's data, in whole blocks.
    """

    def __init__(self, read: Callable[[int], bytes]) -> None:
        """read: returns the requested number of bytes, fewer only at the end."""
        self._read = read
        self.left = 0

    def __iter__(self) -> Iterator[Member]:
        """Raises Damaged. Unread data of a member is skipped."""
        while member := self._member():
            self.left = padded(member.stored)
            yield member
            for _piece in self.pieces():
                pass

    def pieces(self) -> Iterator[bytes]:
        """The unread data of the current member, in whole blocks."""
        while self.left:
            yield self.take(min(self.left, PIECE))

    def take(self, count: int) -> bytes:
        """Read that many bytes of the current member's data, in whole blocks."""
        if count > self.left:
            raise Damaged("a file is longer than its header says")
        self.left -= count
        return self._exactly(count)

    def _exactly(self, count: int) -> bytes:
        found = self._read(count)
        if len(found) != count:
            raise Damaged("unexpected end")
        return found

    def _member(self) -> Member | None:
        block = self._exactly(BLOCK)
        if block == END[:BLOCK]:
            if self._exactly(BLOCK) != END[:BLOCK]:
                raise Damaged("trailing data after the end of the archive")
            return None
        extended: dict[bytes, bytes] = {}
        _check_sum(block)
        if block[156:157] == b"x":
            size = _number(block[124:136])
            if size > _LARGEST_EXTENDED:
                raise Damaged(f"an extended header claims {size} bytes")
            extended = _records(self._exactly(padded(size))[:size])
            block = self._exactly(BLOCK)
            _check_sum(block)
        return _read_member(block, extended)


def padded(size: int) -> int:
    """The size rounded up to whole blocks."""
    return -(-size // BLOCK) * BLOCK


def decimal(text: bytes) -> int:
    """Parse decimal digits. Raises Damaged."""
    if not text.isdigit() or len(text) > 20 or int(text) > _LARGEST_NUMBER:
        raise Damaged(f"{text[:20]!r} is not a number")
    return int(text)


def _read_member(block: bytes, extended: Mapping[bytes, bytes]) -> Member:
    kind = _KINDS.get(block[156:157], "")
    if not kind or block[257:263] != b"ustar\0":
        raise Damaged(f"a member has the unknown type {block[156:157]!r}")
    if b"" in map(extended.get, _NAMES):
        raise Damaged("a name in an extended header is empty")
    name, prefix = _text(block[:100]), _text(block[345:500])
    stored = _field(extended, b"size", block[124:136])
    if stored and kind != "file":
        raise Damaged(f"a {kind} has data")
    return Member(
        # For tar the name of a sparse file precedes the others, in any order of the records.
        name=extended.get(b"GNU.sparse.name") or extended.get(b"path") or (prefix + b"/" + name if prefix else name),
        kind=kind,
        link=extended.get(b"linkpath") or _text(block[157:257]),
        mode=_number(block[100:108]) & 0o7777,
        uid=_field(extended, b"uid", block[108:116]),
        gid=_field(extended, b"gid", block[116:124]),
        mtime_ns=_time(extended[b"mtime"]) if b"mtime" in extended else _number(block[136:148]) * 10**9,
        device=f"{_number(block[329:337])}:{_number(block[337:345])}" if kind in ("char", "block") else "",
        size=_real_size(extended, kind, stored),
        stored=stored,
        header=block,
        extended=extended,
    )


def _real_size(extended: Mapping[bytes, bytes], kind: str, stored: int) -> int:
    """The size of a file including its holes; the only known form is GNU's sparse format 1.0."""
    sparse = {key: value for key, value in extended.items() if key.startswith(b"GNU.")}
    if not sparse:
        return stored
    form = (sparse.get(b"GNU.sparse.major"), sparse.get(b"GNU.sparse.minor"))
    if form != (b"1", b"0") or kind != "file" or b"GNU.sparse.realsize" not in sparse or sparse.keys() - _SPARSE:
        raise Damaged("a sparse file has an unknown format")
    return decimal(sparse[b"GNU.sparse.realsize"])


def _records(data: bytes) -> dict[bytes, bytes]:
    """The records of an extended header, each 'LENGTH KEY=VALUE' and a newline."""
    found: dict[bytes, bytes] = {}
    at = number = 0
    while at < len(data):
        space = data.find(b" ", at, at + 20)
        end = at + decimal(data[at : max(space, at)])
        equals = data.find(b"=", space, end)
        if equals < 0 or end > len(data) or data[end - 1] != ord("\n"):
            raise Damaged("an extended header is not a list of records")
        found[data[space + 1 : equals]] = data[equals + 1 : end - 1]
        at, number = end, number + 1
        if number > _MOST_RECORDS:
            raise Damaged(f"an extended header has more than {_MOST_RECORDS} records")
    return found


def _field(extended: Mapping[bytes, bytes], key: bytes, field: bytes) -> int:
    return decimal(extended[key]) if key in extended else _number(field)


def _time(text: bytes) -> int:
    match = _TIME.fullmatch(text)
    if not match:
        raise Damaged(f"{text[:40]!r} is not a time")
    sign, seconds, fraction = match.groups(b"")
    found = int(seconds) * 10**9 + int(fraction.ljust(9, b"0"))
    return -found if sign else found


def _number(field: bytes) -> int:
    match = _OCTAL.fullmatch(field)
    if not match:
        raise Damaged(f"{field!r} is not a number")
    return int(match.group(1) or b"0", 8)


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _check_sum(block: bytes) -> None:
    if sum(block) - sum(block[148:156]) + 8 * ord(" ") != _number(block[148:156]):
        raise Damaged("a header has a wrong checksum")
