"""Which volumes a restore selects from a backup, and which namespaces and storage classes they need."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.model import (
    CREATE,
    UNCHANGED,
    Request,
    Step,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.selection import prerequisites, select
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.selection import Selection
from ansible_collections.kindlab.volumes.tests.unit.support.backups import (
    NAMESPACE,
    STORAGE_CLASS,
    claim,
    saved_volume,
    volume,
)
from ansible_collections.kindlab.volumes.tests.unit.support.restores import generation, observed

TWO = (saved_volume(0), saved_volume(1, reclaim_policy="Retain"))
OBJECTS = (volume(0), volume(1), claim(0), claim(1))


def selected(manifests=OBJECTS, **options):
    return select(Request("k", **options), generation(*TWO, manifests=manifests))


def test_each_volume_comes_with_its_claim():
    volumes, warnings = selected()
    assert [(v.volume.name, v.claim, v.saved) for v in volumes] == [("v0", claim(0), TWO[0]), ("v1", claim(1), TWO[1])]
    assert warnings == ()


def test_each_volume_remembers_its_own_reclaim_policy():
    first, second = selected()[0]
    assert first.pv["metadata"]["annotations"]["kindlab.volumes/original-reclaim-policy"] == "Delete"
    assert second.pv == volume(1)


@pytest.mark.parametrize(
    ("selection", "names"),
    [
        (Selection(names=frozenset({"ns/c1"})), ["v1"]),
        (Selection(names=frozenset({"v0"})), ["v0"]),
        (Selection(storage_classes=frozenset({"standard"})), ["v0", "v1"]),
    ],
)
def test_selection(selection, names):
    assert [v.volume.name for v in selected(selection=selection)[0]] == names


def test_a_selection_that_nothing_matches():
    volumes, (warning,) = selected(selection=Selection(namespaces=frozenset({"other"})))
    assert volumes == ()
    assert "nothing is restored" in warning


def test_without_claims():
    assert [v.claim for v in selected(claims=False)[0]] == [None, None]


def test_nodes_are_mapped():
    assert {v.volume.nodes for v in selected(node_map={"k-worker": "z-worker"})[0]} == {("z-worker",)}


def test_names_that_are_not_in_the_backup():
    with pytest.raises(BadInput) as raised:
        selected(selection=Selection(names=frozenset({"v0", "ns/v0", "c1"})))
    assert raised.value.details == ["c1", "ns/v0"]


def test_nodes_that_are_not_in_the_backup():
    with pytest.raises(BadInput, match="not in the backup: worker") as raised:
        selected(node_map={"worker": "z"})
    assert "k-worker" in raised.value.next_step


def test_a_volume_without_a_manifest():
    with pytest.raises(BadInput, match="The backup has no manifest of v1"):
        selected((volume(0), claim(0)))


def released():
    """v1 was Released when it was saved: its claim had been deleted, and recreated for v0."""
    pv = volume(1)
    pv["spec"]["claimRef"]["name"] = "c0"
    return pv


def test_a_volume_whose_claim_has_another_one_is_left_out():
    volumes, (warning,) = selected((volume(0), released(), claim(0)))
    assert [v.volume.name for v in volumes] == ["v0"]
    assert warning.startswith("v1 is not restored: in the backup its claim ns/c0 is bound to v0.")


def test_selected_alone_it_waits_for_that_claim():
    volumes, warnings = selected((volume(0), released(), claim(0)), selection=Selection(names=frozenset({"v1"})))
    assert [(v.volume.name, v.claim) for v in volumes] == [("v1", None)]
    assert warnings == ()


def needed(*cluster, action=CREATE, claims=True, saved=(NAMESPACE, STORAGE_CLASS), **options):
    steps = [Step(volume, action, "") for volume in selected(claims=claims)[0]]
    found = observed(*cluster, saved=generation(*TWO, manifests=saved))
    return prerequisites(Request("k", **options), found, steps)


SPACE, CLASS = ("Namespace", "ns"), ("StorageClass", "standard")


@pytest.mark.parametrize(
    ("created", "expected"),
    [
        (needed(), [SPACE, CLASS]),
        (needed(NAMESPACE), [CLASS]),
        (needed(STORAGE_CLASS), [SPACE]),
        (needed(create_namespaces=False), [CLASS]),
        (needed(create_storage_classes=False), [SPACE]),
        (needed(action=UNCHANGED), []),
        (needed(claims=False), [CLASS]),
        (needed(saved=()), [SPACE]),
    ],
)
def test_only_what_is_needed_and_missing_is_created(created, expected):
    assert [(item["kind"], item["metadata"]["name"]) for item in created] == expected


def test_a_cluster_keeps_its_one_default_class():
    other = {**STORAGE_CLASS, "metadata": {**STORAGE_CLASS["metadata"], "name": "other"}}
    assert needed(NAMESPACE) == (STORAGE_CLASS,)
    (second,) = needed(NAMESPACE, other)
    assert second["metadata"]["annotations"] == {"storageclass.kubernetes.io/is-default-class": "false"}
