"""local-path-provisioner with one directory for all nodes: its configuration, and what it would leave behind."""

from __future__ import annotations

import json

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import ref_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.backends.base import Images
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.backends.local_path import LocalPath
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.backends.local_path_shared import (
    LocalPathShared,
)
from ansible_collections.kindlab.volumes.tests.unit.support.provisioners import config_map, deployment, request

SHARED = LocalPathShared()
NODES = LocalPath()


def made(provisioner, **options):
    name = "local_path" if provisioner is NODES else "local_path_shared"
    items = provisioner.manifests(request(name=name, **options), Images("program:1", "helper:1"))
    return {ref_of(item)[0]: item for item in items}


def test_one_directory_takes_the_place_of_the_nodes():
    item = made(SHARED, node_path="/srv", helper_timeout=30)["ConfigMap"]
    assert json.loads(item["data"]["config.json"]) == {"sharedFileSystemPath": "/srv", "cmdTimeoutSeconds": 30}
    assert SHARED.paths(deployment(), item) == [{"node": "", "paths": ["/srv"]}]


def test_all_else_is_the_same_so_that_one_takes_the_place_of_the_other():
    shared, nodes = made(SHARED), made(NODES)
    assert shared.keys() == nodes.keys()
    assert {kind for kind in shared if shared[kind] != nodes[kind]} == {"ConfigMap", "Deployment"}
    shared["Deployment"]["spec"]["template"]["metadata"].pop("annotations")
    nodes["Deployment"]["spec"]["template"]["metadata"].pop("annotations")
    assert shared["Deployment"] == nodes["Deployment"]


@pytest.mark.parametrize("config", ["", "no json", "[]", "{}", '{"sharedFileSystemPath": ""}', '{"nodePathMap": []}'])
def test_what_is_not_shared_is_of_nodes(config):
    item = config_map(config=config)
    assert (SHARED.is_configured(item), NODES.is_configured(item)) == (False, True)
    assert SHARED.paths(deployment(), item) == []


def test_each_knows_its_own():
    for provisioner in (SHARED, NODES):
        item = made(provisioner)["ConfigMap"]
        assert (SHARED.is_configured(item), NODES.is_configured(item)) == (provisioner is SHARED, provisioner is NODES)
    assert (SHARED.is_configured(None), NODES.is_configured(None)) == (False, True)


def test_claims_may_be_bound_at_once():
    request(name="local_path_shared", binding_mode="Immediate")
    assert SHARED.supports_immediate_binding


@pytest.mark.parametrize(
    "options, words",
    [
        ({"paths": [{"paths": ["/a", "/b"]}]}, "exactly one directory, the same in all nodes"),
        ({"paths": [{"node": "w", "paths": ["/a"]}]}, "exactly one directory, the same in all nodes"),
        ({"paths": [{"paths": ["/a"]}, {"node": "w", "paths": []}]}, "exactly one directory, the same in all nodes"),
        ({"paths": [{"node": "w", "paths": []}]}, "exactly one directory, the same in all nodes"),
        ({"replicas": 2}, "local_path_shared does not support 2 replicas"),
    ],
)
def test_refused(options, words):
    with pytest.raises(BadInput) as caught:
        request(name="local_path_shared", **options)
    assert words in caught.value.message
    assert caught.value.next_step


def test_one_path_for_all_nodes_is_one_directory():
    asked = request(name="local_path_shared", paths=[{"paths": ["/a"]}], replicas=1)
    assert SHARED.config(asked) == {"sharedFileSystemPath": "/a"}


@pytest.mark.parametrize(
    "nodes, directory, shared, of_nodes",
    [
        ((), "/srv/v", "", "its node affinity does not name exactly one node"),
        ((), "/elsewhere/v", "", "its node affinity does not name exactly one node"),
        (("w",), "/srv/v", "", ""),
        (("w",), "/srv2/v", "its directory is on w; its helper pod could run on another node and delete nothing", ""),
        (("w",), "/srv", "its directory is on w; its helper pod could run on another node and delete nothing", ""),
        (
            ("v", "w"),
            "/a/v",
            "its directory is on v, w; its helper pod could run on another node and delete nothing",
            "its node affinity does not name exactly one node",
        ),
    ],
)
def test_whose_directories_would_be_removed(nodes, directory, shared, of_nodes):
    volume = Volume("v", nodes=nodes, node_directory=directory)
    assert SHARED.cannot_delete_reason(volume, ["/srv"]) == shared
    assert NODES.cannot_delete_reason(volume, ["/srv"]) == of_nodes


@pytest.mark.parametrize(
    "spec, why",
    [
        ({"accessModes": ["ReadWriteOnce"]}, ""),
        ({"accessModes": ["ReadWriteOncePod"]}, ""),
        ({"accessModes": ["ReadWriteOnce", "ReadWriteMany"]}, "it requests ReadWriteMany"),
        ({"accessModes": ["ReadWriteMany", "ReadOnlyMany"]}, "it requests ReadOnlyMany, ReadWriteMany"),
        ({"accessModes": ["ReadWriteOnce"], "selector": {"matchLabels": {"a": "b"}}}, "it has a selector"),
    ],
)
def test_which_claims_only_one_of_both_serves(spec, why):
    assert NODES.cannot_provision_reason({"spec": spec}) == why
    assert SHARED.cannot_provision_reason({"spec": spec}) == ""
