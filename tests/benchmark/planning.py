"""Run the pure plans on 10,000 volumes and 10,000 workloads, or read a long checksum list; print seconds as JSON."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core import removal
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup import plan as backups
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import (
    Catalog,
    SavedCluster,
    SavedVolume,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.request import Request as Saving
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data import checksums
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.checksum_list import ChecksumList
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.packed import Packed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach import model as detaching
from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.plan import plan as plan_detachment
from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.usage import (
    directories_by_node,
    users_by_api,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.drain import model as draining
from ansible_collections.kindlab.volumes.plugins.module_utils._core.drain.plan import eviction_groups
from ansible_collections.kindlab.volumes.plugins.module_utils._core.drain.plan import plan as plan_drain
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.export import saved_claim, saved_volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.pods import pods_by_claim
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.workloads import RECORDED
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore import model as restoring
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.data import DataState
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.plan import plan as plan_restore
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import (
    used_directories,
    watched_places,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.report import describe, orphans
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.selection import Selection

Object = dict[str, Any]

COUNT = 10_000
ENTRIES = 1_000_000
NAMES = ("k-control-plane", "k-worker", "k-worker2")
NODES = tuple(Node(name, "k", name.removeprefix("k-").rstrip("2"), mounts=(Mount("/data", "/srv"),)) for name in NAMES)
SPACES = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ns"}}]
CLASS = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "rancher.io/local-path"}
CLASSES = [{**CLASS, "metadata": {"name": "standard"}}]


def thing(kind: str, name: str, spec: Object, owner: str = "", **status: Any) -> Object:
    """An object of the namespace ns; owner: 'Kind/name' of its controller."""
    above, _slash, owned_by = owner.partition("/")
    reference = {"apiVersion": "apps/v1", "kind": above, "name": owned_by, "uid": owner, "controller": True}
    labels = {"app": name, **({RECORDED: "replicas.1"} if spec.get("replicas") == 0 else {})}
    metadata = {"name": name, "namespace": "ns", "uid": f"{kind}/{name}", "generation": 1, "labels": labels}
    found = {"apiVersion": "v1", "kind": kind, "metadata": metadata, "spec": spec, "status": status}
    return found | {"metadata": {**metadata, "ownerReferences": [reference]}} if owner else found


def cluster(replicas: int = 1) -> dict[str, list[Object]]:
    """Half of the volumes belong to Deployments, half to StatefulSets; each has a pod, every tenth a budget."""
    objects: dict[str, list[Object]] = {kind: [] for kind in {*detaching.READ, *draining.READ}}
    for number in range(COUNT):
        stateful = number % 2
        name = f"{'db' if stateful else 'web'}-{number}"
        claim = f"data-{name}-0" if stateful else f"claim-{number}"
        kind = "StatefulSet" if stateful else "Deployment"
        volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": claim}}]
        pod = {"containers": [{"name": "c"}], "volumes": volumes}
        made = {"volumeClaimTemplates": [{"metadata": {"name": "data"}}]} if stateful else {}
        template = {"spec": {"containers": pod["containers"]} if stateful else pod}
        objects[kind].append(thing(kind, name, {"replicas": replicas, "template": template, **made}))
        running = {"nodeName": NAMES[1 + number % 2], **pod}
        ready = [{"type": "Ready", "status": "True"}]
        objects["Pod"].append(thing("Pod", f"{name}-0", running, f"{kind}/{name}", phase="Running", conditions=ready))
        objects["PersistentVolumeClaim"].append(
            thing("PersistentVolumeClaim", claim, claim_spec(number), phase="Bound")
        )
        objects["PersistentVolume"].append(thing("PersistentVolume", f"pv-{number}", volume_spec(claim), phase="Bound"))
        if number % 10 == 0:
            selector = {"matchLabels": {"app": f"{name}-0"}}
            counts = {"expectedPods": 1, "currentHealthy": 1, "disruptionsAllowed": 1, "observedGeneration": 1}
            budget = thing("PodDisruptionBudget", name, {"maxUnavailable": 1, "selector": selector}, **counts)
            objects["PodDisruptionBudget"].append(budget)
    objects["Node"] = [thing("Node", name, {}, conditions=[{"type": "Ready", "status": "True"}]) for name in NAMES]
    return objects


def claim_spec(number: int) -> Object:
    return {"accessModes": ["ReadWriteOnce"], "storageClassName": "standard", "volumeName": f"pv-{number}"}


def volume_spec(claim: str) -> Object:
    return {
        "accessModes": ["ReadWriteOnce"],
        "capacity": {"storage": "1Gi"},
        "storageClassName": "standard",
        "persistentVolumeReclaimPolicy": "Delete",
        "hostPath": {"path": f"/data/{claim}"},
        "claimRef": {"namespace": "ns", "name": claim, "uid": f"PersistentVolumeClaim/{claim}"},
    }


def detach(objects: dict[str, list[Object]], state: str = "detached") -> None:
    asked = detaching.Request("k", Selection(namespaces=frozenset({"ns"})), state)
    planned = plan_detachment(asked, detaching.Observed.from_objects(objects))
    assert len(planned.steps) == COUNT
    planned.result()
    planned.diff()


def users(objects: dict[str, list[Object]]) -> None:
    volumes = read_volumes(objects["PersistentVolume"], objects["PersistentVolumeClaim"])
    assert all(users_by_api(volumes, objects["Pod"], ()).values())
    directories_by_node(volumes, NODES)


def drain(objects: dict[str, list[Object]]) -> None:
    planned = plan_drain(draining.Request("k", NAMES[1], force=True), draining.Observed.from_objects(objects))
    assert len(planned.pods) == len(eviction_groups(planned.pods)) == COUNT // 2
    planned.result()
    planned.diff()


def info(objects: dict[str, list[Object]]) -> None:
    volumes = read_volumes(objects["PersistentVolume"], objects["PersistentVolumeClaim"])
    watched, used = watched_places(volumes, (), NODES), used_directories(volumes, NODES)
    using = pods_by_claim(objects["Pod"])
    pvs = {pv["metadata"]["name"]: pv for pv in objects["PersistentVolume"]}
    assert all(describe(volume, NODES, using, pvs[volume.name])["pods"] for volume in volumes)
    names = [f"pvc-{number:08x}-0000-4000-8000-000000000000_ns_c" for number in range(COUNT)]
    orphans(watched, {"/srv": names}, used)


def backup(objects: dict[str, list[Object]]) -> None:
    pvs, claims = objects["PersistentVolume"], objects["PersistentVolumeClaim"]
    workloads = objects["Deployment"] + objects["StatefulSet"]
    seen = backups.Observed(NODES, pvs, claims, CLASSES, SPACES, objects["Pod"], workloads=workloads)
    assert len(backups.plan(Saving("k", "/backup"), seen).places) == COUNT


def catalog(objects: dict[str, list[Object]]) -> Catalog:
    """As a backup of these volumes writes it."""
    listed = {"checksum_list": "checksums/x", "digest": "0", "files": 1, "phase": "Bound", "capacity": "1Gi"}
    volumes = read_volumes(objects["PersistentVolume"], objects["PersistentVolumeClaim"])
    saved = (
        SavedVolume(
            v.name, v.claim, node_directory=v.node_directory, host_directory=f"/srv{v.node_directory[5:]}", **listed
        )
        for v in volumes
    )
    return Catalog("2026-01-02T03:04:05Z", SavedCluster("k", "v1.34.4"), volumes=tuple(saved))


def restore(objects: dict[str, list[Object]]) -> None:
    pvs, claims = objects["PersistentVolume"], objects["PersistentVolumeClaim"]
    saved = {
        "PersistentVolume": list(map(saved_volume, pvs)),
        "PersistentVolumeClaim": list(map(saved_claim, claims)),
        "Namespace": SPACES,
        "StorageClass": CLASSES,
    }
    empty: dict[str, list[Object]] = {**{kind: [] for kind in saved}, "Pod": [], "Node": objects["Node"]}
    generation = restoring.Generation("000001", catalog(objects), saved)
    planned = plan_restore(restoring.Request("k"), restoring.Observed.from_objects(generation, empty, NODES))
    planned = planned.with_data({step.name: DataState("there") for step in planned.to_compare})
    assert len(planned.pending) == COUNT
    planned.result({})
    planned.diff()


def remove(objects: dict[str, list[Object]]) -> None:
    pvs, claims = objects["PersistentVolume"], objects["PersistentVolumeClaim"]
    volumes = read_volumes(pvs, claims)
    needed = removal.needed(volumes, pvs)
    reasons = removal.not_backed_up(needed, (pvs, claims), catalog(objects), (pvs, claims), {})
    refused = removal.blockers(volumes, NODES, {}, reasons, needing=needed.all)
    assert {refusal.name for refusal in refused} == {volume.name for volume in volumes}


PLANS: dict[str, Callable[[dict[str, list[Object]]], None]] = {
    "volume_detach": detach,
    "volume_detach state=attached": lambda objects: detach(objects, "attached"),
    "who uses the volumes": users,
    "node_drain": drain,
    "volume_info": info,
    "volume_backup": backup,
    "volume_restore": restore,
    "deletion of a cluster": remove,
}


def listed() -> None:
    """What a backup and a comparison do with the checksum list of a million files."""
    sums = (hashlib.sha256(str(n).encode()).hexdigest() for n in range(ENTRIES))
    plain = (
        checksums.Entry(f"{n // 1000:03}/{n % 1000:03}", "file", n, 0o644, 0, 0, n, sha256=digest)
        for n, digest in enumerate(sums)
    )
    saved = checksums.from_lines((checksums.line(entry).encode() for entry in plain), "list")
    assert ChecksumList.from_entries(saved, "full").files == ENTRIES
    assert not checksums.compare(saved, saved, "full")
    # A restore has both lists in memory; here all files were renamed.
    renamed = Packed(checksums.Entry._make, (entry._replace(path=f"new/{entry.path}") for entry in saved))
    difference = checksums.compare(saved, renamed, "full")
    assert difference.as_dict()["counts"] == {"added": ENTRIES, "removed": ENTRIES, "changed": 0}


if __name__ == "__main__":
    if len(sys.argv) == 1:
        print(json.dumps(list(PLANS)))
    elif sys.argv[1] == "list":
        listed()
    else:
        drawn = cluster(0 if "attached" in sys.argv[1] else 1)
        start = time.process_time()
        PLANS[sys.argv[1]](drawn)
        print(json.dumps(time.process_time() - start))
