"""Images are loaded into the nodes that kind is creating, into no others, and no longer than that goes well."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Completed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.images.tee import Readable
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.loaded_images import beside, look
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.loaded_images.beside import Loader, with_earlier
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.loaded_images.load import load_images
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.loaded_images.save import save_images
from ansible_collections.kindlab.volumes.tests.unit.support.containerd import Containerd, Machine, Pipes, image

PLANE, WORKER = "k-control-plane", "k-worker"
ROLES = {PLANE: "control-plane", WORKER: "worker"}
OWN, SHOP = image(b"own"), image(b"shop" * 1000, b"base")
OK, FAILED = Completed(0), Completed(1, err="ERROR: failed to create cluster")


class Host(Engine):
    """The engine of the nodes of cluster k. made: those that it shows, by the ids of their containers."""

    def __init__(self, machine: Machine) -> None:
        super().__init__("docker", machine)
        self.made: dict[str, str] = {}

    def nodes(self, cluster: str | None = None) -> tuple[Node, ...]:
        assert cluster == "k"
        return tuple(Node(name, "k", ROLES[name], container=made) for made, name in dict(self.made).items())


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(("", "", "", "", "x86_64")))
    monkeypatch.setattr(beside, "PAUSE", 0.01)
    monkeypatch.setattr(look, "PAUSE", 0.01)


@pytest.fixture
def index(tmp_path: Path) -> list[dict[str, Any]]:
    """What was saved of the old nodes."""
    old = Machine(**{name: Containerd() for name in ROLES})
    for node in old.nodes.values():
        node.load("pause:3", OWN, own=True)
        node.load("shop:1", SHOP)
    return save_images(Engine("docker", old), old.of(*old.nodes), str(tmp_path), "loaded", tee=Pipes(old)).index


class New:
    """New nodes, whose containers are known by their ids, and a loader for them."""

    def __init__(
        self, path: Path, index: list[dict[str, Any]], pipes: type[Pipes] = Pipes, **nodes: Containerd
    ) -> None:
        self.machine = Machine(**(nodes or {"new-1": Containerd(), "new-2": Containerd()}))
        self.host = Host(self.machine)
        self.pipes = pipes(self.machine)
        what = str(path), index, ROLES
        self.loader = Loader(self.host, "k", [PLANE, WORKER], *what, 20.0, tee=self.pipes)

    def create(self, answer: Completed = OK, until: Callable[[], bool] = lambda: True) -> Completed:
        """As kind does: the nodes appear one after another, and it ends when something has happened."""
        self.host.made["new-1"] = PLANE
        self.host.made["new-2"] = WORKER
        waiting = Deadline(10)
        while not until() and not waiting.over():
            threading.Event().wait(0.01)
        return answer

    def names(self) -> list[set[str]]:
        return [set(node.names) for node in self.machine.nodes.values()]


def test_new_nodes_get_the_images_while_they_are_created(tmp_path: Path, index: list[dict[str, Any]]) -> None:
    new = New(tmp_path, index)
    done = new.loader.around(lambda: new.create(until=lambda: new.names() == [{"shop:1"}, {"shop:1"}]))
    assert done is OK and new.names() == [{"shop:1"}, {"shop:1"}]
    [row] = new.loader.wait()
    assert (row["loaded"], row["present"]) == ([PLANE, WORKER], [])
    assert {node for node, _command in new.machine.ran} == {"new-1", "new-2"}, "by their ids alone"


def test_afterwards_nothing_is_left_to_load(tmp_path: Path, index: list[dict[str, Any]]) -> None:
    new = New(tmp_path, index)
    new.loader.around(new.create)
    earlier = new.loader.wait()
    for file in (tmp_path / "images").glob("*.tar"):
        file.unlink()
    by_name = Machine(**{PLANE: new.machine.nodes["new-1"], WORKER: new.machine.nodes["new-2"]})
    nodes = by_name.of(PLANE, WORKER)
    rows = load_images(Engine("docker", by_name), nodes, str(tmp_path), index, ROLES, Deadline(5), tee=Pipes(by_name))
    assert [(row["loaded"], row["present"]) for row in rows] == [([], [PLANE, WORKER])]
    assert [(r["loaded"], r["present"]) for r in with_earlier(rows, earlier)] == [([PLANE, WORKER], [])]
    assert with_earlier(rows, []) == rows


def test_nodes_of_another_creation_are_left_alone(tmp_path: Path, index: list[dict[str, Any]]) -> None:
    new = New(tmp_path, index, **{"old-1": Containerd(), "new-2": Containerd()})
    new.host.made = {"old-1": PLANE}
    new.loader._deadline = Deadline(0.2)
    assert new.loader.around(lambda: OK) is OK
    assert new.loader.wait() == [] and new.machine.ran == []


def test_nothing_is_loaded_where_nothing_is_created(tmp_path: Path, index: list[dict[str, Any]]) -> None:
    new = New(tmp_path, index)
    assert new.loader.wait() == [] and new.machine.ran == []


class Hanging(Pipes):
    """An import that goes on until it is ended."""

    def copy_to(self, source: Readable, programs: Mapping[str, Sequence[str]]) -> None:
        self.imported.append((sorted(programs), len(source.read(1))))
        assert self._ended.wait(10)
        raise CommandFailed("Copying was ended.")


class Broken(Pipes):
    """The engine's program cannot be started."""

    def copy_to(self, *_what: object) -> None:
        raise FileNotFoundError(2, "No such file or directory", "docker")


def test_what_fails_beside_the_creation_is_left_to_the_step_after_it(
    tmp_path: Path, index: list[dict[str, Any]]
) -> None:
    new = New(tmp_path, index, Broken)
    new.loader.around(new.create)
    assert new.loader.wait() == []


@pytest.mark.parametrize("interrupted", [False, True])
def test_it_ends_with_a_creation_that_fails(tmp_path: Path, index: list[dict[str, Any]], interrupted: bool) -> None:
    new = New(tmp_path, index, Hanging)

    def create() -> Completed:
        done = new.create(FAILED, until=lambda: bool(new.pipes.imported))
        if interrupted:
            raise KeyboardInterrupt
        return done

    if interrupted:
        with pytest.raises(KeyboardInterrupt):
            new.loader.around(create)
    else:
        assert new.loader.around(create) is FAILED
    assert new.loader.wait() == [] and new.names() == [set(), set()]


def test_what_goes_wrong_is_told_by_the_step_that_completes_it(tmp_path: Path, index: list[dict[str, Any]]) -> None:
    new = New(tmp_path, index)
    new.pipes.broken = 10
    assert new.loader.around(new.create) is OK
    assert new.loader.wait() == []
