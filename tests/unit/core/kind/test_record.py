"""The recorded configuration of a cluster creates the same cluster again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.config import config_text, kind_config
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.record import (
    known_options,
    record,
    recorded_config,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.spec import ClusterSpec
from ansible_collections.kindlab.volumes.tests.unit.support.cluster_options import OPTIONS

FULL = {
    "name": "lab",
    "nodes": [
        {"role": "control-plane", "ports": [{"node_port": 80, "host_port": 8080, "listen": "127.0.0.1"}]},
        {"role": "worker", "labels": {"disk": "fast"}, "patches": ["kind: JoinConfiguration"]},
    ],
    "image": "node:1",
    "mounts": [{"host_path": "/h", "node_path": "/n", "read_only": True, "propagation": "HostToContainer"}],
    "feature_gates": {"A": True, "B": False},
    "runtime_config": {"api/alpha": True},
    "networking": {"disable_default_cni": False, "api_server_port": 6443, "dns_search": ["a.example"]},
    "controller_manager_qps": 100,
    "kubeadm_patches": ["kind: InitConfiguration"],
    "containerd_patches": ["[plugins]"],
}


def again(spec: ClusterSpec, nodes: tuple[Node, ...] = ()) -> dict[str, Any]:
    """The options that come out of the cluster's record."""
    return known_options(record(config_text(kind_config(spec)), "0.32.0"), nodes)


@given(OPTIONS)
def test_it_makes_the_same_configuration(options: dict[str, Any]) -> None:
    spec = ClusterSpec.from_options(options)
    assert kind_config(ClusterSpec.from_options({"name": "lab", **again(spec)})) == kind_config(spec)


def test_all_options() -> None:
    spec = ClusterSpec.from_options(FULL)
    mount = {
        "host_path": "/h",
        "node_path": "/n",
        "read_only": True,
        "create": False,
        "propagation": "HostToContainer",
    }
    assert again(spec) == {
        "nodes": [
            {
                "role": "control-plane",
                "image": "node:1",
                "mounts": [mount],
                "ports": [{"node_port": 80, "host_port": 8080, "protocol": "TCP", "listen": "127.0.0.1"}],
            },
            {
                "role": "worker",
                "image": "node:1",
                "labels": {"disk": "fast"},
                "mounts": [mount],
                "patches": ["kind: JoinConfiguration"],
            },
        ],
        "feature_gates": {"A": True, "B": False},
        "runtime_config": {"api/alpha": "true"},
        "networking": {"disable_default_cni": False, "api_server_port": 6443, "dns_search": ["a.example"]},
        "controller_manager_qps": 100,
        "kubeadm_patches": ["kind: InitConfiguration"],
        "containerd_patches": ["[plugins]"],
    }
    assert kind_config(ClusterSpec.from_options({"name": "lab", **again(spec)})) == kind_config(spec)


def test_an_image_that_was_left_to_kind_is_the_one_it_took() -> None:
    spec = ClusterSpec.from_options({"name": "lab", "control_planes": 1, "workers": 1})
    nodes = (Node("lab-control-plane", "lab", "control-plane", image="kindest/node:v1"),)
    assert [node.get("image") for node in again(spec, nodes)["nodes"]] == ["kindest/node:v1", None]


SPOILED = (
    "{",
    "[1]",
    "{}",
    "null",
    '[["name", "k"]]',
    '{"name": "k"}',
    '{"name": "k", "nodes": null}',
    '{"name": "k", "nodes": [{}]}',
    '{"name": "k", "nodes": [{"role": "worker", "extraMounts": [7]}]}',
    '{"name": "k", "nodes": [{"role": "worker", "extraMounts": [{"hostPath": "/h"}]}]}',
    '{"name": "k", "nodes": [], "kubeadmConfigPatches": [7]}',
    '{"name": "k", "nodes": [], "networking": []}',
    "[" * 100_000,
)


@pytest.mark.parametrize("data", [None, {}, {"config": None}, *({"config": text} for text in SPOILED)])
def test_a_record_that_somebody_spoiled(data: Any) -> None:
    config_map = {"data": data} if data is not None else {}
    with pytest.raises(BadInput, match="kube-system/kindlab-cluster"):
        recorded_config(config_map)
    assert known_options(config_map, ()) == {}


def test_networking_that_no_option_sets_is_not_left_out() -> None:
    config = {"name": "k", "nodes": [{"role": "control-plane"}], "networking": {"new": True}}
    assert known_options({"data": {"config": json.dumps(config)}}, ())["kind_fields"] == {"networking": {"new": True}}
    config["networking"] = {"kubeProxyMode": "none"}
    assert known_options({"data": {"config": json.dumps(config)}}, ())["networking"] == {"kube_proxy_mode": "none"}


def test_the_configuration_is_kept_as_text() -> None:
    kept = record(config_text(kind_config(ClusterSpec.from_options(FULL))), "0.32.0")
    assert (kept["kind"], kept["metadata"]) == ("ConfigMap", {"name": "kindlab-cluster", "namespace": "kube-system"})
    assert kept["data"]["kind"] == "0.32.0"
    assert json.loads(kept["data"]["config"]) == kind_config(ClusterSpec.from_options(FULL))


GOOD = {"name": "lab", "nodes": [{"role": "worker", "extraMounts": [{"hostPath": "/h", "containerPath": "/n"}]}]}


@pytest.mark.parametrize(
    "config",
    [
        {},
        [],
        {"name": "lab"},
        {**GOOD, "name": 1},
        {**GOOD, "nodes": []},
        {**GOOD, "nodes": {}},
        {**GOOD, "nodes": ["worker"]},
        {**GOOD, "nodes": [{}]},
        {**GOOD, "nodes": [{"role": "king"}]},
        {**GOOD, "nodes": [{"role": ["worker"]}]},
        {**GOOD, "nodes": [{"role": "worker", "image": 1}]},
        {**GOOD, "nodes": [{"role": "worker", "labels": ["a"]}]},
        {**GOOD, "nodes": [{"role": "worker", "extraMounts": [{"hostPath": "/h"}]}]},
        {**GOOD, "nodes": [{"role": "worker", "extraMounts": {"hostPath": "/h", "containerPath": "/n"}}]},
        {**GOOD, "nodes": [{"role": "worker", "extraPortMappings": [{"containerPort": "80"}]}]},
        {**GOOD, "networking": []},
        {**GOOD, "networking": {"apiServerPort": True}},
        {**GOOD, "featureGates": {"A": "true"}},
        {**GOOD, "kubeadmConfigPatches": [1]},
        {**GOOD, "kubeadmConfigPatches": "kind: X"},
    ],
)
def test_a_record_of_another_form(config: Any) -> None:
    spoiled = {"data": {"config": json.dumps(config)}}
    with pytest.raises(BadInput, match="does not contain a kind configuration any more"):
        recorded_config(spoiled)
    assert known_options(spoiled, ()) == {}


def test_a_mount_without_its_defaults() -> None:
    mount = {"host_path": "/h", "node_path": "/n", "create": False}
    options = known_options({"data": {"config": json.dumps(GOOD)}}, ())
    assert options == {"nodes": [{"role": "worker", "mounts": [mount]}]}


@pytest.mark.parametrize("rate", ["0", "9" * 5000])
def test_a_rate_that_nobody_can_have_asked_for(rate: str) -> None:
    spoiled = {**GOOD, "kubeadmConfigPatches": [f'{{"kube-api-qps": "{rate}"}}']}
    assert known_options({"data": {"config": json.dumps(spoiled)}}, ())["kubeadm_patches"]
