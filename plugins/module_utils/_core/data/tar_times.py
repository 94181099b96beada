# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Replace the modification times in a tar stream by those of a checksum list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .tar_entries import as_text, relative
from .tar_stream import BLOCK, END, TarStream, padded


def with_mtimes(stream: TarStream, times: Mapping[str, int]) -> Iterator[bytes]:
    """The archive in pieces. times: path -> mtime_ns; other members keep their own. Raises Damaged."""
    for member in stream:
        records = dict(member.extended)
        mtime_ns = times.get(as_text(relative(member.name)))
        if mtime_ns is not None:
            seconds, fraction = divmod(abs(mtime_ns), 10**9)
            records[b"mtime"] = b"%s%d.%09d" % (b"-" if mtime_ns < 0 else b"", seconds, fraction)
        yield (_extended(records) if records else b"") + member.header
        yield from stream.pieces()
    yield END


def _extended(records: Mapping[bytes, bytes]) -> bytes:
    """A member's extended header: its block and its records."""
    data = b"".join(_record(key, value) for key, value in records.items())
    block = bytearray(BLOCK)
    for place, text in (
        (0, b"PaxHeader"),
        (100, b"0000644\0" + b"0000000\0" * 2 + b"%011o\0" % len(data) + b"%011o\0" % 0 + b" " * 8 + b"x"),
        (257, b"ustar\00000"),
    ):
        block[place : place + len(text)] = text
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + data.ljust(padded(len(data)), b"\0")


def _record(key: bytes, value: bytes) -> bytes:
    """'LENGTH KEY=VALUE' and a newline; the length includes its own digits."""
    rest = b" %s=%s\n" % (key, value)
    length = len(rest) + len(str(len(rest)))
    return b"%d%s" % (len(rest) + len(str(length)), rest)
