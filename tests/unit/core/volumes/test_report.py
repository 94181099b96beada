"""Result of volume_info: volumes with their directories, and orphan directories."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import Place
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.report import describe, orphans

NODES = (
    Node("k-control-plane", "k", "control-plane"),
    Node("k-worker", "k", "worker", mounts=(Mount("/data", "/srv/one"),)),
    Node("k-worker2", "k", "worker", mounts=(Mount("/data", "/srv/two"),)),
)


def test_orphans_are_neither_volumes_nor_above_nor_below_one():
    watched = {"/srv": [Place("k-worker", "/data", "/srv"), Place("k-worker2", "/data", "/srv")]}
    existing = {"/srv": ["v", "parent", "orphan"]}
    assert orphans(watched, existing, ["/srv/v", "/srv/parent/w"]) == [
        {"host_directory": "/srv/orphan", "node_directory": "/data/orphan", "nodes": ["k-worker", "k-worker2"]}
    ]
    assert orphans(watched, existing, ["/srv"]) == []


@pytest.mark.parametrize(
    ("nodes", "directory", "directories"),
    [
        (("k-worker",), "/srv/one/v", {"k-worker": "/srv/one/v"}),
        (("k-control-plane",), "", {"k-control-plane": ""}),
        ((), "", {"k-control-plane": "", "k-worker": "/srv/one/v", "k-worker2": "/srv/two/v"}),
    ],
)
def test_the_host_directory_is_told_where_there_is_one(nodes, directory, directories):
    volume = Volume("v", claim="ns/c", claim_phase="Bound", node_directory="/data/v", nodes=nodes)
    shown = describe(volume, NODES, {"ns/c": [{"name": "p"}]}, {"spec": {}})
    assert (shown["host_directory"], shown["host_directories"]) == (directory, directories)
    assert shown["pods"] == [{"name": "p"}]
