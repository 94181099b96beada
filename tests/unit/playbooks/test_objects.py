"""The list and comparison of objects that change_cluster proves with: it must see every loss and change."""

from __future__ import annotations

import copy
import importlib.util
import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).resolve().parents[3] / "playbooks/files/objects.py"
_SPEC = importlib.util.spec_from_file_location("change_cluster_objects", PROGRAM)
assert _SPEC and _SPEC.loader
objects = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(objects)


def item(kind: str = "ConfigMap", name: str = "page", api: str = "v1", **more: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "shop", "uid": "1", "resourceVersion": "2", "creationTimestamp": "now"}
    return {"apiVersion": api, "kind": kind, "metadata": {**metadata, **more.pop("metadata", {})}, **more}


def node(tmp_path: Path, *items: dict[str, Any]) -> Path:
    """A command that answers for a node: it is called with sh -ec SCRIPT."""
    (tmp_path / "items.json").write_text(json.dumps({"items": items}))
    program = tmp_path / "node"
    program.write_text(f'#!/bin/sh\n[ "$1 $2" = "sh -ec" ] && cat {tmp_path}/items.json\n')
    program.chmod(0o755)
    return program


def test_lists_what_people_made_without_what_the_server_sets(tmp_path: Path) -> None:
    owned = [{"kind": "ReplicaSet", "name": "page", "uid": "1", "controller": True}]
    noted = {"volume.kubernetes.io/selected-node": "lab-worker", "b": ""}
    claim = {"name": "test", "namespace": "shop", "uid": "1", "resourceVersion": "2"}
    found = objects.listed(
        [
            node(
                tmp_path,
                item(data={"a": "b"}),
                item("Deployment", api="apps/v1", spec={"replicas": 1}, status={"replicas": 1}),
                item("PersistentVolume", "pv", spec={"claimRef": claim}, metadata={"namespace": None}),
                item("Pod", metadata={"ownerReferences": owned}),
                item("PersistentVolumeClaim", metadata={"annotations": noted}),
                item(name="kindlab-cluster", metadata={"namespace": "kube-system"}),
                item("Event"),
                item("Lease", api="coordination.k8s.io/v1"),
                item(name="kube-root-ca.crt"),
            )
        ]
    )
    claim_name = "PersistentVolumeClaim shop/page"
    assert list(found) == ["ConfigMap shop/page", "Deployment.apps shop/page", "PersistentVolume pv", claim_name]
    assert found[claim_name]["metadata"]["annotations"] == {"b": ""}
    assert found["Deployment.apps shop/page"]["spec"] == {"replicas": 1}
    assert found["PersistentVolume pv"]["spec"] == {"claimRef": {"name": "test", "namespace": "shop"}}
    assert not any({*one["metadata"]} & {"uid", "resourceVersion"} or "status" in one for one in found.values())


def test_a_node_that_fails_is_no_empty_list(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        objects.listed([node(tmp_path), "elsewhere"])


BORN = {"ConfigMap a": {"data": {"x": "1"}}, "ConfigMap b": {"data": {"x": "1"}}}
BEFORE = {**BORN, "ConfigMap b": {"data": {"x": "2"}}, "Secret c": {"data": {"y": "1"}, "list": [{"z": 1}]}}


def after(**changes: Any) -> dict[str, Any]:
    found = copy.deepcopy(BEFORE)
    for name, value in changes.items():
        found["Secret c"][name] = value
    return found


def test_made_and_changed_objects_are_ours() -> None:
    found = objects.compared(BORN, BEFORE, after())
    assert found["objects"] == [
        {"object": "ConfigMap b", "result": "equal"},
        {"object": "Secret c", "result": "equal"},
    ]
    assert (found["count"], found["brought"], found["not_equal"], found["new"]) == (2, 1, [], [])


@pytest.mark.parametrize(
    ("changes", "row"),
    [
        ({"data": {"y": "2"}}, {"result": "differs", "changed": ["data.y"]}),
        ({"data": {}}, {"result": "differs", "changed": ["data.y"]}),
        ({"data": {"y": "1", "more": ""}}, {"result": "equal and more", "more": ["data.more"]}),
        ({"list": []}, {"result": "differs", "changed": ["list"]}),
        ({"list": [{"z": 1}, {"z": 2}]}, {"result": "differs", "changed": ["list"]}),
        ({"list": [{"z": 2}]}, {"result": "differs", "changed": ["list[0].z"]}),
        ({"list": [{"z": 1, "w": 2}]}, {"result": "equal and more", "more": ["list[0].w"]}),
        ({"data": None}, {"result": "differs", "changed": ["data"]}),
    ],
)
def test_each_difference_is_seen_with_its_path(changes: dict[str, Any], row: dict[str, Any]) -> None:
    assert objects.compared(BORN, BEFORE, after(**changes))["not_equal"] == [{"object": "Secret c", **row}]


@pytest.mark.parametrize("autoscaler", [True, False])
def test_how_many_replicas_there_are_is_an_autoscalers(autoscaler: bool) -> None:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "page"}
    scaler = item("HorizontalPodAutoscaler", api="autoscaling/v2", spec={"scaleTargetRef": target})
    before, now = (
        {
            "Deployment.apps shop/page": item(
                "Deployment", api="apps/v1", spec={"replicas": replicas, "paused": False}
            ),
            **({"HorizontalPodAutoscaler.autoscaling shop/page": scaler} if autoscaler else {}),
        }
        for replicas in (1, 3)
    )
    row = {"object": "Deployment.apps shop/page", "result": "differs", "changed": ["spec.replicas"]}
    assert objects.compared({}, before, now)["not_equal"] == ([] if autoscaler else [row])
    now["Deployment.apps shop/page"]["spec"]["paused"] = True
    (row,) = objects.compared({}, before, now)["not_equal"]
    assert ("spec.paused" in row["changed"], "spec.replicas" in row["changed"]) == (True, not autoscaler)


def test_missing_and_new_objects_are_seen_whoever_made_them() -> None:
    found = objects.compared(BORN, BEFORE, {"ConfigMap d": {}})
    assert [row["result"] for row in found["objects"]] == ["missing", "missing"]
    assert found["brought_not_equal"] == [{"object": "ConfigMap a", "result": "missing"}]
    assert found["new"] == ["ConfigMap d"]


def test_lists_are_files_of_their_owner(tmp_path: Path) -> None:
    target = tmp_path / "list.json"
    subprocess.run([sys.executable, PROGRAM, "list", target, node(tmp_path, item())], check=True)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    done = subprocess.run([sys.executable, PROGRAM, "compare", target, target, target], check=True, capture_output=True)
    assert json.loads(done.stdout)["count"] == 0
