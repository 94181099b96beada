# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Why an archive must not be extracted: members that lead out of the directory, devices, what is no archive."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.kindlab.volumes.plugins.module_utils._core.tar_entries import as_text, relative
from ansible_collections.kindlab.volumes.plugins.module_utils._core.tar_members import Damaged, Member, TarStream


def danger(stream: TarStream) -> str:
    """The reason, '' for an archive that may be extracted. Symbolic links are data, wherever they point."""
    links: set[bytes] = set()
    names: list[bytes] = []
    try:
        for member in stream:
            why = _leads_out(member)
            if why:
                return why
            names.append(relative(member.name))
            if member.kind == "symlink":
                links.add(names[-1])
            elif member.kind == "link":
                names.append(relative(member.link))
    except Damaged as error:
        return f"it is no whole archive ({error})"
    through = next((name for name in names if any(above in links for above in _above(name))), b"")
    return f"{as_text(through)!r} lies below a symbolic link" if through else ""


def _leads_out(member: Member) -> str:
    for name in (member.name, *([member.link] if member.kind == "link" else [])):
        if name.startswith(b"/") or b".." in name.split(b"/") or b"\0" in name:
            return f"{as_text(name)!r} leads out of it"
    return f"{as_text(member.name)!r} is a device" if member.kind in ("char", "block") else ""


def _above(name: bytes) -> Iterator[bytes]:
    while b"/" in name:
        name = name.rpartition(b"/")[0]
        yield name
