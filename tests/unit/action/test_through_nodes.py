"""What this user may not read, or this host cannot, is backed up, compared, restored and removed through nodes."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._action import (
    volume_adopt,
    volume_backup,
    volume_prune,
    volume_restore,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.checksums import Entry
from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.model import Observed, scaled_down
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import merged, uid_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import defaults
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.set_aside import moving
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Completed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.scan import scan
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.detach import node_processes
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.detach.unfinished import unfinished_claims
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.removal import changes
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence import volume_restore as replacing
from ansible_collections.kindlab.volumes.tests.unit.support.backups import NAMESPACE, STORAGE_CLASS, inspected
from ansible_collections.kindlab.volumes.tests.unit.support.kinds_of_volumes import Live
from ansible_collections.kindlab.volumes.tests.unit.support.other_users import NOBODY, Nobody, OtherHost, PrefixedNodes
from ansible_collections.kindlab.volumes.tests.unit.support.replacing import NODE, bound
from ansible_collections.kindlab.volumes.tests.unit.support.workloads import workload

AGO = 1_700_000_000_123_456_789
ROOT = os.geteuid() == 0


class Lab:
    """Cluster k, whose volumes v0 and v1 are in a directory that its node has mounted at the same path.

    v0 has what only root may read; v1 is everybody's. user: Nobody, or a host like OtherHost.
    """

    def __init__(self, top: Path, user: Any, patch: pytest.MonkeyPatch) -> None:
        self.top, self.data, self.path, self.user, self.patch = top, top / "volumes", top / "backup", user, patch
        for path in (self.data, self.path):
            path.mkdir()
            os.chown(path, *((NOBODY, NOBODY) if ROOT else (-1, -1)))
        self.write()
        self.mount = {"Type": "bind", "Source": str(self.data), "Destination": str(self.data), "RW": True}
        objects = [item for number in range(2) for item in bound(number, places=str(self.data))]
        self.cluster = Live(NODE, NAMESPACE, STORAGE_CLASS, *objects)
        self.cluster.react(self.cluster)
        self.state = "running"
        self.inside: list[list[str]] = []

    def write(self) -> None:
        for number in range(2):
            (self.data / f"v{number}").mkdir(mode=0o755)
            (self.data / f"v{number}" / "file").write_text(f"content {number}")
        top = self.data / "v0"
        for name in ("secret", "closed/deep", "closed/link"):
            (top / name).parent.mkdir(exist_ok=True)
            (top / name).write_text(name)
        os.symlink("secret", top / "to-secret")
        os.link(top / "secret", top / "again")
        with (top / "holes").open("wb") as file:
            file.truncate(1 << 20)
            file.seek(0, os.SEEK_END)
            file.write(b"end")
        for path in (top, top / "secret"):
            os.setxattr(path, "user.note", b"kept")
        (top / "secret").chmod(0o600)
        (top / "closed" / "deep").chmod(0o4711)
        (top / "closed").chmod(0)
        if ROOT:
            os.chown(top / "file", 999, 998)
        for path in (top / "secret", top / "closed", top / "file", top):
            os.utime(path, ns=(AGO, AGO))

    def runner(self) -> PrefixedNodes:
        own = {"Mounts": [self.mount], "State": {"Status": self.state}}
        nodes = [{**inspected("k-worker", "k", "worker"), **own}, inspected("k-control-plane", "k", "control-plane")]
        script = [(["docker", "ps"], "id\nid\n"), (["docker", "inspect"], json.dumps(nodes))]
        # What is in the node image cannot be read.
        return PrefixedNodes([*script, (["docker", "run"], Completed(1))], self.user.prefix, self.cluster)

    def run(self, action: ModuleType, check: bool = False, **options: Any) -> Outcome:
        given = {**defaults(action.ARGUMENTS), "engine": "docker", "cluster": "k", **options}
        given |= {"kubeconfig": str(self.top / "none")} if action is volume_prune else {}
        runner = self.runner()
        with self.patch.context() as patch, self.user.acting():
            patch.setattr(node_processes, "probe", lambda _run, _node, asked, _own: {name: [] for name in asked})
            found: Outcome = action.run(given, check, runner=runner, connect=lambda *_where: self.cluster)
        self.inside = runner.inside
        return found

    def backup(self, check: bool = False, **options: Any) -> Outcome:
        given = {"path": str(self.path), "compression": "gzip", "data": "archive", **options}
        return self.run(volume_backup, check, **given)

    def restore(self, check: bool = False, action: ModuleType = volume_restore, **options: Any) -> Outcome:
        return self.run(action, check, path=str(self.path), wait_timeout=1, **options)

    def lose_objects(self) -> None:
        for number in range(2):
            self.cluster.delete("PersistentVolume", f"v{number}")
            self.cluster.delete("PersistentVolumeClaim", f"c{number}", "ns")
        self.cluster.writes.clear()


@pytest.fixture(params=[Nobody, OtherHost])
def lab(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """Not below tmp_path, which only its user may enter."""
    top = Path(tempfile.mkdtemp())
    try:
        top.chmod(0o711)
        yield Lab(top, request.param(top), monkeypatch)
    finally:
        shutil.rmtree(top)


def entries(path: Path) -> list[Entry]:
    return list(scan(str(path), "full"))


def told(lab: Lab, outcome: Outcome) -> set[str]:
    """The volumes that a result says are used through nodes."""
    line = outcome.facts["through_nodes"]
    return {name for name in ("v0", "v1") if f"{name} ({lab.data}/{name} in k-worker)" in line}


def concerned(lab: Lab) -> set[str]:
    """Another host cannot read the attributes of anything."""
    return {"v0"} if isinstance(lab.user, Nobody) else {"v0", "v1"}


@pytest.mark.parametrize("data", ["archive", "in_place"])
def test_backup_and_comparison(lab: Lab, data: str) -> None:
    checked = lab.backup(check=True, data=data)
    saved = lab.backup(data=data)
    assert told(lab, checked) == told(lab, saved) == concerned(lab)
    backup = read_backup(lab.path)
    for number, volume in enumerate(backup.catalog.volumes):
        assert (volume.data, volume.host_directory, volume.consistent) == ("host", f"{lab.data}/v{number}", True)
        assert list(backup.entries(volume)) == entries(lab.data / f"v{number}")
    assert not lab.backup(data=data).changed
    runner = lab.runner()
    with lab.user.acting():
        engine = Engine("docker", runner)
        volumes = read_volumes(*lab.cluster.lists("PersistentVolume", "PersistentVolumeClaim"))
        found = changes(backup, volumes, engine.nodes("k"), engine)
    assert found.keys() == {"v0", "v1"} and not any(found.values())


def test_without_a_node_that_runs_it_is_refused(lab: Lab) -> None:
    lab.state = "exited"
    for check in (True, False):
        with pytest.raises(Declined) as raised:
            lab.backup(check=check)
        assert {row["name"] for row in raised.value.details} == concerned(lab)
        assert "Start a node that has the directory mounted" in raised.value.next_step
    assert lab.cluster.writes == []


def test_what_an_interrupted_restore_left_is_refused(lab: Lab) -> None:
    (lab.data / "v0").chmod(0o700)
    hidden = Path(moving(str(lab.data / "v0")))
    hidden.mkdir(mode=0o700)
    (hidden / "file").touch()
    with pytest.raises(Declined, match=r"ns/c0 \(v0\): a restore of its data was interrupted"):
        lab.backup()
    stopped = [workload("Deployment", name, name) for name in ("c0", "c1")]
    for item in stopped:
        item |= merged(item, scaled_down(item, "restore").change)
    runner = lab.runner()
    with lab.user.acting():
        engine = Engine("docker", runner)
        pvs, claims = lab.cluster.lists("PersistentVolume", "PersistentVolumeClaim")
        by_name = {f"ns/{claim['metadata']['name']}": claim for claim in claims}
        seen = Observed(read_volumes(pvs, claims), by_name, (), {uid_of(item): item for item in stopped})
        assert unfinished_claims(seen, engine.nodes("k"), engine) == {"ns/c0"}


def test_archives_are_extracted_with_owner_and_mode(lab: Lab) -> None:
    lab.backup()
    lab.lose_objects()
    before = {name: entries(lab.data / name) for name in ("v0", "v1")}
    for name in before:
        shutil.rmtree(lab.data / name)
    checked = lab.restore(check=True)
    assert not any(lab.data.iterdir())
    done = lab.restore()
    # Its owner is root, whom only root can give files.
    expected = {"v0", "v1"} if ROOT else concerned(lab)
    assert told(lab, checked) == told(lab, done) == expected
    assert {name: entries(lab.data / name) for name in before} == before
    assert os.stat(lab.data / "v0" / "holes").st_blocks < 100
    assert {row["checksum"] for row in done.facts["volumes"]} == {"equal"}
    assert sorted(os.listdir(lab.data)) == ["v0", "v1"]
    again = lab.restore()
    assert not again.changed


def test_data_is_set_aside_and_removed(lab: Lab) -> None:
    lab.backup()
    before = entries(lab.data / "v0")
    (lab.data / "v0" / "closed" / "deep").write_text("changed")
    changed = entries(lab.data / "v0")
    done = lab.restore(action=replacing, existing="replace")
    assert entries(lab.data / "v0") == before and "v0" in told(lab, done)
    (row,) = (row for row in done.facts["volumes"] if row["action"] == "replace")
    assert entries(Path(row["set_aside"])) == changed
    for trash in (True, False):
        pruned = lab.run(volume_prune, kinds=["set_aside", "trash"], matching=["*"], trash=trash)
        assert len(pruned.facts["pruned"]) == 1 and pruned.facts["bytes"] > 0 and pruned.facts["through_nodes"]
    assert sorted(os.listdir(lab.data)) == ["v0", "v1"]


def test_a_mount_point_that_cannot_be_set_aside(lab: Lab) -> None:
    lab.backup()
    (lab.data / "v0" / "closed" / "deep").write_text("changed")
    lab.mount |= {"Destination": f"{lab.data}/v0", "Source": f"{lab.data}/v0"}
    before = entries(lab.data / "v0")
    with pytest.raises(Declined) as raised:
        lab.restore(action=replacing, existing="replace", names=["v0"])
    assert raised.value.next_step and entries(lab.data / "v0") == before


def test_an_orphan_is_found_with_its_size(lab: Lab) -> None:
    name = "pvc-77c1f5b2-9a0e-4f8e-8f70-4b1f14f0b9de_ns_old"
    os.rename(lab.data / "v0", lab.data / name)
    lab.lose_objects()
    config = {"nodePathMap": [{"node": "DEFAULT_PATH_FOR_NON_LISTED_NODES", "paths": [str(lab.data)]}]}
    lab.cluster.put(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "local-path-config", "namespace": "local-path-storage"},
            "data": {"config.json": json.dumps(config)},
        }
    )
    (row,) = lab.run(volume_adopt, check=True, directories=[str(lab.data)]).facts["volumes"]
    assert row["directory"] == str(lab.data / name)
