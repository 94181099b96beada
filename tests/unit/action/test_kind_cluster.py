"""Creating, starting and comparing clusters, on a host in memory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    BadInput,
    CommandFailed,
    Declined,
    TimedOut,
    Unreachable,
)
from ansible_collections.kindlab.volumes.tests.unit.support.cluster_runs import Place
from ansible_collections.kindlab.volumes.tests.unit.support.kind_host import KUBECONFIG


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "users.yaml"))
    return Place(tmp_path)


def test_from_nothing_to_nothing(place: Place) -> None:
    made = place.predicted()
    assert made.changed
    assert (made.before["state"], made.after["state"]) == ("absent", "running")
    assert place.data.is_dir() and place.data.stat().st_mode & 0o777 == 0o750
    assert place.kubeconfig.exists() and not place.marker.exists()
    assert not (place.path / "users.yaml").exists()
    assert made.facts["kubernetes_version"] == "v1.34.4"
    assert [n["name"] for n in made.facts["cluster"]["nodes"]] == ["lab-control-plane", "lab-worker"]

    again = place.predicted()
    assert not again.changed and again.before == again.after

    gone = place.predicted(state="absent")
    assert gone.changed and gone.after["state"] == "absent"
    assert place.host.nodes == [] and not place.kubeconfig.exists() and place.data.is_dir()
    assert not place.predicted(state="absent").changed


def test_second_run_asks_little(place: Place) -> None:
    place.run()
    place.host.calls.clear()
    place.run()
    assert [call[:2] for call in place.host.calls] == [
        ["kind", "version"],
        ["docker", "ps"],
        ["docker", "inspect"],
        ["docker", "exec"],
    ]


def test_drift_is_declined_with_both_values(place: Place) -> None:
    place.run()
    error = place.refused(Declined, workers=2, image="kindest/node:v9", mounts=[], controller_manager_qps=50)
    assert [(d["name"], d["field"]) for d in error.details] == [
        ("lab-control-plane", "image"),
        ("lab-control-plane", "mount /var/local-path-provisioner"),
        ("lab-worker", "image"),
        ("lab-worker", "mount /var/local-path-provisioner"),
        ("lab-worker2", "node"),
    ]
    assert "volume_backup" in error.next_step


def test_drift_that_no_container_shows(place: Place) -> None:
    place.run(controller_manager_qps=1000, labels={"a": "b"})
    error = place.refused(Declined, controller_manager_qps=50, networking={"pod_subnet": "10.9.0.0/16"})
    assert [(d["name"], d["field"], d["before"], d["after"]) for d in error.details] == [
        ("", "networking", None, {"podSubnet": "10.9.0.0/16"}),
        ("", "controller_manager_qps", 1000, 50),
        ("lab-control-plane", "labels", {"a": "b"}, None),
        ("lab-worker", "labels", {"a": "b"}, None),
    ]


def test_an_image_by_another_name_is_the_same(place: Place) -> None:
    place.run()
    place.host.images["mirror/node:x"] = "id of kindest/node:v1.34.4"
    assert not place.predicted(image="mirror/node:x").changed


def test_foreign_cluster_is_taken_as_far_as_it_shows(place: Place) -> None:
    place.run()
    place.api.delete("ConfigMap", "kindlab-cluster", "kube-system")
    assert place.predicted().warnings == ()
    warned = place.predicted(feature_gates={"A": True})
    assert not warned.changed and "feature_gates" in warned.warnings[0]


def test_stopped_nodes_are_started(place: Place) -> None:
    place.run()
    place.host.nodes[0]["State"]["Status"] = "exited"
    place.host.nodes[1]["State"]["Status"] = "paused"
    started = place.predicted()
    assert (started.before["state"], started.after["state"]) == ("stopped", "running")
    assert ["docker", "start", "lab-control-plane"] in place.host.calls
    assert ["docker", "unpause", "lab-worker"] in place.host.calls
    assert not place.predicted().changed


def test_hidden_drift_of_a_stopped_cluster_is_found_when_it_runs(place: Place) -> None:
    place.run(labels={"a": "b"})
    place.host.nodes[0]["State"]["Status"] = "exited"
    with pytest.raises(Declined):
        place.run()


@pytest.mark.parametrize("left", [None, KUBECONFIG.format(name="lab", number=7)], ids=["missing", "outdated"])
def test_kubeconfig_is_written_again(place: Place, left: str | None) -> None:
    place.run()
    place.kubeconfig.unlink()
    if left:
        place.kubeconfig.write_text(left)
    again = place.predicted()
    assert again.changed and again.before["kubeconfig"] is None
    assert not place.predicted().changed


def test_merging_into_the_users_own(place: Place) -> None:
    users = place.path / "users.yaml"
    place.run()
    assert place.predicted(merge_kubeconfig=True).changed
    assert "kind-lab" in users.read_text()
    assert not place.predicted(merge_kubeconfig=True).changed
    place.run(state="absent")
    assert "kind-lab" not in users.read_text()


def test_waiting_ends(place: Place) -> None:
    place.run()
    node = place.api.get("Node", "lab-worker")
    place.api.put({**node, "status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}})
    with pytest.raises(TimedOut):
        place.run()
    assert not place.run(wait_for="control_planes").changed


def test_without_a_default_class_it_warns(place: Place) -> None:
    place.run()
    place.marker.write_text("{}")
    place.api.put({**place.api.get("StorageClass", "standard"), "metadata": {"name": "standard"}})
    assert "no default storage class" in place.run().warnings[0]


def test_without_a_network_nodes_are_not_waited_for(place: Place) -> None:
    options: dict[str, Any] = {"networking": {"disable_default_cni": True}}
    place.run(**options)
    node = place.api.get("Node", "lab-worker")
    place.api.put({**node, "status": {}})
    assert not place.run(**options).changed


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": "Lab_1"}, "'Lab_1' is not a valid name"),
        ({"name": "a" * 50}, "too long"),
        ({"name": "a" * 42, "control_planes": 3}, "too long"),
        ({"mounts": [{"host_path": "data", "node_path": "/x"}]}, "is not an absolute path"),
        ({"mounts": [{"host_path": "/a", "node_path": "/x"}, {"host_path": "/b", "node_path": "/x/"}]}, "two mounts"),
        ({"mounts": [{"host_path": "/a", "node_path": "/var"}]}, "is reserved"),
        ({"control_planes": 0}, "control_planes must be at least 1"),
        ({"networking": {"subnet": "x"}}, "networking has no key subnet"),
    ],
)
def test_bad_input_touches_nothing(place: Place, options: dict[str, Any], said: str) -> None:
    assert said in place.refused(BadInput, **options).message
    assert place.host.calls == [] and list(place.path.iterdir()) == []


def test_host_path_that_is_a_file(place: Place) -> None:
    file = place.path / "file"
    file.touch()
    mount = {"host_path": str(file), "node_path": "/kind/manifests/default-storage.yaml"}
    assert "is not a directory" in place.refused(BadInput, mounts=[mount]).message
    assert place.run(mounts=[{**mount, "create": False}]).changed


def test_host_path_that_is_missing_and_not_to_be_made(place: Place) -> None:
    mount = {"host_path": str(place.data), "node_path": "/x", "create": False}
    assert "does not exist" in place.refused(BadInput, mounts=[mount]).message


def test_host_path_below_a_file(place: Place) -> None:
    (place.path / "file").touch()
    mount = {"host_path": str(place.path / "file" / "below"), "node_path": "/x"}
    assert "is not a directory" in place.refused(BadInput, mounts=[mount]).message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_host_path_without_the_right_to_make_it(place: Place) -> None:
    place.path.chmod(0o500)
    mount = {"host_path": str(place.data), "node_path": "/x"}
    assert "not writable by this user" in place.refused(BadInput, mounts=[mount]).message


def test_kind_that_is_too_old(place: Place) -> None:
    place.host.kind_version = "kind v0.11.1 go1.16"
    assert "too old" in place.refused(BadInput).message


def test_engine_that_is_not_there(place: Place) -> None:
    place.host.broken = CommandFailed("The program docker is not on this host.")
    assert "role kindlab.volumes.engine" in place.refused(Unreachable).next_step
