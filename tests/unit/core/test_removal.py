"""What would be lost with a cluster: volumes in use, deleted with their node, or without a current backup."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import (
    Catalog,
    SavedCluster,
    SavedVolume,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.difference import Difference
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import merged
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume, read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.manifests import LABEL
from ansible_collections.kindlab.volumes.plugins.module_utils._core.removal import (
    NO_BACKUP,
    Needed,
    at_stake,
    blockers,
    comparable,
    needed,
    not_backed_up,
)
from ansible_collections.kindlab.volumes.tests.unit.support.backups import claim, saved_volume, volume

Object = dict[str, Any]

SHARED = Mount("/shared", "/srv/lab")
OWN = Mount("/var", "/engine/volumes/x", kind="volume")
NODES = (
    Node("lab-control-plane", "lab", "control-plane", mounts=(OWN,)),
    Node("lab-worker", "lab", "worker", mounts=(OWN, SHARED)),
    Node("lab-external-load-balancer", "lab", "external-load-balancer"),
)


TIED = Volume("v", claim="a/b", source="csi", nodes=("lab-worker",), required={"nodeSelectorTerms": [{}]})


@pytest.mark.parametrize(
    ("given", "reasons"),
    [
        (Volume("v", nodes=("lab-worker",), node_directory="/shared/v", source="hostPath"), []),
        (Volume("v", nodes=("lab-worker",), node_directory="/shared/v", source="local", phase="Released"), []),
        (
            Volume("v", nodes=("lab-control-plane",), node_directory="/shared/v", source="hostPath"),
            ["on lab-control-plane and"],
        ),
        (
            Volume("v", node_directory="/shared/v", source="hostPath"),
            ["not mounted from the host on lab-control-plane and"],
        ),
        (
            Volume("v", nodes=("lab-worker",), node_directory="/var/v", source="hostPath"),
            ["on lab-worker and is deleted with the node"],
        ),
        (Volume("v", nodes=("lab-worker",), node_directory="/sharedv", source="hostPath"), ["/sharedv"]),
        (Volume("v", nodes=("another",), node_directory="/var/v", source="hostPath"), []),
        (Volume("v", source="nfs"), []),
        (Volume("v", source="csi"), []),
        (TIED, ["its CSI driver ties it to lab-worker: its data may be deleted with the node"]),
        (replace(TIED, is_block=True), ["ties it to lab-worker"]),
        (replace(TIED, nodes=("another",)), []),
        (replace(TIED, source="nfs"), []),
        (Volume("v", node_directory="/dev/loop3", source="local", is_block=True), []),
        (
            Volume("v", nodes=("lab-worker",), node_directory="/shared/v", source="local", is_terminating=True),
            ["it or its claim is being deleted"],
        ),
        (Volume("v", source="nfs", reclaim_policy="Delete", claim="a/b", claim_phase="Bound"), ["policy is Delete"]),
        (Volume("v", source="nfs", reclaim_policy="Delete", claim="a/b", claim_phase=""), []),
        (
            Volume(
                "v", node_directory="/x", source="hostPath", reclaim_policy="Delete", claim="a/b", claim_phase="Bound"
            ),
            ["on lab-control-plane, lab-worker and", "policy is Delete"],
        ),
    ],
)
def test_what_is_deleted_with_the_cluster(given: Volume, reasons: list[str]) -> None:
    found = blockers([given], NODES, {}, {})
    assert len(found) == len(reasons)
    assert all(text in blocker.why for text, blocker in zip(reasons, found, strict=True))


INSIDE = Volume("v", claim="a/b", nodes=("lab-worker",), node_directory="/var/v", source="hostPath")
SAFE = Volume("w", claim="a/c", nodes=("lab-worker",), node_directory="/shared/w", source="hostPath")


def test_a_driver_may_lose_data_if_that_is_accepted() -> None:
    (found,) = blockers([TIED], NODES, {}, {}, accepted=["a/c", "w"])
    assert "accept_loss=['v']" in found.next_step
    assert blockers([TIED], NODES, {}, {}, accepted=["v"]) == blockers([TIED], NODES, {}, {}, accepted=["a/b"]) == ()


def test_an_archive_outlives_the_node() -> None:
    assert blockers([INSIDE], NODES, {}, {}, {"v"}) == ()
    assert [blocker.name for blocker in blockers([INSIDE], NODES, {}, {}, {"w"})] == ["v"]


def test_an_archive_does_not_keep_a_claim_from_deleting() -> None:
    (found,) = blockers([replace(INSIDE, reclaim_policy="Delete", claim_phase="Bound")], NODES, {}, {}, {"v"})
    assert "reclaim policy is Delete" in found.why and "Retain" in found.next_step


def test_in_use() -> None:
    users = {"v": [], "w": [f"pod ns/{n} uses it" for n in range(5)]}
    (found,) = blockers([INSIDE, SAFE], NODES, users, {}, {"v"})
    assert (found.name, found.details) == ("w", {"claim": "a/c"})
    assert found.why == "it is in use: pod ns/0 uses it, pod ns/1 uses it, pod ns/2 uses it, and 2 more"
    assert "volume_detach" in found.next_step


def test_without_a_current_backup() -> None:
    (found,) = blockers([INSIDE, SAFE], NODES, {}, {"v": "", "w": "the backup does not contain it"}, {"v"})
    assert found.text() == "a/c (w): the backup does not contain it"
    assert "volume_backup" in found.next_step


def test_every_reason_of_a_volume() -> None:
    found = blockers([INSIDE], NODES, {"v": ["pod ns/p uses it"]}, {"v": NO_BACKUP})
    assert [blocker.why for blocker in found] == [
        "/var/v is not mounted from the host on lab-worker and is deleted with the node",
        "it is in use: pod ns/p uses it",
        NO_BACKUP,
    ]
    assert "data=archive" in found[0].next_step
    assert found[2].as_dict() == {"name": "v", "claim": "a/b", "why": NO_BACKUP, "next_step": found[2].next_step}


def test_what_can_be_compared() -> None:
    """Data that may be in several nodes is incomparable; a volume of another cluster's node has none here."""
    foreign = Volume("x", nodes=("another",), node_directory="/var/x", source="hostPath")
    anywhere = Volume("y", node_directory="/var/y", source="hostPath")
    places, incomparable = comparable([INSIDE, SAFE, foreign, anywhere], NODES)
    assert {name: place.node for name, place in places.items()} == {"v": "lab-worker", "w": ""}
    assert list(incomparable) == ["y"] and "cannot be compared" in incomparable["y"]


SAVED = saved_volume(0, checksum_list="checksums/v0.jsonl")


def why(
    pv: Object | None = None,
    claims: tuple[Object, ...] = (claim(0),),
    saved: SavedVolume | None = SAVED,
    saved_pv: Object | None = None,
    saved_claims: tuple[Object, ...] = (claim(0),),
    changed: Difference | None = None,
) -> dict[str, str]:
    pv = pv or volume(0)
    catalog = Catalog("2026-01-02T03:04:05Z", SavedCluster("k", "v1"), volumes=(saved,) if saved else ())
    backup = ([saved_pv or volume(0)], saved_claims)
    wanted = needed(read_volumes([pv], claims), [pv])
    return not_backed_up(wanted, ([pv], claims), catalog, backup, {"v0": changed or Difference()})


def other(number: int, **spec: Any) -> Object:
    return merged(volume(number), {"spec": spec})


def test_an_unchanged_volume_is_backed_up() -> None:
    assert why() == {}


def test_the_state_of_a_volume_is_no_difference() -> None:
    """Its policy, its claim's uid and its phase are not what it is."""
    pv = other(0, persistentVolumeReclaimPolicy="Delete", claimRef={"uid": "1", "resourceVersion": "7"})
    assert why({**pv, "status": {"phase": "Bound"}}) == {}


@pytest.mark.parametrize(
    ("given", "why_not"),
    [
        ({"saved": None}, "the backup does not contain it"),
        ({"saved_pv": volume(1)}, "the backup does not contain it"),
        ({"saved": saved_volume(0)}, "the backup has no checksums of it"),
        ({"saved": replace(SAVED, consistent=False)}, "is not consistent: it was written to while it was read"),
        ({"saved_claims": ()}, "the backup does not contain its claim ns/c0"),
        ({"saved": replace(SAVED, claim="")}, "the backup does not contain its claim ns/c0"),
        (
            {"pv": other(0, capacity={"storage": "2Gi"})},
            "differs from the backup: capacity is 2Gi, not 1Gi",
        ),
        ({"pv": other(0, hostPath={"path": "/data/x"})}, "it differs from the backup: hostPath is /data/x"),
        ({"pv": other(0, nodeAffinity=None)}, "it differs from the backup: node is any, not k-worker"),
        ({"changed": Difference(("new",))}, "its data has changed since the backup: 1 added: new"),
        ({"changed": Difference((), ("a",))}, "its data has changed since the backup: 1 removed: a"),
        ({"changed": Difference((), (), ("a (size)",))}, "its data has changed since the backup: 1 changed: a (size)"),
    ],
)
def test_why_a_volume_is_not_backed_up(given: dict[str, Any], why_not: str) -> None:
    found = why(**given)
    assert list(found) == ["v0"] and why_not in found["v0"]


def test_a_newer_claim() -> None:
    """The volume waited for it during the backup: without its manifest it would not be restored."""
    assert why(claims=(), saved_claims=()) == {}
    assert why(saved_claims=()) == {"v0": "the backup does not contain its claim ns/c0"}


def test_a_deleted_claim_does_not_matter() -> None:
    assert why(claims=()) == {}


def test_a_volume_that_is_bound_to_another_claim() -> None:
    """Both claims are in the backup, but bound differently."""
    pv = other(0, claimRef={"name": "c1"})
    assert why(pv, (claim(1),), saved_claims=(claim(0), claim(1))) == {
        "v0": "the backup does not contain its claim ns/c1"
    }


def test_each_volume_by_itself() -> None:
    pvs, claims = [volume(n) for n in range(3)], [claim(n) for n in range(3)]
    catalog = Catalog(
        "2026-01-02T03:04:05Z",
        SavedCluster("k", "v1"),
        volumes=tuple(saved_volume(n, checksum_list=f"checksums/v{n}.jsonl") for n in (0, 2)),
    )
    changed = {"v2": Difference(("new",))}
    wanted = needed(read_volumes(pvs, claims), pvs)
    found = not_backed_up(wanted, (pvs, claims), catalog, (pvs, claims), changed)
    assert list(found) == ["v1", "v2"]


def test_what_is_at_stake() -> None:
    """Not what never had data, nor what ends with its pod."""
    volumes = [Volume("v"), Volume("unused"), Volume("scratch", is_ephemeral=True)]
    assert at_stake(volumes, (), {"unused"}) == (Volume("v"),)


NFS = merged(volume(2), {"spec": {"hostPath": None, "nfs": {"server": "s", "path": "/p"}}})
CSI = merged(volume(3), {"spec": {"hostPath": None, "csi": {"driver": "d.example", "volumeHandle": "h"}}})
BLOCK = merged(volume(4), {"spec": {"volumeMode": "Block"}})


def test_which_volumes_need_a_backup() -> None:
    """Not those of local_data, which creates them again."""
    given = merged(volume(1), {"metadata": {"labels": {LABEL: "read-write"}}})
    pvs = [volume(0), given, NFS, CSI, BLOCK]
    found = needed(read_volumes(pvs, []), pvs)
    assert ([v.name for v in found.data], [v.name for v in found.manifests]) == (["v0"], ["v2", "v3", "v4"])


def test_of_data_that_is_elsewhere_the_manifests_are_enough() -> None:
    volumes = read_volumes([NFS], [claim(2)])
    saved = Catalog("2026-01-02T03:04:05Z", SavedCluster("k", "v1"), volumes=(saved_volume(2, data="elsewhere"),))
    for catalog, why_not in ((saved, {}), (replace(saved, volumes=()), {"v2": "the backup does not contain it"})):
        live = ([NFS], [claim(2)])
        assert not_backed_up(Needed((), volumes), live, catalog, live, {}) == why_not
    changed = merged(NFS, {"spec": {"nfs": {"path": "/other"}}})
    found = not_backed_up(Needed((), volumes), ([changed], [claim(2)]), saved, ([NFS], [claim(2)]), {})
    assert "it differs from the backup: nfs is" in found["v2"]
