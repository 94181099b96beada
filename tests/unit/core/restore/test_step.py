"""One volume of a restore: the action, and every reason to refuse that objects give."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import (
    Catalog,
    SavedCluster,
    SavedVolume,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import claim_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.model import Request
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.step import plan_volume
from ansible_collections.kindlab.volumes.tests.unit.support import restores

CLAIM = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "c", "namespace": "ns"},
    "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "standard", "volumeName": "v"},
}
PV = {
    "apiVersion": "v1",
    "kind": "PersistentVolume",
    "metadata": {"name": "v"},
    "spec": {
        "capacity": {"storage": "1Gi"},
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "standard",
        "persistentVolumeReclaimPolicy": "Retain",
        "hostPath": {"path": "/data/v", "type": "DirectoryOrCreate"},
        "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": "ns", "name": "c"},
        "nodeAffinity": {
            "required": {
                "nodeSelectorTerms": [
                    {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["k-worker"]}]}
                ]
            }
        },
    },
}
MOUNTS = (Mount("/data", "/srv"),)
NODES = (
    Node("k-control-plane", "k", "control-plane", takes_pods=False),
    Node("k-worker", "k", "worker", mounts=MOUNTS),
    Node("k-worker2", "k", "worker", mounts=MOUNTS),
)


def changed(item, phase=None, **paths):
    """The object with dotted paths (a__b) set, None removing; and a phase."""
    item = copy.deepcopy(item)
    for path, value in paths.items():
        *folders, last = path.split("__")
        place = item
        for folder in folders:
            place = place.setdefault(folder, {})
        if value is None:
            place.pop(last)
        else:
            place[last] = value
    if phase:
        item["status"] = {"phase": phase}
    return item


def pv(phase="Bound", uid="u", **paths):
    return changed(PV, phase, **{**({"spec__claimRef__uid": uid} if uid else {}), **paths})


def pvc(phase="Bound", uid="u", **paths):
    return changed(CLAIM, phase, metadata__uid=uid, **paths)


def selected(item=None, claim=()):
    """A volume with its claim; () stands for the usual one, None for none."""
    saved = SavedVolume("v", claim_of(item or PV), nodes=("k-worker",), host_directory="/srv/v")
    return restores.selected(item or PV, CLAIM if claim == () else claim, saved)


def observed(volume=None, claim=None, **other):
    namespace = {"kind": "Namespace", "metadata": {"name": "ns"}, "status": {"phase": "Active"}}
    objects = [item for item in (volume, claim, namespace) if item]
    return replace(restores.observed(*objects, nodes=NODES), **other)


def step(cluster, volume=None, **options):
    """The step of one volume, or its refusal."""
    return plan_volume(volume or selected(), Request("k", **options), cluster)


@pytest.mark.parametrize(
    ("cluster", "action", "why"),
    [
        (observed(), "create", "binds to ns/c"),
        (observed(pv(), pvc()), "unchanged", "is bound to ns/c"),
        (observed(None, pvc("Lost")), "create", "binds to ns/c (its claim exists and is Lost)"),
        (observed(None, pvc("Pending", spec__volumeName="")), "create", "binds to ns/c"),
        (observed(pv("Released", "old")), "rebind", "binds to ns/c (it is Released: its claim was deleted)"),
        (
            observed(pv("Released"), pvc("Lost", "new")),
            "rebind",
            "binds to ns/c (it is Released: its claim was recreated)",
        ),
        (observed(pv("Pending", "")), "finish", "binds to ns/c (it exists and is Pending)"),
        (observed(pv("Available", "")), "finish", "binds to ns/c (it exists and is Available)"),
        (observed(pv("Bound"), pvc("Pending")), "finish", "binds to ns/c (it exists and is Bound)"),
        (observed(pv("Available", spec__claimRef=None, uid="")), "finish", "binds to ns/c"),
    ],
)
def test_with_its_claim(cluster, action, why):
    result = step(cluster)
    assert (result.action, result.why[: len(why)]) == (action, why)
    assert result.compare == (action != "unchanged")
    assert result.host_directory == "/srv/v"


@pytest.mark.parametrize(
    ("cluster", "action", "why"),
    [
        (observed(), "create", "is available to ns/c"),
        (observed(pv("Available", "")), "unchanged", "is available to ns/c"),
        (observed(pv("Available", ""), pvc("Pending", spec__volumeName="")), "unchanged", "is available to ns/c"),
        (observed(pv(), pvc()), "unchanged", "is bound to ns/c"),
        (observed(pv("Pending", "")), "finish", "is available to ns/c (it exists and is Pending)"),
        (observed(pv("Released", "old")), "rebind", "is available to ns/c (it is Released: its claim was deleted)"),
        (observed(pv("Available", spec__claimRef=None, uid="")), "finish", "is available to ns/c"),
    ],
)
def test_for_a_claim_that_somebody_else_applies(cluster, action, why):
    result = step(cluster, selected(claim=None))
    assert (result.action, result.why[: len(why)]) == (action, why)


def test_a_volume_without_a_claim_is_for_any():
    free = changed(PV, spec__claimRef=None)
    assert step(observed(), selected(free, None)).why == "is available to any claim"


OTHER_MOUNTS = (NODES[0], NODES[1], Node("k-worker2", "k", "worker", mounts=(Mount("/data", "/elsewhere"),)))
TERMINATING = {"ns": {"metadata": {"name": "ns"}, "status": {"phase": "Terminating"}}}


@pytest.mark.parametrize(
    ("cluster", "why"),
    [
        (observed(pv(metadata__deletionTimestamp="t")), "the existing PersistentVolume is being deleted"),
        (
            observed(pv(spec__hostPath__path="/data/w")),
            "the existing PersistentVolume differs from the backup: hostPath is /data/w, not /data/v",
        ),
        (
            observed(pv(spec__hostPath=None, spec__local={"path": "/data/v"}, spec__nodeAffinity=None)),
            "the existing PersistentVolume differs from the backup: "
            "hostPath is none, not /data/v; node is any, not k-worker; local is /data/v",
        ),
        (
            observed(pv(spec__capacity__storage="2Gi")),
            "the existing PersistentVolume differs from the backup: capacity is 2Gi, not 1Gi",
        ),
        (
            observed(pv(spec__claimRef__name="d")),
            "the existing PersistentVolume is reserved for claim ns/d; in the backup it belongs to claim ns/c",
        ),
        (observed(None, pvc(metadata__deletionTimestamp="t")), "the existing claim ns/c is being deleted"),
        (observed(None, pvc(spec__volumeName="w")), "the existing claim ns/c has another volume, w"),
        (
            observed(None, pvc("Pending", spec__volumeName="", spec__storageClassName="fast")),
            "the existing claim ns/c requests the storage class 'fast', not 'standard'",
        ),
        (
            observed(
                None,
                pvc(
                    "Pending",
                    spec__volumeName="",
                    metadata__annotations={"volume.kubernetes.io/selected-node": "k-worker"},
                ),
            ),
            "a new volume is being provisioned for the existing claim ns/c",
        ),
        (observed(namespaces=TERMINATING), "the namespace ns is being deleted"),
        (
            observed(node_names=frozenset(["o-worker"])),
            "its node k-worker is not in this cluster, which has o-worker",
        ),
        (
            observed(nodes=(replace(NODES[1], mounts=()),)),
            "/data/v is not mounted from the host in this cluster (it was mounted from /srv/v)",
        ),
    ],
)
def test_refused(cluster, why):
    refusal = step(cluster)
    assert isinstance(refusal, Refusal)
    assert (refusal.name, refusal.details, refusal.why[: len(why)]) == ("v", {"claim": "ns/c"}, why)
    assert refusal.next_step


def test_maps_do_not_change_an_existing_volume():
    refusal = step(observed(pv(spec__capacity__storage="2Gi")), name_maps={"capacity_map": {"v": "1Gi"}})
    assert refusal.why == (
        "the existing PersistentVolume differs from the backup under capacity_map, and is not changed: "
        "capacity is 2Gi, not 1Gi"
    )
    assert "correct capacity_map" in refusal.next_step


def test_a_claim_is_told_by_the_name_that_it_has_in_the_backup():
    one = selected()
    mapped = replace(one, saved=replace(one.saved, claim="old/c"))
    refusal = step(observed(pv(spec__claimRef__name="d")), mapped)
    assert refusal.why.endswith("in the backup it belongs to claim old/c, which becomes ns/c")


def test_a_namespace_is_created_only_if_requested():
    cluster = observed(namespaces={})
    assert step(cluster).action == "create"
    assert step(cluster, create_namespaces=False).why == "the namespace ns does not exist"
    assert step(cluster, selected(claim=None), create_namespaces=False).action == "create"


def test_a_volume_for_any_node_is_where_the_workers_have_it():
    anywhere = selected(changed(PV, spec__nodeAffinity=None))
    assert step(observed(), anywhere).host_directory == "/srv/v"
    refusal = step(observed(nodes=OTHER_MOUNTS), anywhere)
    assert refusal.why == (
        "/data/v is mounted from different host directories in its nodes: /srv/v in k-worker, /elsewhere/v in k-worker2"
    )


def test_a_volume_without_a_directory_is_restored_without_comparing_data():
    nfs = changed(PV, spec__hostPath=None, spec__nfs={"server": "s", "path": "/e"})
    result = step(observed(nodes=()), selected(nfs))
    assert (result.action, result.host_directory, result.compare) == ("create", "", False)


def test_a_node_map_is_suggested():
    nodes = (Node("z-worker", "z", "worker", mounts=MOUNTS), Node("z-worker2", "z", "worker", mounts=MOUNTS))
    catalog = Catalog("t", SavedCluster("k", "v1", NODES))
    saved = replace(restores.generation(), catalog=catalog)
    cluster = replace(observed(nodes=nodes), generation=saved, node_names=frozenset(node.name for node in nodes))
    refusal = plan_volume(selected(), Request("z"), cluster)
    assert "{k-worker: z-worker, k-worker2: z-worker2}" in refusal.next_step
    refusal = plan_volume(
        selected(), Request("z", node_map={"k-worker2": "z-worker"}), observed(node_names=frozenset("n"))
    )
    assert "node_map, or" in refusal.next_step
