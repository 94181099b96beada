"""Archives into nodes: all that was saved comes back, or nothing is left. Here the node is this host."""

from __future__ import annotations

import gzip
import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import SavedArchive
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.checksums import Entry
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.tar_stream import END
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    BadInput,
    CommandFailed,
    Declined,
    KindlabError,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data import archive
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.archive import write_archive
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.node_directory import NodeDirectory, read
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.scan import scan
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.restore import extract_in_node as node_extraction
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.restore.extract_in_node import (
    extract,
    remove_leftovers,
)
from ansible_collections.kindlab.volumes.tests.unit.support import trees
from ansible_collections.kindlab.volumes.tests.unit.support.nodes import here
from ansible_collections.kindlab.volumes.tests.unit.support.tars import header


def save(directory: Path, backup: Path) -> SavedArchive:
    """As inside a node: tar is called through the words that lead there."""
    with (backup / "a").open("wb") as file:
        written = write_archive(str(directory), file.write, "gzip", None, here(directory).tar)
    return SavedArchive("a", written.sha256, written.bytes, "gzip")


def contents(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    (tmp_path / "volume" / "d").mkdir(parents=True)
    (tmp_path / "volume" / "d" / "f").write_bytes(b"text")
    return tmp_path / "volume"


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(trees.trees)
def test_everything_comes_back(tmp_path: Path, tree: list[trees.Thing]) -> None:
    with trees.made(tmp_path / "tree", tree) as top:
        saved = read(here(top), "full")
        archived = save(top, tmp_path)
        target = here(tmp_path / "node" / "volume")
        extract(tmp_path, archived, target, saved, "full")
        assert scan(target.path, "full") == saved
        assert contents(tmp_path / "node") == ["volume"]
        target.inside.run(["rm", "-rf", target.path])


@pytest.mark.parametrize("verify", ["full", "fast", "none"])
@pytest.mark.parametrize("state", ["missing", "empty", "far"])
def test_missing_and_empty_targets(tmp_path: Path, volume: Path, state: str, verify: str) -> None:
    saved, archived = scan(str(volume), "full"), save(volume, tmp_path)
    target = tmp_path / "a b" / "c" / "it's" if state == "far" else tmp_path / "target"
    if state == "empty":
        target.mkdir()
    extract(tmp_path, archived, here(target), saved, verify)
    assert scan(str(target), "full") == saved


def test_a_target_that_holds_something_is_left_alone(tmp_path: Path, volume: Path) -> None:
    saved, archived = scan(str(volume), "full"), save(volume, tmp_path)
    with pytest.raises(Declined, match=f"{volume} in n is not empty"):
        extract(tmp_path, archived, here(volume), saved, "full")
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(Declined, match="link in n is not a directory"):
        extract(tmp_path, archived, here(tmp_path / "link"), saved, "full")
    assert scan(str(volume), "full") == saved
    assert contents(tmp_path) == ["a", "link", "volume"]


def test_what_came_meanwhile_is_not_replaced(tmp_path: Path, volume: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved, archived = scan(str(volume), "full"), save(volume, tmp_path)

    def then_written(directory: NodeDirectory, mode: str) -> list[Entry]:
        (tmp_path / "target").mkdir()
        (tmp_path / "target" / "new").touch()
        return read(directory, mode)

    monkeypatch.setattr(node_extraction, "read", then_written)
    with pytest.raises(CommandFailed, match="not empty"):
        extract(tmp_path, archived, here(tmp_path / "target"), saved, "full")
    assert contents(tmp_path) == ["a", "target", "volume"]
    assert contents(tmp_path / "target") == ["new"]


def test_what_is_not_what_was_saved_never_becomes_visible(tmp_path: Path, volume: Path) -> None:
    saved, archived = list(scan(str(volume), "full")), save(volume, tmp_path)
    saved[-1] = saved[-1]._replace(sha256="0" * 64)
    with pytest.raises(KindlabError, match=r"differs from its checksum list: 1 changed: d/f \(sha256\)"):
        extract(tmp_path, archived, here(tmp_path / "target"), saved, "full")
    assert contents(tmp_path) == ["a", "volume"]


def test_a_changed_archive_is_refused(tmp_path: Path, volume: Path) -> None:
    saved, archived = scan(str(volume), "full"), save(volume, tmp_path)
    (tmp_path / "a").write_bytes((tmp_path / "a").read_bytes()[:-1] + b"x")
    with pytest.raises(BadInput, match="was changed after the backup"):
        extract(tmp_path, archived, here(tmp_path / "target"), saved, "full")
    assert contents(tmp_path) == ["a", "volume"]


def test_a_dangerous_archive_is_refused(tmp_path: Path) -> None:
    content = gzip.compress(header(name=b"../evil") + END)
    (tmp_path / "a").write_bytes(content)
    archived = SavedArchive("a", hashlib.sha256(content).hexdigest(), len(content), "gzip")
    with pytest.raises(BadInput, match=r"cannot be extracted: '\.\./evil' leads out of the directory"):
        extract(tmp_path, archived, here(tmp_path / "target"), [], "full")
    assert contents(tmp_path) == ["a"]


@pytest.mark.parametrize(
    "script", ["echo 'tar: No space left on device' >&2; exit 2", "exec <&-; echo 'tar: no room' >&2; exit 2"]
)
def test_a_tar_that_fails_leaves_nothing(
    tmp_path: Path, volume: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    (volume / "large").write_bytes(os.urandom(8 << 20))
    saved, archived = scan(str(volume), "full"), save(volume, tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "tar").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "bin" / "tar").chmod(0o755)
    monkeypatch.setitem(archive.ENVIRONMENT, "PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    with pytest.raises(CommandFailed, match=r"tar could not extract into .*tar: [Nn]o"):
        extract(tmp_path, archived, here(tmp_path / "target"), saved, "full")
    assert contents(tmp_path) == ["a", "bin", "volume"]


def test_leftovers(tmp_path: Path) -> None:
    for name in (".v.incomplete-abc", ".v.incomplete-d e", ".w.incomplete-abc", "v"):
        (tmp_path / name / "half").mkdir(parents=True)
    remove_leftovers(here(tmp_path / "v"))
    assert contents(tmp_path) == [".w.incomplete-abc", "v"]
    remove_leftovers(here(tmp_path / "missing" / "v"))
    assert contents(tmp_path) == [".w.incomplete-abc", "v"]


@pytest.mark.parametrize("exists", [True, False])
def test_a_refused_archive_leaves_the_directory_with_its_time(tmp_path: Path, volume: Path, exists: bool) -> None:
    archived, listed = save(volume, tmp_path), read(here(volume), "full")
    target = tmp_path / "node" / "volume"
    (target if exists else target.parent).mkdir(parents=True)
    kept = target if exists else target.parent
    os.utime(kept, ns=(1, 1_234_567_890_123_456_789))
    # What is extracted is not what the list says: that is known only afterwards.
    wrong = [entry._replace(sha256="0" * 64) if entry.type == "file" else entry for entry in listed]
    with pytest.raises(KindlabError, match="differs from its checksum list"):
        extract(tmp_path, archived, here(target), wrong, "full")
    assert contents(kept) == [] and kept.stat().st_mtime_ns == 1_234_567_890_123_456_789
