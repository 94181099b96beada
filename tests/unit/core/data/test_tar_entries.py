"""Entries of tar streams made by hand: holes, links, attributes, and what doesn't fit."""

from __future__ import annotations

import hashlib
import io

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.checksums import attributes_digest
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.tar_entries import entries
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.tar_stream import PIECE, Damaged, TarStream
from ansible_collections.kindlab.volumes.tests.unit.support.tars import (
    SPARSE,
    extended,
    header,
    record,
    sparse,
    stream,
)

ONE = b"1" * 512


@pytest.mark.parametrize(
    "numbers, data, content",
    [
        (b"0\n", b"", bytes(7)),
        (b"1\n0\n3\n", b"abc", b"abc" + bytes(4)),
        (b"2\n512\n512\n1024\n0\n", ONE, bytes(512) + ONE),
        (b"3\n0\n512\n2048\n512\n4096\n3\n", ONE + ONE + b"end", ONE + bytes(1536) + ONE + bytes(1536) + b"end"),
        (b"1\n%d\n1\n" % (3 * PIECE), b"x", bytes(3 * PIECE) + b"x"),
        (b"1\n0\n%d\n" % (PIECE + 5), b"x" * (PIECE + 5), b"x" * (PIECE + 5)),
        (b"200\n" + b"".join(b"%d\n1\n" % (512 * n) for n in range(200)), (b"y".ljust(512, b"\0")) * 200, None),
    ],
)
def test_holes(numbers: bytes, data: bytes, content: bytes | None) -> None:
    content = (b"y".ljust(512, b"\0")) * 200 if content is None else content
    found = entries(stream(sparse(numbers, data, len(content)) + header(name=b"g")), "full")
    assert [(e.path, e.size) for e in found] == [("f", len(content)), ("g", 0)]
    assert found[0].sha256 == hashlib.sha256(content).hexdigest()
    unread = entries(stream(sparse(numbers, data, len(content)) + header(name=b"g")), "fast")
    assert unread == [entry._replace(sha256="") for entry in found]


@pytest.mark.parametrize(
    "archive, why",
    [
        (sparse(b"1\n512\n512\n", ONE, 512), "pieces of a sparse file exceed"),
        (sparse(b"2\n512\n1\n0\n1\n", ONE + ONE, 2048), "overlapping pieces"),
        (sparse(b"1\n0\n1024\n", ONE, 1024), "more data than its map, or less"),
        (sparse(b"2\n0\n1\n", ONE, 7), "not a number"),
        (sparse(b"x\n", ONE, 7), "not a number"),
        (sparse(b"9", b"", 7), "not a number"),
        (sparse(b"1\n0\n1\n", ONE + ONE, 1), "more data than its map, or less"),
        (sparse(b"100\n" + b"0\n0\n" * 100, b"", 2), "an empty one among them"),
        (sparse(b"9" * 600, b"", 7), "not a number"),
        (sparse(b"1\n-1\n1\n", ONE, 7), "not a number"),
        (sparse(b"1\n%d\n1\n" % 2**63, ONE, 2**63 - 1), "not a number"),
        (sparse(b"%d\n0\n1\n" % (2**63 - 1), ONE, 2**63 - 1), "not a number"),
        (sparse(b"1\n%d\n%d\n" % (2**62, 2**62), ONE, 2**63 - 1), "pieces of a sparse file exceed"),
        (header() + header(), "'f' twice"),
        (header(name=b"a") + header(name=b"./a/", kind=b"5"), "'a' twice"),
        (header(kind=b"1", link=b"g") + header(name=b"g"), "does not precede it"),
    ],
)
def test_what_does_not_fit_is_damage(archive: bytes, why: str) -> None:
    with pytest.raises(Damaged, match=why):
        entries(stream(archive), "full")


def test_links_are_their_first_name() -> None:
    archive = (
        header(name=b"./m", mode=b"0000600\0")
        + header(name=b"./b", kind=b"1", link=b"./m")
        + header(name=b"./z", kind=b"1", link=b"./m")
        + header(name=b"alone")
    )
    found = entries(stream(archive), "full")
    assert [(e.path, e.type, e.mode, e.same_as) for e in found] == [
        ("alone", "file", 0o644, ""),
        ("b", "file", 0o600, "b"),
        ("m", "file", 0o600, "b"),
        ("z", "file", 0o600, "b"),
    ]


def test_attributes() -> None:
    label = record(b"SCHILY.xattr.security.selinux", b"x")
    records = (
        record(b"SCHILY.xattr.user.a", b"\0\xff\n\n1")
        + record(b"SCHILY.xattr.user.%253D%3D", b"b=c")
        + record(b"SCHILY.acl.access", b"x")
        + label
    )
    (found,) = entries(stream(extended(records, header())), "full")
    assert found.xattrs == attributes_digest({"user.a": b"\0\xff\n\n1", "user.%3D=": b"b=c"})
    assert entries(stream(extended(label, header())), "full")[0].xattrs == ""


@pytest.mark.parametrize("block", [b"9", b"9\n0\n", b"\0"])
def test_a_map_without_an_end_is_damage(block: bytes) -> None:
    """Its reader needs neither endless time nor memory, whatever size is claimed."""
    sizes = record(b"GNU.sparse.realsize", b"%d" % 10**18) + record(b"size", b"%d" % 10**18)
    start = io.BytesIO(extended(SPARSE + sizes, header()))
    endless = TarStream(lambda count: start.read(count) or (block * count)[:count])
    with pytest.raises(Damaged, match=r"not a number|empty one"):
        entries(endless, "full")
