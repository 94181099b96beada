# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checksum list of a tar stream: the entries that a scan of the archived directory gives."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from .checksums import Entry, attributes_digest
from .packed import Packed, in_order
from .tar_stream import BLOCK, PIECE, Damaged, Member, TarStream, decimal, padded

_ATTRIBUTE = b"SCHILY.xattr."
_ZEROS = bytes(PIECE)
# Digits of a number that decimal() takes.
_LONGEST_NUMBER = 20
_OTHER_DATA = "a sparse file has more data than its map, or less"


def entries(stream: TarStream, mode: str) -> Sequence[Entry]:
    """The entries, sorted by path. mode: full, or fast without the content's sha256. Raises Damaged.

    Times are whole seconds where the archive has no extended headers for them, as the archives of a backup.
    """
    links: list[_Link] = []
    found = Packed(_Numbered._make, in_order(_Numbered._make, _members(stream, mode, links)))
    plain = (Entry(*numbered.entry) for numbered in found)
    return Packed(Entry._make, _once(_with_links(plain, found, links) if links else plain))


class _Link(NamedTuple):
    """A hard link, and the number of its member."""

    path: str
    first: str
    number: int


class _Numbered(NamedTuple):
    """An entry, and the number of its member."""

    path: str
    entry: tuple[Any, ...]
    number: int


def _members(stream: TarStream, mode: str, links: list[_Link]) -> Iterator[_Numbered]:
    """The entries in the order of the archive, except hard links, which are added to links."""
    for number, member in enumerate(stream):
        path = as_text(relative(member.name))
        if member.kind == "link":
            links.append(_Link(path, as_text(relative(member.link)), number))
        else:
            entry = _entry(member, path, _sha256(member, stream) if mode == "full" else "")
            yield _Numbered(path, tuple(entry), number)


def _with_links(plain: Iterable[Entry], found: Iterable[_Numbered], links: Sequence[_Link]) -> Iterator[Entry]:
    """All entries, each path of a file with several paths naming the first of them."""
    names = {link.first for link in links}
    files = {numbered.path: numbered for numbered in found if numbered.path in names}
    paths = {first: [first] for first in names}
    for link in links:
        if link.first not in files or files[link.first].number > link.number:
            raise Damaged(f"the hard link {link.path!r} refers to {link.first!r}, which does not precede it")
        paths[link.first].append(link.path)
    same_as = {first: min(own) for first, own in paths.items()}
    linked = [
        Entry(*files[link.first].entry)._replace(path=link.path, same_as=same_as[link.first]) for link in sorted(links)
    ]
    named = (entry._replace(same_as=same_as[entry.path]) if entry.path in same_as else entry for entry in plain)
    return heapq.merge(named, linked, key=lambda entry: entry.path)


def _once(found: Iterable[Entry]) -> Iterator[Entry]:
    previous = ""
    for entry in found:
        if entry.path == previous:
            raise Damaged(f"it contains {entry.path!r} twice")
        previous = entry.path
        yield entry


def check_holes(member: Member, stream: TarStream) -> None:
    """Raise Damaged if the map of a sparse file does not fit the file and its data."""
    for _piece in _pieces(member, stream) if member.sparse else ():
        pass


def relative(name: bytes) -> bytes:
    """A member's name as a path in the directory: './a/b/' is 'a/b', the directory itself '.'."""
    return b"/".join(part for part in name.split(b"/") if part not in (b"", b".")) or b"."


def as_text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def _entry(member: Member, path: str, sha256: str) -> Entry:
    target = as_text(member.link) if member.kind == "symlink" else member.device
    # ACLs are among them, in the kernel's form. tar escapes these two characters in a key.
    attributes = {
        as_text(key[len(_ATTRIBUTE) :].replace(b"%3D", b"=").replace(b"%25", b"%")): value
        for key, value in member.extended.items()
        if key.startswith(_ATTRIBUTE)
    }
    status = member.mode, member.uid, member.gid, member.mtime_ns
    return Entry(path, member.kind, member.size, *status, target, "", attributes_digest(attributes), sha256)


def _sha256(member: Member, stream: TarStream) -> str:
    if member.kind != "file":
        return ""
    sha256 = hashlib.sha256()
    for piece in _with_holes(member, stream) if member.sparse else _plain(member.size, stream):
        sha256.update(piece)
    return sha256.hexdigest()


def _plain(size: int, stream: TarStream) -> Iterator[bytes]:
    while size:
        count = min(size, PIECE)
        yield stream.take(padded(count))[:count]
        size -= count


def _with_holes(member: Member, stream: TarStream) -> Iterator[bytes]:
    position = 0
    for offset, size in list(_pieces(member, stream)):
        yield from _hole(offset - position)
        yield from _plain(size, stream)
        position = offset + size
    yield from _hole(member.size - position)


def _pieces(member: Member, stream: TarStream) -> Iterator[tuple[int, int]]:
    """Offset and size of each piece of data, from the map before it: the number of pieces, then two numbers each.

    Raises Damaged unless they are in order and in the file, none but the last is empty, and their data is all that is
    stored: tar would create an endless file, need endless memory, or take what follows for data.
    """
    numbers = _numbers(stream)
    position = stored = 0
    empty = False
    (count,) = islice(numbers, 1)
    for offset, size in islice(zip(numbers, numbers), count):
        if empty or offset < position:
            raise Damaged("a sparse file has overlapping pieces, or an empty one among them")
        position, stored, empty = offset + size, stored + padded(size), size == 0
        if position > member.size:
            raise Damaged("the pieces of a sparse file exceed its size")
        if stored > stream.left:
            raise Damaged(_OTHER_DATA)
        yield offset, size
    if stored != stream.left:
        raise Damaged(_OTHER_DATA)


def _numbers(stream: TarStream) -> Iterator[int]:
    rest = b""
    while True:
        *lines, rest = (rest + stream.take(BLOCK)).split(b"\n")
        yield from map(decimal, lines)
        if len(rest) > _LONGEST_NUMBER:
            raise Damaged(f"{rest[:20]!r} is not a number")


def _hole(size: int) -> Iterator[bytes]:
    for start in range(0, size, PIECE):
        yield _ZEROS[: min(PIECE, size - start)]
