"""Options that are given count over those of a configuration of kind."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.config import kind_config, options_from
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.given.over import check_fields, over
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.spec import ClusterSpec
from ansible_collections.kindlab.volumes.tests.unit.support.cluster_options import OPTIONS

CONFIG: dict[str, Any] = {
    "nodes": [
        {
            "role": "control-plane",
            "image": "n:1",
            "labels": {"a": "1", "b": "1"},
            "mounts": [{"host_path": "/h", "node_path": "/n"}, {"host_path": "/h2", "node_path": "/n2"}],
            "ports": [{"node_port": 80, "host_port": 8080}, {"node_port": 81, "host_port": 8081}],
        },
        {"role": "worker", "mounts": [{"host_path": "/h", "node_path": "/n"}], "kind_fields": {"gpus": "all"}},
    ],
    "networking": {"pod_subnet": "10.1.0.0/16", "ip_family": "ipv4"},
    "feature_gates": {"A": True, "B": True},
    "kubeadm_patches": ["kind: A"],
    "kind_fields": {"x": 1, "y": 1},
}


def made(**options: Any) -> dict[str, Any]:
    return kind_config(ClusterSpec.from_options({"name": "lab", **over(CONFIG, options)}))


@given(OPTIONS)
def test_a_configuration_without_options_is_as_it_was(asked: dict[str, Any]) -> None:
    config = kind_config(ClusterSpec.from_options(asked))
    assert kind_config(ClusterSpec.from_options({"name": "lab", **over(options_from(config), {})})) == config


def test_nothing_is_taken_away_by_options_that_are_not_given() -> None:
    unset = dict.fromkeys(("nodes", "control_planes", "workers", "mounts", "ports", "labels", "networking"))
    assert over(CONFIG, unset) == CONFIG == over(CONFIG, {"control_planes": 1, "workers": 1})


def test_the_number_of_nodes() -> None:
    three = over(CONFIG, {"workers": 3})["nodes"]
    assert [node["role"] for node in three] == ["control-plane", *["worker"] * 3]
    assert three[3] == CONFIG["nodes"][1]
    assert [node["role"] for node in over(CONFIG, {"workers": 0})["nodes"]] == ["control-plane"]
    with pytest.raises(BadInput, match="control_planes must be at least 1"):
        over(CONFIG, {"control_planes": 0})


def test_nodes_take_the_place_of_all_of_them() -> None:
    assert over(CONFIG, {"nodes": [{"role": "control-plane"}]})["nodes"] == [{"role": "control-plane"}]
    with pytest.raises(BadInput, match="nodes and a number of nodes"):
        over(CONFIG, {"nodes": [{"role": "control-plane"}], "workers": 1})


def test_mounts_replace_those_on_the_same_path() -> None:
    config = made(mounts=[{"host_path": "/new", "node_path": "/n", "roles": ["control-plane"]}])
    paths = [{m["containerPath"]: m["hostPath"] for m in node["extraMounts"]} for node in config["nodes"]]
    assert paths == [{"/n": "/new", "/n2": "/h2"}, {"/n": "/h"}]


def test_ports_of_the_first_control_plane_replace_the_same_ones() -> None:
    ports = made(ports=[{"node_port": 80, "host_port": 9090}])["nodes"][0]["extraPortMappings"]
    assert {port["containerPort"]: port["hostPort"] for port in ports} == {80: 9090, 81: 8081}


def test_labels_and_images() -> None:
    nodes = made(labels={"a": "2"}, image="n:2")["nodes"]
    assert [node["labels"] for node in nodes] == [{"a": "2", "b": "1"}, {"a": "2"}]
    assert [node["image"] for node in nodes] == ["n:1", "n:2"]


def test_mappings_are_merged_and_patches_come_last() -> None:
    config = made(
        networking={"podSubnet": "10.2.0.0/16"},
        feature_gates={"B": False},
        kubeadm_patches=["kind: B"],
        kind_fields={"y": 2},
    )
    assert config["networking"] == {"podSubnet": "10.2.0.0/16", "ipFamily": "ipv4"}
    assert config["featureGates"] == {"A": True, "B": False}
    assert config["kubeadmConfigPatches"] == ["kind: A", "kind: B"]
    assert (config["x"], config["y"], config["nodes"][1]["gpus"]) == (1, 2, "all")


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"kind_fields": {"nodes": [], "kubeadmConfigPatches": []}}, "kubeadmConfigPatches, nodes"),
        ({"kind_fields": {"networking": {"podSubnet": ""}}}, "podSubnet"),
        ({"nodes": [{"kind_fields": {"image": "n:1"}}]}, "image"),
        ({"mounts": [{"node_path": "/n", "kind_fields": {"readOnly": True}}]}, "readOnly"),
    ],
)
def test_fields_that_have_an_option(options: dict[str, Any], named: str) -> None:
    with pytest.raises(BadInput, match=f"kind_fields has {named}, which other options set"):
        check_fields(options)


def test_fields_that_have_none() -> None:
    check_fields({"kind_fields": {"networking": {"newer": 1}, "x": 1}, "nodes": [{"kind_fields": {"gpus": "all"}}, {}]})
