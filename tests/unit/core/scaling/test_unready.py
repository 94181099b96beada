"""Why workloads are not ready, from their pods, conditions and events."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.scaling.unready import (
    cannot_start,
    not_ready,
    obstacles,
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


WEB = {"kind": "Deployment", "metadata": {"name": "web", "namespace": "ns", "uid": "u-web"}, "status": {}}
WEB_1 = {
    "kind": "ReplicaSet",
    "metadata": {
        "name": "web-1",
        "namespace": "ns",
        "uid": "u-web-1",
        "ownerReferences": [{"controller": True, "uid": "u-web"}],
    },
    "status": {},
}
DB = {"kind": "StatefulSet", "metadata": {"name": "db", "namespace": "ns", "uid": "u-db"}, "status": {}}
NOW = "2026-11-23T07:00:00Z"


def owned(made, by="u-web-1", **metadata):
    own = {"uid": f"u-{made['metadata']['name']}", "ownerReferences": [{"controller": True, "uid": by}], **metadata}
    return {**made, "metadata": {**made["metadata"], **own}}


def waits(reason, message=""):
    return owned(pod(**container(state={"waiting": {"reason": reason, "message": message}})))


def about(kind, uid, message, reason="FailedCreate", when="2026-11-23T07:00:05Z"):
    return {**event(message, when=when, reason=reason), "involvedObject": {"kind": kind, "uid": uid}}


def found(*pods, events=(), replica_set=None):
    sets = [replica_set or WEB_1]
    return [(o.pod, o.reason, o.message, o.final) for o in obstacles([WEB, DB], pods, sets, events, NOW)]


@pytest.mark.parametrize(
    ("reason", "message", "final"),
    [
        ("CreateContainerConfigError", 'configmap "web-config" not found', True),
        ("CreateContainerConfigError", "failed to sync configmap cache: timed out waiting for the condition", False),
        ("InvalidImageName", 'Failed to apply default image tag "A B"', True),
        ("ErrImageNeverPull", "", True),
        ("ImagePullBackOff", 'Back-off pulling image "x": ErrImagePull: "x": not found', True),
        ("ErrImagePull", "pull access denied, repository does not exist", True),
        ("ErrImagePull", "dial tcp: lookup registry: no such host", False),
        ("CrashLoopBackOff", "back-off 10s restarting failed container", False),
    ],
)
def test_pods_that_cannot_start(reason, message, final):
    assert found(waits(reason, message)) == [("ns/p-1", reason, message, final)]


@pytest.mark.parametrize(
    ("reason", "message", "final"),
    [
        ("FailedMount", 'MountVolume.SetUp failed for volume "cfg" : secret "s" not found', True),
        (
            "FailedMount",
            'MountVolume.SetUp failed for volume "v" : hostPath type check failed: no directory',
            True,
        ),
        ("FailedMount", 'MountVolume.SetUp failed for volume "t" : configmap "kube-root-ca.crt" not found', False),
        ("FailedMount", "Unable to attach or mount volumes: timed out waiting for the condition", False),
        ("Unhealthy", "Readiness probe failed: connection refused", False),
        ("FailedCreatePodSandBox", 'plugin type="bridge" failed (add): network "cni" not found', False),
    ],
)
def test_pods_that_are_explained_by_their_events(reason, message, final):
    starting = waits("ContainerCreating")
    events = [about("Pod", "u-p-1", "older", reason), about("Pod", "u-p-1", message, reason, "2026-11-23T07:00:09Z")]
    assert found(starting, events=events) == [("ns/p-1", reason, message, final)]
    assert found(starting, events=[about("Pod", "u-another", message, reason)]) == []


def test_a_pod_that_no_node_fits():
    assert found(owned(NOWHERE)) == [("ns/p-1", "Unschedulable", "0/2 nodes", False)]
    conditions = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]
    message = 'persistentvolumeclaim "c" not found'
    missing = owned(pod(conditions=[{**conditions[0], "message": message}]))
    assert found(missing) == [("ns/p-1", "Unschedulable", message, True)]
    soon = f"0/2 nodes are available: waiting for ephemeral volume controller to create the {message}"
    waiting = owned(pod(conditions=[{**conditions[0], "message": soon}]))
    assert found(waiting) == [("ns/p-1", "Unschedulable", soon, False)]


QUOTA = 'pods "web-1-x" is forbidden: exceeded quota: q'
FAILED = [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": QUOTA}]


def test_pods_that_may_not_be_created():
    assert found(replica_set={**WEB_1, "status": {"conditions": FAILED}}) == [("", "FailedCreate", QUOTA, True)]
    assert found(events=[about("StatefulSet", "u-db", "create Pod failed: webhook: EOF")]) == [
        ("", "FailedCreate", "create Pod failed: webhook: EOF", False)
    ]
    # From before it was scaled up.
    assert found(events=[about("StatefulSet", "u-db", QUOTA, when="2026-11-23T06:59:00Z")]) == []


def test_pods_that_were_created_after_one_was_refused():
    """Somebody raised the quota: what is in their way is told by themselves."""
    refused = about("StatefulSet", "u-db", QUOTA, when="2026-11-23T07:00:05Z")
    later = owned(pod("db-0", "2026-11-23T07:00:06Z"), "u-db")
    assert found(later, events=[refused]) == []
    before = owned(pod("db-0", "2026-11-23T07:00:05Z"), "u-db")
    assert found(before, events=[refused]) == [("", "FailedCreate", QUOTA, True)]


def test_nothing_is_in_the_way_of_pods_that_run_start_or_end():
    ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    going = owned(pod(**container(state={"waiting": {"reason": "InvalidImageName"}})), deletionTimestamp=NOW)
    others = owned(pod(**container(state={"waiting": {"reason": "InvalidImageName"}})), "u-another")
    assert found(owned(pod(**ready)), waits("ContainerCreating"), owned(pod()), going, others) == []


def test_one_obstacle_per_workload_and_reason():
    pods = [waits("InvalidImageName"), waits("InvalidImageName"), owned(pod("db-0", **CRASH["status"]), "u-db")]
    assert [(o.workload, o.reason) for o in obstacles([WEB, DB], pods, [WEB_1], [])] == [
        ("ns/Deployment/web", "InvalidImageName"),
        ("ns/StatefulSet/db", "CrashLoopBackOff"),
    ]


def test_the_errors_name_workload_pod_reason_and_a_command():
    one, other = obstacles(
        [WEB, DB],
        [waits("CreateContainerConfigError", 'secret "s" not found')],
        [WEB_1],
        [about("StatefulSet", "u-db", QUOTA)],
    )
    error = cannot_start([one, other])
    assert error.message == (
        "2 workloads cannot start, and will not without a change: ns/Deployment/web: pod ns/p-1 is "
        'CreateContainerConfigError: secret "s" not found; ns/StatefulSet/db: no pod is created, FailedCreate: '
        f"{QUOTA}."
    )
    assert error.next_step.endswith("kubectl -n ns describe pod p-1")
    assert [row["workload"] for row in error.details] == ["ns/Deployment/web", "ns/StatefulSet/db"]
    late = not_ready(["ns/Deployment/web", "ns/ReplicaSet/r"], [one], 300, "kubectl -n ns describe replicaset r")
    assert late.message.startswith("2 workloads are not ready after 300 seconds: ns/Deployment/web: pod ns/p-1 is")
    assert late.message.endswith("; ns/ReplicaSet/r.")
    assert late.next_step == "kubectl -n ns describe pod p-1"
    unknown = not_ready(["ns/ReplicaSet/r"], [], 300, "kubectl -n ns describe replicaset r")
    assert (unknown.next_step, unknown.details) == ("kubectl -n ns describe replicaset r", ["ns/ReplicaSet/r"])
