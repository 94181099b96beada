"""A recreation in its order, killed everywhere, failing everywhere, and among people who use the cluster meanwhile."""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.kindlab.volumes.plugins.module_utils._action import (
    kind_cluster,
    storage_provisioner,
    volume_backup,
    volume_detach,
    volume_restore,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    BadInput,
    CommandFailed,
    Conflict,
    Declined,
    KindlabError,
    TimedOut,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.steps import (
    ENTRIES,
    ROLLED_BACK,
    steps_from,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.recreate.journal import JOURNAL
from ansible_collections.kindlab.volumes.tests.unit.support.backups import (
    claim,
    volume,
    write_backup,
    write_data,
)
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import Killed
from ansible_collections.kindlab.volumes.tests.unit.support.recreations import (
    CLASS,
    INSIDE,
    NODES,
    REFUSED,
    SHAPE,
    WAVES,
    World,
    killed_behind,
)

PLANNED = ["?remove", "?create", "?detach", "?save", "?remove", "?save images"]
SAVED = ["save images", "detach", "save"]
CREATED = ["create", "load images", "provision"]
CREATED += ["prepare", "restore", "compare", "apply", "attach", "complete"]
WHOLE = [*PLANNED, *SAVED, "remove", *CREATED]
# Moments of a run that nobody kills: two of each action, and a third one of what can be half done.
MOMENTS = 2 * 12 + 2
STATES = {"whole": "running", "partly": "unfinished", "stopped": "stopped", "absent": None}
# The shape without images, as people describe it.
BARE: dict[str, Any] = {"nodes": [{"role": "control-plane"}, {"role": "worker"}]}
# Lines of a run without a rehearsal, and that goes back to no generation.
WRITTEN = [entry for entry in ENTRIES if entry not in ("rehearsed", "set_aside")]
BY_OBJECTS = ("prepared", "applied", "completed")
# Those of one that brings back volumes and what uses them only.
OLD = ("planned", "detached", "backed_up", "deleting", "deleted", "created", "provisioned", "configured")
OLD += ("restored", "verified", "attached", "done")
BACK = "The cluster was not deleted, and the workloads were scaled back up."


STEPS = [step for step in steps_from("planned") if step.name not in ("rehearsed", "set_aside")]
ALL = [step.name for step in STEPS]


def names(done: Any) -> list[str]:
    """The steps of the plan."""
    return [step["name"] for step in done.facts["plan"]["steps"]]


@pytest.fixture(autouse=True, scope="module")
def quick() -> Iterator[None]:
    """Thousands of journals and backups are written here; that they are on disk is tested elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _descriptor: None)
        yield


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def kill(world: World, moment: int) -> None:
    world.moments = moment
    with pytest.raises(Killed):
        world.run()
    world.moments = None


def to(world: World, last: str) -> None:
    """A run that is killed right behind this line of the journal."""
    killed_behind(last, world.run)
    assert world.lines()[-1] == last


def test_the_order_of_steps(world: World) -> None:
    done = world.run()
    assert world.calls == WHOLE
    assert world.lines() == WRITTEN
    assert (world.state, world.content, world.has_workload, world.detached) == ("running", 1, True, False)
    (generation,) = world.saved
    facts = done.facts
    assert done.changed and done.warnings == ()
    assert (facts["cluster"], facts["first_step"], facts["resumed"]) == ("k", "planned", False)
    assert facts["generation"] == facts["before"]["generation"] == generation
    assert facts["journal"] == str(world.path / JOURNAL)
    assert facts["after"]["nodes"] == facts["before"]["nodes"] == NODES
    assert facts["before"]["options"] == SHAPE and facts["before"]["images"] == ["node:1"]
    assert [v["name"] for v in facts["after"]["volumes"]] == [v["name"] for v in facts["before"]["volumes"]] == ["v0"]
    assert [workload["name"] for workload in facts["workloads"]] == ["shop"]
    steps = [step for step in WRITTEN if step not in ("planned", "deleting")]
    assert list(facts["seconds"]) == ["observe", "plan", *steps, "checksums", "away"]
    assert facts["plan"] == {
        "steps": [step.as_dict() for step in STEPS],
        "nodes": NODES,
        "images": ["node:1"],
        "kubernetes_version": "v1.34.4",
        "changes": [],
        "node_settings": [],
        "node_map": {},
        "volumes": facts["plan"]["volumes"],
        "workloads": ["ns/Deployment/shop"],
    }
    assert [line["name"] for line in facts["plan"]["volumes"]] == ["v0"]


def test_what_each_step_is_asked_for(world: World) -> None:
    world.run(kubeconfig="/k.yaml", kind="/bin/kind", wait_timeout=7, keep=3, options={"merge_kubeconfig": True})
    (generation,) = world.saved
    asked, path = world.options, str(world.path)
    assert (asked["remove"]["backup"], asked["remove"]["force"], asked["remove"]["state"]) == (path, False, "absent")
    for step in ("?create", "create"):
        assert (asked[step]["name"], asked[step]["kind"], asked[step]["state"]) == ("k", "/bin/kind", "present")
        assert (asked[step]["nodes"], asked[step]["merge_kubeconfig"]) == (SHAPE["nodes"], True)
    assert {options["kubeconfig"] for options in asked.values() if "kubeconfig" in options} == {"/k.yaml"}
    assert (asked["save"]["keep"], asked["save"]["checksums"], asked["save"]["data"]) == (3, "full", "archive")
    assert asked["?save"]["checksums"] == "fast"
    assert (asked["restore"]["generation"], asked["restore"]["verify"], asked["restore"]["path"]) == (
        generation,
        "full",
        path,
    )
    assert (asked["detach"]["path"], asked["detach"]["wait_timeout"]) == (None, 7)
    # The workloads are there, at zero.
    assert (asked["attach"]["path"], asked["attach"]["state"]) == (None, "attached")
    assert {asked[name]["source"] for name in WAVES.values()} == {generation}
    assert [asked[name]["down"] for name in WAVES.values()] == [True, True, False]
    assert (asked["provision"]["name"], asked["provision"]["state"]) == ("local_path", "present")


ACTIONS = {
    "?create": kind_cluster,
    "create": kind_cluster,
    "remove": kind_cluster,
    "provision": storage_provisioner,
    "detach": volume_detach,
    "attach": volume_detach,
    "?save": volume_backup,
    "save": volume_backup,
    "restore": volume_restore,
}


@pytest.mark.parametrize("call", ACTIONS)
def test_actions_get_all_of_their_options(world: World, call: str) -> None:
    world.run()
    assert world.options[call].keys() >= ACTIONS[call].ARGUMENTS.keys()


def test_classes_of_other_provisioners_are_reported(world: World) -> None:
    world.classes = [{"name": "a", "options": {"name": "hostpath"}}, {"name": "b", "options": {}}]
    done = world.run()
    assert world.calls.count("provision") == 1 and world.options["provision"]["name"] == "hostpath"
    (warning,) = done.warnings
    assert warning.endswith("not installed: b")
    world.classes = [{"name": "b", "options": {}}]
    world.run()
    assert world.options["provision"]["state"] == "absent"


def test_each_run_recreates_it(world: World) -> None:
    world.run()
    world.write()
    assert world.run().facts["first_step"] == "planned"
    assert world.lines() == [*WRITTEN, *WRITTEN] and (world.content, len(world.saved)) == (2, 2)


def test_check_mode_shows_the_plan_and_writes_nothing(world: World) -> None:
    done = world.run(True)
    assert world.calls == PLANNED and not world.path.exists()
    assert done.changed and (names(done), done.facts["generation"]) == (ALL, "")
    assert done.facts["plan"]["volumes"] == [
        {"name": "v0", "claim": "ns/c0", "does": "its data is archived from /opt/v0 in k-worker and extracted again"}
    ]
    assert done.facts["after"] == {"nodes": [], "kubernetes_version": "", "storage_classes": [], "volumes": []}


@pytest.mark.parametrize("moment", [3, 5, 8, 12])
def test_check_mode_of_a_rest(world: World, moment: int) -> None:
    """Killed, then asked what is left: the same as is done then."""
    kill(world, moment)
    files = {path: path.stat().st_mtime_ns for path in world.path.rglob("*")}
    told = world.run(True)
    assert {path: path.stat().st_mtime_ns for path in world.path.rglob("*")} == files
    assert world.calls == (PLANNED if told.facts["first_step"] == "planned" else [])
    done = world.run()
    for name in ("first_step", "resumed"):
        assert told.facts[name] == done.facts[name]
    assert names(told) == names(done)


def test_without_volumes(world: World) -> None:
    world.content = world.latest = 0
    done = world.run(objects="none", images="none")
    assert world.calls == [*PLANNED[:-1], "detach", "save", "remove", "create", "provision"]
    assert world.lines() == [line for line in OLD if line not in ("restored", "verified", "attached")]
    assert world.options["remove"]["backup"] is None
    assert (done.facts["generation"], done.facts["after"]["volumes"]) == ("", [])


def test_without_attaching(world: World) -> None:
    world.run(attach=False)
    assert world.calls == [call for call in WHOLE if call != "attach"]
    assert world.lines()[-2:] == ["completed", "done"] and world.detached
    assert world.options["complete"]["down"] is True


def test_volumes_and_what_uses_them_only(world: World) -> None:
    world.run(objects="none", images="none", attach=False)
    assert world.lines() == [line for line in OLD if line != "attached"] and not world.has_workload
    world = World(world.data.parent / "again")
    world.run(objects="none", images="none")
    generation = next(iter(world.saved))
    assert world.lines() == list(OLD) and world.has_workload
    assert (world.options["attach"]["path"], world.options["attach"]["generation"]) == (str(world.path), generation)


# Killed: at every moment, and right behind every line.


@pytest.mark.parametrize("moment", range(MOMENTS))
def test_killed_at_any_moment_a_rerun_completes_it(world: World, moment: int) -> None:
    kill(world, moment)
    done = world.run()
    assert (world.state, world.content, world.has_workload, world.detached) == ("running", 1, True, False)
    assert world.lines()[-1] == "done" and done.facts["generation"] in world.saved
    assert done.facts["resumed"] is (done.facts["first_step"] != "planned")


def test_there_are_no_more_moments(world: World) -> None:
    world.moments = MOMENTS
    world.run()
    assert world.moments == 0


@pytest.mark.parametrize("first", range(MOMENTS))
def test_killed_twice(world: World, first: int) -> None:
    """However far the second run came."""
    for second in range(MOMENTS):
        with tempfile.TemporaryDirectory() as top:
            twice = World(Path(top))
            kill(twice, first)
            twice.moments = second
            try:
                twice.run()
            except Killed:
                twice.moments = None
                twice.run()
            assert (twice.state, twice.content, twice.has_workload, twice.detached) == ("running", 1, True, False)
    assert world.lines() == []


def expected(step: str, state: str) -> str | type[KindlabError]:
    """Where a run goes on behind this line, or what it raises."""
    if ENTRIES.index("deleted") <= ENTRIES.index(step) < ENTRIES.index("done"):
        return "created"
    if state == "whole":
        return "planned"
    if state == "absent":
        return "created" if ENTRIES.index(step) >= ENTRIES.index("backed_up") else BadInput
    return "deleted" if (step, state) == ("deleting", "partly") else Declined


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("step", WRITTEN)
def test_killed_behind_each_line(world: World, step: str, state: str) -> None:
    """And the cluster in any state then: what is natural there, and what others made of it."""
    to(world, step)
    content, killed = world.content, world.lines()
    if STATES[state] is None:
        world.force_removal()
    else:
        if world.state is None:
            world.be(STATES[state])
        world.state, world.reachable = STATES[state], state == "whole"
    place = expected(step, state)
    if not isinstance(place, str):
        with pytest.raises(place):
            world.run()
        assert world.calls == [] and world.lines() == killed and world.content in (0, content)
        return
    done = world.run()
    first = {"planned": "?remove", "deleted": "remove", "created": "create"}[place]
    assert (done.facts["first_step"], world.calls[0]) == (place, first)
    assert done.facts["resumed"] is (place != "planned")
    assert names(done)[0] == place
    assert (world.state, world.content, world.lines()[-1]) == ("running", 1, "done")


def test_a_silent_cluster_is_not_taken_for_a_rest(world: World) -> None:
    """It was rolled back after its deletion was refused, and is only slow to answer."""
    world.fail["remove"] = REFUSED
    with pytest.raises(Declined):
        world.run()
    world.fail.clear()
    world.write()
    world.reachable = False
    with pytest.raises(Declined, match="its API server does not answer"):
        world.run()
    assert world.calls == [] and world.content == 2


def test_what_was_given_back_is_no_rest_even_where_it_could_not_be_written(world: World) -> None:
    world.fail["remove"] = REFUSED
    with pytest.raises(Declined):
        world.run()
    world.fail.clear()
    without_giving_back(world)
    assert world.lines()[-1] == "deleting"
    world.write()
    world.be("stopped")
    with pytest.raises(Declined, match="is stopped"):
        world.run()
    assert world.calls == [] and world.content == 2


def test_pods_that_write_again_don_t_keep_it_from_its_end(world: World) -> None:
    """Killed when what used the volumes was made again, before that was written down."""
    kill(world, MOMENTS - 3)
    assert world.lines()[-1] == "applied" and not world.detached
    world.write()
    world.run()
    assert "compare" not in world.calls and world.lines()[-1] == "done" and world.content == 2


def test_what_differs_after_the_restore_is_refused(world: World) -> None:
    kill(world, MOMENTS - 7)
    assert world.lines()[-1] == "prepared"
    world.content = 7
    with pytest.raises(KindlabError, match="differs from the backup: v0: 1 changed") as raised:
        world.run()
    counts = {"changed": 1, "added": 0, "removed": 0}
    assert raised.value.details == [
        {"name": "v0", "changed": ["file (size)"], "added": [], "removed": [], "counts": counts}
    ]
    assert str(world.path / JOURNAL) in raised.value.next_step
    assert world.lines()[-1] == "restored" and not world.has_workload and world.content == 7


# Failing: before the deletion everything gets back what it had.


def test_refused_before_anything_is_changed(world: World) -> None:
    for step in PLANNED:
        world.fail = {step: Declined("It can't be.")}
        with pytest.raises(Declined, match=r"^It can't be\.$"):
            world.run()
        assert world.calls == PLANNED[: PLANNED.index(step) + 1] and not world.path.exists()
    world.fail = {}
    world.held = [{"text": "vi (pid 7) on k-worker has open /opt/v0/file"}]
    with pytest.raises(
        TimedOut, match=r"would still be in use: ns/c0 \(v0\): vi \(pid 7\) .*Nothing was changed"
    ) as raised:
        world.run()
    assert raised.value.details[0]["in_use_by"] == world.held
    assert world.calls == PLANNED[:3] and not world.path.exists()


def test_refused_where_a_node_could_not_be_made_again(world: World) -> None:
    world.images = False
    with pytest.raises(Declined, match="node:1: docker does not have it"):
        world.run()
    assert not world.path.exists()


def test_refused_where_the_disk_is_too_small(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _path: type("Usage", (), {"free": 8}))
    with pytest.raises(BadInput, match="8 bytes are free, the volumes contain 9 bytes"):
        world.run()
    world.run(data="in_place")
    assert world.lines()[-1] == "done"


def test_refused_where_the_shape_is_not_known(world: World) -> None:
    world.shape = {}
    with pytest.raises(BadInput, match="its options are not recorded"):
        world.run()
    with pytest.raises(BadInput, match="must not contain state, force"):
        world.run(options={"state": "absent", "force": True, "nodes": []})
    with pytest.raises(Declined, match="k-worker: node is worker, but none was requested") as raised:
        world.run(options={"nodes": [{"role": "control-plane"}]})
    assert "recreate" not in raised.value.next_step and world.calls == ["?remove"]
    world.run(options=BARE)
    assert world.options["create"]["nodes"] == SHAPE["nodes"]


@pytest.mark.parametrize("error", [KindlabError("The disk is full."), TimedOut("Not free."), Conflict("Written to.")])
@pytest.mark.parametrize("step", ["detach", "save"])
def test_failing_before_the_deletion_rolls_back(world: World, step: str, error: KindlabError) -> None:
    said = error.message
    world.fail[step] = error
    with pytest.raises(type(error)) as raised:
        world.run()
    assert raised.value.message == f"{said} {BACK}"
    error.message = said
    assert world.calls[-2:] == ["attach", "policy of v0"] and "remove" not in world.calls
    assert world.options["attach"]["path"] is None
    assert world.lines()[-1] == ROLLED_BACK
    assert (world.state, world.content, world.detached, world.policy) == ("running", 1, False, "Delete")
    world.fail.clear()
    assert world.run().facts["first_step"] == "planned"


def test_a_refused_deletion_rolls_back(world: World) -> None:
    world.fail["remove"] = Declined("Removing the cluster k is not safe.")
    with pytest.raises(Declined) as raised:
        world.run()
    assert raised.value.message == f"Removing the cluster k is not safe. {BACK}"
    assert world.calls[-3:] == ["remove", "attach", "policy of v0"] and world.policy == "Delete"
    assert world.lines() == ["planned", "images_saved", "detached", "backed_up", "deleting", ROLLED_BACK]
    world.fail.clear()
    world.write()
    assert world.run().facts["first_step"] == "planned" and world.content == 2


@pytest.mark.parametrize("error", [TimedOut("Another run is still at work."), CommandFailed("kind is gone.")])
def test_a_deletion_that_did_not_begin_rolls_back(world: World, error: KindlabError) -> None:
    said = error.message
    world.fail["remove"] = error
    with pytest.raises(type(error)) as raised:
        world.run()
    assert raised.value.message == f"{said} {BACK}" and not world.detached
    error.message = said


def test_a_deletion_that_failed_halfway_is_gone_on_with(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(_forced: bool) -> None:
        world.be("unfinished")
        raise CommandFailed("kind failed.")

    with monkeypatch.context() as patched:
        patched.setattr(world, "_remove", half)
        with pytest.raises(CommandFailed, match=r"^kind failed\.$"):
            world.run()
    assert world.calls[-1] == "remove" and world.lines()[-1] == "deleting"
    done = world.run()
    assert done.facts["first_step"] == "deleted" and world.content == 1
    assert world.options["remove"]["backup"] == str(world.path)


def test_a_rollback_that_fails_is_reported(world: World) -> None:
    world.fail = {"save": KindlabError("The disk is full."), "attach": KindlabError("The API server is gone.")}
    with pytest.raises(KindlabError) as raised:
        world.run()
    assert raised.value.message == (
        "The disk is full. The cluster was not deleted. "
        "The workloads are still scaled to zero (The API server is gone.)."
    )
    assert world.lines() == ["planned", "images_saved", "detached"]
    world.fail = {}
    assert world.run().facts["first_step"] == "planned"


def test_policies_that_can_not_be_reset_are_reported(world: World) -> None:
    world.fail = {"save": KindlabError("The disk is full."), "policy": KindlabError("v0 is gone.")}
    with pytest.raises(KindlabError) as raised:
        world.run()
    assert raised.value.message == (
        f"The disk is full. {BACK} Some volumes may have kept the reclaim policy Retain (v0 is gone.)."
    )
    assert not world.detached and world.lines()[-1] == ROLLED_BACK


def test_policies_that_were_retain_stay_so(world: World) -> None:
    world.policy = "Retain"
    world.fail["save"] = KindlabError("The disk is full.")
    with pytest.raises(KindlabError):
        world.run()
    assert world.calls[-1] == "attach"


def test_pods_that_are_still_terminating_come_back_with_a_rerun(world: World) -> None:
    world.bare = True
    world.fail = {"save": KindlabError("The disk is full."), "create pod": KindlabError("It is being deleted.")}
    with pytest.raises(KindlabError) as raised:
        world.run(unmanaged="delete")
    assert raised.value.message == (
        f"The disk is full. {BACK} These pods were deleted and have no controller: ns/bare. "
        "The journal has ns/bare: run this again, which brings them back."
    )
    world.fail.clear()
    world.run(unmanaged="delete")
    assert world.bare and world.lines()[-1] == "done"


def test_pods_that_cannot_be_read_are_told(world: World) -> None:
    world.bare, world.fail["save"] = True, KindlabError("The disk is full.")
    with pytest.raises(KindlabError) as raised:
        world.run(unmanaged="delete", objects="none")
    assert raised.value.message == f"The disk is full. {BACK} These pods were deleted and have no controller: ns/bare."
    assert world.lines()[-1] == "rolled_back"


def test_pods_that_an_interrupted_run_deleted_are_told_without_an_api_server(silent: World) -> None:
    silent.reachable, silent.bare, silent.moments = True, True, 3
    with pytest.raises(Killed):
        silent.run(unmanaged="delete")
    silent.moments, silent.reachable = None, False
    for _run in range(2):
        silent.fail["save"] = KindlabError("The disk is full.")
        with pytest.raises(KindlabError):
            silent.run(**LAST)
    silent.fail.clear()
    (warning,) = (text for text in silent.run(**LAST).warnings if "ns/bare" in text)
    assert "which an interrupted run deleted, are not created again: ns/bare. Their manifests are" in warning


def test_pods_that_were_deleted_are_created_again_if_it_fails(world: World) -> None:
    world.bare = True
    world.fail["save"] = KindlabError("The disk is full.")
    with pytest.raises(KindlabError) as raised:
        world.run(unmanaged="delete")
    assert raised.value.message == f"The disk is full. {BACK} Pods without a controller were created again: ns/bare."
    assert world.bare


def test_pods_that_an_interrupted_run_deleted_are_created_again_if_the_next_one_fails(world: World) -> None:
    world.bare, world.moments = True, 3
    with pytest.raises(Killed):
        world.run(unmanaged="delete")
    assert not world.bare
    world.moments, world.fail = None, {"save images": KindlabError("The disk is full.")}
    with pytest.raises(KindlabError) as raised:
        world.run(unmanaged="delete")
    assert raised.value.message == f"The disk is full. {BACK} Pods without a controller were created again: ns/bare."
    assert world.bare


@pytest.mark.parametrize("moment", range(MOMENTS))
def test_pods_that_are_deleted_come_back_whenever_it_is_killed(world: World, moment: int) -> None:
    world.bare, world.moments = True, moment
    with pytest.raises(Killed):
        world.run(unmanaged="delete")
    world.moments = None
    world.run(unmanaged="delete")
    assert world.bare


def full_at(step: str) -> Callable[..., int]:
    """os.write on a disk that has no room for this step's line."""
    write = os.write

    def fail(descriptor: int, text: bytes) -> int:
        if f'"step": "{step}"'.encode() in text:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, text)

    return fail


@pytest.mark.parametrize("step", WRITTEN)
def test_a_disk_too_full_for_the_journal(world: World, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """No step that can't be undone is done without a line before it; whatever was done, a rerun completes."""
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full_at(step))
        with pytest.raises(KindlabError, match="cannot be written") as raised:
            world.run()
    before = ENTRIES.index(step) < ENTRIES.index("deleted")
    assert (world.content == 1 and world.has_workload and not world.detached) is (
        before or step in ("attached", "completed", "done")
    )
    assert ("remove" in world.calls) is not before
    assert raised.value.message.endswith(BACK) is (before and step not in ("planned", "images_saved"))
    assert raised.value.message.endswith("Nothing was stopped.") is (step == "images_saved")
    world.run()
    assert (world.state, world.content, world.lines()[-1]) == ("running", 1, "done")


@pytest.mark.parametrize("step", ["create", "provision", "restore", "attach"])
def test_failing_behind_the_deletion_a_rerun_goes_on(world: World, step: str) -> None:
    world.fail[step] = TimedOut("It took too long.")
    with pytest.raises(TimedOut, match=r"^It took too long\.$"):
        world.run()
    assert world.calls[-1] == step
    world.fail.clear()
    assert world.run().facts["first_step"] == "created"
    assert (world.content, world.has_workload, world.lines()[-1]) == (1, True, "done")


# What others do in between.


def test_gone_after_its_end_the_newest_backup_comes_back(world: World) -> None:
    world.run()
    world.write()
    world.save()
    newest = list(world.saved)[-1]
    world.force_removal()
    assert world.run(True).facts["generation"] == newest
    done = world.run()
    assert world.calls == CREATED
    assert (done.facts["first_step"], done.facts["resumed"], done.facts["generation"]) == ("created", True, newest)
    assert world.content == 2 and f"are restored from generation {newest};" in done.warnings[0]
    # That backup has volumes only.
    assert world.options["restore"]["generation"] == newest
    assert world.options["apply"]["source"] == next(iter(world.saved))
    assert world.lines() == [*WRITTEN, *WRITTEN[WRITTEN.index("deleted") :]]


@pytest.mark.parametrize("moment", range(10))
def test_and_also_where_that_is_killed(world: World, moment: int) -> None:
    """The generation is written down before anything is made: a rerun must not take the older one."""
    world.run()
    world.write()
    world.save()
    world.force_removal()
    if moment < 9:
        kill(world, moment)
    world.run()
    assert (world.content, world.has_workload, world.lines()[-1]) == (2, True, "done")


def test_saved_and_used_again_the_newest_backup_comes_back(world: World) -> None:
    """Killed before the deletion; somebody gave it back, wrote, saved and removed it."""
    to(world, "backed_up")
    world.detached = False
    world.write()
    world.save()
    world.force_removal()
    assert world.run().facts["generation"] == list(world.saved)[-1] and world.content == 2


def test_volumes_that_were_saved_after_a_recreation_without_any(world: World) -> None:
    world.content = world.latest = 0
    world.run()
    world.content, world.has_workload = 1, True
    world.save()
    world.force_removal()
    assert world.run().facts["generation"] in world.saved and world.content == 1


def test_a_newer_backup_that_holds_less_is_told(world: World) -> None:
    world.run()
    (older,) = world.saved
    world.saved[write_backup(world.path, world.data, 0, **INSIDE)] = 1
    world.force_removal()
    done = world.run()
    assert done.facts["generation"] != older
    assert f"It does not contain v0, which {older} does." in done.warnings[0]


def test_backups_of_other_clusters_don_t_count(world: World) -> None:
    world.run()
    (own,) = world.saved
    write_backup(world.path, world.data, 1, cluster="lab", **INSIDE)
    world.force_removal()
    assert world.run().facts["generation"] == own


def test_an_own_backup_that_is_gone_is_not_replaced_by_an_older_one(world: World) -> None:
    world.run()
    world.write()
    world.run()
    world.force_removal()
    newest = list(world.saved)[-1]
    (world.path / "generations" / newest).rename(world.path / "moved")
    world.saved.pop(newest)
    with pytest.raises(BadInput, match=f"no generation {newest}"):
        world.run()
    assert world.calls == []


def test_the_journal_of_another_cluster(world: World) -> None:
    world.run()
    lines = world.lines()
    for state in STATES.values():
        world.be(state)
        with pytest.raises(BadInput, match="belongs to cluster k, not other"):
            world.run(cluster="other")
    assert world.calls == [] and world.lines() == lines


def test_the_journal_of_another_engine(world: World) -> None:
    """That has no such cluster: it is there still, under the one that the journal names."""
    kill(world, 4)
    world.engine, world.state = "podman", None
    with pytest.raises(BadInput, match="belongs to a cluster of docker, not podman"):
        world.run()
    assert world.calls == []


def test_no_cluster_and_no_journal(world: World) -> None:
    world.be(None)
    with pytest.raises(BadInput, match="Cluster k does not exist"):
        world.run()
    assert not world.path.exists()


def test_a_second_run_at_the_same_time(world: World) -> None:
    lines: list[list[str]] = []

    class Second(World):
        def _moment(self) -> None:
            super()._moment()
            calls = list(self.calls)
            with pytest.raises(Conflict, match="Another recreation holds the lock"):
                self.run()
            self.calls[:] = calls
            lines.append(self.lines())

    second = Second(world.data.parent / "second")
    second.run()
    assert second.lines() == WRITTEN and len(lines) == MOMENTS
    assert second.calls == WHOLE


# From its last backup: where the cluster is gone without a journal, or is there and silent.

# Backups that have volumes, and what uses them, only.
CREATED_OLD = ["create", "load images", "provision", "restore", "compare", "attach"]
SALVAGED = ["?remove", "?save", "save images", "stop", "save", "remove", *CREATED_OLD]
SALVAGE_MOMENTS = 2 * 9 + 2
LAST = {"without_api": "last_backup", "data": "in_place"}


@pytest.fixture
def silent(tmp_path: Path) -> World:
    """Its data is on the host; it was saved and written to, and its API server is gone."""
    world = World(tmp_path, inside=False)
    world.save()
    world.write()
    world.reachable = False
    return world


def test_a_silent_cluster_from_its_last_backup(silent: World) -> None:
    done = silent.run(**LAST)
    assert silent.calls == SALVAGED
    assert silent.lines() == [entry for entry in WRITTEN if entry not in BY_OBJECTS]
    assert (silent.state, silent.content, silent.has_workload, len(silent.saved)) == ("running", 2, True, 2)
    assert done.facts["generation"] == done.facts["before"]["generation"] == list(silent.saved)[-1]
    assert done.warnings == ("what was made since is not known",)
    assert (done.facts["first_step"], done.facts["without_api"], done.facts["resumed"]) == ("planned", True, False)
    assert (silent.options["remove"]["force"], silent.options["remove"]["backup"]) == (True, str(silent.path))
    assert silent.options["create"]["nodes"] == silent.shape["nodes"]
    assert (silent.options["?save"]["data"], silent.options["?save"]["without_api"]) == ("in_place", "last_backup")
    assert silent.options["save"]["without_api"] == "last_backup"


def test_check_mode_stops_nothing(silent: World) -> None:
    files = sorted(silent.path.rglob("*"))
    done = silent.run(True, **LAST)
    assert silent.calls == ["?remove", "?save"] and sorted(silent.path.rglob("*")) == files
    assert (silent.state, done.facts["first_step"]) == ("running", "planned")
    assert names(done) == [step for step in ALL if step not in BY_OBJECTS]


@pytest.mark.parametrize("moment", range(SALVAGE_MOMENTS))
def test_a_run_without_api_that_is_killed(silent: World, moment: int) -> None:
    silent.moments = moment
    with pytest.raises(Killed):
        silent.run(**LAST)
    silent.moments = None
    silent.run(**LAST)
    assert (silent.state, silent.content, silent.has_workload, silent.lines()[-1]) == ("running", 2, True, "done")


def test_a_run_without_api_has_no_more_moments(silent: World) -> None:
    silent.moments = SALVAGE_MOMENTS
    silent.run(**LAST)
    assert silent.moments == 0


@pytest.mark.parametrize("state", ["running", "stopped", "partly running"])
def test_a_silent_cluster_is_left_alone_unless_it_is_asked_for(silent: World, state: str) -> None:
    silent.state = state
    with pytest.raises(Declined, match="its API server does not answer"):
        silent.run(data="in_place")
    assert silent.calls == [] and silent.state == state


def test_a_slow_cluster_is_not_recreated_without_api(silent: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its API server answers when it is asked once more, with more patience."""
    monkeypatch.setattr(silent, "_version", lambda: "v1.34.4")
    with pytest.raises(Declined, match=r"answers again\. Nothing was changed"):
        silent.run(**LAST)
    assert silent.calls == [] and silent.state == "running" and silent.lines() == []


def test_data_inside_nodes_is_not_recreated_without_api(world: World) -> None:
    world.save()
    world.reachable = False
    with pytest.raises(Declined, match="is not mounted from the host"):
        world.run(without_api="last_backup")
    assert world.calls == ["?remove", "?save"] and world.state == "running" and world.lines() == []


def test_without_a_backup_nothing_is_recreated_without_api(silent: World) -> None:
    for name in silent.saved:
        (silent.path / "generations" / name).rename(silent.path / name)
    with pytest.raises(Declined, match="its API server does not answer"):
        silent.run(**LAST)
    assert silent.calls == [] and silent.state == "running"


def test_nothing_is_recreated_without_api_by_the_backup_of_another_cluster(silent: World) -> None:
    with pytest.raises(Declined):
        silent.run(cluster="lab", **LAST)
    assert silent.calls == []


def test_a_run_without_api_that_fails_starts_the_nodes_again(silent: World) -> None:
    silent.fail["save"] = KindlabError("The disk is full.")
    with pytest.raises(KindlabError) as raised:
        silent.run(**LAST)
    assert raised.value.message == "The disk is full. The cluster was not deleted, and its nodes were started again."
    assert silent.calls[-1] == "start" and silent.state == "running"


def test_a_shape_that_is_not_known_is_asked_for_before_anything_is_stopped(silent: World) -> None:
    mounted = {"nodes": [{k: v for k, v in node.items() if k != "image"} for node in silent.shape["nodes"]]}
    complete = silent.shape["nodes"]
    silent.shape = {}
    silent.reachable = True
    silent.save()
    silent.reachable = False
    with pytest.raises(BadInput, match="its options are not recorded"):
        silent.run(**LAST)
    assert silent.calls == [] and silent.state == "running" and silent.lines() == []
    silent.run(options={**mounted, "merge_kubeconfig": True}, **LAST)
    for node, asked in zip(silent.options["create"]["nodes"], complete, strict=True):
        assert (node["image"], node["mounts"][0] | asked["mounts"][0]) == (asked["image"], node["mounts"][0])
    assert silent.options["create"]["merge_kubeconfig"] is True


def test_a_cluster_that_is_gone_comes_back_from_its_backup_alone(world: World) -> None:
    world.save()
    world.force_removal()
    done = world.run()
    assert world.calls == CREATED_OLD
    lines = ["planned", *WRITTEN[WRITTEN.index("deleted") :]]
    assert world.lines() == [line for line in lines if line not in BY_OBJECTS]
    assert (world.content, world.has_workload) == (1, True)
    assert (done.facts["first_step"], done.facts["resumed"]) == ("created", False)
    assert done.facts["before"]["storage_classes"] == [CLASS]
    assert "anything written since is not in it" in done.warnings[0]


@pytest.mark.parametrize("moment", range(9))
def test_and_also_where_that_is_killed_without_a_journal(world: World, moment: int) -> None:
    """The journal says whose it is from its first line on."""
    world.save()
    world.force_removal()
    kill(world, moment)
    world.run()
    assert (world.content, world.has_workload, world.lines()[-1]) == (1, True, "done")


@pytest.mark.parametrize("step", ["planned", "deleted"])
def test_and_also_behind_its_first_lines(world: World, step: str) -> None:
    world.save()
    world.force_removal()
    to(world, step)
    world.run()
    assert (world.content, world.has_workload, world.lines()[-1]) == (1, True, "done")


def test_a_cluster_that_is_gone_needs_its_shape(world: World) -> None:
    world.shape = {}
    world.save()
    world.force_removal()
    with pytest.raises(BadInput, match="its options are not recorded"):
        world.run()
    assert world.calls == [] and world.lines() == []
    with pytest.raises(Declined, match="its node k-worker is not part of this cluster"):
        world.run(options={"nodes": [{"role": "control-plane"}]})
    assert world.calls == [] and world.lines() == []
    world.run(options=BARE)
    assert world.options["create"]["nodes"] == SHAPE["nodes"] and world.content == 1


def test_what_another_engine_has_is_not_gone(world: World) -> None:
    """Without a journal nothing else tells: two clusters would have the same directories."""
    world.save()
    world.force_removal()
    world.others = {"podman"}
    with pytest.raises(BadInput, match="podman has nodes of cluster k, and docker has none"):
        world.run()
    assert world.calls == [] and world.lines() == []


def test_a_damaged_backup_does_not_keep_a_whole_cluster_from_a_new_one(world: World) -> None:
    world.save()
    (world.path / "generations" / list(world.saved)[-1] / "catalog.json").write_text("")
    world.write()
    world.run()
    assert world.content == 2 and len(world.saved) == 2


# All of it together.


def killed_or_not(world: World, moments: int | None, **options: Any) -> None:
    world.moments = moments
    with suppress(Killed, KindlabError):
        world.run(**options)
    world.moments = None


def recreate_without_api(world: World) -> None:
    killed_or_not(world, None, **LAST)


def half_of_it_without_api(world: World) -> None:
    killed_or_not(world, 5, **LAST)


def refused(world: World) -> None:
    world.fail = {"remove": Declined("It is not safe.")}
    killed_or_not(world, None)
    world.fail = {}


def stop(world: World) -> None:
    if world.state == "running":
        world.be("stopped")


def start(world: World) -> None:
    if world.state in ("stopped", "running"):
        world.be("running")


def silence(world: World) -> None:
    world.reachable = False


def give_back(world: World) -> None:
    if world.state == "running":
        world.detached = False


def remove_half(world: World) -> None:
    world.force_removal(killed=True)


def without_giving_back(world: World) -> None:
    """The only line that a run does without where the disk is too full for it."""
    journal = world.path / JOURNAL
    if world.lines()[-1:] == [ROLLED_BACK]:
        journal.write_text("".join(journal.read_text().splitlines(keepends=True)[:-1]))


OTHERS = [
    World.write,
    World.save,
    World.force_removal,
    recreate_without_api,
    half_of_it_without_api,
    remove_half,
    give_back,
    stop,
    start,
    silence,
    without_giving_back,
]
EVENTS = st.one_of(st.integers(0, MOMENTS), st.sampled_from([refused, *OTHERS]))


@settings(max_examples=100)
@given(st.booleans(), st.lists(EVENTS, max_size=12))
def test_whatever_happens_nothing_unsaved_is_deleted_and_nothing_old_comes_back(
    inside: bool, events: list[Any]
) -> None:
    """A number is a run that is killed then. World knows what must not be: see its assertions."""
    with tempfile.TemporaryDirectory() as top:
        world = World(Path(top), inside=inside)
        for event in events:
            if isinstance(event, int):
                killed_or_not(world, event)
            else:
                event(world)
            assert world.content in (0, world.latest) and (inside or world.host == world.latest)
        start(world)
        try:
            world.run()
        except KindlabError:
            assert world.content in (0, world.latest) and (inside or world.host == world.latest)
        else:
            assert (world.state, world.content) == ("running", world.latest)


# What is known is known before anything is stopped, and the same in check mode.


def refused_alike(world: World, **options: Any) -> Declined | BadInput:
    """The error of a run, which stops nothing; check mode raises the same."""
    with pytest.raises((Declined, BadInput)) as raised:
        world.run(**options)
    assert not {"detach", "save", "remove", "create", "stop"} & set(world.calls)
    with pytest.raises(type(raised.value)) as checked:
        world.run(True, **options)
    assert checked.value.message == raised.value.message
    error = raised.value
    assert isinstance(error, (Declined, BadInput))
    return error


def test_described_nodes_get_the_image_that_they_have(world: World) -> None:
    world.shape = {}
    done = world.run(options=BARE)
    assert world.options["create"]["nodes"] == SHAPE["nodes"]
    assert (done.facts["plan"]["images"], done.facts["plan"]["kubernetes_version"]) == (["node:1"], "v1.34.4")


def test_another_image_is_checked_and_its_version_shown(world: World) -> None:
    plan = world.run(True, options={"image": "node:2"}).facts["plan"]
    assert (plan["images"], plan["kubernetes_version"]) == (["node:2"], "v1.35.0")
    assert plan["changes"] == [f"{name}: image node:1 -> node:2" for name in NODES]
    world.images = False
    error = refused_alike(world, options={"image": "node:2"})
    assert "node:2: docker does not have it" in error.message and "docker pull node:2" in error.next_step


def test_a_port_of_another_program(world: World) -> None:
    world.taken = {8080}
    ports = [{"node_port": 80, "host_port": 8080}]
    error = refused_alike(world, options={"ports": ports})
    assert "port 8080/TCP: is taken" in error.message
    world.taken = set()
    world.run(options={"ports": ports})
    assert world.options["create"]["nodes"][0]["ports"] == [{**ports[0], "protocol": "TCP"}]


def test_a_host_directory_that_is_gone(world: World) -> None:
    """Nobody is told to set create: that would hide the loss."""
    mount = {"host_path": str(world.data / "gone"), "node_path": "/data", "create": False}
    world.shape = {"nodes": [{**node, "mounts": [mount]} for node in SHAPE["nodes"]]}
    error = refused_alike(world)
    assert "gone: it does not exist" in error.message
    assert "create: true" not in error.text()


def test_a_host_directory_that_is_a_file(world: World) -> None:
    file = world.data / "file"
    file.write_text("")
    error = refused_alike(world, options={"mounts": [{"host_path": str(file), "node_path": "/mnt"}]})
    assert f"{file}: it is not a directory" in error.message


def test_a_shape_that_kind_refuses(world: World) -> None:
    for options, said in (
        (
            {"networking": {"ip_family": "v4"}},
            "value of networking.ip_family must be one of: ipv4, ipv6, dual, got: v4",
        ),
        ({"workers": -1}, "workers"),
        ({"nodes": [{"role": "worker"}]}, "control-plane"),
    ):
        assert said in refused_alike(world, options=options).message


def test_a_shape_in_which_a_volume_would_not_be_found(tmp_path: Path) -> None:
    world = World(tmp_path, inside=False)
    world.objects = {"PersistentVolume": [volume(0)], "PersistentVolumeClaim": [claim(0)]}
    world.run(True)
    other = {"host_path": str(tmp_path / "other"), "node_path": "/data"}
    error = refused_alike(world, data="in_place", options={"mounts": [other]})
    assert (
        f"its data is in {world.data}/v0, and the new cluster would look for it in {tmp_path}/other/v0" in error.message
    )
    error = refused_alike(world, options={"mounts": []})
    assert "would look for it in /data/v0, inside k-worker" in error.message
    error = refused_alike(world, options={"nodes": [{"role": "control-plane"}]})
    assert "its node k-worker is not part of this cluster" in error.message


def test_options_that_nobody_has(world: World) -> None:
    assert (
        "options contains worker, and its keys must be one of: " in refused_alike(world, options={"worker": 1}).message
    )
    mount = {"host_path": "/h", "node_path": "/n", "readOnly": True}
    error = refused_alike(world, options={"nodes": [{"mounts": [mount]}], "ports": [{"node_port": "x"}]})
    assert "options.nodes[0].mounts[0] contains readOnly" in error.message
    assert "options.ports[0].node_port 'x' is not a number" in error.message


def test_a_worker_more_or_less(world: World) -> None:
    done = world.run(options={"workers": 2})
    assert world.options["create"]["nodes"] == [*SHAPE["nodes"], SHAPE["nodes"][1]]
    assert done.facts["plan"]["changes"] == ["k-worker2 (worker) is added"]
    assert done.before["nodes"] == dict(zip(NODES, SHAPE["nodes"], strict=True))
    assert done.after["nodes"].keys() == {*NODES, "k-worker2"}
    assert done.facts["before"]["options"] == SHAPE


def test_a_volume_whose_node_goes_moves_to_one_that_has_its_directory(tmp_path: Path) -> None:
    world = World(tmp_path, inside=False)
    world.objects = {"PersistentVolume": [volume(0)], "PersistentVolumeClaim": [claim(0)]}
    gone = {"options": {"workers": 0}, "data": "in_place"}
    error = refused_alike(world, **gone)
    assert "ns/c0 (v0): in the new cluster, its node k-worker is not part of this cluster" in error.message
    assert "node_map to {k-worker: k-control-plane}" in error.next_step
    done = world.run(**gone, node_map={"k-worker": "k-control-plane"})
    assert done.facts["plan"]["node_map"] == {"k-worker": "k-control-plane"}
    (row,) = done.facts["plan"]["volumes"]
    assert row["does"] == f"its data stays in {world.data}/v0, and it moves to k-control-plane"
    assert world.options["restore"]["node_map"] == {"k-worker": "k-control-plane"}


def test_a_node_map_is_kept_for_a_rerun(tmp_path: Path) -> None:
    world = World(tmp_path, inside=False)
    world.objects = {"PersistentVolume": [volume(0)], "PersistentVolumeClaim": [claim(0)]}
    world.fail["create"] = CommandFailed("no space left")
    with pytest.raises(CommandFailed):
        world.run(options={"workers": 0}, data="in_place", node_map={"k-worker": "k-control-plane"})
    world.fail.clear()
    world.run(data="in_place")
    assert len(world.options["create"]["nodes"]) == 1
    assert world.options["restore"]["node_map"] == {"k-worker": "k-control-plane"}


def test_a_configuration_file_is_the_whole_cluster(world: World, tmp_path: Path) -> None:
    world.shape = {**SHAPE, "feature_gates": {"A": True}}
    file = tmp_path / "kind.yaml"
    file.write_text(
        "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nnodes: [{role: control-plane}, {role: worker}]\n"
    )
    done = world.run(options={"config": str(file)})
    assert world.options["create"]["nodes"] == SHAPE["nodes"]
    assert done.facts["plan"]["changes"] == ["feature_gates {'A': True} -> none"]
    world.run(options={"config": str(file), "workers": 2})
    assert [node["role"] for node in world.options["create"]["nodes"]] == ["control-plane", "worker", "worker"]


def test_fields_of_kind_that_no_option_sets_are_kept(world: World) -> None:
    plane, worker = SHAPE["nodes"]
    world.shape = {**SHAPE, "nodes": [{**plane, "kind_fields": {"gpus": "all"}}, worker], "kind_fields": {"x": 1}}
    world.run(options={"workers": 2})
    asked = world.options["create"]
    assert asked["kind_fields"] == {"x": 1}
    assert [node.get("kind_fields") for node in asked["nodes"]] == [{"gpus": "all"}, None, None]


def test_options_that_describe_the_whole_cluster(world: World) -> None:
    """What they do not mention has its default, except for the image."""
    world.shape = {**SHAPE, "feature_gates": {"A": True}}
    world.run(merge_options=False, options={"workers": 1, "labels": {"a": "b"}})
    asked = world.options["create"]
    assert asked["feature_gates"] is None and [node["role"] for node in asked["nodes"]] == ["control-plane", "worker"]
    assert all((node["image"], node["labels"]) == ("node:1", {"a": "b"}) for node in asked["nodes"])
    world.run(merge_options=False, options={"feature_gates": {"A": False}})
    assert world.options["create"]["feature_gates"] == {"A": False} and len(world.options["create"]["nodes"]) == 1


def test_doubts_about_a_cluster_of_others_are_told(world: World) -> None:
    world.doubts = ["whether port 40000 was requested"]
    assert any("created by other means" in w and "port 40000" in w for w in world.run().warnings)
    world.shape, world.doubts = {}, ["no control plane is running"]
    with pytest.raises(BadInput, match="cannot be read from it: no control plane is running"):
        world.run()


def test_doubts_are_told_from_the_backup_of_a_cluster_that_is_gone(world: World) -> None:
    world.doubts = ["whether port 40000 was requested"]
    world.save()
    world.force_removal()
    world.doubts = []
    assert any("created by other means" in w and "port 40000" in w for w in world.run().warnings)


@pytest.mark.parametrize("lost", ["data", "volume"])
def test_a_total_loss_is_known_before_a_gone_cluster_is_created(tmp_path: Path, lost: str) -> None:
    world = World(tmp_path, inside=False)
    described = {"kind": "Cluster", "metadata": {"name": "k"}, "images": ["node:1"], "options": world.shape}
    write_backup(world.path, world.data, 1, described=described)
    world.force_removal()
    (world.data if lost == "data" else world.data / "v0").rename(tmp_path / "elsewhere")
    error = refused_alike(world)
    assert "does not exist" in error.message and world.lines() == []


# Corrected options, and clusters that somebody else made.


def test_corrected_options_replace_recorded_ones_and_stay(world: World) -> None:
    world.fail["create"] = CommandFailed("port is already allocated")
    with pytest.raises(CommandFailed) as raised:
        world.run(options={"ports": [{"node_port": 80, "host_port": 80}]})
    for part in ("options that are given then", "volume_restore with path=", "state=attached", "storage_provisioner"):
        assert part in raised.value.next_step
    with pytest.raises(CommandFailed):
        world.run(options={"ports": [{"node_port": 80, "host_port": 8080}]})
    world.fail.clear()
    done = world.run()
    ports = [{"node_port": 80, "host_port": 8080, "protocol": "TCP"}]
    assert world.options["create"]["nodes"][0]["ports"] == ports
    assert (world.content, done.facts["resumed"]) == (1, True)


def test_corrected_options_are_told(world: World) -> None:
    world.fail["create"] = CommandFailed("no such image")
    with pytest.raises(CommandFailed):
        world.run()
    world.fail.clear()
    done = world.run(options={"image": "node:2"})
    assert any("k-worker: image node:1 -> node:2" in warning for warning in done.warnings)
    assert [node.get("image") for node in world.options["create"]["nodes"]] == ["node:2", "node:2"]


def test_a_cluster_that_somebody_created_meanwhile_is_not_continued(world: World) -> None:
    """Neither one with another identity, nor one that has volumes."""
    to(world, "created")
    world.uid, world.content, world.has_workload = 9, 1, True
    done = world.run()
    assert (done.facts["first_step"], done.facts["resumed"]) == ("planned", False)
    assert any("somebody created another cluster of that name since" in warning for warning in done.warnings)


def test_a_cluster_with_volumes_is_not_continued(world: World) -> None:
    to(world, "deleted")
    world.be("running")
    world.content, world.has_workload = 1, True
    world.objects = {"PersistentVolume": [volume(0)], "PersistentVolumeClaim": [claim(0)]}
    assert world.run(True).facts["first_step"] == "planned"


def test_a_cluster_that_was_finished_by_hand_is_not_continued(world: World) -> None:
    to(world, "created")
    pod = {"metadata": {"name": "p", "namespace": "ns"}, "spec": {"volumes": [_claim_of("c0")]}}
    bound = {**claim(0), "status": {"phase": "Bound"}}
    world.objects = {"PersistentVolume": [volume(0)], "PersistentVolumeClaim": [bound], "Pod": [pod]}
    world.content, world.has_workload = 1, True
    done = world.run(True)
    assert done.facts["first_step"] == "planned" and any("pods use them" in warning for warning in done.warnings)


def _claim_of(name: str) -> dict[str, Any]:
    return {"name": "data", "persistentVolumeClaim": {"claimName": name}}


def test_a_stopped_cluster_of_somebody_else_is_not_filled(world: World) -> None:
    to(world, "created")
    world.uid = 9
    world.be("stopped")
    with pytest.raises(Declined, match="is not the one that the interrupted recreation created"):
        world.run()
    assert "restore" not in world.calls and world.content == 0


# Generations of another cluster, or of another time.


def test_an_empty_cluster_with_the_backup_of_an_earlier_one(world: World) -> None:
    """Created by hand after the backup: success would mean that nothing was restored."""
    world.save()
    world.force_removal()
    world.be("running")
    world.created_at = "2026-06-01T00:00:00Z"
    error = refused_alike(world)
    assert "never restored into cluster k: v0" in error.message and "volume_restore" in error.next_step
    assert "another directory" in error.next_step


def test_a_cluster_whose_user_removed_the_volumes(world: World) -> None:
    world.save()
    world.content, world.has_workload, world.latest = 0, False, 0
    generation = world.run().facts["generation"]
    assert (world.saved[generation], world.content) == (0, 0)
    assert world.run(objects="none").facts["generation"] == "" and "restore" not in world.calls


def test_removed_after_a_recreation(world: World) -> None:
    world.run()
    world.content, world.has_workload, world.created_at, world.latest = 0, False, "2026-06-01T00:00:00Z", 0
    assert world.saved[world.run().facts["generation"]] == world.content == 0


@pytest.mark.parametrize("objects", ["all", "none"])
@pytest.mark.parametrize("moment", range(9, 15))
def test_a_recreation_without_volumes_brings_none_back(world: World, moment: int, objects: str) -> None:
    """Killed anywhere after its deletion: the older generation has what the user had removed."""
    world.save()
    world.content, world.has_workload, world.latest = 0, False, 0
    world.moments = moment - 1
    with suppress(Killed):
        world.run(objects=objects)
    world.moments = None
    assert "deleting" in world.lines()
    generation = world.run(objects=objects).facts["generation"]
    assert world.content == 0 and not world.saved.get(generation)


def test_a_cluster_without_some_volumes_of_its_backup_is_told(world: World) -> None:
    write_data(world.data / "more", 2)
    write_backup(world.path, world.data / "more", 2, **INSIDE)
    world.created_at = "2026-06-01T00:00:00Z"
    assert any("contains v1, which cluster k does not have" in warning for warning in world.run(True).warnings)


# What people set comes back.


def api_node(name: str, **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": more.pop("labels", {})}, "spec": more}


def test_labels_taints_and_cordons_are_set_again(world: World) -> None:
    taint = {"key": "gpu", "value": "a", "effect": "NoSchedule"}
    world.objects["Node"] = [api_node("k-worker", labels={"zone": "a"}, taints=[taint], unschedulable=True)]
    made = {"name": "k-worker", "labels": {"zone": "a"}, "taints": ["gpu=a:NoSchedule"], "cordoned": True}
    assert world.run(True).facts["plan"]["node_settings"] == [made]
    to(world, "created")
    world.objects["Node"] = [api_node("k-worker")]
    world.run()
    (node,) = world.objects["Node"]
    assert node["metadata"]["labels"] == {"zone": "a"}
    assert node["spec"] == {"taints": [taint], "unschedulable": True}


@pytest.mark.parametrize("gone", [False, True])
def test_labels_that_options_do_not_have_any_more_are_not_set_again(world: World, gone: bool) -> None:
    labels = {"given": "before", "zone": "a"}
    shape = world.shape
    world.shape = {"nodes": [{**node, "labels": {"given": "before"}} for node in shape["nodes"]]}
    world.objects["Node"] = [api_node("k-worker", labels=labels)]
    world.settings = {"k-worker": {"labels": labels, "taints": [], "cordoned": False}}
    world.save()
    if gone:
        world.force_removal()
    world.objects["Node"] = [api_node("k-worker", labels={} if gone else labels)]
    plan = world.run(True, options=shape, merge_options=False).facts["plan"]
    assert [row["labels"] for row in plan["node_settings"]] == [{"zone": "a"}]


def test_settings_of_nodes_that_are_not_created_are_told(world: World) -> None:
    world.objects["Node"] = [api_node("k-worker2", labels={"zone": "a"})]
    assert any("k-worker2 (label zone=a)" in warning for warning in world.run().warnings)


def test_the_context_in_the_kubeconfig_of_the_user_is_written_again(world: World) -> None:
    world.run()
    assert world.options["create"]["merge_kubeconfig"] is False
    world.merged = True
    world.run()
    assert world.options["create"]["merge_kubeconfig"] is True


def test_what_was_scaled_to_zero_before_stays_there(world: World) -> None:
    world.detached = True
    done = world.run()
    assert world.options["attach"]["left_down"] == {"ns/Deployment/shop"} and world.detached
    assert done.facts["before"]["volumes"]
    world.fail["save"] = KindlabError("The disk is full.")
    with pytest.raises(KindlabError):
        world.run()
    assert world.detached


@pytest.mark.parametrize("moment", range(5))
def test_what_an_interrupted_run_scaled_to_zero_does_not(world: World, moment: int) -> None:
    kill(world, moment)
    world.run()
    assert not world.detached and world.has_workload


def test_a_lost_worker_is_created_in_its_recorded_shape(world: World) -> None:
    world.lost = {"k-worker"}
    assert world.run(True).facts["plan"]["nodes"] == NODES
    done = world.run()
    assert world.calls[:3] == ["?remove", "?detach", "?save"] and "?create" not in world.calls
    assert world.options["create"]["nodes"] == SHAPE["nodes"]
    assert (done.facts["before"]["nodes"], done.facts["plan"]["nodes"]) == (NODES[:1], NODES)
    assert any("The container of k-worker is gone" in warning for warning in done.warnings)


@pytest.mark.parametrize("deleted", ["claim", "volume"])
def test_a_volume_whose_claim_was_deleted_meanwhile_stays_retained(world: World, deleted: str) -> None:
    """With its own policy Delete the provisioner would remove the data."""
    going = {"deletionTimestamp": "2026-01-01T00:00:00Z"}
    item = volume(0)
    changed = {"status": {"phase": "Released"}} if deleted == "claim" else {"metadata": {**item["metadata"], **going}}
    world.objects = {"PersistentVolume": [{**item, **changed}], "PersistentVolumeClaim": []}
    world.fail["remove"] = REFUSED
    with pytest.raises(Declined):
        world.run()
    assert world.calls[-1] == "attach" and world.policy == "Retain"


def test_the_kubeconfig_of_the_user_without_an_api_server(silent: World) -> None:
    silent.merged = True
    silent.run(**LAST)
    assert silent.options["create"]["merge_kubeconfig"] is True


@pytest.mark.parametrize("moment", range(5))
def test_policies_from_before_an_interrupted_run_come_back(world: World, moment: int) -> None:
    """The run that is interrupted has set Retain, which the next one finds."""
    kill(world, moment)
    world.fail["remove"] = REFUSED
    with pytest.raises(Declined):
        world.run()
    assert (world.policy, world.detached) == ("Delete", False)


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_journal_that_cannot_be_locked(world: World, check_mode: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(BadInput, match=r"journal .* does not support locks|support locks \(flock\)"):
        world.run(check_mode)
    assert world.calls == []
