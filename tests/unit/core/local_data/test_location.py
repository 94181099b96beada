"""Where nodes have the host's directory, and which differences between what they see and the host matter."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Conflict, Unreachable
from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.cluster import untainted_nodes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node, Submount
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.location import (
    DirectoryLocation,
    DirectoryState,
    check_same_directory,
    find_location,
    mounted_at,
)

CONTROL = "k-control-plane"


def node(name, *mounts, role="worker", state="running"):
    return Node(name, "k", role, state, mounts=mounts)


@pytest.mark.parametrize(
    ("mounts", "seen"),
    [
        ([Mount("/mnt/data", "/srv/data")], {"/mnt/data": False}),
        ([Mount("/mnt", "/srv")], {"/mnt/data": False}),
        ([Mount("/mnt/", "/srv/")], {"/mnt/data": False}),
        ([Mount("/mnt", "/")], {"/mnt/srv/data": False}),
        ([Mount("/mnt", "/srv", read_only=True), Mount("/x", "/srv/data")], {"/mnt/data": True, "/x": False}),
        ([Mount("/mnt", "/srv/database")], {}),
        ([Mount("/mnt", "/srv/data/below")], {}),
        ([Mount("/mnt", "/srv/data", kind="volume")], {}),
        ([Mount("/mnt", "/srv"), Mount("/mnt/data", "/other")], {}),
        ([Mount("/mnt", "/srv"), Mount("/mnt/data", "", kind="tmpfs")], {}),
        ([], {}),
    ],
)
def test_a_directory_of_the_host_is_found_in_a_node(mounts, seen):
    assert mounted_at("/srv/data", node("k-worker", *mounts)) == seen


HERE = Mount("/mnt/data", "/srv/data")
FROZEN = replace(HERE, read_only=True)


def find(nodes, needed, *, read_only=True, engine="docker"):
    return find_location("/srv/data", nodes, needed, read_only=read_only, engine=engine)


def test_it_is_where_all_nodes_that_run_pods_have_it():
    nodes = [node(CONTROL, role="control-plane"), node("k-worker", HERE, Mount("/x", "/srv")), node("k-worker2", HERE)]
    balancer = node("k-external-load-balancer", role="external-load-balancer", state="exited")
    place = find([*nodes, balancer], ["k-worker", "k-worker2"], read_only=True)
    assert place == DirectoryLocation("/srv/data", "/mnt/data", ("k-worker", "k-worker2"))


def test_nodes_that_run_no_pods_of_everybody_count_where_they_have_it():
    place = find([node(CONTROL, HERE), node("k-worker", HERE)], ["k-worker"], read_only=True)
    assert place.nodes == (CONTROL, "k-worker")


def test_a_place_that_can_be_written_to_is_taken_where_that_is_asked_for():
    both = node("k-worker", Mount("/a", "/srv/data", read_only=True), Mount("/long", "/srv/data"))
    assert find([both], ["k-worker"], read_only=False).node_directory == "/long"
    assert find([both], ["k-worker"], read_only=True).node_directory == "/a"


@pytest.mark.parametrize(
    ("mounts", "read_only", "said"),
    [
        ([(), ()], True, ["not mounted in any node that runs pods (k-worker, k-worker2)", "host_path: /srv/data"]),
        ([(HERE,), ()], True, ["not in k-worker2", "k-worker has it at /mnt/data", "host_path: /srv/data"]),
        (
            [(HERE,), (Mount("/x", "/srv"),)],
            True,
            ["not mounted at the same path in all nodes", "k-worker2 has it at /x/data"],
        ),
        ([(HERE,), (FROZEN,)], False, ["read-only in k-worker2, and read_only is false", "without read_only"]),
    ],
)
def test_refused_with_the_nodes_that_lack_it(mounts, read_only, said):
    nodes = [node(name, *found) for name, found in zip(("k-worker", "k-worker2"), mounts, strict=True)]
    with pytest.raises(BadInput) as caught:
        find(nodes, ["k-worker", "k-worker2"], read_only=read_only)
    assert [words for words in said if words not in caught.value.text()] == []
    assert [line["node"] for line in caught.value.details] == ["k-worker", "k-worker2"]


def test_no_node_that_runs_pods_is_refused_with_those_that_have_it_all_the_same():
    with pytest.raises(BadInput, match=f"there is none.*; {CONTROL} has it at /mnt/data"):
        find([node(CONTROL, HERE)], [], read_only=True)


def test_a_node_that_is_stopped_is_named():
    with pytest.raises(Unreachable, match="k-worker2 is exited"):
        find([node("k-worker", HERE), node("k-worker2", state="exited")], ["k-worker"], read_only=True)


@pytest.mark.parametrize(
    ("taint", "serves"),
    [
        ({"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}, False),
        ({"key": "gpu", "effect": "NoExecute"}, False),
        ({"key": "gpu", "effect": "PreferNoSchedule"}, True),
        ({"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}, True),
        ({"key": "node.kubernetes.io/not-ready", "effect": "NoExecute"}, True),
    ],
)
def test_nodes_that_keep_pods_out(taint, serves):
    nodes = [{"metadata": {"name": "n"}, "spec": {"taints": [taint]}}, {"metadata": {"name": "m"}, "spec": {}}]
    assert untainted_nodes(nodes) == (("m", "n") if serves else ("m",))


LOCATION = DirectoryLocation("/srv/data", "/mnt/data", ("k-worker", "k-worker2"))
STATE = DirectoryState()


def same(inside, read_only=True, **mount):
    shown = [Node(name, "k", "worker", mounts=(Mount("/mnt", "/srv", **mount),)) for name in LOCATION.nodes]
    return check_same_directory(LOCATION, shown, {"k-worker": STATE, "k-worker2": inside}, read_only=read_only)


def test_the_same_directory_is_no_news():
    assert same(replace(STATE, mounts=("/", "/mnt", "/mnt/data", "/mnt/database"))) == ()


def test_a_directory_that_was_replaced_is_named_with_its_nodes():
    with pytest.raises(Conflict, match="directory as /mnt/data in k-worker, k-worker2: it was moved") as caught:
        same(STATE, mismatch="it was moved", remedy="docker restart k-worker")
    assert caught.value.next_step == "docker restart k-worker."


def test_a_file_system_mounted_beside_the_data_is_no_news():
    assert same(STATE, submounts=(Submount("/mnt/database", "the host has a disk there"),)) == ()
    with pytest.raises(Conflict, match="the host has a disk there") as caught:
        same(STATE, submounts=(Submount("/mnt/data", "the host has a disk there", "docker restart k-worker"),))
    assert caught.value.next_step == "docker restart k-worker."


def test_a_file_system_that_is_read_only_can_not_be_written_to():
    frozen = replace(STATE, writable=False)
    assert same(frozen) == ()
    with pytest.raises(BadInput, match="/srv/data is not writable in the nodes"):
        same(frozen, read_only=False)


def test_file_systems_below_are_warned_of_where_pods_do_not_see_them():
    inside = replace(STATE, mounts=("/mnt/data/disk", "/mnt/data/disk/two", "/mnt/database"))
    assert same(inside) == (
        "Pods see an empty directory instead of the file systems mounted at /mnt/data/disk, /mnt/data/disk/two.",
    )
    assert same(inside, read_only=False) == ()
