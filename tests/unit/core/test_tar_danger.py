"""Archives that must not be extracted."""

from __future__ import annotations

import re

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.tar_danger import danger
from ansible_collections.kindlab.volumes.tests.unit.tars import extended, header, record, sparse, stream

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
        (WAY + header(name=b"way/f"), "'way/f' lies below a symbolic link"),
        (WAY + header(name=b"./way//f/"), "'way/f' lies below a symbolic link"),
        (header(name=b"way/f") + WAY, "'way/f' lies below a symbolic link"),
        (WAY + header(kind=b"1", link=b"way/passwd"), "'way/passwd' lies below a symbolic link"),
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
        + sparse(b"0\n", b"", 9)
    )
    assert danger(stream(archive)) == ""
