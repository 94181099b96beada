"""Malicious archives with matching sha256 digests."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import NamedTuple, TypeAlias

from damage_files import PLACES, drawn
from damage_texts import seal
from hypothesis import strategies as st
from victim import EITHER, REFUSED, Files, Victim, Way

from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.tar_entries import relative
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.tar_stream import BLOCK, END, TarStream, padded
from ansible_collections.kindlab.volumes.tests.unit.support.tars import SPARSE, blocks, extended, header, record

# Archives are extracted into a directory next to that of the volume.
UP = (b"../../outside/evil", b"d/../../../outside/f", b"./../v1/evil", b"../.evil", b"..", b"../", b"d/..", b"/")
MAPS = (b"1\n0\n9999999999\n", b"1\n1099511627776\n6\n", b"2\n150000\n6\n", b"-1\n", b"x\n", b"9" * 30, b"0\n")
EVIL = header(name=b"evil")


class Part(NamedTuple):
    """A member of the stream with its data. at: offset of its own header, after the extended one."""

    raw: bytes
    name: bytes = b""
    kind: str = ""
    at: int = 0


# Damages the members and describes the damage; the bytes are a directory that no archive may change.
Change: TypeAlias = "Callable[[st.DataObject, list[Part], bytes], str]"


def ways() -> list[Way]:
    shares: dict[tuple[str, ...], list[tuple[str, int, Change, tuple[str, ...]]]] = {
        ("full", "fast", "none"): [
            ("a member outside of the volume", 250, _leads_out, REFUSED),
            ("a member through a link", 250, _through_link, REFUSED),
            ("a hard link to the outside", 120, _hard_link_out, REFUSED),
            ("a device", 20, _device, REFUSED),
            ("a duplicate member", 100, _twice, REFUSED),
            ("a member below a file", 80, _below_file, REFUSED),
            ("wrong or unknown headers", 150, _headers, REFUSED),
            ("a sparse file that tar reads otherwise", 120, _sparse, REFUSED),
        ],
        ("full", "fast"): [
            ("an additional member", 100, _too_many, REFUSED),
            ("a member missing", 60, _missing, REFUSED),
            # A new mode may equal the old one; tar ignores the mode of hard links.
            ("a member with another mode, owner or size", 120, _other_header, EITHER),
        ],
        ("full",): [
            ("a wrong map of holes", 80, _holes, REFUSED),
            # Some bytes are padding.
            ("any byte of the content", 300, _any_byte, EITHER),
        ],
    }
    return [
        Way(f"archive, digests match: {name}", share, partial(_archived, change), verify, allowed)
        for verify, changes in shares.items()
        for name, share, change, allowed in changes
    ]


def _archived(change: Change, data: st.DataObject, files: Files, victim: Victim) -> str:
    name, archive = drawn(data, files, "archives/")
    parts = list(_parts(archive))
    said = change(data, parts, os.fsencode(victim.outside))
    content = b"".join(part.raw for part in parts) + END
    files[name] = gzip.compress(content, 1) if name.endswith(".gz") else _piped(content, "zstd", "-1")
    seal(files)
    return f"{name}: {said}"


@lru_cache
def _parts(archive: bytes) -> Sequence[Part]:
    plain = io.BytesIO(_piped(archive, "gzip" if archive.startswith(b"\x1f\x8b") else "zstd", "-d"))
    found, start = [], 0
    for member in TarStream(plain.read):
        data = plain.tell()
        end = data + padded(member.stored)
        found.append(Part(plain.getvalue()[start:end], member.name, member.kind, data - BLOCK - start))
        start = end
    return found


def _piped(content: bytes, program: str, option: str) -> bytes:
    return subprocess.run([program, "-q", "-c", option], input=content, stdout=subprocess.PIPE, check=True).stdout


def _put(data: st.DataObject, parts: list[Part], *members: bytes) -> str:
    """Insert each member at a random position."""
    for member in members:
        parts.insert(data.draw(st.integers(0, len(parts))), Part(member))
    return " ".join(f"{member[:BLOCK].rstrip(bytes(1))!r:.50}" for member in members)


def _patched(block: bytes, at: int, text: bytes) -> bytes:
    """The header with other text at an offset, and a matching checksum."""
    changed = bytearray(block)
    changed[at : at + len(text)] = text
    changed[148:156] = b" " * 8
    changed[148:156] = b"%06o\0 " % sum(changed)
    return bytes(changed)


def _leads_out(data: st.DataObject, parts: list[Part], out: bytes) -> str:
    name = data.draw(st.sampled_from([*UP, out + b"/evil", b"//" + out + b"/f"]))
    kind = data.draw(st.sampled_from([b"0", b"2", b"5", b"6"]))
    made = header(name=b"evil", kind=kind, link=b"d" if kind == b"2" else b"")
    members = {
        "name": _patched(made, 0, name.ljust(100, b"\0")),
        "prefix": _patched(made, 345, b"../../outside"),
        "path": extended(record(b"path", name), made),
        "sparse name": extended(record(b"GNU.sparse.name", name) + record(b"path", b"evil"), EVIL),
    }
    form = data.draw(st.sampled_from(sorted(members)))
    _put(data, parts, members[form])
    return f"{form} {name!r}, kind {kind!r}"


def _through_link(data: st.DataObject, parts: list[Part], out: bytes) -> str:
    """Through a link of the volume, an added link, or a hard link to the added one."""
    target = data.draw(st.sampled_from([out, out + b"/d", b"../../outside", b"..", b".", b"d"]))
    way = data.draw(st.sampled_from([b"absolute", b"up", b"up too", b"way", b"hard"]))
    name = data.draw(st.sampled_from([b"%s/evil", b"./%s//evil", b"%s/d/evil", b"%s/f"])) % way
    made = header(name=b"way", kind=b"2", link=target), header(name=b"hard", kind=b"1", link=b"way")
    through = [header(name=name, kind=kind, link=b"f") for kind in (b"0", b"2", b"5")]
    members = {b"way": made[:1], b"hard": made}.get(way, ())
    members += (data.draw(st.sampled_from([*through, header(name=b"evil", kind=b"1", link=name)])),)
    if data.draw(st.booleans()):
        parts += map(Part, members)
    else:
        _put(data, parts, *members)
    return f"{name!r}, {way!r} to {target!r}"


def _hard_link_out(data: st.DataObject, parts: list[Part], out: bytes) -> str:
    link = data.draw(st.sampled_from([*UP, out + b"/f", b"absolute/f", b"up/f"]))
    plain = _patched(header(name=data.draw(st.sampled_from([b"evil", b"d/evil"])), kind=b"1"), 157, link)
    return _put(data, parts, data.draw(st.sampled_from([plain, extended(record(b"linkpath", link), plain)])))


def _device(data: st.DataObject, parts: list[Part], _out: bytes) -> str:
    name, kind = data.draw(st.sampled_from([b"evil", b"d/evil"])), data.draw(st.sampled_from([b"3", b"4"]))
    return _put(data, parts, header(name=name, kind=kind))


def _twice(data: st.DataObject, parts: list[Part], out: bytes) -> str:
    """The same member again, or a link, directory or file of that name."""
    part = data.draw(st.sampled_from(parts))
    path = record(b"path", data.draw(st.sampled_from([part.name, b"./" + relative(part.name) + b"/"])))
    others = [extended(path, header(kind=kind, link=link)) for kind, link in ((b"2", out), (b"5", b""), (b"0", b""))]
    _put(data, parts, data.draw(st.sampled_from([part.raw, *others])))
    return f"{part.name!r:.60}"


def _below_file(data: st.DataObject, parts: list[Part], _out: bytes) -> str:
    part = data.draw(st.sampled_from([part for part in parts if part.kind in ("file", "fifo", "link")]))
    name = relative(part.name) + b"/evil"
    _put(data, parts, extended(record(b"path", name), header(kind=data.draw(st.sampled_from([b"0", b"5"])))))
    return f"{name!r}"


def _headers(data: st.DataObject, parts: list[Part], out: bytes) -> str:
    away = out + b"/evil"
    long_name = header(name=b"././@LongLink", size=b"%011o\0" % (len(away) + 1))
    sizes = (b"\x80" + bytes(11), b"-0000000001\0", b"00000000009\0", b"77777777777\0")
    members = [
        *(extended(record(b"size", size), EVIL) for size in (b"-1", b"1099511627776", b"9" * 30, b"", b"x", b"0x1")),
        *(extended(record(key, b"a\0b"), EVIL) for key in (b"path", b"GNU.sparse.name")),
        *(extended(text, EVIL) for text in (b"99 path=x\n", b"path=x\n", b"x", b"8 path=x", b"-1 path=x\n", b"0 a=\n")),
        *(
            _patched(long_name, 156, kind) + blocks(away + b"\0") + EVIL
            for kind in (b"L", b"K", b"V", b"M", b"N", b"A")
        ),
        *(_patched(EVIL, 156, kind) for kind in (b"S", b"D", b"7", b"8", b"\0", b"X", b"\xff")),
        _patched(extended(record(b"path", away)), 156, b"g") + EVIL,
        extended(record(b"path", away), extended(record(b"path", b"evil"), EVIL)),
        header(kind=b"x", size=b"07777777777\0"),
        *(_patched(EVIL, 257, magic) for magic in (b"ustar  \0", bytes(8), b"USTAR\00000")),
        *(_patched(EVIL, 124, size) for size in sizes),
        EVIL[:148] + b"000000\0 " + EVIL[156:],
        bytes(BLOCK) + EVIL,
        EVIL[:-1],
    ]
    return _put(data, parts, data.draw(st.sampled_from(members)))


def _holes(data: st.DataObject, parts: list[Part], _out: bytes) -> str:
    """The sparse file of the volume with another map or size."""
    (number,) = (number for number, part in enumerate(parts) if relative(part.name) == b"holes")
    pieces = st.tuples(st.integers(0, 2**63), st.integers(0, 600)).map(b"1\n%d\n%d\n".__mod__)
    numbers = data.draw(st.sampled_from(MAPS) | pieces)
    size = data.draw(st.sampled_from([300_000, 300_000, 0, 1, 2**20, 2**44, 10**18, 2**62]))
    stored = blocks(numbers) + blocks(b"middle")
    raw, _name, _kind, at = parts[number]
    own = _patched(raw[at : at + BLOCK], 124, b"%011o\0" % len(stored))
    records = SPARSE + record(b"GNU.sparse.realsize", b"%d" % size) + record(b"GNU.sparse.name", b"./holes")
    parts[number] = Part(extended(records, own, stored))
    return f"{numbers!r} of {size}"


def _sparse(data: st.DataObject, parts: list[Part], out: bytes) -> str:
    """Older forms, and maps and sizes that do not fit: what follows would be data, or a file without an end."""
    size = data.draw(st.sampled_from([0, 1, 6, 512, 300_000, 10**18, 2**63 - 1, 2**63, 10**30]))
    real, old = record(b"GNU.sparse.realsize", b"%d" % size), record(b"GNU.sparse.size", b"%d" % size)
    number, away = record(b"GNU.sparse.numblocks", b"1"), extended(record(b"path", out + b"/evil"), EVIL)
    many = data.draw(st.sampled_from([2, 100, 100_000]))
    whole = _stored(real, b"1\n0\n6\n", b"middle")
    members = {
        "0.0": extended(
            old + number + record(b"GNU.sparse.offset", b"0") + record(b"GNU.sparse.numbytes", b"6"), *_file(b"middle")
        ),
        "0.1": extended(old + number + record(b"GNU.sparse.map", b"0,6"), *_file(b"middle")),
        "old": _patched(_patched(_file(b"middle")[0], 156, b"S"), 257, b"ustar  \0") + blocks(b"middle"),
        "two maps": _stored(real + record(b"GNU.sparse.map", b"0,6"), b"1\n0\n6\n", b"middle"),
        "two sizes": _stored(real + old, b"1\n0\n6\n", b"middle"),
        "no size": _stored(b"", b"1\n0\n6\n", b"middle"),
        "negative": _stored(record(b"GNU.sparse.realsize", b"-6"), b"1\n0\n6\n", b"middle"),
        "the next member is data": _stored(real, b"1\n0\n512\n") + b"".join(_file(away)),
        "more data than pieces": _stored(real, b"1\n0\n6\n", b"middle", away),
        "not in order": _stored(real, b"2\n6\n1\n0\n1\n", b"m", b"i"),
        "overlapping": _stored(real, b"2\n0\n600\n512\n1\n", bytes(600), b"i"),
        "empty pieces": _stored(real, b"%d\n" % many + b"0\n0\n" * many),
        "no end of a number": _stored(real, b"9" * many * 10),
        "pieces without data": _stored(real, b"%d\n" % (size or 1) + b"0\n1\n" * many),
        "a piece behind its end": whole if size < 6 else _stored(real, b"1\n%d\n6\n" % size, b"middle"),
    }
    form = data.draw(st.sampled_from(sorted(members)))
    _put(data, parts, members[form])
    return f"{form}, {size} bytes"


def _stored(records: bytes, numbers: bytes, *pieces: bytes) -> bytes:
    """A sparse file of form 1.0. numbers: its map."""
    return extended(SPARSE + records, *_file(b"".join(map(blocks, (numbers, *pieces)))))


def _file(content: bytes) -> tuple[bytes, bytes]:
    return _patched(EVIL, 124, b"%011o\0" % len(content)), blocks(content)


def _too_many(data: st.DataObject, parts: list[Part], out: bytes) -> str:
    mode = data.draw(st.sampled_from([b"0004755\0", b"0002755\0", b"0000644\0"]))
    kind, link = data.draw(st.sampled_from([(b"0", b""), (b"5", b""), (b"6", b""), (b"2", out), (b"1", b"d/f")]))
    return _put(data, parts, header(name=data.draw(st.sampled_from([b"su", b"d/su"])), mode=mode, kind=kind, link=link))


def _missing(data: st.DataObject, parts: list[Part], _out: bytes) -> str:
    part = parts.pop(data.draw(st.integers(0, len(parts) - 1)))
    return f"{part.name!r:.60}"


def _other_header(data: st.DataObject, parts: list[Part], _out: bytes) -> str:
    number = data.draw(st.integers(0, len(parts) - 1))
    field, owner = b"%07o\0".__mod__, st.sampled_from([108, 116])
    place, text = data.draw(
        st.tuples(st.just(100), st.integers(0, 0o7777).map(field))
        | st.tuples(owner, st.integers(0, 2**21 - 1).map(field))
        | st.tuples(st.just(124), st.integers(0, 2000).map(b"%011o\0".__mod__))
    )
    raw, name, _kind, at = parts[number]
    parts[number] = Part(raw[:at] + _patched(raw[at : at + BLOCK], place, text) + raw[at + BLOCK :])
    return f"{name!r:.60}, {text!r} at {place}"


def _any_byte(data: st.DataObject, parts: list[Part], _out: bytes) -> str:
    whole = bytearray(b"".join(part.raw for part in parts))
    place = data.draw(PLACES) % len(whole)
    whole[place] ^= data.draw(st.integers(1, 255))
    parts[:] = [Part(bytes(whole))]
    return f"byte {place} is {whole[place]:#x}"
