"""volume_restore with existing=replace: an earlier generation over volumes that are in use."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._action import volume_backup, volume_detach
from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.usage import VolumeUser
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    CommandFailed,
    Conflict,
    Declined,
    KindlabError,
    TimedOut,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.look import parse_mounts
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.restore import check, extraction
from ansible_collections.kindlab.volumes.tests.unit.support.backups import inspected, write_backup
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import Killed, merge
from ansible_collections.kindlab.volumes.tests.unit.support.nodes import EXEC, NodesHere
from ansible_collections.kindlab.volumes.tests.unit.support.replacing import Lab, bound, rows
from ansible_collections.kindlab.volumes.tests.unit.support.workloads import pod, workload

UP = {"w0": 2, "w1": 2}


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    return Lab(tmp_path, monkeypatch)


def comparable(facts: Any) -> str:
    """What check mode and a run have in common: all but the durations and the time in names."""
    return re.sub(r"set-aside-\w+", "set-aside-TIME", repr({**facts, "seconds": ""}))


def test_check_run_run_check(lab: Lab) -> None:
    lab.write(0, "today")
    lab.cluster.writes.clear()
    checked = lab.restore(check_mode=True)
    assert (checked.changed, lab.cluster.writes, lab.read(0), lab.aside()) == (True, [], "today", [])
    done = lab.restore()
    assert done.changed
    assert comparable(checked.facts) == comparable(done.facts)
    assert list(done.facts["seconds"]) == ["plan", "detach", "observe", "compare", "extract", "write", "wait", "attach"]
    (aside,) = lab.aside()
    assert (lab.read(0), (aside / "file").read_text(), lab.left()) == ("content 0", "today", [])
    assert (lab.replicas(), lab.records(), lab.policies()) == (UP, [], {"v0": "Delete", "v1": "Delete"})
    lab.cluster.react(lab.cluster)
    assert len(lab.cluster.list("Pod")) == 4
    lab.cluster.writes.clear()
    for check_mode in (False, True):
        again = lab.restore(check_mode)
        assert not again.changed
        assert {row["action"] for row in again.facts["volumes"]} == {"unchanged"}
    assert lab.cluster.writes == []


def test_a_row_has_what_happened_and_only_its_workloads_are_stopped(lab: Lab) -> None:
    lab.write(0, "today")
    done = lab.restore()
    row, other = rows(done)["v0"], rows(done)["v1"]
    assert (row["action"], row["checksum"], row["replaced_volume"]) == ("replace", "equal", "")
    assert re.fullmatch(rf"{lab.data}/v0\.set-aside-\d{{8}}T\d{{6}}Z", row["set_aside"])
    assert row["why"] == (
        f"is bound to ns/c0; its data in {lab.data}/v0 is set aside as {Path(row['set_aside']).name} (it differs from "
        "the backup: 1 changed: file (size, sha256)); its archive (1 file) is extracted in its place"
    )
    assert (other["action"], other["set_aside"], other["checksum"]) == ("unchanged", "", "equal")
    assert done.facts["workloads"] == [{"kind": "Deployment", "namespace": "ns", "name": "w0"}]
    assert {name for _verb, kind, name in lab.cluster.writes if kind == "Deployment"} == {"ns/w0"}
    assert done.before["volumes"] == {"v0": "is Bound, Delete"}
    assert done.after["volumes"] == {"v0": f"{row['why']}, Delete"}


def test_only_what_is_selected_is_replaced(lab: Lab) -> None:
    lab.write(0, "today")
    lab.write(1, "today")
    lab.restore(names=["ns/c1"])
    assert (lab.read(0), lab.read(1)) == ("today", "content 1")


def test_what_was_at_zero_before_stays_there(lab: Lab) -> None:
    """Scaled to zero by hand, or by volume_detach."""
    for name, labels in (("w0", {"kindlab.volumes/detached": "replicas.2"}), ("w1", {})):
        item = lab.cluster.get("Deployment", name, "ns")
        lab.cluster.put(merge(item, {"metadata": {"labels": labels}, "spec": {"replicas": 0}}))
    lab.cluster.react(lab.cluster)
    lab.write(0, "today")
    lab.write(1, "today")
    done = lab.restore()
    assert (lab.read(0), lab.read(1)) == ("content 0", "content 1")
    assert (lab.replicas(), done.facts["workloads"]) == ({"w0": 0, "w1": 0}, [])


def test_a_deleted_claim_comes_back_with_the_data_of_the_backup(lab: Lab) -> None:
    """Its volume was kept, its pods wait."""
    lab.cluster.put(
        merge(lab.cluster.get("PersistentVolume", "v0"), {"spec": {"persistentVolumeReclaimPolicy": "Retain"}})
    )
    lab.cluster.delete("PersistentVolumeClaim", "c0", "ns")
    lab.cluster.react(lab.cluster)
    lab.write(0, "today")
    done = lab.restore()
    assert (rows(done)["v0"]["action"], lab.read(0), lab.replicas()) == ("rebind", "content 0", UP)
    assert lab.cluster.get("PersistentVolumeClaim", "c0", "ns")["status"]["phase"] == "Bound"
    assert [(path / "file").read_text() for path in lab.aside()] == ["today"]


@pytest.mark.parametrize("kept", [True, False])
def test_a_claim_that_was_filled_again_gets_its_volume_back(lab: Lab, kept: bool) -> None:
    """Its old volume is Released, or was deleted with its data."""
    lab.cluster.delete("PersistentVolumeClaim", "c0", "ns")
    if kept:
        lab.cluster.react(lab.cluster)
        lab.write(0, "before the accident")
    else:
        lab.cluster.delete("PersistentVolume", "v0")
        (lab.data / "v0" / "file").unlink()
        (lab.data / "v0").rmdir()
    lab.cluster.put(bound(0, "other")[0])
    lab.cluster.put(bound(0, "other")[1])
    (lab.data / "other").mkdir()
    (lab.data / "other" / "file").write_text("empty database")
    checked = lab.restore(check_mode=True)
    done = lab.restore()
    row = rows(done)["v0"]
    assert comparable(checked.facts) == comparable(done.facts)
    assert (row["action"], row["replaced_volume"]) == ("rebind" if kept else "create", "other")
    assert "the existing claim ns/c0 is deleted first, and its volume other kept" in row["why"]
    assert (lab.read(0), lab.replicas()) == ("content 0", UP)
    claim, other = lab.cluster.get("PersistentVolumeClaim", "c0", "ns"), lab.cluster.get("PersistentVolume", "other")
    assert (claim["spec"]["volumeName"], claim["status"]["phase"]) == ("v0", "Bound")
    assert (other["status"]["phase"], other["spec"]["persistentVolumeReclaimPolicy"]) == ("Released", "Retain")
    annotations = other["metadata"]["annotations"]
    assert annotations["kindlab.volumes/original-reclaim-policy"] == "Delete"
    assert "kindlab.volumes/retained-until" not in annotations
    assert (lab.data / "other" / "file").read_text() == "empty database"
    assert not lab.restore().changed


def test_a_claim_that_is_replaced_may_be_in_the_way_of_its_own_quota(lab: Lab) -> None:
    lab.cluster.delete("PersistentVolumeClaim", "c0", "ns")
    lab.cluster.react(lab.cluster)
    for item in bound(0, "other"):
        lab.cluster.put(item)
    refuse_claims(lab, 'persistentvolumeclaims "c0" is forbidden: exceeded quota: claims')
    assert lab.restore(check_mode=True).changed
    refuse_claims(
        lab, 'persistentvolumeclaims "c0" is forbidden: minimum storage usage per PersistentVolumeClaim is 1Gi'
    )
    with pytest.raises(Declined, match="minimum storage"):
        lab.restore(check_mode=True)


def waiting(lab: Lab) -> Any:
    """A provisioner makes another volume for the claim ns/c0; v0 was deleted with its data."""
    lab.cluster.delete("PersistentVolumeClaim", "c0", "ns")
    lab.cluster.delete("PersistentVolume", "v0")
    (lab.data / "v0" / "file").unlink()
    (lab.data / "v0").rmdir()
    claim = bound(0, "other")[1]
    del claim["spec"]["volumeName"]
    claim["metadata"]["annotations"] = {"volume.kubernetes.io/selected-node": "k-worker"}
    return lab.cluster.put({**claim, "status": {"phase": "Pending"}})


def test_a_volume_that_the_claim_gets_while_archives_are_extracted_is_kept(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting(lab)
    extract = extraction.on_host.extract

    def extracting(*arguments: Any) -> None:
        extract(*arguments)
        for item in bound(0, "other"):
            lab.cluster.put(item)

    monkeypatch.setattr(extraction.on_host, "extract", extracting)
    lab.restore()
    other = lab.cluster.get("PersistentVolume", "other")
    assert (other["status"]["phase"], other["spec"]["persistentVolumeReclaimPolicy"]) == ("Released", "Retain")
    assert lab.cluster.get("PersistentVolumeClaim", "c0", "ns")["spec"]["volumeName"] == "v0"


def test_a_claim_that_changes_before_it_is_deleted_stays(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    claim, listed = waiting(lab), lab.cluster.list

    def listing(kind: str, *where: Any, **how: Any) -> Any:
        found = listed(kind, *where, **how)
        if kind == "PersistentVolume" and (lab.data / "v0" / "file").exists():
            for item in bound(0, "other"):
                lab.cluster.put(item)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(lab.cluster, "list", listing)
        with pytest.raises(Conflict, match="does not match") as caught:
            lab.restore()
    assert "Run this again: it completes the restore" in caught.value.next_step
    there = lab.cluster.get("PersistentVolumeClaim", "c0", "ns")
    assert (there["metadata"]["uid"], there["spec"]["volumeName"]) == (claim["metadata"]["uid"], "other")
    lab.restore()
    assert lab.policies()["other"] == "Retain"


def test_without_claims_an_existing_claim_is_not_replaced(lab: Lab) -> None:
    lab.cluster.delete("PersistentVolumeClaim", "c0", "ns")
    lab.cluster.delete("PersistentVolume", "v0")
    for item in bound(0, "other"):
        lab.cluster.put(item)
    with pytest.raises(Declined, match="the existing claim ns/c0 has another volume, other"):
        lab.restore(claims=False)


def unarchived(lab: Lab) -> None:
    write_backup(lab.backup, lab.data, 2)
    lab.write(0, "today")


def nested(lab: Lab) -> None:
    inner = bound(5, "v0")[0]
    inner["metadata"]["name"] = "inner"
    inner["spec"] |= {"hostPath": {"path": "/data/v0/sub"}, "claimRef": None}
    lab.cluster.put(inner)
    lab.write(0, "today")


def mounted_below(lab: Lab) -> None:
    (lab.data / "v0" / "sub").mkdir()
    lab.node = inspected("k-worker", "k", "worker", data=str(lab.data), more=f"{lab.data}/v0/sub")


def bare_pod(lab: Lab) -> None:
    lab.cluster.put(pod("bare", "c0"))
    lab.write(0, "today")


def process(lab: Lab) -> None:
    lab.busy = {"v0": [VolumeUser("has opened /data/v0/file", "k-worker", "", "vi", 7)]}
    lab.write(0, "today")


def file_in_place(lab: Lab) -> None:
    (lab.data / "v0" / "file").unlink()
    (lab.data / "v0").rmdir()
    (lab.data / "v0").touch()


def going(lab: Lab) -> None:
    item = lab.cluster.get("PersistentVolumeClaim", "c0", "ns")
    lab.cluster.put(merge(item, {"metadata": {"deletionTimestamp": "now"}}))
    lab.write(0, "today")


def going_volume(lab: Lab) -> None:
    lab.cluster.delete("PersistentVolumeClaim", "c0", "ns")
    pv, claim = bound(0, "other")
    lab.cluster.put(merge(pv, {"metadata": {"deletionTimestamp": "now"}}))
    lab.cluster.put(claim)
    (lab.data / "other").mkdir()


def too_small(lab: Lab) -> None:
    """A claim to create is smaller than claims must be now, and so is one that stays."""
    lab.write(1, "today")
    patch = {"spec": {"persistentVolumeReclaimPolicy": "Retain"}}
    lab.cluster.put(merge(lab.cluster.get("PersistentVolume", "v0"), patch))
    lab.cluster.delete("PersistentVolumeClaim", "c0", "ns")
    lab.cluster.react(lab.cluster)
    lab.cluster.put({"kind": "LimitRange", "metadata": {"name": "sizes", "namespace": "ns"}})
    refuse_claims(
        lab, 'persistentvolumeclaims "c0" is forbidden: minimum storage usage per PersistentVolumeClaim is 1Gi'
    )


def refuse_claims(lab: Lab, why: str) -> None:
    """The API server refuses all new claims."""

    def dry_run(item: Any) -> None:
        if item["kind"] == "PersistentVolumeClaim":
            raise KindlabError(f"The API server refused (403): {why}")

    lab.patch.setattr(lab.cluster, "dry_run", dry_run)


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (unarchived, "differs from the backup, which has no archive of it: 1 changed: file"),
        (nested, "cannot be set aside: inner has that directory, too, or one above or below it"),
        (mounted_below, "cannot be set aside: a node has .*/v0/sub in it mounted"),
        (bare_pod, "ns/bare: no controller recreates this pod"),
        (process, "it is in use by more than workloads: vi .pid 7. on k-worker has opened /data/v0/file"),
        (file_in_place, "v0 is not a directory"),
        (too_small, "(?s)1 of 2 volumes .*PersistentVolumeClaim ns/c0: .*minimum storage usage"),
        (going, "claim is being deleted|ns/c0 is being deleted"),
        (going_volume, "the volume other of the existing claim ns/c0 is being deleted"),
    ],
)
def test_what_is_known_is_refused_before_anything_is_stopped(lab: Lab, harm: Callable[[Lab], None], why: str) -> None:
    harm(lab)
    lab.cluster.writes.clear()
    for check_mode in (True, False):
        with pytest.raises(Declined, match=why) as caught:
            lab.restore(check_mode)
        assert caught.value.next_step
    assert (lab.cluster.writes, lab.replicas(), lab.aside()) == ([], UP, [])


def without_volume(lab: Lab) -> None:
    """The volume was deleted by force, and its pods run on."""
    lab.cluster.delete("PersistentVolume", "v0")
    lab.write(0, "today")
    own = [item for item in lab.cluster.list("Pod") if item["metadata"]["name"].startswith("w0-")]
    lab.busy = {"v0": [VolumeUser("has mounted it", "k-worker", item["metadata"]["uid"]) for item in own]}


def test_what_uses_a_directory_without_a_volume_is_told_in_advance(lab: Lab) -> None:
    without_volume(lab)
    lab.busy["v0"].append(VolumeUser("has open /data/v0/file", "k-worker", "", "vi", 7))
    lab.cluster.put(pod("direct", volumes=[{"name": "a", "hostPath": {"path": "/data/v0"}}]))
    lab.cluster.writes.clear()
    for check_mode in (True, False):
        with pytest.raises(Conflict, match="pod ns/direct uses /data/v0, vi") as caught:
            lab.restore(check_mode)
        assert "has mounted it" not in caught.value.message
    assert (lab.cluster.writes, lab.replicas()) == ([], UP)


def test_pods_that_are_stopped_may_use_a_directory_without_a_volume(lab: Lab) -> None:
    without_volume(lab)
    react = lab.cluster.react

    def controllers(cluster: Any) -> None:
        react(cluster)
        if cluster.get("Deployment", "w0", "ns")["spec"]["replicas"] == 0:
            lab.busy = {}

    lab.cluster.react = controllers
    assert lab.restore(check_mode=True).changed
    lab.restore()
    assert (lab.read(0), lab.replicas()) == ("content 0", UP)


@pytest.mark.parametrize("below", ["", "/sub/sub"])
def test_a_mount_point_is_refused(lab: Lab, monkeypatch: pytest.MonkeyPatch, below: str) -> None:
    lab.write(0, "today")
    lines = [f"1 0 8:1 / {path} rw - ext4 /dev/sda1 rw" for path in ("/", lab.data, f"{lab.data}/v0{below}")]
    monkeypatch.setattr(check, "mounts_of_host", lambda: parse_mounts("\n".join(lines)))
    with pytest.raises(Declined, match=f"cannot be set aside: {lab.data}/v0{below} is a mount point"):
        lab.restore(check_mode=True)


def test_data_that_an_application_writes_at_its_end_is_replaced_too(lab: Lab) -> None:
    """w0 uses both volumes; the data of v1 was equal as long as it ran."""
    item = lab.cluster.get("Deployment", "w0", "ns")
    volumes = workload("Deployment", "w0", "c0", "c1")["spec"]["template"]["spec"]["volumes"]
    lab.cluster.put(merge(item, {"spec": {"template": {"spec": {"volumes": volumes}}}}))
    lab.cluster.react(lab.cluster)
    react = lab.cluster.react

    def controllers(cluster: Any) -> None:
        react(cluster)
        if cluster.get("Deployment", "w0", "ns")["spec"]["replicas"] == 0:
            lab.write(1, "at its end")
            lab.cluster.react = react

    lab.cluster.react = controllers
    lab.write(0, "today")
    done = lab.restore()
    assert (lab.read(0), lab.read(1)) == ("content 0", "content 1")
    assert {row["action"] for row in done.facts["volumes"]} == {"replace"}
    assert [row["name"] for row in done.facts["workloads"]] == ["w0", "w1"]
    assert (lab.replicas(), lab.records()) == (UP, [])


@pytest.mark.parametrize("by_pod", [False, True])
def test_volumes_that_do_not_get_free_leave_everything_as_it_was(lab: Lab, by_pod: bool) -> None:
    """by_pod: the workload does not use the volume any more, only a pod of it from before."""
    lab.write(0, "today")
    if by_pod:
        item = lab.cluster.get("Deployment", "w0", "ns")
        lab.cluster.put(merge(item, {"spec": {"template": {"spec": {"volumes": None}}}}))
    lab.cluster.deaf = ("w0-1-0",)
    with pytest.raises(TimedOut, match="still in use") as caught:
        lab.restore()
    assert caught.value.message.endswith("Nothing was restored, and the workloads were scaled back up.")
    assert (lab.read(0), lab.aside(), lab.replicas(), lab.records()) == ("today", [], UP, [])


def test_what_is_found_once_they_are_stopped_leaves_everything_as_it_was(lab: Lab) -> None:
    react = lab.cluster.react

    def controllers(cluster: Any) -> None:
        react(cluster)
        if cluster.get("Deployment", "w0", "ns")["spec"]["replicas"] == 0:
            nested(lab)

    lab.write(0, "today")
    lab.cluster.react = controllers
    with pytest.raises(Declined, match="inner has that directory") as caught:
        lab.restore()
    assert caught.value.message.endswith("Nothing was restored, and the workloads were scaled back up.")
    assert (lab.read(0), lab.aside(), lab.replicas()) == ("today", [], UP)


def test_a_failed_extraction_is_completed_by_a_rerun(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: Any) -> None:
        raise CommandFailed("tar could not extract: no space left.", next_step="Check the free disk space (df).")

    lab.write(0, "today")
    with monkeypatch.context() as patch:
        patch.setattr(extraction.on_host, "extract", fail)
        with pytest.raises(KindlabError) as caught:
            lab.restore()
    assert "Workloads that use the volumes stay at zero" in caught.value.message
    assert "Check the free disk space" in caught.value.next_step and "Run this again" in caught.value.next_step
    assert lab.replicas() == {"w0": 0, "w1": 2}
    (aside,) = lab.aside()
    assert aside.name[2:] in caught.value.message
    assert not (lab.data / "v0").exists()
    done = lab.restore()
    assert (lab.read(0), lab.replicas(), lab.records()) == ("content 0", UP, [])
    assert lab.aside() == [aside] and (aside / "file").read_text() == "today"
    assert [row["name"] for row in done.facts["workloads"]] == ["w0"]


def kill_at(lab: Lab, number: int, patch: pytest.MonkeyPatch) -> None:
    """The process is killed at this write to the cluster, rename of a file, or command in a node once it writes."""
    rename, write, run = os.rename, lab.cluster._write, NodesHere.run
    counted = [0]

    def count() -> None:
        counted[0] += 1
        if counted[0] > number:
            raise Killed

    def renaming(source: str, target: str) -> None:
        if str(source).startswith(str(lab.data)):
            count()
        rename(source, target)

    def writing(verb: str, place: tuple[str, str, str]) -> None:
        count()
        write(verb, place)

    def running(runner: NodesHere, argv: Sequence[str], **how: Any) -> Any:
        if counted[0] and list(argv[:3]) == EXEC:
            count()
        return run(runner, argv, **how)

    patch.setattr(NodesHere, "run", running)
    patch.setattr(os, "rename", renaming)
    patch.setattr(lab.cluster, "_write", writing)


def killed_anywhere(lab: Callable[[int], Lab], patch: pytest.MonkeyPatch) -> Iterator[Lab]:
    for number in range(100):
        one = lab(number)
        try:
            with patch.context() as inner:
                kill_at(one, number, inner)
                one.restore()
        except Killed:
            yield one
        else:
            assert number > 5
            return
    raise AssertionError("it never ends")


@pytest.mark.parametrize("kind", ["bound", "refilled", "mounted", "added", "inside"])
def test_killed_anywhere_the_next_run_completes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    def make(number: int) -> Lab:
        (tmp_path / str(number)).mkdir()
        lab = Lab(tmp_path / str(number), monkeypatch, inside=kind == "inside")
        if kind in ("mounted", "added"):
            lab.node = inspected("k-worker", "k", "worker", data=str(lab.data), **{"data/v0": f"{lab.data}/v0"})
            (lab.data / "v0" / "added").write_text("today")
        if kind == "refilled":
            lab.cluster.delete("PersistentVolumeClaim", "c0", "ns")
            lab.cluster.react(lab.cluster)
            (lab.data / "other").mkdir()
            for item in bound(0, "other"):
                lab.cluster.put(item)
        # What is left of 'added' once that is moved is equal to the backup.
        if kind != "added":
            lab.write(0, "today")
        lab.write(1, "today")
        return lab

    for lab in killed_anywhere(make, monkeypatch):
        lab.cluster.react(lab.cluster)
        lab.restore()
        assert (lab.read(0), lab.read(1)) == ("content 0", "content 1")
        kept = sorted((path / name).read_text() for path in lab.aside() for name in os.listdir(path))
        assert kept == (["content 0"] if kind == "added" else ["today"] * (kind == "mounted")) + ["today"] * 2
        assert [name for name in lab.left() if name != "other"] == []
        assert lab.replicas() == UP
        assert not [mark for mark in lab.records() if mark.endswith(("detached", "retained-until"))]
        assert not lab.restore().changed


@pytest.mark.parametrize("kind", ["bound", "mounted", "inside"])
def test_killed_anywhere_nothing_takes_a_part_of_the_data_for_all_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """A backup of it is refused, and workloads stay at zero unless all of their data is there: old or new."""

    def make(number: int) -> Lab:
        (tmp_path / str(number)).mkdir()
        lab = Lab(tmp_path / str(number), monkeypatch, inside=kind == "inside")
        if kind == "mounted":
            lab.node = inspected("k-worker", "k", "worker", data=str(lab.data), **{"data/v0": f"{lab.data}/v0"})
            (lab.data / "v0" / "added").write_text("today")
        lab.write(0, "today")
        return lab

    data = "archive" if kind == "inside" else "in_place"
    refused = held = 0
    for lab in killed_anywhere(make, monkeypatch):
        lab.cluster.react(lab.cluster)
        directory = lab.data / "v0"
        there = directory.iterdir() if directory.is_dir() else ()
        found = {path.name: path.read_text() if path.is_file() else "" for path in there}
        whole = found in ({"file": "content 0"}, {"file": "today", **({"added": "today"} if kind == "mounted" else {})})
        stopped = lab.replicas()["w0"] == 0
        for check_mode in (True, False):
            if whole and not stopped:
                continue
            with pytest.raises(Declined) as caught:
                lab.asked(volume_backup, check_mode, path=str(lab.backup.parent / "another"), data=data)
            assert [row["name"] for row in caught.value.details] == ["v0"]
            refused += not whole
        done = lab.asked(volume_detach, state="attached", path=None)
        assert lab.replicas()["w0"] == (2 if whole else 0)
        held += not whole
        if not whole:
            assert "Deployment ns/w0 is left at zero: a restore of volumes was interrupted" in done.warnings[0]
            lab.restore()
            assert (lab.read(0), lab.replicas()) == ("content 0", UP)
        lab.asked(volume_backup, path=str(lab.backup.parent / "another"), data=data)
    assert refused and held


def test_what_a_killed_run_stopped_is_started_although_the_data_is_equal(lab: Lab) -> None:
    """It was killed after the data, before the workloads."""
    item = lab.cluster.get("Deployment", "w0", "ns")
    record = {"kindlab.volumes/detached": "replicas.2.purpose.restore"}
    lab.cluster.put(merge(item, {"metadata": {"labels": record}, "spec": {"replicas": 0}}))
    checked = lab.restore(check_mode=True)
    assert (checked.changed, lab.replicas()["w0"]) == (True, 0)
    done = lab.restore()
    assert (done.changed, done.facts["workloads"], lab.replicas()) == (True, checked.facts["workloads"], UP)


@pytest.mark.parametrize("selected", [["ns/c0"], ["ns/c1"], None])
def test_what_another_restore_stopped_waits_for_all_of_its_volumes(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, selected: list[str] | None
) -> None:
    """w0 uses both volumes, and has no data of those that the interrupted run did not come to."""
    item = lab.cluster.get("Deployment", "w0", "ns")
    volumes = workload("Deployment", "w0", "c0", "c1")["spec"]["template"]["spec"]["volumes"]
    lab.cluster.put(merge(item, {"spec": {"template": {"spec": {"volumes": volumes}}}}))
    lab.write(0, "today")
    lab.write(1, "today")
    first = selected if selected == ["ns/c1"] else None

    def kill(*_arguments: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(extraction.on_host, "extract", kill)
        with pytest.raises(Killed):
            lab.restore(names=first)
    checked = lab.restore(check_mode=True, names=selected)
    done = lab.restore(names=selected)
    assert (lab.replicas()["w0"], bool(done.warnings)) == ((0, True) if selected == ["ns/c0"] else (2, False))
    assert checked.warnings == done.warnings
    assert "Deployment ns/w0 is left at zero" in "".join(done.warnings) or not done.warnings
    lab.restore()
    assert (lab.read(0), lab.read(1), lab.replicas()) == ("content 0", "content 1", UP)


class TestInsideNodes:
    @pytest.fixture
    def lab(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
        return Lab(tmp_path, monkeypatch, inside=True)

    def test_it_is_set_aside_in_the_node(self, lab: Lab) -> None:
        lab.write(0, "today")
        row = rows(lab.restore())["v0"]
        assert (row["node"], row["host_directory"], row["action"]) == ("k-worker", "", "replace")
        assert re.fullmatch(rf"{lab.data}/v0\.set-aside-\w+", row["set_aside"])
        assert (lab.read(0), Path(row["set_aside"], "file").read_text(), lab.replicas()) == ("content 0", "today", UP)
        assert not lab.restore().changed

    def test_a_mount_point_is_refused(self, lab: Lab) -> None:
        lab.write(0, "today")
        lab.node["Mounts"] = [
            {"Type": "tmpfs", "Source": "", "Destination": f"{lab.data}/v0", "RW": True, "Propagation": ""}
        ]
        with pytest.raises(Declined, match="cannot be set aside: that is a mount point"):
            lab.restore(check_mode=True)


def test_a_directory_that_a_node_has_mounted_stays_the_same_one(lab: Lab) -> None:
    lab.node = inspected("k-worker", "k", "worker", data=str(lab.data), **{"data/v0": f"{lab.data}/v0"})
    lab.write(0, "today")
    (lab.data / "v0").chmod(0o750)
    before = (lab.data / "v0").stat().st_ino
    lab.restore()
    (aside,) = lab.aside()
    assert ((lab.data / "v0").stat().st_ino, lab.read(0)) == (before, "content 0")
    assert ((aside / "file").read_text(), aside.stat().st_mode & 0o777, lab.left()) == ("today", 0o750, [])


def test_another_restore_or_backup_at_the_same_time_is_refused(lab: Lab) -> None:
    lab.write(0, "today")
    lock = os.open(lab.backup / ".lock", os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    with pytest.raises(Conflict, match="Another run is using"):
        lab.restore()
    assert lab.restore(check_mode=True).changed
    os.close(lock)
    lab.restore()
    assert lab.read(0) == "content 0"


@pytest.mark.parametrize("existing", ["replace", "refuse"])
def test_a_restore_of_another_backup_beside_it_at_the_same_time_is_refused(lab: Lab, existing: str) -> None:
    """The workloads are as they were, and nothing was written."""
    if existing == "refuse":
        for kind, name, namespace in (("PersistentVolumeClaim", "c0", "ns"), ("PersistentVolume", "v0", "")):
            lab.cluster.delete(kind, name, namespace)
        shutil.rmtree(lab.data / "v0")
    else:
        lab.write(0, "today")
    other = os.open(lab.data, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    with pytest.raises(Conflict, match=f"Another run is using {lab.data}"):
        lab.restore(existing=existing)
    assert (lab.aside(), lab.left(), lab.replicas()) == ([], [], UP)
    os.close(other)
    lab.restore(existing=existing)
    assert (lab.read(0), lab.replicas()) == ("content 0", UP)


def test_by_default_nothing_is_replaced(lab: Lab) -> None:
    lab.write(0, "today")
    assert not lab.restore(existing="refuse").changed
    lab.cluster.delete("PersistentVolumeClaim", "c0", "ns")
    lab.cluster.react(lab.cluster)
    with pytest.raises(Declined, match="differs from the backup") as caught:
        lab.restore(existing="refuse")
    assert "existing=replace" in caught.value.next_step
    assert (lab.read(0), lab.aside()) == ("today", [])
