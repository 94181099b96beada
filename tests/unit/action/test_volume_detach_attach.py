"""volume_detach with state attached: how long it waits, and what it says of pods that cannot start."""

from __future__ import annotations

import time

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError, TimedOut
from ansible_collections.kindlab.volumes.tests.unit.support.detaching import (
    C,
    attach,
    play,
    running,
)
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import merge
from ansible_collections.kindlab.volumes.tests.unit.support.workloads import Controlled, workload


def stuck(reason, message):
    """A cluster in which pods are created, and wait. It was detached."""
    waiting = {"name": "c", "ready": False, "state": {"waiting": {"reason": reason, "message": message}}}
    status = {"phase": "Pending", "containerStatuses": [waiting]}

    class Stuck(Controlled):
        def control(self):
            super().control()
            for made in self.list("Pod"):
                self.put(merge(made, {"status": status}))
            for item in self.list("Deployment"):
                self.put(merge(item, {"status": {"readyReplicas": 0}}))

    cluster = running(*C, workload("Deployment", "web", "c"), cluster=Stuck)
    cluster.react = Stuck.control
    play(cluster)
    return cluster


MISSING = ("CreateContainerConfigError", 'configmap "web-config" not found')


def test_what_cannot_start_is_told_at_once_with_the_reason():
    cluster = stuck(*MISSING)
    with pytest.raises(KindlabError, match='pod ns/web-1-0 is CreateContainerConfigError: configmap "web-c') as caught:
        attach(cluster, wait=True, wait_timeout=300)
    assert not isinstance(caught.value, TimedOut)
    assert "kubectl -n ns describe pod web-1-0" in caught.value.next_step
    assert 5 <= cluster.now <= 8
    assert cluster.get("Deployment", "web", "ns")["spec"]["replicas"] == 1


def test_what_may_start_later_is_waited_for_and_explained():
    cluster = stuck("CrashLoopBackOff", "back-off 10s")
    with pytest.raises(TimedOut, match="1 workload is not ready after 60 seconds: ns/Deployment/web: pod ns/web-1-0"):
        attach(cluster, wait=True)
    assert 60 <= cluster.now < 63


def test_a_workload_that_somebody_deletes_is_not_waited_for():
    cluster = stuck("CrashLoopBackOff", "back-off 10s")
    controlled = cluster.react

    def delete(watched):
        controlled(watched)
        if watched.now > 10:
            watched.objects.pop(("Deployment", "ns", "web"), None)

    cluster.react = delete
    assert attach(cluster, wait=True).changed
    assert cluster.now < 20


def mounting(cluster, until):
    """A stuck cluster in which kubelet finds no Secret, and tells so whenever it tries, until then."""
    began, controlled = time.time(), cluster.react

    def retry(watched):
        controlled(watched)
        tries = [seconds for seconds in (0, 0.5, 1.5, 3.5, 7.5, 15.5) if seconds <= min(watched.now, until)]
        for made in watched.list("Pod"):
            watched.put(
                {
                    "kind": "Event",
                    "type": "Warning",
                    "reason": "FailedMount",
                    "metadata": {"namespace": "ns", "name": "e"},
                    "involvedObject": {"kind": "Pod", "uid": made["metadata"]["uid"]},
                    "message": 'MountVolume.SetUp failed for volume "cfg" : secret "s" not found',
                    "lastTimestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began + tries[-1])),
                }
            )

    cluster.react = retry


def test_a_secret_that_stays_missing_is_told_once_kubelet_tried_again():
    cluster = stuck("ContainerCreating", "")
    mounting(cluster, until=60)
    with pytest.raises(KindlabError, match="FailedMount: MountVolume") as caught:
        attach(cluster, wait=True, wait_timeout=300)
    assert not isinstance(caught.value, TimedOut)
    assert cluster.now <= 12
    assert "told_at" not in caught.value.details[0]


def test_a_secret_that_comes_late_is_no_reason_to_give_up():
    """The last event says for an hour that it is missing."""
    cluster = stuck("ContainerCreating", "")
    mounting(cluster, until=3)
    with pytest.raises(TimedOut):
        attach(cluster, wait=True)
    assert cluster.now >= 60


def test_without_waiting_what_is_visible_is_a_warning():
    cluster = stuck(*MISSING)
    cluster.put(merge(cluster.get("Deployment", "web", "ns"), {"spec": {"replicas": 1}}))
    cluster.control()
    (warning,) = attach(cluster).warnings
    assert warning.startswith("ns/Deployment/web: pod ns/web-1-0 is CreateContainerConfigError")
    assert cluster.now == 0


def test_without_obstacles_there_is_no_warning():
    cluster = running(*C, workload("Deployment", "web", "c"))
    play(cluster)
    assert attach(cluster).warnings == ()
