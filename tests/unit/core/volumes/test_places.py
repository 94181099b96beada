"""Directories of volumes and provisioners."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.registry import (
    provisioner_directories,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import (
    used_directories,
    volume_places,
    watched_places,
)

TERM = {"kubernetes.io/hostname": "k-worker", "kubernetes.io/arch": "amd64", "disk": "ssd"}

NODES = (
    Node("k-control-plane", "k", "control-plane"),
    Node("k-worker", "k", "worker", mounts=(Mount("/data", "/srv/one"),)),
    Node("k-worker2", "k", "worker", mounts=(Mount("/data", "/srv/two"),)),
)


def config_map(config, name="local-path-config"):
    return {
        "metadata": {"name": name},
        "data": {"config.json": config if isinstance(config, str) else json.dumps(config)},
    }


@pytest.mark.parametrize(
    ("config", "directories"),
    [
        ({"nodePathMap": [{"node": "DEFAULT_PATH_FOR_NON_LISTED_NODES", "paths": ["/data/"]}]}, {"/data": ()}),
        ({"nodePathMap": [{"node": "k-worker", "paths": ["/a", "/b"]}]}, {"/a": ("k-worker",), "/b": ("k-worker",)}),
        ({"sharedFileSystemPath": "/shared"}, {"/shared": ()}),
        ({"storageClassConfigs": {"s": {"sharedFileSystemPath": "/shared"}}}, {"/shared": ()}),
        ({}, {}),
        ("not json", {}),
        ("[]", {}),
    ],
)
def test_where_local_path_makes_volumes(config, directories):
    assert (
        provisioner_directories([config_map(config), config_map({"sharedFileSystemPath": "/x"}, "other")])
        == directories
    )


def test_watched_are_configured_directories_and_those_beside_provisioned_volumes():
    shared = config_map({"sharedFileSystemPath": "/data"})
    made = Volume("v", node_directory="/data/sub/v", nodes=("k-worker",), provisioned_by="p")
    by_hand = Volume("w", node_directory="/data/other/w", nodes=("k-worker",))
    watched = watched_places([made, by_hand], [shared], NODES)
    assert {path: [p.node for p in serving] for path, serving in watched.items()} == {
        "/srv/one": ["k-worker"],
        "/srv/one/sub": ["k-worker"],
        "/srv/two": ["k-worker2"],
    }


def test_a_volume_whose_node_is_gone_keeps_its_directory_wherever_it_may_be():
    gone = Volume("v", node_directory="/data/v", nodes=("old-worker",))
    assert used_directories([gone, Volume("nfs")], NODES) == {"/srv/one/v", "/srv/two/v"}


def test_the_labels_of_the_host_hold_for_a_node_that_does_not_exist_yet():
    term = [{"key": key, "operator": "In", "values": [value]} for key, value in TERM.items()]
    required = {"nodeSelectorTerms": [{"matchExpressions": term}]}
    volume = Volume("v", node_directory="/data/v", nodes=("k-worker",), required=required)
    planned = replace(NODES[1], labels={"kubernetes.io/os": "linux", "disk": "ssd"})
    assert [place.node for place in volume_places(volume, [planned])] == ["k-worker"]
    assert volume_places(volume, [replace(planned, labels={"kubernetes.io/os": "linux"})]) == ()
    assert volume_places(volume, [replace(planned, labels={"kubernetes.io/arch": "arm64", "disk": "ssd"})]) == ()
