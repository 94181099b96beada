# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Why an archive must not be extracted: members that lead out of the directory, devices, what is no archive."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from .checksums import Entry
from .tar_entries import (
    as_text,
    check_holes,
    relative,
)
from .tar_stream import Damaged, Member, TarStream


def danger(stream: TarStream, saved: Sequence[Entry] = ()) -> str:
    """The reason, '' for an archive that may be extracted. Symbolic links are data, wherever they point.

    saved: its checksum list, () where its members are not to be compared with one.
    """
    listed = {entry.path: entry for entry in saved}
    kinds: dict[bytes, str] = {}
    names: list[bytes] = []
    try:
        for member in stream:
            name = relative(member.name)
            why = _leads_out(member) or (_unlike(member, as_text(name), listed) if listed else "")
            if why or name in kinds:
                return why or f"{as_text(name)!r} is there twice"
            check_holes(member, stream)
            kinds[name] = member.kind
            names += [name, *([relative(member.link)] if member.kind == "link" else [])]
    except Damaged as error:
        return f"it is no whole archive ({error})"
    through = next((name for name in names if any(kinds.get(above, "dir") != "dir" for above in _above(name))), b"")
    if through:
        return f"{as_text(through)!r} lies below what is no directory"
    missing = min(listed.keys() - set(map(as_text, kinds)), default="")
    return f"{missing!r} is missing" if missing else ""


def _leads_out(member: Member) -> str:
    for name in (member.name, *([member.link] if member.kind == "link" else [])):
        if name.startswith(b"/") or b".." in name.split(b"/") or b"\0" in name:
            return f"{as_text(name)!r} leads out of it"
    return f"{as_text(member.name)!r} is a device" if member.kind in ("char", "block") else ""


def _unlike(member: Member, path: str, listed: Mapping[str, Entry]) -> str:
    """Before anything is written: a size that is none would take the disk, or the time, of all others."""
    entry = listed.get(path)
    if entry is None:
        return f"{path!r} is not in the checksum list"
    if member.kind == "link":
        first = listed.get(as_text(relative(member.link)))
        same = first is not None and bool(entry.same_as) and entry.same_as == first.same_as
    else:
        found = (member.kind, member.size, member.mode, member.uid, member.gid)
        same = found == (entry.type, entry.size, entry.mode, entry.uid, entry.gid)
    return "" if same else f"{path!r} is not what the checksum list says of it"


def _above(name: bytes) -> Iterator[bytes]:
    while b"/" in name:
        name = name.rpartition(b"/")[0]
        yield name
