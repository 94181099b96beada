"""What would be lost with a cluster: data that goes with it, is in use, or is not as it was saved."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.usage import VolumeUser
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.removal import Loss, losses, refuse_loss

SHARED = Mount("/shared", "/srv/lab")
OWN = Mount("/var", "/engine/volumes/x", kind="volume")
NODES = (
    Node("lab-control-plane", "lab", "control-plane", mounts=(OWN,)),
    Node("lab-worker", "lab", "worker", mounts=(OWN, SHARED)),
    Node("lab-external-load-balancer", "lab", "external-load-balancer"),
)


@pytest.mark.parametrize(
    ("volume", "reasons"),
    [
        (Volume("v", nodes=("lab-worker",), node_directory="/shared/v", source="hostPath"), []),
        (Volume("v", nodes=("lab-worker",), node_directory="/shared/v", source="local", phase="Released"), []),
        (
            Volume("v", nodes=("lab-control-plane",), node_directory="/shared/v", source="hostPath"),
            ["lab-control-plane,"],
        ),
        (Volume("v", node_directory="/shared/v", source="hostPath"), ["no host directory on lab-control-plane,"]),
        (Volume("v", nodes=("lab-worker",), node_directory="/var/v", source="hostPath"), ["on lab-worker, it goes"]),
        (Volume("v", nodes=("lab-worker",), node_directory="/sharedv", source="hostPath"), ["/sharedv"]),
        (Volume("v", nodes=("another",), node_directory="/var/v", source="hostPath"), []),
        (Volume("v", source="nfs"), []),
        (Volume("v", source="csi"), ["CSI driver"]),
        (Volume("v", source="nfs", reclaim_policy="Delete", claim="a/b", claim_phase="Bound"), ["policy is Delete"]),
        (Volume("v", source="nfs", reclaim_policy="Delete", claim="a/b", claim_phase=""), []),
        (
            Volume(
                "v", node_directory="/x", source="hostPath", reclaim_policy="Delete", claim="a/b", claim_phase="Bound"
            ),
            ["on lab-control-plane, lab-worker,", "policy is Delete"],
        ),
    ],
)
def test_reasons(volume: Volume, reasons: list[str]) -> None:
    found = losses([volume], NODES, {}, {})
    assert len(found) == len(reasons)
    assert all(said in loss.reason for said, loss in zip(reasons, found, strict=True))


INSIDE = Volume("v", claim="a/b", nodes=("lab-worker",), node_directory="/var/v", source="hostPath")
SAFE = Volume("w", claim="a/c", nodes=("lab-worker",), node_directory="/shared/w", source="hostPath")


def test_an_archive_outlives_the_node() -> None:
    assert losses([INSIDE], NODES, {}, {}, {"v"}) == ()
    assert [loss.volume for loss in losses([INSIDE], NODES, {}, {}, {"w"})] == ["v"]


def test_an_archive_keeps_no_claim_from_deleting() -> None:
    (found,) = losses([replace(INSIDE, reclaim_policy="Delete", claim_phase="Bound")], NODES, {}, {}, {"v"})
    assert "reclaim policy is Delete" in found.reason and "Retain" in found.way_out


def test_in_use() -> None:
    held = {"v": [], "w": [VolumeUser(f"pod ns/{n} uses it", "lab-worker", f"ns/{n}") for n in range(5)]}
    (found,) = losses([INSIDE, SAFE], NODES, held, {}, {"v"})
    assert (found.volume, found.claim) == ("w", "a/c")
    assert found.reason == "it is in use: pod ns/0 uses it, pod ns/1 uses it, pod ns/2 uses it"
    assert "volume_detach" in found.way_out


def test_not_as_it_was_saved() -> None:
    (found,) = losses([INSIDE, SAFE], NODES, {}, {"v": "", "w": "it is not in the backup"}, {"v"})
    assert found.text() == "w of a/c: it is not in the backup"
    assert "volume_backup" in found.way_out


def test_every_reason_of_a_volume() -> None:
    found = losses([INSIDE], NODES, {"v": [VolumeUser("pod ns/p uses it")]}, {"v": "no backup is named that holds it"})
    assert [loss.reason.split(",")[0] for loss in found] == [
        "/var/v is no host directory on lab-worker",
        "it is in use: pod ns/p uses it",
        "no backup is named that holds it",
    ]
    assert "data=archive" in found[0].way_out
    assert found[2].as_dict() == {
        "volume": "v",
        "claim": "a/b",
        "reason": "no backup is named that holds it",
        "way_out": found[2].way_out,
    }


def test_refusal_names_each_and_the_ways_out() -> None:
    found = [Loss(f"v{n:02}", f"a/{n}", f"reason {n}", f"Way {n % 2}.") for n in range(12)]
    with pytest.raises(Declined) as raised:
        refuse_loss("lab", found)
    assert raised.value.details == [loss.as_dict() for loss in found]
    assert raised.value.message.startswith("Removing the cluster lab is not safe: v00 of a/0: reason 0; v01 of a/1:")
    assert "v09 of a/9" in raised.value.message and "v10" not in raised.value.message
    assert raised.value.message.endswith("and 2 more.")
    assert raised.value.next_step == "Way 0. Way 1. Or remove it all the same: force=true."


def test_nothing_to_lose_is_no_refusal() -> None:
    assert refuse_loss("lab", ()) is None
