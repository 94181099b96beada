"""Archives that must not be extracted."""

from __future__ import annotations

import re

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.checksums import Entry
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.tar_safety import danger
from ansible_collections.kindlab.volumes.tests.unit.support.tars import extended, header, record, sparse, stream

WAY = header(name=b"way", kind=b"2", link=b"/etc")


@pytest.mark.parametrize(
    "archive, why",
    [
        (header(name=b"/f"), "'/f' leads out of it"),
        (header(name=b"a/../../f"), "'a/../../f' leads out of it"),
        (header(name=b".."), "'..' leads out of it"),
        (header(kind=b"1", link=b"/etc/passwd"), "'/etc/passwd' leads out of it"),
        (header(kind=b"1", link=b"a/../.."), "'a/../..' leads out of it"),
        (extended(record(b"path", b"../up"), header()), "'../up' leads out of it"),
        (extended(record(b"path", b"a\0bc"), header()), r"'a\\x00bc' leads out of it"),
        (extended(record(b"linkpath", b"/etc"), header(kind=b"1", link=b"f")), "'/etc' leads out of it"),
        (header(kind=b"3"), "'f' is a device"),
        (header(kind=b"4"), "'f' is a device"),
        (WAY + header(name=b"way/f"), "'way/f' lies below what is no directory"),
        (WAY + header(name=b"./way//f/"), "'way/f' lies below what is no directory"),
        (header(name=b"way/f") + WAY, "'way/f' lies below what is no directory"),
        (WAY + header(kind=b"1", link=b"way/passwd"), "'way/passwd' lies below what is no directory"),
        (
            WAY + header(name=b"h", kind=b"1", link=b"way") + header(name=b"h/f"),
            "'h/f' lies below what is no directory",
        ),
        (header() + header(name=b"f/g"), "'f/g' lies below what is no directory"),
        (header(name=b"p", kind=b"6") + header(name=b"p/f"), "'p/f' lies below what is no directory"),
        (header() + header(name=b"./f"), "'f' is there twice"),
        (WAY + header(name=b"way/", kind=b"5"), "'way' is there twice"),
        (sparse(b"1\n4\n6\n", b"middle", 9), "it is no whole archive .*holes don't fit"),
        (sparse(b"1\n9223372036854775800\n6\n", b"middle", 9), "it is no whole archive .*holes don't fit"),
        (sparse(b"2\n4\n2\n3\n1\n", b"middle", 9), "it is no whole archive .*holes lie upon each other"),
        (sparse(b"9\n0\n1\n", b"", 9), "it is no whole archive .*longer than its header says"),
        (header(kind=b"7"), "it is no whole archive .*unknown kind"),
        (header(size=b"00000001000\0"), "it is no whole archive .*ends too early"),
    ],
)
def test_what_could_do_harm(archive: bytes, why: str) -> None:
    assert re.search(why, danger(stream(archive)))


def test_what_is_harmless() -> None:
    archive = (
        header(name=b"./", kind=b"5")
        + WAY
        + header(name=b"wayward/f")
        + header(name=b"..f")
        + header(name=b"p", kind=b"6")
        + header(name=b"l", kind=b"1", link=b"way")
        + sparse(b"3\n0\n2\n4\n2\n9\n0\n", b"abcd", 9)
    )
    assert danger(stream(archive)) == ""


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
        (header(mode=b"0004755\0") + ALL[512:], "'f' is not what the checksum list says of it"),
        (sparse(b"0\n", b"", 1 << 50) + ALL[512:], "'f' is not what the checksum list says of it"),
        (header(kind=b"5") + ALL[512:], "'f' is not what the checksum list says of it"),
        (header() + header(name=b"l", kind=b"1", link=b"way") + WAY, "'l' is not what the checksum list says of it"),
        (ALL[:1024] + header(name=b"way", kind=b"1", link=b"f"), "'way' is not what the checksum list says of it"),
    ],
)
def test_members_are_those_of_the_list(archive: bytes, why: str) -> None:
    assert danger(stream(archive), LISTED) == why
