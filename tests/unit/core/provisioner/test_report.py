"""What a provisioner's module says of a cluster: before, after, and what it returns."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.report import (
    describe,
    difference,
    result,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.state import applied
from ansible_collections.kindlab.volumes.tests.unit.support.provisioners import (
    DRIVER,
    HELPER,
    IMAGE,
    class_of,
    deployment,
    namespace,
    planned,
    request,
    state,
)

STANDARD = {
    "provisioner": DRIVER,
    "reclaim_policy": "Delete",
    "binding_mode": "WaitForFirstConsumer",
    "default": True,
}


def test_a_new_cluster_of_kind():
    stock = {
        "name": "local_path",
        "image": IMAGE,
        "helper_image": HELPER,
        "replicas": 1,
        "paths": [{"node": "", "paths": ["/var/local-path-provisioner"]}],
    }
    assert describe(state()) == {
        "provisioners": {"local-path-storage/local-path-provisioner": stock},
        "storage_classes": {"standard": STANDARD},
    }


def test_the_api_servers_defaults_are_said():
    bare = {"kind": "StorageClass", "metadata": {"name": "bare"}, "provisioner": "example.com/other"}
    assert describe(state(bare))["storage_classes"]["bare"] == {
        "provisioner": "example.com/other",
        "reclaim_policy": "Delete",
        "binding_mode": "Immediate",
        "default": False,
    }


def test_what_the_steps_touch():
    before = state(namespace("elsewhere"), deployment("elsewhere"))
    asked = request(reclaim_policy="Retain")
    was, becomes = difference(planned(asked, before), before)
    assert was.keys() == becomes.keys()
    assert {name: (was[name], becomes[name]) for name in was if "Role" not in name} == {
        "Deployment elsewhere/local-path-provisioner": ("present", "absent"),
        "ServiceAccount local-path-storage/local-path-provisioner-service-account": ("absent", "as requested"),
        "ConfigMap local-path-storage/local-path-config": ("different", "as requested"),
        "Deployment local-path-storage/local-path-provisioner": ("different", "as requested"),
    }


def test_one_that_is_made_anew_is_as_asked_in_the_end():
    live = deployment()
    live["spec"]["selector"] = {"matchLabels": {"other": "selector"}}
    was, becomes = difference(planned(request(), state(live)), state(live))
    name = "Deployment local-path-storage/local-path-provisioner"
    assert (was[name], becomes[name]) == ("present", "as requested")


def test_what_is_returned():
    before = state(class_of("old"))
    asked = request(
        storage_class="kept",
        reclaim_policy="Retain",
        paths=[{"paths": ["/srv"]}, {"node": "lab-worker", "paths": []}],
        image="other:1",
    )
    assert result(asked, applied(before, planned(asked, before))) == {
        "name": "local_path",
        "driver": DRIVER,
        "namespace": "local-path-storage",
        "deployment": "local-path-provisioner",
        "image": "other:1",
        "helper_image": HELPER,
        "replicas": 1,
        "paths": [{"node": "", "paths": ["/srv"]}, {"node": "lab-worker", "paths": []}],
        "storage_class": "kept",
        "default_class": True,
        "reclaim_policy": "Retain",
        "binding_mode": "WaitForFirstConsumer",
    }
