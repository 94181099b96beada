"""Volumes and claims are pre-bound so that the controller has nothing to add, and any write may be the last."""

from __future__ import annotations

import copy
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import SavedVolume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Conflict, TimedOut
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube import binding
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.model import Request, Step
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.step import plan_volume
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.binder import prebind, wait_bound
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import FakeCluster, Killed, binding_controller
from ansible_collections.kindlab.volumes.tests.unit.support.restores import observed, selected

NODES = (Node("k-worker", "k", "worker", mounts=(Mount("/data", "/srv"),)),)
NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ns"}}


def pair(number, with_claim=True):
    name, claim = f"v{number}", f"c{number}"
    pv = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": {"pv.kubernetes.io/provisioned-by": "p"}},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "standard",
            "persistentVolumeReclaimPolicy": "Delete",
            "hostPath": {"path": f"/data/{name}"},
            "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": "ns", "name": claim},
        },
    }
    pvc = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": claim, "namespace": "ns"},
        "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "standard"},
    }
    return selected(pv, pvc if with_claim else None, SavedVolume(name))


def restore(cluster, wanted):
    objects = (o for kind in ("PersistentVolume", "PersistentVolumeClaim") for o in cluster.list(kind))
    existing = observed(NAMESPACE, *objects, nodes=NODES)
    steps = [plan_volume(volume, Request("k"), existing) for volume in wanted]
    for step in steps:
        assert isinstance(step, Step), step.why
        if step.action != "unchanged":
            prebind(cluster, step.binding)
    return [step.action for step in steps]


def shown(cluster):
    return copy.deepcopy(cluster.objects)


def all_bound(cluster, wanted):
    return all(
        binding.bound(
            cluster.get("PersistentVolume", w.volume.name),
            cluster.get("PersistentVolumeClaim", w.claim["metadata"]["name"], "ns"),
        )
        for w in wanted
    )


def test_the_controller_finds_nothing_left_to_do():
    cluster = FakeCluster(NAMESPACE)
    assert restore(cluster, [pair(1)]) == ["create"]
    before = shown(cluster)
    binding_controller(cluster)
    assert cluster.objects == before
    assert all_bound(cluster, [pair(1)])
    assert [verb for verb, _kind, _name in cluster.writes] == ["create", "create", "patch status", "patch status"]
    pv = cluster.get("PersistentVolume", "v1")
    assert pv["spec"]["persistentVolumeReclaimPolicy"] == "Retain"


def test_without_claims_a_volume_waits_for_the_claim_of_its_name():
    cluster = FakeCluster(NAMESPACE)
    assert restore(cluster, [pair(1, False)]) == ["create"]
    before = shown(cluster)
    binding_controller(cluster)
    assert cluster.objects == before
    assert cluster.get("PersistentVolume", "v1")["status"]["phase"] == "Available"
    cluster.create(pair(1).claim)
    binding_controller(cluster)
    assert all_bound(cluster, [pair(1)])
    assert restore(cluster, [pair(1, False)]) == ["unchanged"]


@given(killed=st.integers(0, 14), controller=st.booleans(), claims=st.lists(st.booleans(), min_size=1, max_size=3))
def test_killed_after_any_write_a_second_run_completes(killed, controller, claims):
    wanted = [pair(number, with_claim) for number, with_claim in enumerate(claims)]
    cluster = FakeCluster(NAMESPACE, kill_after=killed)
    with suppress(Killed):
        restore(cluster, wanted)
    if controller:
        binding_controller(cluster)
    cluster.kill_after = None
    restore(cluster, wanted)
    binding_controller(cluster)
    assert all_bound(cluster, [w for w in wanted if w.claim])
    free = [w for w in wanted if not w.claim]
    assert {cluster.get("PersistentVolume", w.volume.name)["status"]["phase"] for w in free} <= {"Available"}
    assert len(cluster.list("PersistentVolume")) == len(wanted)
    assert len(cluster.list("PersistentVolumeClaim")) == len(wanted) - len(free)
    assert set(restore(cluster, wanted)) == {"unchanged"}


@settings(max_examples=300)
@given(
    st.lists(
        st.sampled_from(
            ["kill", "controller", "delete claim", "delete volume", "apply claim", "restore", "restore volume only"]
        ),
        max_size=6,
    ),
    st.integers(0, 5),
)
def test_whatever_happened_before_a_restore_binds(events, writes):
    """Deleted claims and volumes, half-done runs with and without claims, and the controller between them."""
    cluster, wanted = FakeCluster(NAMESPACE), [pair(1)]
    for event in events:
        if event == "kill":
            cluster.kill_after = len(cluster.writes) + writes
            with suppress(Killed):
                restore(cluster, wanted)
            cluster.kill_after = None
        elif event == "controller":
            binding_controller(cluster)
        elif event == "delete claim":
            cluster.delete("PersistentVolumeClaim", "c1", "ns")
        elif event == "delete volume":
            cluster.delete("PersistentVolume", "v1")
        elif event == "apply claim":
            if cluster.get("PersistentVolumeClaim", "c1", "ns") is None:
                cluster.create(wanted[0].claim)
        else:
            restore(cluster, wanted if event == "restore" else [pair(1, False)])
    restore(cluster, wanted)
    before = shown(cluster)
    binding_controller(cluster)
    assert all_bound(cluster, wanted)
    assert {k: v["status"] for k, v in cluster.objects.items() if "status" in v} == {
        k: v["status"] for k, v in before.items() if "status" in v
    }


BINDINGS = [binding.Binding(w.pv, w.claim) for w in (pair(1), pair(2, False))]


def test_the_wait_ends_when_the_controller_agrees():
    cluster = FakeCluster(NAMESPACE)
    cluster.react = binding_controller
    restore(cluster, [pair(1), pair(2, False)])
    wait_bound(cluster, BINDINGS, 0)
    assert cluster.get("PersistentVolume", "v2")["status"]["phase"] == "Available"


def test_a_claim_that_is_deleted_meanwhile_ends_the_wait():
    cluster = FakeCluster(NAMESPACE)
    restore(cluster, [pair(1), pair(2, False)])
    cluster.react = lambda c: c.delete("PersistentVolumeClaim", "c1", "ns")
    with pytest.raises(Conflict, match="PersistentVolumeClaim ns/c1 was deleted"):
        wait_bound(cluster, BINDINGS, 60)


def test_what_does_not_bind_in_time_is_named():
    cluster = FakeCluster(NAMESPACE)
    restore(cluster, [pair(1), pair(2, False)])
    cluster.patch("PersistentVolumeClaim", "c1", {"status": {"phase": "Lost"}}, "ns", "status")
    with pytest.raises(TimedOut, match="PersistentVolumeClaim ns/c1 is Lost") as raised:
        wait_bound(cluster, BINDINGS, 0)
    assert raised.value.details == {"PersistentVolumeClaim ns/c1": "Lost"}
    assert raised.value.next_step == "kubectl -n ns describe persistentvolumeclaim c1"


def test_a_claim_that_the_controller_saw_before_its_volume_is_shown_to_it_again():
    """It calls it Lost then, and looks again at the next write to the claim only."""
    cluster = FakeCluster(NAMESPACE)
    restore(cluster, [pair(1), pair(2, False)])
    cluster.patch("PersistentVolumeClaim", "c1", {"status": {"phase": "Lost"}}, "ns", "status")
    cluster.writes.clear()
    phases = wait_bound(cluster, BINDINGS, 60)
    assert phases["ns", "c1"] == phases["", "v1"] == "Bound"
    assert cluster.writes == [("patch status", "PersistentVolumeClaim", "ns/c1")]


def of_old_claim(cluster):
    """v1 exists and is Released: its claim was deleted."""
    restore(cluster, [pair(1)])
    cluster.delete("PersistentVolumeClaim", "c1", "ns")
    binding_controller(cluster)
    assert cluster.get("PersistentVolume", "v1")["status"]["phase"] == "Released"
    cluster.writes.clear()


def test_a_volume_is_free_of_its_old_claim_before_the_new_one_exists():
    """The controller refuses a claim whose volume belongs to another one, and looks again late."""
    cluster = FakeCluster(NAMESPACE)
    of_old_claim(cluster)
    refs = []
    create = cluster.create

    def watched(item):
        refs.append(cluster.get("PersistentVolume", "v1")["spec"]["claimRef"])
        return create(item)

    cluster.create = watched
    assert restore(cluster, [pair(1)]) == ["rebind"]
    assert refs == [{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": "ns", "name": "c1"}]
    assert all_bound(cluster, [pair(1)])


def test_a_claim_that_waits_gets_its_volume_before_it_names_it():
    cluster = FakeCluster(NAMESPACE)
    of_old_claim(cluster)
    cluster.create(pair(1).claim)
    cluster.writes.clear()
    assert restore(cluster, [pair(1)]) == ["rebind"]
    assert [kind for _verb, kind, _name in cluster.writes][:2] == ["PersistentVolume", "PersistentVolumeClaim"]
    assert all_bound(cluster, [pair(1)])


def test_a_released_volume_never_gets_a_claim():
    cluster = FakeCluster(NAMESPACE)
    assert restore(cluster, [released := replace(pair(1, False), released=True)]) == ["create"]
    pv = cluster.get("PersistentVolume", "v1")
    assert (pv["status"]["phase"], pv["spec"]["persistentVolumeReclaimPolicy"]) == ("Released", "Retain")
    before = shown(cluster)
    binding_controller(cluster)
    assert cluster.objects == before
    cluster.create(pair(1).claim)
    binding_controller(cluster)
    assert cluster.get("PersistentVolume", "v1") == pv
    assert cluster.get("PersistentVolumeClaim", "c1", "ns")["status"]["phase"] == "Pending"
    assert restore(cluster, [released]) == ["unchanged"]


@pytest.mark.parametrize("killed", range(3))
def test_a_released_volume_after_any_write(killed):
    cluster = FakeCluster(NAMESPACE, kill_after=killed)
    released = replace(pair(1, False), released=True)
    with suppress(Killed):
        restore(cluster, [released])
    cluster.kill_after = None
    restore(cluster, [released])
    assert cluster.get("PersistentVolume", "v1")["status"]["phase"] == "Released"
    wait_bound(cluster, [binding.Binding(released.pv, None, released=True)], 0)


@pytest.mark.parametrize("killed", range(7))
def test_those_who_apply_find_their_fields_again_after_any_write(killed):
    applied = {"manager": "argocd", "operation": "Apply", "fieldsV1": {"f:spec": {}}}
    note = {"kubectl.kubernetes.io/last-applied-configuration": "{}"}
    wanted = pair(0)
    for item in (wanted.pv, wanted.claim):
        item["metadata"] |= {"managedFields": [applied], "annotations": dict(note)}
    cluster = FakeCluster(NAMESPACE, kill_after=killed)
    with suppress(Killed):
        restore(cluster, [wanted])
    cluster.kill_after = None
    restore(cluster, [wanted])
    for kind, name, namespace in (("PersistentVolume", "v0", ""), ("PersistentVolumeClaim", "c0", "ns")):
        metadata = cluster.get(kind, name, namespace)["metadata"]
        assert metadata["managedFields"] == [applied]
        assert metadata["annotations"].items() >= note.items()
    assert restore(cluster, [wanted]) == ["unchanged"]


def test_a_claim_that_somebody_else_created_keeps_its_managers():
    wanted = pair(0)
    wanted.claim["metadata"]["managedFields"] = [
        {"manager": "argocd", "operation": "Apply", "fieldsV1": {"f:spec": {}}}
    ]
    theirs = [{"manager": "kubectl", "operation": "Apply", "fieldsV1": {}}]
    existing = {**wanted.claim, "metadata": {**wanted.claim["metadata"], "managedFields": theirs}}
    cluster = FakeCluster(NAMESPACE, copy.deepcopy(existing))
    restore(cluster, [wanted])
    assert cluster.get("PersistentVolumeClaim", "c0", "ns")["metadata"]["managedFields"] == theirs
