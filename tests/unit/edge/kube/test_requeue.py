"""Pods that wait for claims are moved by writes to these claims, of which nothing is left."""

from __future__ import annotations

from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.requeue import TOUCHED, requeue
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import FakeCluster
from ansible_collections.kindlab.volumes.tests.unit.support.workloads import bound, pod

Object = dict[str, Any]


def waiting(name: str, *claims: str) -> Object:
    made = pod(name, *claims, phase="Pending")
    del made["spec"]["nodeName"]
    return made


class Scheduler(FakeCluster):
    """A scheduler that looks at a pod again when its claim is written, so many times late."""

    def __init__(self, *objects: Object, late: int = 0) -> None:
        super().__init__(*objects)
        self.late = late

    def patch(self, kind: str, name: str, change: Object, namespace: str = "", subresource: str = "") -> Object:
        written = super().patch(kind, name, change, namespace, subresource)
        self.late -= 1
        for item in self.list("Pod") if self.late < 0 else ():
            if any(v["persistentVolumeClaim"]["claimName"] == name for v in item["spec"]["volumes"]):
                self.put({**item, "spec": {**item["spec"], "nodeName": "k-worker"}})
        return written


def requeued(cluster: Scheduler, *claims: str) -> list[str]:
    return requeue(cluster, claims, 5, new_deadline=lambda seconds: Deadline(seconds, cluster.clock))


CLAIMS = (*bound("c"), *bound("d"))


def test_only_claims_of_waiting_pods_are_written_and_nothing_stays() -> None:
    cluster = Scheduler(*CLAIMS, waiting("p", "c"), pod("q", "d"), waiting("other", "x"))
    assert requeued(cluster, "ns/c", "ns/d") == []
    assert cluster.writes == [("patch", "PersistentVolumeClaim", "ns/c")] * 2
    claim = cluster.get("PersistentVolumeClaim", "c", "ns")
    assert claim is not None and TOUCHED not in claim["metadata"].get("annotations", {})


def test_nothing_is_written_without_waiting_pods() -> None:
    cluster = Scheduler(*CLAIMS, pod("q", "c"))
    assert (requeued(cluster, "ns/c"), cluster.writes) == ([], [])


def test_it_is_written_again_until_the_pod_has_a_node() -> None:
    cluster = Scheduler(*CLAIMS, waiting("p", "c"), late=2)
    assert requeued(cluster, "ns/c") == []
    assert (len(cluster.writes), cluster.now) == (4, 2)


def test_pods_that_wait_for_other_things_are_returned_in_time() -> None:
    cluster = Scheduler(*CLAIMS, waiting("p", "c"), late=99)
    assert requeued(cluster, "ns/c") == ["ns/p"]
    assert 5 <= cluster.now < 6


def test_a_claim_that_is_gone_is_not_written() -> None:
    assert requeued(Scheduler(waiting("p", "c")), "ns/c") == ["ns/p"]
