"""Names of directories that data is set aside to."""

from __future__ import annotations

import os

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.set_aside import (
    date_of,
    moving,
    origin_of,
    removing,
    set_aside,
    unfinished_of,
)

AT = "20260102T030405Z"


@pytest.mark.parametrize("directory", ["/srv/v0", "/srv/v0/", "//srv//v0"])
def test_it_lies_beside_the_volumes_directory(directory: str) -> None:
    parent = os.path.dirname(os.path.normpath(directory))
    assert set_aside(directory, AT) == f"{parent}/v0.set-aside-{AT}"
    assert moving(directory) == f"{parent}/.v0.setting-aside"
    assert removing(directory) == f"{parent}/.v0.removing-aside"


@pytest.mark.parametrize("letter", ["x", "\N{SNOWMAN}"])
def test_a_long_name_is_cut_to_what_a_file_system_takes(letter: str) -> None:
    name = letter * (255 // len(letter.encode()))
    for made in (set_aside(f"/srv/{name}", AT), moving(f"/srv/{name}"), removing(f"/srv/{name}")):
        assert len(os.path.basename(made).encode()) <= 255
        assert os.path.basename(made).lstrip(".").startswith(letter * 70)


@pytest.mark.parametrize("time", ["2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05Z", AT])
def test_the_date_of_a_time(time: str) -> None:
    assert date_of(time) == AT


@pytest.mark.parametrize("directory", ["/srv/v0", "/srv/v0.set-aside-20250102T030405Z", "/srv/.v0"])
def test_what_names_say(directory: str) -> None:
    for number in ("", "-2"):
        assert origin_of(f"{set_aside(directory, AT)}{number}") == (directory, AT)
        assert unfinished_of(os.path.basename(f"{removing(directory)}{number}")) == (os.path.basename(directory), False)
    assert unfinished_of(os.path.basename(moving(directory))) == (os.path.basename(directory), True)


@pytest.mark.parametrize(
    "name", ["v0", f"v0.set-aside-{AT}-x", f".set-aside-{AT}", "v0.set-aside-", "v0.setting-aside"]
)
def test_other_names_say_nothing(name: str) -> None:
    assert origin_of(f"/srv/{name}") is None and unfinished_of(name) is None
