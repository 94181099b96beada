"""volume_backup with objects of all kinds: what it writes, tells and keeps, and what it never tells."""

from __future__ import annotations

import json
import stat
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, KindlabError, Unreachable
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup import observe
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import generations, read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.objects import baseline
from ansible_collections.kindlab.volumes.tests.unit.action.test_volume_backup import Lab
from ansible_collections.kindlab.volumes.tests.unit.support.any_objects import TYPES, names, namespace, thing

CONFIDENTIAL = "Z2VoZWlt"


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """A cluster with a baseline, and what people made and changed since."""
    made = Lab(tmp_path)
    made.cluster.types = list(TYPES)
    made.cluster.put(namespace("kube-system"))
    made.cluster.put(thing("v1", "ConfigMap", "coredns", "kube-system", data={"Corefile": "a"}))
    baseline.record(made.cluster)  # type: ignore[arg-type]
    made.cluster.patch("ConfigMap", "coredns", {"data": {"Corefile": "b"}}, "kube-system")
    made.cluster.put(namespace("shop"))
    made.cluster.put(thing("v1", "Secret", "password", data={"password": CONFIDENTIAL}))
    made.cluster.put(thing("example.com/v1", "Database", "main", spec={"size": 3}))
    made.cluster.writes.clear()
    return made


def test_volumes_and_objects_are_in_one_generation(lab: Lab) -> None:
    predicted = lab(check=True, objects=True)
    lab.clock -= 1
    done = lab(objects=True)
    assert done.changed
    assert (done.before, done.after, done.facts["objects"]) == (
        predicted.before,
        predicted.after,
        predicted.facts["objects"],
    )
    backup = read_backup(lab.path)
    assert [volume.name for volume in backup.catalog.volumes] == ["pv-a", "pv-b"]
    saved = backup.saved_objects()
    assert names(saved.made) == ["Database.example.com shop/main", "Namespace shop", "Secret shop/password"]
    assert [change.patch for change in saved.changed] == [{"data": {"Corefile": "b"}}]
    assert lab.cluster.writes == [("patch", "PersistentVolume", "pv-a")]
    assert done.warnings == ()


def test_nodes_are_asked_while_objects_are_read(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    meeting = threading.Barrier(3)

    def met(own: Callable[..., Any], *arguments: Any) -> Any:
        meeting.wait(20)
        return own(*arguments)

    for name in ("described", "collect_all", "unused"):
        monkeypatch.setattr(observe, name, partial(met, getattr(observe, name)))
    assert lab(objects=True).changed


def test_only_numbers_and_names_are_told(lab: Lab) -> None:
    done = lab(objects=True)
    told = done.facts["objects"]
    assert told["made"] == {"Database.example.com": 1, "Namespace": 1, "Secret": 1}
    assert (told["changed"], told["baseline"]) == (["ConfigMap kube-system/coredns"], True)
    assert {row["kind"]: row["why"] for row in told["left_out"]} == {
        "Node": "a backup of volumes has the labels, taints and cordons of nodes",
        "PersistentVolume": "volume_backup saves volumes",
        "PersistentVolumeClaim": "volume_backup saves claims with their volumes",
    }
    assert done.after is not None
    assert done.after["objects"] == {"made": 3, "changed": 1}
    assert CONFIDENTIAL not in json.dumps([done.before, done.after, done.facts, done.warnings])


def test_only_their_owner_can_read_them(lab: Lab) -> None:
    done = lab(objects=True)
    top = Path(done.facts["directory"])
    assert CONFIDENTIAL in (top / "objects" / "shop" / "Secret.json").read_text()
    for path in (top, *top.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_a_changed_object_makes_a_new_generation_and_equal_ones_do_not(lab: Lab) -> None:
    lab(objects=True)
    assert not lab(objects=True).changed
    lab.cluster.put(thing("v1", "ConfigMap", "new"))
    assert lab(objects=True).changed
    assert lab(objects=False).changed
    assert len(generations(lab.path)) == 3


def test_without_volumes_the_objects_are_saved_alone(lab: Lab) -> None:
    for key in [key for key in lab.cluster.objects if key[0].startswith("PersistentVolume")]:
        del lab.cluster.objects[key]
    assert not lab().changed
    assert lab(objects=True).changed
    assert read_backup(lab.path).catalog.volumes == ()
    assert len(read_backup(lab.path).saved_objects().made) == 3


def test_what_cannot_be_read_is_warned_of(lab: Lab) -> None:
    lab.cluster.refusals = {"/api/v1/secrets": KindlabError("secrets is forbidden")}
    done = lab(objects=True)
    assert done.warnings == (
        "Some objects cannot be read, and are not saved: Secret (it cannot be listed: secrets is forbidden)",
    )
    assert "Secret" in {row["kind"] for row in done.facts["objects"]["left_out"]}


def test_a_damaged_baseline_stops_it_before_anything_is_written(lab: Lab) -> None:
    lab.cluster.patch("ConfigMap", "kindlab-baseline", {"binaryData": None}, "kube-system")
    lab.cluster.writes.clear()
    with pytest.raises(BadInput, match="does not contain the objects of a new cluster any more"):
        lab(objects=True)
    assert lab.cluster.writes == []
    assert not lab.path.exists()


def test_the_newest_generation_with_objects_is_kept(lab: Lab) -> None:
    first = lab(objects=True).facts["generation"]
    (lab.host / "pv-a" / "f").write_text("other")
    done = lab(keep=1)
    assert done.facts["kept_generations"] == [
        {"generation": first, "why": "only this generation holds objects of its selection"}
    ]
    (lab.host / "pv-a" / "f").write_text("another")
    assert first in lab(keep=1, objects=True).facts["removed_generations"]


def test_the_last_backup_stands_for_objects_too(lab: Lab) -> None:
    lab(objects=True)
    before = read_backup(lab.path).saved_objects()
    (lab.host / "pv-a" / "f").write_text("other")
    lab.silent = True
    with pytest.raises(Unreachable):
        lab(objects=True)
    assert lab(objects=True, without_api="last_backup").changed
    assert read_backup(lab.path).saved_objects() == before


def test_the_last_backup_without_objects_cannot(lab: Lab) -> None:
    lab()
    lab.silent = True
    with pytest.raises(BadInput, match="objects=true needs an API server, or a generation with all objects"):
        lab(objects=True, without_api="last_backup")


def test_pods_that_were_deleted_for_it_are_saved_as_they_were(lab: Lab) -> None:
    bare = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bare", "namespace": "shop"}, "spec": {"a": 1}}
    later = {**bare, "metadata": {**bare["metadata"], "name": "later"}}  # type: ignore[dict-item]
    lab.cluster.put(thing("v1", "Pod", "later", spec={"a": 2}))
    lab(objects=True, deleted_pods=[bare, later])
    pods = [item for item in read_backup(lab.path).saved_objects().made if item["kind"] == "Pod"]
    assert [(pod["metadata"]["name"], pod["spec"]) for pod in pods] == [("bare", {"a": 1}), ("later", {"a": 2})]
