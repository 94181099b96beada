"""Which clusters have a directory."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.look import Look, Mounted
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.clusters import (
    aliases,
    mounted_under_other_names,
    mounting,
)


def node(name: str, path: str, state: str = "running", **mount: bool) -> Node:
    return Node(f"{name}-worker", name, "worker", state, mounts=(Mount("/data", path, **mount),))


def test_all_nodes_of_clusters_with_the_directory_in_any_state() -> None:
    beside = Node("a-control-plane", "a", "control-plane")
    nodes = [
        beside,
        node("a", "/srv/lab"),
        node("b", "/srv", "exited"),
        node("c", "/srv/lab/deep", read_only=True),
        node("d", "/srv/labs"),
        Node("e-worker", "e", "worker", mounts=(Mount("/lib/modules", "/", read_only=True),)),
    ]
    assert mounting(nodes, ["/srv/lab"]) == tuple(nodes[:4])
    assert mounting(nodes, []) == ()


def test_a_directory_that_was_moved_is_found_by_device_and_inode() -> None:
    looks = {"a-worker": Look("boot", stats={"/data": (8, 1)}), "b-worker": Look("boot", stats={"/data": (8, 2)})}
    nodes = [node("a", "/srv/before"), node("b", "/srv/lab"), node("c", "/srv/before")]
    ids = {(8, 1): ["/srv/moved", "/srv/before"], (8, 2): ["/srv/lab"]}
    found = [*mounted_under_other_names(nodes, looks, Look("boot"), ids)]
    assert found == [("/srv/moved", "", "node a-worker of cluster a, which has it mounted as /srv/before")]
    # The inodes of another kernel say nothing.
    assert [*mounted_under_other_names(nodes, looks, Look("other"), ids)] == []


def test_bind_mounts_are_further_paths_of_a_directory() -> None:
    mounts = {
        "/": Mounted("8:1", "/", "ext4"),
        "/mnt/alias": Mounted("8:1", "/srv", "ext4"),
        "/mnt/deep": Mounted("8:1", "/srv/lab/deep", "ext4"),
        "/srv/lab/self": Mounted("8:1", "/srv/lab/self", "ext4"),
        "/mnt/labs": Mounted("8:1", "/srv/labs", "ext4"),
        "/mnt/other": Mounted("8:2", "/srv/lab", "ext4"),
    }
    assert [*aliases("/srv/lab", mounts)] == ["/mnt/alias/lab", "/mnt/deep"]
    assert [*aliases("/mnt/alias/lab", mounts)] == ["/srv/lab", "/mnt/deep", "/srv/lab/self"]
    assert [*aliases("/srv/lab", {})] == []
    (found,) = mounted_under_other_names(
        [node("a", "/srv/lab", "exited")], {}, Look("boot", mounts={**mounts, "/mnt/deep": mounts["/mnt/other"]}), {}
    )
    assert found[0] == "/mnt/alias/lab"
