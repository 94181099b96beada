"""Whole restores, from a backup on disk into a cluster in memory."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from typing import ClassVar

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._action.volume_restore import ARGUMENTS, run
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    BadInput,
    Conflict,
    Declined,
    KindlabError,
    Unreachable,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import defaults
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Completed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data import node_directory
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.scan import scan
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.restore import data as restore_data
from ansible_collections.kindlab.volumes.tests.unit.support.backups import (
    NAMESPACE,
    STORAGE_CLASS,
    inspected,
    volume,
    write_backup,
    write_data,
)
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import (
    CA,
    FakeCluster,
    Killed,
    ScriptedRunner,
    binding_controller,
    swapped,
)
from ansible_collections.kindlab.volumes.tests.unit.support.nodes import NodesHere

OPTIONS = {**defaults(ARGUMENTS), "engine": "docker", "cluster": "k", "wait_timeout": 1}
WORKER = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "k-worker"}}
STANDARD = {**STORAGE_CLASS, "metadata": {"name": "other", "annotations": STORAGE_CLASS["metadata"]["annotations"]}}


@pytest.fixture
def data(tmp_path):
    write_data(tmp_path / "data", 3)
    return tmp_path / "data"


@pytest.fixture
def backup(tmp_path, data):
    write_backup(tmp_path / "backup", data, 3)
    return tmp_path / "backup"


@pytest.fixture
def cluster():
    cluster = FakeCluster(WORKER)
    cluster.react = binding_controller
    return cluster


def restore(cluster, backup, data, check_mode=False, nodes=None, **options):
    nodes = nodes or [inspected("k-worker", "k", "worker", data=str(data))]
    runner = NodesHere([(["docker", "ps"], "abc\n"), (["docker", "inspect"], json.dumps(nodes))])
    options = {**OPTIONS, "path": str(backup), **options}
    return run(options, check_mode, runner=runner, connect=lambda *_where: cluster)


def actions(outcome):
    return [(v["name"], v["action"], v["phase"], v["claim_phase"]) for v in outcome.facts["volumes"]]


def test_check_run_run_check(cluster, backup, data):
    checked = restore(cluster, backup, data, check_mode=True)
    assert checked.changed
    assert cluster.writes == []
    done = restore(cluster, backup, data)
    assert done.changed
    predicted, real = dict(checked.facts), dict(done.facts)
    assert list(predicted.pop("seconds")) == ["observe", "compare"]
    assert list(real.pop("seconds")) == ["observe", "compare", "extract", "write", "wait"]
    assert predicted == real
    assert (checked.before, checked.after) == (done.before, done.after)
    assert actions(done) == [(f"v{n}", "create", "Bound", "Bound") for n in range(3)]
    assert (done.facts["namespaces"], done.facts["storage_classes"]) == (["ns"], ["standard"])
    writes = list(cluster.writes)
    for check_mode in (False, True):
        again = restore(cluster, backup, data, check_mode=check_mode)
        assert not again.changed
        assert actions(again) == [(f"v{n}", "unchanged", "Bound", "Bound") for n in range(3)]
    assert cluster.writes == writes


def test_a_row_has_what_happened_and_why(cluster, backup, data):
    done = restore(cluster, backup, data, names=["ns/c1"])
    why = f"binds to ns/c1; 1 file in host directory {data}/v1, checksums equal"
    assert done.facts["volumes"] == [
        {
            "name": "v1",
            "claim": "ns/c1",
            "action": "create",
            "why": why,
            "nodes": ["k-worker"],
            "node_directory": "/data/v1",
            "node": "",
            "host_directory": f"{data}/v1",
            "phase": "Bound",
            "claim_phase": "Bound",
            "files": 1,
            "digest": read_backup(backup).catalog.volumes[1].digest,
            "checksum": "equal",
            "set_aside": "",
            "replaced_volume": "",
            "reclaim_policy": "Retain",
        }
    ]
    assert done.before["volumes"] == {"v1": "missing"}
    assert done.after["volumes"] == {"v1": f"{why}, Retain"}


def test_volumes_alone_wait_for_their_claims(cluster, backup, data):
    done = restore(cluster, backup, data, claims=False)
    assert actions(done) == [(f"v{n}", "create", "Available", "") for n in range(3)]
    assert cluster.list("PersistentVolumeClaim") == []
    assert done.facts["namespaces"] == []
    assert not restore(cluster, backup, data, claims=False).changed
    assert actions(restore(cluster, backup, data)) == [(f"v{n}", "finish", "Bound", "Bound") for n in range(3)]


def test_the_original_policy_is_set_again_and_stays(cluster, backup, data):
    done = restore(cluster, backup, data, reclaim_policy="original")
    assert [v["reclaim_policy"] for v in done.facts["volumes"]] == ["Delete"] * 3
    pv = cluster.get("PersistentVolume", "v0")
    assert pv["spec"]["persistentVolumeReclaimPolicy"] == "Delete"
    assert pv["metadata"]["annotations"] == {"pv.kubernetes.io/provisioned-by": "rancher.io/local-path"}
    for policy in ("original", "keep"):
        again = restore(cluster, backup, data, reclaim_policy=policy)
        assert not again.changed
        assert [v["reclaim_policy"] for v in again.facts["volumes"]] == ["Delete"] * 3


def test_the_original_policy_can_be_set_later(cluster, backup, data):
    restore(cluster, backup, data)
    annotations = cluster.get("PersistentVolume", "v0")["metadata"]["annotations"]
    assert annotations["kindlab.volumes/original-reclaim-policy"] == "Delete"
    done = restore(cluster, backup, data, reclaim_policy="original", names=["v0"])
    assert done.changed
    assert done.before["volumes"] == {"v0": "is bound to ns/c0, Retain"}
    assert done.after["volumes"] == {"v0": "is bound to ns/c0, Delete"}
    assert cluster.get("PersistentVolume", "v1")["spec"]["persistentVolumeReclaimPolicy"] == "Retain"


@pytest.mark.parametrize("gone", ["deleted", "being deleted", "made again"])
def test_a_volume_whose_claim_is_deleted_meanwhile_keeps_the_policy_retain(cluster, backup, data, gone):
    """While other data is extracted and bound; somebody relied on that policy."""
    restore(cluster, backup, data, names=["ns/c0"])
    assert cluster.get("PersistentVolume", "v0")["spec"]["persistentVolumeReclaimPolicy"] == "Retain"

    def delete(watched):
        claim = watched.get("PersistentVolumeClaim", "c0", "ns")
        if gone == "being deleted":
            watched.put({**claim, "metadata": {**claim["metadata"], "deletionTimestamp": "now"}})
        elif watched.objects.pop(("PersistentVolumeClaim", "ns", "c0"), None) and gone == "made again":
            watched.put({**claim, "metadata": {"namespace": "ns", "name": "c0"}, "spec": {}, "status": {}})
            watched.react = binding_controller
        binding_controller(watched)

    cluster.react = delete
    done = restore(cluster, backup, data, reclaim_policy="original")
    volumes = cluster.list("PersistentVolume")
    policies = {pv["metadata"]["name"]: pv["spec"]["persistentVolumeReclaimPolicy"] for pv in volumes}
    assert policies == {"v0": "Retain", "v1": "Delete", "v2": "Delete"}
    assert {row["name"]: row["reclaim_policy"] for row in done.facts["volumes"]} == policies
    said = "being deleted" if gone == "being deleted" else "not bound to it"
    assert done.warnings == (f"ns/c0 (v0) keeps the reclaim policy Retain: its claim is {said}.",)
    assert "v0" not in done.after["volumes"]


@pytest.mark.parametrize("killed", range(17))
def test_killed_after_any_write_the_next_run_completes(cluster, backup, data, killed):
    cluster.kill_after = killed
    with suppress(Killed):
        restore(cluster, backup, data, reclaim_policy="original")
    cluster.kill_after = None
    done = restore(cluster, backup, data, reclaim_policy="original")
    assert [(v["phase"], v["claim_phase"], v["reclaim_policy"]) for v in done.facts["volumes"]] == [
        ("Bound", "Bound", "Delete")
    ] * 3
    assert len(cluster.list("PersistentVolume")) == len(cluster.list("PersistentVolumeClaim")) == 3
    assert not restore(cluster, backup, data, reclaim_policy="original").changed


def test_one_reason_refuses_all_before_anything_is_written(cluster, backup, data):
    (data / "v0" / "file").write_text("something else")
    (data / "v0" / "more").write_text("")
    shutil.rmtree(data / "v2")
    with pytest.raises(Declined) as raised:
        restore(cluster, backup, data)
    assert cluster.writes == []
    first, second = raised.value.details
    assert (first["name"], first["claim"], second["name"], second["claim"]) == ("v0", "ns/c0", "v2", "ns/c2")
    difference = "1 added: more; 1 changed: file (size, sha256)"
    assert first["why"] == f"its data in {data}/v0 differs from the backup: {difference}"
    assert second["why"] == f"its host directory {data}/v2 does not exist"
    assert all(row["next_step"] for row in raised.value.details)
    assert raised.value.message.startswith("2 of 3 volumes cannot be restored")
    assert restore(cluster, backup, data, names=["v0"], verify="none").facts["volumes"][0]["checksum"] == "not compared"


def test_data_that_pods_changed_since_does_not_matter_once_bound(cluster, backup, data):
    restore(cluster, backup, data)
    (data / "v0" / "file").write_text("new")
    assert not restore(cluster, backup, data).changed


def test_archives_are_extracted_where_nothing_is(cluster, tmp_path, data):
    write_backup(tmp_path / "archived", data, 3, archive=True)
    shutil.rmtree(data / "v0")
    (data / "v1" / "file").unlink()
    checked = restore(cluster, tmp_path / "archived", data, check_mode=True)
    assert not (data / "v0").exists()
    done = restore(cluster, tmp_path / "archived", data)
    assert checked.facts["volumes"] == done.facts["volumes"]
    assert [v["checksum"] for v in done.facts["volumes"]] == ["equal"] * 3
    assert [("is extracted to" in v["why"]) for v in done.facts["volumes"]] == [True, True, False]
    assert [(data / f"v{n}" / "file").read_text() for n in range(3)] == [f"content {n}" for n in range(3)]


def test_what_a_killed_extraction_left_is_removed(cluster, tmp_path, data):
    write_backup(tmp_path / "archived", data, 1, archive=True)
    shutil.rmtree(data / "v0")
    (data / ".v0.incomplete-abc").mkdir()
    (data / ".v0.incomplete-abc" / "half").touch()
    (data / ".v.incomplete-abc").mkdir()
    restore(cluster, tmp_path / "archived", data)
    assert sorted(path.name for path in data.iterdir()) == [".v.incomplete-abc", "v0", "v1", "v2"]


def test_an_archive_never_replaces_other_data(cluster, tmp_path, data):
    write_backup(tmp_path / "archived", data, 3, archive=True)
    (data / "v0" / "file").write_text("newer")
    with pytest.raises(Declined, match="differs from the backup"):
        restore(cluster, tmp_path / "archived", data)
    assert (data / "v0" / "file").read_text() == "newer"


def test_a_damaged_archive_stops_before_anything_is_changed(cluster, tmp_path, data):
    name = write_backup(tmp_path / "archived", data, 3, archive=True)
    archive = tmp_path / "archived" / "generations" / name / "archives" / "v0.tar.gz"
    archive.write_bytes(archive.read_bytes()[:-1] + b"x")
    restore(cluster, tmp_path / "archived", data, check_mode=True)
    shutil.rmtree(data / "v0")
    for check_mode in (True, False):
        with pytest.raises(BadInput, match=r"v0\.tar\.gz was changed after the backup"):
            restore(cluster, tmp_path / "archived", data, check_mode=check_mode)
    assert cluster.writes == []
    assert not (data / "v0").exists()


class TestInsideNodes:
    """A cluster without a mount: volumes lie in directories of the node, which here are directories of this host."""

    @pytest.fixture
    def unmounted(self, tmp_path, data):
        write_backup(tmp_path / "unmounted", data, 2, archive=True, places=str(tmp_path / "node"))
        return tmp_path / "unmounted"

    @staticmethod
    def node(state="running", name="k-worker"):
        return {**inspected(name, "k", "worker"), "State": {"Status": state}}

    def test_four_runs(self, cluster, unmounted, data, tmp_path):
        checked = restore(cluster, unmounted, data, check_mode=True, nodes=[self.node()])
        assert not (tmp_path / "node").exists()
        done = restore(cluster, unmounted, data, nodes=[self.node()])
        assert checked.facts["volumes"] == done.facts["volumes"]
        assert actions(done) == [(f"v{n}", "create", "Bound", "Bound") for n in range(2)]
        row = done.facts["volumes"][0]
        place = f"{tmp_path}/node/v0"
        assert (row["node"], row["node_directory"], row["host_directory"]) == ("k-worker", place, "")
        assert row["why"] == f"binds to ns/c0; its archive (1 file) is extracted to {place} in k-worker first"
        assert row["checksum"] == "equal"
        assert done.warnings == checked.warnings
        assert "is deleted with it: v0, v1" in done.warnings[0]
        assert scan(place, "full") == scan(str(data / "v0"), "full")
        for check_mode in (False, True):
            again = restore(cluster, unmounted, data, check_mode=check_mode, nodes=[self.node()])
            assert (again.changed, again.warnings) == (False, ())
            assert again.facts["volumes"][0]["node"] == "k-worker"

    def test_what_an_interrupted_run_extracted_is_compared_and_taken(self, cluster, unmounted, data, tmp_path):
        cluster.kill_after = 0
        with suppress(Killed):
            restore(cluster, unmounted, data, nodes=[self.node()])
        cluster.kill_after = None
        (tmp_path / "node" / ".v0.incomplete-x").mkdir()
        shutil.rmtree(tmp_path / "node" / "v0")
        done = restore(cluster, unmounted, data, nodes=[self.node()])
        assert [("extracted" in v["why"]) for v in done.facts["volumes"]] == [True, False]
        why = f"binds to ns/c1; 1 file in node directory {tmp_path}/node/v1 in k-worker, checksums equal"
        assert done.facts["volumes"][1]["why"] == why
        assert sorted(path.name for path in (tmp_path / "node").iterdir()) == ["v0", "v1"]

    def test_other_data_is_left_alone(self, cluster, unmounted, data, tmp_path):
        (tmp_path / "node" / "v0").mkdir(parents=True)
        (tmp_path / "node" / "v0" / "file").write_text("other")
        (tmp_path / "node" / "v1").touch()
        with pytest.raises(Declined) as caught:
            restore(cluster, unmounted, data, nodes=[self.node()])
        reasons = {row["name"]: row["why"] for row in caught.value.details}
        assert "v0 in k-worker differs from the backup: 1 changed: file (size, sha256)" in reasons["v0"]
        assert reasons["v1"] == f"{tmp_path}/node/v1 in k-worker is not a directory"
        assert (tmp_path / "node" / "v0" / "file").read_text() == "other"
        assert cluster.writes == []

    def test_into_a_mount_of_the_host(self, cluster, unmounted, data, tmp_path):
        mounted = inspected("k-worker", "k", "worker", **{f"{tmp_path}/node"[1:]: f"{tmp_path}/host"})
        done = restore(cluster, unmounted, data, nodes=[mounted])
        assert [(v["node"], v["host_directory"]) for v in done.facts["volumes"]] == [
            ("", f"{tmp_path}/host/v{n}") for n in range(2)
        ]
        assert scan(f"{tmp_path}/host/v0", "full") == scan(str(data / "v0"), "full")
        assert done.warnings == ()

    def test_a_damaged_archive_stops_before_anything_is_changed(self, cluster, unmounted, data, tmp_path):
        (archive,) = unmounted.glob("generations/*/archives/v0.tar.gz")
        archive.write_bytes(archive.read_bytes()[:-1] + b"x")
        for check_mode in (True, False):
            with pytest.raises(BadInput, match="was changed after the backup"):
                restore(cluster, unmounted, data, check_mode=check_mode, nodes=[self.node()])
        assert cluster.writes == []
        assert not (tmp_path / "node").exists()

    def test_a_node_that_does_not_run(self, cluster, unmounted, data):
        with pytest.raises(Declined, match="is inside its node k-worker, which is exited"):
            restore(cluster, unmounted, data, nodes=[self.node("exited"), inspected("k-cp", "k", "control-plane")])


@pytest.mark.parametrize(
    ("saved", "verify", "checksum"),
    [("full", "fast", "sizes and times equal"), ("fast", "fast", "sizes and times equal")],
)
def test_the_fast_way_compares_sizes_and_times(cluster, tmp_path, data, saved, verify, checksum):
    write_backup(tmp_path / saved, data, 3, checksum=saved)
    done = restore(cluster, tmp_path / saved, data, verify=verify)
    assert {v["checksum"] for v in done.facts["volumes"]} == {checksum}


@pytest.mark.parametrize(("saved", "verify"), [("fast", "full"), ("none", "full"), ("none", "fast")])
def test_a_comparison_that_a_backup_has_no_checksums_for(cluster, tmp_path, data, saved, verify):
    write_backup(tmp_path / saved, data, 3, checksum=saved)
    with pytest.raises(BadInput, match=f"no checksums for verify={verify}: it was made with checksums={saved}"):
        restore(cluster, tmp_path / saved, data, verify=verify)


def test_in_a_cluster_of_another_name_the_nodes_are_mapped(backup, data):
    cluster = FakeCluster({**WORKER, "metadata": {"name": "z-worker"}})
    nodes = [inspected("z-worker", "z", "worker", data=str(data))]
    runner = ScriptedRunner([(["docker", "ps"], "abc\n"), (["docker", "inspect"], json.dumps(nodes))])
    options = {**OPTIONS, "path": str(backup), "cluster": "z"}
    with pytest.raises(Declined, match="node k-worker is not in this cluster") as raised:
        run(options, False, runner=runner, connect=lambda *_where: cluster)
    assert "{k-worker: z-worker}" in raised.value.next_step
    done = run({**options, "node_map": {"k-worker": "z-worker"}}, False, runner=runner, connect=lambda *_: cluster)
    assert done.facts["volumes"][0]["nodes"] == ["z-worker"]


def test_existing_classes_and_namespaces_are_left_alone(cluster, backup, data):
    cluster.put(NAMESPACE)
    cluster.put(STORAGE_CLASS)
    done = restore(cluster, backup, data)
    assert (done.facts["namespaces"], done.facts["storage_classes"]) == ([], [])


def test_a_restored_class_does_not_become_a_second_default(cluster, backup, data):
    cluster.put(STANDARD)
    restore(cluster, backup, data)
    restored = cluster.get("StorageClass", "standard")
    assert restored["metadata"]["annotations"] == {"storageclass.kubernetes.io/is-default-class": "false"}


def test_a_claim_that_is_deleted_meanwhile(cluster, backup, data):
    cluster.react = lambda c: c.delete("PersistentVolumeClaim", "c1", "ns")
    with pytest.raises(Conflict, match="PersistentVolumeClaim ns/c1 was deleted"):
        restore(cluster, backup, data)
    cluster.react = binding_controller
    assert actions(restore(cluster, backup, data))[1] == ("v1", "rebind", "Bound", "Bound")


def test_the_api_of_another_cluster_is_refused(cluster, backup, data):
    other = FakeCluster({**WORKER, "metadata": {"name": "o-worker"}})
    with pytest.raises(BadInput, match="another cluster than k: they have no node in common"):
        restore(other, backup, data)
    cluster.ca = CA.replace("S2lu", "S2xu")
    with pytest.raises(BadInput, match="another cluster than k: its CA certificate has the sha256"):
        restore(cluster, backup, data)
    assert cluster.writes == []


def test_a_volume_with_other_content_is_not_touched(cluster, backup, data):
    there = volume(0)
    there["spec"]["hostPath"]["path"] = "/data/v1"
    cluster.put({**there, "status": {"phase": "Available"}})
    with pytest.raises(Declined, match="differs from the backup: hostPath is /data/v1, not /data/v0"):
        restore(cluster, backup, data)
    assert cluster.writes == []


def test_nothing_that_does_not_answer_is_guessed(backup, data):
    def no_api(*_where):
        raise Unreachable("The API server does not answer.")

    nodes = [inspected("k-worker", "k", "worker", data=str(data))]
    here = ScriptedRunner([(["docker", "ps"], "abc\n"), (["docker", "inspect"], json.dumps(nodes))])
    gone = ScriptedRunner([(["docker", "ps"], Completed(1, "", "Cannot connect to the Docker daemon"))])
    options = {**OPTIONS, "path": str(backup)}
    with pytest.raises(Unreachable, match="The API server does not answer"):
        run(options, False, runner=here, connect=no_api)
    with pytest.raises(Unreachable, match="docker does not answer: Cannot connect"):
        run(options, False, runner=gone, connect=no_api)


def test_a_quota_that_does_not_allow_the_claims(cluster, backup, data):
    def create(_item):
        raise KindlabError('persistentvolumeclaims "c0" is forbidden: exceeded quota: small', next_step="Ask.")

    cluster.put(NAMESPACE)
    cluster.put(STORAGE_CLASS)
    cluster.create = create
    with pytest.raises(KindlabError, match="exceeded quota: small") as raised:
        restore(cluster, backup, data)
    assert "Raise the quota" in raised.value.next_step


def test_pods_that_wait_for_a_restored_claim_are_scheduled(cluster, backup, data):
    volumes = [{"name": "d", "persistentVolumeClaim": {"claimName": "c1"}}]
    waiting = {"metadata": {"name": "p", "namespace": "ns"}, "spec": {"volumes": volumes}}
    cluster.put({"kind": "Pod", **waiting, "status": {"phase": "Pending"}})

    def scheduler(cluster):
        """It has missed that the claim was bound, and looks again when the claim changes."""
        binding_controller(cluster)
        claim = cluster.get("PersistentVolumeClaim", "c1", "ns") or {"metadata": {}}
        if any("touched" in name for name in claim["metadata"].get("annotations", {})):
            pod = cluster.get("Pod", "p", "ns")
            cluster.put({**pod, "spec": {**pod["spec"], "nodeName": "k-worker"}})

    cluster.react = scheduler
    restore(cluster, backup, data)
    assert cluster.get("Pod", "p", "ns")["spec"]["nodeName"] == "k-worker"
    annotations = cluster.get("PersistentVolumeClaim", "c1", "ns")["metadata"]["annotations"]
    assert annotations == {"pv.kubernetes.io/bind-completed": "yes"}


def test_a_directory_of_another_clusters_volume_is_refused(cluster, backup, data, monkeypatch):
    asked = []
    monkeypatch.setattr(
        restore_data, "users_elsewhere", lambda _engine, *what: asked.append(what) or {"v1": "o has it"}
    )
    other = inspected("o-worker", "o", "worker", shared=str(data))
    nodes = [inspected("k-worker", "k", "worker", data=str(data)), other]
    for check_mode in (True, False):
        with pytest.raises(Declined, match=rf"ns/c1 \(v1\): another cluster uses {data}/v1: o has it"):
            restore(cluster, backup, data, check_mode, nodes=nodes)
    assert cluster.writes == []
    sharing, directories = asked[0]
    assert [node.name for node in sharing] == ["o-worker"]
    assert directories == {f"v{number}": f"{data}/v{number}" for number in range(3)}


def test_a_directory_that_the_node_does_not_have_is_refused(cluster, backup, data, monkeypatch):
    """As if it was replaced after the node had started."""
    monkeypatch.setattr(ScriptedRunner, "looks", {"k-worker": swapped("/data")})
    for check_mode in (True, False):
        with pytest.raises(Declined, match=f"{data} on the host is not the directory that k-worker has mounted at /da"):
            restore(cluster, backup, data, check_mode)
    assert cluster.writes == []


@pytest.mark.parametrize("inside", [False, True])
def test_data_that_cannot_be_read_or_never_rests_fails_alone(cluster, tmp_path, data, monkeypatch, inside):
    """v0 differs, v1 cannot be read, v2 is written to: all three are told, each with its own reason."""
    write_backup(tmp_path / "backup", data, 3, archive=True, places=str(data) if inside else "")
    (data / "v0" / "file").write_text("other")
    unreadable = BadInput("This user cannot read x.", next_step="Check its permissions.")
    busy = Conflict("v2 was written to while it was read.", next_step="Stop its pods.")
    scan_each, read = restore_data.scan_each, node_directory.read
    reads = []

    def scan_with_errors(directories, mode):
        if any(path.endswith("v1") for path in directories):
            raise unreadable
        found = zip(directories, scan_each(directories, mode), strict=True)
        return [busy if path.endswith("v2") else entries for path, entries in found]

    def read_with_errors(directory, mode):
        reads.append(directory.path)
        if directory.path.endswith("v0"):
            return read(directory, mode)
        raise unreadable if directory.path.endswith("v1") else busy

    monkeypatch.setattr(restore_data, "scan_each", scan_with_errors)
    monkeypatch.setattr(node_directory, "read", read_with_errors)
    nodes = [inspected("k-worker", "k", "worker")] if inside else None
    with pytest.raises(Declined) as raised:
        restore(cluster, tmp_path / "backup", data, nodes=nodes)
    why = {row["name"]: (row["why"], row["next_step"]) for row in raised.value.details}
    assert why.keys() == {"v0", "v1", "v2"} and "differs" in why["v0"][0]
    for name, error in (("v1", unreadable), ("v2", busy)):
        assert f"cannot be compared with the backup: {error.message.rstrip('.')}" in why[name][0]
        assert why[name][1] == error.next_step
    # What changes is read again, what cannot be read is not.
    assert [sum(path.endswith(name) for path in reads) for name in ("v1", "v2")] == ([1, 3] if inside else [0, 0])
    assert cluster.writes == []


class TestOtherNames:
    MAPS: ClassVar = {
        "namespace_map": {"*": "*-test"},
        "claim_map": {"ns/c1": "ns-test/first"},
        "volume_map": {"v*": "test-*"},
        "capacity_map": {"ns/c0": "3Gi"},
    }

    def test_four_runs(self, cluster, backup, data):
        checked = restore(cluster, backup, data, check_mode=True, **self.MAPS)
        done = restore(cluster, backup, data, **self.MAPS)
        assert checked.facts["volumes"] == done.facts["volumes"]
        assert actions(done) == [(f"test-{n}", "create", "Bound", "Bound") for n in range(3)]
        assert [row["claim"] for row in done.facts["volumes"]] == ["ns-test/c0", "ns-test/first", "ns-test/c2"]
        assert "; in the backup it is v1 of ns/c1; 1 file in host directory" in done.facts["volumes"][1]["why"]
        assert done.facts["namespaces"] == ["ns-test"]
        assert cluster.get("PersistentVolume", "test-0")["spec"]["capacity"] == {"storage": "3Gi"}
        assert cluster.get("PersistentVolumeClaim", "first", "ns-test")["spec"]["volumeName"] == "test-1"
        for check_mode in (False, True):
            assert not restore(cluster, backup, data, check_mode=check_mode, **self.MAPS).changed

    def test_beside_the_volume_that_it_was_it_is_refused(self, cluster, backup, data):
        restore(cluster, backup, data)
        writes = list(cluster.writes)
        for check_mode in (True, False):
            with pytest.raises(Declined, match="cannot be created under another name") as raised:
                restore(cluster, backup, data, check_mode=check_mode, **self.MAPS)
            assert {row["name"] for row in raised.value.details} == {"test-0", "test-1", "test-2"}
        assert "v0 has that directory, too" in raised.value.details[0]["why"]
        assert cluster.writes == writes

    def test_collisions_and_missing_classes(self, cluster, backup, data):
        with pytest.raises(BadInput, match="v0 and v1 and v2 become one"):
            restore(cluster, backup, data, volume_map={"v*": "one"})
        with pytest.raises(Declined, match="the storage class fast does not exist in this cluster"):
            restore(cluster, backup, data, storage_class_map={"standard": "fast"})
        cluster.put({**STANDARD, "metadata": {"name": "fast"}})
        restore(cluster, backup, data, storage_class_map={"standard": "fast"})
        assert cluster.get("PersistentVolumeClaim", "c0", "ns")["spec"]["storageClassName"] == "fast"
        assert cluster.get("StorageClass", "standard") is None

    def test_nodes_by_a_pattern(self, backup, data):
        cluster = FakeCluster({**WORKER, "metadata": {"name": "z-worker"}})
        nodes = [inspected("z-worker", "z", "worker", data=str(data))]
        runner = ScriptedRunner([(["docker", "ps"], "abc\n"), (["docker", "inspect"], json.dumps(nodes))])
        options = {**OPTIONS, "path": str(backup), "cluster": "z", "node_map": {"k-*": "z-*"}}
        done = run(options, False, runner=runner, connect=lambda *_where: cluster)
        assert done.facts["volumes"][0]["nodes"] == ["z-worker"]
