"""There and back again with all real actions and files, on the host and inside a node."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Declined
from ansible_collections.kindlab.volumes.tests.unit.support.kinds_of_volumes import (
    WORKER,
    World,
    claim_of,
    directory,
    host_path,
    inside,
    mounted,
    on_nodes,
    persistent_volume,
)


def names(world: World) -> list[str]:
    return sorted(volume["metadata"]["name"] for volume in world.api.list("PersistentVolume"))


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    world = World(tmp_path, monkeypatch)
    world.run()
    return world


def test_there_and_back_again(world: World) -> None:
    mounted(world)
    world.back_up(data="archive")
    (world.data / "v" / "file").write_text("later")
    source = host_path(directory(world.data / "w", "of its own"))
    world.put(persistent_volume("w", source, "d", **on_nodes(WORKER)), claim_of("d", "w"))
    planned = world.recreate(True, generation="1", objects="none")
    assert planned.facts["plan"]["rollback"]["volumes"] == {"created": [], "deleted": ["w"], "replaced": ["v"]}
    assert names(world) == ["v", "w"] and (world.data / "v" / "file").read_text() == "later"
    done = world.recreate(generation="1", objects="none")
    assert done.facts["plan"] == planned.facts["plan"]
    assert names(world) == ["v"] and (world.data / "v" / "file").read_text() == "content"
    assert sorted(path.name for path in world.data.iterdir()) == ["v", "w"]
    world.recreate(generation="2", objects="none")
    assert names(world) == ["v", "w"] and (world.data / "v" / "file").read_text() == "later"
    assert sorted(path.name for path in world.data.iterdir()) == ["v", "w"]


def test_a_directory_that_is_empty_now(world: World) -> None:
    mounted(world)
    world.back_up(data="archive")
    (world.data / "v" / "file").unlink()
    done = world.recreate(generation="1", objects="none")
    assert done.facts["plan"]["rollback"]["volumes"]["replaced"] == ["v"]
    assert (world.data / "v" / "file").read_text() == "content"
    world.recreate(generation="2", objects="none")
    assert names(world) == ["v"] and list((world.data / "v").iterdir()) == []
    assert [path.name for path in world.data.iterdir()] == ["v"]


def test_inside_a_node(world: World) -> None:
    inside(world)
    world.back_up(data="archive")
    (world.inside / "v" / "file").write_text("later")
    with pytest.raises(Declined, match=r"data=archive|inside"):
        world.recreate(True, generation="1", objects="none", data="in_place")
    world.recreate(generation="1", objects="none", data="archive")
    assert (world.inside / "v" / "file").read_text() == "content"
    world.recreate(generation="2", objects="none", data="archive")
    assert (world.inside / "v" / "file").read_text() == "later"


def test_a_generation_without_archives(world: World) -> None:
    mounted(world)
    world.back_up(data="in_place")
    world.recreate(generation="1", objects="none")
    (world.data / "v" / "file").write_text("later")
    with pytest.raises(Declined, match="which does not hold it: 1 changed: file"):
        world.recreate(generation="1", objects="none")
    assert names(world) == ["v"] and world.api.get("Deployment", "app", "ns")["spec"]["replicas"] == 1
