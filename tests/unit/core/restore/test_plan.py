"""A restore's plan: what happens to each volume, and every reason to refuse."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import SavedVolume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.model import Observed, Wanted
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.plan import plan

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
    Node("k-control-plane", "k", "control-plane"),
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


def wanted(item=None, claim=()):
    """A volume with its claim; () stands for the usual one, None for none."""
    item, claim = item or PV, CLAIM if claim == () else claim
    return Wanted(read_volumes([item], [])[0], item, claim, SavedVolume("v", host_directory="/srv/v"))


def observed(volume=None, claim=None, **other):
    there = {"ns": {"metadata": {"name": "ns"}, "status": {"phase": "Active"}}}
    return replace(
        Observed(
            volumes={"v": volume} if volume else {},
            claims={"ns/c": claim} if claim else {},
            namespaces=there,
            storage_classes={},
            node_names=frozenset(n.name for n in NODES),
            nodes=NODES,
        ),
        **other,
    )


def step(seen, want=None, namespaces_too=True):
    return plan([want or wanted()], seen, namespaces_too=namespaces_too)[0]


@pytest.mark.parametrize(
    ("seen", "action", "why"),
    [
        (observed(), "create", "binds to ns/c"),
        (observed(pv(), pvc()), "already", "is bound to ns/c"),
        (observed(None, pvc("Lost")), "create", "binds to ns/c (the claim is there, Lost, and names this volume)"),
        (observed(None, pvc("Pending", spec__volumeName="")), "create", "binds to ns/c"),
        (observed(pv("Released", "old")), "rebind", "binds to ns/c (is Released: the claim it had was deleted)"),
        (observed(pv("Released"), pvc("Lost", "new")), "rebind", "binds to ns/c (is Released: the claim it had was m"),
        (observed(pv("Pending", "")), "finish", "binds to ns/c (it is there, Pending)"),
        (observed(pv("Available", "")), "finish", "binds to ns/c (it is there, Available)"),
        (observed(pv("Bound"), pvc("Pending")), "finish", "binds to ns/c (it is there, Bound)"),
        (observed(pv("Available", spec__claimRef=None, uid="")), "finish", "binds to ns/c"),
    ],
)
def test_with_its_claim(seen, action, why):
    found = step(seen)
    assert (found.action, found.why[: len(why)]) == (action, why)
    assert found.data_matters == (action != "already")
    assert found.host_directory == "/srv/v"


@pytest.mark.parametrize(
    ("seen", "action", "why"),
    [
        (observed(), "create", "is available to ns/c"),
        (observed(pv("Available", "")), "already", "is available to ns/c"),
        (observed(pv("Available", ""), pvc("Pending", spec__volumeName="")), "already", "is available to ns/c"),
        (observed(pv(), pvc()), "already", "is bound to ns/c"),
        (observed(pv("Pending", "")), "finish", "is available to ns/c (it is there, Pending)"),
        (observed(pv("Released", "old")), "rebind", "is available to ns/c (is Released: the claim it had was deleted)"),
        (observed(pv("Available", spec__claimRef=None, uid="")), "finish", "is available to ns/c"),
    ],
)
def test_for_a_claim_that_somebody_else_applies(seen, action, why):
    found = step(seen, wanted(claim=None))
    assert (found.action, found.why[: len(why)]) == (action, why)


def test_a_volume_of_no_claim_is_for_any():
    free = changed(PV, spec__claimRef=None)
    assert step(observed(), wanted(free, None)).why == "is available to any claim"


OTHER_MOUNTS = (NODES[0], NODES[1], Node("k-worker2", "k", "worker", mounts=(Mount("/data", "/elsewhere"),)))
TERMINATING = {"ns": {"metadata": {"name": "ns"}, "status": {"phase": "Terminating"}}}


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (observed(pv(metadata__deletionTimestamp="t")), "the PersistentVolume of that name is being deleted"),
        (
            observed(pv(spec__hostPath__path="/data/w")),
            "a PersistentVolume of that name is there with other content: hostPath is /data/w, in the backup /data/v",
        ),
        (
            observed(pv(spec__hostPath=None, spec__local={"path": "/data/v"}, spec__nodeAffinity=None)),
            "a PersistentVolume of that name is there with other content: "
            "hostPath is none, in the backup /data/v; node is any, in the backup k-worker; local is /data/v",
        ),
        (
            observed(pv(spec__capacity__storage="2Gi")),
            "a PersistentVolume of that name is there with other content: capacity is 2Gi, in the backup 1Gi",
        ),
        (
            observed(pv(spec__claimRef__name="d")),
            "the PersistentVolume of that name is for the claim ns/d, in the backup for ns/c",
        ),
        (observed(None, pvc(metadata__deletionTimestamp="t")), "the claim ns/c is being deleted"),
        (observed(None, pvc(spec__volumeName="w")), "the claim ns/c is bound elsewhere: to the volume w"),
        (
            observed(None, pvc("Pending", spec__volumeName="", spec__storageClassName="fast")),
            "the claim ns/c is there and asks for storage class 'fast', not 'standard'",
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
            "a new volume is being made for the claim ns/c",
        ),
        (observed(namespaces=TERMINATING), "the namespace ns is being deleted"),
        (
            observed(node_names=frozenset(["o-worker"])),
            "its node k-worker is not in this cluster, which has o-worker",
        ),
        (
            observed(nodes=(replace(NODES[1], mounts=()),)),
            "/data/v is no directory of the host in this cluster's nodes (it was /srv/v)",
        ),
    ],
)
def test_refused(seen, why):
    found = step(seen)
    assert (found.action, found.why[: len(why)]) == ("refuse", why)
    assert found.next_step


def test_a_namespace_is_made_only_where_that_is_asked_for():
    seen = observed(namespaces={})
    assert step(seen).action == "create"
    assert step(seen, namespaces_too=False).why == "the namespace ns is not there"
    assert step(seen, wanted(claim=None), namespaces_too=False).action == "create"


def test_a_volume_for_any_node_is_where_the_workers_have_it():
    anywhere = wanted(changed(PV, spec__nodeAffinity=None))
    assert step(observed(), anywhere).host_directory == "/srv/v"
    refused = step(observed(nodes=OTHER_MOUNTS), anywhere)
    assert refused.why == "its nodes keep /data/v in different directories of the host: /elsewhere/v, /srv/v"


def test_a_volume_without_a_directory_is_restored_without_looking_at_data():
    nfs = changed(PV, spec__hostPath=None, spec__nfs={"server": "s", "path": "/e"})
    found = step(observed(nodes=()), wanted(nfs))
    assert (found.action, found.host_directory, found.data_matters) == ("create", "", False)
