"""Samples for the tests of drains: a cluster of three nodes, its pods and budgets, and a server that evicts."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.drain.model import READ, Observed, Request
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Conflict
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.budgets import read_budget
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.pods import is_exempt_from_budgets
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.resources import RESOURCES
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import FakeCluster

Object = dict[str, Any]

MASTER_TAINT = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
CORDON_TAINT = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
ANYWHERE = [{"operator": "Exists"}]


def node(name: str, *taints: Object, ready: bool = True, cordoned: bool = False, **labels: str) -> Object:
    """A node as the API shows it; a label 'zone' is given as zone='a'."""
    all_taints = [*taints, *([CORDON_TAINT] if cordoned else [])]
    spec = {**({"unschedulable": True} if cordoned else {}), **({"taints": all_taints} if all_taints else {})}
    return {
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, **labels}},
        "spec": spec,
        "status": {"conditions": [{"type": "Ready", "status": "True" if ready else "Unknown"}]},
    }


def master(name: str = "c", **how: Any) -> Object:
    """A control plane node."""
    made = node(name, MASTER_TAINT, **how)
    made["metadata"]["labels"][MASTER_TAINT["key"]] = ""
    return made


NODES = (master(), node("w1"), node("w2"))


def pod(name: str, on: str | None = "w1", owner: str = "ReplicaSet web", **spec: Any) -> Object:
    """A pod that runs and is ready; without a node it is Pending. owner: 'Kind name', '' for none.

    labels, phase, ready, annotations and deletionTimestamp go where they belong, all else into its spec.
    """
    kind, _space, made_by = owner.partition(" ")
    reference = _reference(kind, made_by, f"uid-{made_by}")
    phase = spec.pop("phase", "Running" if on else "Pending")
    ready = spec.pop("ready", phase == "Running")
    own = {key: spec.pop(key) for key in ("labels", "annotations", "deletionTimestamp", "namespace") if key in spec}
    labels = {"app": made_by} if made_by else {}
    metadata = {"name": name, "namespace": "ns", "uid": f"uid-{name}", "labels": labels, **own}
    return {
        "kind": "Pod",
        "metadata": {**metadata, **({"ownerReferences": [reference]} if kind else {})},
        "spec": {**({"nodeName": on} if on else {}), **spec},
        "status": {"phase": phase, "conditions": [{"type": "Ready", "status": str(bool(ready))}]},
    }


def _reference(kind: str, name: str, uid: str) -> Object:
    known = RESOURCES[kind][0].split("/", 2)[2] if kind in RESOURCES else "example.com/v1"
    return {"apiVersion": known, "kind": kind, "name": name, "uid": uid, "controller": True}


def using(*claims: str) -> list[Object]:
    """The volumes of a pod that uses these claims."""
    return [{"name": claim, "persistentVolumeClaim": {"claimName": claim}} for claim in claims]


def workload(kind: str, name: str, above: str = "", namespace: str = "ns") -> Object:
    """A controller of pods; above: 'Kind name' of its own controller."""
    kind_above, _space, made_by = above.partition(" ")
    reference = _reference(kind_above, made_by, f"uid-{made_by}-above")
    metadata = {"name": name, "namespace": namespace, "uid": f"uid-{name}"}
    return {"kind": kind, "metadata": {**metadata, **({"ownerReferences": [reference]} if above else {})}}


WEB = workload("ReplicaSet", "web", "Deployment web")


def volume(name: str, *nodes: str) -> Object:
    """A volume of the claim ns/<name> that these nodes can have, or all of them."""
    term = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": list(nodes)}]}
    affinity = {"nodeAffinity": {"required": {"nodeSelectorTerms": [term]}}} if nodes else {}
    claimed = {"claimRef": {"namespace": "ns", "name": name}}
    return {"kind": "PersistentVolume", "metadata": {"name": f"pv-{name}"}, "spec": {**claimed, **affinity}}


def claim(name: str, bound: bool = True) -> Object:
    """The claim ns/<name> of the volume pv-<name>."""
    spec = {"volumeName": f"pv-{name}"} if bound else {}
    return {"kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": "ns"}, "spec": spec}


# A claim whose volume is on w1.
ON_W1 = (volume("c", "w1"), claim("c"))


def budget(
    name: str,
    wants: Sequence[str | int] = ("maxUnavailable", 1),
    desired: int = 1,
    healthy: int = 2,
    expected: int = 2,
    *,
    seen: bool = True,
    **spec: Any,
) -> Object:
    """A budget for the pods with the label app=<name>."""
    status = {
        "desiredHealthy": desired,
        "currentHealthy": healthy,
        "expectedPods": expected,
        "disruptionsAllowed": max(0, healthy - desired),
        "observedGeneration": 1 if seen else 0,
    }
    chosen = {wants[0]: wants[1], "selector": {"matchLabels": {"app": name}}, **spec}
    metadata = {"name": name, "namespace": "ns", "generation": 1}
    return {"kind": "PodDisruptionBudget", "metadata": metadata, "spec": chosen, "status": status}


def seen(*objects: Object) -> Observed:
    """These objects as a plan reads them; with the nodes of NODES, unless there are some."""
    given = objects if any(item["kind"] == "Node" for item in objects) else (*NODES, *objects)
    return Observed.from_objects({kind: [item for item in given if item["kind"] == kind] for kind in READ})


def request(node: str = "w1", state: str = "drained", **how: Any) -> Request:
    """A request that overrides every refusal by default."""
    return Request("lab", node, state, **{"force": True, "delete_emptydir_data": True, "wait_timeout": 9, **how})


class Server(FakeCluster):
    """A cluster whose API server evicts as the budgets allow, and whose controllers recreate the pods.

    graces: pod -> the grace period of its eviction. deaf: pods that do not end. stuck: workloads whose pods have no
    node but w1. Budgets count again whenever somebody watches.
    """

    def __init__(self, *objects: Object, deaf: Sequence[str] = (), stuck: Sequence[str] = ()) -> None:
        super().__init__(*objects)
        self.graces: dict[str, int | None] = {}
        self.refused: list[str] = []
        self.deaf, self.stuck = deaf, stuck
        self.react = Server.count
        self.now = 0.0
        self._new = itertools.count(1)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def evict(self, name: str, namespace: str, uid: str, grace_period: int | None = None) -> str:
        found = self.get("Pod", name, namespace)
        if found is None:
            return ""
        if found["metadata"]["uid"] != uid:
            raise Conflict("the UID in the precondition does not match")
        why = self._refusal(found)
        if why:
            self.refused.append(name)
            return why
        self._write("evict", ("Pod", namespace, name))
        self.graces[name] = grace_period
        if name in self.deaf:
            self.put({**found, "metadata": {**found["metadata"], "deletionTimestamp": "now"}})
            return ""
        del self.objects["Pod", namespace, name]
        self._make_again(found)
        return ""

    def count(self) -> None:
        """What the disruption controller does: count the pods of each budget."""
        for item in self.list("PodDisruptionBudget"):
            guarded = [p for p in self.list("Pod") if read_budget(item).selects_pod(p)]
            healthy = sum(p["status"]["conditions"][0]["status"] == "True" for p in guarded)
            allowed = max(0, healthy - item["status"]["desiredHealthy"])
            status = {**item["status"], "currentHealthy": healthy, "disruptionsAllowed": allowed}
            self.put({**item, "status": status})

    def _refusal(self, asked: Object) -> str:
        guarding = [item for item in self.list("PodDisruptionBudget") if read_budget(item).selects_pod(asked)]
        if is_exempt_from_budgets(asked) or not guarding:
            return ""
        if len(guarding) > 1:
            return "This pod has more than one PodDisruptionBudget"
        (item,) = guarding
        if read_budget(item).applies_to(asked):
            if not item["status"]["disruptionsAllowed"]:
                return f"The disruption budget {item['metadata']['name']} allows none"
            item["status"]["disruptionsAllowed"] -= 1
            self.put(item)
        return ""

    def _make_again(self, gone: Object) -> None:
        references = gone["metadata"].get("ownerReferences")
        if not references or is_exempt_from_budgets(gone):
            return
        kind, name = references[0]["kind"], references[0]["name"]
        where = None if name in self.stuck else "w2"
        spec = {key: value for key, value in gone["spec"].items() if key != "nodeName"}
        called = gone["metadata"]["name"] if kind == "StatefulSet" else f"{name}-new{next(self._new)}"
        again = pod(called, where, f"{kind} {name}", **spec)
        # The server gives it a uid of its own.
        del again["metadata"]["uid"]
        self.put(again)
