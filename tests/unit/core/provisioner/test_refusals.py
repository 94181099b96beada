"""What a provisioner's plan refuses, and what it says then."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Conflict, Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import by_ref
from ansible_collections.kindlab.volumes.tests.unit.support.provisioners import (
    BETA,
    DRIVER,
    GA,
    SPACE,
    class_of,
    deployment,
    namespace,
    planned,
    request,
    state,
)

OTHER = "example.com/other"


TAKEN = ("already exists", ("another storage_class", "replace_default"))
DEFAULT = ("is already the default", ("default_class=false", "replace_default"))


@pytest.mark.parametrize(
    "options, item, why, ways_out",
    [
        ({}, class_of("rival", OTHER, GA), *DEFAULT),
        ({}, class_of("rival", OTHER, BETA), *DEFAULT),
        ({}, class_of("standard", OTHER), *TAKEN),
        ({}, class_of("standard", OTHER, GA), *TAKEN),
        ({"default_class": False}, class_of("standard", OTHER), *TAKEN),
    ],
)
def test_a_class_of_somebody_else(options, item, why, ways_out):
    with pytest.raises(Declined) as caught:
        planned(request(**options), state(item))
    (row,) = caught.value.details
    assert why in row["why"] and OTHER in caught.value.message
    assert all(way in caught.value.next_step for way in ways_out)
    assert row["name"] == item["metadata"]["name"]
    assert planned(request(**options, replace_default=True), state(item))


@pytest.mark.parametrize(
    "options, item",
    [
        ({"default_class": False}, class_of("rival", OTHER, GA)),
        ({}, class_of("rival", OTHER)),
        ({}, class_of("old", DRIVER, GA)),
        ({}, class_of("standard", DRIVER, BETA)),
    ],
)
def test_a_class_that_is_nobodys_business(options, item):
    assert planned(request(**options), state(item))


def test_a_deployment_that_is_something_else():
    item = deployment("elsewhere", image="mirror/x:1", command=["/run"])
    with pytest.raises(Declined, match="elsewhere/local-path-provisioner is not a provisioner") as caught:
        planned(request(namespace="elsewhere"), state(namespace("elsewhere"), item))
    assert "another namespace" in caught.value.next_step


def test_a_namespace_that_is_going():
    with pytest.raises(Conflict, match="is being deleted"):
        planned(request(), state(namespace(SPACE, deletionTimestamp="now")))


def volume(name, policy="Delete", driver=DRIVER, claim="c"):
    spec = {"persistentVolumeReclaimPolicy": policy, "hostPath": {"path": f"/v/{name}"}}
    if claim:
        spec["claimRef"] = {"namespace": "ns", "name": claim}
    annotations = {"pv.kubernetes.io/provisioned-by": driver}
    return {"kind": "PersistentVolume", "metadata": {"name": name, "annotations": annotations}, "spec": spec}


def claim(name, class_name="standard", volume_name=""):
    spec = {"storageClassName": class_name, **({"volumeName": volume_name} if volume_name else {})}
    return {"kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": "ns"}, "spec": spec}


BOUND = [volume("v"), claim("c", volume_name="v")]


@pytest.mark.parametrize(
    "items, needing",
    [
        (BOUND, [("v", "no provisioner would be left to delete it")]),
        ([volume("v", claim="gone")], [("v", "no provisioner would be left to delete it")]),
        ([claim("c")], [("ns/c", "it waits for a volume")]),
        (
            [*BOUND, claim("d")],
            [("v", "no provisioner would be left to delete it"), ("ns/d", "it waits for a volume")],
        ),
    ],
)
def test_needed_by_volumes_and_claims(items, needing):
    with pytest.raises(Declined) as caught:
        planned(request(state="absent"), state(*items))
    assert [(row["name"], row["why"]) for row in caught.value.details] == needing
    assert all(name in caught.value.message and why in caught.value.message for name, why in needing)
    assert "force=true" in caught.value.next_step
    assert planned(request(state="absent", force=True), state(*items))


@pytest.mark.parametrize(
    "items",
    [
        [],
        [volume("v", policy="Retain"), claim("c", volume_name="v")],
        [volume("v", driver=OTHER), claim("c", volume_name="v")],
        [volume("v", claim="")],
        [claim("c", "another")],
        [claim("c", "")],
    ],
)
def test_not_needed(items):
    assert planned(request(state="absent"), state(*items))


def test_a_long_list_is_cut_for_people_and_whole_for_programs():
    items = [volume(f"v{number:02}") for number in range(12)]
    with pytest.raises(Declined) as caught:
        planned(request(state="absent"), state(*items))
    assert "ns/c (v09): " in caught.value.message and caught.value.message.endswith("and 2 more")
    assert len(caught.value.details) == 12


def test_where_nothing_is_removed_nothing_is_refused():
    bare = by_ref([namespace("ns"), volume("v"), claim("c", volume_name="v")])
    assert planned(request(state="absent"), bare) == ()
