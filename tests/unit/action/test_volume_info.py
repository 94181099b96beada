"""Volumes as a module shows them, from objects and containers, with real directories on the host."""

from __future__ import annotations

import json

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._action.volume_info import run
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Unreachable
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import merged
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.report import lost_claims
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Completed
from ansible_collections.kindlab.volumes.tests.unit.support.backups import claim, inspected, volume
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import CA, FakeCluster, ScriptedRunner, swapped

OPTIONS = {
    "engine": "docker",
    "kubeconfig": None,
    "context": None,
    "cluster": "k",
    "names": None,
    "namespaces": None,
    "storage_classes": None,
    "backup_path": None,
    "verify": "fast",
}
# As a provisioner calls directories.
LEFT = "pvc-77c1f5b2-9a0e-4f8e-8f70-4b1f14f0b9de_ns_old"
THEIRS = LEFT.replace("77", "88")
LINK = LEFT.replace("77", "99")
WORKER = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "k-worker"}}
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p", "namespace": "ns"},
    "spec": {"nodeName": "k-worker", "volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "c0"}}]},
    "status": {"phase": "Running"},
}


@pytest.fixture
def cluster():
    return FakeCluster(
        WORKER,
        POD,
        {**volume(0), "status": {"phase": "Bound"}},
        {**claim(0), "status": {"phase": "Bound"}},
        {**volume(1), "status": {"phase": "Released"}},
    )


def show(cluster, data, **options):
    nodes = [inspected("k-worker", "k", "worker", data=str(data))]
    runner = ScriptedRunner([(["docker", "ps"], "abc\n"), (["docker", "inspect"], json.dumps(nodes))])
    return run({**OPTIONS, **options}, False, runner=runner, connect=lambda *_where: cluster)


def test_volumes_with_what_uses_them_and_where_they_lie(cluster, tmp_path):
    for name in ("v0", "v1", LEFT, "of-people"):
        (tmp_path / name).mkdir()
    (tmp_path / "file").touch()
    (tmp_path / LINK).symlink_to(LEFT)
    found = show(cluster, tmp_path)
    assert not found.changed
    assert found.facts["volumes"][0] == {
        "name": "v0",
        "claim": "ns/c0",
        "phase": "Bound",
        "claim_phase": "Bound",
        "terminating": False,
        "ephemeral": False,
        "storage_class": "standard",
        "reclaim_policy": "Retain",
        "original_reclaim_policy": "",
        "capacity": "1Gi",
        "access_modes": ["ReadWriteOnce"],
        "volume_mode": "Filesystem",
        "source": "hostPath",
        "location": "hostPath /data/v0",
        "data": "host",
        "provisioned_by": "rancher.io/local-path",
        "nodes": ["k-worker"],
        "node_directory": "/data/v0",
        "host_directory": f"{tmp_path}/v0",
        "host_directories": {"k-worker": f"{tmp_path}/v0"},
        "mismatch": "",
        "pods": [{"namespace": "ns", "name": "p", "node": "k-worker", "phase": "Running"}],
        "survives": "yes",
        "survives_why": f"its data is on the host, in {tmp_path}/v0",
        "survives_next_step": "",
    }
    assert found.facts["summary"] == "all 2 volumes survive"
    assert found.facts["volumes"][1]["pods"] == []
    assert found.facts["released"] == ["v1"]
    assert found.facts["orphan_directories"] == [
        {
            "host_directory": f"{tmp_path}/{LEFT}",
            "node_directory": f"/data/{LEFT}",
            "nodes": ["k-worker"],
            "volume": LEFT.partition("_")[0],
            "claim": "ns/old",
        }
    ]
    assert cluster.writes == []


def test_every_kind_of_volume_is_shown(cluster, tmp_path):
    owner = {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "1", "controller": True}
    ephemeral = merged(
        claim(2), {"metadata": {"ownerReferences": [owner], "deletionTimestamp": "2026-01-01T00:00:00Z"}}
    )
    nfs = {"spec": {"hostPath": None, "nfs": {"server": "files.example", "path": "/exports/db"}}}
    for item in (
        {**volume(2), "status": {"phase": "Bound"}},
        {**ephemeral, "status": {"phase": "Bound"}},
        merged(volume(3), nfs),
        merged(volume(4), {"spec": {"volumeMode": "Block"}}),
        merged(volume(5), {"spec": {"claimRef": {"namespace": None}}}),
        volume(6, places="/inside"),
        volume(7, node="k-gone"),
    ):
        cluster.put(item)
    found = {v["name"]: v for v in show(cluster, tmp_path).facts["volumes"]}
    assert {name: v["data"] for name, v in found.items()} == {
        **dict.fromkeys(("v0", "v1", "v2", "v5"), "host"),
        "v3": "elsewhere",
        "v4": "elsewhere",
        "v6": "node",
        "v7": "",
    }
    assert (found["v2"]["ephemeral"], found["v2"]["terminating"]) == (True, True)
    assert found["v3"]["location"] == "nfs files.example:/exports/db"
    assert found["v4"]["volume_mode"] == "Block"
    assert found["v5"]["claim"] == ""


def test_what_is_inside_a_node_survives_in_a_backup_alone(cluster, tmp_path):
    """Its archive is not read, so that nobody knows whether it has what is there now."""
    for name in ("v0", "v1", "v6"):
        (tmp_path / "data" / name).mkdir(parents=True)
    cluster.put({**volume(6, places="/inside"), "status": {"phase": "Bound"}})
    cluster.put({**claim(6), "status": {"phase": "Bound"}})
    lost = show(cluster, tmp_path / "data")
    assert lost.facts["summary"] == "2 of 3 volumes survive; 1 is inside k-worker and in no backup"
    row = next(row for row in lost.facts["volumes"] if row["name"] == "v6")
    where = "/inside/v6 is not mounted from the host on k-worker and is deleted with the node"
    assert row["survives_why"] == f"{where}; no backup of it is given"
    assert row["survives_next_step"] == "Back it up with kindlab.volumes.volume_backup and data=archive."
    missing = show(cluster, tmp_path / "data", backup_path=str(tmp_path / "none"))
    row = next(row for row in missing.facts["volumes"] if row["name"] == "v6")
    assert row["survives"] == "no" and "Cannot read the backup directory" in row["survives_why"]


def test_a_selection_changes_no_orphans(cluster, tmp_path):
    (tmp_path / "v1").mkdir()
    found = show(cluster, tmp_path, names=["ns/c0"])
    assert [v["name"] for v in found.facts["volumes"]] == ["v0"]
    assert found.facts["released"] == found.facts["orphan_directories"] == []


def test_a_host_directory_that_is_not_there_has_no_orphans(cluster, tmp_path):
    assert show(cluster, tmp_path / "missing").facts["orphan_directories"] == []


def test_a_place_that_is_no_directory_is_a_warning(cluster, tmp_path):
    (tmp_path / "file").touch()
    found = show(cluster, tmp_path / "file")
    assert found.warnings == (f"{tmp_path}/file is not searched for orphan directories: Not a directory",)


def no_api(*_where):
    raise Unreachable("The API server does not answer.")


def test_no_such_cluster():
    runner = ScriptedRunner([(["docker", "ps"], "")])
    with pytest.raises(BadInput, match="docker has no node of a kind cluster named k"):
        run(OPTIONS, False, runner=runner, connect=no_api)


def test_an_engine_that_does_not_answer_is_the_cause_of_a_silent_api_server():
    runner = ScriptedRunner([(["docker", "ps"], Completed(1, "", "Cannot connect to the Docker daemon"))])
    with pytest.raises(Unreachable, match="docker does not answer: Cannot connect"):
        run(OPTIONS, False, runner=runner, connect=no_api)


def test_an_api_server_that_does_not_answer(tmp_path):
    nodes = [inspected("k-worker", "k", "worker", data=str(tmp_path))]
    runner = ScriptedRunner([(["docker", "ps"], "abc\n"), (["docker", "inspect"], json.dumps(nodes))])
    with pytest.raises(Unreachable, match="The API server does not answer"):
        run(OPTIONS, False, runner=runner, connect=no_api)


def test_a_lost_claim_is_a_warning():
    lost = {
        "kind": "PersistentVolumeClaim",
        "metadata": {"namespace": "ns", "name": "lost"},
        "spec": {"volumeName": "gone"},
        "status": {"phase": "Lost"},
    }
    assert lost_claims([lost]) == ["The claim ns/lost is Lost: its volume gone no longer exists."]
    assert lost_claims([{**lost, "status": {"phase": "Bound"}}]) == []


def test_a_directory_that_the_node_does_not_have(cluster, tmp_path, monkeypatch):
    (tmp_path / LEFT).mkdir()
    monkeypatch.setattr(ScriptedRunner, "looks", {"k-worker": swapped("/data")})
    found = show(cluster, tmp_path)
    why = f"{tmp_path} on the host is not the directory that k-worker has mounted at /data (/srv/moved"
    assert found.facts["volumes"][0]["mismatch"].startswith(why)
    # What the host has there is not what the node has.
    assert found.facts["orphan_directories"] == []
    assert found.warnings[0].startswith(f"{tmp_path} is not searched for orphan directories: {why}")


def other_cluster(data, answer):
    """Another cluster with the same directory. answer: of its control plane, when it is asked for its volumes."""
    nodes = [
        inspected("k-worker", "k", "worker", data=str(data)),
        inspected("o-control-plane", "o", "control-plane", elsewhere=str(data)),
    ]
    asked = ["docker", "exec", "-i", "o-control-plane", "kubectl"]
    listed = [(["docker", "ps"], "a b\n"), (["docker", "inspect"], json.dumps(nodes))]
    return ScriptedRunner([*listed, (asked, answer)])


def test_volumes_of_another_cluster_are_no_orphans(cluster, tmp_path):
    for name in ("v0", THEIRS, LEFT):
        (tmp_path / name).mkdir()
    theirs = volume(7, node="o-control-plane", places="/elsewhere")
    theirs["spec"]["hostPath"]["path"] = f"/elsewhere/{THEIRS}"
    runner = other_cluster(tmp_path, json.dumps({"items": [theirs]}))
    found = run(OPTIONS, False, runner=runner, connect=lambda *_where: cluster)
    assert [row["host_directory"] for row in found.facts["orphan_directories"]] == [f"{tmp_path}/{LEFT}"]
    assert found.warnings == ()


def test_where_another_cluster_cannot_be_asked_there_are_no_orphans(cluster, tmp_path):
    (tmp_path / THEIRS).mkdir()
    runner = other_cluster(tmp_path, Completed(1, "", "connection refused"))
    found = run(OPTIONS, False, runner=runner, connect=lambda *_where: cluster)
    assert found.facts["orphan_directories"] == []
    assert f"cluster o has {tmp_path} mounted too" in found.warnings[0]


def test_the_api_of_another_cluster_of_the_same_name(cluster, tmp_path):
    cluster.ca = CA.replace("S2lu", "S2xu")
    with pytest.raises(BadInput, match="The kubeconfig points to another cluster than k: its CA certificate"):
        show(cluster, tmp_path)
