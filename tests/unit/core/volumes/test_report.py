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
# As local-path-provisioner calls directories.
MADE = "pvc-{:08x}-9a0e-4f8e-8f70-4b1f14f0b9de_ns_c"


def test_orphans_are_neither_volumes_nor_above_nor_below_one():
    watched = {"/srv": [Place("k-worker", "/data", "/srv"), Place("k-worker2", "/data", "/srv")]}
    used, parent, orphan = (MADE.format(number) for number in range(3))
    existing = {"/srv": [used, parent, orphan]}
    assert orphans(watched, existing, [f"/srv/{used}", f"/srv/{parent}/w"]) == [
        {
            "host_directory": f"/srv/{orphan}",
            "node_directory": f"/data/{orphan}",
            "nodes": ["k-worker", "k-worker2"],
            "volume": orphan.partition("_")[0],
            "claim": "ns/c",
        }
    ]
    assert orphans(watched, existing, ["/srv"]) == []


def test_a_directory_that_no_provisioner_made_is_no_orphan():
    watched = {"/srv": [Place("k-worker", "/data", "/srv")]}
    names = [MADE.format(1), "lost+found", ".kindlab-trash", "backup", "pvc-1_ns_c"]
    assert [row["host_directory"] for row in orphans(watched, {"/srv": names}, [])] == [f"/srv/{MADE.format(1)}"]


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
