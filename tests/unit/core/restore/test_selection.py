"""Which volumes a restore is asked for, and what they need around them."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import Catalog, SavedCluster
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.model import ALREADY, CREATE, Observed, Step
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.selection import (
    Request,
    choose,
    surroundings,
)
from ansible_collections.kindlab.volumes.tests.unit.support.backups import (
    NAMESPACE,
    STORAGE_CLASS,
    claim,
    saved_volume,
    volume,
)


def catalog(*volumes):
    return Catalog("2026-01-02T03:04:05Z", SavedCluster("k", "v1.34.4"), volumes=volumes)


TWO = catalog(saved_volume(0), saved_volume(1, reclaim_policy="Retain"))
PVS = [volume(0), volume(1)]
CLAIMS = [claim(0), claim(1)]


def chosen(request=None, cat=TWO, pvs=None, claims=None):
    pvs, claims = PVS if pvs is None else pvs, CLAIMS if claims is None else claims
    return choose(cat, pvs, claims, request or Request())


def test_each_volume_comes_with_its_claim():
    wanted, warnings = chosen()
    assert [(w.volume.name, w.claim, w.saved) for w in wanted] == [
        ("v0", claim(0), TWO.volumes[0]),
        ("v1", claim(1), TWO.volumes[1]),
    ]
    assert warnings == ()


def test_each_volume_remembers_its_own_reclaim_policy():
    first, second = chosen()[0]
    assert first.pv["metadata"]["annotations"]["kindlab.volumes/original-reclaim-policy"] == "Delete"
    assert second.pv == volume(1)


@pytest.mark.parametrize(
    ("request_", "names"),
    [
        (Request(names=["ns/c1"]), ["v1"]),
        (Request(names=["v0"]), ["v0"]),
        (Request(storage_classes=["standard"]), ["v0", "v1"]),
    ],
)
def test_selection(request_, names):
    assert [w.volume.name for w in chosen(request_)[0]] == names


def test_nothing_asked_for_is_there():
    assert chosen(Request(namespaces=["other"])) == (
        (),
        ("The backup has no volume that is asked for: nothing is restored.",),
    )


def test_without_claims():
    assert [w.claim for w in chosen(Request(claims=False))[0]] == [None, None]


def test_nodes_are_mapped():
    wanted = chosen(Request(node_map={"k-worker": "z-worker"}))[0]
    assert {w.volume.nodes for w in wanted} == {("z-worker",)}


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (Request(names=["v0", "ns/v0", "c1"]), "no volume, and no claim as namespace/name, named c1, ns/v0"),
        (Request(node_map={"worker": "z"}), "node_map names worker, which the backup does not know"),
    ],
)
def test_what_the_backup_does_not_know(request_, message):
    with pytest.raises(BadInput, match=message):
        chosen(request_)


def test_a_volume_without_a_manifest():
    with pytest.raises(BadInput, match="The backup has no manifest of v1"):
        chosen(pvs=[volume(0)])


def released():
    """v1 was Released when it was saved: its claim had been deleted, and made anew on v0."""
    pv = volume(1)
    pv["spec"]["claimRef"]["name"] = "c0"
    return pv


def test_a_volume_whose_claim_has_another_one_is_left_out():
    wanted, warnings = chosen(pvs=[volume(0), released()], claims=[claim(0)])
    assert [w.volume.name for w in wanted] == ["v0"]
    assert warnings == (
        "v1 is not restored: its claim ns/c0 has the volume v0 in this backup. "
        "To restore it instead, name it alone in names.",
    )


def test_named_alone_it_waits_for_that_claim():
    wanted, warnings = chosen(Request(names=["v1"]), pvs=[volume(0), released()], claims=[claim(0)])
    assert [(w.volume.name, w.claim) for w in wanted] == [("v1", None)]
    assert warnings == ()


def observed(namespaces=(), classes=()):
    return Observed(
        volumes={},
        claims={},
        namespaces={item["metadata"]["name"]: item for item in namespaces},
        storage_classes={item["metadata"]["name"]: item for item in classes},
        node_names=frozenset(),
        nodes=(),
    )


def around(seen, action=CREATE, claims=True, saved=(NAMESPACE, STORAGE_CLASS), namespaces=True, classes=True):
    steps = [Step(wanted, action, "") for wanted in chosen(Request(claims=claims))[0]]
    made = surroundings(saved, seen, steps, namespaces=namespaces, storage_classes=classes)
    return [(item["kind"], item["metadata"]["name"]) for item in made]


SPACE, CLASS = ("Namespace", "ns"), ("StorageClass", "standard")


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (around(observed()), [SPACE, CLASS]),
        (around(observed([NAMESPACE])), [CLASS]),
        (around(observed([], [STORAGE_CLASS])), [SPACE]),
        (around(observed(), namespaces=False), [CLASS]),
        (around(observed(), classes=False), [SPACE]),
        (around(observed(), action=ALREADY), []),
        (around(observed(), claims=False), [CLASS]),
        (around(observed(), saved=()), [SPACE]),
    ],
)
def test_only_what_is_needed_and_missing_is_made(made, expected):
    assert made == expected


def test_a_cluster_keeps_its_one_default_class():
    other = {**STORAGE_CLASS, "metadata": {**STORAGE_CLASS["metadata"], "name": "other"}}
    steps = [Step(wanted, CREATE, "") for wanted in chosen()[0]]
    first = surroundings([STORAGE_CLASS], observed(), steps, namespaces=False, storage_classes=True)
    second = surroundings([STORAGE_CLASS], observed([], [other]), steps, namespaces=False, storage_classes=True)
    assert first == [STORAGE_CLASS]
    assert second[0]["metadata"]["annotations"] == {"storageclass.kubernetes.io/is-default-class": "false"}
