# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The checksum list of a volume: its entries, their digest and sums."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from .checksums import Entry, compared_line, line


@dataclass(frozen=True)
class ChecksumList:
    """A volume's checksum list.

    entries: sorted by path. digest: a sha256 over what checksums.compare() compares, equal for equal content; '' if
    nothing was read. files: regular files; bytes: their size, hard links to one file counted once. devices: device
    nodes. consistent: False if the data was written to whenever it was read.
    """

    entries: Sequence[Entry] = ()
    digest: str = ""
    files: int = 0
    bytes: int = 0
    devices: int = 0
    consistent: bool = True

    @classmethod
    def from_entries(cls, entries: Sequence[Entry], mode: str, *, consistent: bool = True) -> ChecksumList:
        """mode: full or fast."""
        sha256 = hashlib.sha256()
        files = size = devices = 0
        for entry in entries:
            sha256.update(compared_line(entry, mode).encode("ascii"))
            if entry.type == "file":
                files += 1
                size += entry.size if entry.same_as in ("", entry.path) else 0
            devices += entry.type in ("char", "block")
        return cls(entries, sha256.hexdigest(), files, size, devices, consistent)

    def lines(self) -> Iterator[str]:
        """Its text, line by line."""
        return map(line, self.entries)


def totals(entries: Iterable[Entry]) -> tuple[int, int]:
    """Number of regular files, and their bytes, as in ChecksumList."""
    files = [(entry.size, entry.same_as in ("", entry.path)) for entry in entries if entry.type == "file"]
    return len(files), sum(size for size, counts in files if counts)
