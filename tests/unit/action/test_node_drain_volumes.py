"""node_drain keeps the volumes of the pods that it evicts, and does not wait for a node that is not ready."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._action.node_drain import ARGUMENTS, run
from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Declined, TimedOut
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import ORIGINAL_POLICY, RETAINED_UNTIL
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import defaults
from ansible_collections.kindlab.volumes.tests.unit.support.backups import inspected
from ansible_collections.kindlab.volumes.tests.unit.support.drains import (
    NODES,
    WEB,
    Server,
    budget,
    claim,
    node,
    pod,
    using,
    volume,
    workload,
)
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import merge
from ansible_collections.kindlab.volumes.tests.unit.support.nodes import showing

OPTIONS = {**defaults(ARGUMENTS), "node": "w1", "engine": "docker", "cluster": "lab", "wait_timeout": 60}
DELETE = {"spec": {"persistentVolumeReclaimPolicy": "Delete"}}
BOUND = {"status": {"phase": "Bound"}}
GOING = {"metadata": {"deletionTimestamp": "now"}}
UNTIL = {ORIGINAL_POLICY: "Delete", RETAINED_UNTIL: "uncordoned"}
DEAD = {
    "status": {
        "conditions": [
            {
                "type": "Ready",
                "status": "Unknown",
                "reason": "NodeStatusUnknown",
                "message": "Kubelet stopped posting node status.",
            }
        ]
    }
}


def owned(name, *nodes):
    """A volume with policy Delete on these nodes, and its claim."""
    return merge(volume(name, *nodes), merge(DELETE, BOUND)), merge(claim(name), BOUND)


def server(*objects, **how):
    return Server(*NODES, WEB, *owned("c", "w1"), *owned("other", "w2"), *objects, stuck=["web"], **how)


def play(cluster, check_mode=False, **options):
    return run(
        {**OPTIONS, **options},
        check_mode,
        runner=showing(inspected("c", "lab", "control-plane"), inspected("w1", "lab", "worker")),
        connect=lambda *_where: cluster,
        new_deadline=lambda seconds: Deadline(seconds, cluster.clock),
        sleep=cluster.sleep,
    )


def policies(cluster):
    found = {}
    for pv in cluster.list("PersistentVolume"):
        annotations = pv["metadata"].get("annotations") or {}
        found[pv["metadata"]["name"]] = (pv["spec"]["persistentVolumeReclaimPolicy"], annotations)
    return found


UNTOUCHED = {"pv-c": ("Delete", {}), "pv-other": ("Delete", {})}
HOLDER = pod("a", volumes=using("c"))


def test_retain_comes_first_and_ends_with_the_uncordoning():
    cluster = server(HOLDER)
    checked = play(cluster, True)
    assert policies(cluster) == UNTOUCHED
    done = play(cluster)
    assert done == checked
    assert cluster.writes[:2] == [("patch", "PersistentVolume", "pv-c"), ("patch", "Node", "w1")]
    assert policies(cluster) == {**UNTOUCHED, "pv-c": ("Retain", UNTIL)}
    assert (done.before["reclaim_policies"], done.after["reclaim_policies"]) == ({"pv-c": "Delete"}, {"pv-c": "Retain"})
    again = play(cluster)
    assert (again.changed, again.before, again.after) == (False, done.after, done.after)
    # Another node was not drained for it.
    assert not play(cluster, node="w2", state="uncordoned", wait=False).changed
    back = play(cluster, state="uncordoned", wait=False)
    assert back.facts["reclaim_policies"] == [{"name": "pv-c", "claim": "ns/c", "before": "Retain", "after": "Delete"}]
    assert policies(cluster) == UNTOUCHED


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("number", [0, 1])
def test_a_pod_whose_volume_is_being_deleted_is_refused(check, number):
    cluster = server(merge(owned("c", "w1")[number], GOING), HOLDER)
    with pytest.raises(Declined, match=r"ns/c \(pv-c\): it or its claim is being deleted"):
        play(cluster, check, force=True, delete_emptydir_data=True)
    assert cluster.writes == []


def test_a_volume_of_another_pod_may_be_deleted_meanwhile():
    cluster = server(merge(owned("other", "w2")[1], GOING), HOLDER)
    assert play(cluster).changed


def test_a_node_that_is_restored_restores_the_policies():
    cluster = server(HOLDER, budget("web", ("maxUnavailable", 0), 1, 1, 1))
    with pytest.raises(TimedOut) as caught:
        play(cluster)
    assert caught.value.message.endswith("Node w1 was uncordoned again.")
    assert policies(cluster) == UNTOUCHED


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("options", [{}, {"force": True}, {"terminate_grace_period": 0}])
def test_a_node_that_is_not_ready_is_refused_at_once(check, options):
    cluster = server(merge(node("w1"), DEAD), pod("b"))
    with pytest.raises(Declined, match="w1: it is NotReady") as caught:
        play(cluster, check, **options)
    assert "(NodeStatusUnknown: Kubelet stopped posting node status); 1 pod on it" in caught.value.message
    assert "force=true and terminate_grace_period=0" in caught.value.next_step
    assert (cluster.writes, cluster.now) == ([], 0)


def test_its_pods_are_deleted_on_request_and_without_pods_there_is_nothing_to_refuse():
    cluster = server(merge(node("w1"), DEAD), pod("b"))
    assert play(cluster, force=True, terminate_grace_period=0).changed
    assert cluster.graces == {"b": 0}
    assert not play(cluster).changed


def test_a_node_that_dies_is_not_waited_for_and_not_uncordoned():
    cluster = server(pod("b"), deaf=["b"])

    def die(watched):
        watched.put(merge(watched.get("Node", "w1"), DEAD))

    cluster.react = die
    with pytest.raises(TimedOut, match="after 10 seconds: ns/b: was evicted but is still terminating") as caught:
        play(cluster)
    assert "Node w1 is NotReady" in caught.value.message
    assert "stays cordoned. Once it is ready: kubectl uncordon w1" in caught.value.message
    assert cluster.get("Node", "w1")["spec"]["unschedulable"] is True


def test_uncordoning_a_node_that_is_not_ready_says_so():
    (warning,) = play(server(merge(node("w1", cordoned=True), DEAD)), state="uncordoned").warnings
    assert "w1 is NotReady" in warning


@pytest.mark.parametrize("selectors", [[], [""]])
def test_an_empty_selector_does_not_evict_everything(selectors):
    cluster = server(pod("b"))
    with pytest.raises(BadInput, match="pod_selectors"):
        play(cluster, pod_selectors=selectors)
    assert cluster.writes == []


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet", "Job", "ReplicaSet"])
def test_a_controller_that_is_called_like_a_known_one_is_another(kind):
    """It is not looked up, so it is assumed to exist, and its pods are not those of a DaemonSet."""
    reference = {"apiVersion": "apps.demo.example/v1", "kind": kind, "name": "x", "uid": "uid-x", "controller": True}
    cluster = server(merge(pod("p", owner=""), {"metadata": {"ownerReferences": [reference]}}))
    (row,) = play(cluster).facts["pods"]
    assert (row["workload"], row["result"]) == (f"{kind}.apps.demo.example/x", "evicted")


def test_a_set_that_something_called_like_a_known_kind_made():
    reference = {"apiVersion": "apps.demo.example/v1", "kind": "DaemonSet", "name": "x", "uid": "u", "controller": True}
    made = merge(workload("StatefulSet", "db"), {"metadata": {"ownerReferences": [reference]}})
    (row,) = play(server(made, pod("db-0", owner="StatefulSet db"))).facts["pods"]
    assert (row["workload"], row["result"]) == ("DaemonSet.apps.demo.example/x", "evicted")
