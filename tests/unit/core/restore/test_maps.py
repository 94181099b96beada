"""Names are rewritten wherever they stand, and nowhere else."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import affinity_nodes, read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.maps import (
    check_distinct,
    likely_map,
    read_maps,
    renamed,
)
from ansible_collections.kindlab.volumes.tests.unit.support.backups import claim, volume

VOLUMES = read_volumes([volume(0), volume(1)], [claim(0), claim(1)])
names = st.sampled_from(["a-worker", "a-worker2", "b-worker", "zone"])


@st.composite
def pvs(draw):
    keys = ["metadata.name", "kubernetes.io/hostname", "topology.kubernetes.io/zone"]
    terms = [
        {
            "matchFields" if key == "metadata.name" else "matchExpressions": [
                {"key": key, "operator": "In", "values": draw(st.lists(names, min_size=1, max_size=2, unique=True))}
            ]
        }
        for key in draw(st.lists(st.sampled_from(keys), min_size=1, max_size=3))
    ]
    metadata = {"name": "v", "annotations": {"local.path.provisioner/selected-node": "a-worker", "other": "a-worker"}}
    return {
        "metadata": metadata,
        "spec": {"nodeAffinity": {"required": {"nodeSelectorTerms": terms}}, "hostPath": {"path": "/a-worker"}},
    }


@given(pvs(), st.dictionaries(names, names))
def test_every_named_node_is_renamed_and_nothing_else(pv, node_map):
    before = copy.deepcopy(pv)
    moved = renamed(pv, node_map)
    assert pv == before
    assert affinity_nodes(moved) == tuple(sorted({node_map.get(n, n) for n in affinity_nodes(pv)}))
    assert moved["spec"]["hostPath"] == pv["spec"]["hostPath"]
    annotations = {"local.path.provisioner/selected-node": node_map.get("a-worker", "a-worker"), "other": "a-worker"}
    assert moved["metadata"] == {"name": "v", "annotations": annotations}


def test_a_volume_for_any_node_stays_as_it_is():
    pv = {"metadata": {"name": "v"}, "spec": {"hostPath": {"path": "/x"}}}
    assert renamed(pv, {"a": "b"}) == pv


def test_nodes_of_the_same_number_and_role_are_suggested():
    assert likely_map("old", ["old-worker2", "old-worker", "stranger"], "new", ["new-worker", "new-control-plane"]) == {
        "old-worker": "new-worker"
    }


GIVEN = {
    "namespace_map": {"ns": "test"},
    "claim_map": {"ns/c1": "other/first"},
    "storage_class_map": {"standard": "fast"},
    "volume_map": {"v*": "test-*"},
    "capacity_map": {"ns/c0": "5Gi"},
    "access_mode_map": {"v1": ["ReadOnlyMany", "ReadWriteMany"]},
}


def maps(given, numbers=(0, 1)):
    claims = [claim(number) for number in numbers]
    return read_maps(given, read_volumes([volume(number) for number in numbers], claims), claims)


def test_every_name_follows():
    made = maps(GIVEN)
    pv, moved = made.of_pv(volume(0), VOLUMES[0]), made.of_claim(claim(0))
    assert (pv["metadata"]["name"], pv["spec"]["storageClassName"], pv["spec"]["capacity"]) == (
        "test-0",
        "fast",
        {"storage": "5Gi"},
    )
    reference = pv["spec"]["claimRef"]
    assert (reference["namespace"], reference["name"], reference["kind"]) == ("test", "c0", "PersistentVolumeClaim")
    assert pv["spec"]["accessModes"] == ["ReadWriteOnce"]
    assert (moved["metadata"]["namespace"], moved["metadata"]["name"]) == ("test", "c0")
    spec = moved["spec"]
    assert (spec["volumeName"], spec["storageClassName"], spec["resources"]) == (
        "test-0",
        "fast",
        {"requests": {"storage": "5Gi"}},
    )
    assert made.of_volume(VOLUMES[0]) == replace(read_volumes([pv], [moved])[0], claim_phase=VOLUMES[0].claim_phase)
    second = made.of_pv(volume(1), VOLUMES[1])
    assert (second["spec"]["claimRef"]["namespace"], second["spec"]["claimRef"]["name"]) == ("other", "first")
    assert (
        second["spec"]["accessModes"]
        == made.of_claim(claim(1))["spec"]["accessModes"]
        == [
            "ReadOnlyMany",
            "ReadWriteMany",
        ]
    )


@pytest.mark.parametrize(
    ("old", "given", "new"),
    [
        ("standard", {"*": "fast"}, "fast"),
        ("standard", {"standard": ""}, ""),
        ("", {"": "fast"}, "fast"),
        (None, {"*": "fast"}, "fast"),
        (None, {}, None),
    ],
)
def test_volume_and_claim_get_the_same_class(old, given, new):
    pv, its_claim = volume(0), claim(0)
    for item in (pv, its_claim):
        del item["spec"]["storageClassName"]
        item["spec"] |= {} if old is None else {"storageClassName": old}
    (one,) = read_volumes([pv], [its_claim])
    made = read_maps({"storage_class_map": given}, [one], [its_claim])
    assert made.of_volume(one).storage_class == (new or "")
    assert made.of_pv(pv, one)["spec"].get("storageClassName") == new
    assert made.of_claim(its_claim)["spec"].get("storageClassName") == new


def test_without_maps_nothing_changes():
    made = maps({})
    assert made.of_pv(volume(0), VOLUMES[0]) == volume(0)
    assert made.of_claim(claim(0)) == claim(0)
    assert made.of_volume(VOLUMES[0]) == VOLUMES[0]


def test_kubectls_record_of_the_old_claim_is_dropped():
    applied = {"kubectl.kubernetes.io/last-applied-configuration": "{}", "own": "1"}
    item = {**claim(0), "metadata": {**claim(0)["metadata"], "annotations": applied}}
    assert maps({"namespace_map": {"ns": "test"}}).of_claim(item)["metadata"]["annotations"] == {"own": "1"}
    assert maps({"capacity_map": {"v0": "2Gi"}}).of_claim(item)["metadata"]["annotations"] == applied


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"namespace_map": {"nowhere": "x"}}, "namespace_map maps what is not in the backup: nowhere"),
        ({"volume_map": {"v7": "x"}}, "volume_map maps what is not in the backup: v7"),
        ({"claim_map": {"c0": "x/c0"}}, "claim_map maps what is not in the backup: c0"),
        ({"namespace_map": {"ns": "Test"}}, "'Test', which cannot be the name of a namespace"),
        ({"namespace_map": {"ns": "x" * 64}}, "which cannot be the name of a namespace"),
        ({"claim_map": {"ns/c0": "c0"}}, "'c0', which cannot be a claim as namespace/name"),
        ({"volume_map": {"v*": "A-*"}}, "'A-0', which cannot be the name of a volume"),
        ({"volume_map": {"v0": "x" * 254}}, "which cannot be the name of a volume"),
        ({"storage_class_map": {"standard": "a_b"}}, "'a_b', which cannot be the name of a storage class"),
        ({"capacity_map": {"v0": "much"}}, "'much', which cannot be a size such as 5Gi"),
        ({"access_mode_map": {"v0": ["ReadOften"]}}, "'ReadOften', which cannot be access modes"),
        ({"access_mode_map": {"v0": ["ReadWriteOncePod", "ReadWriteOnce"]}}, "(ReadWriteOncePod only alone)"),
    ],
)
def test_names_that_are_not_there_or_not_possible(given, why):
    with pytest.raises(BadInput) as caught:
        maps(given)
    assert why in caught.value.message and caught.value.next_step


def test_names_of_claims_and_volumes_may_be_long():
    long = "x" * 253
    assert maps({"volume_map": {"v0": long}}).volumes == {"v0": long}
    assert maps({"claim_map": {"ns/c0": f"ns/{long}"}}).claims == {"ns/c0": f"ns/{long}"}
    with pytest.raises(BadInput, match="cannot be a claim"):
        maps({"claim_map": {"ns/c0": f"ns/{long}x"}})


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"volume_map": {"v*": "one"}}, "volume_map give several one name: v0 and v1 become one"),
        ({"volume_map": {"v0": "v1"}}, "v0 and v1 become v1"),
        (
            {"claim_map": {"ns/*": "ns/one"}},
            "namespace_map and claim_map give several one name: ns/c0 and ns/c1",
        ),
        ({"claim_map": {"ns/c0": "ns/c1"}}, "ns/c0 and ns/c1 become ns/c1"),
    ],
)
def test_names_that_collide(given, why):
    with pytest.raises(BadInput) as caught:
        check_distinct(maps(given), ["v0", "v1"], ["ns/c0", "ns/c1"])
    assert why in caught.value.message
    check_distinct(maps(given), ["v0"], ["ns/c0"])
