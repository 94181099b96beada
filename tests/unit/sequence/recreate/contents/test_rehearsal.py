"""A rehearsal: where it is done, what it refuses, and that its cluster never stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Declined, KindlabError
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import Killed
from ansible_collections.kindlab.volumes.tests.unit.support.recreations import World

REFUSED = {"kind": "Thing", "namespace": "ns", "name": "old", "result": "refused", "why": "no matches for kind"}
OTHER = {"options": {"image": "node:2"}}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_another_image_is_rehearsed_before_anything_is_stopped(world: World) -> None:
    done = world.run(**OTHER)
    tried = ["try", "rehearse", "rehearse", "clear"]
    assert world.calls[world.calls.index("try") : world.calls.index("detach")] == tried
    assert "rehearsed" in world.lines() and not world.throw_away
    name = world.options["try"]["name"]
    assert name.startswith("k-rehearsal-") and name == world.options["clear"]["name"]
    assert world.options["try"]["nodes"] == [{"role": "control-plane", "image": "node:2"}]
    assert world.options["try"]["kubeconfig"] is None
    assert (world.options["clear"]["state"], world.options["clear"]["force"]) == ("absent", True)
    # Nothing runs there.
    assert (world.options["rehearse"]["down"], world.options["rehearse"]["jobs"]) == (False, "suspend")
    assert world.options["rehearse"]["source"] == "live"
    assert "rehearsed" in done.facts["seconds"]


@pytest.mark.parametrize(
    ("rehearse", "image", "tried"), [(None, "node:1", False), (True, "node:1", True), (False, "node:2", False)]
)
def test_when_it_is_rehearsed(world: World, rehearse: bool | None, image: str, tried: bool) -> None:
    world.run(options={"image": image}, rehearse=rehearse)
    assert ("try" in world.calls) is ("rehearsed" in world.lines()) is tried


def test_without_objects_there_is_nothing_to_rehearse(tmp_path: Path) -> None:
    world = World(tmp_path, inside=False)
    world.run(objects="none", rehearse=True)
    assert "try" not in world.calls
    world.save()
    world.write()
    # Nobody can read the objects, and the last backup has none.
    world.reachable = False
    world.run(without_api="last_backup", data="in_place", rehearse=True)
    assert "try" not in world.calls and world.lines()[-1] == "done"


def test_check_mode_rehearses_nothing(world: World) -> None:
    plan = world.run(True, **OTHER).facts["plan"]
    assert "rehearsed" in [step["name"] for step in plan["steps"]] and "try" not in world.calls


def test_what_is_refused_ends_the_run_with_nothing_stopped(world: World) -> None:
    world.refuses = [REFUSED]
    with pytest.raises(Declined) as raised:
        world.run(**OTHER)
    assert raised.value.message.endswith("- Thing ns/old: no matches for kind Nothing was stopped.")
    assert world.lines() == ["planned", "images_saved", "rolled_back"]
    assert not world.throw_away and "detach" not in world.calls
    done = world.run(rehearse=False, **OTHER)
    assert any("does not have 3 objects" in warning for warning in done.warnings), done.warnings
    assert done.facts["objects"]["refused"] == 3


def test_a_cluster_that_does_not_come_up_is_removed(world: World) -> None:
    world.fail["try"] = KindlabError("The kubelet does not start.")
    with pytest.raises(KindlabError) as raised:
        world.run(**OTHER)
    assert raised.value.message == "The kubelet does not start. Nothing was stopped."
    assert world.calls[-1] == "clear" and world.lines()[-1] == "rolled_back"


@pytest.mark.parametrize("moment", range(2, 10))
def test_killed_in_a_rehearsal_the_next_run_removes_its_cluster(world: World, moment: int) -> None:
    world.moments = moment
    with pytest.raises(Killed):
        world.run(**OTHER)
    world.moments = None
    left = set(world.throw_away)
    assert bool(left) is (3 <= moment < 9)
    world.run()
    assert not world.throw_away and world.lines()[-1] == "done"
    assert ("clear" in world.calls) is bool(left)


def test_after_a_run_that_stopped_applications_they_come_back_where_a_rehearsal_fails(world: World) -> None:
    world.moments = 5
    with pytest.raises(Killed):
        world.run()
    world.moments = None
    assert world.detached
    world.refuses = [REFUSED]
    with pytest.raises(Declined) as raised:
        world.run(**OTHER)
    assert "the workloads were scaled back up" in raised.value.message and not world.detached
