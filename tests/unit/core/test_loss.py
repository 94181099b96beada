"""Which volumes go with their cluster."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.loss import losses, refuse_loss
from ansible_collections.kindlab.volumes.plugins.module_utils._core.topology import Mount, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volume import Volume

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
    found = losses([volume], NODES)
    assert len(found) == len(reasons)
    assert all(said in loss.reason for said, loss in zip(reasons, found, strict=True))


def test_refusal_names_each_and_the_ways_out() -> None:
    volumes = [Volume(f"v{n:02}", claim=f"a/{n}", node_directory="/x", source="hostPath") for n in range(12)]
    with pytest.raises(Declined) as raised:
        refuse_loss("lab", NODES, volumes)
    assert [d["volume"] for d in raised.value.details] == [v.name for v in volumes]
    assert "v09 of a/9" in raised.value.message and "and 2 more" in raised.value.message
    assert raised.value.next_step.count("volume_backup") == 1 and "force=true" in raised.value.next_step


def test_nothing_to_lose_is_no_refusal() -> None:
    assert refuse_loss("lab", NODES, []) is None
