"""Whole restores of every kind of volume: what comes back, in check mode, in the run, and in the next one."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._action.volume_restore import ARGUMENTS, run
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import defaults
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.scan import scan
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.restore import check
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.restore import extract as on_host
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.restore.ways import obstacles
from ansible_collections.kindlab.volumes.tests.unit.support.backups import (
    NAMESPACE,
    STORAGE_CLASS,
    claim,
    inspected,
    volume,
)
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import FakeCluster, Killed, binding_controller
from ansible_collections.kindlab.volumes.tests.unit.support.generations import write_generation
from ansible_collections.kindlab.volumes.tests.unit.support.nodes import NodesHere

OPTIONS = {**defaults(ARGUMENTS), "engine": "docker", "cluster": "k", "wait_timeout": 1}
OBJECTS = (NAMESPACE, STORAGE_CLASS)


class Lab:
    """A host with one node, whose /data is its directory data, and a cluster without volumes."""

    def __init__(self, path: Path) -> None:
        self.path, self.data, self.backup = path, path / "data", path / "backup"
        self.nodes = [inspected("k-worker", "k", "worker", data=str(self.data))]
        self.cluster = FakeCluster({"kind": "Node", "metadata": {"name": "k-worker", "labels": {"disk": "hdd"}}})
        self.cluster.react = binding_controller

    def write(self, name, text="text"):
        """A file in the data directory, whose directory is returned."""
        file = self.data / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return str(file.parent)

    def restore(self, check_mode=False, **options):
        runner = NodesHere([(["docker", "ps"], "abc\n"), (["docker", "inspect"], json.dumps(self.nodes))])
        options = {**OPTIONS, "path": str(self.backup), **options}
        return run(options, check_mode, runner=runner, connect=lambda *_where: self.cluster)

    def rows(self, **options):
        """By name, the rows of a run; the check before it must say the same, and the run after it change nothing."""
        before = sorted(self.data.rglob("*"))
        checked = self.restore(True, **options)
        assert self.cluster.writes == []
        assert sorted(self.data.rglob("*")) == before
        done = self.restore(**options)
        for outcome in (checked, done):
            outcome.facts.pop("seconds")
        assert (checked.facts, checked.before, checked.after) == (done.facts, done.before, done.after)
        assert checked.warnings == done.warnings
        again = self.restore(**options)
        assert not again.changed
        same = ("name", "claim", "phase", "claim_phase", "reclaim_policy")
        assert [[r[k] for k in same] for r in again.facts["volumes"]] == [
            [r[k] for k in same] for r in done.facts["volumes"]
        ]
        self.warnings, self.facts, self.after = done.warnings, done.facts, done.after
        return {row["name"]: row for row in done.facts["volumes"]}

    def refused(self, error=Declined, **options):
        """The error, the same in check mode and in the run; nothing is changed."""
        raised = []
        for check_mode in (True, False):
            with pytest.raises(error) as caught:
                self.restore(check_mode, **options)
            raised.append(caught.value)
        assert raised[0].text() == raised[1].text()
        assert self.cluster.writes == []
        return raised[0]


@pytest.fixture
def lab(tmp_path):
    (tmp_path / "data").mkdir()
    return Lab(tmp_path)


def pv(number, of_claim=None, **spec):
    """The volume v<number> of the claim ns/c<of_claim>; a source in spec replaces its hostPath."""
    item = volume(number)
    item["spec"]["claimRef"]["name"] = f"c{number if of_claim is None else of_claim}"
    if spec.keys() & {"nfs", "csi", "iscsi", "local"}:
        del item["spec"]["hostPath"]
    item["spec"] |= spec
    return item


def test_a_released_volume_and_the_one_that_its_claim_has_now(lab):
    lab.write("v0/old"), lab.write("v1/new")
    saved = [(pv(0, of_claim=1), f"{lab.data}/v0"), (pv(1), f"{lab.data}/v1")]
    write_generation(lab.backup, saved, claim(1), *OBJECTS)
    rows = lab.rows(reclaim_policy="original")
    assert [(r["phase"], r["claim_phase"], r["checksum"]) for r in rows.values()] == [
        ("Released", "", "equal"),
        ("Bound", "Bound", "equal"),
    ]
    assert rows["v0"]["why"].startswith("is Released as in the backup, where its claim ns/c1 was gone; 1 file in")
    assert lab.warnings == ()
    lab.cluster.delete("PersistentVolumeClaim", "c1", "ns")
    item = claim(1)
    del item["spec"]["volumeName"]
    lab.cluster.create(item)
    binding_controller(lab.cluster)
    assert lab.cluster.get("PersistentVolume", "v0")["status"]["phase"] == "Released"


def test_a_released_volume_keeps_the_policy_retain(lab):
    lab.write("v0/old")
    item = pv(0)
    item["metadata"]["annotations"]["kindlab.volumes/original-reclaim-policy"] = "Delete"
    write_generation(lab.backup, [(item, f"{lab.data}/v0")], *OBJECTS)
    assert lab.rows(reclaim_policy="original")["v0"]["reclaim_policy"] == "Retain"
    assert lab.cluster.get("PersistentVolume", "v0")["spec"]["persistentVolumeReclaimPolicy"] == "Retain"


LOCAL_DATA = {"labels": {"kindlab.volumes/local-data": "read-only"}}


@pytest.mark.parametrize(
    ("spec", "metadata", "where", "warns"),
    [
        ({"nfs": {"server": "nas", "path": "/x"}, "nodeAffinity": None}, {}, "nfs nas:/x", True),
        ({"csi": {"driver": "d.example", "volumeHandle": "h"}}, {}, "csi d.example h", True),
        ({"iscsi": {"targetPortal": "nas:3260", "iqn": "iqn.x", "lun": 0}}, {}, "iscsi nas:3260 iqn.x 0", True),
        ({"local": {"path": "/dev/sdb"}, "volumeMode": "Block"}, {}, "local /dev/sdb, a block device", True),
        ({"local": {"path": "/data/l"}}, LOCAL_DATA, "local /data/l, data of the host", False),
    ],
    ids=["nfs", "csi", "iscsi", "block", "local_data"],
)
@pytest.mark.parametrize("verify", ["full", "none"])
def test_data_that_no_backup_has(lab, spec, metadata, where, warns, verify):
    item = pv(0, **{key: value for key, value in spec.items() if value})
    if "nodeAffinity" in spec:
        del item["spec"]["nodeAffinity"]
    item["metadata"] |= metadata
    write_generation(lab.backup, [(item, "")], claim(0), *OBJECTS)
    row = lab.rows(verify=verify)["v0"]
    assert (row["phase"], row["claim_phase"], row["checksum"]) == ("Bound", "Bound", "not compared")
    assert row["why"] == f"binds to ns/c0; its data is elsewhere ({where})"
    expected = f"The data of 1 volume is not in the backup and was not compared: ns/c0 ({where})."
    assert lab.warnings == ((expected,) if warns else ())


def waiting(number, **spec):
    item = claim(number)
    item["spec"] |= spec
    return {**item, "spec": {k: v for k, v in item["spec"].items() if k != "volumeName"}}


def test_claims_without_a_volume(lab):
    lab.write("v0/f")
    claims = (claim(0), waiting(1), waiting(2, storageClassName="fast"), claim(9))
    write_generation(lab.backup, [(pv(0), f"{lab.data}/v0")], *claims, *OBJECTS)
    assert list(lab.rows()) == ["v0"]
    assert lab.facts["claims"] == ["ns/c1", "ns/c2"]
    assert lab.after["claims"]["ns/c1"] == "without a volume, as in the backup"
    assert lab.after["claims"]["ns/c2"].endswith("it stays Pending: its storage class fast does not exist")
    assert {c["metadata"]["name"]: c["status"]["phase"] for c in lab.cluster.list("PersistentVolumeClaim")} == {
        "c0": "Bound",
        "c1": "Pending",
        "c2": "Pending",
    }
    assert lab.warnings == (
        "Claims whose volume is not in the backup are not restored: ns/c9 (v9).",
        "1 claim stays Pending: ns/c2 (its storage class fast does not exist). Create the storage class, or a volume "
        "of it, or delete the claim.",
    )


def test_only_claims_without_a_volume(lab):
    write_generation(lab.backup, [], waiting(1), *OBJECTS)
    assert lab.rows() == {}
    assert (lab.facts["claims"], lab.facts["namespaces"], lab.facts["storage_classes"]) == (
        ["ns/c1"],
        ["ns"],
        ["standard"],
    )


def test_a_claim_without_a_volume_that_cannot_be_created(lab):
    write_generation(lab.backup, [], waiting(1), *OBJECTS)
    lab.cluster.put({**NAMESPACE, "status": {"phase": "Terminating"}})
    assert "- ns/c1: the namespace ns is being deleted" in lab.refused().message


class TestNested:
    """v1 lies in the directory of v0, v2 has the directory of v1."""

    @pytest.fixture
    def nested(self, lab):
        lab.write("v0/a", "of v0")
        lab.write("v0/in/b", "of v1")
        os.link(lab.data / "v0" / "a", lab.data / "v0" / "in" / "twin")
        places = {0: "v0", 1: "v0/in", 2: "v0/in"}
        saved = [(pv(n, hostPath={"path": f"/data/{p}"}), f"{lab.data}/{p}") for n, p in places.items()]
        write_generation(lab.backup, saved, *map(claim, range(3)), *OBJECTS)
        self.saved = scan(f"{lab.data}/v0", "full")
        shutil.rmtree(lab.data / "v0")
        return lab

    def test_the_outer_archive_brings_the_inner_data(self, nested):
        rows = nested.rows()
        assert {row["phase"] for row in rows.values()} == {"Bound"}
        assert {row["checksum"] for row in rows.values()} == {"equal"}
        assert "its archive (3 files) is extracted to" in rows["v0"]["why"]
        assert rows["v1"]["why"].endswith("its data (2 files) is in the archive of v0, which is extracted first")
        assert rows["v2"]["why"].endswith("its data (2 files) is in the archive of v0, which is extracted first")
        assert scan(f"{nested.data}/v0", "full") == self.saved

    def test_an_inner_one_alone(self, nested):
        rows = nested.rows(names=["v1", "v2"])
        assert "is extracted to" in rows["v1"]["why"]
        assert "in the archive of v1" in rows["v2"]["why"]
        assert (nested.data / "v0" / "in" / "b").read_text() == "of v1"

    def test_inside_a_node(self, nested, tmp_path):
        nested.nodes = [inspected("k-worker", "k", "worker")]
        nested.backup = tmp_path / "inside"
        nested.write("v0/a"), nested.write("v0/in/b")
        places = {0: "v0", 1: "v0/in", 2: "v0/in"}
        saved = [(pv(n, hostPath={"path": f"{nested.data}/{p}"}), f"{nested.data}/{p}") for n, p in places.items()]
        write_generation(nested.backup, saved, *map(claim, range(3)), *OBJECTS)
        before = scan(f"{nested.data}/v0", "full")
        shutil.rmtree(nested.data / "v0")
        assert {row["checksum"] for row in nested.rows().values()} == {"equal"}
        assert scan(f"{nested.data}/v0", "full") == before

    def test_what_differs_in_the_archives_is_refused(self, lab):
        lab.write("v0/in/b", "older")
        write_generation(lab.path / "one", [(pv(0), f"{lab.data}/v0")])
        lab.write("v0/in/b", "newer")
        saved = [(pv(n, hostPath={"path": f"/data/{p}"}), f"{lab.data}/{p}") for n, p in ((0, "v0"), (1, "v0/in"))]
        write_generation(lab.backup, saved, claim(0), claim(1), *OBJECTS)
        swap(lab.path / "one", lab.backup, "v0")
        shutil.rmtree(lab.data / "v0")
        (row,) = lab.refused().details
        assert row["name"] == "v1"
        assert "is also in the archive of v0, which differs there: 1 changed: b (sha256)" in row["why"]

    @pytest.mark.parametrize("killed", [None, "while the inner one is extracted", "before anything is written"])
    def test_a_file_system_mounted_in_the_outer_one_comes_from_its_own_archive(self, lab, monkeypatch, killed):
        lab.write("v0/a"), lab.write("in/b", "of v1")
        (lab.data / "v0" / "in").mkdir()
        saved = [(pv(0), f"{lab.data}/v0"), (pv(1, hostPath={"path": "/data/v0/in"}), f"{lab.data}/in")]
        write_generation(lab.backup, saved, claim(0), claim(1), *OBJECTS)
        shutil.rmtree(lab.data / "v0")
        with suppress(Killed), monkeypatch.context() as patch:
            if killed == "before anything is written":
                lab.cluster.kill_after = 0
            elif killed:
                patch.setattr(on_host, "_move_up", lambda *_arguments: (n for n in ()).throw(Killed))
            rows = lab.restore().facts["volumes"]
            assert ["is extracted to" in row["why"] for row in rows] == [True, True]
        if killed:
            lab.cluster.kill_after = None
            lab.cluster.writes.clear()
            assert {row["phase"] for row in lab.rows().values()} == {"Bound"}
        assert (lab.data / "v0" / "in" / "b").read_text() == "of v1"


def swap(source, backup, name):
    """Put the archive and list of another backup in the place of a volume's."""
    from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import own_digest

    (one,), (other,) = source.glob("generations/*"), backup.glob("generations/*")
    catalogs = [json.loads((place / "catalog.json").read_text()) for place in (one, other)]
    for path in (f"archives/{name}.tar.gz", f"checksums/{name}.jsonl"):
        shutil.copyfile(one / path, other / path)
        catalogs[1]["files"][path] = catalogs[0]["files"][path]
    catalogs[1]["volumes"][0] = {**catalogs[0]["volumes"][0]}
    catalogs[1].pop("sha256")
    (other / "catalog.json").write_text(json.dumps({**catalogs[1], "sha256": own_digest(catalogs[1])}))


class TestMountRoot:
    """The directory of v0 is what the node has mounted."""

    @pytest.fixture
    def mounted(self, lab):
        lab.write("f", "of v0")
        write_generation(lab.backup, [(pv(0, hostPath={"path": "/data"}), str(lab.data))], claim(0), *OBJECTS)
        (lab.data / "f").unlink()
        return lab

    def test_on_a_new_machine_the_node_sees_the_data(self, mounted):
        node = os.open(mounted.data, os.O_RDONLY)
        assert mounted.rows()["v0"]["checksum"] == "equal"
        assert os.listdir(node) == ["f"]
        os.close(node)

    @pytest.mark.parametrize("killed", range(3))
    def test_a_killed_run_is_completed(self, mounted, monkeypatch, killed):
        rename, calls = os.rename, []

        def dying(source, target):
            if len(calls) == killed:
                raise Killed
            calls.append(target)
            rename(source, target)

        with monkeypatch.context() as patch:
            patch.setattr(on_host.os, "rename", dying)
            patch.setattr(on_host.shutil, "rmtree", lambda *_a, **_k: None)
            with suppress(Killed):
                mounted.restore()
        mounted.cluster.writes.clear()
        assert mounted.rows()["v0"]["phase"] == "Bound"
        assert os.listdir(mounted.data) == ["f"]

    def test_a_symbolic_link_is_followed_as_the_engine_does(self, mounted):
        mounted.data.rename(mounted.path / "big")
        mounted.data.symlink_to(mounted.path / "big")
        assert mounted.rows()["v0"]["checksum"] == "equal"
        assert (mounted.path / "big" / "f").read_text() == "of v0"
        assert mounted.data.is_symlink()


LABEL = {
    "required": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}]}
}


@pytest.mark.parametrize("spec", [{}, {"nfs": {"server": "nas", "path": "/x"}}], ids=["hostPath", "nfs"])
def test_a_label_that_no_node_has(lab, spec):
    lab.write("v0/f")
    item = pv(0, nodeAffinity=LABEL, **spec)
    write_generation(lab.backup, [(item, "" if spec else f"{lab.data}/v0")], claim(0), *OBJECTS)
    error = lab.refused()
    assert "no node of this cluster fits its node affinity, which requires disk=ssd" in error.message
    assert error.next_step.endswith("kubectl label node k-worker disk=ssd")
    node = lab.cluster.get("Node", "k-worker")
    lab.cluster.put({**node, "metadata": {**node["metadata"], "labels": {"disk": "ssd"}}})
    assert lab.rows()["v0"]["phase"] == "Bound"


def test_a_csi_driver_labels_the_nodes_later(lab):
    item = pv(0, nodeAffinity=LABEL, csi={"driver": "d", "volumeHandle": "h"})
    write_generation(lab.backup, [(item, "")], claim(0), *OBJECTS)
    assert lab.rows()["v0"]["phase"] == "Bound"


def test_a_directory_that_only_one_of_two_nodes_has(lab):
    lab.write("v0/f")
    item = pv(0)
    del item["spec"]["nodeAffinity"]
    write_generation(lab.backup, [(item, f"{lab.data}/v0")], claim(0), *OBJECTS)
    lab.nodes.append(inspected("k-worker2", "k", "worker"))
    lab.nodes.append(inspected("k-control-plane", "k", "control-plane"))
    taint = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
    lab.cluster.put({"kind": "Node", "metadata": {"name": "k-worker2"}})
    lab.cluster.put({"kind": "Node", "metadata": {"name": "k-control-plane"}, "spec": {"taints": [taint]}})
    assert "mounted from the host in k-worker, but not in k-worker2, where its pods" in lab.refused().message
    lab.nodes[1] = inspected("k-worker2", "k", "worker", data=str(lab.data))
    assert lab.rows()["v0"]["host_directory"] == f"{lab.data}/v0"


class TestRoom:
    @pytest.fixture
    def empty(self, lab):
        lab.write("v0/f", "x" * 1000)
        write_generation(lab.backup, [(pv(0), f"{lab.data}/v0")], claim(0), *OBJECTS)
        shutil.rmtree(lab.data / "v0")
        return lab

    @pytest.mark.parametrize(
        ("free", "inodes", "why"),
        [
            (100, 1000, "bytes are needed, 100 are free"),
            (10**9, 0, "1 files, 0 inodes are free"),
        ],
    )
    def test_a_full_disk(self, empty, monkeypatch, free, inodes, why):
        space = SimpleNamespace(f_bavail=free, f_frsize=1, f_files=1000, f_favail=inodes)
        monkeypatch.setattr(obstacles.os, "statvfs", lambda _path: space)
        assert why in empty.refused().message
        assert not (empty.data / "v0").exists()

    def test_holes_need_no_room(self, lab, monkeypatch):
        directory = lab.write("v0/f")
        with open(f"{directory}/f", "r+b") as file:
            file.truncate(64 << 20)
        write_generation(lab.backup, [(pv(0), directory)], claim(0), *OBJECTS)
        shutil.rmtree(directory)
        space = SimpleNamespace(f_bavail=1 << 20, f_frsize=1, f_files=0, f_favail=0)
        monkeypatch.setattr(obstacles.os, "statvfs", lambda _path: space)
        assert lab.rows()["v0"]["checksum"] == "equal"

    def test_a_directory_that_cannot_be_written_to(self, empty, monkeypatch):
        closed, access = str(empty.data), os.access
        monkeypatch.setattr(os, "access", lambda path, mode, **_how: path != closed and access(path, mode))
        assert f"cannot be extracted: {empty.data} is not a writable directory" in empty.refused().message

    def test_files_of_others_as_another_user(self, empty, monkeypatch):
        """A node that has the directory mounted read-only cannot give them their owner either."""
        empty.nodes[0]["Mounts"][0]["RW"] = False
        monkeypatch.setattr(obstacles.os, "geteuid", lambda: 12345)
        error = empty.refused()
        assert f"it has files of the user {os.getuid()}, which only root can restore" in error.message

    def test_a_missing_program(self, empty, monkeypatch):
        monkeypatch.setattr(check, "check_compressor", lambda _compression: (n for n in ()).throw(BadInput("no tar")))
        assert empty.refused(BadInput).message == "no tar"

    def test_a_node_without_tar(self, empty, monkeypatch):
        empty.nodes = [inspected("k-worker", "k", "worker")]
        monkeypatch.setattr(obstacles, "_LOOK", "echo tar is missing >&2; exit 3")
        assert "in the node k-worker: tar is missing" in empty.refused(BadInput).message

    def test_a_full_disk_in_a_node(self, empty, monkeypatch):
        empty.nodes = [inspected("k-worker", "k", "worker")]
        monkeypatch.setattr(obstacles, "_LOOK", 'for p do echo "yes 100 - 1 /"; done')
        assert "not enough room at / in k-worker" in empty.refused().message


def test_a_volume_that_was_never_used_needs_no_directory(lab):
    item = pv(0)
    del item["spec"]["claimRef"], item["metadata"]["annotations"]
    write_generation(lab.backup, [(item, "")], *OBJECTS, v0="unused")
    row = lab.rows()["v0"]
    assert (row["phase"], row["claim"], row["checksum"]) == ("Available", "", "not compared")
    lab.cluster.delete("PersistentVolume", "v0")
    lab.cluster.writes.clear()
    lab.nodes = [inspected("k-worker", "k", "worker")]
    assert lab.rows()["v0"]["phase"] == "Available"


def test_a_bound_volume_without_its_directory_is_refused(lab):
    directory = lab.write("v0/f")
    write_generation(lab.backup, [(pv(0), directory)], claim(0), *OBJECTS, v0="Bound")
    shutil.rmtree(directory)
    (lab.data / "v0").symlink_to("nowhere")
    assert "v0 is not a directory" in lab.refused().message


@pytest.mark.parametrize("phase", ["Released", "Failed"])
def test_a_released_volume_without_a_provisioner(lab, phase):
    item = pv(0)
    del item["metadata"]["annotations"]
    write_generation(lab.backup, [(item, lab.write("v0/f"))], *OBJECTS, v0=phase)
    assert lab.rows()["v0"]["phase"] == "Released"
