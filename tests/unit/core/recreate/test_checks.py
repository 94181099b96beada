"""What makes a recreation fail is found before it: places of volumes, and volumes of an old backup."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import Catalog, SavedCluster
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.checks import (
    unrestored,
    volume_refusals,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.shape import cluster_spec, expected_nodes
from ansible_collections.kindlab.volumes.tests.unit.support.backups import saved_volume

MOUNTED: dict[str, Any] = {
    "nodes": [
        {"ports": [{"node_port": 80, "host_port": 80}, {"node_port": 81}]},
        {"role": "worker", "mounts": [{"host_path": "/srv", "node_path": "/data"}]},
    ],
    "networking": {"api_server_port": 6444},
}
ZONE = {"nodeSelectorTerms": [{"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}]}
SPEC = cluster_spec("lab", MOUNTED)
VOLUME = Volume("v", "ns/c", node_directory="/data/v", source="hostPath", nodes=("lab-worker",))
ANYWHERE = Volume("v", "ns/c", node_directory="/data/v", source="hostPath")


@pytest.mark.parametrize("volume", [VOLUME, ANYWHERE])
def test_volumes_that_are_found_again(volume: Volume) -> None:
    """Nodes that take no pods do not count, as in a backup."""
    nodes = expected_nodes(SPEC, {})
    assert list(volume_refusals([volume], {"v": "/srv/v"}, nodes, archived=())) == []
    assert list(volume_refusals([volume], {}, nodes, archived=())) == []


@pytest.mark.parametrize(
    ("directory", "nodes", "archived", "missing", "why"),
    [
        ("/old/v", MOUNTED, (), (), "its data is in /old/v, and the new cluster would look for it in /srv/v"),
        ("/srv/v", {"nodes": [{}]}, (), (), "its node lab-worker is not part of this cluster"),
        ("/srv/v", {"nodes": [{}, {"role": "worker"}]}, (), (), "/data/v on lab-worker is not mounted"),
        ("/srv/v", {"nodes": [{}, {"role": "worker"}]}, ("v",), (), "look for it in /data/v, inside lab-worker"),
        ("/srv/v", MOUNTED, (), ("/srv/v",), "its host directory /srv/v does not exist"),
    ],
)
def test_volumes_that_would_not_be_found(
    directory: str, nodes: dict[str, Any], archived: tuple[str, ...], missing: tuple[str, ...], why: str
) -> None:
    new = expected_nodes(cluster_spec("lab", nodes), {})
    (refusal,) = volume_refusals([VOLUME], {"v": directory}, new, archived=archived, missing=missing)
    assert why in refusal.why and refusal.next_step and refusal.details["claim"] == "ns/c"


def test_data_in_an_archive_needs_no_directory() -> None:
    nodes = expected_nodes(SPEC, {})
    assert list(volume_refusals([VOLUME], {"v": "/srv/v"}, nodes, archived=("v",), missing=("/srv/v",))) == []
    inside = expected_nodes(cluster_spec("lab", {"nodes": [{}, {"role": "worker"}]}), {})
    assert list(volume_refusals([VOLUME], {"v": ""}, inside, archived=("v",))) == []


@pytest.mark.parametrize(
    ("fields", "directory", "why"),
    [
        ({"nodes": ("gone",)}, "/srv/v", "in the new cluster, its node gone is not part of this cluster"),
        (
            {"required": ZONE},
            "/srv/v",
            "in the new cluster, a node that its affinity allows is not part of",
        ),
        ({"required": ZONE, "node_directory": "", "source": "nfs"}, "", "a node that its affinity allows"),
        ({"required": ZONE, "node_directory": "", "source": "csi"}, "", ""),
        ({"nodes": ("gone",), "node_directory": "", "source": "csi"}, "", "its node gone"),
        ({"node_directory": "/dev/x", "source": "local", "is_block": True}, "", ""),
    ],
)
def test_a_volume_that_no_node_fits(fields: dict[str, Any], directory: str, why: str) -> None:
    """Saved it is, wherever its data is; restored it could not be, once the cluster is deleted."""
    nodes = expected_nodes(SPEC, {})
    found = list(volume_refusals([replace(ANYWHERE, **fields)], {"v": directory}, nodes, archived=()))
    assert [why in refusal.why for refusal in found] == [True] * bool(why)


def test_only_a_backup_from_before_the_cluster_was_not_restored() -> None:
    catalog = Catalog("2026-01-02T00:00:00Z", SavedCluster("lab", "v1"), volumes=(saved_volume(0), saved_volume(1)))
    assert unrestored(catalog, ["v1"], "2026-01-03T00:00:00Z") == ["v0"]
    assert unrestored(catalog, [], "2026-01-01T00:00:00Z") == unrestored(catalog, [], "") == []
