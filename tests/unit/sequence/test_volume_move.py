"""volume_move and volume_convert: volumes with their data on other nodes and in other forms, or all are refused."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.usage import VolumeUser
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    BadInput,
    CommandFailed,
    Declined,
    TimedOut,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.activity import REPORTER
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.marker import Marker
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.transfer import data
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence import volume_convert, volume_move
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import Killed, merge
from ansible_collections.kindlab.volumes.tests.unit.support.transfers import NODES, Lab

UP = {"w0": 2, "w1": 2}
# How the nodes have the directory of the volumes: the same, one each on the host, or one each inside.
WAYS: dict[str, dict[str, bool]] = {"shared": {}, "hosts": {"separate": True}, "inside": {"inside": True}}


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    return Lab(tmp_path, monkeypatch)


def move(lab: Lab, check_mode: bool = False, **options: Any) -> Outcome:
    return lab.run(volume_move, check_mode, **{"node": "k-worker2", **options})


def convert(lab: Lab, check_mode: bool = False, **options: Any) -> Outcome:
    return lab.run(volume_convert, check_mode, **options)


def comparable(facts: Any) -> str:
    """What check mode and a run have in common: all but the time in names."""
    return re.sub(r"set-aside-\w+", "set-aside-TIME", repr(facts))


def refused(lab: Lab, run: Callable[..., Outcome], **options: Any) -> dict[str, str]:
    """Name -> why, the same in check mode; nothing was written."""
    lab.cluster.writes.clear()
    details = []
    for check_mode in (True, False):
        with pytest.raises(Declined) as raised:
            run(lab, check_mode, **options)
        details.append(raised.value.details)
    assert lab.cluster.writes == [] and details[0] == details[1]
    return {row["name"]: row["why"] for row in details[0]}


def home(lab: Lab, way: str) -> Path:
    """Where the data of volumes on k-worker2 is."""
    return {"shared": lab.data, "hosts": lab.data2, "inside": lab.inside / "k-worker2"}[way]


def records(lab: Lab) -> list[str]:
    found = lab.cluster.list("ConfigMap", "kube-system")
    return [item["metadata"]["name"] for item in found]


def affinity(lab: Lab, name: str) -> Any:
    return lab.cluster.get("PersistentVolume", name)["spec"].get("nodeAffinity")


@pytest.mark.parametrize("way", WAYS)
def test_check_run_run_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    lab = Lab(tmp_path, monkeypatch, **WAYS[way])
    claims = [lab.cluster.get("PersistentVolumeClaim", f"c{number}", "ns") for number in range(2)]
    lab.cluster.writes.clear()
    checked = move(lab, True)
    assert (checked.changed, lab.cluster.writes, lab.left()) == (True, [], [])
    done = move(lab)
    assert done.changed and comparable(done.facts) == comparable(checked.facts)
    assert [row["name"] for row in done.facts["workloads"]] == ["w0", "w1"]
    for number in range(2):
        row = done.facts["volumes"][number]
        assert (row["action"], row["nodes_before"], row["nodes"]) == ("move", ["k-worker"], ["k-worker2"])
        assert (row["copied"], bool(row["set_aside"])) == (way != "shared",) * 2
        assert (home(lab, way) / f"v{number}" / "file").read_text() == f"content {number}"
        assert lab.phases(f"ns/c{number}") == ["Bound", "Bound"]
        terms = affinity(lab, f"v{number}")["required"]["nodeSelectorTerms"]
        assert terms == [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["k-worker2"]}]}]
        claim = lab.cluster.get("PersistentVolumeClaim", f"c{number}", "ns")
        assert claim["metadata"]["uid"] == claims[number]["metadata"]["uid"]
    aside = sorted(lab.home.glob("*.set-aside-*"))
    assert [(path / "file").read_text() for path in aside] == (["content 0", "content 1"] if way != "shared" else [])
    assert (lab.replicas(), lab.left(), records(lab)) == (UP, [], [])
    assert lab.policies() == {"v0": "Delete", "v1": "Delete"}
    lab.cluster.writes.clear()
    for check_mode in (False, True):
        again = move(lab, check_mode)
        assert not again.changed and {row["action"] for row in again.facts["volumes"]} == {"unchanged"}
    assert lab.cluster.writes == []


@pytest.mark.parametrize("way", WAYS)
def test_there_and_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    lab = Lab(tmp_path, monkeypatch, **WAYS[way])
    move(lab, verify="full")
    (home(lab, way) / "v0" / "file").write_text("later")
    move(lab, node="k-worker", verify="none")
    assert (lab.home / "v0" / "file").read_text() == "later"
    assert lab.replicas() == UP


def test_one_of_a_node(lab: Lab) -> None:
    done = move(lab, names=["ns/c0"], from_node="k-worker")
    assert [row["name"] for row in done.facts["volumes"]] == ["v0"]
    assert move(lab, from_node="k-none").facts["volumes"] == []
    with pytest.raises(BadInput):
        move(lab, names=["ns/none"])
    assert {name for _verb, kind, name in lab.cluster.writes if kind == "Deployment"} == {"ns/w0"}


def test_owners_and_labels_of_a_claim_stay(lab: Lab) -> None:
    owner = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "uid": "uid-db"}
    claim = lab.cluster.get("PersistentVolumeClaim", "c0", "ns")
    lab.cluster.put(merge(claim, {"metadata": {"ownerReferences": [owner], "labels": {"app": "db"}}}))
    move(lab)
    claim = lab.cluster.get("PersistentVolumeClaim", "c0", "ns")
    assert (claim["metadata"]["ownerReferences"], claim["metadata"]["labels"]) == ([owner], {"app": "db"})


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"node": "k-none"}, "the cluster has no node k-none"),
        ({"node": "k-worker", "from_node": "k-worker"}, ""),
    ],
)
def test_nodes(lab: Lab, options: dict[str, Any], why: str) -> None:
    if why:
        assert set(refused(lab, move, **options).values()) == {why}
    else:
        assert not move(lab, **options).changed


def test_everything_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = Lab(tmp_path, monkeypatch, separate=True)
    (lab.data2 / "v0").mkdir()
    (lab.data2 / "v0" / "other").write_text("data")
    pv = lab.cluster.get("PersistentVolume", "v1")
    lab.cluster.put(merge(pv, {"metadata": {"labels": {"kindlab.volumes/local-data": "ro"}}}))
    found = refused(lab, move)
    assert found["v0"] == f"{lab.data2}/v0 exists and has other data"
    assert found["v1"] == "it is local data, which belongs to the host"


def test_an_empty_directory_is_in_nobodys_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = Lab(tmp_path, monkeypatch, separate=True)
    (lab.data2 / "v0").mkdir()
    assert move(lab).changed and (lab.data2 / "v0" / "file").read_text() == "content 0"


def test_a_directory_of_two_volumes_is_refused(lab: Lab) -> None:
    pv = lab.cluster.get("PersistentVolume", "v1")
    lab.cluster.put(merge(pv, {"spec": {"hostPath": {"path": "/data/v0"}}}))
    found = refused(lab, move)
    assert set(found) == {"v0", "v1"}
    assert found["v0"] == f"{lab.data}/v0 is the directory of volume v1, too"


def test_what_is_in_use_or_not_bound_is_refused(lab: Lab) -> None:
    lab.busy = {"v0": [VolumeUser("vi (42)", "k-worker")]}
    assert "in use by more than workloads" in refused(lab, move)["v0"]
    lab.busy = {}
    lab.cluster.delete("PersistentVolumeClaim", "c1", "ns")
    lab.cluster.react(lab.cluster)
    assert refused(lab, move) == {"v1": "it is not bound to a claim"}


def test_a_failure_leaves_everything_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = Lab(tmp_path, monkeypatch, separate=True)
    copy = data._copy_on_host

    def broken(source: str, target: str, written: Callable[[int], None]) -> None:
        if source.endswith("v1"):
            raise CommandFailed("cp failed: No space left on device")
        copy(source, target, written)

    monkeypatch.setattr(data, "_copy_on_host", broken)
    with pytest.raises(CommandFailed, match="No space left") as raised:
        move(lab)
    assert "Nothing was changed. The workloads were scaled back up." in raised.value.message
    assert (lab.replicas(), lab.left(), records(lab), list(lab.data2.iterdir())) == (UP, [], [], [])
    assert lab.policies() == {"v0": "Delete", "v1": "Delete"}
    assert sorted(path.name for path in lab.data.iterdir()) == ["v0", "v1"]


def killed_at_each_write(make: Callable[[], Lab], run: Callable[..., Outcome], check: Callable[[Lab], None]) -> int:
    """A rerun completes what is left of a run that is killed instead of any write. The number of writes."""
    number = 0
    while True:
        lab = make()
        lab.cluster.kill_after = len(lab.cluster.writes) + number
        try:
            run(lab)
        except Killed:
            pass
        else:
            return number
        lab.cluster.kill_after = None
        lab.cluster.react(lab.cluster)
        assert run(lab, True).changed
        run(lab)
        assert not run(lab).changed
        lab.cluster.react(lab.cluster)
        assert (lab.replicas(), lab.left(), records(lab)) == (UP, [], [])
        assert lab.policies() == {"v0": "Delete", "v1": "Delete"}
        assert [lab.phases(f"ns/c{index}") for index in range(2)] == [["Bound", "Bound"]] * 2
        check(lab)
        number += 1


@pytest.mark.parametrize("way", WAYS)
def test_a_killed_move_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    numbers = iter(range(1000))

    def check(lab: Lab) -> None:
        files = [(home(lab, way) / f"v{index}" / "file").read_text() for index in range(2)]
        assert files == ["content 0", "content 1"]
        assert len(list(lab.home.glob("*.set-aside-*"))) == (0 if way == "shared" else 2)

    assert killed_at_each_write(lambda: Lab(tmp_path / str(next(numbers)), monkeypatch, **WAYS[way]), move, check) > 20


@pytest.mark.parametrize("name", ["copied", "difference", "put"])
def test_a_move_killed_while_it_copies_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    lab = Lab(tmp_path, monkeypatch, separate=True)
    real, turns = getattr(data, name), []

    def kill(*arguments: Any) -> Any:
        turns.append(1)
        if len(turns) > 1:
            raise Killed
        return real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(data, name, kill)
        patch.setattr(data, "discard", lambda _temporary: None)
        with pytest.raises(Killed):
            move(lab)
    done = move(lab, names=["ns/c0"])
    assert {row["action"] for row in done.facts["volumes"]} == {"move"}
    assert [(lab.data2 / f"v{index}" / "file").read_text() for index in range(2)] == ["content 0", "content 1"]
    assert (lab.replicas(), records(lab), lab.left()) == (UP, [], [])


@pytest.mark.parametrize("purpose", ["unfinished", "recreating"])
def test_no_other_run_changes_the_cluster_meanwhile(lab: Lab, purpose: str) -> None:
    with Marker(str(lab.top / "kubeconfig"), "k", purpose).locked(Deadline(1)), pytest.raises(TimedOut):
        move(lab)
    lab.cluster.writes.clear()
    assert move(lab, True).changed and lab.cluster.writes == []


def test_it_tells_what_it_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = Lab(tmp_path, monkeypatch, separate=True)
    steps: list[str] = []
    amounts: dict[str, list[int]] = {}

    def add(what: str, count: int = 1, of: int = 0) -> None:
        done, total = amounts.get(what, [0, 0])
        amounts[what] = [done + count, total + of]

    monkeypatch.setattr(REPORTER, "step", steps.append)
    monkeypatch.setattr(REPORTER, "moved", add)
    monkeypatch.setattr(REPORTER, "done", add)
    move(lab)
    assert [step for step in steps if "workloads" not in step] == ["copy the data of 2 volumes", "replace 2 volumes"]
    assert amounts["volumes copied"] == [2, 2]
    done, total = amounts["data copied"]
    assert done == total > 0


@pytest.mark.parametrize("verify", ["fast", "none"])
def test_data_that_was_written_after_a_kill_is_copied_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verify: str
) -> None:
    lab = Lab(tmp_path, monkeypatch, separate=True)
    put = data.put
    with monkeypatch.context() as patch:

        def kill(temporary: Any, target: Any) -> None:
            put(temporary, target)
            raise Killed

        patch.setattr(data, "put", kill)
        patch.setattr(data, "discard", lambda _temporary: None)
        with pytest.raises(Killed):
            move(lab, names=["ns/c0"])
    (lab.data / "v0" / "file").write_text("written by pods that somebody started")
    move(lab, names=["ns/c0"], verify=verify)
    assert (lab.data2 / "v0" / "file").read_text() == "written by pods that somebody started"
    (stale,) = lab.data2.glob("v0.set-aside-*")
    assert (stale / "file").read_text() == "content 0"


def test_to_local_and_back(lab: Lab) -> None:
    checked, done = convert(lab, True, source="local"), convert(lab, source="local")
    assert done.changed and checked.facts == done.facts
    pv = lab.cluster.get("PersistentVolume", "v0")
    assert (pv["spec"]["local"], "hostPath" in pv["spec"]) == ({"path": "/data/v0"}, False)
    assert affinity(lab, "v0")["required"]["nodeSelectorTerms"][0]["matchFields"]
    assert not convert(lab, source="local").changed
    convert(lab, source="hostPath")
    pv = lab.cluster.get("PersistentVolume", "v0")
    assert (pv["spec"]["hostPath"], "local" in pv["spec"]) == ({"path": "/data/v0", "type": "Directory"}, False)
    assert (lab.replicas(), lab.policies()) == (UP, {"v0": "Delete", "v1": "Delete"})


@pytest.mark.parametrize("source", ["hostPath", "local"])
def test_shared_by_all_nodes_and_back(lab: Lab, source: str) -> None:
    convert(lab, source=source, affinity="shared")
    found = affinity(lab, "v0")
    if source == "hostPath":
        assert found is None
    else:
        (term,) = found["required"]["nodeSelectorTerms"]
        assert term["matchExpressions"][0]["values"] == list(NODES)
    assert not convert(lab, source=source, affinity="shared").changed
    assert lab.phases("ns/c0") == ["Bound", "Bound"]
    done = convert(lab, affinity="node", node="k-worker2")
    assert {tuple(row["nodes"]) for row in done.facts["volumes"]} == {("k-worker2",)}
    assert not convert(lab, affinity="node", node="k-worker2").changed


@pytest.mark.parametrize("way", ["hosts", "inside"])
def test_what_nodes_do_not_share_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    lab = Lab(tmp_path, monkeypatch, **WAYS[way])
    found = refused(lab, convert, affinity="shared")
    assert set(found) == {"v0", "v1"} and all(why.startswith("its nodes have different") for why in found.values())


def with_hostpath(lab: Lab) -> Lab:
    """With the provisioner hostpath in /data/shared, and its class."""
    (lab.data / "shared").mkdir()
    command = ["hostpath-provisioner", "--provisioner", "kindlab.volumes/hostpath", "--directory", "/data/shared"]
    container = {"name": "p", "image": "kindlab/hostpath-provisioner", "command": command}
    place = {"name": "hostpath-provisioner", "namespace": "hostpath-storage"}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "p"}}, "template": {"spec": {"containers": [container]}}}
    lab.cluster.put({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": place, "spec": spec})
    other = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "hostpath"}}
    lab.cluster.put({**other, "provisioner": "kindlab.volumes/hostpath"})
    return lab


def test_to_another_provisioner(lab: Lab) -> None:
    with_hostpath(lab)
    owner = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "uid": "uid-db"}
    claim = lab.cluster.get("PersistentVolumeClaim", "c0", "ns")
    lab.cluster.put(merge(claim, {"metadata": {"ownerReferences": [owner], "labels": {"app": "db"}}}))
    checked = convert(lab, True, to_storage_class="hostpath")
    done = convert(lab, to_storage_class="hostpath")
    assert comparable(done.facts) == comparable(checked.facts)
    pv = lab.cluster.get("PersistentVolume", "v0")
    assert pv["spec"]["hostPath"] == {"path": "/data/shared/ns-c0-v0", "type": "Directory"}
    assert pv["metadata"]["annotations"] == {
        "pv.kubernetes.io/provisioned-by": "kindlab.volumes/hostpath",
        "kindlab.volumes/hostpath-directory": "ns-c0-v0",
    }
    claim = lab.cluster.get("PersistentVolumeClaim", "c0", "ns")
    assert (claim["metadata"]["ownerReferences"], claim["metadata"]["labels"]) == ([owner], {"app": "db"})
    assert claim["spec"]["storageClassName"] == pv["spec"]["storageClassName"] == "hostpath"
    assert (lab.data / "shared" / "ns-c0-v0" / "file").read_text() == "content 0"
    assert lab.phases("ns/c0") == ["Bound", "Bound"] and affinity(lab, "v0") is None
    assert len(list(lab.data.glob("*.set-aside-*"))) == 2
    assert not convert(lab, to_storage_class="hostpath").changed
    convert(lab, to_storage_class="standard", node="k-worker2")
    assert (lab.data / "v0_ns_c0" / "file").read_text() == "content 0"
    assert affinity(lab, "v0")["required"]["nodeSelectorTerms"][0]["matchExpressions"][0]["values"] == ["k-worker2"]
    assert lab.replicas() == UP


def test_a_killed_conversion_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = iter(range(1000))

    def check(lab: Lab) -> None:
        for index in range(2):
            assert (lab.data / "shared" / f"ns-c{index}-v{index}" / "file").read_text() == f"content {index}"

    def run(lab: Lab, check_mode: bool = False) -> Outcome:
        return convert(lab, check_mode, to_storage_class="hostpath")

    def make() -> Lab:
        return with_hostpath(Lab(tmp_path / str(next(numbers)), monkeypatch))

    assert killed_at_each_write(make, run, check) > 20


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({}, "Nothing is to be converted"),
        ({"node": "k-worker"}, "node has no effect"),
        ({"affinity": "shared", "to_storage_class": "standard"}, "exclude each other"),
        ({"source": "local", "names": []}, "names is empty"),
    ],
)
def test_options_that_make_no_sense(lab: Lab, options: dict[str, Any], text: str) -> None:
    with pytest.raises(BadInput, match=text):
        convert(lab, **options)


def test_a_provisioner_that_would_not_delete_it_is_refused(lab: Lab) -> None:
    with_hostpath(lab)
    found = refused(lab, convert, to_storage_class="hostpath", source="local")
    assert set(found.values()) == {"the provisioner of hostpath would not delete it: it is not hostPath"}


def test_a_missing_directory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = Lab(tmp_path, monkeypatch, separate=True)
    shutil.rmtree(lab.data / "v0")
    assert refused(lab, move) == {"v0": f"its directory {lab.data}/v0 does not exist"}
