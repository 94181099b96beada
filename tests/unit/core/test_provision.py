"""What is wrong with a lab is found in one look: each cluster by itself, and all of them together."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from hypothesis import given

from ansible_collections.kindlab.volumes.plugins.filter._lab_problems import FilterModule
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provision import lab_problems
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.request import ARGUMENTS
from ansible_collections.kindlab.volumes.tests.unit.support.cluster_options import OPTIONS

ROOT = Path(__file__).resolve().parents[3]
LAB = ROOT / "playbooks" / "vars" / "lab.yml"
OWN = ("name", "control_planes", "workers", "image", "mounts")


CONFIG = {
    "config": {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "nodes": [{"extraPortMappings": [{"containerPort": 80, "hostPort": 8080}]}],
    }
}


def port(number: Any, **rest: Any) -> dict[str, Any]:
    return {"options": {"ports": [{"node_port": 30080, "host_port": number, **rest}]}}


@given(OPTIONS)
def test_what_kind_cluster_takes_has_none(options: dict[str, Any]) -> None:
    cluster = {key: value for key, value in options.items() if key in OWN}
    rest = {key: value for key, value in options.items() if key not in OWN}
    assert lab_problems([{**cluster, "options": rest}]) == []


@pytest.mark.parametrize(
    "clusters",
    [
        [{"name": "lab"}],
        [{"name": "a", "workers": "2"}, {"name": "b", "kubeconfig": "~/b"}],
        [{"name": "lab", "mounts": [{"host_path": "~/v", "node_path": "/n"}]}],
        [{"name": "lab", "nodes": [{}, {"role": "worker", "mounts": [{"host_path": "$HOME/v", "node_path": "/n"}]}]}],
        [{"name": "a", **port(8080)}, {"name": "b", **port(8081)}, {"name": "c", **port("0")}],
        [{"name": "a", **port(8080)}, {"name": "b", "state": "absent", **port(8080)}],
        [{"name": "a", **port(80, listen="127.0.0.1")}, {"name": "b", **port(80, listen="127.0.0.2")}],
        [{"name": "lab", "options": {"controller_manager_qps": "1000"}}],
        [{"name": "a", **CONFIG, "workers": "1"}, {"name": "b", "config": "/k", "workers": 1}],
        [{"name": "lab", "storage": {"class": "kept", "reclaim_policy": "Retain"}}],
        [{"name": "lab", "storage": {"paths": [{"paths": ["/a"]}, {"node": "lab-control-plane", "paths": []}]}}],
        [{"name": "lab", "storage": {"provisioner": "hostpath", "options": {"replicas": "2"}}}],
    ],
)
def test_labs_that_can_be(clusters: list[dict[str, Any]]) -> None:
    assert lab_problems(clusters) == []


@pytest.mark.parametrize(
    ("clusters", "said"),
    [
        ([], ["provision_clusters is empty."]),
        ([{"name": "a"}, {"name": "a"}, {"name": "b"}], ["2 clusters are named a.", "kind-a.yaml"]),
        (
            [{"name": "a", "kubeconfig": "/k"}, {"name": "b", "kubeconfig": "/k"}],
            ["2 clusters have the kubeconfig /k."],
        ),
        ([{"name": "A_b"}], ["A_b: 'A_b' is not a valid name"]),
        ([{"name": "A_b", "state": "absent"}], ["A_b: 'A_b' is not a valid name"]),
        ([{"name": "lab", "workers": -1}], ["lab: "]),
        ([{"name": "lab", "workers": 1, "nodes": [{}]}], ["lab: nodes and workers are mutually exclusive."]),
        ([{"name": "lab", "mounts": [{"host_path": "h", "node_path": "/n"}]}], ["lab: host_path 'h'"]),
        ([{"name": "a", **port(70000)}, {"name": "b", "nodes": []}], ["a: host_port 70000", "b: nodes has no"]),
        ([{"name": "a", **port(8080)}, {"name": "b", **port("8080")}], ["several clusters: Host port 8080/TCP"]),
        ([{"name": "lab", "options": {"networking": {"x": 1}}}], ["lab: networking has no key x. Use one of"]),
        (
            [{"name": "lab", "options": {"controller_manager_qps": 0}}],
            ["lab: controller_manager_qps must be at least 1, not 0"],
        ),
        ([{"name": "lab", "config": {"kind": "x"}}], ["lab: config is not a configuration of kind"]),
        ([{"name": "a", **CONFIG}, {"name": "b", **port(8080)}], ["several clusters: Host port 8080/TCP"]),
        ([{"name": "lab", **CONFIG, "control_planes": 0}], ["lab: control_planes must be at least 1"]),
        ([{"name": "lab", "options": {"kind_fields": {"nodes": []}}}], ["lab: kind_fields has nodes, which other"]),
        ([{"name": "lab", "storage": {"class": "Kept"}}], ["lab: storage_class 'Kept' is invalid"]),
        ([{"name": "lab", "storage": {"node_path": "x"}}], ["lab: The path 'x'"]),
        (
            [{"name": "lab", "storage": {"options": {"binding_mode": "Immediate"}}}],
            ["lab: local_path does not support"],
        ),
        ([{"name": "lab", "storage": {"options": {"helper_timeout": 0}}}], ["lab: helper_timeout must be at least 1"]),
        (
            [{"name": "lab", "storage": {"paths": [{"paths": ["/a"]}, {"node": "lab-worker", "paths": ["/b"]}]}}],
            ["lab: paths names lab-worker, which the cluster does not have. Its nodes are: lab-control-plane"],
        ),
    ],
)
def test_each_problem_is_named(clusters: list[dict[str, Any]], said: list[str]) -> None:
    problems = lab_problems(clusters)
    assert len(problems) == len(said)
    for problem, words in zip(problems, said, strict=True):
        assert words in problem


def test_a_configuration_on_the_host_is_read_there() -> None:
    paths = [{"node": "lab-worker9", "paths": ["/b"]}, {"paths": ["/a"]}]
    assert lab_problems([{"name": "lab", "config": "/k", "storage": {"paths": paths}}]) == []


def _keys(options: dict[str, Any]) -> set[str]:
    return {*options, *(key for option in options.values() for key in _keys(option.get("options") or {}))}


def test_the_example_is_a_lab_that_can_be() -> None:
    example = yaml.safe_load(LAB.read_text())
    specs = yaml.safe_load((ROOT / "roles" / "provision" / "meta" / "argument_specs.yml").read_text())
    checked = ArgumentSpecValidator(specs["argument_specs"]["main"]["options"]).validate(example)
    assert checked.error_messages == []
    assert len(example["provision_clusters"]) > 1
    assert (
        _keys(specs["argument_specs"]["main"]["options"]) - set(re.findall(r"(\w+):(?:\s|$)", LAB.read_text())) == set()
    )
    assert lab_problems(example["provision_clusters"]) == []


def test_the_defaults_are_those_of_the_role_storage() -> None:
    role = yaml.safe_load((ROOT / "roles" / "storage" / "defaults" / "main.yml").read_text())
    names = {
        name: f"storage_{name}" for name in ("default_class", "replace_default", "reclaim_policy", "state", "force")
    }
    names |= {"name": "storage_provisioner", "storage_class": "storage_class"}
    assert {option: role[name] for option, name in names.items()} == {
        option: ARGUMENTS[option]["default"] for option in names
    }


def test_clusters_that_go_need_only_a_name() -> None:
    assert lab_problems([{"name": "lab", "workers": -1}], "absent") == []


def test_the_filter_is_found_by_its_name() -> None:
    assert FilterModule().filters() == {"_lab_problems": lab_problems}
