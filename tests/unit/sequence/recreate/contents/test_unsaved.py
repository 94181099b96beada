"""What a recreation would lose, or change, is told before anything is stopped."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Declined
from ansible_collections.kindlab.volumes.tests.unit.support.recreations import World

ROW = {"group": "x.io", "namespace": "", "name": "", "why": "it cannot be listed: (500)"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.mark.parametrize("check_mode", [True, False])
def test_objects_that_cannot_be_read_are_not_left_behind(world: World, check_mode: bool) -> None:
    world.left_out = [{**ROW, "kind": "Database"}]
    with pytest.raises(
        Declined, match=r"cannot be recreated with everything in it; nothing was changed:\n- Database.x.io"
    ):
        world.run(check_mode)
    assert not {"save images", "detach"} & {*world.calls} and world.lines() == []
    assert world.run(check_mode, objects="none").changed


def test_a_return_without_objects_does_not_need_them(world: World) -> None:
    world.run()
    world.left_out = [{**ROW, "kind": "Database"}]
    assert world.run(True, generation="1", objects="none").changed


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_server_that_does_not_answer_and_an_object_that_is_being_deleted(world: World, check_mode: bool) -> None:
    world.left_out = [{**ROW, "kind": "*"}, {**ROW, "kind": "Thing", "name": "old", "why": "it is being deleted"}]
    (warning,) = world.run(check_mode).warnings
    assert "*.x.io (it cannot be listed: (500)); Thing.x.io old (it is being deleted)" in warning
