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
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.moves import plan_moves
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.shape import cluster_spec, expected_nodes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal
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


def refusals(volume: Volume, directory: str | None, nodes: Any, **rest: Any) -> list[Refusal]:
    """Of one volume, in the new cluster lab."""
    directories = {} if directory is None else {"v": directory}
    archived = rest.pop("archived", ())
    moves = plan_moves([volume], directories, nodes, rest.pop("node_map", {}), cluster="lab", archived=archived)
    return list(volume_refusals(moves, directories, nodes, cluster="lab", archived=archived, **rest))


@pytest.mark.parametrize("volume", [VOLUME, ANYWHERE])
def test_volumes_that_are_found_again(volume: Volume) -> None:
    """Nodes that take no pods do not count, as in a backup."""
    nodes = expected_nodes(SPEC, {})
    assert refusals(volume, "/srv/v", nodes) == refusals(volume, None, nodes) == []


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
    (refusal,) = refusals(VOLUME, directory, new, archived=archived, missing=missing)
    assert why in refusal.why and refusal.next_step and refusal.details["claim"] == "ns/c"


def test_data_in_an_archive_needs_no_directory() -> None:
    nodes = expected_nodes(SPEC, {})
    assert refusals(VOLUME, "/srv/v", nodes, archived=("v",), missing=("/srv/v",)) == []
    inside = expected_nodes(cluster_spec("lab", {"nodes": [{}, {"role": "worker"}]}), {})
    assert refusals(VOLUME, "", inside, archived=("v",)) == []


def test_an_archive_goes_to_another_directory_of_the_host_if_that_is_empty() -> None:
    nodes = expected_nodes(SPEC, {})
    assert refusals(VOLUME, "/old/v", nodes, archived=("v",)) == []
    (refusal,) = refusals(VOLUME, "/old/v", nodes, archived=("v",), occupied=("/srv/v",))
    assert refusal.why == "its archive would be extracted to /srv/v, which is not empty"
    (refusal,) = refusals(VOLUME, "/old/v", nodes)
    assert "data=archive" in refusal.next_step


def test_a_volume_of_a_node_that_goes_and_that_no_node_can_take() -> None:
    gone = replace(VOLUME, nodes=("lab-worker2",), node_directory="/elsewhere/v")
    (refusal,) = refusals(gone, "/old/v", expected_nodes(SPEC, {}))
    assert "its node lab-worker2 is not part of this cluster" in refusal.why
    assert refusal.next_step == (
        "Set data=archive to bring its data to lab-worker, set node_map to {lab-worker2: lab-worker}, or keep "
        "lab-worker2 in options."
    )
    alone = expected_nodes(cluster_spec("lab", {"nodes": [{}]}), {})
    (refusal,) = refusals(gone, "/old/v", alone)
    assert refusal.next_step == (
        "Set node_map to {lab-worker2: lab-control-plane} (and data=archive, if it lacks the directory), or keep "
        "lab-worker2 in options."
    )
    assert refusals(gone, "/old/v", alone, archived=("v",), node_map={"lab-worker2": "lab-control-plane"}) == []


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
    found = refusals(replace(ANYWHERE, **fields), directory, nodes)
    assert [why in refusal.why for refusal in found] == [True] * bool(why)


def test_only_a_backup_from_before_the_cluster_was_not_restored() -> None:
    catalog = Catalog("2026-01-02T00:00:00Z", SavedCluster("lab", "v1"), volumes=(saved_volume(0), saved_volume(1)))
    assert unrestored(catalog, ["v1"], "2026-01-03T00:00:00Z") == ["v0"]
    assert unrestored(catalog, [], "2026-01-01T00:00:00Z") == unrestored(catalog, [], "") == []
