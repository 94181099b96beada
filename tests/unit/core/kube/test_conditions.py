"""Readiness by kind, completed rollouts, and the default storage class."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.conditions import (
    DEFAULT_ANNOTATIONS,
    is_default_class,
    is_ready,
    rollout_complete,
)
from ansible_collections.kindlab.volumes.tests.unit.support.provisioners import deployment
from ansible_collections.kindlab.volumes.tests.unit.support.workloads import daemon, stateful, workload


@pytest.mark.parametrize(
    ("item", "status", "ready"),
    [
        (workload("Deployment", "a", replicas=2), {"readyReplicas": 2, "observedGeneration": 1}, True),
        (workload("Deployment", "a", replicas=2), {"readyReplicas": 1, "observedGeneration": 1}, False),
        (workload("Deployment", "a", replicas=2), {"readyReplicas": 2}, False),
        (workload("Deployment", "a", replicas=0), {"observedGeneration": 1}, True),
        (workload("Deployment", "a", replicas=1), None, False),
        (workload("Deployment", "a", replicas=1), {"observedGeneration": 1}, False),
        (stateful("a"), {"readyReplicas": 1, "observedGeneration": 2}, True),
        (daemon("a"), {"numberReady": 1, "desiredNumberScheduled": 1, "observedGeneration": 1}, True),
        (daemon("a"), {"observedGeneration": 1}, True),
        (daemon("a"), {"desiredNumberScheduled": 1, "observedGeneration": 1}, False),
        (daemon("a"), {"numberReady": 1, "desiredNumberScheduled": 1, "observedGeneration": 0}, False),
        (workload("Job", "a"), None, True),
        (workload("CronJob", "a"), {}, True),
    ],
)
def test_workload_is_ready(item, status, ready):
    assert is_ready({**item, "status": status}) is ready


@pytest.mark.parametrize(
    ("kind", "status", "ready"),
    [
        ("Node", {"conditions": [{"type": "Ready", "status": "True"}]}, True),
        ("Node", {"conditions": [{"type": "Ready", "status": "Unknown"}]}, False),
        ("Node", None, False),
        ("Pod", {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}, True),
        ("Pod", {"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}]}, False),
        ("Pod", {"phase": "Pending"}, False),
        ("Pod", {"phase": "Succeeded", "conditions": [{"type": "Ready", "status": "False"}]}, True),
        ("Pod", {"phase": "Failed"}, True),
        ("ServiceAccount", None, True),
    ],
)
def test_node_or_pod_is_ready(kind, status, ready):
    assert is_ready({"kind": kind, "metadata": {"name": "a"}, "status": status}) is ready


@pytest.mark.parametrize(
    "change, complete",
    [
        ({}, True),
        ({"status": {}}, False),
        ({"status": {"observedGeneration": 0}}, False),
        ({"status": {"replicas": 2}}, False),
        ({"status": {"updatedReplicas": 0}}, False),
        ({"status": {"availableReplicas": 0}}, False),
        ({"metadata": {"deletionTimestamp": "now"}}, False),
        ({"metadata": {"generation": 2}}, False),
    ],
)
def test_served(change, complete):
    item = deployment()
    for part, fields in change.items():
        item[part] = {**item[part], **fields} if fields else {}
    assert rollout_complete(item) is complete


def test_pods_of_an_old_template_are_ready_but_do_not_complete_a_rollout():
    item = deployment()
    item["status"] = {**item["status"], "readyReplicas": 1, "updatedReplicas": 0}
    assert is_ready(item) and not rollout_complete(item)


@pytest.mark.parametrize("annotation", DEFAULT_ANNOTATIONS)
def test_default_class(annotation):
    assert is_default_class({"metadata": {"annotations": {annotation: "true"}}})
    assert not is_default_class({"metadata": {"annotations": {annotation: "false"}}})
    assert not is_default_class({"metadata": {"annotations": None}})
