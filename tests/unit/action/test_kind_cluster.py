"""Creating, starting and comparing clusters, on a host in memory."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._action.kind_cluster import run
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    BadInput,
    CommandFailed,
    Declined,
    TimedOut,
    Unreachable,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Completed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.kubeconfig import Kubeconfig
from ansible_collections.kindlab.volumes.tests.unit.support.cluster_runs import Place
from ansible_collections.kindlab.volumes.tests.unit.support.kind_host import KUBECONFIG, merge


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "users.yaml"))
    return Place(tmp_path)


def test_from_nothing_to_nothing(place: Place) -> None:
    assert place.run(True).facts["reachable"] is False
    made = place.predicted()
    assert made.changed and made.facts["reachable"] is True
    assert (made.before["state"], made.after["state"]) == ("absent", "running")
    assert place.data.is_dir() and place.data.stat().st_mode & 0o777 == 0o750
    assert place.kubeconfig.exists() and not place.marker.exists()
    assert not (place.path / "users.yaml").exists()
    assert made.facts["kubernetes_version"] == "v1.34.4"
    assert [n["name"] for n in made.facts["cluster"]["nodes"]] == ["lab-control-plane", "lab-worker"]

    again = place.predicted()
    assert not again.changed and again.before == again.after

    gone = place.predicted(state="absent")
    assert gone.changed and gone.after["state"] == "absent" and gone.facts["reachable"] is False
    assert place.host.nodes == [] and not place.kubeconfig.exists() and place.data.is_dir()
    assert not place.predicted(state="absent").changed


def test_what_goes_on_around_a_creation(place: Place) -> None:
    """It begins when nothing of the cluster is there, and is nothing where nothing is created."""
    nodes: list[int] = []

    def around(create: Callable[[], Completed]) -> Completed:
        nodes.append(len(place.host.nodes))
        done = create()
        nodes.append(len(place.host.nodes))
        return done

    for _run in range(2):
        run(place.options(), False, runner=place.host, connect=place.host.connect, around=around)
        assert nodes == [0, 2]


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
    assert "kind_cluster_recreate" in error.next_step


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


def test_a_cluster_of_others_is_recorded_as_it_was_requested(place: Place) -> None:
    """Its containers show no drift; what they do not show can be corrected later."""
    place.run()
    place.api.delete("ConfigMap", "kindlab-cluster", "kube-system")
    adopted = place.predicted()
    assert adopted.changed and (adopted.before["recorded"], adopted.after["recorded"]) == (False, True)
    assert not place.predicted().changed
    corrected = place.predicted(feature_gates={"A": True})
    assert corrected.changed and "feature_gates could not be compared" in corrected.warnings[0]
    again = place.predicted(feature_gates={"A": True})
    assert not again.changed and again.warnings == ()
    place.refused(Declined, workers=2)


def test_a_stopped_cluster_of_others_is_recorded_when_it_runs(place: Place) -> None:
    place.run()
    place.api.delete("ConfigMap", "kindlab-cluster", "kube-system")
    place.host.nodes[0]["State"]["Status"] = "exited"
    assert place.predicted().changed
    assert not place.predicted().changed


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


def other_cluster(file: Path) -> None:
    """A kubeconfig with another cluster as its current context."""
    merge(file, KUBECONFIG.format(name="other", number=7))


def test_merging_into_the_users_own(place: Place) -> None:
    users = Kubeconfig(str(place.path / "users.yaml"))
    other_cluster(place.path / "users.yaml")
    place.run()
    assert place.predicted(merge_kubeconfig=True).changed
    assert users.has_cluster("lab") and users.current_context() == "kind-other"
    assert not place.predicted(merge_kubeconfig=True).changed
    place.run(state="absent")
    assert not users.has_cluster("lab") and users.has_cluster("other")


@pytest.mark.parametrize("current", ["kind-lab", "kind-other"])
def test_what_a_deletion_took_out_of_the_users_own_comes_back_as_it_was(place: Place, current: str) -> None:
    users = Kubeconfig(str(place.path / "users.yaml"))
    place.run(merge_kubeconfig=True)
    assert users.current_context() == "kind-lab"
    other_cluster(place.path / "users.yaml")
    users.set_current_context(current)
    gone = place.predicted(state="absent")
    assert gone.before["merged"] and not users.has_cluster("lab")
    place.predicted(merge_kubeconfig=True)
    assert users.has_cluster("lab") and users.has_cluster("other") and users.current_context() == current


def test_an_entry_of_an_earlier_cluster_is_replaced(place: Place) -> None:
    users = Kubeconfig(str(place.path / "users.yaml"))
    merge(place.path / "users.yaml", KUBECONFIG.format(name="lab", number=9))
    other_cluster(place.path / "users.yaml")
    place.run()
    assert not place.predicted().after["merged"]
    merged = place.predicted(merge_kubeconfig=True)
    assert merged.changed and merged.before["merged"] is False
    assert users.credentials("lab") == Kubeconfig(str(place.kubeconfig)).credentials("lab")
    assert users.current_context() == "kind-other"
    assert not place.predicted(merge_kubeconfig=True).changed


def test_absent_leaves_an_entry_that_leads_elsewhere(place: Place) -> None:
    """Another machine has a cluster of this name; that of an earlier cluster here is removed."""
    users = place.path / "users.yaml"
    elsewhere = KUBECONFIG.format(name="lab", number=9).replace("127.0.0.1", "192.0.2.1")
    for text, stays in ((elsewhere, True), (KUBECONFIG.format(name="lab", number=9), False)):
        users.write_text(text)
        place.run()
        place.run(state="absent")
        assert Kubeconfig(str(users)).has_cluster("lab") is stays


def test_a_shared_kubeconfig_keeps_its_current_context(place: Place) -> None:
    place.run()
    other_cluster(place.kubeconfig)
    place.host.nodes[0]["State"]["Status"] = "exited"
    place.predicted()
    assert Kubeconfig(str(place.kubeconfig)).current_context() == "kind-other"


@pytest.mark.parametrize("text", [None, "a: [", "[]"], ids=["directory", "no yaml", "no mapping"])
def test_a_users_kubeconfig_that_can_not_be_read(place: Place, text: str | None) -> None:
    """It matters only where it is changed."""
    users = place.path / "users.yaml"
    if text is None:
        users.mkdir()
    else:
        users.write_text(text)
    assert place.predicted().changed
    assert "users.yaml" in place.refused(BadInput, merge_kubeconfig=True).message
    assert "users.yaml" in place.refused(BadInput, state="absent").message


@pytest.mark.parametrize("text", ["a: [", "[]", "contexts: [1]"])
def test_a_kubeconfig_that_is_none(place: Place, text: str) -> None:
    """kind would fail after it has created the cluster."""
    place.kubeconfig.parent.mkdir()
    place.kubeconfig.write_text(text)
    assert "is not a kubeconfig" in place.refused(BadInput).message
    assert place.host.nodes == []


def test_waiting_ends(place: Place) -> None:
    place.run()
    node = place.api.get("Node", "lab-worker")
    place.api.put({**node, "status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}})
    with pytest.raises(TimedOut):
        place.run()
    assert not place.run(wait_for="control_planes").changed


def test_a_node_that_somebody_deleted_from_the_cluster_is_named(place: Place) -> None:
    """Its container runs, and its kubelet does not create it again."""
    place.run()
    del place.api.objects["Node", "", "lab-worker"]
    with pytest.raises(TimedOut, match="1 node is not known to the API server: lab-worker") as raised:
        place.run()
    assert raised.value.next_step.endswith("docker restart lab-worker")
    assert raised.value.details == ["lab-worker"]


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
        ({"kubeconfig": "lab.yaml"}, "kubeconfig 'lab.yaml' is not an absolute path"),
        ({"kind": "./kind"}, "kind './kind' is not an absolute path"),
        ({"backup": "backup"}, "backup 'backup' is not an absolute path"),
        ({"nodes": [{"role": "control-plane", "mounts": [{"host_path": "x", "node_path": "/x"}]}]}, "host_path 'x'"),
        ({"mounts": [{"host_path": "/a\0", "node_path": "/x"}]}, "control character"),
    ],
)
def test_bad_input_touches_nothing(place: Place, options: dict[str, Any], said: str) -> None:
    assert said in place.refused(BadInput, **options).message
    assert place.host.calls == [] and list(place.path.iterdir()) == []


def test_host_path_that_is_a_file(place: Place) -> None:
    file = place.path / "file"
    file.touch()
    mount = {"host_path": str(file), "node_path": "/kind/manifests/default-storage.yaml", "create": True}
    assert "is not a directory" in place.refused(BadInput, mounts=[mount]).message
    assert place.run(mounts=[{**mount, "create": False}]).changed


def test_host_path_that_is_missing_and_not_to_be_made(place: Place) -> None:
    mount = {"host_path": str(place.data), "node_path": "/x", "create": False}
    error = place.refused(BadInput, mounts=[mount])
    assert "does not exist" in error.message
    assert f"sudo mkdir -p {place.data}" in error.next_step and "create" not in error.next_step


def test_host_path_that_no_directory_can_have(place: Place) -> None:
    mount = {"host_path": f"/{'a' * 300}", "node_path": "/x"}
    assert "File name too long" in place.refused(BadInput, mounts=[mount]).message


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


def test_what_the_host_lacks_is_refused_before_anything_is_created(place: Place) -> None:
    place.host.registry = set()
    error = place.refused(Declined)
    assert [row["name"] for row in error.details] == ["kindest/node:v1.34.4"]
    assert "cannot pull it: no such manifest" in error.message and "node_image" in error.next_step
    place.host.images["kindest/node:v1.34.4"] = "id"
    place.host.entrypoint = '["sh"]'
    assert "is not a node image of kind" in place.refused(Declined).message
    assert not place.data.exists() and place.host.created == 0


def test_a_cluster_that_exists_needs_neither_registry_nor_free_ports(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        options = {"ports": [{"node_port": 80, "host_port": server.getsockname()[1], "listen": "127.0.0.1"}]}
        assert "another program of this host listens on it" in place.refused(Declined, **options).message
    place.run(**options)
    with socket.create_server(("127.0.0.1", options["ports"][0]["host_port"])):
        place.host.registry = set()
        assert not place.predicted(**options).changed


def test_an_api_server_that_is_edited_into_a_record_of_another_form(place: Place) -> None:
    place.run()
    for config in ("{}", "[]", '{"name": "lab", "nodes": [{}]}'):
        place.api.put({**place.api.get("ConfigMap", "kindlab-cluster", "kube-system"), "data": {"config": config}})
        error = place.refused(BadInput)
        assert "kubectl -n kube-system delete configmap kindlab-cluster" in error.next_step


def test_a_directory_without_locks_is_refused_in_check_mode_too(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert "does not support locks" in place.refused(BadInput).message


# Nothing but the configuration, and the image.
ALONE: dict[str, Any] = {"mounts": None, "control_planes": None, "workers": None}


def test_a_configuration_file_of_kind(place: Place) -> None:
    """Like the options that it stands for: both describe one cluster."""
    config = {"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4", "nodes": [{"role": "control-plane"}, {}]}
    path = place.path / "kind.yaml"
    path.write_text(json.dumps(config))
    assert place.predicted(config=str(path), **ALONE).changed
    assert [node["role"] for node in place.host.configs["lab"]["nodes"]] == ["control-plane"] * 2
    assert {node["image"] for node in place.host.configs["lab"]["nodes"]} == {"kindest/node:v1.34.4"}
    for same in ({"config": config}, {"config": None, "control_planes": 2, "workers": 0}):
        assert not place.run(**{**ALONE, **same}).changed
    place.refused(Declined, config={**config, "featureGates": {"A": True}}, **ALONE)
    error = place.refused(BadInput, config={**config, "name": "other"}, **ALONE)
    assert "describes cluster other, not lab" in error.message


def test_options_over_a_configuration_of_kind(place: Place) -> None:
    """They change its nodes; what is not given does not count."""
    config = {"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4", "nodes": [{}, {"role": "worker"}]}
    assert place.predicted(config=config, control_planes=None, workers=2).changed
    assert [node["role"] for node in place.host.configs["lab"]["nodes"]] == ["control-plane", "worker", "worker"]
    assert {node["extraMounts"][0]["hostPath"] for node in place.host.configs["lab"]["nodes"]} == {str(place.data)}


def test_fields_that_no_option_sets_are_passed_on_and_compared(place: Place) -> None:
    patch = {"group": "kubeadm.k8s.io", "version": "v1beta3", "kind": "ClusterConfiguration", "patch": "- op: test"}
    node = {"role": "control-plane", "extraMounts": [{"hostPath": "/", "containerPath": "/n", "selinuxRelabel": True}]}
    config = {"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4", "nodes": [node]}
    passed = {**config, "kubeadmConfigPatchesJSON6902": [patch]}
    assert place.predicted(config=passed, **ALONE).changed
    made = place.host.configs["lab"]
    assert made["kubeadmConfigPatchesJSON6902"] == [patch]
    assert made["nodes"][0]["extraMounts"][0]["selinuxRelabel"] is True
    assert not place.run(config=passed, **ALONE).changed
    error = place.refused(Declined, config=config, **ALONE)
    assert [row["field"] for row in error.details] == ["kubeadmConfigPatchesJSON6902"]
    node["extraMounts"][0].pop("selinuxRelabel")
    error = place.refused(Declined, config=passed, **ALONE)
    assert [row["field"] for row in error.details] == ["mount /n selinuxRelabel"]


def test_fields_that_kind_does_not_know_are_refused_before_anything_is_created(place: Place) -> None:
    error = place.refused(Declined, kind_fields={"bogus": 1})
    assert "kind cannot read it: field bogus not found in type v1alpha4" in error.text()
    wrong = {"kubeadmConfigPatchesJSON6902": [{"patch": "op: add"}, {"patch": "["}]}
    assert place.refused(Declined, kind_fields=wrong).text().count("its patch is not valid") == 2
