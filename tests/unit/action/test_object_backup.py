"""The action of object_backup, with a cluster in memory: what it writes, tells, keeps and refuses."""

from __future__ import annotations

import json
import stat
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._action.object_backup import ARGUMENTS, run
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    BadInput,
    Conflict,
    Declined,
    KindlabError,
    Unreachable,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import defaults
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import generations, read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.writer import Writer, locked
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.objects import baseline
from ansible_collections.kindlab.volumes.tests.unit.support.any_objects import TYPES, names, namespace, thing
from ansible_collections.kindlab.volumes.tests.unit.support.backups import inspected, write_backup, write_data
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import FakeCluster
from ansible_collections.kindlab.volumes.tests.unit.support.nodes import showing

OPTIONS = {**defaults(ARGUMENTS), "engine": "docker", "cluster": "lab"}
CONFIDENTIAL = "Z2VoZWlt"


class Lab:
    """A cluster with objects in two namespaces, and the module's options."""

    def __init__(self, top: Path) -> None:
        self.path = top / "backup"
        self.cluster = FakeCluster(
            {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "lab-control-plane"}},
            namespace("kube-system"),
            thing("v1", "ConfigMap", "coredns", "kube-system", data={"Corefile": "a"}),
        )
        self.cluster.types = list(TYPES)
        baseline.record(self.cluster)  # type: ignore[arg-type]
        self.cluster.put(namespace("shop"))
        self.cluster.put(namespace("other"))
        self.cluster.put(thing("v1", "Secret", "password", data={"password": CONFIDENTIAL}, labels={"app": "web"}))
        self.cluster.put(thing("apps/v1", "Deployment", "web", spec={"template": {"spec": {}}}))
        self.cluster.put(thing("v1", "ConfigMap", "b", "other"))
        self.cluster.put(thing("storage.k8s.io/v1", "StorageClass", "fast", provisioner="x"))
        self.cluster.patch("ConfigMap", "coredns", {"data": {"Corefile": "b"}}, "kube-system")
        self.cluster.writes.clear()
        self.clock = 0
        self.silent = False

    def __call__(self, *, check: bool = False, **options: Any) -> Outcome:
        self.clock += 1
        return run(
            {**OPTIONS, "path": str(self.path), **options},
            check,
            runner=showing(inspected("lab-control-plane", "lab", "control-plane")),
            connect=self.connect,
            now=lambda: datetime(2026, 11, 30, 6, 0, self.clock, tzinfo=timezone.utc),
        )

    def connect(self, *_arguments: object) -> FakeCluster:
        if self.silent:
            raise Unreachable("The API server does not answer.", next_step="Start it.")
        return self.cluster

    def saved(self) -> list[str]:
        return names(read_backup(self.path).saved_objects().made)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def test_four_runs(lab: Lab) -> None:
    predicted = lab(check=True)
    assert predicted.changed
    assert not lab.path.exists()
    lab.clock -= 1
    done = lab()
    assert done.changed
    assert (done.before, done.after) == (predicted.before, predicted.after)
    assert {**done.facts, "seconds": {}} == {**predicted.facts, "seconds": {}}
    assert done.facts["generation"] == "000001-20261130T060001Z"
    for check in (False, True):
        again = lab(check=check)
        assert not again.changed
        assert again.before == again.after
        assert again.facts["generation"] == done.facts["generation"]
    assert generations(lab.path) == [done.facts["generation"]]
    assert lab.cluster.writes == []


def test_everything_is_saved_and_can_be_read(lab: Lab) -> None:
    done = lab()
    assert lab.saved() == [
        "ConfigMap other/b",
        "Deployment.apps shop/web",
        "Namespace other",
        "Namespace shop",
        "Secret shop/password",
        "StorageClass.storage.k8s.io fast",
    ]
    backup = read_backup(lab.path)
    (change,) = backup.saved_objects().changed
    assert (str(change.key), change.patch) == ("ConfigMap kube-system/coredns", {"data": {"Corefile": "b"}})
    assert (backup.catalog.cluster.name, backup.catalog.cluster.kubernetes_version) == ("lab", "v1.34.4")
    assert [node.name for node in backup.catalog.cluster.nodes] == ["lab-control-plane"]
    assert Path(done.facts["catalog"]).is_file()
    assert done.facts["objects"]["made"] == {
        "ConfigMap": 1,
        "Deployment.apps": 1,
        "Namespace": 2,
        "Secret": 1,
        "StorageClass.storage.k8s.io": 1,
    }
    assert done.warnings == ()


def test_secrets_are_only_in_files_of_their_owner(lab: Lab) -> None:
    done = lab()
    assert CONFIDENTIAL not in json.dumps([done.before, done.after, done.facts, done.warnings])
    top = Path(done.facts["directory"])
    assert CONFIDENTIAL in (top / "objects" / "shop" / "Secret.json").read_text()
    for path in (lab.path, top, *top.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


@pytest.mark.parametrize(
    "selection, expected",
    [
        ({"namespaces": ["shop"]}, ["Deployment.apps shop/web", "Namespace shop", "Secret shop/password"]),
        ({"kinds": ["deployments"]}, ["Deployment.apps shop/web", "Namespace shop"]),
        ({"label_selectors": ["app=web"]}, ["Namespace shop", "Secret shop/password"]),
        ({"namespaces": ["other"], "kinds": ["ConfigMap"]}, ["ConfigMap other/b", "Namespace other"]),
    ],
)
def test_a_selection(lab: Lab, selection: dict[str, list[str]], expected: list[str]) -> None:
    lab(**selection)
    assert lab.saved() == expected
    saved = read_backup(lab.path).catalog.objects
    assert saved and saved.selection.kinds == tuple(selection.get("kinds", ()))
    assert not lab(**selection).changed
    assert lab().changed


def test_the_newest_generation_of_each_selection_is_kept_until_one_has_everything(lab: Lab) -> None:
    first = lab(namespaces=["shop"]).facts["generation"]
    done = lab(kinds=["ConfigMap"], keep=1)
    assert (done.facts["removed_generations"], [row["generation"] for row in done.facts["kept_generations"]]) == (
        [],
        [first],
    )
    predicted = lab(keep=1, check=True)
    lab.clock -= 1
    done = lab(keep=1)
    assert (
        done.facts["removed_generations"]
        == predicted.facts["removed_generations"]
        == [
            first,
            "000002-20261130T060002Z",
        ]
    )
    assert generations(lab.path) == [done.facts["generation"]]


@pytest.mark.parametrize(
    "options, why",
    [
        ({"namespaces": ["shopp"]}, "namespaces has shopp, which this cluster does not have"),
        ({"kinds": ["Gadget"]}, "kinds has Gadget, which this cluster does not have"),
        ({"kinds": ["PersistentVolumeClaim"]}, "volume_backup saves claims"),
        ({"label_selectors": ["app=nothing"]}, "No object of the cluster lab matches all of namespaces, kinds and"),
        ({"kinds": ["ConfigMap"], "namespaces": ["shop"]}, "No object of the cluster lab matches"),
        ({"keep": -1}, "keep must be at least 0"),
        ({"path": "backup"}, "is not an absolute path"),
    ],
)
@pytest.mark.parametrize("check", [False, True])
def test_bad_input_changes_nothing(lab: Lab, options: dict[str, Any], why: str, check: bool) -> None:
    with pytest.raises(BadInput, match=why) as error:
        lab(check=check, **options)
    assert error.value.next_step
    assert not (lab.path / "generations").exists()


def test_a_directory_with_volumes_is_refused(lab: Lab, tmp_path: Path) -> None:
    write_data(tmp_path / "data", 1)
    name = write_backup(lab.path, tmp_path / "data", 1)
    for check in (True, False):
        with pytest.raises(Declined, match=f"its newest generation, {name}, holds volumes"):
            lab(check=check)
    assert generations(lab.path) == [name]


def test_a_damaged_generation_is_named_and_not_relied_on(lab: Lab) -> None:
    first = lab()
    (Path(first.facts["directory"]) / "objects" / "shop" / "Secret.json").write_text("{}")
    done = lab()
    assert done.changed
    assert done.warnings[0].startswith("The newest generation is damaged; this backup does not depend on it")
    assert not lab().changed


def test_what_cannot_be_read_is_warned_of(lab: Lab) -> None:
    lab.cluster.refusals = {"/api/v1/secrets": KindlabError("secrets is forbidden: no permission")}
    done = lab()
    assert done.warnings == (
        "Some objects cannot be read, and are not saved: Secret (it cannot be listed: secrets is forbidden: no "
        "permission)",
    )
    assert "Secret shop/password" not in lab.saved()


def test_another_writer_is_waited_for_by_people(lab: Lab) -> None:
    with locked(lab.path), pytest.raises(Conflict, match="Another run is writing"):
        lab()


def test_a_killed_writer_leaves_nothing(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Writer, "publish", fail)
        with pytest.raises(KeyboardInterrupt):
            lab()
    assert lab().changed
    assert len(generations(lab.path)) == 1


def test_an_api_server_that_does_not_answer_is_an_error(lab: Lab) -> None:
    lab.silent = True
    with pytest.raises(Unreachable):
        lab()
    assert not lab.path.exists()


def test_a_cluster_without_objects_has_a_generation_too(lab: Lab) -> None:
    lab.cluster.objects = {key: item for key, item in lab.cluster.objects.items() if key[0] == "Node"}
    assert lab().changed
    assert lab.saved() == []
    assert not lab().changed
