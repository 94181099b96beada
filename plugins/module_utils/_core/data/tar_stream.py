# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads a tar stream as GNU tar writes it with --format=posix; what it doesn't know is an error, never skipped."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

BLOCK = 512
PIECE = 1 << 20
END = bytes(2 * BLOCK)

# The letter in a member's header -> what it is; 'link' is a hard link to a member before it.
_KINDS = {b"0": "file", b"1": "link", b"2": "symlink", b"3": "char", b"4": "block", b"5": "dir", b"6": "fifo"}
_EXTENDED = b"x"
# Far above what a path and its attributes take; a header that asks for more is damaged, and memory is not endless.
_LARGEST_EXTENDED = 64 << 20
_OCTAL = re.compile(rb" *([0-7]*)[ \0]*")
_TIME = re.compile(rb"(-?)(\d{1,20})(?:\.(\d{1,9}))?")


class Damaged(ValueError):
    """The stream is no archive of this kind, or not a whole one."""


class Member(NamedTuple):
    """One member. name, link: as tar takes them; kind: of _KINDS; device: 'major:minor' of a device.

    size: of a file with its holes; stored: how many bytes of it the stream has (the map of its holes included).
    header: its own block as it is; extended: the records before it, key -> value.
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
    """The members of an archive one after another, each with its data while it is the current one.

    left: how many bytes of the current member's data, in whole blocks, were not read yet.
    """

    def __init__(self, read: Callable[[int], bytes]) -> None:
        """read: gives as many bytes as it is asked for, fewer at the end only."""
        self._read = read
        self.left = 0

    def __iter__(self) -> Iterator[Member]:
        """Raises Damaged; what is not read of a member's data is passed over."""
        while True:
            for _piece in self.pieces():
                pass
            member = self._member()
            if member is None:
                return
            self.left = padded(member.stored)
            yield member

    def pieces(self) -> Iterator[bytes]:
        """What is left of the current member's data, in whole blocks."""
        while self.left:
            yield self.take(min(self.left, PIECE))

    def take(self, count: int) -> bytes:
        """So many bytes of the current member's data, in whole blocks."""
        if count > self.left:
            raise Damaged("a file is longer than its header says")
        self.left -= count
        return self._exactly(count)

    def _exactly(self, count: int) -> bytes:
        found = self._read(count)
        if len(found) != count:
            raise Damaged("it ends too early")
        return found

    def _member(self) -> Member | None:
        block = self._exactly(BLOCK)
        if block == END[:BLOCK]:
            if self._exactly(BLOCK) != END[:BLOCK]:
                raise Damaged("there is something behind its end")
            return None
        extended: dict[bytes, bytes] = {}
        _check_sum(block)
        if block[156:157] == _EXTENDED:
            size = _number(block[124:136])
            if size > _LARGEST_EXTENDED:
                raise Damaged(f"it has a header of {size} bytes")
            extended = _records(self._exactly(padded(size))[:size])
            block = self._exactly(BLOCK)
            _check_sum(block)
        return _read_member(block, extended)


def padded(size: int) -> int:
    """The size of the whole blocks that so many bytes take."""
    return -(-size // BLOCK) * BLOCK


def decimal(text: bytes) -> int:
    """A plain number. Raises Damaged."""
    if not text.isdigit() or len(text) > 20:
        raise Damaged(f"{text[:20]!r} is no number")
    return int(text)


def _read_member(block: bytes, extended: Mapping[bytes, bytes]) -> Member:
    kind = _KINDS.get(block[156:157], "")
    if not kind or block[257:263] != b"ustar\0":
        raise Damaged(f"it has a member of unknown kind {block[156:157]!r}")
    name, prefix = _text(block[:100]), _text(block[345:500])
    stored = _field(extended, b"size", block[124:136])
    if stored and kind != "file":
        raise Damaged(f"it has a {kind} with data")
    return Member(
        # tar takes the name of a sparse file before any other, wherever it stands.
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
    """The size of a file with its holes, of which there is one form: GNU's sparse format 1.0."""
    sparse = {key: value for key, value in extended.items() if key.startswith(b"GNU.sparse.")}
    if not sparse:
        return stored
    form = (sparse.get(b"GNU.sparse.major"), sparse.get(b"GNU.sparse.minor"))
    if form != (b"1", b"0") or kind != "file" or b"GNU.sparse.realsize" not in sparse:
        raise Damaged("it has a file with holes in an unknown form")
    return decimal(sparse[b"GNU.sparse.realsize"])


def _records(data: bytes) -> dict[bytes, bytes]:
    """The records of an extended header, each 'LENGTH KEY=VALUE' and a line's end."""
    found: dict[bytes, bytes] = {}
    at = 0
    while at < len(data):
        space = data.find(b" ", at, at + 20)
        end = at + decimal(data[at : max(space, at)])
        equals = data.find(b"=", space, end)
        if equals < 0 or end > len(data) or data[end - 1] != ord("\n"):
            raise Damaged("it has a header that is no list of records")
        found[data[space + 1 : equals]] = data[equals + 1 : end - 1]
        at = end
    return found


def _field(extended: Mapping[bytes, bytes], key: bytes, field: bytes) -> int:
    return decimal(extended[key]) if key in extended else _number(field)


def _time(text: bytes) -> int:
    match = _TIME.fullmatch(text)
    if not match:
        raise Damaged(f"{text[:40]!r} is no time")
    sign, seconds, fraction = match.groups(b"")
    found = int(seconds) * 10**9 + int(fraction.ljust(9, b"0"))
    return -found if sign else found


def _number(field: bytes) -> int:
    match = _OCTAL.fullmatch(field)
    if not match:
        raise Damaged(f"{field!r} is no number")
    return int(match.group(1) or b"0", 8)


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _check_sum(block: bytes) -> None:
    if sum(block) - sum(block[148:156]) + 8 * ord(" ") != _number(block[148:156]):
        raise Damaged("a header of it is damaged")
