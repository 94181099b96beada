"""Objects of a recreation: which are created at zero, and what the result says of them."""

from __future__ import annotations

from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.workloads import RECORDED
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import Saved
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.contents.objects import (
    at_zero,
    refusals,
    summary,
    unread,
    unsaved_warning,
    warnings,
    without,
)


def item(kind: str, name: str, api: str = "apps/v1", **spec: Any) -> dict[str, Any]:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": "ns"}, "spec": spec}


def row(name: str, result: str, why: str = "", namespace: str = "ns") -> dict[str, str]:
    return {"kind": "Thing", "group": "x.io", "namespace": namespace, "name": name, "result": result, "why": why}


def test_only_some_workloads_are_created_at_zero() -> None:
    made = [
        item("Deployment", "web", replicas=3),
        item("Deployment", "other", replicas=3),
        item("Deployment", "web", "shop.example/v1", replicas=3),
        item("ConfigMap", "web", "v1"),
        item("CronJob", "web", "batch/v1", suspend=False),
    ]
    wanted = {"ns/Deployment/web", "ns/CronJob/web", "ns/ConfigMap/web"}
    web, *others, job = at_zero(Saved(made), wanted.__contains__).made
    assert (web["spec"]["replicas"], web["metadata"]["labels"]) == (0, {RECORDED: "replicas.3"})
    assert (job["spec"]["suspend"], job["metadata"]["labels"]) == (True, {RECORDED: "suspend.false"})
    assert others == made[1:4] and made[0]["spec"]["replicas"] == 3


def test_without_some() -> None:
    made = [item("Pod", "a", "v1"), item("Pod", "b", "v1")]
    assert without(Saved(made), made[:1]).made == made[1:]


def test_what_became_of_them() -> None:
    rows = [
        row("a", "equal"),
        row("b", "adapted", "another address"),
        row("c", "refused", "no kind"),
        row("d", "equal"),
    ]
    assert summary(rows) == {"count": 4, "adapted": 1, "refused": 1, "skipped": 0, "not_equal": rows[1:3]}
    assert [refusal.text() for refusal in refusals(rows)] == ["Thing ns/c: no kind"]
    assert refusals([row("c", "refused", "no", "")])[0].name == "Thing c"
    assert warnings(rows) == ("The new cluster does not have 1 object of the old one: Thing ns/c: no kind",)
    assert warnings(rows[:2]) == ()


def left(kind: str, why: str, name: str = "", group: str = "", namespace: str = "") -> dict[str, str]:
    return {"kind": kind, "group": group, "namespace": namespace, "name": name, "why": why}


LEFT_OUT = [
    left("Database", "it cannot be listed: conversion webhook failed", group="x.io"),
    left("*", "the server of this API group does not answer", group="metrics.k8s.io"),
    left("Node", "a backup of volumes has them"),
    left("Namespace", "it is being deleted", "old"),
    left("ConfigMap", "people changed it, but it belongs to the version", "kube-proxy", namespace="kube-system"),
    left("Deployment", "storage_provisioner installs it", "p", "apps", "storage"),
]


def test_what_cannot_be_read_would_be_lost() -> None:
    (refusal,) = unread(LEFT_OUT)
    assert refusal.text() == "Database.x.io: it cannot be listed: conversion webhook failed"
    assert "kubectl get database.x.io --all-namespaces" in refusal.next_step
    assert unread(LEFT_OUT[1:]) == []


def test_what_the_new_cluster_will_not_have_is_told() -> None:
    assert unsaved_warning(LEFT_OUT) == (
        "The new cluster will not have as they are: *.metrics.k8s.io (the server of this API group does not answer); "
        "Namespace old (it is being deleted); ConfigMap kube-system/kube-proxy (people changed it, but it belongs to "
        "the version).",
    )
    assert unsaved_warning([LEFT_OUT[2], LEFT_OUT[5]]) == ()
