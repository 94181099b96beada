"""The backup's action, on directories of its own and a cluster in memory: four runs, and everything that stops it."""

from __future__ import annotations

import itertools
import json
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._action.volume_backup import ARGUMENTS, run
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import FORMAT
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog_reader import NewerFormat
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.manifests import MANIFESTS, WORKLOADS
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    BadInput,
    Conflict,
    Declined,
    KindlabError,
    Unreachable,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube import workloads
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import merged
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import defaults
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup import data as backup_data
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup import generation, looks, save
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import generations, read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.writer import locked
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Completed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.scan import scan
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.loaded_images import store
from ansible_collections.kindlab.volumes.tests.unit.support.backups import inspected
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import CA, FakeCluster, Killed, swapped
from ansible_collections.kindlab.volumes.tests.unit.support.nodes import NodesHere
from ansible_collections.kindlab.volumes.tests.unit.support.workloads import made_by, stateful, workload

OPTIONS = {**defaults(ARGUMENTS), "engine": "docker", "cluster": "lab", "compression": "gzip"}
Backup = Callable[..., Outcome]


def volume(name: str, claim: str, policy: str = "Delete") -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "persistentVolumeReclaimPolicy": policy,
            "hostPath": {"path": f"/data/{name}"},
            "claimRef": {"namespace": "default", "name": claim},
        },
        "status": {"phase": "Bound"},
    }


def node(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}


class AnsweringNodes(NodesHere):
    """Nodes whose API server answers inside."""

    def run(self, argv: Sequence[str], **options: Any) -> Completed:
        return Completed(0, "ok") if "kubectl" in argv else super().run(argv, **options)


class Lab:
    """A host directory, its cluster with two volumes in it, and the module's options."""

    def __init__(self, top: Path) -> None:
        self.host = top / "host"
        for name in ("pv-a", "pv-b"):
            (self.host / name).mkdir(parents=True)
            (self.host / name / "f").write_text(name)
        self.path = top / "backup"
        claims = [
            {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {"namespace": "default", "name": name, "labels": {"app": name}},
                "spec": {"volumeName": f"pv-{name}"},
                "status": {"phase": "Bound"},
            }
            for name in ("a", "b")
        ]
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}
        volumes = [volume("pv-a", "a"), volume("pv-b", "b", "Retain")]
        self.cluster = FakeCluster(node("lab-worker"), namespace, *claims, *volumes)
        self.clock = 0
        self.state = "running"
        self.mounts = [{"Type": "bind", "Source": str(self.host), "Destination": "/data", "RW": True}]
        self.runner = NodesHere([])
        self.nodes = ["lab-worker"]
        self.silent = False
        self.ready = False

    def __call__(self, *, check: bool = False, **options: Any) -> Outcome:
        self.clock += 1
        shown = [
            {
                "Name": f"/{name}",
                "State": {"Status": self.state},
                "Config": {"Labels": {"io.x-k8s.kind.cluster": "lab", "io.x-k8s.kind.role": name.partition("-")[2]}},
                "Mounts": self.mounts,
            }
            for name in self.nodes
        ]
        if self.state != "running":
            # A cluster answers while its control plane runs.
            shown.append(inspected("lab-control-plane", "lab", "control-plane"))
        listed = "".join("id\n" for _node in shown)
        kind = AnsweringNodes if self.ready else NodesHere
        # What is in the node image cannot be read.
        image = (["docker", "run"], Completed(1))
        self.runner = kind([(["docker", "ps"], listed), (["docker", "inspect"], json.dumps(shown)), image])
        return run(
            {**OPTIONS, "path": str(self.path), **options},
            check,
            runner=self.runner,
            connect=self.connect,
            now=lambda: datetime(2026, 11, 23, 7, 0, self.clock, tzinfo=timezone.utc),
        )

    def connect(self, *_arguments: object) -> FakeCluster:
        if self.silent:
            raise Unreachable("The API server does not answer.", next_step="Start it.")
        return self.cluster

    def move_inside(self) -> None:
        """The volume pv-a into its node, where nothing of the host is mounted."""
        self.cluster.patch("PersistentVolume", "pv-a", {"spec": {"hostPath": {"path": str(self.host / "pv-a")}}})
        self.cluster.writes.clear()

    def policies(self) -> dict[str, str]:
        return {
            item["metadata"]["name"]: item["spec"]["persistentVolumeReclaimPolicy"]
            for item in self.cluster.list("PersistentVolume")
        }


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


@pytest.mark.parametrize("data", ["in_place", "archive"])
def test_four_runs(lab: Lab, data: str) -> None:
    predicted = lab(check=True, data=data)
    assert predicted.changed
    assert not lab.path.exists()
    assert lab.cluster.writes == []
    lab.clock -= 1
    done = lab(data=data)
    assert done.changed
    assert (done.before, done.after) == (predicted.before, predicted.after)
    assert done.facts["generation"] == predicted.facts["generation"] == "000001-20261123T070001Z"
    assert lab.cluster.writes == [("patch", "PersistentVolume", "pv-a")]
    assert set(lab.policies().values()) == {"Retain"}
    for check in (False, True):
        again = lab(data=data, check=check)
        assert not again.changed
        assert again.before == again.after
        assert again.facts["volumes"][0]["digest"] == done.facts["volumes"][0]["digest"]
        assert again.facts["volumes"][0]["archive"] == done.facts["volumes"][0]["archive"]
    assert generations(lab.path) == [done.facts["generation"]]
    assert len(lab.cluster.writes) == 1


def test_what_was_saved_can_be_read(lab: Lab) -> None:
    outcome = lab(data="archive")
    found = read_backup(lab.path)
    found.check_archives()
    assert str(found.directory) == outcome.facts["directory"]
    assert Path(outcome.facts["catalog"]).is_file()
    first, second = found.catalog.volumes
    assert (first.name, first.claim, first.reclaim_policy, first.files, first.bytes) == (
        "pv-a",
        "default/a",
        "Delete",
        1,
        4,
    )
    assert second.reclaim_policy == "Retain"
    assert first.host_directory == str(lab.host / "pv-a")
    assert [entry.path for entry in found.entries(first)] == [".", "f"]
    assert [item["metadata"]["name"] for item in found.objects("PersistentVolumeClaim")] == ["a", "b"]


def test_a_line_per_volume(lab: Lab) -> None:
    (line, _other) = lab().facts["volumes"]
    assert line.pop("digest")
    assert line == {
        "name": "pv-a",
        "claim": "default/a",
        "phase": "Bound",
        "data": "host",
        "source": "",
        "node": "",
        "node_directory": "/data/pv-a",
        "host_directory": str(lab.host / "pv-a"),
        "files": 1,
        "bytes": 4,
        "consistent": True,
        "archive": "",
        "original_reclaim_policy": "Delete",
        "reclaim_policy_before": "Delete",
        "reclaim_policy": "Retain",
        "in_use_by": [],
    }


@pytest.mark.parametrize("mode, changed", [("full", False), ("fast", True), ("none", False)])
def test_only_fast_minds_times(lab: Lab, mode: str, changed: bool) -> None:
    lab(checksums=mode)
    os.utime(lab.host / "pv-a" / "f", ns=(1, 1))
    assert lab(checksums=mode).changed == changed


@pytest.mark.parametrize("mode, changed", [("full", True), ("fast", False), ("none", False)])
def test_only_full_minds_content_alone(lab: Lab, mode: str, changed: bool) -> None:
    os.utime(lab.host / "pv-a" / "f", ns=(1, 1))
    lab(checksums=mode)
    (lab.host / "pv-a" / "f").write_text("PV-A")
    os.utime(lab.host / "pv-a" / "f", ns=(1, 1))
    assert lab(checksums=mode, check=True).changed == changed
    assert lab(checksums=mode).changed == changed


def test_a_changed_manifest_makes_a_generation(lab: Lab) -> None:
    lab()
    lab.cluster.patch("PersistentVolumeClaim", "a", {"metadata": {"labels": {"new": "1"}}}, "default")
    assert lab().changed
    assert len(generations(lab.path)) == 2


def default_workload(kind: str, name: str, *claims: str, **spec: Any) -> dict[str, Any]:
    return workload(kind, name, *claims, metadata={"namespace": "default"}, **spec)


def saved_workloads(lab: Lab) -> dict[str, Any]:
    return {workloads.key(item): item for item in read_backup(lab.path).workloads()}


def test_what_makes_pods_with_the_volumes_is_saved(lab: Lab) -> None:
    job = default_workload("Job", "once", "b")
    above = {"namespace": "default", **made_by("Deployment", "web")}
    done = {"conditions": [{"type": "Complete", "status": "True"}]}
    for item in (
        default_workload("Deployment", "web", "a"),
        workload("ReplicaSet", "web-1", "a", metadata=above),
        stateful("db", made="a", metadata={"namespace": "default"}),
        job,
        {**default_workload("Job", "done", "a"), "status": done},
        default_workload("CronJob", "other", "none"),
    ):
        lab.cluster.put(item)
    assert lab().changed
    saved = saved_workloads(lab)
    assert list(saved) == ["default/Deployment/web", "default/Job/once"]
    web = saved["default/Deployment/web"]
    assert (web["apiVersion"], web["spec"]) == ("apps/v1", default_workload("Deployment", "web", "a")["spec"])
    assert web["metadata"] == {"name": "web", "namespace": "default"}
    assert "selector" not in saved["default/Job/once"]["spec"]
    assert not lab().changed
    lab(names=["pv-b"])
    assert list(saved_workloads(lab)) == ["default/Job/once"]


def test_without_owners_there_is_no_file_of_them(lab: Lab) -> None:
    directory = Path(lab().facts["directory"])
    assert not (directory / MANIFESTS[WORKLOADS]).exists()
    assert saved_workloads(lab) == {}


def test_what_was_brought_to_zero_is_saved_with_what_it_had(lab: Lab) -> None:
    """Whenever it is saved; only a change of somebody else makes a new generation."""
    web = lab.cluster.put(default_workload("Deployment", "web", "a", replicas=3))
    assert lab().changed
    before = saved_workloads(lab)
    change = workloads.scale_down_patch(web)
    assert change
    lab.cluster.patch("Deployment", "web", change, "default")
    assert not lab().changed
    lab.cluster.patch("Deployment", "web", {"spec": {"replicas": 5}}, "default")
    assert lab().changed
    (after,) = saved_workloads(lab).values()
    assert after["spec"] == {**before["default/Deployment/web"]["spec"], "replicas": 5}
    assert "labels" not in after["metadata"]


def test_keep_removes_the_oldest_after_the_new_one(lab: Lab) -> None:
    for number in range(3):
        (lab.host / "pv-a" / "f").write_text(str(number))
        lab()
    names = generations(lab.path)
    predicted = lab(keep=2, check=True)
    assert predicted.facts["removed_generations"] == names[:1]
    assert generations(lab.path) == names
    assert lab(keep=2).after == predicted.after
    assert generations(lab.path) == names[1:]
    assert not lab(keep=2).changed
    (lab.host / "pv-a" / "f").write_text("new")
    lab(keep=1)
    assert [name[:6] for name in generations(lab.path)] == ["000004"]


def loaded(lab: Lab, letter: str) -> list[dict[str, Any]]:
    """The index of one image, whose archive is there."""
    archive = f"images/{letter * 64}.tar"
    (lab.path / "images").mkdir(exist_ok=True, parents=True)
    (lab.path / archive).write_text(letter)
    row = {"names": [f"{letter}:1"], "digest": f"sha256:{letter * 64}", "nodes": ["lab-worker"], "bytes": 1}
    return [{**row, "archive": archive}]


def archives(lab: Lab) -> list[str]:
    return sorted(file.name[0] for file in (lab.path / "images").glob("*.tar"))


def test_a_generation_lists_the_images_that_were_saved_for_it(lab: Lab) -> None:
    index = loaded(lab, "a")
    assert lab(loaded_images=index).changed
    (described,) = read_backup(lab.path).objects("Cluster")
    assert described["loaded_images"] == index
    assert not lab(loaded_images=index).changed
    assert lab().changed
    (described,) = read_backup(lab.path).objects("Cluster")
    assert "loaded_images" not in described


def test_archives_of_images_go_with_the_last_generation_that_needs_them(lab: Lab) -> None:
    both = [*loaded(lab, "a"), *loaded(lab, "b")]
    loaded(lab, "c")
    lab(loaded_images=both)
    lab(loaded_images=both[1:])
    assert archives(lab) == ["a", "b", "c"]
    lab(keep=2, loaded_images=both[1:], check=True)
    assert archives(lab) == ["a", "b", "c"]
    lab(keep=2, loaded_images=both[1:])
    assert archives(lab) == ["a", "b"]
    lab(keep=1, loaded_images=both[1:])
    assert archives(lab) == ["b"]
    (lab.host / "pv-a" / "f").write_text("new")
    lab(keep=1, loaded_images=both[1:])
    assert archives(lab) == ["b"]


def test_archives_of_images_stay_if_a_generation_cannot_be_read(lab: Lab) -> None:
    lab(loaded_images=loaded(lab, "a"))
    lab()
    (lab.path / "generations" / generations(lab.path)[0] / "catalog.json").write_text("{")
    lab(keep=1)
    assert archives(lab) == ["a"]


def test_archives_of_images_stay_while_another_run_writes_some(lab: Lab) -> None:
    loaded(lab, "a")
    with store.locked(lab.path):
        lab(keep=1)
    assert archives(lab) == ["a"]
    lab(keep=1)
    assert archives(lab) == []


def test_an_archive_of_an_image_that_another_run_removed_is_noticed(lab: Lab) -> None:
    index = loaded(lab, "a")
    (lab.path / index[0]["archive"]).unlink()
    with pytest.raises(Conflict, match="was removed by another run"):
        lab(loaded_images=index)
    assert not (lab.path / "generations").exists()


def test_selection_by_labels(lab: Lab) -> None:
    outcome = lab(label_selectors=["app=b"])
    assert [line["name"] for line in outcome.facts["volumes"]] == ["pv-b"]
    assert lab.policies()["pv-a"] == "Delete"


def test_version_and_labels_are_read_beside_the_rest(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    together = threading.Barrier(3, timeout=30)

    def waits(method: Callable[..., Any]) -> Callable[..., Any]:
        def waiting(*arguments: Any) -> Any:
            if method.__name__ != "list" or "app=b" in arguments:
                together.wait()
            return method(*arguments)

        return waiting

    for name in ("version", "list", "lists"):
        monkeypatch.setattr(lab.cluster, name, waits(getattr(lab.cluster, name)))
    assert [line["name"] for line in lab(label_selectors=["app=b"], check=True).facts["volumes"]] == ["pv-b"]


def test_pods_that_use_volumes_are_warned_of(lab: Lab) -> None:
    spec = {"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "a"}}]}
    metadata = {"namespace": "default", "name": "w"}
    lab.cluster.put({"kind": "Pod", "metadata": metadata, "spec": spec, "status": {"phase": "Running"}})
    outcome = lab()
    assert outcome.facts["volumes"][0]["in_use_by"] == ["default/w"]
    assert "pv-a" in outcome.warnings[0]


def test_check_mode_after_a_detachment_in_check_mode_predicts_the_run(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The task before would have stopped the pod that uses pv-a, and writes to it; nothing stops that of pv-b."""
    for name in ("a", "b"):
        spec = {"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": name}}]}
        metadata = {"namespace": "default", "name": name}
        lab.cluster.put({"kind": "Pod", "metadata": metadata, "spec": spec, "status": {"phase": "Running"}})
    with monkeypatch.context() as patch:
        patch.setattr(backup_data, "scan_each", _changing(backup_data.scan_each))
        predicted = lab(check=True, assume_unused=["pv-a"])
    lab.cluster.delete("Pod", "a", "default")
    lab.clock -= 1
    outcome = lab(assume_unused=["pv-a"])
    assert predicted.warnings == outcome.warnings and "1 volume may be inconsistent" in outcome.warnings[0]
    rows = [[line["in_use_by"] for line in run.facts["volumes"]] for run in (predicted, outcome)]
    assert rows == [[[], ["default/b"]]] * 2


def test_a_run_believes_its_eyes(lab: Lab) -> None:
    spec = {"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "a"}}]}
    metadata = {"namespace": "default", "name": "a"}
    lab.cluster.put({"kind": "Pod", "metadata": metadata, "spec": spec, "status": {"phase": "Running"}})
    assert "pv-a" in lab(assume_unused=["pv-a"]).warnings[0]


def test_a_cluster_without_volumes(lab: Lab) -> None:
    for name in ("a", "b"):
        lab.cluster.delete("PersistentVolume", f"pv-{name}")
        lab.cluster.delete("PersistentVolumeClaim", name, "default")
    outcome = lab()
    assert (outcome.changed, outcome.facts["volumes"]) == (False, [])
    assert "no volumes" in outcome.warnings[0]
    assert not lab.path.exists()
    index = loaded(lab, "a")
    assert lab(loaded_images=index).changed and not lab(loaded_images=index).changed
    (described,) = read_backup(lab.path).objects("Cluster")
    assert described["loaded_images"] == index


def test_a_damaged_newest_generation_is_replaced(lab: Lab) -> None:
    Path(lab().facts["catalog"]).write_text("{")
    outcome = lab()
    assert outcome.changed
    assert "damaged" in outcome.warnings[0]
    assert read_backup(lab.path).name.startswith("000002-")


def test_a_killed_run_leaves_nothing_that_counts(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_arguments: object) -> None:
        (lab.path / ".incomplete-0" / "manifests").mkdir(parents=True)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(generation, "write_files", killed)
        with pytest.raises(Killed):
            lab()
    with pytest.raises(BadInput):
        read_backup(lab.path)
    outcome = lab()
    assert outcome.changed
    assert outcome.facts["volumes"][0]["original_reclaim_policy"] == "Delete"
    assert sorted(path.name for path in lab.path.iterdir()) == [".lock", "generations"]
    assert read_backup(lab.path).catalog.volumes[0].reclaim_policy == "Delete"


def busy(lab: Lab, monkeypatch: pytest.MonkeyPatch, name: str = "pv-a") -> None:
    """Somebody writes to a volume whenever an archive of it is going to be made."""
    write_archive, numbers = backup_data.write_archive, itertools.count()

    def written(directory: str, *arguments: Any, **options: Any) -> Any:
        if directory.endswith(name):
            (lab.host / name / "f").write_text(f"{next(numbers)}")
        return write_archive(directory, *arguments, **options)

    monkeypatch.setattr(backup_data, "write_archive", written)


@pytest.mark.parametrize("node", [False, True])
def test_a_busy_volume_is_saved_as_well_as_it_can_be(lab: Lab, node: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if node:
        lab.move_inside()
    busy(lab, monkeypatch)
    outcome = lab(data="archive")
    assert [line["consistent"] for line in outcome.facts["volumes"]] == [False, True]
    assert (
        "1 volume is not saved consistently, because it was written to whenever it was read: default/a (pv-a)"
        in (outcome.warnings[0])
    )
    found = read_backup(lab.path)
    found.check_archives()
    changing, still = found.catalog.volumes
    assert (changing.consistent, still.consistent) == (False, True)
    assert changing.archive and [entry.path for entry in found.entries(changing)] == [".", "f"]
    monkeypatch.undo()
    assert lab(data="archive").facts["volumes"][0]["consistent"]


def _changing(scan_each: Callable[..., Any]) -> Callable[..., Any]:
    """scan_each, while somebody writes to pv-a."""

    def changing(directories: list[str], mode: str) -> Any:
        found = scan_each(directories, mode)
        return [
            Conflict("written to") if path.endswith("pv-a") else one
            for path, one in zip(directories, found, strict=True)
        ]

    return changing


def test_a_busy_volume_in_place_has_no_checksums(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup_data, "scan_each", _changing(backup_data.scan_each))
    predicted = lab(check=True)
    lab.clock -= 1
    outcome = lab()
    assert (outcome.before, outcome.after, outcome.warnings) == (
        predicted.before,
        predicted.after,
        predicted.warnings,
    )
    saved, other = read_backup(lab.path).catalog.volumes
    assert (saved.consistent, saved.digest, saved.checksum_list) == (False, "", "")
    assert other.consistent and other.digest
    assert not lab().changed
    lab(keep=1)
    monkeypatch.undo()
    assert lab(keep=1).facts["removed_generations"] == [outcome.facts["generation"]]


@pytest.mark.parametrize("node", [False, True])
def test_archives_of_the_newest_generation_are_read_before_it_is_relied_on(lab: Lab, node: bool) -> None:
    """One with half of it zeroed has the size that it had."""
    if node:
        lab.move_inside()
    lab(data="archive")
    assert not lab(data="archive").changed
    saved = read_backup(lab.path)
    archive = saved.directory / saved.catalog.volumes[0].archive.path
    content = archive.read_bytes()
    archive.write_bytes(content[: len(content) // 2].ljust(len(content), b"\0"))
    predicted = lab(data="archive", check=True)
    outcome = lab(data="archive")
    for found in (predicted, outcome):
        assert found.changed
        assert f"The newest generation is damaged; this backup does not depend on it: {archive}" in found.warnings[0]
    read_backup(lab.path).check_archives()
    assert len(generations(lab.path)) == 2


def test_what_is_inside_a_node_is_saved_too(lab: Lab) -> None:
    """Four runs of it, beside a volume on the host: nothing but where it was read tells them apart."""
    on_host = [line["digest"] for line in lab(data="archive", path=str(lab.path) + "-host").facts["volumes"]]
    lab.move_inside()
    predicted = lab(check=True, data="archive")
    assert lab.cluster.writes == []
    lab.clock -= 1
    done = lab(data="archive")
    assert predicted.changed and done.changed
    assert (done.before, done.after) == (predicted.before, predicted.after)
    assert done.facts["volumes"] == predicted.facts["volumes"]
    for check in (False, True):
        assert not lab(data="archive", check=check).changed
    inside, other = done.facts["volumes"]
    assert [(v["node"], v["node_directory"], v["host_directory"]) for v in (inside, other)] == [
        ("lab-worker", str(lab.host / "pv-a"), ""),
        ("", "/data/pv-b", str(lab.host / "pv-b")),
    ]
    assert [inside["digest"], other["digest"]] == on_host
    backup = read_backup(lab.path)
    backup.check_archives()
    assert [v.host_directory for v in backup.catalog.volumes] == ["", str(lab.host / "pv-b")]
    assert backup.entries(backup.catalog.volumes[0]) == scan(str(lab.host / "pv-a"), "full")
    (lab.host / "pv-a" / "f").write_text("new")
    assert lab(data="archive").changed


def test_data_elsewhere_is_told(lab: Lab) -> None:
    nfs = volume("pv-n", "n")
    nfs["spec"] |= {"hostPath": None, "nfs": {"server": "files.example", "path": "/exports/n"}}
    del nfs["spec"]["hostPath"]
    lab.cluster.put(nfs)
    for data in ("in_place", "archive"):
        outcome = lab(data=data)
        line = outcome.facts["volumes"][2]
        assert (line["data"], line["source"], line["archive"]) == ("elsewhere", "nfs files.example:/exports/n", "")
        assert outcome.warnings == (
            "The data of 1 volume is not in this backup, which has only manifests of it: "
            "default/n (nfs files.example:/exports/n)",
        )
        assert read_backup(lab.path).catalog.volumes[2].data == "elsewhere"
        assert not lab(data=data).changed
    assert lab.policies()["pv-n"] == "Retain"


def test_a_volume_that_was_never_used(lab: Lab) -> None:
    """Its directory was never made, on the host or in the node."""
    static = volume("pv-s", "s")
    del static["spec"]["claimRef"]
    static["status"]["phase"] = "Available"
    other = merged(static, {"metadata": {"name": "pv-t"}, "spec": {"hostPath": {"path": str(lab.host / "none")}}})
    lab.cluster.put(static)
    lab.cluster.put(other)
    outcome = lab()
    assert [line["data"] for line in outcome.facts["volumes"]] == ["host", "host", "none", "none"]
    assert outcome.warnings == ()
    assert not lab().changed
    (lab.host / "pv-s").mkdir()
    assert lab(names=["pv-s"]).facts["volumes"][0]["data"] == "host"


def test_claims_without_a_volume_are_saved(lab: Lab) -> None:
    for name, phase in (("waits", "Pending"), ("lost", "Lost")):
        metadata = {"namespace": "default", "name": name}
        item = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": {}}
        lab.cluster.put({**item, "status": {"phase": phase}})
    lab.cluster.put(default_workload("Deployment", "web", "waits", replicas=0))
    outcome = lab()
    assert outcome.facts["claims"] == [
        {"claim": "default/lost", "phase": "Lost", "why": ""},
        {"claim": "default/waits", "phase": "Pending", "why": ""},
    ]
    assert outcome.warnings == ("The volume of 1 claim no longer exists: default/lost. Only the claim is saved.",)
    found = read_backup(lab.path).objects("PersistentVolumeClaim")
    assert [item["metadata"]["name"] for item in found] == ["a", "b", "lost", "waits"]
    assert list(saved_workloads(lab)) == ["default/Deployment/web"]
    assert not lab().changed
    lab.silent, lab.nodes = True, []
    assert not lab(without_api="last_backup").changed


def test_a_claim_whose_storage_class_is_gone_is_told(lab: Lab) -> None:
    metadata = {"namespace": "default", "name": "waits"}
    item = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "status": {"phase": "Pending"}}
    lab.cluster.put({**item, "spec": {"storageClassName": "fast"}})
    outcome = lab(check=True)
    why = "its storage class fast does not exist"
    assert outcome.facts["claims"] == [{"claim": "default/waits", "phase": "Pending", "why": why}]
    assert outcome.warnings[0].startswith(f"1 claim stays Pending: default/waits ({why}).")
    storage_class = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "fast"}}
    lab.cluster.put({**storage_class, "provisioner": "p"})
    assert (lab(check=True).facts["claims"][0]["why"], lab(check=True).warnings) == ("", ())


def test_a_claim_that_is_being_deleted_is_rescued(lab: Lab) -> None:
    lab.cluster.patch(
        "PersistentVolumeClaim", "a", {"metadata": {"deletionTimestamp": "2026-11-23T07:00:00Z"}}, "default"
    )
    outcome = lab()
    assert "1 volume or its claims are being deleted: default/a (pv-a)" in outcome.warnings[0]
    assert lab.policies()["pv-a"] == "Retain"
    claims = read_backup(lab.path).objects("PersistentVolumeClaim")
    assert all("deletionTimestamp" not in item["metadata"] for item in claims)


def test_a_released_volume_keeps_its_phase(lab: Lab) -> None:
    lab.cluster.delete("PersistentVolumeClaim", "a", "default")
    lab.cluster.patch("PersistentVolume", "pv-a", {"status": {"phase": "Released"}}, subresource="status")
    lab()
    assert [v.phase for v in read_backup(lab.path).catalog.volumes] == ["Released", "Bound"]
    lab.silent, lab.nodes = True, []
    assert not lab(without_api="last_backup").changed


def test_empty_clusters_do_not_push_out_the_only_generation_with_a_volume(lab: Lab) -> None:
    """The cluster was created again, and the application deployed again with new claims."""
    first = lab(keep=1).facts["generation"]
    lab.cluster.delete("PersistentVolume", "pv-a")
    lab.cluster.delete("PersistentVolumeClaim", "a", "default")
    predicted = lab(keep=1, check=True)
    outcome = lab(keep=1)
    for found in (predicted, outcome):
        why = "only this generation holds default/a (pv-a)"
        assert found.facts["kept_generations"] == [{"generation": first, "why": why}]
        assert found.facts["removed_generations"] == []
        assert found.warnings[0].startswith(f"The generation {first} is not removed, although keep=1: {why}.")
    assert len(generations(lab.path)) == 2


def test_a_linked_directory_that_a_node_mounts(lab: Lab) -> None:
    """The volume is the mount itself: engines follow the link."""
    (lab.path.parent / "link").symlink_to(lab.host / "pv-a")
    lab.mounts = [{**lab.mounts[0], "Source": str(lab.path.parent / "link"), "Destination": "/data/pv-a"}, *lab.mounts]
    assert [line["files"] for line in lab().facts["volumes"]] == [1, 1]
    assert read_backup(lab.path).catalog.volumes[0].host_directory == str(lab.host / "pv-a")
    (lab.host / "pv-b").rename(lab.host / "moved")
    (lab.host / "pv-b").symlink_to("moved")
    with pytest.raises(Declined, match="pv-b is not a directory"):
        lab()


def unreadable_by_this_user(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    (lab.host / "pv-b" / "d").mkdir()
    (lab.host / "pv-b" / "d" / "secret").touch()

    def access(path: str, _mode: int, **_options: object) -> bool:
        return not str(path).endswith("/secret")

    monkeypatch.setattr(looks.os, "access", access)
    monkeypatch.setattr(looks.os, "geteuid", lambda: 1000)


def full(_lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(save, "free_bytes", lambda _path: 100)


def fuller(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    (lab.host / "pv-a" / "more").write_bytes(os.urandom(200))
    full(lab, monkeypatch)


def without_tar(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.move_inside()
    inspect = looks.node_directory.inspect
    seen = {"lacking": ("tar",)}
    monkeypatch.setattr(
        looks.node_directory, "inspect", lambda found: {n: replace(i, **seen) for n, i in inspect(found).items()}
    )


def with_devices(lab: Lab, _monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        os.mknod(lab.host / "pv-b" / "null", 0o020644, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("this user may not make devices")


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize(
    "harm, options, said",
    [
        (unreadable_by_this_user, {}, r"default/b \(pv-b\): this user cannot read .*/pv-b/d/secret"),
        (fuller, {"data": "archive"}, "its disk has 100 bytes free, and up to 208 are needed"),
        (without_tar, {"data": "archive"}, "the node lab-worker has no tar"),
        (with_devices, {"data": "archive"}, r"default/b \(pv-b\): it contains device nodes"),
    ],
)
def test_what_will_fail_is_known_before_anything_is_changed(
    lab: Lab, harm: Callable[..., None], options: dict[str, Any], said: str, check: bool, monkeypatch: Any
) -> None:
    harm(lab, monkeypatch)
    with pytest.raises(Declined, match=said) as caught:
        lab(check=check, **options)
    assert caught.value.next_step and caught.value.details
    assert lab.cluster.writes == []
    assert not (lab.path / "generations").exists()


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("way", ["pv-b", "pv-b/below", "link", "link/below"])
def test_a_backup_is_not_written_into_a_volume(lab: Lab, way: str, check: bool) -> None:
    (lab.host / "link").symlink_to("pv-b")
    with pytest.raises(BadInput, match="is inside the volume pv-b"):
        lab(check=check, path=str(lab.host / way))
    assert lab.cluster.writes == []
    assert [path.name for path in (lab.host / "pv-b").iterdir()] == ["f"]


def test_what_is_saved_in_place_needs_no_room(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    full(lab, monkeypatch)
    assert lab().changed


def inside(lab: Lab) -> None:
    lab.move_inside()


def inside_and_gone(lab: Lab) -> None:
    lab.move_inside()
    (lab.host / "pv-a" / "f").unlink()
    (lab.host / "pv-a").rmdir()


def inside_a_stopped_node(lab: Lab) -> None:
    lab.move_inside()
    lab.state = "exited"
    taint = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
    lab.cluster.put({**node("lab-control-plane"), "spec": {"taints": [taint]}})


def gone(lab: Lab) -> None:
    (lab.host / "pv-b" / "f").unlink()
    (lab.host / "pv-b").rmdir()


def undeclared(lab: Lab) -> None:
    lab.cluster.patch("PersistentVolume", "pv-b", {"spec": {"hostPath": {"path": "/opt/b"}}})
    lab.cluster.writes.clear()


def occupied(lab: Lab) -> None:
    lab.path.touch()


def forgetful(lab: Lab) -> None:
    item = default_workload("Deployment", "web", "a", replicas=0)
    item["metadata"]["labels"] = {workloads.RECORDED: "replicas"}
    lab.cluster.put(item)


def newer(lab: Lab) -> None:
    directory = lab.path / "generations" / "000001-20261123T065700Z"
    directory.mkdir(parents=True)
    (directory / "catalog.json").write_text(json.dumps({"format": FORMAT + 1, "collection": "2.0.0"}))


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize(
    "harm, options, error, said",
    [
        (gone, {}, Declined, r"default/b \(pv-b\): its directory .*/pv-b is missing"),
        (undeclared, {}, Declined, "/opt/b on lab-worker is not mounted"),
        (inside, {}, Declined, "pv-a on lab-worker is not mounted from the host"),
        (inside_and_gone, {"data": "archive"}, Declined, "pv-a in lab-worker is missing"),
        (inside_a_stopped_node, {"data": "archive"}, Declined, "cannot be read there while the node is exited"),
        (occupied, {}, BadInput, "is not a directory"),
        (newer, {}, NewerFormat, rf"has format {FORMAT + 1}"),
        (forgetful, {}, BadInput, r"default/Deployment/web cannot be scaled back up"),
        (None, {"names": ["nobody"]}, BadInput, "nobody"),
        (None, {"data": "archive", "checksums": "none"}, BadInput, "requires checksums"),
        (None, {"data": "archive", "compression_level": 77}, BadInput, "compression_level 77"),
        (None, {"keep": -1}, BadInput, "keep must be at least 0"),
    ],
)
def test_nothing_is_changed_where_something_is_wrong(
    lab: Lab,
    check: bool,
    harm: Callable[[Lab], None] | None,
    options: dict[str, Any],
    error: type[KindlabError],
    said: str,
) -> None:
    if harm:
        harm(lab)
    with pytest.raises(error, match=said) as caught:
        lab(check=check, **options)
    assert caught.value.next_step
    assert lab.cluster.writes == []


def test_the_second_of_two_runs_changes_nothing(lab: Lab) -> None:
    with locked(lab.path), pytest.raises(Conflict, match="Another run"):
        lab()
    assert lab.cluster.writes == []


def test_a_missing_cluster_is_told(lab: Lab) -> None:
    lab.nodes = []
    with pytest.raises(BadInput, match="no node of a kind cluster named lab"):
        lab()


def test_the_api_of_another_cluster_is_refused(lab: Lab) -> None:
    """Its volumes would be looked for in this cluster's directories, and their policy would be changed there."""
    lab.cluster.delete("Node", "lab-worker")
    lab.cluster.put(node("other-worker"))
    lab.cluster.writes.clear()
    for check in (True, False):
        with pytest.raises(BadInput, match=r"another cluster than lab: .* other-worker"):
            lab(check=check)
    assert lab.cluster.writes == []
    assert not lab.path.exists()


@pytest.mark.parametrize("nodes", [["lab-worker"], []], ids=["stopped", "removed"])
def test_the_last_backup_replaces_an_api_server_that_is_down(lab: Lab, nodes: list[str]) -> None:
    first = lab()
    lab.cluster.writes.clear()
    lab.silent, lab.nodes = True, nodes
    with pytest.raises(KindlabError) as caught:
        lab()
    assert not nodes or "without_api=last_backup" in caught.value.next_step
    unchanged = lab(without_api="last_backup")
    assert (unchanged.changed, unchanged.facts["generation"]) == (False, first.facts["generation"])
    (lab.host / "pv-a" / "f").write_text("later")
    done = lab(without_api="last_backup")
    assert done.changed
    assert first.facts["generation"] in done.warnings[0]
    assert [line["original_reclaim_policy"] for line in done.facts["volumes"]] == ["Delete", "Retain"]
    assert lab.cluster.writes == []


def test_what_the_last_backup_can_not_replace(lab: Lab) -> None:
    lab()
    lab.nodes = []
    with pytest.raises(BadInput, match="no node of a kind cluster named lab"):
        lab(without_api="last_backup")
    lab.silent = True
    with pytest.raises(BadInput, match="label_selectors needs an API server"):
        lab(without_api="last_backup", label_selectors=["app=b"])
    with pytest.raises(BadInput, match="is a backup of the cluster lab, not of other"):
        lab(without_api="last_backup", cluster="other")


def test_an_api_server_that_answers_inside_its_node_is_not_replaced(lab: Lab) -> None:
    lab()
    lab.cluster.writes.clear()
    lab.silent, lab.nodes = True, ["lab-control-plane", "lab-worker"]
    lab.ready = True
    for check in (True, False):
        with pytest.raises(
            Declined, match="ready in its node lab-control-plane, but does not answer this host"
        ) as error:
            lab(check=check, without_api="last_backup")
    assert "NO_PROXY" in error.value.next_step


def test_a_directory_that_was_replaced_under_a_running_node(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NodesHere, "looks", {"lab-worker": swapped("/data")})
    for check in (True, False):
        with pytest.raises(Declined, match=f"{lab.host} on the host is not the directory that lab-worker has mounted"):
            lab(check=check)
    assert lab.cluster.writes == [] and not lab.path.exists()


def test_the_api_of_another_cluster_with_the_same_names(lab: Lab) -> None:
    lab.cluster.ca = CA.replace("S2lu", "S2xu")
    for options in ({}, {"without_api": "last_backup"}):
        with pytest.raises(BadInput, match="another cluster than lab: its CA certificate has the sha256"):
            lab(**options)
    assert lab.cluster.writes == [] and not lab.path.exists()


def test_a_symbolic_link_as_mounted_directory_is_followed(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(lab.host)
    lab.mounts[0]["Source"] = str(tmp_path / "link")
    # At the mount's root, where the link itself is the directory of the volume.
    lab.cluster.patch("PersistentVolume", "pv-a", {"spec": {"hostPath": {"path": "/data"}}})
    done = lab(names=["pv-a"], data="archive", compression="gzip")
    row = done.facts["volumes"][0]
    assert (row["host_directory"], row["node"], row["files"]) == (str(lab.host), "", 2)
