"""The way back: the old shape with everything, where the new one fails; also where the way back itself is killed."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    CommandFailed,
    Declined,
    KindlabError,
    TimedOut,
)
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import Killed
from ansible_collections.kindlab.volumes.tests.unit.support.recreations import SHAPE, THINGS, World

REFUSED = {"kind": "Thing", "namespace": "ns", "name": "old", "result": "refused", "why": "no matches for kind"}
OTHER: dict[str, Any] = {"options": {"image": "node:2"}, "rehearse": False, "on_failure": "old_shape"}
CAME_BACK = "Cluster k was created again in its old shape, with everything that was in it."


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def is_as_before(world: World) -> bool:
    return (world.state, world.image, world.content, world.has_workload, world.detached, world.things) == (
        *("running", "node:1", 1, True, False),
        THINGS,
    )


def fail(world: World, step: str) -> None:
    """The new cluster fails in this step, the old one does not."""
    if step == "create":
        world.bad = "node:2"
    elif step == "apply":
        world.refuses = [REFUSED]
    else:
        run = getattr(world, step)

        def failing(*given: Any, **how: Any) -> Any:
            if world.image == "node:2" and world.state == "running":
                raise TimedOut("It took too long.")
            return run(*given, **how)

        setattr(world, step, failing)


STEPS = ["create", "load_images", "storage_provisioner", "volume_restore", "changes", "apply"]


@pytest.mark.parametrize("step", STEPS)
def test_a_new_shape_that_fails_is_given_up(world: World, step: str) -> None:
    fail(world, step)
    with pytest.raises(KindlabError) as raised:
        world.run(**OTHER)
    assert raised.value.message.endswith(CAME_BACK) and raised.value.message != CAME_BACK
    assert is_as_before(world)
    lines = world.lines()
    assert lines.count("turned_back") == 1 and lines[lines.index("turned_back") + 1 :][0] == "deleted"
    assert lines[-1] == "done" and len(world.saved) == 1


def test_the_new_shape_is_deleted_only_with_proof(world: World) -> None:
    fail(world, "volume_restore")
    with pytest.raises(KindlabError):
        world.run(**OTHER)
    assert (world.options["remove"]["force"], world.options["remove"]["backup"]) == (False, str(world.path))


def test_nothing_turns_back_unless_it_is_asked_for(world: World) -> None:
    fail(world, "create")
    with pytest.raises(CommandFailed, match=r"^The kubelet does not start\.$"):
        world.run(**{**OTHER, "on_failure": "stop"})
    assert world.lines()[-1] == "deleted" and world.image == "node:1"
    # A rerun that asks for it turns back.
    with pytest.raises(KindlabError):
        world.run(**OTHER)
    assert is_as_before(world)


def test_the_same_shape_has_no_way_back(world: World) -> None:
    world.bad = "node:1"
    with pytest.raises(CommandFailed):
        world.run(on_failure="old_shape")
    assert "turned_back" not in world.lines()


def test_a_cluster_without_recorded_options_has_no_way_back(world: World) -> None:
    world.shape, world.fail["restore"] = {}, TimedOut("It took too long.")
    with pytest.raises(TimedOut, match="It took too long"):
        world.run(options=SHAPE, on_failure="old_shape")
    assert "turned_back" not in world.lines()


def test_once_applications_run_nothing_turns_back(world: World) -> None:
    world.fail["attach"] = TimedOut("It took too long.")
    with pytest.raises(TimedOut, match="It took too long"):
        world.run(**OTHER)
    assert "turned_back" not in world.lines() and world.image == "node:2"


@pytest.mark.parametrize("step", STEPS)
def test_killed_on_the_way_back_it_is_gone_on_with(world: World, step: str) -> None:
    """At every moment."""
    for moment in range(14, 60):
        with tempfile.TemporaryDirectory() as top:
            killed = World(Path(top))
            fail(killed, step)
            killed.moments = moment
            try:
                killed.run(**OTHER)
            except KindlabError:
                break
            except Killed:
                killed.moments = None
                # Killed before its failure it fails first; killed on its way back it goes on.
                with pytest.raises(KindlabError) as raised:
                    killed.run(**OTHER)
                assert raised.value.message.endswith(CAME_BACK)
            assert is_as_before(killed), moment
    else:
        raise AssertionError("there are more moments")
    assert world.lines() == []


def test_options_that_are_corrected_count_where_somebody_asks_to_stop(world: World) -> None:
    fail(world, "create")
    turned = 0
    for moment in range(14, 60):
        with tempfile.TemporaryDirectory() as top:
            killed = World(Path(top))
            fail(killed, "create")
            killed.moments = moment
            with suppress(Killed, KindlabError):
                killed.run(**OTHER)
            if killed.moments:
                break
            killed.moments = None
            # A cluster that is there is continued as it is.
            if "turned_back" not in killed.lines() or killed.state == "running":
                continue
            turned += 1
            killed.run(options={"image": "node:3"}, rehearse=False)
            assert (killed.image, killed.content, killed.things) == ("node:3", 1, THINGS)
    assert turned


def test_another_cluster_of_that_name_is_not_deleted(world: World) -> None:
    fail(world, "volume_restore")

    def created_by_others(*_given: Any, **_how: Any) -> Any:
        world.uid = 99
        raise TimedOut("It took too long.")

    world.volume_restore = created_by_others  # type: ignore[method-assign]
    with pytest.raises(Declined, match="is not the one that"):
        world.run(**OTHER)
    assert world.calls.count("remove") == 1 and world.lines()[-1] == "turned_back"
