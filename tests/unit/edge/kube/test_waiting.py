"""Pods that wait for a restored claim are tried again at once, without a trace in any object."""

from __future__ import annotations

import copy

from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.waiting import retry_waiting_pods
from ansible_collections.kindlab.volumes.tests.unit.support.backups import claim
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import FakeCluster


def pod(name, claim_name, node="", phase="Pending", namespace="ns"):
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": claim_name}}]
    spec = {"volumes": volumes, **({"nodeName": node} if node else {})}
    return {"kind": "Pod", "metadata": {"name": name, "namespace": namespace}, "spec": spec, "status": {"phase": phase}}


def test_pods_that_wait_for_a_claim_are_tried_again():
    cluster = FakeCluster()
    for number in (1, 2, 3):
        cluster.put(claim(number))
    for item in (
        pod("waiting", "c1"),
        pod("also", "c1"),
        pod("started", "c2", node="k-worker"),
        pod("other", "c3", namespace="other"),
        pod("done", "c3", phase="Succeeded"),
    ):
        cluster.put(item)
    before = copy.deepcopy(cluster.objects)
    assert retry_waiting_pods(cluster, ["ns/c1", "ns/c2", "ns/c3"]) == ["ns/c1"]
    assert cluster.writes == [("patch", "PersistentVolumeClaim", "ns/c1")] * 2
    after = copy.deepcopy(cluster.objects)
    touched = after["PersistentVolumeClaim", "ns", "c1"]["metadata"]
    assert touched.pop("annotations") == {}
    touched["resourceVersion"] = before["PersistentVolumeClaim", "ns", "c1"]["metadata"]["resourceVersion"]
    assert after == before
    cluster.writes.clear()
    assert retry_waiting_pods(cluster, []) == []
    assert cluster.writes == []
