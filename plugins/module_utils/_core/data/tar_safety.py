# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check that an archive is safe to extract: no path out of the directory, no device, as the checksum list says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from .checksums import Entry
from .tar_entries import as_text, check_holes, relative
from .tar_stream import Damaged, Member, TarStream


def unsafe_reason(stream: TarStream, saved: Sequence[Entry] = ()) -> str:
    """Why it must not be extracted, '' if it is safe. Symbolic links are data, wherever they point.

    saved: the checksum list to compare its members with, () for none.
    """
    listed = {entry.path: entry for entry in saved}
    kinds: dict[bytes, str] = {}
    names: list[bytes] = []
    try:
        for member in stream:
            name = relative(member.name)
            why = _escapes(member) or (_differs(member, as_text(name), listed) if listed else "")
            if why or name in kinds:
                return why or f"it contains {as_text(name)!r} twice"
            check_holes(member, stream)
            kinds[name] = member.kind
            names += [name, *([relative(member.link)] if member.kind == "link" else [])]
    except Damaged as error:
        return f"the archive is truncated or damaged ({error})"
    through = next((name for name in names if any(kinds.get(above, "dir") != "dir" for above in _above(name))), b"")
    if through:
        return f"the parent of {as_text(through)!r} is not a directory"
    missing = min(listed.keys() - set(map(as_text, kinds)), default="")
    return f"{missing!r} is missing" if missing else ""


def _escapes(member: Member) -> str:
    for name in (member.name, *([member.link] if member.kind == "link" else [])):
        if name.startswith(b"/") or b".." in name.split(b"/") or b"\0" in name:
            return f"{as_text(name)!r} leads out of the directory"
    return f"{as_text(member.name)!r} is a device" if member.kind in ("char", "block") else ""


def _differs(member: Member, path: str, listed: Mapping[str, Entry]) -> str:
    """Checked before extraction: a false size could fill the disk."""
    entry = listed.get(path)
    if entry is None:
        return f"{path!r} is not in the checksum list"
    if member.kind == "link":
        first = listed.get(as_text(relative(member.link)))
        same = first is not None and bool(entry.same_as) and entry.same_as == first.same_as
    else:
        found = (member.kind, member.size, member.mode, member.uid, member.gid)
        same = found == (entry.type, entry.size, entry.mode, entry.uid, entry.gid)
    return "" if same else f"{path!r} differs from the checksum list"


def _above(name: bytes) -> Iterator[bytes]:
    while b"/" in name:
        name = name.rpartition(b"/")[0]
        yield name
