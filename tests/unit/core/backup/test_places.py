"""Where a backup reads data: on the host, inside a node, or at no certain place."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.places import data_places
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node, Submount
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import Place

# As kind makes nodes: /var is the engine's own volume, /tmp a tmpfs.
OWN = (Mount("/var", "/engine/1/_data", "volume"), Mount("/tmp", "", "tmpfs"))
CONTROL = Node("k-control-plane", "k", "control-plane", mounts=OWN)
WORKER = Node("k-worker", "k", "worker", mounts=OWN)
BALANCER = Node("k-external-load-balancer", "k", "external-load-balancer")
MOUNTED = replace(WORKER, mounts=(*OWN, Mount("/var/lp", "/srv/lab")))
NODES = (CONTROL, WORKER)

A = Volume("a", "ns/a", nodes=("k-worker",), node_directory="/var/lp/a", source="hostPath")
ANYWHERE = replace(A, nodes=())
BOTH = replace(A, nodes=("k-control-plane", "k-worker"))


@pytest.mark.parametrize("directory", ["/var/lp/a", "/tmp/a", "/opt/a"])
def test_inside_its_one_node(directory: str) -> None:
    volume = replace(A, node_directory=directory)
    assert data_places([volume], NODES, archives=True) == {"a": Place("k-worker", directory, "")}
    with pytest.raises(Declined, match=f"{directory} on k-worker is not mounted from the host") as caught:
        data_places([volume], NODES, archives=False)
    assert "data=archive" in caught.value.next_step


@pytest.mark.parametrize("archives", [False, True])
def test_on_the_host(archives: bool) -> None:
    found = {"a": Place("", "/var/lp/a", "/srv/lab/a")}
    assert data_places([A], (CONTROL, MOUNTED), archives=archives) == found
    assert data_places([ANYWHERE], (replace(MOUNTED, name="k-control-plane"), MOUNTED), archives=archives) == found


def test_a_cluster_of_one_node_leaves_no_choice() -> None:
    assert data_places([ANYWHERE], (CONTROL, BALANCER), archives=True)["a"].node == "k-control-plane"


@pytest.mark.parametrize("archives", [False, True])
@pytest.mark.parametrize(
    "volume, nodes, why",
    [
        (ANYWHERE, NODES, "on k-control-plane, k-worker is not .* which of its nodes k-control-plane, k-worker has"),
        (BOTH, NODES, "which of its nodes k-control-plane, k-worker has the data"),
        (ANYWHERE, (CONTROL, MOUNTED), "/var/lp/a on k-control-plane is not .* which of its nodes"),
        (replace(A, nodes=("k-gone",)), NODES, "its node k-gone is not part of this cluster"),
        (replace(A, node_directory="", source="csi"), NODES, "its source is csi, not a directory in a node"),
    ],
)
def test_no_archive_helps_where_the_place_is_not_known(
    volume: Volume, nodes: tuple[Node, ...], why: str, archives: bool
) -> None:
    with pytest.raises(Declined, match=why) as caught:
        data_places([A, volume] if archives else [volume], nodes, archives=archives)
    assert "data=archive" not in caught.value.next_step
    assert [line["claim"] for line in caught.value.details] == ["ns/a"]


@pytest.mark.parametrize("state", ["exited", "paused"])
def test_a_node_that_does_not_run_can_not_be_read(state: str) -> None:
    with pytest.raises(Declined, match=f"while the node is {state}"):
        data_places([A], (CONTROL, replace(WORKER, state=state)), archives=True)


def test_ten_are_enough() -> None:
    many = [replace(A, name=f"v{number}") for number in range(12)]
    with pytest.raises(Declined, match=r"(?s)^The data of 12 volumes .*and 2 more$") as caught:
        data_places(many, NODES, archives=False)
    assert len(caught.value.details) == 12


SWAPPED = replace(
    WORKER, mounts=(*OWN, Mount("/var/lp", "/srv/lab", mismatch="/srv/lab is another directory", remedy="Restart it."))
)


def test_a_host_directory_that_is_not_the_nodes_is_read_in_the_node_or_not_at_all() -> None:
    with pytest.raises(Declined, match=r"a \(ns/a\): /srv/lab is another directory") as caught:
        data_places([A], (CONTROL, SWAPPED), archives=False)
    assert caught.value.details[0]["next_step"] == "Restart it."
    (place,) = data_places([A], (CONTROL, SWAPPED), archives=True).values()
    assert (place.node, place.node_directory, place.host_directory) == ("k-worker", "/var/lp/a", "")
    stopped = replace(SWAPPED, state="exited")
    with pytest.raises(Declined, match="is another directory"):
        data_places([A], (CONTROL, stopped), archives=True)
    # Which of several nodes has the data is not known.
    with pytest.raises(Declined, match="is another directory"):
        data_places([ANYWHERE], (replace(SWAPPED, name="k-control-plane"), SWAPPED), archives=True)


def test_only_volumes_at_a_place_that_differs_are_refused() -> None:
    covered = Mount("/var/lp", "/srv/lab", submounts=(Submount("/var/lp/big", "the host has a disk there"),))
    node = replace(WORKER, mounts=(*OWN, covered))
    assert data_places([A], (CONTROL, node), archives=False)["a"].host_directory == "/srv/lab/a"
    with pytest.raises(Declined, match="the host has a disk there"):
        data_places([replace(A, node_directory="/var/lp/big/a")], (CONTROL, node), archives=False)
