# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checksum list of a tar stream: the entries that a scan of the archived directory gives."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from .checksums import Entry, attributes_digest
from .tar_stream import BLOCK, PIECE, Damaged, Member, TarStream, decimal, padded

_ATTRIBUTE = b"SCHILY.xattr."
_ZEROS = bytes(PIECE)


def entries(stream: TarStream, mode: str) -> list[Entry]:
    """The entries, sorted by path. mode: full, or fast without the content's sha256. Raises Damaged.

    Times are whole seconds where the archive has no extended headers for them, as the archives of a backup.
    """
    found: dict[str, Entry] = {}
    hard_links: dict[str, list[str]] = {}
    for member in stream:
        path = as_text(relative(member.name))
        if path in found:
            raise Damaged(f"it contains {path!r} twice")
        if member.kind == "link":
            first = as_text(relative(member.link))
            if first not in found:
                raise Damaged(f"the hard link {path!r} refers to {first!r}, which does not precede it")
            hard_links.setdefault(first, [first]).append(path)
            found[path] = found[first]._replace(path=path)
            continue
        found[path] = _entry(member, path, _sha256(member, stream) if mode == "full" else "")
    for paths in hard_links.values():
        same_as = min(paths)
        found.update((path, found[path]._replace(same_as=same_as)) for path in paths)
    return [found[path] for path in sorted(found)]


def check_holes(member: Member, stream: TarStream) -> None:
    """Raise Damaged if the map of a sparse file leads beyond its size: tar would create an endless file."""
    position = 0
    for offset, size in _pieces(stream) if member.sparse else ():
        if offset < position:
            raise Damaged("a sparse file has overlapping holes")
        position = offset + size
    if position > member.size:
        raise Damaged("the holes of a sparse file exceed its size")


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
    for offset, size in _pieces(stream):
        yield from _hole(offset - position)
        yield from _plain(size, stream)
        position = offset + size
    yield from _hole(member.size - position)
    if stream.left:
        raise Damaged("a sparse file has more data than its map")


def _pieces(stream: TarStream) -> list[tuple[int, int]]:
    """Offset and size of each piece of data, from the map before it: the number of pieces, then two numbers each."""
    numbers = _numbers(stream)
    return [(next(numbers), next(numbers)) for _number in range(next(numbers))]


def _numbers(stream: TarStream) -> Iterator[int]:
    rest = b""
    while True:
        *lines, rest = (rest + stream.take(BLOCK)).split(b"\n")
        yield from map(decimal, lines)


def _hole(size: int) -> Iterator[bytes]:
    if size < 0:
        raise Damaged("the holes of a sparse file exceed its size")
    for start in range(0, size, PIECE):
        yield _ZEROS[: min(PIECE, size - start)]
