"""A configuration file of kind makes the same cluster as the options that come out of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.config import kind_config
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.source.config_file import options_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.spec import ClusterSpec
from ansible_collections.kindlab.volumes.tests.unit.support.cluster_options import OPTIONS

HEAD = {"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4"}


def read(**fields: Any) -> dict[str, Any]:
    return options_of({**HEAD, **fields}, "kind.yaml", "lab")


def refused(*, config: Any = None, **fields: Any) -> str:
    with pytest.raises(BadInput) as raised:
        options_of({**HEAD, **fields} if config is None else config, "kind.yaml", "lab")
    assert raised.value.next_step and raised.value.message.startswith("kind.yaml ")
    return raised.value.message


@given(OPTIONS)
def test_it_makes_the_same_configuration(asked: dict[str, Any]) -> None:
    config = kind_config(ClusterSpec.from_options(asked))
    again = ClusterSpec.from_options({"name": "lab", **options_of(config, "kind.yaml", "lab")})
    assert kind_config(again) == config


def test_all_fields() -> None:
    assert read(
        name="lab",
        nodes=[
            {
                "role": "worker",
                "image": "node:1",
                "labels": {"a": "b"},
                "extraMounts": [
                    {"hostPath": "/h", "containerPath": "/n", "propagation": "Bidirectional", "selinuxRelabel": True}
                ],
                "gpus": "all",
                "extraPortMappings": [{"containerPort": 80, "hostPort": 81, "protocol": "udp"}],
                "kubeadmConfigPatches": ["kind: A"],
            },
            {},
        ],
        networking={"podSubnet": "10.1.0.0/16", "dnsSearch": ["a.example"], "newer": 1},
        featureGates={"A": True},
        runtimeConfig={"api/all": "true"},
        kubeadmConfigPatches=["kind: B"],
        containerdConfigPatches=["[a]"],
        kubeadmConfigPatchesJSON6902=[{"kind": "C", "patch": "[]"}],
    ) == {
        "nodes": [
            {
                "role": "worker",
                "image": "node:1",
                "labels": {"a": "b"},
                "mounts": [
                    {
                        "host_path": "/h",
                        "node_path": "/n",
                        "propagation": "Bidirectional",
                        "kind_fields": {"selinuxRelabel": True},
                    }
                ],
                "kind_fields": {"gpus": "all"},
                "ports": [{"node_port": 80, "host_port": 81, "protocol": "udp"}],
                "patches": ["kind: A"],
            },
            {"role": "control-plane"},
        ],
        "networking": {"pod_subnet": "10.1.0.0/16", "dns_search": ["a.example"]},
        "feature_gates": {"A": True},
        "runtime_config": {"api/all": "true"},
        "kubeadm_patches": ["kind: B"],
        "containerd_patches": ["[a]"],
        "kind_fields": {
            "kubeadmConfigPatchesJSON6902": [{"kind": "C", "patch": "[]"}],
            "networking": {"newer": 1},
        },
    }
    assert read() == read(nodes=[]) == {"nodes": [{"role": "control-plane"}]}


def test_fields_that_no_option_sets_come_out_again() -> None:
    nodes = [
        {
            "role": "control-plane",
            "extraMounts": [{"hostPath": "/h", "containerPath": "/n", "readOnly": False, "selinuxRelabel": True}],
            "kubeadmConfigPatchesJSON6902": [{"kind": "C", "patch": "[]"}],
        }
    ]
    config = {**HEAD, "name": "lab", "nodes": nodes, "networking": {"ipFamily": "ipv4", "newer": 1}, "newest": [1]}
    assert kind_config(ClusterSpec.from_options({"name": "lab", **options_of(config, "kind.yaml", "lab")})) == config


def test_every_field_that_is_wrong_is_named() -> None:
    text = refused(
        nodes=[
            {"role": "master", "extraPortMappings": [{"containerPort": 1, "port": 2}]},
            {"extraMounts": [{"hostPath": "/h"}]},
            None,
        ],
        networking={"podSubnet": 7},
        featureGates=["A"],
    )
    for part in (
        "value of nodes[0].role must be one of: control-plane, worker, got: master",
        "nodes[0].extraPortMappings[0].port is not a field of kind.x-k8s.io/v1alpha4",
        "nodes[1].extraMounts[0].containerPath is missing",
        "nodes[2] is empty",
        "networking.podSubnet is not text",
        "featureGates is not a mapping",
    ):
        assert part in text


@pytest.mark.parametrize("config", [[], "text", {}, {"kind": "Cluster"}, {**HEAD, "apiVersion": "kind.sigs.k8s.io/v1"}])
def test_other_files_are_no_configurations(config: Any) -> None:
    assert "is not a configuration of kind" in refused(config=config)


def test_a_file_of_another_cluster() -> None:
    assert "describes cluster other, not lab" in refused(name="other")
