"""Tar streams: read as Python's own reader reads them, or refused as a whole."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.tar_stream import (
    BLOCK,
    END,
    PIECE,
    Damaged,
    Member,
    TarStream,
)
from ansible_collections.kindlab.volumes.tests.unit.support.tars import SPARSE, extended, header, record

KINDS = {
    tarfile.REGTYPE: "file",
    tarfile.LNKTYPE: "link",
    tarfile.SYMTYPE: "symlink",
    tarfile.CHRTYPE: "char",
    tarfile.BLKTYPE: "block",
    tarfile.DIRTYPE: "dir",
    tarfile.FIFOTYPE: "fifo",
}
# How tar wrote sparse files before: it reads these, too.
REALSIZE = record(b"GNU.sparse.realsize", b"7")
HOLES_0_1 = (
    record(b"GNU.sparse.name", b"f")
    + record(b"GNU.sparse.size", b"7")
    + record(b"GNU.sparse.numblocks", b"1")
    + record(b"GNU.sparse.map", b"0,7")
)
HOLES_0_0 = (
    record(b"GNU.sparse.size", b"7")
    + record(b"GNU.sparse.numblocks", b"1")
    + record(b"GNU.sparse.offset", b"0")
    + record(b"GNU.sparse.numbytes", b"7")
)
# Python's reader takes a slash at the end of a name away.
names = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=300).filter(
    lambda name: not name.endswith("/") and len(name.encode()) < 2000
)
numbers = st.integers(0, 2**40)


@st.composite
def infos(draw: st.DrawFn) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(draw(names))
    info.type = draw(st.sampled_from(sorted(KINDS)))
    info.mode, info.uid, info.gid = draw(st.integers(0, 0o7777)), draw(numbers), draw(numbers)
    info.mtime = draw(st.integers(-(2**40), 2**40))
    if info.type in (tarfile.LNKTYPE, tarfile.SYMTYPE):
        info.linkname = draw(names)
    if info.type in (tarfile.CHRTYPE, tarfile.BLKTYPE):
        info.devmajor, info.devminor = draw(st.integers(0, 4095)), draw(st.integers(0, 2**20))
    info.pax_headers = draw(st.dictionaries(st.sampled_from(["SCHILY.xattr.user.a", "comment"]), names, max_size=2))
    content = draw(st.binary(max_size=1500)) if info.type == tarfile.REGTYPE else b""
    info.size = len(content)
    return info, content


archives = st.lists(infos(), max_size=4)


def packed(members: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


def read(archive: bytes) -> list[tuple[Member, bytes]]:
    stream = TarStream(io.BytesIO(archive).read)
    return [(member, b"".join(stream.pieces())) for member in stream]


@given(archives)
def test_members_are_what_was_put_in(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    found = read(packed(members))
    assert [
        (m.name.decode().rstrip("/"), m.kind, m.link.decode(), m.mode, m.uid, m.gid, m.mtime_ns, m.size, data[: m.size])
        for m, data in found
    ] == [
        (i.name, KINDS[i.type], i.linkname, i.mode, i.uid, i.gid, i.mtime * 10**9, i.size, content)
        for i, content in members
    ]
    assert [m.device for m, _data in found if m.device] == [
        f"{i.devmajor}:{i.devminor}" for i, _content in members if i.type in (tarfile.CHRTYPE, tarfile.BLKTYPE)
    ]
    for (member, data), (info, _content) in zip(found, members, strict=True):
        assert len(data) % BLOCK == 0
        for key, value in info.pax_headers.items():
            assert member.extended[key.encode()] == value.encode()


@given(archives)
def test_what_is_not_read_is_passed_over(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    archive = packed(members)
    assert [m.name for m in TarStream(io.BytesIO(archive).read)] == [m.name for m, _data in read(archive)]


@given(archives.filter(bool), st.data())
def test_no_part_of_an_archive_is_taken_for_one(
    members: list[tuple[tarfile.TarInfo, bytes]], data: st.DataObject
) -> None:
    archive = packed(members)
    end = archive.rstrip(b"\0")
    length = data.draw(st.integers(0, len(end)))
    with pytest.raises(Damaged):
        read(archive[:length])


@settings(max_examples=200)
@given(archives.filter(bool), st.data())
def test_damage_is_told_as_such(members: list[tuple[tarfile.TarInfo, bytes]], data: st.DataObject) -> None:
    """Only content can be changed unseen: that has no sum in a tar stream, but one in the checksum list."""
    archive = bytearray(packed(members))
    place = data.draw(st.integers(0, len(archive) - 1))
    archive[place] ^= data.draw(st.integers(1, 255))
    try:
        found = read(bytes(archive))
    except Damaged:
        return
    assert len(found) == len(members)


@settings(max_examples=200)
@given(st.binary(max_size=3 * BLOCK))
def test_what_is_no_archive_is_damaged(content: bytes) -> None:
    with pytest.raises(Damaged):
        read(content)


@pytest.mark.parametrize(
    "archive, why",
    [
        (header(kind=b"g"), "unknown type"),
        (header(kind=b"L"), "unknown type"),
        (header(kind=b"S"), "unknown type"),
        (header(kind=b"\0"), "unknown type"),
        (header(magic=b"ustar  \0"), "unknown type"),
        (header(kind=b"5", size=b"00000000001\0"), "a dir has data"),
        (header(size=b"\x80\0\0\0\0\0\0\0\0\0\0\1"), "not a number"),
        (header(size=b"-0000000001\0"), "not a number"),
        (header(size=b"00000000008\0"), "not a number"),
        (header(size=b"0000 000001\0"), "not a number"),
        (header()[:-1] + b"x", "a header has a wrong checksum"),
        (header(kind=b"x", size=b"77777777777\0"), "an extended header claims 8589934591 bytes"),
        (extended(b"8 a=bcd\n", header(kind=b"x")), "unknown type"),
        (extended(b"9 a=bcd\n", header()), "not a list of records"),
        (extended(b"7 a=bcd\n", header()), "not a list of records"),
        (extended(b"0 a=bcd\n", header()), "not a list of records"),
        (extended(b"a=bcd\n", header()), "not a number"),
        (extended(b"6 abc\n", header()), "not a list of records"),
        (extended(b"16 mtime=1e400\n", header()), "not a list of records"),
        (extended(record(b"mtime", b"1e400"), header()), "not a time"),
        (extended(record(b"uid", b"-1"), header()), "not a number"),
        (extended(SPARSE, header()), "unknown form"),
        (extended(SPARSE + REALSIZE, header(kind=b"2")), "unknown form"),
        (extended(record(b"GNU.sparse.major", b"0"), header()), "unknown form"),
        (extended(HOLES_0_0, header()), "unknown form"),
        (extended(HOLES_0_1, header()), "unknown form"),
        (extended(SPARSE + REALSIZE + record(b"GNU.sparse.map", b"0,7"), header()), "unknown form"),
        (extended(SPARSE + REALSIZE + record(b"GNU.sparse.size", b"9"), header()), "unknown form"),
        (extended(SPARSE + record(b"GNU.sparse.realsize", b"-7"), header()), "not a number"),
        (extended(SPARSE + record(b"GNU.sparse.realsize", b"%d" % 2**63), header()), "not a number"),
        (extended(record(b"GNU.dumpdir", b"Df\0"), header(kind=b"5")), "unknown form"),
        (extended(record(b"path", b""), header()), "is empty"),
        (extended(record(b"linkpath", b""), header(kind=b"2", link=b"g")), "is empty"),
        (extended(record(b"a", b"") * 20_000, header()), "more than 16384 records"),
        (header() + bytes(BLOCK) + header() + END, "trailing data"),
    ],
)
def test_what_is_not_known_is_refused(archive: bytes, why: str) -> None:
    with pytest.raises(Damaged, match=why):
        read(archive + END)


@pytest.mark.parametrize(
    "text, expected",
    [
        (b"7", 7_000_000_000),
        (b"0.5", 500_000_000),
        (b"-1.500000000", -1_500_000_000),
        (b"1.000000001", 1_000_000_001),
    ],
)
def test_times(text: bytes, expected: int) -> None:
    ((member, _data),) = read(extended(record(b"mtime", text), header()) + END)
    assert member.mtime_ns == expected


@pytest.mark.parametrize("order", [lambda two: two, lambda two: two[::-1]])
def test_the_name_of_a_file_with_holes_is_the_one_that_tar_takes(order: Callable[[list[bytes]], list[bytes]]) -> None:
    records = b"".join(order([record(b"GNU.sparse.name", b"up"), record(b"path", b"ok")]))
    size = record(b"GNU.sparse.realsize", b"0")
    assert read(extended(SPARSE + size + records, header()) + END)[0][0].name == b"up"


def test_more_than_a_header_can_say() -> None:
    """A file with holes that has more than 8 GiB of data: its size stands in a record, beside that with its holes."""
    stored = (8 << 30) + PIECE
    sizes = record(b"GNU.sparse.realsize", b"%d" % (9 << 30)) + record(b"size", b"%d" % stored)
    start = extended(SPARSE + sizes, header())
    parts = iter([start, header(name=b"behind"), END])
    zeros, waiting, left = bytes(PIECE), io.BytesIO(next(parts)), stored

    def give(count: int) -> bytes:
        nonlocal waiting, left
        found = waiting.read(count)
        if found:
            return found
        if left:
            left -= count
            return zeros[:count]
        waiting = io.BytesIO(next(parts))
        return waiting.read(count)

    assert [(m.name, m.size, m.stored) for m in TarStream(give)] == [(b"f", 9 << 30, stored), (b"behind", 0, 0)]
