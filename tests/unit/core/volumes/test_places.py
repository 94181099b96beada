"""Directories of volumes and provisioners."""

from __future__ import annotations

import json

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.local_path import (
    provisioner_directories,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import (
    used_directories,
    watched_places,
)

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
