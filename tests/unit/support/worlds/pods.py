"""Drawn pods, workloads of all kinds, and disruption budgets."""

from __future__ import annotations

from .choices import Choices
from .names import CLAIMS, CONTROLLERS, NODES, OF_PODS, WORKLOADS, Object, metadata, owners, uid

KINDS = ("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController", "DaemonSet", "Job", "CronJob")
VERSIONS = {kind: version for version, kind in reversed(CONTROLLERS) if "." not in version}
# Values of the label that records the fields of a workload scaled to zero.
RECORDS = ("replicas.3", "suspend.false", "scheduled.true", "replicas.1.whenScaled.Delete", "x", "1", "replicas.x.y.z")
SELECTORS: tuple[Object, ...] = (
    {"matchLabels": {"app": "db"}},
    {"matchExpressions": [{"key": "app", "operator": "In", "values": ["db", "web"]}]},
)
TAINTS = (
    {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"},
    {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule", "timeAdded": "2026-01-02T03:04:05Z"},
    {"key": "a", "value": "b", "effect": "NoExecute"},
    {"key": "a", "effect": "PreferNoSchedule"},
)


def pod(c: Choices, name: str, namespace: str, directories: tuple[str, ...], claims: tuple[str, ...]) -> Object:
    """A pod, in any phase, of any controller or none. claims: names of those in its namespace."""
    spec = _pod_spec(c, directories, claims)
    if not c.chance(4):
        spec["nodeName"] = c.pick((*NODES, "gone"))
    found: Object = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**metadata(c, "Pod", name, namespace), **owners(c, namespace, OF_PODS)},
        "spec": spec,
    }
    if c.chance(12):
        found["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "x"}
    if c.chance(8):
        return found
    status: Object = {"phase": c.pick(("Running", "Pending", "Succeeded", "Failed", "Unknown"))}
    if c.chance(2):
        status["conditions"] = c.pick(
            ([{"type": "Ready", "status": "True"}], [{"type": "Ready", "status": "False", "message": "m"}], [])
        )
    if c.chance(4):
        waiting = {"waiting": {"reason": "ImagePullBackOff"}}
        status["containerStatuses"] = c.pick(
            ([], [{"name": "c", "state": {}}], [{"name": "c", "ready": False, "state": waiting}])
        )
    return {**found, "status": status}


def workload(
    c: Choices, kind: str, name: str, namespace: str, directories: tuple[str, ...], claims: tuple[str, ...]
) -> Object:
    """A workload of a kind of Kubernetes' own; a controller above it only where that is usual or odd."""
    template: Object = {
        "metadata": c.pick(({}, {"labels": {"app": name}}, {"creationTimestamp": None})),
        "spec": _pod_spec(c, directories, claims),
    }
    spec: Object = {"template": template}
    if kind in ("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController") and not c.chance(6):
        spec["replicas"] = c.pick((1, 0, 3))
    if kind in ("ReplicationController", "Job") and c.chance(3):
        pass
    elif kind != "CronJob":
        spec["selector"] = {"app": name} if kind == "ReplicationController" else c.pick(SELECTORS)
    if kind in ("Job", "CronJob") and c.chance(2):
        spec["suspend"] = c.chance(2)
    if kind == "CronJob":
        suspend = {"suspend": spec.pop("suspend")} if "suspend" in spec else {}
        spec = {"schedule": "0 3 * * *", "jobTemplate": {"metadata": {}, "spec": spec}, **suspend}
    if kind == "StatefulSet":
        spec |= _stateful(c)
    above = owners(c, namespace) if kind in ("ReplicaSet", "Job") or c.chance(8) else {}
    found: Object = {
        "apiVersion": VERSIONS[kind],
        "kind": kind,
        "metadata": {**metadata(c, kind, name, namespace), **above},
        "spec": spec,
    }
    if c.chance(8):
        found["metadata"]["labels"] = {"kindlab.volumes/detached": c.pick(RECORDS)}
    if c.chance(3):
        found["status"] = c.pick(
            (
                {},
                {"readyReplicas": 1, "observedGeneration": 9},
                {"conditions": [{"type": "Complete", "status": "True"}]},
            )
        )
    return found


def made_by(item: Object, node: str) -> list[Object]:
    """What controllers make of a workload: its pod on a node, and the ReplicaSet between a Deployment and its pod."""
    if item["kind"] == "CronJob" or item["spec"].get("replicas") == 0 or item["spec"].get("suspend"):
        return []
    name = item["metadata"]["name"]
    if item["kind"] == "Deployment":
        between = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "spec": item["spec"]}
        between["metadata"] = _made(item, "ReplicaSet", f"{name}-1")
        return [between, *made_by(between, node)]
    spec = {**item["spec"]["template"]["spec"], "nodeName": node}
    templates = item["spec"].get("volumeClaimTemplates") or ()
    if not all("metadata" in made for made in templates):
        # The claim cannot be created, nor then the pod.
        return []
    for made in templates:
        claim = {"claimName": f"{made['metadata']['name']}-{name}-0"}
        spec["volumes"] = [*spec.get("volumes", ()), {"name": made["metadata"]["name"], "persistentVolumeClaim": claim}]
    ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    running = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": _made(item, "Pod", f"{name}-0"),
        "spec": spec,
        "status": ready,
    }
    running["metadata"]["labels"] = (item["spec"]["template"].get("metadata") or {}).get("labels") or {}
    return [running]


def _made(item: Object, kind: str, name: str) -> Object:
    above = {"apiVersion": item["apiVersion"], "kind": item["kind"], "name": item["metadata"]["name"]}
    reference = {**above, "uid": item["metadata"]["uid"], "controller": True}
    namespace = item["metadata"]["namespace"]
    return {"name": name, "namespace": namespace, "uid": uid(kind, namespace, name), "ownerReferences": [reference]}


def budget(c: Choices, name: str, namespace: str) -> Object:
    """A PodDisruptionBudget: {} selects every pod, a missing selector none."""
    spec: Object = c.pick(
        (
            {"maxUnavailable": 1},
            {},
            {"minAvailable": "50%"},
            {"maxUnavailable": 0, "unhealthyPodEvictionPolicy": "AlwaysAllow"},
        )
    )
    spec = dict(spec)
    if not c.chance(4):
        there = {"key": "app", "operator": c.pick(("Exists", "DoesNotExist"))}
        chosen = {"key": "app", "operator": c.pick(("In", "NotIn")), "values": ["db"]}
        spec["selector"] = c.pick(({"matchLabels": {"app": "db"}}, {}, {"matchExpressions": [there, chosen]}))
    found: Object = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(c, "PodDisruptionBudget", name, namespace),
        "spec": spec,
    }
    if c.chance(4):
        return found
    counts = {name: c.number(3) for name in ("currentHealthy", "desiredHealthy", "disruptionsAllowed", "expectedPods")}
    return {**found, "status": c.pick((counts, {**counts, "observedGeneration": 9}, {}))}


def node(c: Choices, name: str) -> Object:
    """A Node of the API."""
    labels = {
        "kubernetes.io/hostname": name,
        **({"node-role.kubernetes.io/control-plane": ""} if "control" in name else {}),
    }
    found: Object = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "uid": f"uid-{name}", "labels": labels},
        "spec": {},
    }
    if c.chance(10):
        del found["metadata"]["labels"]
    if c.chance(4):
        found["spec"]["taints"] = c.some(TAINTS, 3)
    if c.chance(6):
        found["spec"]["unschedulable"] = True
    if c.chance(8):
        return found
    images = c.pick(
        ([], [{"names": ["docker.io/rancher/local-path-provisioner:v0.0.30"]}], [{"sizeBytes": 7}, {"names": None}])
    )
    ready = {"type": "Ready", "status": c.pick(("True", "True", "Unknown"))}
    return {**found, "status": {"conditions": [ready], "images": images}}


def _pod_spec(c: Choices, directories: tuple[str, ...], claims: tuple[str, ...]) -> Object:
    spec: Object = {
        "containers": [{"name": "c", **c.pick(({}, {"image": "i:1"}, {"image": "local-path-provisioner", "args": []}))}]
    }
    if not c.chance(4):
        spec["volumes"] = [_pod_volume(c, number, directories, claims) for number in range(c.number(4))]
    if c.chance(6):
        spec["nodeSelector"] = c.pick(
            ({"kubernetes.io/hostname": "k-worker"}, {}, {"kindlab.volumes/detached": "true"})
        )
    if c.chance(6):
        spec["tolerations"] = c.pick(([{"operator": "Exists"}], [{"key": "a", "value": "b"}], [{}]))
    if c.chance(8):
        term = {"matchExpressions": [{"key": "zone", "operator": "Exists"}]}
        selector = {"nodeSelectorTerms": [term]}
        spec["affinity"] = c.pick(
            ({}, {"nodeAffinity": {}}, {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": selector}})
        )
    if c.chance(12):
        spec["initContainers"] = [
            {"name": "i", "env": c.pick(([], [{"name": "VOL_DIR", "value": directories[0]}, {"name": "VOL_DIR"}]))}
        ]
    return spec


def _pod_volume(c: Choices, number: int, directories: tuple[str, ...], claims: tuple[str, ...]) -> Object:
    kind, name = c.number(8), f"v{number}"
    if kind < 4:
        return {
            "name": name,
            "persistentVolumeClaim": {"claimName": c.pick((*claims * 9, *CLAIMS, "gone"))},
        }
    if kind == 4:
        return {"name": "scratch", "ephemeral": {"volumeClaimTemplate": {"spec": {}}}}
    if kind == 5:
        return {"name": name, "hostPath": {"path": c.pick(directories), "type": ""}}
    return {"name": name, **c.pick(({"emptyDir": {}}, {"configMap": {"name": "m"}}, {"csi": {"driver": "d"}}))}


def _stateful(c: Choices) -> Object:
    found: Object = {"serviceName": ""}
    if not c.chance(3):
        templates = c.pick(([{"metadata": {"name": "data"}, "spec": {}}], [], [{"spec": {}}]))
        found["volumeClaimTemplates"] = templates
    if c.chance(2):
        kept = ("Retain", "Delete")
        found["persistentVolumeClaimRetentionPolicy"] = c.pick(
            ({}, {"whenScaled": c.pick(kept), "whenDeleted": c.pick(kept)})
        )
    if c.chance(6):
        found["ordinals"] = {"start": 1}
    return found


__all__ = ["KINDS", "WORKLOADS", "budget", "made_by", "node", "pod", "workload"]
