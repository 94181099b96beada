"""What a cluster's provisioners are made from again: the same options, the same cluster."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.report import (
    describe,
    provisioners,
    storage_classes,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.state import State, applied
from ansible_collections.kindlab.volumes.tests.unit.support.provisioners import (
    DRIVER,
    HELPER,
    IMAGE,
    class_of,
    config_map,
    deployment,
    planned,
    request,
    state,
)

SPREAD = [{"paths": ["/a", "/b"]}, {"node": "lab-worker", "paths": ["/c"]}, {"node": "lab-control-plane", "paths": []}]


def made(before: State, **asked: Any) -> State:
    return applied(before, planned(request(**asked), before))


def test_a_new_cluster_of_kind() -> None:
    paths = [{"node": "", "paths": ["/var/local-path-provisioner"]}]
    server = {"name": "local_path", "image": IMAGE, "helper_image": HELPER, "replicas": 1, "paths": paths}
    place = {"namespace": "local-path-storage", "deployment": "local-path-provisioner", "driver": DRIVER}
    assert provisioners(state()) == [{**place, **server}]
    shown = {"reclaim_policy": "Delete", "binding_mode": "WaitForFirstConsumer"}
    options = {
        "name": "local_path",
        "namespace": "local-path-storage",
        "storage_class": "standard",
        "default_class": True,
        "paths": paths,
        "image": IMAGE,
        "helper_image": HELPER,
        "replicas": 1,
        **shown,
    }
    assert storage_classes(state()) == [
        {"name": "standard", "driver": DRIVER, "default": True, **shown, "options": options}
    ]


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"storage_class": "kept", "reclaim_policy": "Retain", "namespace": "elsewhere", "paths": SPREAD},
        {"default_class": False, "storage_class": "second", "node_path": "/srv"},
        {"image": "own:1", "helper_image": "shell:1", "worker_threads": 8, "helper_timeout": 30},
        {"provisioning_retries": 0, "deletion_retries": 3},
        {"name": "local_path_shared", "binding_mode": "Immediate", "node_path": "/shared", "helper_timeout": 30},
        {"name": "hostpath", "replicas": 2, "worker_threads": 1, "provisioning_retries": 5, "deletion_retries": 0},
        {"name": "hostpath", "image": "own:1", "storage_class": "moving", "binding_mode": "Immediate"},
    ],
)
def test_the_options_make_the_same_again(asked: dict[str, Any]) -> None:
    there = made(state(), **asked)
    found = [item["options"] for item in storage_classes(there) if item["options"]]
    assert found
    for options in found:
        if options["storage_class"] == asked.get("storage_class", "standard"):
            assert planned(request(**options), there) == ()
    again = state()
    for options in found:
        again = made(again, **options)
    assert describe(again) == describe(there)
    assert [item["options"] for item in storage_classes(again) if item["options"]] == found


def test_classes_that_nobody_known_here_serves() -> None:
    found = storage_classes(state(class_of("foreign", "example.com/driver")))
    assert {item["name"]: bool(item["options"]) for item in found} == {"foreign": False, "standard": True}
    unread = state(config_map(config="not json"), deployment())
    assert [item["options"] for item in storage_classes(unread)] == [{}]
    gone = {ref: item for ref, item in state().items() if ref[0] != "Deployment"}
    assert (provisioners(gone), [item["options"] for item in storage_classes(gone)]) == ([], [{}])


def test_a_class_that_its_provisioner_cannot_serve_does_not_keep_it_from_being_installed() -> None:
    immediate = {**class_of("now", DRIVER), "volumeBindingMode": "Immediate"}
    found = {item["name"]: item for item in storage_classes(state(immediate, config_map(), deployment()))}
    assert found["now"]["binding_mode"] == "Immediate"
    assert found["now"]["options"]["binding_mode"] == "WaitForFirstConsumer"
    request(**found["now"]["options"])


@pytest.mark.parametrize("paths", ['["relative"]', '["/"]', '["/a", "/a"]'])
def test_a_configuration_with_which_the_provisioner_does_not_start_has_no_options(paths: str) -> None:
    config = f'{{"nodePathMap": [{{"node": "DEFAULT_PATH_FOR_NON_LISTED_NODES", "paths": {paths}}}]}}'
    (found,) = storage_classes(state(class_of("standard", DRIVER), config_map(config=config), deployment()))
    assert found["options"] == {}
