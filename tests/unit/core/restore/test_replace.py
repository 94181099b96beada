"""What is in the way of a volume, and is replaced: data that has an archive, and a claim with another volume."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import SavedArchive
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.data import DataState
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.model import Request, Step
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.plan import plan
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.replace import (
    check_stoppable,
    decide_replacing,
    nested_refusals,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.selection import Selection
from ansible_collections.kindlab.volumes.tests.unit.support.backups import claim, saved_volume, volume
from ansible_collections.kindlab.volumes.tests.unit.support.restores import generation, observed, step

OTHER = "1 changed: a (size)"
ARCHIVE = SavedArchive("archives/v0.tar.gz", "0" * 64, 7, "gzip")
SAVED = {"files": 2, "checksum_list": "checksums/v0.jsonl", "archive": ARCHIVE}
AT = "20260102T030405Z"
NODE = Node("k-worker", "k", "worker", mounts=(Mount("/data", "/srv"),))
REQUEST = Request("k", existing="replace", at=AT)


def decided(state: DataState, verify: str = "full", mounted: str = "", **saved: Any) -> Step | Refusal:
    where = replace(observed(nodes=(NODE,)), mounted=frozenset({"/srv", mounted} - {""}))
    one = step(0, "unchanged", "is bound", saved={**SAVED, **saved}, host_directory="/srv/v0")
    return decide_replacing(one, state, replace(REQUEST, verify=verify), where)


@pytest.mark.parametrize(
    ("state", "verify", "saved", "reason", "checksum"),
    [
        (DataState("there", OTHER), "full", {}, f"it differs from the backup: {OTHER}", "equal"),
        (DataState("there", OTHER), "fast", {}, f"it differs from the backup: {OTHER}", "sizes and times equal"),
        (DataState("there"), "none", {}, "it is not compared", "not compared"),
        (DataState("there"), "full", {"checksum_list": ""}, "it is not compared", "not compared"),
        (DataState("there", unread="It was written to."), "full", {}, "It was written to", "equal"),
    ],
)
def test_data_that_differs_or_may_differ_is_set_aside(
    state: DataState, verify: str, saved: dict[str, Any], reason: str, checksum: str
) -> None:
    found = decided(state, verify, **saved)
    assert isinstance(found, Step)
    assert (found.extract, found.aside, found.in_place) == (True, f"/srv/v0.set-aside-{AT}", False)
    assert found.checksum == checksum
    assert found.why == (
        f"is bound; its data in /srv/v0 is set aside as v0.set-aside-{AT} ({reason}); its archive (2 files) is "
        "extracted in its place"
    )


@pytest.mark.parametrize(
    ("state", "extract"),
    [
        (DataState("there"), False),
        (DataState("missing"), True),
        (DataState("empty", OTHER), True),
    ],
)
def test_equal_data_stays_and_what_is_missing_is_extracted(state: DataState, extract: bool) -> None:
    found = decided(state)
    assert isinstance(found, Step)
    assert (found.extract, found.aside) == (extract, "")


@pytest.mark.parametrize(
    ("state", "options", "why"),
    [
        (DataState("there", OTHER), {"archive": None}, f"which has no archive of it: {OTHER}"),
        (DataState("there", unread="This user cannot read it.", remedy="r"), {"archive": None}, "cannot be compared"),
        (DataState("other"), {}, "/srv/v0 is not a directory"),
        (DataState("there", OTHER, elsewhere="o has it"), {}, "another cluster uses /srv/v0: o has it"),
        (DataState("there", OTHER), {"mounted": "/srv/v0/a"}, "a node has /srv/v0/a in it mounted"),
    ],
)
def test_what_cannot_be_replaced(state: DataState, options: dict[str, Any], why: str) -> None:
    found = decided(state, **options)
    assert isinstance(found, Refusal)
    assert why in found.why and found.next_step


def test_without_an_archive_data_may_be_accepted_as_it_is() -> None:
    found = decided(DataState("there"), "none", archive=None)
    assert isinstance(found, Step) and not found.extract


def test_a_directory_that_a_node_has_mounted_stays() -> None:
    found = decided(DataState("there", OTHER), mounted="/srv/v0")
    assert isinstance(found, Step) and found.in_place


def test_inside_a_node() -> None:
    one = step(0, "unchanged", "is bound", saved=SAVED, node="k-worker")
    inside = replace(NODE, mounts=())
    found = decide_replacing(one, DataState("there", OTHER), REQUEST, observed(nodes=(inside,)))
    assert isinstance(found, Step)
    assert (found.aside, found.in_place) == (f"/data/v0.set-aside-{AT}", False)
    tmpfs = replace(NODE, mounts=(Mount("/data/v0/", "", "tmpfs"),))
    refusal = decide_replacing(one, DataState("there", OTHER), REQUEST, observed(nodes=(tmpfs,)))
    assert isinstance(refusal, Refusal)
    assert refusal.why == "its data in /data/v0 in k-worker cannot be set aside: that is a mount point"


@pytest.mark.parametrize("kind", ["bind", "tmpfs"])
@pytest.mark.parametrize(
    ("base", "point", "why"),
    [
        ("/srv", "/data/v0/sub", "/data/v0/sub in it is a mount point of k-worker"),
        ("", "/data/v0/sub/", "/data/v0/sub in it is a mount point of k-worker"),
        ("/srv", "/data/v00", ""),
        ("/elsewhere", "/data/v0/sub", ""),
        ("", "/data", ""),
    ],
)
def test_mounts_of_a_node_in_the_directory(base: str, point: str, why: str, kind: str) -> None:
    mounts = (Mount("/data", base),) if base else ()
    node = replace(NODE, mounts=(*mounts, Mount(point, "/other" if kind == "bind" else "", kind)))
    where = {"host_directory": "/srv/v0"} if base else {"node": "k-worker"}
    one = step(0, "unchanged", "is bound", saved=SAVED, **where)
    found = decide_replacing(one, DataState("there", OTHER), REQUEST, observed(nodes=(node,)))
    assert isinstance(found, Refusal if why else Step)
    assert found.why.endswith(why) and ("cannot be set aside" in found.why) == bool(why)


@pytest.mark.parametrize(("path", "refused"), [("/data/v0", 1), ("/data/v0/sub", 1), ("/data", 1), ("/data/v00", 0)])
def test_data_that_other_volumes_have_too(path: str, refused: int) -> None:
    other = volume(7)
    other["spec"]["hostPath"]["path"] = path
    moved = step(0, saved=SAVED, host_directory="/srv/v0", aside="/srv/x", extract=True)
    steps = [moved, step(1, host_directory="/srv/v1")]
    found = nested_refusals(steps, observed(volume(0), volume(1), other, nodes=(NODE,)))
    assert len(found) == refused
    assert all("v7 has that directory, too, or one above or below it" in refusal.why for refusal in found)
    assert nested_refusals([replace(moved, aside="")], observed(other, nodes=(NODE,))) == []


def on(node: str, number: int, path: str = "/mnt/disk1") -> dict[str, Any]:
    """The local volume v<number> on a disk of its node."""
    pv = volume(number, node)
    pv["spec"]["hostPath"]["path"] = path
    return pv


def moved_volumes(
    node_map: dict[str, str], *existing: Any, names: tuple[str, ...] = (), host: str = ""
) -> dict[str, str]:
    """Why v0 and v1, each on the disk of its node, are not restored on the nodes that they are mapped to."""
    data = {"node_directory": "/mnt/disk1", "host_directory": host, "archive": ARCHIVE}
    saved = [replace(saved_volume(n, **data), nodes=(f"a{n}",)) for n in (0, 1)]
    manifests = [item for n in (0, 1) for item in (on(f"a{n}", n), claim(n))]
    made = generation(*saved, manifests=tuple(manifests))
    nodes = tuple(Node(name, "k", "worker", state="running") for name in ("b0", "b1"))
    request = Request("k", Selection(frozenset(names)), node_map=node_map)
    try:
        planned = plan(request, observed(*existing, saved=made, nodes=nodes))
        planned.with_data({step.name: DataState("missing") for step in planned.to_compare})
    except Declined as error:
        return {row["name"]: row["why"] for row in error.details}
    return {}


def test_volumes_of_two_nodes_do_not_meet_in_one_directory() -> None:
    found = moved_volumes({"a0": "b0", "a1": "b0"})
    assert found == {
        "v0": "on its new node its directory is /mnt/disk1 in b0, which v1 has, too",
        "v1": "on its new node its directory is /mnt/disk1 in b0, which v0 has, too",
    }
    assert moved_volumes({"a0": "b0", "a1": "b1"}) == {}
    assert moved_volumes({"a0": "b0", "a1": "b0"}, names=("v0",)) == {}


def test_a_volume_that_moves_does_not_meet_one_that_exists() -> None:
    assert moved_volumes({"a*": "b*"}, on("b0", 7)).keys() == {"v0"}
    assert moved_volumes({"a*": "b*"}, on("b0", 7, "/mnt/disk2")) == {}


def test_volumes_that_shared_a_directory_share_it_again() -> None:
    assert moved_volumes({"a0": "b0", "a1": "b0"}, host="/srv/shared") == {}


@pytest.mark.parametrize(("path", "refused"), [("/data/v0", True), ("/data/v0/sub", True), ("/data/other", False)])
def test_the_volume_of_a_replaced_claim_keeps_its_own_directory(path: str, refused: bool) -> None:
    other = {**volume(9), "metadata": {"name": "pvc-new"}}
    other["spec"]["hostPath"]["path"] = path
    one = planned_claim(living(volumeName="pvc-new"), other)
    found = nested_refusals([one], observed(other, living(volumeName="pvc-new"), nodes=(NODE,)))
    assert [refusal.why for refusal in found] == (
        [
            "its directory is /srv/v0, and the existing claim ns/c0 keeps its volume: pvc-new has that directory, too, "
            "or one above or below it"
        ]
        if refused
        else []
    )


def living(**spec: Any) -> dict[str, Any]:
    """The claim ns/c0, which exists in the cluster."""
    item = claim(0)
    item["metadata"]["uid"] = "u"
    item["spec"] |= spec
    return {**item, "status": {"phase": "Bound"}}


def planned_claim(live: dict[str, Any], *others: dict[str, Any], **options: Any) -> Any:
    saved = generation(saved_volume(0, archive=ARCHIVE), manifests=(volume(0), claim(0)))
    cluster = observed(live, *others, saved=saved, nodes=(NODE,))
    made = plan(replace(REQUEST, **options), cluster)
    return made.steps[0] if made.steps else made.refusals[0]


def test_a_claim_that_has_another_volume_is_replaced() -> None:
    found = planned_claim(living(volumeName="other"), {**volume(9), "metadata": {"name": "other"}})
    assert (found.action, found.claim, found.replaced["metadata"]["uid"]) == ("create", None, "u")
    assert found.freed["metadata"]["name"] == "other"
    assert found.why == "binds to ns/c0; the existing claim ns/c0 is deleted first, and its volume other kept"


def test_a_claim_for_which_a_volume_is_being_made_is_replaced() -> None:
    waiting = living(volumeName="")
    waiting["metadata"]["annotations"] = {"volume.kubernetes.io/selected-node": "k-worker"}
    found = planned_claim(waiting)
    assert (found.freed, found.why) == (None, "binds to ns/c0; the existing claim ns/c0 is deleted first")
    assert planned_claim(living(volumeName="", storageClassName="fast")).replaced
    assert planned_claim(living(volumeName="")).replaced is None


@pytest.mark.parametrize(
    ("metadata", "options"),
    [
        ({"deletionTimestamp": "now"}, {}),
        ({"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "p", "controller": True}]}, {}),
        ({}, {"claims": False}),
        ({}, {"existing": "refuse"}),
    ],
)
def test_other_claims_are_not_replaced(metadata: dict[str, Any], options: dict[str, Any]) -> None:
    existing = living(volumeName="other")
    existing["metadata"] |= metadata
    found = planned_claim(existing, **options)
    assert isinstance(found, Refusal)


def test_a_claim_whose_deletion_would_not_end_is_refused() -> None:
    existing = living(volumeName="other")
    existing["metadata"]["finalizers"] = ["kubernetes.io/pvc-protection"]
    assert isinstance(planned_claim(existing), Step)
    existing["metadata"]["finalizers"].append("example.com/snapshot")
    found = planned_claim(existing)
    assert isinstance(found, Refusal)
    assert found.why.endswith("ns/c0 cannot be replaced while it has finalizers of others: example.com/snapshot")
    assert found.next_step.endswith("kubectl edit pvc -n ns c0")


def test_a_claim_that_has_the_new_name_already_is_not_replaced() -> None:
    existing = living(volumeName="other")
    existing["metadata"]["namespace"] = "test"
    found = planned_claim(existing, name_maps={"namespace_map": {"ns": "test"}})
    assert isinstance(found, Refusal)
    assert found.why == "the existing claim test/c0 has another volume, other"
    assert "claim_map" in found.next_step and "existing=replace" not in found.next_step


def test_what_uses_volumes_besides_workloads_is_refused() -> None:
    rows = [
        {"name": "v0", "claim": "ns/c0", "in_use_by": [{"text": "vi (pid 7) on k-worker has opened /data/v0/a"}]},
        {"name": "v1", "claim": "ns/c1", "in_use_by": []},
    ]
    with pytest.raises(Declined, match="The data of 1 volume cannot be replaced") as caught:
        check_stoppable(rows)
    assert [row["name"] for row in caught.value.details] == ["v0"]
    check_stoppable(rows[1:])
