"""The map of a machine with its clusters in memory, real directories, and a file that is written once."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._action.lab_map import ARGUMENTS, run
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Unreachable
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import defaults
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Completed
from ansible_collections.kindlab.volumes.tests.unit.support import maps
from ansible_collections.kindlab.volumes.tests.unit.support.backups import (
    claim,
    inspected,
    volume,
    write_backup,
    write_data,
)
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import FakeCluster, ScriptedRunner

NOW = datetime(2026, 11, 30, 12, 0, 0, tzinfo=timezone.utc)
LEFT = "pvc-77c1f5b2-9a0e-4f8e-8f70-4b1f14f0b9de_ns_old"


class Machine:
    """A host with the clusters k, whose volumes v0 and v1 are on the host and v2 inside, and old, which is stopped."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.data = top / "data"
        self.path = top / "out" / "map"
        write_data(self.data, 2)
        worker = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "k-worker"}}
        self.cluster = FakeCluster(worker)
        for number, places in enumerate(("/data", "/data", "/inside")):
            self.cluster.put({**volume(number, places=places), "status": {"phase": "Bound"}})
            self.cluster.put({**claim(number), "status": {"phase": "Bound"}})
        old = {**inspected("old-control-plane", "old", "control-plane"), "State": {"Status": "exited"}}
        nodes = [inspected("k-worker", "k", "worker", data=str(self.data)), old]
        self.runner = ScriptedRunner(
            [
                (["docker", "ps"], "a b\n"),
                (["docker", "inspect"], json.dumps(nodes)),
                (["docker", "exec", "-i", "k-worker", "xargs"], "=\nd 1:1 2 0 8 1.0\nf 1:2 1 9 8 1700000000.5\n"),
            ]
        )

    def run(self, check_mode: bool = False, **options: Any) -> Outcome:
        given = {**defaults(ARGUMENTS), "engine": "docker", "host": "box", **options}
        now = options.pop("now", NOW)
        given.pop("now", None)
        return run(given, check_mode, runner=self.runner, connect=self.connect, now=lambda: now)

    def connect(self, *_where: Any) -> Any:
        return self.cluster

    def volumes(self, **options: Any) -> dict[str, Any]:
        (own, _old) = self.run(**options).facts["map"]["hosts"][0]["clusters"]
        return {row["name"]: row for row in own["volumes"]}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_clusters_of_a_machine(machine: Machine) -> None:
    (machine.data / LEFT).mkdir()
    found = machine.run()
    (host,) = found.facts["map"]["hosts"]
    own, old = host["clusters"]
    assert (host["name"], host["engine"], own["name"], old["name"]) == ("box", "docker", "k", "old")
    assert found.facts["summary"] == [
        "k on box: 2 of 3 volumes survive; 1 is inside k-worker and in no backup",
        "old on box: its nodes are not running",
    ]
    assert [row["host_directory"] for row in own["orphans"]] == [f"{machine.data}/{LEFT}"]
    assert own["orphans"][0]["seen"]["files"] == 0
    seen = {row["name"]: (row["place"], row["seen"]["files"]) for row in own["volumes"]}
    assert seen == {"v0": (str(machine.data), 1), "v1": (str(machine.data), 1), "v2": ("k-worker", 1)}
    assert found.warnings == ("The volumes of cluster old are not in the map: its nodes are not running",)
    assert not found.changed and machine.cluster.writes == []


def test_a_backup_of_its_cluster(machine: Machine) -> None:
    path = machine.top / "backup"
    name = write_backup(path, machine.data, 2, created="2099-01-02T03:04:05Z")
    rows = machine.volumes(backups=[str(path)])
    assert rows["v0"]["backup"]["generation"] == name
    assert {n: row["backup"].get("state") for n, row in rows.items()} == {"v0": "equal", "v1": "equal", "v2": None}
    (machine.data / "v1" / "more").touch()
    assert machine.volumes(backups=[str(path)])["v1"]["backup"]["state"] == "changed"
    other = machine.top / "other"
    write_backup(other, machine.data, 2, cluster="another")
    rows = machine.volumes(backups=[str(other)])
    assert rows["v0"]["backup"] == {}
    assert "none of the backups is of this cluster" in rows["v2"]["survives_why"]


def test_the_newest_backup_counts(machine: Machine) -> None:
    paths = [machine.top / name for name in ("a", "b", "c")]
    for path, year in zip(paths, (2026, 2028, 2027), strict=True):
        write_backup(path, machine.data, 2, created=f"{year}-01-02T03:04:05Z")
    (own, _old) = machine.run(backups=[str(path) for path in paths]).facts["map"]["hosts"][0]["clusters"]
    assert own["backup"]["path"] == str(paths[1])


def test_a_backup_that_cannot_be_read_is_a_warning(machine: Machine) -> None:
    found = machine.run(backups=[str(machine.top / "none")], clusters=["k"])
    assert len(found.warnings) == 1 and "none is not in the map: Cannot read the backup" in found.warnings[0]


def test_a_cluster_that_does_not_answer_is_shown(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_where: Any) -> Any:
        raise Unreachable("The API server does not answer.")

    monkeypatch.setattr(machine, "connect", silent)
    (own, _old) = machine.run().facts["map"]["hosts"][0]["clusters"]
    assert own["problem"] == "The API server does not answer" and [node["name"] for node in own["nodes"]]


@pytest.mark.parametrize("form", ["html", "text", "mermaid", "json"])
def test_a_file_is_written_once(machine: Machine, form: str) -> None:
    given = {"path": str(machine.path), "format": form}
    told = machine.run(True, **given)
    assert told.changed and not machine.path.exists()
    done = machine.run(**given)
    assert (done.changed, done.before, done.after) == (told.changed, told.before, told.after)
    text = machine.path.read_text()
    assert "2026-11-30T12:00:00Z" in text
    later = {**given, "now": NOW.replace(hour=13)}
    assert not machine.run(True, **later).changed and not machine.run(**later).changed
    assert machine.path.read_text() == text
    machine.cluster.put({**volume(1), "status": {"phase": "Released"}})
    machine.cluster.delete("PersistentVolumeClaim", "c1", "ns")
    assert machine.run(**later).changed and "13:00:00" in machine.path.read_text()


def test_maps_of_other_machines_are_drawn_together(machine: Machine) -> None:
    given = [machine.run().facts["map"], maps.shop()]
    runner, machine.runner = machine.runner, ScriptedRunner([])
    found = machine.run(maps=given, path=str(machine.path))
    machine.runner = runner
    assert [host["name"] for host in found.facts["map"]["hosts"]] == ["box", "box"]
    page = machine.path.read_text()
    assert "shop/web" in page and "ns/c0" in page


def test_what_changed_since_an_earlier_map(machine: Machine) -> None:
    machine.run(path=str(machine.path), format="json")
    machine.cluster.put({**volume(3), "status": {"phase": "Available"}})
    found = machine.run(before=str(machine.path))
    assert [(row["what"], row["change"]) for row in found.facts["changes"]] == [("volume v3", "came")]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 2}', "[" * 100_000])
def test_an_earlier_map_that_is_none(machine: Machine, content: str) -> None:
    (machine.top / "before").write_text(content)
    with pytest.raises(BadInput, match=r"before=.* is not a map of format 1"):
        machine.run(before=str(machine.top / "before"))


def test_a_cluster_that_does_not_exist(machine: Machine) -> None:
    with pytest.raises(BadInput, match="docker has no node of a kind cluster named gone") as raised:
        machine.run(clusters=["gone"])
    assert "omit it to show all: k, old" in raised.value.next_step


def test_a_file_that_cannot_be_written(machine: Machine) -> None:
    for check_mode in (True, False):
        with pytest.raises(BadInput, match="cannot be written"):
            machine.run(check_mode, path=str(machine.data))


def test_a_machine_without_clusters(machine: Machine) -> None:
    machine.runner = ScriptedRunner([(["docker", "ps"], "")])
    found = machine.run(path=str(machine.path))
    assert found.facts["summary"] == [] and "box has no kind cluster" in machine.path.read_text().replace(
        "<bdi>", ""
    ).replace("</bdi>", "")


def test_an_engine_that_does_not_answer(machine: Machine) -> None:
    machine.runner = ScriptedRunner([(["docker", "ps"], Completed(1, "", "Cannot connect to the Docker daemon"))])
    with pytest.raises(Unreachable, match="docker does not answer: Cannot connect"):
        machine.run()
