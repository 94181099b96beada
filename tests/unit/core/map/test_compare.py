"""What differs between two maps."""

from __future__ import annotations

import copy
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.map.compare import changes, sums
from ansible_collections.kindlab.volumes.tests.unit.support.maps import cluster, inside, lab, node, shop, volume


def test_the_same_map_differs_in_nothing() -> None:
    assert changes(shop(), {**shop(), "created": "later"}) == []
    assert sums([]) == "nothing differs"


def test_what_came_went_moved_and_changed() -> None:
    old = lab(cluster(inside(1, "a/moved"), volume(2, "a/gone"), volume(3, "a/grown"), volume(4, "a/same")))
    grown = volume(3, "a/grown", seen={"bytes": 1, "files": 1, "changed": "", "complete": True})
    new = lab(cluster(volume(1, "a/moved"), grown, volume(4, "a/same"), volume(5, "a/new")))
    found = {row["what"]: row for row in changes(old, new)}
    assert {what: row["change"] for what, row in found.items()} == {
        "volume a/moved": "moved",
        "volume a/gone": "went",
        "volume a/grown": "changed",
        "volume a/new": "came",
    }
    assert found["volume a/moved"]["before"][0] == "/inside/v1 in lab-worker2"
    assert found["volume a/grown"]["before"] == ["12 MB in 340 files"]
    assert found["volume a/grown"]["after"] == ["1 bytes in 1 file"]
    assert sums([*found.values()]) == "1 came, 1 went, 1 moved, 1 changed"


def test_a_recreated_volume_is_known_by_its_claim() -> None:
    (row,) = changes(lab(cluster(volume(1, "a/b"))), lab(cluster(volume(2, "a/b", host_directory="/srv/other"))))
    assert (row["what"], row["change"]) == ("volume a/b", "moved")


def test_nodes_and_clusters() -> None:
    changed: Any = copy.deepcopy(lab(cluster()))
    nodes = changed["hosts"][0]["clusters"][0]["nodes"]
    nodes[1]["image"] = "kindest/node:v1.35.4"
    nodes[2] = node("lab-worker3")
    found = {row["what"]: row["change"] for row in changes(lab(cluster()), changed)}
    assert found == {"node lab-worker": "changed", "node lab-worker2": "went", "node lab-worker3": "came"}
    assert {row["change"] for row in changes(lab(), lab(cluster()))} == {"came"}
