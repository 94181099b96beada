# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check that an archive is safe to extract: no path out of the directory, no device, as the checksum list says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from .checksums import Entry
from .packed import Packed, in_order
from .tar_entries import as_text, check_holes, relative
from .tar_stream import Damaged, Member, TarStream


class _Seen(NamedTuple):
    """A member. fields: those that are compared; link: the path that a hard link refers to."""

    path: str
    fields: tuple[str | int, ...]
    link: str = ""

    @property
    def kind(self) -> str:
        return str(self.fields[0])


class _Unsafe(ValueError):
    """A member that must not be extracted."""


def unsafe_reason(stream: TarStream, saved: Sequence[Entry] = ()) -> str:
    """Why it must not be extracted, '' if it is safe. Symbolic links are data, wherever they point.

    saved: the checksum list to compare its members with, () for none.
    """
    try:
        members = Packed(_Seen._make, in_order(_Seen._make, _seen(stream)))
    except Damaged as error:
        return f"the archive is truncated or damaged ({error})"
    except _Unsafe as error:
        return str(error)
    return _twice(members) or _through(members) or (_differing(members, saved) if saved else "")


def _seen(stream: TarStream) -> Iterator[_Seen]:
    """Raises _Unsafe, Damaged."""
    for member in stream:
        why = _escapes(member)
        if why:
            raise _Unsafe(why)
        check_holes(member, stream)
        link = as_text(relative(member.link)) if member.kind == "link" else ""
        # A false size could fill the disk.
        fields = (member.kind, member.size, member.mode, member.uid, member.gid)
        yield _Seen(as_text(relative(member.name)), fields, link)


def _escapes(member: Member) -> str:
    for name in (member.name, *([member.link] if member.kind == "link" else [])):
        if name.startswith(b"/") or b".." in name.split(b"/") or b"\0" in name:
            return f"{as_text(name)!r} leads out of the directory"
    return f"{as_text(member.name)!r} is a device" if member.kind in ("char", "block") else ""


def _twice(members: Iterable[_Seen]) -> str:
    previous = ""
    for member in members:
        if member.path == previous:
            return f"it contains {previous!r} twice"
        previous = member.path
    return ""


def _through(members: Sequence[_Seen]) -> str:
    """A path whose parent is not a directory, which could be a link to anywhere."""
    parents = {above for member in members for path in (member.path, member.link) for above in _above(path)}
    others = {member.path for member in members if member.kind != "dir" and member.path in parents}
    if not others:
        return ""
    paths = (path for member in members for path in (member.path, member.link))
    through = next(path for path in paths if any(above in others for above in _above(path)))
    return f"the parent of {through!r} is not a directory"


def _above(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _differing(members: Sequence[_Seen], saved: Sequence[Entry]) -> str:
    targets = {member.link for member in members if member.link}
    same_as = {entry.path: entry.same_as for entry in saved if entry.path in targets} if targets else {}
    rest, missing = iter(saved), ""
    entry = next(rest, None)
    for member in members:
        while entry is not None and entry.path < member.path:
            missing = missing or entry.path
            entry = next(rest, None)
        if entry is None or entry.path != member.path:
            return f"{member.path!r} is not in the checksum list"
        if member.link:
            same = bool(entry.same_as) and entry.same_as == same_as.get(member.link)
        else:
            same = member.fields == (entry.type, entry.size, entry.mode, entry.uid, entry.gid)
        if not same:
            return f"{member.path!r} differs from the checksum list"
        entry = next(rest, None)
    missing = missing or (entry.path if entry else "")
    return f"{missing!r} is missing" if missing else ""
