"""Why workloads are not ready, from their pods, conditions and events."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.scaling.unready import (
    why_not_ready,
)


def pod(name="p-1", created="2026-01-01T00:00:00Z", **status):
    metadata = {"name": name, "namespace": "ns", "creationTimestamp": created}
    return {"kind": "Pod", "metadata": metadata, "status": {"phase": "Pending", **status}}


def container(**state):
    return {"containerStatuses": [{"name": "c", "image": "some/image:1", "ready": False, **state}]}


def event(message, pod_name="p-1", when="2026-01-01T00:00:01Z", kind="Warning", reason="Failed"):
    about = {"metadata": {"name": "e"}, "type": kind, "reason": reason, "lastTimestamp": when}
    return {**about, "involvedObject": {"name": pod_name}, "message": message}


PULL = pod(**container(state={"waiting": {"reason": "ImagePullBackOff", "message": "no such host"}}))
ENDED = {"terminated": {"reason": "Error", "exitCode": 1, "message": "panic: no config\n"}}
CRASH = pod(**container(state={"waiting": {"reason": "CrashLoopBackOff"}}, lastState=ENDED))
NOWHERE = pod(
    conditions=[
        {"type": "Ready", "status": "False"},
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/2 nodes"},
    ]
)


@pytest.mark.parametrize(
    "pods, events, why, next_step",
    [
        (
            [PULL],
            [event("older"), event("Error: pull", when="2026-01-01T00:00:09Z"), event("fine", kind="Normal")],
            "pod p-1 is ImagePullBackOff; no such host; last event Failed: Error: pull",
            "Load some/image:1 into the nodes with kindlab.volumes.kind_image, or use an image that they have.",
        ),
        (
            [CRASH],
            [event("another pod's", "p-2")],
            "pod p-1 is CrashLoopBackOff; exit code 1: panic: no config",
            "kubectl -n ns logs --previous p-1",
        ),
        ([NOWHERE], [event("0/2 nodes")], "pod p-1 is Unschedulable; 0/2 nodes", "kubectl -n ns describe pod p-1"),
        ([pod()], [], "pod p-1 is Pending", "kubectl -n ns describe pod p-1"),
        (
            [pod("p-0", "2025-12-31T00:00:00Z"), PULL],
            [],
            "pod p-1 is ImagePullBackOff; no such host",
            "Load some/image:1 into the nodes with kindlab.volumes.kind_image, or use an image that they have.",
        ),
        (
            [],
            [event("exceeded quota", "rs-1", reason="FailedCreate")],
            "no pod was created; FailedCreate: exceeded quota",
            "kubectl -n ns describe replicasets",
        ),
        ([], [], "no pod was created", "kubectl -n ns describe replicasets"),
    ],
)
def test_why_not_ready(pods, events, why, next_step):
    assert why_not_ready("ns", pods, events) == (why, next_step)


def test_the_replica_sets_of_a_deployment_without_pods_are_described():
    assert why_not_ready("ns", [], [], "app=a,x=y")[1] == "kubectl -n ns describe replicasets -l app=a,x=y"


def test_an_event_without_lasttimestamp_is_dated_by_its_eventtime():
    new = {**event("new"), "lastTimestamp": None, "eventTime": "2026-01-02T00:00:00.000000Z"}
    assert why_not_ready("ns", [pod()], [new, event("old")])[0] == "pod p-1 is Pending; last event Failed: new"
