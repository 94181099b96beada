"""Where a backup reads data: on the host, inside a node, or at no certain place."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.places import (
    Look,
    data_places,
    elsewhere,
    may_be_unused,
    restored_for,
    unreadable,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node, Submount
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume, read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.manifests import LABEL
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import Place
from ansible_collections.kindlab.volumes.tests.unit.support.workloads import workload

# As kind makes nodes: /var is the engine's own volume, /tmp a tmpfs.
OWN = (Mount("/var", "/engine/1/_data", "volume"), Mount("/tmp", "", "tmpfs"))
CONTROL = Node("k-control-plane", "k", "control-plane", mounts=OWN)
WORKER = Node("k-worker", "k", "worker", mounts=OWN)
BALANCER = Node("k-external-load-balancer", "k", "external-load-balancer")
MOUNTED = replace(WORKER, mounts=(*OWN, Mount("/var/lp", "/srv/lab")))
NODES = (CONTROL, WORKER)

A = Volume("a", "ns/a", nodes=("k-worker",), node_directory="/var/lp/a", source="hostPath")
ANYWHERE = replace(A, nodes=())
SSD = {"key": "disk", "operator": "In", "values": ["ssd"]}
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
        (
            replace(ANYWHERE, required={"nodeSelectorTerms": [{"matchExpressions": [SSD]}]}),
            (replace(CONTROL, labels={}), replace(WORKER, labels={})),
            "a node that its affinity allows is not part of this cluster",
        ),
    ],
)
def test_no_archive_helps_where_the_place_is_not_known(
    volume: Volume, nodes: tuple[Node, ...], why: str, archives: bool
) -> None:
    with pytest.raises(Declined, match=why) as caught:
        data_places([volume], nodes, archives=archives)
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


def test_pods_run_on_workers_only() -> None:
    """The control plane's taint keeps them from the directory that only it does not have."""
    control = replace(CONTROL, takes_pods=False)
    assert data_places([ANYWHERE], (control, MOUNTED), archives=False) == {"a": Place("", "/var/lp/a", "/srv/lab/a")}


def pv(labels: dict[str, str] | None = None, **spec: object) -> dict[str, object]:
    return {"metadata": {"name": "a", "labels": labels or {}}, "spec": spec}


@pytest.mark.parametrize(
    "given, where",
    [
        (pv(hostPath={"path": "/var/lp/a"}), ""),
        (pv(local={"path": "/var/lp/a"}), ""),
        (pv(hostPath={"path": "/lib"}, labels={LABEL: "read-only"}), "hostPath /lib, data of the host"),
        (pv(local={"path": "/dev/sdb"}, volumeMode="Block"), "local /dev/sdb, a block device"),
        (pv(nfs={"server": "files.example", "path": "/exports/db"}), "nfs files.example:/exports/db"),
        (pv(csi={"driver": "d.example", "volumeHandle": "h-1"}), "csi d.example h-1"),
        (pv(), "an unknown source"),
    ],
)
def test_data_that_no_backup_reads(given: dict[str, object], where: str) -> None:
    (volume,) = read_volumes([given], [])
    assert elsewhere(volume, given) == where


def test_a_volume_without_data() -> None:
    free = Volume("a", phase="Available", node_directory="/var/lp/a")
    assert may_be_unused(free) and may_be_unused(replace(free, claim="ns/a"))
    others = (
        replace(free, claim="ns/a", claim_phase="Pending"),
        replace(free, phase="Released"),
        replace(free, node_directory=""),
    )
    assert not any(map(may_be_unused, others))


ON_HOST, INSIDE = Place("", "/var/lp/a", "/srv/lab/a"), Place("k-worker", "/var/lp/a", "")


@pytest.mark.parametrize(
    "place, look, why",
    [
        (ON_HOST, Look("missing"), "its directory /srv/lab/a is missing"),
        (INSIDE, Look("missing"), "its directory /var/lp/a in k-worker is missing"),
        (INSIDE, Look("other"), "its directory /var/lp/a in k-worker is not a directory"),
        (INSIDE, Look("there", lacking=("tar", "find")), "the node k-worker has no tar and no find"),
        (ON_HOST, Look("there", ("/srv/lab/a/x", "/srv/lab/a/y\n")), 'cannot read /srv/lab/a/x, "/srv/lab/a/y\\n"'),
        (ON_HOST, Look("there", devices=True), "it contains device nodes"),
    ],
)
def test_what_cannot_be_saved(place: Place, look: Look, why: str) -> None:
    found = unreadable(A, place, look, archives=True)
    assert found is not None and why in found.why
    assert found.next_step and found.details == {"claim": "ns/a"}


def test_what_can_be_saved() -> None:
    assert unreadable(A, ON_HOST, Look("empty"), archives=True) is None
    assert unreadable(A, ON_HOST, Look("there", devices=True), archives=False) is None


SWAPPED = replace(
    WORKER, mounts=(*OWN, Mount("/var/lp", "/srv/lab", mismatch="/srv/lab is another directory", remedy="Restart it."))
)


def test_a_host_directory_that_is_not_the_nodes_is_read_in_the_node_or_not_at_all() -> None:
    with pytest.raises(Declined, match=r"ns/a \(a\): /srv/lab is another directory") as caught:
        data_places([A], (CONTROL, SWAPPED), archives=False)
    assert caught.value.details[0]["next_step"] == "Restart it."
    place = data_places([A], (CONTROL, SWAPPED), archives=True)["a"]
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


def test_what_does_not_answer_on_the_host_is_not_read_in_the_node_either() -> None:
    silent = Submount("/var/lp/a/nfs", "its file system does not answer", "Unmount it.", answers=False)
    covered = Mount("/var/lp", "/srv/lab", submounts=(silent,))
    node = replace(WORKER, mounts=(*OWN, covered))
    for archives in (True, False):
        with pytest.raises(Declined, match="its file system does not answer") as caught:
            data_places([A], (CONTROL, node), archives=archives)
        assert caught.value.details[0]["next_step"] == "Unmount it."
    assert data_places([replace(A, node_directory="/var/lp/b")], (CONTROL, node), archives=True)


def test_workloads_that_a_restore_stopped() -> None:
    """Records of workloads that use other volumes are not read: they may be invalid."""
    volume = Volume("a", claim="ns/a", claim_phase="Bound")

    def stopped(name: str, record: str, replicas: int = 0) -> dict[str, object]:
        item = workload("Deployment", name, name.partition("-")[0], replicas=replicas)
        item["metadata"]["labels"] = {"kindlab.volumes/detached": record}
        return item

    restoring = stopped("a", "replicas.1.purpose.restore-1a2b")
    others = [stopped("a-hand", "replicas.1"), stopped("a-up", "replicas.1.purpose.restore-1a2b", 1), stopped("b", "?")]
    assert restored_for([volume], [restoring, *others]) == {"a": "Deployment ns/a"}
    assert restored_for([volume], others) == {}
