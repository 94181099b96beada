"""Which images are saved, from which node, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.loaded_images.content import parse_look
from ansible_collections.kindlab.volumes.plugins.module_utils._core.loaded_images.plan import Plan, plan
from ansible_collections.kindlab.volumes.tests.unit.support.containerd import Containerd, image

OWN, SHOP, TOOL, PULLED = image(b"own"), image(b"shop", b"base"), image(b"tool"), image(b"pulled")
SIZE = sum(map(len, SHOP[1].values()))


def nodes() -> dict[str, Containerd]:
    made = {"k-control-plane": Containerd(), "k-worker": Containerd()}
    for node in made.values():
        node.load("pause:3", OWN, own=True)
        node.load("shop:1", SHOP)
        node.load("shop:stable", SHOP)
    made["k-worker"].load("tool:1", TOOL)
    made["k-worker"].load("db:1", PULLED)
    made["k-worker"].load(f"db@{PULLED[0]}", PULLED)
    return made


def planned(
    made: dict[str, Containerd], mode: str = "loaded", stored: dict[str, int] | None = None, free: int = 1 << 40
) -> Plan:
    looks = {name: parse_look(node.looked(), name) for name, node in made.items()}
    return plan(looks, mode, stored or {}, free, "/srv/backup", "docker")


def without(node: Containerd, made: tuple[str, dict[str, bytes]], *, but: int = 2) -> None:
    """Only the first blobs are left: the manifest and the configuration."""
    for digest in [*made[1]][but:]:
        del node.blobs[digest]


def test_loaded_images_are_saved_once_with_all_their_names() -> None:
    found = planned(nodes())
    assert [(image.names, image.nodes, image.digest) for image in found.images] == sorted(
        [
            (("shop:1", "shop:stable"), ("k-control-plane", "k-worker"), SHOP[0]),
            (("tool:1",), ("k-worker",), TOOL[0]),
        ],
        key=lambda row: row[2],
    )
    assert found.sources.keys() == {SHOP[0], TOOL[0]} and found.sources[TOOL[0]].node == "k-worker"
    assert {row["archive"] for row in found.index} == {f"images/{d[0][7:]}.tar" for d in (SHOP, TOOL)}
    assert next(row["bytes"] for row in found.index if row["digest"] == SHOP[0]) == SIZE
    assert found.bytes == SIZE + sum(map(len, TOOL[1].values()))


@pytest.mark.parametrize(("mode", "saved"), [("none", 0), ("loaded", 2), ("all", 3)])
def test_modes(mode: str, saved: int) -> None:
    assert len(planned(nodes(), mode).sources) == saved


def test_names_that_other_nodes_have_are_kept_apart() -> None:
    made = nodes()
    made["k-worker"].load("shop:worker", SHOP)
    rows = [(image.names, image.nodes) for image in planned(made).images if image.digest == SHOP[0]]
    assert rows == [
        (("shop:1", "shop:stable"), ("k-control-plane", "k-worker")),
        (("shop:worker",), ("k-worker",)),
    ]


def test_a_name_with_different_content_in_two_nodes() -> None:
    made = nodes()
    made["k-worker"].load("shop:1", TOOL)
    rows = {(name, image.digest): image.nodes for image in planned(made).images for name in image.names}
    assert rows[("shop:1", TOOL[0])] == ("k-worker",) and rows[("shop:1", SHOP[0])] == ("k-control-plane",)


def test_what_is_stored_is_not_read_again_even_if_no_node_has_it_whole() -> None:
    made = nodes()
    assert planned(made, stored={SHOP[0]: 7}).sources.keys() == {TOOL[0]}
    for node in made.values():
        without(node, SHOP)
    found = planned(made, stored={SHOP[0]: 7})
    assert [image.bytes for image in found.images if image.digest == SHOP[0]] == [7]


def test_the_node_that_has_all_of_it_is_read() -> None:
    made = nodes()
    without(made["k-control-plane"], SHOP)
    assert planned(made).sources[SHOP[0]].node == "k-worker"


def test_the_work_is_shared_among_the_nodes() -> None:
    made = nodes()
    for node in made.values():
        node.load("more:1", image(b"more"))
        node.load("most:1", image(b"most"))
    assert {source.node for source in planned(made).sources.values()} == set(made)


def refused(made: dict[str, Containerd], **options: Any) -> Declined:
    with pytest.raises(Declined) as raised:
        planned(made, **options)
    return raised.value


def test_an_image_that_no_node_has_completely_is_refused() -> None:
    made = nodes()
    for node in made.values():
        without(node, SHOP)
    error = refused(made)
    lost = list(SHOP[1])[2]
    assert f"shop:1: no node has all of its content: k-control-plane lacks {lost} and 1 more" in error.message
    again = "docker save shop:1 | docker exec -i k-control-plane ctr --namespace=k8s.io images import -"
    assert again in error.next_step and "images=none" in error.next_step
    assert error.details[0]["digest"] == SHOP[0] and error.details[0]["nodes"] == ["k-control-plane", "k-worker"]


def test_a_pulled_image_without_its_layers_is_refused_only_with_all() -> None:
    made = nodes()
    without(made["k-worker"], PULLED)
    assert len(planned(made).images) == 2
    error = refused(made, mode="all")
    assert "docker exec k-worker ctr --namespace=k8s.io content fetch db:1" in error.next_step
    assert "images=loaded" in error.next_step


def test_more_names_for_what_the_node_image_brought() -> None:
    """Its layers may be nowhere but unpacked in the node image, which the new nodes have too."""
    made = nodes()
    made["k-worker"].load("mirror.example/pause:3", OWN)
    whole = next(image for image in planned(made).images if image.digest == OWN[0])
    assert whole.archive and whole.names == ("mirror.example/pause:3",)
    for node in made.values():
        without(node, OWN)
    alias = next(image for image in planned(made).images if image.digest == OWN[0])
    assert (alias.archive, alias.bytes, alias.nodes) == ("", 0, ("k-worker",))
    assert OWN[0] not in planned(made).sources


def test_no_room_on_the_disk() -> None:
    needed = planned(nodes()).bytes
    assert planned(nodes(), free=needed).bytes == needed
    error = refused(nodes(), free=needed - 1)
    assert (
        f"/srv/backup: its disk has {needed - 1:,} bytes free, and {needed:,} are needed for 2 images" in error.message
    )
    assert "df -h /srv/backup" in error.next_step
