"""Which volumes a restore selects from a backup, and which namespaces and storage classes they need."""

from __future__ import annotations

from dataclasses import replace

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
    chosen = selected()
    volumes, warnings = chosen.volumes, chosen.warnings
    assert [(v.volume.name, v.claim, v.saved) for v in volumes] == [("v0", claim(0), TWO[0]), ("v1", claim(1), TWO[1])]
    assert warnings == ()


def test_each_volume_remembers_its_own_reclaim_policy():
    first, second = selected().volumes
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
    assert [v.volume.name for v in selected(selection=selection).volumes] == names


def test_claims_that_are_not_restored_take_no_name():
    """ns/c1 waited for a volume."""
    waiting = claim(1)
    del waiting["spec"]["volumeName"]
    saved = generation(TWO[0], manifests=(volume(0), claim(0), waiting))
    request = Request("k", name_maps={"claim_map": {"ns/c0": "ns/c1"}})
    with pytest.raises(BadInput, match="ns/c0 and ns/c1 become ns/c1"):
        select(request, saved)
    chosen = select(replace(request, claims=False), saved)
    assert ([v.volume.claim for v in chosen.volumes], chosen.claims) == (["ns/c1"], ())


def test_a_selection_that_nothing_matches():
    chosen = selected(selection=Selection(namespaces=frozenset({"other"})))
    assert chosen.volumes == ()
    assert "nothing is restored" in chosen.warnings[0]


def test_without_claims():
    assert [v.claim for v in selected(claims=False).volumes] == [None, None]


def test_nodes_are_mapped():
    assert {v.volume.nodes for v in selected(node_map={"k-worker": "z-worker"}).volumes} == {("z-worker",)}


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


def of_claim(number, other, provisioned=True):
    """v<number> with a claimRef to ns/c<other>."""
    pv = volume(number)
    pv["spec"]["claimRef"]["name"] = f"c{other}"
    if not provisioned:
        del pv["metadata"]["annotations"]
    return pv


def waiting(number, **spec):
    """A claim without a volume."""
    item = claim(number)
    item["spec"] |= {"volumeName": "", **spec}
    return item


def told(manifests, phase="", **options):
    """Volume -> whether it is released; phase: of v1 in the catalog, '' in a backup of format 1."""
    entry = replace(TWO[1], phase=phase)
    chosen = select(Request("k", **options), generation(TWO[0], entry, manifests=manifests))
    return {v.volume.name: (v.released, v.claim and v.claim["metadata"]["name"]) for v in chosen.volumes}


BOUND = (False, "c0")


@pytest.mark.parametrize("phase", ["", "Released", "Available"])
def test_a_volume_whose_claim_has_another_one_is_released(phase):
    manifests = (volume(0), of_claim(1, 0), claim(0))
    assert told(manifests, phase) == {"v0": BOUND, "v1": (True, None)}
    assert told(manifests, phase, selection=Selection(names=frozenset({"v1"}))) == {"v1": (True, None)}


@pytest.mark.parametrize(
    ("provisioned", "phase", "released"),
    [
        (True, "", True),
        (False, "", False),
        (True, "Released", True),
        (False, "Failed", True),
        (False, "Released", True),
        (False, "Available", False),
        (True, "Available", False),
    ],
)
@pytest.mark.parametrize("others", [(), (waiting(1),)], ids=["no claim", "a waiting claim of the name"])
def test_a_volume_whose_claim_is_gone(provisioned, phase, released, others):
    manifests = (volume(0), of_claim(1, 1, provisioned), claim(0), *others)
    assert told(manifests, phase) == {"v0": BOUND, "v1": (released, None)}


def test_without_claims_a_bound_volume_is_not_released():
    assert told(OBJECTS, "Bound", claims=False) == {"v0": (False, None), "v1": (False, None)}


def test_claims_that_waited_for_a_volume():
    manifests = (*OBJECTS, waiting(2), waiting(3, storageClassName="fast"))

    def names(**options):
        return [item["metadata"]["name"] for item in selected(manifests, **options).claims]

    assert names() == ["c2", "c3"]
    assert names(claims=False) == []
    assert names(selection=Selection(names=frozenset({"ns/c2", "v0"}))) == ["c2"]
    assert names(selection=Selection(storage_classes=frozenset({"fast"}))) == ["c3"]
    with pytest.raises(BadInput, match="named ns/c4"):
        names(selection=Selection(names=frozenset({"ns/c4"})))


def test_claims_that_lost_their_volume_are_not_restored():
    chosen = selected((*OBJECTS, claim(7)))
    assert (chosen.claims, len(chosen.volumes)) == ((), 2)
    assert chosen.warnings == ("Claims whose volume is not in the backup are not restored: ns/c7 (v7).",)
    assert selected((*OBJECTS, claim(7)), claims=False).warnings == ()


def test_an_ephemeral_volume_is_made_by_its_pod():
    owned = claim(1)
    owned["metadata"]["ownerReferences"] = [{"kind": "Pod", "name": "p", "controller": True}]
    chosen = selected((volume(0), volume(1), claim(0), owned))
    assert [v.volume.name for v in chosen.volumes] == ["v0"]
    assert chosen.warnings == ("ns/c1 (v1) is not restored: its pod gets a new ephemeral volume.",)


def needed(*cluster, action=CREATE, claims=True, saved=(NAMESPACE, STORAGE_CLASS), alone=(), **options):
    steps = [Step(volume, action, "") for volume in selected(claims=claims).volumes]
    found = observed(*cluster, saved=generation(*TWO, manifests=saved))
    return prerequisites(Request("k", claims=claims, **options), found, steps, alone)


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
        (needed(action=UNCHANGED, alone=[waiting(2)]), [SPACE, CLASS]),
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


def test_all_saved_namespaces_are_created_with_all_volumes():
    """Workloads of the backup may have claims that cannot be restored, or that their pods make."""
    other = {**NAMESPACE, "metadata": {"name": "other"}}
    both = [SPACE, ("Namespace", "other")]

    def names(**options):
        created = needed(saved=(NAMESPACE, other), **options)
        return [(item["kind"], item["metadata"]["name"]) for item in created]

    assert names() == both
    assert names(selection=Selection(namespaces=frozenset({"ns"}))) == both[:1]
    assert names(action=UNCHANGED) == names(claims=False) == names(create_namespaces=False) == []
    assert prerequisites(Request("k"), observed(saved=generation(manifests=(other,))), []) == (other,)
