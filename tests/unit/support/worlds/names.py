"""Names and metadata of drawn objects: few names, so that references often meet, and odd ones that Kubernetes takes."""

from __future__ import annotations

from typing import Any

from .choices import Choices

Object = dict[str, Any]

CLUSTER = "k"
NODES = ("k-control-plane", "k-worker", "k-worker2")
NAMESPACES = ("ns", "default", "kube-system", "0")
LONG = "x" * 253
CLAIMS = ("c", "data-db-0", "data-db-1", "p-scratch", "a.b", "data-db-01")
VOLUMES = ("pv-1", "pvc-8a0e", "a.b.c", LONG)
CLASSES = ("standard", "", "other", "gone")
WORKLOADS = ("db", "web", "a.b")
PODS = ("p", "db-0", "web-1")

# Kinds that control pods, each with its API version: of Kubernetes, and of others whose kinds have the same names.
CONTROLLERS = (
    ("apps/v1", "Deployment"),
    ("apps/v1", "ReplicaSet"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("batch/v1", "Job"),
    ("batch/v1", "CronJob"),
    ("v1", "ReplicationController"),
    ("v1", "Pod"),
    ("v1", "Node"),
    ("apps.demo.example/v1", "StatefulSet"),
    ("batch.demo.example/v1alpha1", "Job"),
    ("demo.example/v1", "Database"),
)


def uid(kind: str, namespace: str, name: str) -> str:
    """The uid of a drawn object, which others can refer to."""
    return f"uid-{kind}-{namespace}-{name}"


def metadata(c: Choices, kind: str, name: str, namespace: str = "") -> Object:
    """With what the API server always sets, and anything else that may be there or not."""
    found: Object = {"name": name, "uid": uid(kind, namespace, name)}
    if namespace:
        found["namespace"] = namespace
    if c.chance(3):
        found["labels"] = c.pick(({"app": "db"}, {}, {"app": "web", "a/b": ""}))
    if c.chance(4):
        found["annotations"] = c.pick(
            ({}, {"note": "a: b\n{"}, {"kubectl.kubernetes.io/last-applied-configuration": "{"})
        )
    if c.chance(4):
        found["generation"] = 1 + c.number(3)
    if c.chance(4):
        found["creationTimestamp"] = "2026-01-02T03:04:05Z"
    if c.chance(16):
        # Nothing that is deleted stays without a finalizer, except pods that have not ended.
        found["deletionTimestamp"] = "2026-01-02T03:04:05Z"
        found["deletionGracePeriodSeconds"] = 0
        if kind != "Pod" or c.chance(8):
            found["finalizers"] = ["example.com/kept"]
    elif c.chance(8):
        found["finalizers"] = c.pick((["kubernetes.io/pv-protection"], [])) if kind.startswith("Persistent") else []
    return found


# Nothing but these makes pods.
OF_PODS = tuple(pair for pair in CONTROLLERS if pair[1] not in ("CronJob", "Deployment"))


def owners(c: Choices, namespace: str, kinds: tuple[tuple[str, str], ...] = CONTROLLERS) -> Object:
    """ownerReferences as a part of metadata, {} for none. They may lead nowhere, or in a circle."""
    if not c.chance(2):
        return {}
    return {"ownerReferences": [_owner(c, namespace, kinds) for _turn in range(c.number(3))]}


def _owner(c: Choices, namespace: str, kinds: tuple[tuple[str, str], ...]) -> Object:
    version, kind = c.pick(kinds)
    name = c.pick((*WORKLOADS, *PODS))
    # Objects of other groups have uids of their own.
    found = {"apiVersion": version, "kind": kind, "name": name}
    found["uid"] = uid(kind, namespace, name) if "." not in version else f"uid-of-{version}-{name}"
    if not c.chance(4):
        found["controller"] = True
    return found
