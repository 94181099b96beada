"""The throw-away cluster of a rehearsal: its name, its options, and what it says."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.spec import ClusterSpec
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import Change, Key, Saved
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.contents.rehearsal import (
    is_wanted,
    refused_error,
    rehearsal_name,
    rehearsal_options,
    without_classes,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal

MOUNT = {"host_path": "/srv", "node_path": "/data"}
SHAPE: dict[str, Any] = {
    "image": "node:2",
    "nodes": [
        {"role": "worker", "image": "w:1"},
        {"role": "control-plane", "image": "c:1", "mounts": [MOUNT], "ports": [{"node_port": 80, "host_port": 80}]},
    ],
    "feature_gates": {"A": True},
    "networking": {"api_server_port": 6443, "apiServerAddress": "0.0.0.0", "ip_family": "dual"},
    "labels": {"a": "b"},
    "merge_kubeconfig": True,
}


@pytest.mark.parametrize("cluster", ["k", "a" * 49, "a" * 31 + "-" * 9])
def test_its_name_is_valid_and_says_whose_it_is(cluster: str) -> None:
    name = rehearsal_name(cluster, "0a1b2c")
    assert name.endswith("-rehearsal-0a1b2c") and name.startswith(cluster[:20])
    ClusterSpec.from_options({"name": name, "nodes": [{"role": "control-plane"}]})


def test_one_node_that_takes_what_the_new_cluster_takes() -> None:
    assert rehearsal_options(SHAPE) == {
        "image": "node:2",
        "feature_gates": {"A": True},
        "networking": {"ip_family": "dual"},
        "nodes": [{"role": "control-plane", "image": "c:1"}],
    }
    assert rehearsal_options({"nodes": [{"image": "c:1"}]}) == {"nodes": [{"role": "control-plane", "image": "c:1"}]}


def test_patches_may_refer_to_files_of_the_host() -> None:
    patched = {**SHAPE, "kubeadm_patches": ["a"], "mounts": [{**MOUNT, "roles": ["control-plane"], "create": True}]}
    patched["mounts"].append({**MOUNT, "roles": ["worker"]})
    (node,) = rehearsal_options(patched)["nodes"]
    read_only = {**MOUNT, "read_only": True, "create": False}
    assert node == {"role": "control-plane", "image": "c:1", "mounts": [read_only, read_only]}


@pytest.mark.parametrize(
    ("rehearse", "same", "wanted"),
    [(None, True, False), (None, False, True), (True, True, True), (False, False, False)],
)
def test_when_to_rehearse(rehearse: bool | None, same: bool, wanted: bool) -> None:
    assert is_wanted(rehearse, SHAPE, SHAPE, same_images=same) is wanted


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"networking": {"ip_family": "ipv4"}}, True),
        ({"runtime_config": {"api/beta": "false"}}, True),
        ({"feature_gates": {}}, True),
        ({"kubeadm_patches": ["kind: ClusterConfiguration"]}, True),
        ({"kind_fields": {"kubeadmConfigPatchesJSON6902": [{}]}}, True),
        ({"nodes": [{"role": "control-plane", "kind_fields": {"kubeadmConfigPatches": ["a"]}}]}, True),
        ({"networking": {**SHAPE["networking"], "api_server_port": 7443}}, False),
        ({"nodes": [{"role": "control-plane", "image": "c:1", "mounts": []}, *[{"role": "worker"}] * 3]}, False),
        ({"labels": {"a": "c"}}, False),
    ],
)
def test_a_change_of_what_the_api_server_accepts_is_rehearsed(change: dict[str, Any], wanted: bool) -> None:
    assert is_wanted(None, SHAPE, {**SHAPE, **change}, same_images=True) is wanted
    assert not is_wanted(False, SHAPE, {**SHAPE, **change}, same_images=True)


def test_options_that_are_not_known_do_not_differ() -> None:
    assert not is_wanted(None, {"nodes": []}, SHAPE, same_images=True)


def test_what_it_does_not_take_is_told() -> None:
    error = refused_error("v1.35.0", [Refusal("Thing a/b", "it has no kind")])
    assert error.message == "Kubernetes v1.35.0 does not accept 1 object of this cluster:\n- Thing a/b: it has no kind"
    assert error.details == [{"name": "Thing a/b", "why": "it has no kind", "next_step": ""}]
    assert "rehearse=false" in error.next_step


def test_changed_storage_classes_are_created_again_and_not_changed() -> None:
    """The API server refuses another reclaim policy of the class that the throw-away cluster brings."""
    made = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "own"}}
    standard = Change(Key("storage.k8s.io", "StorageClass", "", "standard"), "storage.k8s.io/v1", {})
    dns = Change(Key("", "ConfigMap", "kube-system", "coredns"), "v1", {"data": {}})
    assert without_classes(Saved([made], [standard, dns])) == Saved([made], [dns])
