"""Where data is: in one directory, or refused."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.transfer.ends import (
    Refused,
    data_of,
    key_of,
    owners,
    place_of,
)


def node(name: str, host: str = "", **mount: object) -> Node:
    mounts = (Mount("/data", host, **mount),) if host else ()  # type: ignore[arg-type]
    return Node(name, "k", "worker", mounts=mounts)


def test_one_directory_of_the_host_or_of_one_node() -> None:
    nodes = [node("a", "/srv"), node("b", "/srv"), node("c")]
    assert data_of(Volume("v", nodes=("a", "b"), node_directory="/data/v"), nodes).host_directory == "/srv/v"
    inside = data_of(Volume("v", nodes=("c",), node_directory="/data/v"), nodes)
    assert (inside.node, inside.host_directory) == ("c", "")
    with pytest.raises(Refused, match="its nodes have different directories: /srv/v, /srv/v, /data/v in c"):
        data_of(Volume("v", node_directory="/data/v"), nodes)
    with pytest.raises(Refused, match="it is a block device"):
        data_of(Volume("v", is_block=True, node_directory="/data/v"), nodes)
    with pytest.raises(Refused, match="no node of the cluster fits"):
        data_of(Volume("v", nodes=("x",), node_directory="/data/v"), nodes)


def test_a_stopped_node_and_a_mount_that_cannot_be_written_to() -> None:
    with pytest.raises(Refused, match="c is exited"):
        place_of(Volume("v", nodes=("c",), node_directory="/data/v"), [Node("c", "k", "worker", state="exited")])
    with pytest.raises(Refused, match="a has /data mounted read-only"):
        place_of(Volume("v", nodes=("a",), node_directory="/data/v"), [node("a", "/srv", read_only=True)])
    with pytest.raises(Refused, match="it is another one"):
        place_of(Volume("v", nodes=("a",), node_directory="/data/v"), [node("a", "/srv", mismatch="it is another one")])


def test_who_has_a_directory() -> None:
    nodes = [node("a", "/srv"), node("c")]
    volumes = [
        Volume("v", nodes=("a",), node_directory="/data/v"),
        Volume("w", nodes=("c",), node_directory="/data/v"),
    ]
    known = owners(volumes, nodes)
    place = data_of(volumes[0], nodes)
    assert known.why(key_of(place), "v") == ""
    assert "is the directory of volume v" in known.why(key_of(place), "w")
    assert "in it, is the directory of volume v" in known.why("/srv", "w")
