"""volume_copy: data and claims are copied once, as in check mode, from the cluster or a backup; or all are refused."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.usage import VolumeUser
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    BadInput,
    CommandFailed,
    Conflict,
    Declined,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.transfer import copies, data
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence import volume_copy
from ansible_collections.kindlab.volumes.tests.unit.support.backups import write_backup
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import Killed, merge
from ansible_collections.kindlab.volumes.tests.unit.support.transfers import Lab
from ansible_collections.kindlab.volumes.tests.unit.support.workloads import pod

UP = {"w0": 2, "w1": 2}
BOTH = {"ns/c*": "test/copy-*"}


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    return Lab(tmp_path, monkeypatch)


def copy(lab: Lab, check_mode: bool = False, **options: Any) -> Outcome:
    return lab.run(volume_copy, check_mode, **{"claim_map": BOTH, **options})


def refused(lab: Lab, **options: Any) -> dict[str, str]:
    """Name -> why, the same in check mode; nothing was written."""
    lab.cluster.writes.clear()
    details = []
    for check_mode in (True, False):
        with pytest.raises(Declined) as raised:
            copy(lab, check_mode, **options)
        details.append(raised.value.details)
    assert lab.cluster.writes == [] and details[0] == details[1]
    return {row["name"]: row["why"] for row in details[0]}


def read(lab: Lab, done: Outcome) -> list[str]:
    """The content of the copies."""
    tops = {"": lab.top, **{node: lab.inside / node for node in ("k-worker", "k-worker2")}}
    found = []
    for row in done.facts["volumes"]:
        inside = row["node_directory"].replace(str(lab.inside), str(tops[row["nodes"][0]]))
        found.append((Path(row["host_directory"] or inside) / "file").read_text())
    return found


def test_check_run_run_check(lab: Lab) -> None:
    lab.cluster.writes.clear()
    checked = copy(lab, True)
    assert (checked.changed, lab.cluster.writes, lab.left()) == (True, [], [])
    done = copy(lab)
    assert done.changed
    assert {**done.facts, "seconds": ""} == {**checked.facts, "seconds": ""}
    assert list(done.facts["seconds"]) == ["plan", "pause", "copy", "resume", "create"]
    assert read(lab, done) == ["content 0", "content 1"]
    assert [lab.phases(f"test/copy-{number}") for number in range(2)] == [["Bound", "Bound"]] * 2
    assert (lab.replicas(), lab.left()) == (UP, [])
    assert [row["name"] for row in done.facts["workloads"]] == ["w0", "w1"]
    copied = {row["volume"] for row in done.facts["volumes"]}
    assert lab.policies() == {"v0": "Delete", "v1": "Delete", **dict.fromkeys(copied, "Retain")}
    lab.cluster.writes.clear()
    for check_mode in (False, True):
        again = copy(lab, check_mode)
        assert not again.changed and {row["action"] for row in again.facts["volumes"]} == {"unchanged"}
        assert again.facts["workloads"] == []
    assert lab.cluster.writes == []


def test_a_copy_is_where_its_provisioner_would_create_it(lab: Lab) -> None:
    done = copy(lab, claim_map={"ns/c0": "test/data"}, node="k-worker2")
    (row,) = done.facts["volumes"]
    assert row["host_directory"] == f"{lab.data}/{row['volume']}_test_data"
    assert row["node_directory"] == f"/data/{row['volume']}_test_data"
    assert row["nodes"] == ["k-worker2"]
    pv = lab.cluster.get("PersistentVolume", row["volume"])
    assert pv["metadata"]["annotations"]["pv.kubernetes.io/provisioned-by"] == "rancher.io/local-path"
    assert pv["spec"]["hostPath"] == {"path": row["node_directory"], "type": "Directory"}
    assert (done.before, done.after) == ({"copies": {}}, {"copies": {"test/data": "ns/c0"}})


def test_without_a_class_it_is_beside_its_source(lab: Lab) -> None:
    (row,) = copy(lab, claim_map={"ns/c0": "test/data"}, storage_class="").facts["volumes"]
    assert row["host_directory"] == f"{lab.data}/{row['volume']}"


def test_without_a_pause_nothing_is_stopped(lab: Lab) -> None:
    lab.cluster.writes.clear()
    done = copy(lab, pause=False)
    assert read(lab, done) == ["content 0", "content 1"]
    assert not [write for write in lab.cluster.writes if write[1] == "Deployment"]


def test_what_changes_while_it_is_copied_is_copied_again(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a pause; a copy is that of one moment, or none."""
    compare, turns = data.difference, []

    def changing(source: Any, made: Any, verify: str) -> str:
        turns.append(made.path)
        if len(turns) < always:
            (Path(source.path) / "file").write_text(f"written {len(turns)}")
        return compare(source, made, verify)

    monkeypatch.setattr(data, "difference", changing)
    always = 3
    assert read(lab, copy(lab, claim_map={"ns/c0": "test/data"}, pause=False)) == ["written 2"]
    always = 99
    with pytest.raises(Conflict, match="ns/c1 differs from its source") as raised:
        copy(lab, claim_map={"ns/c1": "test/other"}, pause=False)
    assert raised.value.next_step == "Set pause=true."
    assert lab.left() == [] and not lab.cluster.get("PersistentVolumeClaim", "other", "test")


@pytest.mark.parametrize("verify", ["full", "fast", "none"])
def test_inside_nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verify: str) -> None:
    lab = Lab(tmp_path, monkeypatch, inside=True)
    done = copy(lab, node="k-worker2", verify=verify)
    assert read(lab, done) == ["content 0", "content 1"]
    assert {row["host_directory"] for row in done.facts["volumes"]} == {""}
    assert len(list((lab.inside / "k-worker2").glob("pvc-*_test_copy-*"))) == 2
    assert (lab.left(), lab.replicas()) == ([], UP)


def test_an_archive(lab: Lab) -> None:
    write_backup(lab.top / "backup", lab.data, 2, archive=True)
    (lab.data / "v0" / "file").write_text("today")
    shutil.rmtree(lab.data / "v1")
    lab.cluster.writes.clear()
    options = {"path": str(lab.top / "backup"), "claim_map": {"ns/c*": "test/old-*"}}
    checked, done = copy(lab, True, **options), copy(lab, **options)
    assert read(lab, done) == ["content 0", "content 1"] and done.facts["workloads"] == []
    assert {**checked.facts, "seconds": ""} == {**done.facts, "seconds": ""}
    assert not [write for write in lab.cluster.writes if write[1] == "Deployment"]
    assert not copy(lab, **options).changed


def test_a_backup_without_archives_is_refused(lab: Lab) -> None:
    name = write_backup(lab.top / "backup", lab.data, 2)
    why = f"generation {name} has no archive of its data"
    assert refused(lab, path=str(lab.top / "backup")) == {"ns/c0": why, "ns/c1": why}


def test_a_damaged_archive(lab: Lab) -> None:
    write_backup(lab.top / "backup", lab.data, 2, archive=True)
    (path,) = (lab.top / "backup").glob("**/v0.tar.gz")
    damaged = bytearray(path.read_bytes())
    damaged[20] ^= 1
    path.write_bytes(damaged)
    for check_mode in (True, False):
        with pytest.raises(BadInput):
            copy(lab, check_mode, path=str(lab.top / "backup"))
    assert lab.cluster.get("PersistentVolumeClaim", "copy-0", "test") is None


def test_everything_is_refused_at_once(lab: Lab) -> None:
    lab.cluster.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "test"}})
    taken = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"namespace": "test", "name": "taken"}}
    lab.cluster.put({**taken, "spec": {}, "status": {"phase": "Pending"}})
    claims = {"ns/c0": "test/taken", "ns/c1": f"test/{'x' * 300}", "ns/none": "test/none"}
    why = refused(lab, claim_map=claims)
    assert why["ns/c0"] == "claim test/taken exists"
    assert "not NAMESPACE/NAME in the form of Kubernetes, or too long" in why["ns/c1"]
    assert why["ns/none"] == "cluster k has no volume with this claim"


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"claim_map": {"ns/c0": "test/a", "ns/c1": "test/a"}}, "claim test/a would be the copy of several claims"),
        ({"node": "k-none"}, "the cluster has no node k-none"),
        ({"storage_class": "none"}, "storage class none does not exist"),
        ({"storage_class": "other"}, "storage class other has the provisioner example.com/other"),
        ({"create_namespaces": False}, "the namespace test does not exist"),
    ],
)
def test_refusals(lab: Lab, options: dict[str, Any], why: str) -> None:
    other = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "other"}}
    lab.cluster.put({**other, "provisioner": "example.com/other"})
    found = refused(lab, **options)
    assert set(found) == {"ns/c0", "ns/c1"} and all(text.startswith(why) for text in found.values())


def test_a_node_that_is_not_ready_is_refused(lab: Lab) -> None:
    node = lab.cluster.get("Node", "k-worker2")
    conditions = [{"type": "Ready", "status": "False", "reason": "KubeletNotReady"}]
    lab.cluster.put({**node, "status": {"conditions": conditions}})
    assert set(refused(lab, node="k-worker2").values()) == {"node k-worker2 is NotReady (KubeletNotReady)"}


def test_a_missing_directory_is_refused(lab: Lab) -> None:
    shutil.rmtree(lab.data / "v0")
    (why,) = refused(lab).values()
    assert why == f"its directory {lab.data}/v0 does not exist"


def test_a_full_disk_is_refused(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    statvfs = "#!/bin/sh\nprintf 'Avail\\n10\\n'\n"
    (lab.top / "bin").mkdir()
    (lab.top / "bin" / "df").write_text(statvfs)
    (lab.top / "bin" / "df").chmod(0o755)
    monkeypatch.setenv("PATH", f"{lab.top}/bin:{os.environ['PATH']}")
    found = refused(lab)
    assert len(found) == 2 and all("has 10 bytes free" in why for why in found.values())


def test_a_process_that_uses_it_is_refused(lab: Lab) -> None:
    lab.busy = {"v0": [VolumeUser("vi (42)", "k-worker")]}
    (why,) = refused(lab).values()
    assert why.startswith("it is in use by more than workloads")


def test_a_pod_that_nothing_stops_is_refused_with_everything_else(lab: Lab) -> None:
    lab.cluster.put(pod("bare", "c0"))
    shutil.rmtree(lab.data / "v1")
    assert set(refused(lab)) >= {"ns/bare"}


def test_an_empty_map(lab: Lab) -> None:
    with pytest.raises(BadInput, match="claim_map is empty"):
        copy(lab, claim_map={})
    with pytest.raises(BadInput, match="matches none of"):
        copy(lab, claim_map={"other/*": "test/*"})


def test_a_failure_leaves_nothing(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: object) -> None:
        raise CommandFailed("cp failed: No space left on device")

    monkeypatch.setattr(data, "_copy_on_host", broken)
    with pytest.raises(CommandFailed, match="No space left") as raised:
        copy(lab)
    assert "Nothing was copied. The workloads were scaled back up." in raised.value.message
    assert (lab.replicas(), lab.left()) == (UP, [])
    assert set(lab.policies().values()) == {"Delete"} and set(lab.policies()) == {"v0", "v1"}


def test_an_earlier_copy_that_was_deleted_leaves_its_directory(lab: Lab) -> None:
    """With the policy Retain, and the next copy gets another one."""
    first = copy(lab, claim_map={"ns/c0": "test/data"}).facts["volumes"][0]
    lab.cluster.delete("PersistentVolumeClaim", "data", "test")
    lab.cluster.react(lab.cluster)
    second = copy(lab, claim_map={"ns/c0": "test/data"}).facts["volumes"][0]
    lab.cluster.delete("PersistentVolumeClaim", "data", "test")
    for row in (first, second):
        lab.cluster.delete("PersistentVolume", row["volume"])
    # Not even an empty one.
    shutil.rmtree(second["host_directory"])
    Path(second["host_directory"]).mkdir()
    third = copy(lab, claim_map={"ns/c0": "test/data"}).facts["volumes"][0]
    assert len({row["host_directory"] for row in (first, second, third)}) == 3


def killed_at_each_write(lab_of: Callable[[], Lab]) -> int:
    """A rerun completes what is left of a run that is killed instead of any write. The number of writes."""
    number = 0
    while True:
        lab = lab_of()
        lab.cluster.kill_after = len(lab.cluster.writes) + number
        try:
            copy(lab)
        except Killed:
            pass
        else:
            return number
        lab.cluster.kill_after = None
        lab.cluster.react(lab.cluster)
        for check_mode in (True, False):
            copy(lab, check_mode)
        again = copy(lab)
        assert not again.changed and read(lab, again) == ["content 0", "content 1"]
        assert (lab.replicas(), lab.left()) == (UP, [])
        assert [lab.phases(f"test/copy-{index}") for index in range(2)] == [["Bound", "Bound"]] * 2
        assert len(list(lab.data.glob("pvc-*"))) == 2
        number += 1


def test_a_killed_run_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = iter(range(1000))
    assert killed_at_each_write(lambda: Lab(tmp_path / str(next(numbers)), monkeypatch)) > 10


def test_a_run_killed_while_it_copies_is_completed(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("difference", "put"):
        with monkeypatch.context() as patch:

            def kill(*_arguments: Any) -> None:
                raise Killed

            patch.setattr(data, name, kill)
            patch.setattr(data, "discard", lambda _temporary: None)
            patch.setattr(copies, "discard", lambda _made: None)
            with pytest.raises(Killed):
                copy(lab)
        assert lab.left() != []
    done = copy(lab)
    assert read(lab, done) == ["content 0", "content 1"]
    assert (lab.replicas(), lab.left()) == (UP, [])


def test_volumes_that_are_not_in_a_directory(lab: Lab) -> None:
    pv = lab.cluster.get("PersistentVolume", "v0")
    lab.cluster.put(merge(pv, {"spec": {"hostPath": None, "nfs": {"server": "files.example", "path": "/exports"}}}))
    (why,) = refused(lab).values()
    assert why == "its data is not in a directory (nfs)"
