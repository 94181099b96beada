"""Why a cluster must not be removed, with a real backup and real data: everything it would lose is reported."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import GENERATIONS
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.difference import Difference
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, CommandFailed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import merged
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.manifests import LABEL
from ansible_collections.kindlab.volumes.plugins.module_utils._core.removal import NO_BACKUP
from ansible_collections.kindlab.volumes.plugins.module_utils._edge import removal
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.data import read_lists
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.removal import changes, find_blockers
from ansible_collections.kindlab.volumes.tests.unit.support.backups import claim, volume, write_backup, write_data
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import FakeCluster
from ansible_collections.kindlab.volumes.tests.unit.support.process_snapshots import QuietNodes
from ansible_collections.kindlab.volumes.tests.unit.support.workloads import workload

COUNT = 3


class Scene:
    """A cluster with three volumes; their data in a directory of the host, or inside the worker where that is said."""

    def __init__(self, top: Path, *, inside: bool = False) -> None:
        self.data = top / "data"
        self.path = top / "backup"
        self.places = str(self.data) if inside else ""
        write_data(self.data, COUNT)
        mounts = () if inside else (Mount("/data", str(self.data)),)
        self.nodes = [Node("k-control-plane", "k", "control-plane"), Node("k-worker", "k", "worker", mounts=mounts)]
        self.runner = QuietNodes()
        self.cluster = FakeCluster()
        for number in range(COUNT):
            self.put(number)

    def put(self, number: int, **metadata: Any) -> None:
        """The volume and its claim, bound."""
        pv = volume(number, places=self.places or "/data")
        self.cluster.put({**merged(pv, {"metadata": metadata}), "status": {"phase": "Bound"}})
        self.cluster.put({**claim(number), "status": {"phase": "Bound"}})

    def save(self, **how: Any) -> str:
        return write_backup(self.path, self.data, COUNT, places=self.places, **how)

    def blockers(self, path: Path | str | None = None) -> dict[str, list[str]]:
        """Volume -> the reasons not to remove the cluster."""
        found: dict[str, list[str]] = {}
        engine = Engine("docker", self.runner)
        for blocker in find_blockers(self.cluster, engine, self.nodes, str(self.path if path is None else path)):
            found.setdefault(blocker.name, []).append(blocker.why)
        assert self.cluster.writes == []
        return found

    def changes(self) -> dict[str, Difference]:
        volumes = read_volumes(*self.cluster.lists("PersistentVolume", "PersistentVolumeClaim"))
        return changes(read_backup(self.path), volumes, self.nodes, Engine("docker", self.runner))


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


@pytest.fixture
def inside(tmp_path: Path) -> Scene:
    return Scene(tmp_path, inside=True)


def all_of(reason: str) -> dict[str, list[str]]:
    return {f"v{number}": [reason] for number in range(COUNT)}


def pod(name: str, claim_name: str) -> dict[str, Any]:
    uses = {"name": "data", "persistentVolumeClaim": {"claimName": claim_name}}
    return {
        "kind": "Pod",
        "metadata": {"namespace": "ns", "name": name},
        "spec": {"nodeName": "k-worker", "containers": [{"name": "c"}], "volumes": [uses]},
        "status": {"phase": "Running"},
    }


def test_a_cluster_without_volumes_is_not_looked_into(tmp_path: Path) -> None:
    runner = QuietNodes()
    assert find_blockers(FakeCluster(), Engine("docker", runner), [], str(tmp_path)) == ()
    assert runner.calls == [] and runner.inside == []


@pytest.mark.parametrize("checksum", ["full", "fast"])
def test_a_backup_that_holds_all_of_it(scene: Scene, checksum: str) -> None:
    scene.save(checksum=checksum)
    assert scene.blockers() == {}


def test_without_a_backup(scene: Scene) -> None:
    scene.save()
    assert scene.blockers("") == all_of(NO_BACKUP)


def test_what_is_no_backup(scene: Scene) -> None:
    assert scene.blockers() == all_of(f"Cannot read the backup directory {scene.path}: No such file or directory")


def test_a_backup_without_checksums(scene: Scene) -> None:
    scene.save(checksum="none")
    assert scene.blockers() == all_of("the backup has no checksums of it")


def test_a_damaged_backup(scene: Scene) -> None:
    name = scene.save()
    (scene.path / GENERATIONS / name / "checksums" / "v1.jsonl").write_text("")
    assert "was changed after the backup" in scene.blockers()["v0"][0]
    assert set(scene.blockers()) == {"v0", "v1", "v2"}


def change(path: Path) -> None:
    path.write_text("CONTENT 1")


def longer(path: Path) -> None:
    status = path.stat()
    path.write_text("content 1, and more")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def touched(path: Path) -> None:
    os.utime(path, ns=(0, 1))


def added(path: Path) -> None:
    path.with_name("new").touch()


def mode(path: Path) -> None:
    path.chmod(0o600)


@pytest.mark.parametrize("checksum", ["full", "fast"])
@pytest.mark.parametrize(
    ("done", "full", "fast"),
    [
        (change, "1 changed: file (sha256)", "1 changed: file (mtime_ns)"),
        (longer, "1 changed: file (size, sha256)", "1 changed: file (size)"),
        (touched, "", "1 changed: file (mtime_ns)"),
        (added, "1 added: new", "1 added: new"),
        (Path.unlink, "1 removed: file", "1 removed: file"),
        (mode, "1 changed: file (mode)", "1 changed: file (mode)"),
    ],
)
def test_data_that_was_changed_since(scene: Scene, done: Any, full: str, fast: str, checksum: str) -> None:
    """Other times alone are no change where the content is known."""
    scene.save(checksum=checksum)
    done(scene.data / "v1" / "file")
    said = full if checksum == "full" else fast
    assert scene.blockers() == ({"v1": [f"its data has changed since the backup: {said}"]} if said else {})


def test_only_the_newest_generation_counts(scene: Scene) -> None:
    scene.save()
    change(scene.data / "v1" / "file")
    write_backup(scene.path, scene.data, 1)
    assert scene.blockers() == {"v1": ["the backup does not contain it"], "v2": ["the backup does not contain it"]}
    scene.save()
    assert scene.blockers() == {}


def test_a_volume_and_a_claim_made_since(scene: Scene) -> None:
    scene.save()
    (scene.data / "v3").mkdir()
    scene.put(3)
    other = merged(volume(2), {"spec": {"claimRef": {"name": "new"}}})
    scene.cluster.put({**other, "status": {"phase": "Bound"}})
    scene.cluster.put(merged(claim(2), {"metadata": {"name": "new"}, "status": {"phase": "Bound"}}))
    assert scene.blockers() == {
        "v2": ["the backup does not contain its claim ns/new"],
        "v3": ["the backup does not contain it"],
    }


@pytest.fixture
def meanwhile(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], dict[str, list[str]]]:
    """The reasons if something is done while data is compared with the backup."""

    def blockers(done: Callable[[], Any]) -> dict[str, list[str]]:
        def compared(*where: Any) -> Any:
            done()
            return changes(*where)

        monkeypatch.setattr(removal, "changes", compared)
        return scene.blockers()

    return blockers


def test_a_volume_that_is_created_while_data_is_compared(scene: Scene, meanwhile: Any) -> None:
    scene.save()
    assert meanwhile(lambda: scene.put(3)) == {"v3": ["it was created while the other volumes were looked at"]}


def test_a_volume_without_data_that_gets_a_claim_while_data_is_compared(scene: Scene, meanwhile: Any) -> None:
    static = merged(volume(5), {"spec": {"claimRef": None}})
    scene.cluster.put({**static, "status": {"phase": "Available"}})
    scene.save()
    assert meanwhile(lambda: None) == {}
    said = "it or its claim was changed while the volumes were looked at"
    assert meanwhile(lambda: scene.put(5)) == {"v5": [said]}


def test_a_claim_that_is_deleted_while_data_is_compared(scene: Scene, meanwhile: Any) -> None:
    scene.save()
    done = scene.cluster.objects.pop
    said = "it or its claim was changed while the volumes were looked at"
    assert meanwhile(lambda: done(("PersistentVolumeClaim", "ns", "c1"))) == {"v1": [said]}


def test_volumes_that_come_and_go_with_pods_while_data_is_compared(scene: Scene, meanwhile: Any) -> None:
    scene.save()
    owner = {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "1", "controller": True}

    def start() -> None:
        scene.put(7)
        scene.cluster.put(merged(claim(7), {"metadata": {"ownerReferences": [owner]}, "status": {"phase": "Bound"}}))
        del scene.cluster.objects["PersistentVolume", "", "v2"]

    assert meanwhile(start) == {}


def test_data_that_is_gone(scene: Scene) -> None:
    scene.save()
    shutil.rmtree(scene.data / "v1")
    (scene.data / "v2" / "file").unlink()
    (scene.data / "v2").rmdir()
    (scene.data / "v2").touch()
    assert scene.blockers() == {
        "v1": [f"its directory {scene.data}/v1 is missing"],
        "v2": [f"its directory {scene.data}/v2 is not a directory"],
    }


def test_a_volume_that_was_never_used_has_nothing_to_lose(scene: Scene) -> None:
    static = merged(volume(5), {"spec": {"claimRef": None}})
    scene.cluster.put({**static, "status": {"phase": "Available"}})
    scene.save()
    assert scene.blockers() == {}
    (scene.data / "v5").mkdir()
    assert scene.blockers() == {"v5": ["the backup does not contain it"]}


def test_a_directory_that_a_node_no_longer_has(scene: Scene) -> None:
    """What is on the host now was compared, not what the pods wrote to."""
    scene.save()
    why = f"{scene.data} was replaced"
    mount = replace(scene.nodes[1].mounts[0], mismatch=why)
    scene.nodes[1] = replace(scene.nodes[1], mounts=(mount,))
    said = f"what the node has cannot be compared with the host: {why}"
    assert {name: reasons[0] for name, reasons in scene.blockers().items()} == {f"v{n}": said for n in range(COUNT)}


def test_data_that_is_written_to_now(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.save()

    def busy(sources: Any, how: str) -> Any:
        return {name: replace(found, consistent=name != "v1") for name, found in read_lists(sources, how).items()}

    monkeypatch.setattr(removal, "read_lists", busy)
    assert scene.blockers() == {
        "v1": ["its data has changed since the backup: 1 changed: files that are written to"],
    }


def test_an_ephemeral_volume_is_no_obstacle(scene: Scene) -> None:
    """Nor is the pod that has it, and its policy is Delete."""
    scene.save()
    owner = {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "1", "controller": True}
    scene.cluster.put({**merged(claim(7), {"metadata": {"ownerReferences": [owner]}}), "status": {"phase": "Bound"}})
    pv = merged(volume(7), {"spec": {"persistentVolumeReclaimPolicy": "Delete"}})
    scene.cluster.put({**pv, "status": {"phase": "Bound"}})
    scene.cluster.put(pod("p", "c7"))
    assert scene.blockers() == {}


def test_an_ephemeral_volume_whose_pod_is_gone_is_no_obstacle(scene: Scene) -> None:
    """Its provisioner is about to delete it, and has removed its directory."""
    scene.save()
    scratch = {"name": "scratch", "ephemeral": {"volumeClaimTemplate": {"spec": {}}}}
    web = workload("Deployment", "web", metadata={"namespace": "ns"})
    web["spec"]["template"]["spec"]["volumes"] = [scratch]
    scene.cluster.put(web)
    ref = {"claimRef": {"name": "web-6bb87c5b9f-9jn5p-scratch"}, "persistentVolumeReclaimPolicy": "Delete"}
    scene.cluster.put({**merged(volume(7), {"spec": ref}), "status": {"phase": "Released"}})
    assert scene.blockers() == {}


@pytest.mark.parametrize("place", [100, -1])
def test_a_damaged_archive_holds_nothing(inside: Scene, place: int) -> None:
    """Its size is as it was, and its list too; once the node is gone, it is all there is."""
    name = inside.save(archive=True)
    archive = inside.path / GENERATIONS / name / "archives" / "v1.tar.gz"
    content = bytearray(archive.read_bytes())
    content[place] ^= 1
    archive.write_bytes(content)
    goes, why = inside.blockers()["v1"]
    assert set(inside.blockers()) == {"v1"}
    assert "deleted with the node" in goes and f"{archive} was changed after the backup: its sha256 is" in why


def test_archives_of_what_stays_on_the_host_are_not_read(scene: Scene) -> None:
    name = scene.save(archive=True)
    archive = scene.path / GENERATIONS / name / "archives" / "v1.tar.gz"
    archive.write_bytes(bytes(archive.stat().st_size))
    assert scene.blockers() == {}


def test_held_by_a_pod(scene: Scene) -> None:
    scene.save()
    scene.cluster.put(pod("p", "c1"))
    assert scene.blockers() == {"v1": ["it is in use: pod ns/p uses it"]}


def test_held_by_a_process_in_a_node(scene: Scene) -> None:
    scene.save()
    scene.runner.busy["k-worker"] = "/data/v2/below"
    assert scene.blockers() == {"v2": ["it is in use: vi (pid 42) on k-worker is in /data/v2/below"]}


def test_held_on_another_node_that_shares_the_directory(scene: Scene) -> None:
    scene.save()
    scene.nodes[0] = replace(scene.nodes[0], mounts=(Mount("/data", str(scene.data)),))
    scene.runner.busy["k-control-plane"] = "/data/v2"
    assert list(scene.blockers()) == ["v2"]


def test_a_node_that_can_t_be_looked_into_is_no_proof(scene: Scene) -> None:
    scene.save()
    scene.nodes[1] = replace(scene.nodes[1], state="paused")
    (reason,) = scene.blockers()["v0"]
    assert "node k-worker is paused: its processes cannot be read" in reason


def test_local_data_needs_none(scene: Scene) -> None:
    for number in range(COUNT):
        scene.put(number, labels={LABEL: "read-only"})
    assert scene.blockers("") == {}
    scene.cluster.put(pod("p", "c1"))
    assert scene.blockers("") == {"v1": ["it is in use: pod ns/p uses it"]}


def test_of_data_elsewhere_the_manifest_is_needed(scene: Scene) -> None:
    """It is the only record of which export belongs to which claim."""
    nfs = merged(volume(7), {"spec": {"hostPath": None, "nfs": {"server": "s", "path": "/p"}}})
    scene.cluster.put(nfs)
    scene.save()
    assert scene.blockers("")["v7"] == [NO_BACKUP]
    assert scene.blockers() == {"v7": ["the backup does not contain it"]}


def test_a_volume_of_a_node_that_is_none_of_this_cluster(scene: Scene) -> None:
    """Nothing of it is here that could go."""
    scene.save()
    scene.nodes[1] = replace(scene.nodes[1], name="k-other")
    assert scene.blockers() == {}


@pytest.mark.parametrize("checksum", ["full", "fast"])
def test_inside_a_node_an_archive_holds_it(inside: Scene, checksum: str) -> None:
    goes = [
        f"{inside.data}/v{n} is not mounted from the host on k-worker and is deleted with the node"
        for n in range(COUNT)
    ]
    inside.save(archive=True, checksum=checksum)
    assert inside.blockers("") == {f"v{n}": [goes[n], NO_BACKUP] for n in range(COUNT)}
    assert inside.blockers() == {}
    change(inside.data / "v1" / "file")
    field = "sha256" if checksum == "full" else "mtime_ns"
    said = f"its data has changed since the backup: 1 changed: file ({field})"
    assert inside.blockers() == {"v1": [goes[1], said]}


def test_inside_a_node_checksums_alone_hold_nothing(inside: Scene) -> None:
    inside.save()
    assert set(inside.blockers()) == {"v0", "v1", "v2"}


def test_inside_a_node_that_is_stopped_nothing_is_known(inside: Scene) -> None:
    """It may have been written to since it was saved."""
    inside.save(archive=True)
    inside.nodes[1] = replace(inside.nodes[1], state="exited")
    goes, unseen = inside.blockers()["v1"]
    assert "deleted with the node" in goes
    assert unseen.startswith("it cannot be compared with its backup: ") and "while the node is exited" in unseen


def test_inside_one_of_several_nodes_nothing_is_known(inside: Scene) -> None:
    inside.save(archive=True)
    inside.cluster.put(merged(volume(1, places=inside.places), {"spec": {"nodeAffinity": None}}))
    assert list(inside.blockers()) == ["v1"]


def test_an_archive_of_what_was_not_compared_holds_nothing(inside: Scene) -> None:
    """A label keeps a volume from the comparison; its data may have been changed since."""
    inside.save(archive=True)
    inside.put(1, labels={LABEL: "read-write"})
    change(inside.data / "v1" / "file")
    (reason,) = inside.blockers()["v1"]
    assert "deleted with the node" in reason


def test_a_look_that_fails_is_no_proof(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.save()
    monkeypatch.setattr(QuietNodes, "run", broken)
    with pytest.raises(CommandFailed, match="the engine is gone"):
        scene.blockers()


def broken(*_arguments: Any, **_rest: Any) -> None:
    raise CommandFailed("the engine is gone")


def test_changes_by_volume(scene: Scene) -> None:
    scene.save()
    change(scene.data / "v1" / "file")
    scene.put(7)
    assert scene.changes() == {"v0": Difference(), "v1": Difference(changed=("file (sha256)",)), "v2": Difference()}


def test_content_is_read_only_where_sizes_or_times_differ(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.save()
    touched(scene.data / "v2" / "file")
    read: list[tuple[list[str], str]] = []

    def noted(sources: Any, how: str) -> Any:
        read.append((list(sources), how))
        return read_lists(sources, how)

    monkeypatch.setattr(removal, "read_lists", noted)
    assert not any(scene.changes().values())
    assert read == [(["v0", "v1", "v2"], "fast"), (["v2"], "full")]


def test_changes_inside_a_node(inside: Scene) -> None:
    inside.save(archive=True)
    added(inside.data / "v2" / "file")
    assert inside.changes() == {"v0": Difference(), "v1": Difference(), "v2": Difference(added=("new",))}


def test_data_that_cannot_be_read_is_a_reason_for_its_volume_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = Scene(tmp_path)
    scene.save()

    def read_all_but_v1(sources: dict[str, Any], mode: str) -> Any:
        if "v1" in sources:
            raise BadInput("Cannot read v1/file: Input/output error.")
        return read_lists(sources, mode)

    monkeypatch.setattr(removal, "read_lists", read_all_but_v1)
    assert scene.changes()["v1"].text() == "1 changed: Cannot read v1/file: Input/output error"
    assert scene.blockers().keys() == {"v1"}


def test_another_generation_than_the_newest(scene: Scene) -> None:
    first = scene.save()
    (scene.data / "v0" / "file").write_text("later")
    scene.save()
    engine = Engine("docker", scene.runner)
    assert find_blockers(scene.cluster, engine, scene.nodes, str(scene.path)) == ()
    (blocker,) = find_blockers(scene.cluster, engine, scene.nodes, str(scene.path), generation=first)
    assert blocker.name == "v0" and "its data has changed since the backup" in blocker.why
