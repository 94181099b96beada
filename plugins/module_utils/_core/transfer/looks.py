# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Why data cannot go where a plan wants it: it is not there, other data is, and whether it fits and may be written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed, size
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import Place

MISSING, EMPTY = "missing", "empty"
# Why, and the next step.
Why = tuple[str, str]


@dataclass(frozen=True)
class Look:
    """The directories of a volume that is copied: what they are (missing, empty, there or other), and their disks.

    bytes: of the data. free: of the disk that it goes to, whose name is disk; writable: whether it can be written to,
    above: the directory that was asked. lacking: programs that a node does not have. foreign: a path that only root
    can copy, '' for none.
    """

    source: str
    target: str
    bytes: int
    free: int
    disk: str
    writable: bool
    above: str
    lacking: tuple[str, ...] = ()
    foreign: str = ""


def refusals(
    ends: Iterable[tuple[str, Place | None, Place]], looks: Mapping[str, Look], details: Mapping[str, Mapping[str, str]]
) -> list[Refusal]:
    """ends: name, source (None for an archive) and target of each. details: of refusals, by name."""
    ends = list(ends)
    needed: dict[str, int] = {}
    for name, _source, _target in ends:
        needed[looks[name].disk] = needed.get(looks[name].disk, 0) + looks[name].bytes
    return [
        Refusal(name, why, then, details.get(name, {}))
        for name, source, target in ends
        for why, then in _whys(source, target, looks[name], needed[looks[name].disk])
    ]


def _whys(source: Place | None, target: Place, look: Look, needed: int) -> Iterator[Why]:
    where = (target.host_directory and look.above) or f"{look.above} in {target.node}"
    if source is not None and look.source not in (EMPTY, "there"):
        what = "does not exist" if look.source == MISSING else "is not a directory"
        yield f"its directory {source.text()} {what}", "Restore it: kindlab.volumes.volume_restore."
    if look.target not in (MISSING, EMPTY):
        yield f"{target.text()} exists and has other data", "Move that away if it is not needed."
    if look.lacking:
        yield f"a node has no {listed(look.lacking)}", "Use a node image that has GNU tar, findutils and coreutils."
    if not look.writable:
        yield f"{where} is not a writable directory", f"Check how it is mounted: findmnt -T {look.above}"
    if look.foreign:
        yield f"only root can copy {look.foreign} with its owner", "Run this as root (become: true)."
    if needed > look.free:
        yield f"{where} has {size(look.free)} free, {size(needed)} are needed", f"Free space: df -h {look.above}"
