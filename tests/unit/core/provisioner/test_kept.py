"""Storage classes and configurations of provisioners come back with all that people wrote in them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import is_subset
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.kept import (
    provisioned_storage,
    steps_to,
    to_install,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.report import storage_classes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.state import applied
from ansible_collections.kindlab.volumes.tests.unit.support.provisioners import (
    class_of,
    config_map,
    deployment,
    planned,
    request,
    state,
)

PER_CLASS = {"storageClassConfigs": {"standard": {"nodePathMap": [{"node": "lab-worker", "paths": ["/fast"]}]}}}


def own_config(**data: str) -> dict[str, Any]:
    config = config_map()
    return {**config, "data": {**config["data"], **data}}


def again(old: Any, *, same_images: bool = True) -> tuple[Any, list[str], list[tuple[str, str]]]:
    """A new cluster after a recreation; warnings, and the steps."""
    new = state()
    for item in storage_classes(old):
        if item["options"]:
            new = applied(new, planned(request(**item["options"]), new))
    steps, warnings = steps_to(provisioned_storage(old), new, same_images=same_images)
    return applied(new, steps), warnings, [(step.verb, step.ref[0]) for step in steps]


def test_a_cluster_as_kind_makes_it_needs_nothing_more_than_its_scripts() -> None:
    new, warnings, _steps = again(state())
    assert provisioned_storage(new)[0]["provisioner"] == "rancher.io/local-path" and warnings == []


@pytest.mark.parametrize(
    "fields",
    [
        {"parameters": {"pathPattern": "{{ .PVC.Namespace }}/{{ .PVC.Name }}", "nodePath": "/fast"}},
        {"allowVolumeExpansion": True},
        {"mountOptions": ["noatime"]},
        {"allowedTopologies": [{"matchLabelExpressions": [{"key": "zone", "values": ["a"]}]}]},
        {"metadata": {"name": "standard", "labels": {"team": "a"}, "annotations": {"note": "b"}}},
    ],
)
def test_classes_come_back_with_all_fields(fields: dict[str, Any]) -> None:
    old = state({**class_of("standard"), **fields})
    new, _warnings, steps = again(old)
    found = new["StorageClass", "", "standard"]
    assert is_subset(fields, found)
    assert any(kind == "StorageClass" for _verb, kind in steps)


def test_classes_of_other_provisioners_come_back() -> None:
    new, _warnings, _steps = again(state(class_of("nfs", "example.com/nfs", parameters={"server": "a"})))
    assert new["StorageClass", "", "nfs"]["parameters"] == {"server": "a"}


def test_own_scripts_come_back_and_are_read() -> None:
    setup = "#!/bin/sh\nmkdir -m 0700 -p $VOL_DIR\n"
    new, warnings, steps = again(state(own_config(setup=setup, teardown="#!/bin/sh\nexit 0\n")))
    data = new["ConfigMap", "local-path-storage", "local-path-config"]["data"]
    assert (data["setup"], data["teardown"]) == (setup, "#!/bin/sh\nexit 0\n") and warnings == []
    assert steps[-2:] == [("patch", "Deployment"), ("wait", "Deployment")]
    stock = {ref: {"apiVersion": "v1", **item} for ref, item in state().items()}
    own = state(own_config(setup=setup))
    steps_of_scripts, _warnings = steps_to(provisioned_storage(own), stock, same_images=True)
    assert [(step.verb, step.ref[0]) for step in steps_of_scripts] == [("patch", "ConfigMap")]


def test_directories_of_single_classes_come_back() -> None:
    """No option describes them: the provisioner is installed as usual, then gets its configuration."""
    old = state(config_map(config=json.dumps(PER_CLASS)))
    (standard,) = storage_classes(old)
    assert standard["options"]["name"] == "local_path" and "paths" not in standard["options"]
    new, _warnings, _steps = again(old)
    config = new["ConfigMap", "local-path-storage", "local-path-config"]["data"]["config.json"]
    assert json.loads(config) == PER_CLASS


def test_a_helper_pod_whose_image_may_be_missing_is_told() -> None:
    own = own_config(**{"helperPod.yaml": "containers: [{image: own:1}]", "setup": "own"})
    new, warnings, _steps = again(state(own), same_images=False)
    data = new["ConfigMap", "local-path-storage", "local-path-config"]["data"]
    assert data["setup"] == "own" and data["helperPod.yaml"] != own["data"]["helperPod.yaml"]
    assert "helperPod.yaml in ConfigMap local-path-storage/local-path-config" in warnings[0]


def test_what_is_there_already_is_left_alone() -> None:
    there = {ref: {"apiVersion": "v1", **item} for ref, item in state().items()}
    assert steps_to(provisioned_storage(there), there, same_images=True) == ((), [])
    config = there["ConfigMap", "local-path-storage", "local-path-config"]["data"]
    spaced = {**config, "config.json": json.dumps(json.loads(config["config.json"]), indent=2)}
    ref = ("ConfigMap", "local-path-storage", "local-path-config")
    other = {**there, ref: {**there[ref], "data": spaced}}
    assert steps_to(provisioned_storage(there), other, same_images=True) == ((), [])
    assert steps_to((), there, same_images=True) == ((), [])


def taken_over(old: Any) -> Any:
    """The cluster once this collection has installed the same provisioner."""
    (standard,) = storage_classes(old)
    return applied(old, planned(request(**standard["options"]), old))


def missing(old: Any, new: Any, *, same_images: bool = True) -> list[str]:
    found = to_install(storage_classes(old), provisioned_storage(old), new, same_images=same_images)
    return [options["name"] for options in found]


def test_what_a_new_cluster_brings_as_it_was_is_left_alone() -> None:
    assert missing(state(), state()) == [] == missing(taken_over(state()), taken_over(state()))
    # Scripts and classes are set as they were anyway.
    assert missing(state(own_config(setup="own"), class_of("standard", reclaimPolicy="Retain")), state()) == []


def test_what_was_replaced_or_has_other_settings_is_installed() -> None:
    assert missing(taken_over(state()), state()) == ["local_path"]
    assert missing(state(), taken_over(state())) == ["local_path"]
    assert missing(state(config_map(config=json.dumps(PER_CLASS))), state()) == ["local_path"]
    assert missing(state(config_map(helper="other:1")), state()) == ["local_path"]


def test_another_node_image_brings_its_own_images() -> None:
    newer = state(deployment(image="kindest/local-path-provisioner:v2"), config_map(helper="kindest/helper:v2"))
    assert missing(state(), newer) == ["local_path"]
    assert missing(state(), newer, same_images=False) == []
