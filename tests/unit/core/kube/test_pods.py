"""Pods: workload, phase, claims and volumes."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.pods import (
    PodVolume,
    controllers,
    is_exempt_from_budgets,
    is_mirror,
    is_terminal,
    is_terminating,
    is_unscheduled,
    local_data,
    pods_by_claim,
    volumes_of,
    workload_of,
)
from ansible_collections.kindlab.volumes.tests.unit.support.drains import (
    NODES,
    WEB,
    claim,
    pod,
    using,
    volume,
    workload,
)


@pytest.mark.parametrize(
    ("made_by", "known", "text"),
    [
        ("", [], ""),
        ("ReplicaSet web", [WEB], "Deployment/web"),
        ("ReplicaSet web", [workload("ReplicaSet", "web")], "ReplicaSet/web"),
        ("ReplicaSet web", [workload("ReplicaSet", "web", "Rollout web")], "Rollout/web"),
        ("ReplicaSet web", [], ""),
        ("StatefulSet db", [workload("StatefulSet", "db")], "StatefulSet/db"),
        ("Job once", [workload("Job", "once", "CronJob nightly")], "CronJob/nightly"),
        ("DaemonSet d", [], ""),
        ("PostgresCluster db", [], "PostgresCluster/db"),
    ],
)
def test_what_makes_a_pod_again(made_by, known, text):
    owners = {item["metadata"]["uid"]: item for item in known}
    assert workload_of(pod("p", owner=made_by), owners).text() == text


def test_who_owns_but_does_not_control_makes_nothing():
    owned = pod("p")
    owned["metadata"]["ownerReferences"][0]["controller"] = False
    assert workload_of(owned, {"uid-web": WEB}).text() == ""


@pytest.mark.parametrize(
    ("other", "ended", "ending", "free", "waits"),
    [
        (pod("p"), False, False, False, False),
        (pod("p", None), False, False, True, True),
        (pod("p", phase="Pending"), False, False, True, False),
        (pod("p", phase="Failed"), True, False, True, False),
        (pod("p", phase="Succeeded"), True, False, True, False),
        (pod("p", deletionTimestamp="now"), False, True, True, False),
        (pod("p", None, deletionTimestamp="now"), False, True, True, False),
    ],
)
def test_where_a_pod_is_in_its_life(other, ended, ending, free, waits):
    assert (is_terminal(other), is_terminating(other), is_exempt_from_budgets(other), is_unscheduled(other)) == (
        ended,
        ending,
        free,
        waits,
    )


def test_a_static_pod():
    assert is_mirror(pod("p", annotations={"kubernetes.io/config.mirror": "hash"}))
    assert not is_mirror(pod("p"))


def test_data_that_goes_with_the_pod():
    volumes = [
        {"name": "tmp", "emptyDir": {}},
        {"name": "own", "ephemeral": {}},
        *using("c"),
        {"name": "x", "hostPath": {}},
    ]
    assert local_data(pod("p", volumes=[*volumes, {"name": "scratch", "ephemeral": {"volumeClaimTemplate": {}}}])) == (
        "tmp",
        "scratch",
    )
    assert local_data(pod("p")) == ()


@pytest.mark.parametrize(
    ("made", "bound", "expected"),
    [
        (volume("c", "w1"), True, [PodVolume("pv-c", "ns/c", ("w1",), True)]),
        (volume("c", "w2", "w1"), True, [PodVolume("pv-c", "ns/c", ("w1", "w2"), True)]),
        (volume("c"), True, [PodVolume("pv-c", "ns/c")]),
        (volume("c", "gone"), True, [PodVolume("pv-c", "ns/c", ("gone",), True)]),
        (volume("c", "w1"), False, []),
        (volume("other", "w1"), True, []),
    ],
)
def test_the_volumes_of_a_pod(made, bound, expected):
    volumes = {made["metadata"]["name"]: made}
    found = volumes_of(pod("p", volumes=using("c")), {"ns/c": claim("c", bound)}, volumes, NODES)
    assert found == tuple(expected)


def test_volumes_that_the_next_pod_does_not_get():
    own = pod("p", volumes=[{"name": "c", "ephemeral": {"volumeClaimTemplate": {}}}])
    assert volumes_of(own, {"ns/p-c": claim("p-c")}, {"pv-p-c": volume("p-c", "w1")}, NODES) == ()
    assert volumes_of(pod("p", volumes=using("none")), {}, {}, NODES) == ()


def test_pods_are_found_by_the_claims_they_name():
    pod = {
        "metadata": {"name": "p", "namespace": "ns"},
        "spec": {
            "nodeName": "n",
            "volumes": [
                {"name": "a", "persistentVolumeClaim": {"claimName": "c"}},
                {"name": "scratch", "ephemeral": {"volumeClaimTemplate": {}}},
                {"name": "x", "emptyDir": {}},
            ],
        },
        "status": {"phase": "Running"},
    }
    shown = {"namespace": "ns", "name": "p", "node": "n", "phase": "Running"}
    assert pods_by_claim([pod]) == {"ns/c": [shown], "ns/p-scratch": [shown]}


def test_controllers_that_own_each_other():
    one = {"metadata": {"uid": "1", "ownerReferences": [{"uid": "2", "controller": True}]}}
    two = {"metadata": {"uid": "2", "ownerReferences": [{"uid": "1", "controller": True}]}}
    owned = {"metadata": {"ownerReferences": [{"uid": "0"}, {"uid": "1", "controller": True}]}}
    assert controllers(owned, {"1": one, "2": two}) == [one, two]
    assert controllers(owned, {"1": one}) == [one]
    assert controllers(owned, {}) == []
