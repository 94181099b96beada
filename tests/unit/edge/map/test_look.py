"""A look at directories: on the host and in nodes the same, with bounds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.map.model import Seen
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import Place
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.map import look as looks
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.map.look import look
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import ScriptedRunner
from ansible_collections.kindlab.volumes.tests.unit.support.nodes import NodesHere


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A tree with a hard link, a symbolic link, a FIFO, an odd name and an empty directory."""
    top = tmp_path / "volume"
    (top / "below" / "empty").mkdir(parents=True)
    (top / "file").write_text("content")
    (top / "below" / "=\nodd").write_text("x" * 5000)
    os.link(top / "file", top / "below" / "linked")
    (top / "link").symlink_to("/etc")
    os.mkfifo(top / "fifo")
    for path in (top / "file", top / "below" / "=\nodd"):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    return top


def both(*paths: Path) -> tuple[dict[str, Seen], dict[str, Seen]]:
    """What is seen on the host, and in a node that is this host."""
    engine = Engine("docker", NodesHere([]))
    on_host = {str(n): Place("", "/x", str(path)) for n, path in enumerate(paths)}
    inside = {str(n): Place("n", str(path), "") for n, path in enumerate(paths)}
    return look(on_host, engine, ()), look(inside, engine, ["n"])


def test_a_directory_on_the_host_and_in_a_node(top: Path) -> None:
    host, node = both(top)
    assert host == node
    found = host["0"]
    assert (found.files, found.size, found.changed, found.complete) == (3, 5007, 1_700_000_000, True)
    assert found.bytes >= 5000


def test_what_is_not_there_is_not_seen(top: Path) -> None:
    host, node = both(top / "gone", top, top / "file")
    assert list(host) == list(node) == ["1"]


def test_where_a_node_mounts_a_link(top: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(top)
    host, _node = both(tmp_path / "link")
    assert host["0"].files == 3


def test_many_entries_are_not_all_seen(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "ENTRIES", 2)
    monkeypatch.setattr(looks, "_LOOK", looks._LOOK.replace("50001", "3"))
    host, node = both(top)
    assert not host["0"].complete and not node["0"].complete


def test_a_look_ends_in_time(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "SECONDS", -1.0)
    host, _node = both(top)
    assert host["0"] == Seen(complete=False)


def test_a_node_that_does_not_answer_is_left_out(top: Path) -> None:
    engine = Engine("docker", ScriptedRunner([(["docker", "exec"], CommandFailed("it is gone"))]))
    places = {"a": Place("n", "/x", ""), "b": Place("", "/x", str(top)), "c": Place("stopped", "/x", "")}
    assert list(look(places, engine, ["n"])) == ["b"]
