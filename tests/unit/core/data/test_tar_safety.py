"""Archives that must not be extracted."""

from __future__ import annotations

import re

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.checksums import Entry
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.tar_safety import unsafe_reason
from ansible_collections.kindlab.volumes.tests.unit.support.tars import extended, header, record, sparse, stream

WAY = header(name=b"way", kind=b"2", link=b"/etc")


@pytest.mark.parametrize(
    "archive, why",
    [
        (header(name=b"/f"), "'/f' leads out of the directory"),
        (header(name=b"a/../../f"), "'a/../../f' leads out of the directory"),
        (header(name=b".."), "'..' leads out of the directory"),
        (header(kind=b"1", link=b"/etc/passwd"), "'/etc/passwd' leads out of the directory"),
        (header(kind=b"1", link=b"a/../.."), "'a/../..' leads out of the directory"),
        (extended(record(b"path", b"../up"), header()), "'../up' leads out of the directory"),
        (extended(record(b"path", b"a\0bc"), header()), r"'a\\x00bc' leads out of the directory"),
        (extended(record(b"linkpath", b"/etc"), header(kind=b"1", link=b"f")), "'/etc' leads out of the directory"),
        (header(kind=b"3"), "'f' is a device"),
        (header(kind=b"4"), "'f' is a device"),
        (WAY + header(name=b"way/f"), "the parent of 'way/f' is not a directory"),
        (WAY + header(name=b"./way//f/"), "the parent of 'way/f' is not a directory"),
        (header(name=b"way/f") + WAY, "the parent of 'way/f' is not a directory"),
        (WAY + header(kind=b"1", link=b"way/passwd"), "the parent of 'way/passwd' is not a directory"),
        (
            WAY + header(name=b"h", kind=b"1", link=b"way") + header(name=b"h/f"),
            "the parent of 'h/f' is not a directory",
        ),
        (header() + header(name=b"f/g"), "the parent of 'f/g' is not a directory"),
        (header(name=b"p", kind=b"6") + header(name=b"p/f"), "the parent of 'p/f' is not a directory"),
        (header() + header(name=b"./f"), "it contains 'f' twice"),
        (WAY + header(name=b"way/", kind=b"5"), "it contains 'way' twice"),
        (sparse(b"1\n4\n6\n", b"middle", 9), "truncated or damaged .*pieces of a sparse file exceed"),
        (sparse(b"1\n9223372036854775800\n6\n", b"middle", 9), "truncated or damaged .*pieces of a sparse file exceed"),
        (sparse(b"2\n4\n2\n3\n1\n", b"middle", 9), "truncated or damaged .*a sparse file has overlapping pieces"),
        (sparse(b"9\n0\n1\n", b"", 9), "truncated or damaged .*more data than its map, or less"),
        # tar would take the next member for data, and what that contains for members.
        (
            sparse(b"1\n0\n512\n", b"", 512) + header(name=b"g"),
            "truncated or damaged .*more data than its map, or less",
        ),
        (sparse(b"2\n0\n0\n0\n6\n", b"middle", 9), "truncated or damaged .*an empty one among them"),
        (header(kind=b"7"), "truncated or damaged .*unknown type"),
        (header(size=b"00000001000\0"), "truncated or damaged .*unexpected end"),
    ],
)
def test_what_could_do_harm(archive: bytes, why: str) -> None:
    assert re.search(why, unsafe_reason(stream(archive)))


def test_what_is_harmless() -> None:
    archive = (
        header(name=b"./", kind=b"5")
        + WAY
        + header(name=b"wayward/f")
        + header(name=b"..f")
        + header(name=b"p", kind=b"6")
        + header(name=b"l", kind=b"1", link=b"way")
        + sparse(b"3\n0\n2\n4\n2\n9\n0\n", b"ab".ljust(512, b"\0") + b"cd", 9)
    )
    assert unsafe_reason(stream(archive)) == ""


LISTED = [
    Entry("f", "file", 0, 0o644, same_as="f"),
    Entry("l", "file", 0, 0o644, same_as="f"),
    Entry("way", "symlink", 0, 0o644, target="/etc"),
]
ALL = header() + header(name=b"l", kind=b"1", link=b"f") + WAY


@pytest.mark.parametrize(
    "archive, why",
    [
        (ALL, ""),
        (ALL + header(name=b"more", mode=b"0004755\0"), "'more' is not in the checksum list"),
        (ALL + header(name=b"more", kind=b"1", link=b"f"), "'more' is not in the checksum list"),
        (header() + WAY, "'l' is missing"),
        (header(mode=b"0004755\0") + ALL[512:], "'f' differs from the checksum list"),
        (sparse(b"0\n", b"", 1 << 50) + ALL[512:], "'f' differs from the checksum list"),
        (header(kind=b"5") + ALL[512:], "'f' differs from the checksum list"),
        (header() + header(name=b"l", kind=b"1", link=b"way") + WAY, "'l' differs from the checksum list"),
        (ALL[:1024] + header(name=b"way", kind=b"1", link=b"f"), "'way' differs from the checksum list"),
    ],
)
def test_members_are_those_of_the_list(archive: bytes, why: str) -> None:
    assert unsafe_reason(stream(archive), LISTED) == why
