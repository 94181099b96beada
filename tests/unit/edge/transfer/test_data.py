"""Copies of directories have all that a file system holds, on one host and streamed, and differences are seen."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.scan import scan
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.transfer.data import (
    copied,
    difference,
    discard,
    put,
    remove_leftovers,
)
from ansible_collections.kindlab.volumes.tests.unit.support import trees
from ansible_collections.kindlab.volumes.tests.unit.support.nodes import here

# On one host, from a node, to a node, and between two.
WAYS = [("", ""), ("n", ""), ("", "n"), ("n", "m")]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(trees.trees)
def test_a_copy_has_everything(tmp_path: Path, tree: list[trees.Thing]) -> None:
    with trees.made(tmp_path / "tree", tree) as top:
        for source, target in WAYS:
            one, other = here(top, source), here(tmp_path / "made" / "copy", target)
            with copied(one, other) as temporary:
                for mode in ("full", "fast", "none"):
                    assert difference(one, temporary, mode) == ""
                for mode in ("full", "fast"):
                    assert scan(str(top), mode) == scan(temporary.path, mode)
            discard(temporary)


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_holes_stay_holes(tmp_path: Path, source: str, target: str) -> None:
    (tmp_path / "a").mkdir()
    with (tmp_path / "a" / "holes").open("wb") as file:
        file.truncate(64 << 20)
        file.seek(32 << 20)
        file.write(b"x" * 5000)
    with copied(here(tmp_path / "a", source), here(tmp_path / "b", target)) as temporary:
        put(temporary, here(tmp_path / "b", target))
    assert (tmp_path / "b" / "holes").stat().st_blocks * 512 < 1 << 20


@pytest.mark.parametrize(("source", "target"), WAYS)
@pytest.mark.parametrize("mode", ["full", "fast"])
def test_differences_are_seen(tmp_path: Path, source: str, target: str, mode: str) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("content")
        os.utime(tmp_path / name / "file", (1, 1))
    one, other = here(tmp_path / "a", source), here(tmp_path / "b", target)
    assert difference(one, other, mode) == ""
    (tmp_path / "b" / "file").chmod(0o600)
    assert "file (mode)" in difference(one, other, mode)
    (tmp_path / "b" / "more").symlink_to("file")
    assert "1 added: more" in difference(one, other, mode)


def test_a_target_that_has_data_is_not_replaced(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_text("content")
    one, other = here(tmp_path / "a", ""), here(tmp_path / "b", "")
    with pytest.raises(CommandFailed), copied(one, other) as temporary:
        put(temporary, other)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
    assert [path.name for path in (tmp_path / "b").iterdir()] == ["b"]


def test_an_empty_target_is(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "file").write_text("content")
    one, other = here(tmp_path / "a", ""), here(tmp_path / "b", "")
    with copied(one, other) as temporary:
        put(temporary, other)
    assert (tmp_path / "b" / "file").read_text() == "content"


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_a_failure_leaves_nothing(tmp_path: Path, source: str, target: str) -> None:
    with pytest.raises(CommandFailed), copied(here(tmp_path / "none", source), here(tmp_path / "made" / "b", target)):
        pytest.fail("there is nothing to copy")
    assert list((tmp_path / "made").iterdir()) == []


def test_what_killed_runs_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".b.incomplete-12345678" / "x").mkdir(parents=True)
    (tmp_path / ".bc.incomplete-12345678").mkdir()
    remove_leftovers(replace(here(tmp_path / "b", "")))
    assert [path.name for path in tmp_path.iterdir()] == [".bc.incomplete-12345678"]
