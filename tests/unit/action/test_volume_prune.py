"""What is shown and pruned of a cluster's volumes and of directories, with real directories and clusters in memory."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._action import volume_prune
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    BadInput,
    CommandFailed,
    Conflict,
    Declined,
    Unreachable,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import merged
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Completed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.prune import observe as observing
from ansible_collections.kindlab.volumes.tests.unit.support.backups import inspected, volume
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import FakeCluster, Killed, ScriptedRunner, swapped
from ansible_collections.kindlab.volumes.tests.unit.support.pruning import (
    OLD,
    OTHER,
    PLANE,
    VOLUME,
    WORKER,
    Lab,
    rows,
    trash,
)


@pytest.fixture(autouse=True)
def one_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def refused(lab: Lab, **options: Any) -> list[dict[str, Any]]:
    """The details of a refusal, the same in check mode; nothing was changed."""
    before = sorted(lab.data.rglob("*"))
    details = []
    for check in (True, False):
        with pytest.raises(Declined) as raised:
            lab.prune(check=check, **options)
        details.append(raised.value.details)
    assert sorted(lab.data.rglob("*")) == before and lab.cluster.writes == [] and details[0] == details[1]
    return details[0]


def test_everything_is_shown_and_nothing_is_changed(lab: Lab) -> None:
    lab.make("of-people")
    found = lab.prune()
    assert not found.changed and (found.before, found.facts["pruned"], found.facts["bytes"]) == (found.after, [], 0)
    assert sorted(rows(found)) == [OLD, "v1"]
    old = rows(found)[OLD]
    assert old["bytes"] >= 4096 and abs(old["age"] - 100 * 86_400) < 60
    assert {name: value for name, value in old.items() if name not in ("bytes", "age", "since")} == {
        "kind": "directory",
        "name": str(lab.old),
        "directory": str(lab.old),
        "volume": VOLUME,
        "claim": "ns/old",
        "kept": "",
        "next_step": "",
        "last_copy": False,
        "pruned": False,
        "moved_to": "",
    }
    released = rows(found)["v1"]
    assert (released["kind"], released["claim"], released["directory"]) == ("volume", "ns/c1", f"{lab.data}/v1")
    assert lab.cluster.writes == [] and trash(lab.data) == []


@pytest.mark.parametrize("name", ["path", OLD])
def test_a_directory_is_pruned_by_name_once(lab: Lab, name: str) -> None:
    names = [str(lab.old) if name == "path" else name]
    planned = lab.prune(check=True, names=names)
    assert planned.changed and lab.old.is_dir()
    done = lab.prune(names=names)
    assert done.changed and done.facts["pruned"] == planned.facts["pruned"] == [str(lab.old)]
    moved = Path(rows(done)[OLD]["moved_to"])
    assert (moved / "file").read_text() == "content" and moved.is_relative_to(lab.data / ".kindlab-trash")
    assert moved.parents[1].stat().st_mode & 0o777 == 0o700
    for check in (True, False):
        again = lab.prune(check=check, names=names)
        assert not again.changed and again.warnings == (
            f"There is nothing called {names[0]}, or not any more: nothing was pruned.",
        )
    assert moved.is_dir() and lab.cluster.writes == []


def test_the_diff_shows_what_goes_where(lab: Lab) -> None:
    done = lab.prune(names=[OLD])
    before, after = set(done.before["found"]), set(done.after["found"])
    assert before - after == {str(lab.old)} and after - before == {rows(done)[OLD]["moved_to"]}


def test_a_path_through_a_link_names_the_same(lab: Lab) -> None:
    (lab.top / "link").symlink_to(lab.data)
    assert lab.prune(names=[f"{lab.top}/link/{OLD}/"]).facts["pruned"] == [str(lab.old)]


def test_by_age(lab: Lab) -> None:
    assert not lab.prune(days=29, older_than="30d").changed
    done = lab.prune(days=31, older_than="30d")
    assert done.facts["pruned"] == [str(lab.old), "v1"]
    assert trash(lab.data) == [OLD, "v1"]
    assert lab.cluster.writes == [("delete", "PersistentVolume", "v1")]
    assert sorted(os.listdir(lab.data)) == [".kindlab-trash", "v0"]
    assert not lab.prune(days=31, older_than="30d").changed


@pytest.mark.parametrize(
    ("pattern", "pruned"),
    [("ns/*", [OLD, "v1"]), ("ns/o*", [OLD]), ("pvc-*", [OLD]), ("v?", ["v1"]), ("*/of-people", []), ("v0", [])],
)
def test_by_pattern(lab: Lab, pattern: str, pruned: list[str]) -> None:
    lab.make("of-people")
    assert [name.rpartition("/")[2] for name in lab.prune(matching=[pattern]).facts["pruned"]] == pruned


def test_conditions_must_all_hold(lab: Lab) -> None:
    lab.make(OTHER)
    assert not lab.prune(days=1, names=[OLD], older_than="2d").changed
    assert not lab.prune(matching=["ns/*"], kinds=["leftover"], older_than="0").changed
    assert lab.prune(matching=["*/*"], kinds=["directory"], older_than="0").facts["pruned"] == [
        str(lab.old),
        f"{lab.data}/{OTHER}",
    ]


def test_the_trash_is_emptied_only_if_that_is_asked_for(lab: Lab) -> None:
    moved = Path(rows(lab.prune(names=[OLD]))[OLD]["moved_to"])
    assert rows(lab.prune())[OLD]["kind"] == "trash"
    # Neither a rule for everything else, nor its old name.
    assert not lab.prune(days=300, older_than="1d", kinds=None, matching=["pvc-*"]).changed
    assert not lab.prune(days=300, names=[OLD]).changed
    assert not lab.prune(days=106, kinds=["trash"], older_than="1w").changed
    assert lab.prune(check=True, days=108, kinds=["trash"], older_than="1w").changed and moved.is_dir()
    done = lab.prune(days=108, kinds=["trash"], older_than="1w")
    assert done.facts["pruned"] == [str(moved)] and rows(done)[OLD]["moved_to"] == ""
    assert not (lab.data / ".kindlab-trash").exists()


def test_what_is_in_the_trash_is_removed_by_its_path(lab: Lab) -> None:
    moved = rows(lab.prune(names=[OLD]))[OLD]["moved_to"]
    assert lab.prune(names=[moved]).facts["pruned"] == [moved]
    assert not Path(moved).exists()


def test_without_the_trash_it_is_gone_for_good(lab: Lab) -> None:
    done = lab.prune(older_than="0", trash=False)
    assert done.facts["pruned"] == [str(lab.old), "v1"] and rows(done)[OLD]["moved_to"] == ""
    assert os.listdir(lab.data) == ["v0"]
    assert not lab.prune(older_than="0", trash=False).changed


def test_a_killed_removal_leaves_nothing_that_looks_whole(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(path: str) -> None:
        os.unlink(f"{path}/file")
        raise Killed

    with monkeypatch.context() as context, pytest.raises(Killed):
        context.setattr(shutil, "rmtree", killed)
        lab.prune(names=[OLD, "v1"], trash=False)
    # Both directories were moved, and the volume was deleted, before anything was removed.
    assert trash(lab.data) == [f".removing-{OLD}", ".removing-v1"]
    assert lab.cluster.writes == [("delete", "PersistentVolume", "v1")]
    left = rows(lab.prune())
    assert left[f".removing-{OLD}"]["kind"] == "trash" and left[f".removing-{OLD}"]["claim"] == ""
    assert lab.prune(kinds=["trash"], older_than="0").changed and trash(lab.data) == []


@pytest.mark.parametrize("of_others", [False, True])
def test_what_a_volume_has_in_the_trash_is_kept(lab: Lab, of_others: bool) -> None:
    moved = Path(rows(lab.prune(names=[OLD]))[OLD]["moved_to"])
    (moved / "deep").mkdir()
    path = f"{moved.relative_to(lab.top)}/deep"
    node = "o-control-plane" if of_others else WORKER
    pv = merged(volume(7, node=node), {"spec": {"hostPath": {"path": f"/{path}"}}})
    if of_others:
        lab.others = [inspected("o-control-plane", "o", "control-plane", data=str(lab.data))]
        lab.planes["o-control-plane"] = FakeCluster(pv)
    else:
        lab.cluster.put(merged(pv, {"status": {"phase": "Bound"}}))
    assert not lab.prune(kinds=["trash"], older_than="0").changed
    (row,) = refused_again(lab, names=[str(moved)])
    assert f"{moved}/deep, in it, is the directory of volume v7" in row["why"] and moved.is_dir()


def test_a_process_keeps_what_is_in_the_trash(lab: Lab) -> None:
    moved = Path(rows(lab.prune(names=[OLD]))[OLD]["moved_to"])
    lab.busy = {WORKER: f"/{moved.relative_to(lab.top)}"}
    assert not lab.prune(kinds=["trash"], older_than="0").changed


def test_a_stopped_cluster_may_use_the_trash_beside_the_kubeconfig(lab: Lab) -> None:
    (lab.top / "kube").mkdir()
    marker = lab.top / "kube" / "kind-gone.unfinished"
    marker.write_text("{}")
    options: dict[str, Any] = {"kubeconfig": f"{lab.top}/kube/config"}
    assert lab.prune(kinds=["leftover"], older_than="0", **options).changed
    lab.others = [stopped(inspected("o-control-plane", "o", "control-plane", elsewhere=str(lab.top / "kube")))]
    assert not lab.prune(kinds=["trash"], older_than="0", **options).changed
    lab.others = []
    assert lab.prune(kinds=["trash"], older_than="0", **options).changed


def test_a_volume_that_another_cluster_creates_while_trees_are_read(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = FakeCluster()
    lab.others = [inspected("o-control-plane", "o", "control-plane", data=str(lab.data))]
    lab.planes["o-control-plane"] = theirs
    reading = observing.looked

    def late(*arguments: Any) -> Any:
        theirs.put(merged(volume(7, node="o-control-plane"), {"spec": {"hostPath": {"path": f"/data/{OLD}"}}}))
        return reading(*arguments)

    monkeypatch.setattr(observing, "looked", late)
    assert lab.prune(older_than="0").facts["pruned"] == ["v1"]


def test_a_volume_of_another_cluster_whose_node_is_gone_has_its_directory(lab: Lab) -> None:
    pv = merged(volume(7, node="gone-worker"), {"spec": {"hostPath": {"path": f"/data/{OLD}"}}})
    lab.others = [inspected("o-control-plane", "o", "control-plane", data=str(lab.data))]
    lab.planes["o-control-plane"] = FakeCluster(pv)
    assert lab.prune(older_than="0").facts["pruned"] == ["v1"]


def test_a_volume_that_is_used_is_refused_by_name(lab: Lab) -> None:
    for name in ("v0", f"{lab.data}/v0"):
        details = refused(lab, names=[name, OLD])
        assert [(row["name"], row["why"], row["claim"]) for row in details] == [("v0", "it is Bound", "ns/c0")]


def test_what_no_provisioner_made_is_refused_by_name(lab: Lab) -> None:
    other = lab.make("of-people")
    (row,) = refused(lab, names=[str(other)])
    assert row["why"] == "no provisioner gives a directory such a name" and row["next_step"].endswith(f"rm -r {other}")


def test_what_is_not_searched_is_refused_by_name(lab: Lab) -> None:
    (row,) = refused(lab, names=[str(lab.top / "data"), "/not/there"])
    assert row["why"] == "it is in none of the directories that are searched"
    assert row["next_step"] == f"Set directories to {lab.top}"


def test_a_process_keeps_its_directory(lab: Lab) -> None:
    lab.busy = {WORKER: f"/data/{OLD}"}
    found = lab.prune(older_than="0")
    assert found.facts["pruned"] == ["v1"]
    assert rows(found)[OLD]["kept"] == f"vi (pid 42) on k-worker is in /data/{OLD}"
    (row,) = refused_again(lab, names=[OLD])
    assert row["why"] == rows(found)[OLD]["kept"]


def refused_again(lab: Lab, **options: Any) -> list[dict[str, Any]]:
    lab.cluster.writes.clear()
    return refused(lab, **options)


def test_a_pod_that_waits_keeps_its_directory(lab: Lab) -> None:
    lab.cluster.put(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "p", "namespace": "ns"},
            "spec": {"containers": [], "volumes": [{"name": "d", "hostPath": {"path": f"/data/{OLD}"}}]},
            "status": {"phase": "Pending"},
        }
    )
    assert "pod ns/p of cluster k, which is Pending, would use" in rows(lab.prune())[OLD]["kept"]
    assert lab.prune(older_than="0").facts["pruned"] == ["v1"]


def stopped(node: dict[str, Any]) -> dict[str, Any]:
    node["State"] = {"Status": "exited"}
    return node


def test_a_volume_of_another_cluster_is_used(lab: Lab) -> None:
    theirs = volume(7, node="o-control-plane", places="/elsewhere")
    theirs["spec"]["hostPath"]["path"] = f"/elsewhere/{OLD}"
    lab.others = [inspected("o-control-plane", "o", "control-plane", elsewhere=str(lab.data))]
    lab.planes["o-control-plane"] = FakeCluster(theirs)
    assert OLD not in rows(lab.prune())
    (row,) = refused(lab, names=[OLD])
    assert row["why"] == f"{lab.old} is the directory of volume v7 (ns/c7) of cluster o"
    assert lab.prune(older_than="0").facts["pruned"] == ["v1"]


@pytest.mark.parametrize("writable", [True, False])
def test_a_stopped_cluster_may_use_everything_that_it_has_mounted(lab: Lab, writable: bool) -> None:
    node = stopped(inspected("o-control-plane", "o", "control-plane", elsewhere=str(lab.top)))
    node["Mounts"][0]["RW"] = writable
    lab.others = [node]
    found = lab.prune(older_than="0")
    assert found.facts["pruned"] == []
    for name in (OLD, "v1"):
        assert "cluster o has" in rows(found)[name]["kept"] and "not running" in rows(found)[name]["kept"]
    assert {row["name"] for row in refused(lab, names=[OLD, "v1"])} == {str(lab.old), "v1"}


def test_a_cluster_that_does_not_answer_may_use_it_too(lab: Lab) -> None:
    lab.others = [inspected("o-control-plane", "o", "control-plane", elsewhere=str(lab.data))]
    lab.planes["o-control-plane"] = CommandFailed("connection refused")
    assert "connection refused" in rows(lab.prune())[OLD]["kept"]
    assert not lab.prune(older_than="0").changed


def test_a_cluster_with_other_directories_is_not_asked(lab: Lab) -> None:
    lab.others = [inspected("o-control-plane", "o", "control-plane", elsewhere=str(lab.top / "elsewhere"))]
    assert lab.prune(older_than="0").facts["pruned"] == [str(lab.old), "v1"]


def test_a_host_directory_that_is_not_the_one_of_the_node(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ScriptedRunner, "looks", {WORKER: swapped("/data")})
    found = lab.prune(older_than="0")
    assert not found.changed
    assert all(f"is not the directory that {WORKER} has mounted" in rows(found)[name]["kept"] for name in (OLD, "v1"))


def test_a_directory_that_was_moved_stays_mounted_in_another_cluster(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its container still shows the old path."""
    status = lab.data.stat()
    look = swapped("/elsewhere")
    look = Completed(0, look.out.replace("1 1", f"{status.st_dev} {status.st_ino}", 1))
    lab.others = [inspected("o-control-plane", "o", "control-plane", elsewhere=str(lab.top / "before"))]
    monkeypatch.setattr(ScriptedRunner, "looks", {"o-control-plane": look})
    found = lab.prune(older_than="0")
    assert not found.changed
    (row,) = refused(lab, names=["v1"])
    assert f"node o-control-plane of cluster o, which has it mounted as {lab.top}/before" in row["why"]


def test_a_directory_that_was_moved_stays_mounted_in_the_own_cluster(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """What v0 has is no orphan where it is now."""
    moved = lab.data.rename(lab.top / "moved")
    status = moved.stat()
    look = swapped("/data")
    look = Completed(0, look.out.replace("1 1", f"{status.st_dev} {status.st_ino}", 1))
    monkeypatch.setattr(ScriptedRunner, "looks", {PLANE: look, WORKER: look})
    assert not lab.prune(directories=[str(moved)], older_than="0").changed
    assert (moved / OLD).is_dir()


@pytest.mark.parametrize(
    ("target", "path"),
    [(OLD, "/data/current"), (".", f"/data/current/{OLD}"), (f"/data/{OLD}", "/data/current")],
)
def test_a_volume_has_its_directory_through_a_link(lab: Lab, target: str, path: str) -> None:
    (lab.data / "current").symlink_to(target)
    lab.cluster.put(merged(volume(2), {"spec": {"hostPath": {"path": path}}, "status": {"phase": "Bound"}}))
    assert lab.prune(older_than="0").facts["pruned"] == ["v1"]
    assert refused_again(lab, names=[OLD])


def test_a_released_volume_through_a_link_has_what_another_one_has(lab: Lab) -> None:
    (lab.data / "current").symlink_to("v0")
    (lab.data / "v0" / "deep").mkdir()
    lab.cluster.put(
        merged(lab.cluster.get("PersistentVolume", "v1"), {"spec": {"hostPath": {"path": "/data/current/deep"}}})
    )
    assert "v1" not in lab.prune(older_than="0").facts["pruned"]
    assert (lab.data / "v0" / "deep").is_dir()


def test_two_volumes_on_one_directory(lab: Lab) -> None:
    pv = merged(volume(2), {"spec": {"hostPath": {"path": "/data/v1"}}, "status": {"phase": "Bound"}})
    lab.cluster.put(pv)
    assert rows(lab.prune())["v1"]["kept"] == f"{lab.data}/v1 is the directory of volume v2 (ns/c2)"
    assert lab.prune(older_than="0").facts["pruned"] == [str(lab.old)]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"spec": {"persistentVolumeReclaimPolicy": "Delete"}}, "its reclaim policy is Delete"),
        ({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}, "it is being deleted"),
        ({"metadata": {"annotations": None}}, "was not created by a provisioner"),
        ({"spec": {"hostPath": None, "nfs": {"server": "s", "path": "/p"}}}, "its data is not in a directory"),
        ({"spec": {"hostPath": {"path": "/inside/v1"}}}, f"its data is inside {WORKER}, not on the host"),
        ({"spec": {"nodeAffinity": None, "hostPath": {"path": "/inside/v1"}}}, f"inside {PLANE}, {WORKER}"),
    ],
)
def test_released_volumes_that_stay(lab: Lab, change: dict[str, Any], why: str) -> None:
    lab.cluster.put(merged(lab.cluster.get("PersistentVolume", "v1"), change))
    assert why in rows(lab.prune())["v1"]["kept"]
    (row,) = refused(lab, names=["v1"])
    assert row["next_step"]
    assert "v1" not in lab.prune(older_than="0").facts["pruned"]


def test_a_volume_that_failed_to_be_reclaimed(lab: Lab) -> None:
    lab.cluster.put(merged(lab.cluster.get("PersistentVolume", "v1"), {"status": {"phase": "Failed"}}))
    assert lab.prune(check=True, names=["v1"]).changed and lab.prune(names=["v1"]).changed
    assert lab.cluster.writes == [("delete", "PersistentVolume", "v1")]


def test_a_volume_of_unknown_age_is_pruned_by_name_alone(lab: Lab) -> None:
    lab.cluster.put(merged(lab.cluster.get("PersistentVolume", "v1"), {"status": {"lastPhaseTransitionTime": None}}))
    found = lab.prune(older_than="0")
    assert found.facts["pruned"] == [str(lab.old)] and rows(found)["v1"]["age"] is None
    assert lab.prune(names=["v1"]).changed


def test_a_name_that_two_directories_have(lab: Lab) -> None:
    (lab.top / "more" / OLD).mkdir(parents=True)
    options: dict[str, Any] = {"directories": [str(lab.top / "more")]}
    (row,) = refused(lab, names=[OLD], **options)
    assert row["name"] == OLD and row["next_step"] == "Name its path."
    assert str(lab.old) in row["why"] and f"{lab.top}/more/{OLD}" in row["why"]
    assert lab.prune(names=[str(lab.old)], **options).facts["pruned"] == [str(lab.old)]


def test_a_name_that_nothing_of_the_kinds_has(lab: Lab) -> None:
    found = lab.prune(names=[OLD], kinds=["volume"])
    assert not found.changed and found.warnings == (
        f"There is nothing called {OLD}, or not any more: nothing was pruned.",
    )


def test_a_killed_run_is_completed(tmp_path: Path) -> None:
    """After the directory was moved, and before the volume was deleted."""
    lab = Lab(tmp_path, kill_after=0)
    with pytest.raises(Killed):
        lab.prune(names=["v1"])
    assert trash(lab.data) == ["v1"]
    lab.cluster.kill_after = None
    done = lab.prune(names=["v1"])
    assert done.changed and rows(done)["v1"]["directory"] == rows(done)["v1"]["moved_to"] == ""
    assert lab.cluster.writes == [("delete", "PersistentVolume", "v1")] and trash(lab.data) == ["v1"]
    assert not lab.prune(names=["v1"]).changed


def test_a_half_extracted_archive(lab: Lab) -> None:
    for name in (".v0.incomplete-a1b2c3d4", ".v1.extracted-a1b2c3d4"):
        lab.make(name)
    found = lab.prune(older_than="0")
    assert f"{lab.data}/.v0.incomplete-a1b2c3d4" in found.facts["pruned"]
    assert "running it again completes that" in rows(found)[".v1.extracted-a1b2c3d4"]["kept"]
    assert trash(lab.data) == [".v0.incomplete-a1b2c3d4", OLD, "v1"]
    assert lab.prune(matching=["*.extracted-*"], last_copies=True).changed


ASIDE = f"{OLD}.set-aside-20260102T030405Z"


def test_data_that_was_set_aside(lab: Lab) -> None:
    lab.make(ASIDE)
    shown = rows(lab.prune())[ASIDE]
    assert (shown["kind"], shown["since"], shown["claim"], shown["kept"]) == (
        "set_aside",
        "2026-01-02T03:04:05Z",
        "ns/old",
        "",
    )
    assert not lab.prune(kinds=["set_aside"], older_than="9999w").changed
    for check in (True, False):
        done = lab.prune(check=check, kinds=["set_aside"], older_than="1d")
        assert done.facts["pruned"] == [f"{lab.data}/{ASIDE}"]
    assert trash(lab.data) == [ASIDE] and lab.old.is_dir()
    assert not lab.prune(kinds=["set_aside"], older_than="1d").changed


def test_data_that_was_set_aside_by_a_killed_run_may_be_the_only_one(lab: Lab) -> None:
    aside = "v0.set-aside-20260102T030405Z"
    (lab.data / "v0").rename(lab.data / aside)
    for made in (False, True):
        if made:
            (lab.data / "v0").mkdir()
        assert not lab.prune(kinds=["set_aside"], older_than="0").changed
        assert rows(lab.prune())[aside]["last_copy"]
    (lab.data / "v0" / "file").touch()
    assert lab.prune(kinds=["set_aside"], older_than="0").changed


def test_what_the_engine_has_for_nodes_is_kept(lab: Lab) -> None:
    """A directory of the engine is /var of the node."""
    node = inspected("o-worker", "o", "worker")
    node["Mounts"] = [{"Type": "volume", "Source": str(lab.top / "data"), "Destination": "/var", "RW": True}]
    lab.others, lab.own = [node], False
    assert not lab.prune(directories=[str(lab.data)], older_than="0").changed
    (row,) = refused(lab, names=[OLD], directories=[str(lab.data)])
    assert "node o-worker of cluster o, which has it as /var" in row["why"]


def test_data_that_was_set_aside_and_is_used(lab: Lab) -> None:
    lab.make(ASIDE)
    lab.busy = {WORKER: f"/data/{ASIDE}"}
    assert not lab.prune(kinds=["set_aside"], older_than="0").changed
    assert rows(lab.prune())[ASIDE]["kept"] == f"vi (pid 42) on k-worker is in /data/{ASIDE}"


def test_a_volume_that_was_created_meanwhile_may_have_what_was_set_aside(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.make(ASIDE)
    plan = volume_prune.plan

    def late(*arguments: Any) -> Any:
        lab.cluster.put(merged(volume(9), {"spec": {"hostPath": {"path": f"/data/{ASIDE}"}}}))
        return plan(*arguments)

    monkeypatch.setattr(volume_prune, "plan", late)
    with pytest.raises(Conflict, match="Volume v9 was created meanwhile"):
        lab.prune(kinds=["set_aside"], older_than="0")
    assert (lab.data / ASIDE).is_dir()


def test_what_a_killed_run_was_setting_aside(lab: Lab) -> None:
    left = f".{OLD}.setting-aside"
    lab.make(left)
    lab.make(f".{OLD}.removing-aside")
    done = lab.prune(matching=["*pvc-*"], older_than="0")
    assert [name.rpartition("/")[2] for name in done.facts["pruned"]] == [f".{OLD}.removing-aside"]
    assert all(rows(done)[name]["last_copy"] for name in (OLD, left))
    details = refused(lab, names=[OLD])
    assert "Run kindlab.volumes.volume_restore or kindlab.volumes.kind_cluster_recreate" in details[0]["next_step"]
    assert lab.prune(matching=["*.setting-aside"], last_copies=True).changed


def test_the_marker_of_a_cluster_that_does_not_exist(lab: Lab) -> None:
    for cluster in ("gone", "k"):
        (lab.top / f"kind-{cluster}.unfinished").write_text("{}")
    (lab.top / "kind-k.recreating").touch()
    pruned = lab.prune(kinds=["leftover"], older_than="0").facts["pruned"]
    assert pruned == [f"{lab.top}/kind-gone.unfinished", f"{lab.top}/kind-k.recreating"]
    assert (lab.top / "kind-k.unfinished").exists()


def test_a_deleted_cluster_leaves_its_directories(lab: Lab) -> None:
    lab.own = False
    with pytest.raises(BadInput, match="no node of a kind cluster named k"):
        lab.prune()
    found = lab.prune(directories=[str(lab.data)], older_than="0")
    assert found.facts["pruned"] == [str(lab.old)] and lab.cluster.writes == []


def test_a_directory_to_search_must_be_there(lab: Lab) -> None:
    with pytest.raises(BadInput, match="directories names /not/there, which is not a directory"):
        lab.prune(directories=["/not/there"])


def test_without_its_api_server_all_that_a_cluster_has_is_kept(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent() -> str:
        raise Unreachable("It does not answer.")

    monkeypatch.setattr(lab.cluster, "root_ca", silent)
    lab.planes[PLANE] = CommandFailed("connection refused")
    with pytest.raises(Unreachable):
        lab.prune()
    found = lab.prune(directories=[str(lab.data)], older_than="0")
    assert not found.changed and found.warnings == ("The volumes of cluster k are not shown: It does not answer.",)
    assert "cluster k has" in rows(found)[OLD]["kept"]


def test_a_directory_that_cannot_be_read_is_a_warning(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "data").rename(tmp_path / "moved")
    (tmp_path / "data").touch()
    assert lab.prune().warnings == (f"{tmp_path}/data is not searched: Not a directory",)


@pytest.mark.parametrize("alias", [True, False])
def test_a_cluster_of_another_engine(lab: Lab, alias: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of the engines may be a name of the other."""
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}" if name == "podman" else None)
    lab.of_podman = lab.nodes() if alias else [inspected("k-worker", "k", "worker", other=str(lab.top))]
    assert lab.prune(older_than="0").changed == alias
    if not alias:
        (row,) = refused(lab, names=[OLD])
        assert f"{lab.top} is the directory of node k-worker of cluster k of podman" in row["why"]


def test_an_engine_that_does_not_answer_may_have_everything(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}" if name == "podman" else None)
    lab.of_podman = None
    found = lab.prune(older_than="0")
    assert not found.changed and rows(found)[OLD]["kept"] == "the clusters of podman are not known"
    assert found.warnings[0].startswith("The clusters of podman are not known: podman")
    assert lab.prune(names=[OLD], older_than="0").facts["pruned"] == [str(lab.old)]


def test_the_marker_of_a_cluster_of_another_engine(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}" if name == "podman" else None)
    lab.of_podman = [inspected("p-control-plane", "p", "control-plane")]
    (lab.top / "kind-p.unfinished").write_text("{}")
    assert not lab.prune(kinds=["leftover"], older_than="0").changed


@pytest.mark.parametrize(
    ("uid", "spec", "phase"),
    [("77c1f5b2-9a0e-4f8e-8f70-4b1f14f0b9de", {}, "Pending"), ("other", {"volumeName": VOLUME}, "Lost")],
)
@pytest.mark.parametrize("of_others", [False, True])
def test_a_claim_waits_for_its_directory(lab: Lab, uid: str, spec: dict[str, Any], phase: str, of_others: bool) -> None:
    waiting = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"namespace": "ns", "name": "old", "uid": uid},
        "spec": spec,
        "status": {"phase": phase},
    }
    if of_others:
        lab.others = [inspected("o-control-plane", "o", "control-plane", data=str(lab.data))]
        lab.planes["o-control-plane"] = FakeCluster(waiting)
    else:
        lab.cluster.put(waiting)
    found = lab.prune(older_than="0")
    assert found.facts["pruned"] == ["v1"]
    cluster = "o" if of_others else "k"
    assert rows(found)[OLD]["kept"] == f"it was made for claim ns/old of cluster {cluster}, which exists"


@pytest.mark.parametrize("name", [OLD, "v1"])
def test_a_volume_that_is_created_meanwhile(lab: Lab, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody may restore the directory at this moment."""
    planned = volume_prune.plan

    def then_created(*arguments: Any) -> Any:
        lab.cluster.put(volume(5))
        return planned(*arguments)

    monkeypatch.setattr(volume_prune, "plan", then_created)
    with pytest.raises(Conflict, match="Volume v5 was created meanwhile"):
        lab.prune(names=[name])
    assert lab.old.is_dir() and (lab.data / "v1").is_dir() and lab.cluster.writes == []


def test_a_volume_that_somebody_wants_meanwhile(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = volume_prune.plan

    def then_bound(*arguments: Any) -> Any:
        lab.cluster.put({**volume(1), "status": {"phase": "Bound"}})
        return planned(*arguments)

    monkeypatch.setattr(volume_prune, "plan", then_bound)
    with pytest.raises(Conflict, match="Volume v1 is Bound meanwhile"):
        lab.prune(names=["v1"])
    assert (lab.data / "v1").is_dir()


def test_a_directory_that_a_node_has_mounted_as_a_whole(lab: Lab) -> None:
    """Moved away, it would still be the node's."""
    for node in (own := lab.nodes()):
        node["Mounts"].append({"Type": "bind", "Source": f"{lab.data}/v1/deep", "Destination": "/deep", "RW": True})
    lab.nodes = lambda: own  # type: ignore[method-assign]
    assert rows(lab.prune())["v1"]["kept"] == f"{WORKER} has it, or something in it, mounted as a whole"
    assert lab.prune(older_than="0").facts["pruned"] == [str(lab.old)]
