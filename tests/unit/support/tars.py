"""Tar streams made by hand, block by block, as no program writes them."""

from __future__ import annotations

import io

from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.tar_stream import BLOCK, END, TarStream

_FIELDS = {
    "name": (0, b"f"),
    "mode": (100, b"0000644\0"),
    "size": (124, b"00000000000\0"),
    "mtime": (136, b"00000000000\0"),
    "kind": (156, b"0"),
    "link": (157, b""),
    "magic": (257, b"ustar\00000"),
}


def header(**fields: bytes) -> bytes:
    """One block with the right sum. fields: of _FIELDS."""
    block = bytearray(BLOCK)
    for name, (place, otherwise) in _FIELDS.items():
        text = fields.get(name, otherwise)
        block[place : place + len(text)] = text
    block[148:156] = b"%06o\0 " % (sum(block) + 8 * 32)
    return bytes(block)


def blocks(content: bytes) -> bytes:
    return content.ljust(-(-len(content) // BLOCK) * BLOCK, b"\0")


def record(key: bytes, value: bytes) -> bytes:
    """One record of an extended header; its length counts its own digits."""
    rest = b" %s=%s\n" % (key, value)
    return next(b"%d%s" % (n, rest) for n in range(len(rest), len(rest) + 9) if n == len(str(n)) + len(rest))


SPARSE = record(b"GNU.sparse.major", b"1") + record(b"GNU.sparse.minor", b"0")


def extended(records: bytes, *following: bytes) -> bytes:
    """An extended header with these records, and what follows it."""
    return header(kind=b"x", size=b"%011o\0" % len(records)) + blocks(records) + b"".join(following)


def sparse(numbers: bytes, data: bytes, realsize: int) -> bytes:
    """A file with holes. numbers: its map, a number a line."""
    stored = blocks(numbers) + blocks(data)
    records = SPARSE + record(b"GNU.sparse.realsize", b"%d" % realsize)
    return extended(records, header(size=b"%011o\0" % len(stored)), stored)


def stream(archive: bytes) -> TarStream:
    return TarStream(io.BytesIO(archive + END).read)
