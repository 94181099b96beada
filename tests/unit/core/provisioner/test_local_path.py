"""local-path-provisioner: its manifests, and one that runs recognised and read."""

from __future__ import annotations

import json

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import is_subset, ref_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.backends.base import Images
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.backends.local_path import (
    CONFIG_HASH,
    LocalPath,
)
from ansible_collections.kindlab.volumes.tests.unit.support.provisioners import (
    HELPER,
    IMAGE,
    config_map,
    deployment,
    node,
    request,
)

IMAGES = Images("some/provisioner:1", "some/helper:1")
LOCAL_PATH = LocalPath()


def made(**options):
    return {ref_of(item)[0]: item for item in LOCAL_PATH.manifests(request(**options), IMAGES)}


def program(**options):
    return made(**options)["Deployment"]["spec"]["template"]["spec"]["containers"][0]["command"]


def test_the_order_lets_each_object_find_what_it_needs():
    assert [ref_of(item)[0] for item in LOCAL_PATH.manifests(request(), IMAGES)] == [
        *("Namespace", "ServiceAccount", "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"),
        *("ConfigMap", "Deployment"),
    ]


def test_all_objects_are_in_the_namespace_that_is_asked_for():
    objects = made(namespace="elsewhere")
    spaces = {kind: item["metadata"].get("namespace") for kind, item in objects.items()}
    assert {kind for kind, space in spaces.items() if space is None} == {
        *("Namespace", "ClusterRole", "ClusterRoleBinding")
    }
    assert set(spaces.values()) == {None, "elsewhere"}
    assert objects["Namespace"]["metadata"]["name"] == "elsewhere"
    assert {b["subjects"][0]["namespace"] for k, b in objects.items() if k.endswith("Binding")} == {"elsewhere"}


@pytest.mark.parametrize(
    "options, config",
    [
        ({"node_path": "/a"}, {"nodePathMap": [{"node": "DEFAULT_PATH_FOR_NON_LISTED_NODES", "paths": ["/a"]}]}),
        (
            {"paths": [{"node": "w", "paths": []}, {"paths": ["/a", "/b"]}], "helper_timeout": 30},
            {
                "nodePathMap": [
                    {"node": "DEFAULT_PATH_FOR_NON_LISTED_NODES", "paths": ["/a", "/b"]},
                    {"node": "w", "paths": []},
                ],
                "cmdTimeoutSeconds": 30,
            },
        ),
    ],
)
def test_configuration(options, config):
    item = made(**options)["ConfigMap"]
    assert json.loads(item["data"]["config.json"]) == config
    assert LOCAL_PATH.paths(deployment(), item) == [
        {"node": entry.node, "paths": list(entry.paths)} for entry in request(**options).paths
    ]


def test_flags_are_passed_only_where_they_are_asked_for():
    assert program() == [
        *("local-path-provisioner", "start", "--config", "/etc/config/config.json", "--helper-image", "some/helper:1")
    ]
    asked = program(worker_threads=8, provisioning_retries=0, deletion_retries=3)
    assert asked[len(program()) :] == [
        *("--worker-threads", "8", "--provisioning-retry-count", "0", "--deletion-retry-count", "3")
    ]


def config_hash(images=IMAGES, **options):
    item = LOCAL_PATH.manifests(request(**options), images)[-1]
    return item["spec"]["template"]["metadata"]["annotations"][CONFIG_HASH]


def test_the_pod_is_made_anew_where_the_configuration_changes():
    assert config_hash() == config_hash(storage_class="other", reclaim_policy="Retain")
    assert config_hash() != config_hash(node_path="/other")
    assert config_hash() != config_hash(images=Images(IMAGES.program, "other/helper:1"))


def test_two_never_run_side_by_side():
    spec = made()["Deployment"]["spec"]
    assert spec["replicas"] == 1
    assert spec["strategy"] == {"type": "Recreate", "rollingUpdate": None}


def test_what_the_api_server_fills_in_does_not_count():
    wanted = made()["Deployment"]
    live = json.loads(json.dumps(wanted))
    live["spec"]["strategy"].pop("rollingUpdate")
    container = live["spec"]["template"]["spec"]["containers"][0]
    container["env"][0]["valueFrom"]["fieldRef"]["apiVersion"] = "v1"
    container["resources"] = {}
    live["spec"]["template"]["spec"]["volumes"][0]["configMap"]["defaultMode"] = 420
    live["spec"]["progressDeadlineSeconds"] = 600
    assert is_subset(wanted, live)


def test_a_class_that_supports_immediate_binding_can_not_be_served():
    request()
    with pytest.raises(BadInput, match="Immediate"):
        request(binding_mode="Immediate")


@pytest.mark.parametrize(
    "item, serves",
    [
        (deployment(), True),
        (deployment("elsewhere", "mine"), True),
        (deployment("elsewhere", "mine", image="mirror/x:1"), True),
        (deployment("elsewhere", "mine", command=None, args=["start"]), True),
        (deployment("elsewhere", "mine", command=["/usr/bin/local-path-provisioner"], image="mirror/x:1"), True),
        (deployment(image="mirror/x:1", command=["/run"]), True),
        (deployment("elsewhere", image="mirror/x:1", command=["/run"]), False),
        (deployment("elsewhere", "mine", image="mirror/x:1", command=[]), False),
        (deployment(args=["--provisioner-name", "example.com/mine"]), False),
        (deployment(args=["--provisioner-name=example.com/mine"]), False),
        (deployment(args=["--provisioner-name", "rancher.io/local-path"]), True),
        (deployment(env=[{"name": "PROVISIONER_NAME", "value": "example.com/mine"}]), False),
    ],
)
def test_who_serves_the_driver(item, serves):
    assert LOCAL_PATH.serves(item) is serves


@pytest.mark.parametrize(
    "item, config, images",
    [
        (None, None, ("", "")),
        (deployment(), config_map(), (IMAGE, HELPER)),
        (deployment(), config_map(helper="'quoted:1'"), (IMAGE, "quoted:1")),
        (deployment(), None, (IMAGE, HELPER)),
        (deployment(command=["local-path-provisioner"], args=[]), None, (IMAGE, "")),
        (deployment(), {"data": {"helperPod.yaml": '{"spec": {"containers": [{"image": "j:1"}]}}'}}, (IMAGE, "j:1")),
        (deployment(), {"data": {"helperPod.yaml": "imagePullPolicy: Always"}}, (IMAGE, HELPER)),
    ],
)
def test_the_images_of_one_that_runs(item, config, images):
    assert LOCAL_PATH.installed_images(item, config) == Images(*images)


def test_own_images_are_read_back():
    objects = made()
    assert LOCAL_PATH.installed_images(objects["Deployment"], objects["ConfigMap"]) == IMAGES


def failing(image):
    return {**deployment(image=image), "status": {}}


NODES = [node("a", "registry.example/x/local-path-provisioner:1", "x/busybox:1"), node("b", "x/busybox:1")]
ALL = [node(name, "x/local-path-provisioner:2", "x/busybox:1", "x/local-path-helper:1") for name in "ab"]


@pytest.mark.parametrize(
    "options, item, config, nodes, images",
    [
        ({"image": "i:1", "helper_image": "h:1"}, deployment(), config_map(), ALL, ("i:1", "h:1")),
        ({}, deployment(), config_map(), ALL, (IMAGE, HELPER)),
        ({"image": "i:1"}, deployment(), config_map(), ALL, ("i:1", HELPER)),
        ({}, None, None, ALL, ("x/local-path-provisioner:2", "x/local-path-helper:1")),
        ({}, None, None, NODES, ("rancher/local-path-provisioner:v0.0.30", "x/busybox:1")),
        ({}, None, None, [], ("rancher/local-path-provisioner:v0.0.30", "busybox:1.37")),
        ({}, failing("wrong:1"), config_map(), ALL, ("x/local-path-provisioner:2", HELPER)),
        ({}, failing("wrong:1"), config_map(), NODES, ("rancher/local-path-provisioner:v0.0.30", HELPER)),
        ({}, failing("x/local-path-provisioner:1"), config_map(), NODES, ("x/local-path-provisioner:1", HELPER)),
    ],
)
def test_which_images_are_taken(options, item, config, nodes, images):
    assert LOCAL_PATH.images(request(**options), item, config, iter(nodes)) == Images(*images)


@pytest.mark.parametrize("config", ["", "no json", "[]", '{"sharedFileSystemPath": "/a"}', '{"nodePathMap": null}'])
def test_a_configuration_that_can_not_be_read_has_no_paths(config):
    assert LOCAL_PATH.paths(deployment(), config_map(config=config)) == []
