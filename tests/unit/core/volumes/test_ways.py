"""Which node a directory of the host is reached through."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node, Submount
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import Place
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.ways import through, through_text

MOUNT = Mount("/data", "/srv/lab")
WORKER = Node("k-worker", "k", "worker", mounts=(MOUNT,))
PLACE = Place("k-worker", "/data/v0", "/srv/lab/v0")


def mounting(*mounts: Mount) -> Node:
    return replace(WORKER, mounts=mounts)


@pytest.mark.parametrize(
    "nodes",
    [
        [WORKER],
        [replace(WORKER, name="k-worker2", state="exited"), WORKER],
        [replace(WORKER, name="k-worker2", role="external-load-balancer"), WORKER],
        [replace(WORKER, name="k-worker2", mounts=()), WORKER],
        # Another file system, or another directory than the host has by now.
        [replace(WORKER, name="k-worker2", mounts=(replace(MOUNT, mismatch="moved"),)), WORKER],
        [
            replace(WORKER, name="k-worker2", mounts=(replace(MOUNT, submounts=(Submount("/data/v0", "mounted"),)),)),
            WORKER,
        ],
        [mounting(MOUNT, Mount("/other", "/srv/lab/v0/below"))],
    ],
)
def test_the_first_node_that_has_it(nodes: list[Node]) -> None:
    assert through("/srv/lab/v0", nodes, changing=True, beside=True) == PLACE


@pytest.mark.parametrize(
    "node",
    [
        mounting(),
        mounting(Mount("/data", "/srv/other")),
        # What lies below is not all of it.
        mounting(Mount("/data/v0/below", "/srv/lab/v0/below")),
        mounting(MOUNT, Mount("/data/v0", "volume", kind="volume")),
        replace(WORKER, state="paused"),
    ],
)
def test_no_node(node: Node) -> None:
    assert through("/srv/lab/v0", [node]) is None


def test_what_can_only_be_read() -> None:
    node = mounting(replace(MOUNT, read_only=True))
    assert through("/srv/lab/v0", [node]) == PLACE
    assert through("/srv/lab/v0", [node], changing=True) is None


def test_a_mount_point_cannot_be_renamed() -> None:
    """Nor can it where the directory above is mounted, too: each mount is a file system of its own for a rename."""
    alone = Mount("/data/v0", "/srv/lab/v0")
    for node in (mounting(alone), mounting(MOUNT, alone)):
        assert through("/srv/lab/v0", [node]) == PLACE
        assert through("/srv/lab/v0", [node], beside=True) is None
    node = mounting(alone, Mount("/elsewhere", "/srv/lab"))
    assert through("/srv/lab/v0", [node], beside=True) == replace(PLACE, node_directory="/elsewhere/v0")


def test_a_line_for_people() -> None:
    assert through_text({}) == ""
    assert through_text({"v0": PLACE}) == (
        "The data of 1 volume is read and written through nodes, because this user may not do so on this host: "
        "v0 (/data/v0 in k-worker)"
    )
