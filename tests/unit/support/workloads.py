"""Samples for the tests of detachments: volumes, the workloads that use them, and their controllers."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube import workloads
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.conditions import has_condition
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.resources import RESOURCES
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import FakeCluster

Object = dict[str, Any]

# Other keys that a node selector may have; the API server leaves out an empty one.
SSD = {"disk": "ssd"}


def reference(kind: str, name: str, group: str = "", uid: str = "") -> Object:
    """What a thing says of its controller; group: without its version."""
    known = RESOURCES[kind][0].split("/", 2)[2] if kind in RESOURCES else "example.com/v1"
    version = f"{group}/v1" if group else known
    uid = uid or f"uid-{kind}-{name}"
    return {"apiVersion": version, "kind": kind, "name": name, "uid": uid, "controller": True}


def made_by(kind: str, name: str, group: str = "", uid: str = "") -> Object:
    """Metadata of what a controller made."""
    return {"ownerReferences": [reference(kind, name, group, uid)]}


def volumes(*claims: str) -> list[Object]:
    """The volumes of a pod with these claims."""
    return [{"name": claim, "persistentVolumeClaim": {"claimName": claim}} for claim in claims]


def bound(claim: str, *, own: bool = False, **spec: Any) -> tuple[Object, Object]:
    """The volume pv-CLAIM in /data/CLAIM of the node k-worker, and its claim ns/CLAIM; own: it is a pod's own."""
    affinity = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["k-worker"]}]}
    pv = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"pv-{claim}"},
        "spec": {
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": "standard",
            "hostPath": {"path": f"/data/{claim}"},
            "claimRef": {"namespace": "ns", "name": claim},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [affinity]}},
            **spec,
        },
        "status": {"phase": "Bound"},
    }
    metadata = {"name": claim, "namespace": "ns", **(made_by("Pod", "p", uid="uid-p") if own else {})}
    return pv, {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": metadata,
        "spec": {"volumeName": f"pv-{claim}", "storageClassName": "standard"},
        "status": {"phase": "Bound"},
    }


def pod(name: str, *claims: str, metadata: Object | None = None, phase: str = "Running", **spec: Any) -> Object:
    """A pod on the node k-worker; metadata: besides its name, e.g. made_by(...)."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "ns", "uid": f"uid-{name}", **(metadata or {})},
        "spec": {"nodeName": "k-worker", "containers": [{"name": "c"}], "volumes": volumes(*claims), **spec},
        "status": {"phase": phase},
    }


def workload(kind: str, name: str, *claims: str, metadata: Object | None = None, **spec: Any) -> Object:
    """A workload with these claims, as the API server shows it; spec: what differs from its defaults."""
    labels = {"app": name}
    template: Object = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c"}]}}
    if claims:
        template["spec"]["volumes"] = volumes(*claims)
    made: Object = {"template": template}
    if kind == "CronJob":
        made = {"schedule": "0 3 * * *", "suspend": False, "jobTemplate": {"spec": made}}
    elif kind == "Job":
        own = {"controller-uid": f"uid-Job-{name}", "job-name": name}
        batch = {f"batch.kubernetes.io/{key}": value for key, value in own.items()}
        template["metadata"]["labels"] = {**labels, **own, **batch}
        chosen = {"matchLabels": {"batch.kubernetes.io/controller-uid": f"uid-Job-{name}"}}
        made = {"completions": 1, "suspend": False, "selector": chosen, **made}
    else:
        chosen = {**labels} if kind == "ReplicationController" else {"matchLabels": {**labels}}
        made = {**({} if kind == "DaemonSet" else {"replicas": 1}), "selector": chosen, **made}
    if kind == "StatefulSet":
        kept = {"whenDeleted": "Retain", "whenScaled": "Retain"}
        made |= {"serviceName": name, "persistentVolumeClaimRetentionPolicy": kept}
    own_metadata = {"name": name, "namespace": "ns", "uid": f"uid-{kind}-{name}", "generation": 1}
    return {
        "apiVersion": RESOURCES[kind][0].split("/", 2)[2],
        "kind": kind,
        "metadata": {**own_metadata, **copy.deepcopy(metadata or {})},
        "spec": {**made, **copy.deepcopy(spec)},
    }


def stateful(name: str, made: str = "data", replicas: int = 1, scaled: str = "Retain", **how: Any) -> Object:
    """A StatefulSet with claims MADE-NAME-ORDINAL. scaled: what becomes of them when it is scaled down."""
    policy = {"whenDeleted": "Retain", "whenScaled": scaled}
    templates = [{"metadata": {"name": made}, "spec": {"accessModes": ["ReadWriteOnce"]}}]
    how = {"volumeClaimTemplates": templates, "persistentVolumeClaimRetentionPolicy": policy, **how}
    return workload("StatefulSet", name, replicas=replicas, **how)


def daemon(name: str, *claims: str, selector: Object | None = None, **how: Any) -> Object:
    """A DaemonSet, with a node selector or without."""
    made = workload("DaemonSet", name, *claims, **how)
    if selector:
        made["spec"]["template"]["spec"]["nodeSelector"] = dict(selector)
    return made


def as_served(item: Object) -> Object:
    """The object as the API server writes it: without empty maps, and without what rises with each write."""
    shown = copy.deepcopy(item)
    for field in ("resourceVersion", "generation"):
        shown["metadata"].pop(field, None)
    for field in ("annotations", "labels"):
        if not shown["metadata"].get(field):
            shown["metadata"].pop(field, None)
    if shown["kind"] == "DaemonSet" and not workloads.template(shown)["spec"].get("nodeSelector"):
        shown["spec"]["template"]["spec"].pop("nodeSelector", None)
    shown.pop("status", None)
    return shown


class Controlled(FakeCluster):
    """A cluster whose controllers create and end pods, and delete claims, whenever somebody watches.

    deaf: pods that do not end. A workload's pods are on k-worker and ready at once; a DaemonSet has one.
    """

    def __init__(self, *objects: Object, deaf: Sequence[str] = (), kill_after: int | None = None) -> None:
        super().__init__(*objects, kill_after=kill_after)
        self.deaf = deaf
        self.react = Controlled.control

    def control(self) -> None:
        """All that controllers do, the collector of garbage first."""
        for kind in ("ReplicaSet", "Job", "Pod"):
            for found in self.list(kind):
                if self._is_left_over(found):
                    self.end(found)
        for item in self.list("Deployment"):
            self._scale_replica_set(item)
        for kind in ("ReplicaSet", "StatefulSet", "ReplicationController", "DaemonSet", "Job"):
            for item in self.list(kind):
                self._make_pods(item)

    def _is_left_over(self, item: Object) -> bool:
        above = [r for r in item["metadata"].get("ownerReferences") or () if r["kind"] in workloads.WORKLOAD_KINDS]
        return any(r["uid"] not in {other["metadata"]["uid"] for other in self.list(r["kind"])} for r in above)

    def _scale_replica_set(self, deployment: Object) -> None:
        name = deployment["metadata"]["name"]
        spec = {key: deployment["spec"][key] for key in ("replicas", "selector", "template")}
        found = self.get("ReplicaSet", f"{name}-1", "ns") or workload(
            "ReplicaSet", f"{name}-1", metadata=made_by("Deployment", name, uid=deployment["metadata"]["uid"])
        )
        if found["spec"] != spec:
            self.put({**found, "spec": spec})
        self._tell(deployment, {"readyReplicas": spec["replicas"]})

    def _make_pods(self, item: Object) -> None:
        kind, uid = item["kind"], item["metadata"]["uid"]
        wanted = list(_pods(item))
        for found in self.list("Pod"):
            own = any(r["uid"] == uid for r in found["metadata"].get("ownerReferences") or ())
            if own and found["metadata"]["name"] not in [p["metadata"]["name"] for p in wanted]:
                self.end(found)
        for made in wanted:
            if self.get("Pod", made["metadata"]["name"], "ns") is None:
                del made["metadata"]["uid"]
                self.put(made)
        if kind == "StatefulSet" and item["spec"]["persistentVolumeClaimRetentionPolicy"]["whenScaled"] == "Delete":
            self._delete_claims(item)
        ready = {"numberReady": len(wanted), "desiredNumberScheduled": len(wanted)}
        self._tell(item, ready if kind == "DaemonSet" else {"readyReplicas": len(wanted)})

    def end(self, found: Object) -> None:
        """Something is deleted, and gone unless it is a pod that is deaf."""
        name = found["metadata"]["name"]
        if name in self.deaf:
            self.put({**found, "metadata": {**found["metadata"], "deletionTimestamp": "now"}})
        else:
            self.objects.pop((found["kind"], "ns", name), None)

    def delete(
        self, kind: str, name: str, namespace: str = "", *, propagation: str = "Background", read: Object | None = None
    ) -> None:
        found = self.get(kind, name, namespace)
        if kind == "Pod" and found and name in self.deaf:
            self._write("delete", (kind, namespace, name))
            self.end(found)
        else:
            super().delete(kind, name, namespace, propagation=propagation, read=read)

    def _delete_claims(self, item: Object) -> None:
        """What Kubernetes does with whenScaled Delete: the claims of ordinals that are too many go with their pods."""
        for made in item["spec"].get("volumeClaimTemplates") or ():
            stem = f"{made['metadata']['name']}-{item['metadata']['name']}-"
            for claim in self.list("PersistentVolumeClaim"):
                name = claim["metadata"]["name"]
                if name.startswith(stem) and int(name[len(stem) :]) >= item["spec"]["replicas"]:
                    del self.objects["PersistentVolumeClaim", "ns", name]

    def _tell(self, item: Object, status: Object) -> None:
        now = self.get(item["kind"], item["metadata"]["name"], "ns")
        status["observedGeneration"] = item["metadata"].get("generation", 0)
        if now is not None and now.get("status") != status and not has_condition(now, "Complete"):
            self.put({**now, "status": status})


def _pods(item: Object) -> Iterator[Object]:
    """The pods that a workload is to have."""
    spec, name = item["spec"], item["metadata"]["name"]
    count = spec.get("replicas", 1)
    if item["kind"] == "DaemonSet":
        count = int(workloads.NOWHERE not in (spec["template"]["spec"].get("nodeSelector") or {}))
    elif item["kind"] == "Job":
        count = int(not spec["suspend"] and not workloads.has_finished(item))
    for ordinal in range(count):
        templates = spec.get("volumeClaimTemplates") or ()
        made = [f"{t['metadata']['name']}-{name}-{ordinal}" for t in templates]
        named = [*(spec["template"]["spec"].get("volumes") or ()), *volumes(*made)]
        reference = made_by(item["kind"], name, uid=item["metadata"]["uid"])
        yield pod(f"{name}-{ordinal}", metadata=reference, volumes=named)
