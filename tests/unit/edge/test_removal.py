"""What keeps a cluster from being removed, with a real backup and real data: whatever it would lose is told."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import GENERATIONS
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.checksums import Difference
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import merged
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.manifests import LABEL
from ansible_collections.kindlab.volumes.plugins.module_utils._edge import removal
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.data import read_lists
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.removal import changes, dangers
from ansible_collections.kindlab.volumes.tests.unit.support.backups import claim, volume, write_backup, write_data
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import FakeCluster
from ansible_collections.kindlab.volumes.tests.unit.support.looks import QuietNodes

COUNT = 3
NONE_NAMED = "no backup is named that holds it"


class Lab:
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

    def losses(self, path: Path | str | None = None) -> dict[str, list[str]]:
        """Volume -> the reasons not to remove the cluster."""
        found: dict[str, list[str]] = {}
        engine = Engine("docker", self.runner)
        for loss in dangers(self.cluster, engine, self.nodes, str(self.path if path is None else path)):
            found.setdefault(loss.volume, []).append(loss.reason)
        assert self.cluster.writes == []
        return found

    def changes(self) -> dict[str, Difference]:
        volumes = read_volumes(*self.cluster.lists("PersistentVolume", "PersistentVolumeClaim"))
        return changes(read_backup(self.path), volumes, self.nodes, Engine("docker", self.runner))


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


@pytest.fixture
def inside(tmp_path: Path) -> Lab:
    return Lab(tmp_path, inside=True)


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
    assert dangers(FakeCluster(), Engine("docker", runner), [], str(tmp_path)) == ()
    assert runner.calls == [] and runner.inside == []


@pytest.mark.parametrize("checksum", ["full", "fast"])
def test_a_backup_that_holds_all_of_it(lab: Lab, checksum: str) -> None:
    lab.save(checksum=checksum)
    assert lab.losses() == {}


def test_without_a_backup(lab: Lab) -> None:
    lab.save()
    assert lab.losses("") == all_of(NONE_NAMED)


def test_what_is_no_backup(lab: Lab) -> None:
    assert lab.losses() == all_of(f"Cannot read the backup directory {lab.path}: No such file or directory")


def test_a_backup_without_checksums(lab: Lab) -> None:
    lab.save(checksum="none")
    assert lab.losses() == all_of("the backup has no checksums of it")


def test_a_damaged_backup(lab: Lab) -> None:
    name = lab.save()
    (lab.path / GENERATIONS / name / "checksums" / "v1.jsonl").write_text("")
    assert "was changed after the backup" in lab.losses()["v0"][0]
    assert set(lab.losses()) == {"v0", "v1", "v2"}


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
def test_data_that_was_changed_since(lab: Lab, done: Any, full: str, fast: str, checksum: str) -> None:
    """Other times alone are no change where the content is known."""
    lab.save(checksum=checksum)
    done(lab.data / "v1" / "file")
    said = full if checksum == "full" else fast
    assert lab.losses() == ({"v1": [f"its data was changed since it was saved: {said}"]} if said else {})


def test_only_the_newest_generation_counts(lab: Lab) -> None:
    lab.save()
    change(lab.data / "v1" / "file")
    write_backup(lab.path, lab.data, 1)
    assert lab.losses() == {"v1": ["it is not in the backup"], "v2": ["it is not in the backup"]}
    lab.save()
    assert lab.losses() == {}


def test_a_volume_and_a_claim_made_since(lab: Lab) -> None:
    lab.save()
    (lab.data / "v3").mkdir()
    lab.put(3)
    other = merged(volume(2), {"spec": {"claimRef": {"name": "new"}}})
    lab.cluster.put({**other, "status": {"phase": "Bound"}})
    lab.cluster.put(merged(claim(2), {"metadata": {"name": "new"}, "status": {"phase": "Bound"}}))
    assert lab.losses() == {"v2": ["the backup has not its claim ns/new"], "v3": ["it is not in the backup"]}


def test_data_that_is_gone(lab: Lab) -> None:
    """Nothing was compared then, so nothing is known to be as it was."""
    lab.save()
    shutil.rmtree(lab.data / "v1")
    found = lab.losses()
    assert set(found) == {"v0", "v1", "v2"} and str(lab.data / "v1") in found["v0"][0]


def test_held_by_a_pod(lab: Lab) -> None:
    lab.save()
    lab.cluster.put(pod("p", "c1"))
    assert lab.losses() == {"v1": ["it is in use: pod ns/p uses it"]}


def test_held_by_a_process_in_a_node(lab: Lab) -> None:
    lab.save()
    lab.runner.busy["k-worker"] = "/data/v2/below"
    assert lab.losses() == {"v2": ["it is in use: vi (pid 42) on k-worker is in /data/v2/below"]}


def test_held_on_another_node_that_shares_the_directory(lab: Lab) -> None:
    lab.save()
    lab.nodes[0] = replace(lab.nodes[0], mounts=(Mount("/data", str(lab.data)),))
    lab.runner.busy["k-control-plane"] = "/data/v2"
    assert list(lab.losses()) == ["v2"]


def test_a_node_that_can_t_be_looked_into_is_no_proof(lab: Lab) -> None:
    lab.save()
    lab.nodes[1] = replace(lab.nodes[1], state="paused")
    (reason,) = lab.losses()["v0"]
    assert "k-worker is paused: what its processes hold can't be seen" in reason


def test_local_data_needs_none(lab: Lab) -> None:
    for number in range(COUNT):
        lab.put(number, labels={LABEL: "read-only"})
    assert lab.losses("") == {}
    lab.cluster.put(pod("p", "c1"))
    assert lab.losses("") == {"v1": ["it is in use: pod ns/p uses it"]}


def test_what_has_no_directory_needs_none(lab: Lab) -> None:
    nfs = merged(volume(1), {"spec": {"hostPath": None, "nfs": {"server": "s", "path": "/p"}}})
    lab.cluster.put(nfs)
    assert set(lab.losses("")) == {"v0", "v2"}


def test_a_volume_of_a_node_that_is_none_of_this_cluster(lab: Lab) -> None:
    """Nothing of it is here that could go."""
    lab.save()
    lab.nodes[1] = replace(lab.nodes[1], name="k-other")
    assert lab.losses() == {}


@pytest.mark.parametrize("checksum", ["full", "fast"])
def test_inside_a_node_an_archive_holds_it(inside: Lab, checksum: str) -> None:
    goes = [f"{inside.data}/v{n} is no host directory on k-worker, it goes with the node" for n in range(COUNT)]
    inside.save(archive=True, checksum=checksum)
    assert inside.losses("") == {f"v{n}": [goes[n], NONE_NAMED] for n in range(COUNT)}
    assert inside.losses() == {}
    change(inside.data / "v1" / "file")
    field = "sha256" if checksum == "full" else "mtime_ns"
    said = f"its data was changed since it was saved: 1 changed: file ({field})"
    assert inside.losses() == {"v1": [goes[1], said]}


def test_inside_a_node_checksums_alone_hold_nothing(inside: Lab) -> None:
    inside.save()
    assert set(inside.losses()) == {"v0", "v1", "v2"}


def test_inside_a_node_that_is_stopped_nothing_is_known(inside: Lab) -> None:
    """It may have been written to since it was saved."""
    inside.save(archive=True)
    inside.nodes[1] = replace(inside.nodes[1], state="exited")
    goes, unseen = inside.losses()["v1"]
    assert "goes with the node" in goes
    assert unseen.startswith("whether it is as it was saved can't be seen: ") and "while the node is exited" in unseen


def test_inside_one_of_several_nodes_nothing_is_known(inside: Lab) -> None:
    inside.save(archive=True)
    inside.cluster.put(merged(volume(1, places=inside.places), {"spec": {"nodeAffinity": None}}))
    assert list(inside.losses()) == ["v1"]


def test_an_archive_of_what_was_not_compared_holds_nothing(inside: Lab) -> None:
    """A label keeps a volume from the comparison; its data may have been changed since."""
    inside.save(archive=True)
    inside.put(1, labels={LABEL: "read-write"})
    change(inside.data / "v1" / "file")
    (reason,) = inside.losses()["v1"]
    assert "goes with the node" in reason


def test_a_look_that_fails_is_no_proof(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.save()
    monkeypatch.setattr(QuietNodes, "run", broken)
    with pytest.raises(CommandFailed, match="the engine is gone"):
        lab.losses()


def broken(*_arguments: Any, **_rest: Any) -> None:
    raise CommandFailed("the engine is gone")


def test_changes_are_told_by_volume(lab: Lab) -> None:
    lab.save()
    change(lab.data / "v1" / "file")
    lab.put(7)
    assert lab.changes() == {"v0": Difference(), "v1": Difference(changed=("file (sha256)",)), "v2": Difference()}


def test_content_is_read_only_where_sizes_or_times_differ(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.save()
    touched(lab.data / "v2" / "file")
    read: list[tuple[list[str], str]] = []

    def noted(sources: Any, how: str) -> Any:
        read.append((list(sources), how))
        return read_lists(sources, how)

    monkeypatch.setattr(removal, "read_lists", noted)
    assert not any(lab.changes().values())
    assert read == [(["v0", "v1", "v2"], "fast"), (["v2"], "full")]


def test_changes_inside_a_node(inside: Lab) -> None:
    inside.save(archive=True)
    added(inside.data / "v2" / "file")
    assert inside.changes() == {"v0": Difference(), "v1": Difference(), "v2": Difference(added=("new",))}
