"""What a detachment tells of owners and volumes, and why it did not come about."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach import report
from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.holders import Held
from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.plan import Plan, Step
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube import workloads
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import merge
from ansible_collections.kindlab.volumes.tests.unit.support.workloads import daemon, owner, pod, stateful

A, B = Volume("pv-a", "ns/a"), Volume("pv-b")
HELD = Held("has open /data/a/x", "w1", "ns/p", "postgres", 12)
AS_DICT = {
    "why": "has open /data/a/x",
    "node": "w1",
    "pod": "ns/p",
    "process": "postgres",
    "pid": 12,
    "text": "postgres (pid 12) of pod ns/p on w1 has open /data/a/x",
}


def plan(*steps, **more):
    return Plan((A, B), (), steps, **more)


def stopping(item):
    return Step(item, workloads.state(item), workloads.scale_down_patch(item))


def scale_up_patch(item):
    now = merge(item, workloads.scale_down_patch(item))
    return Step(now, workloads.recorded(now), workloads.scale_up_patch(now, workloads.recorded(now)))


def line(kind, name, had, has, result):
    return {"kind": kind, "namespace": "ns", "name": name, "had": had, "has": has, "result": result}


DB = stateful("db", replicas=3, scaled="Delete")


def test_owners_that_are_brought_to_zero():
    at_zero = Step(merge(DB, workloads.scale_down_patch(DB)), {"replicas": 3, "whenScaled": "Delete"})
    found = plan(stopping(owner("CronJob", "c")), stopping(daemon("d")), at_zero)
    assert report.owner_lines(found, detached=True) == [
        line("CronJob", "c", {"suspend": False}, {"suspend": True}, "detached"),
        line("DaemonSet", "d", {"scheduled": True}, {"scheduled": False}, "detached"),
        line("StatefulSet", "db", {"replicas": 3}, {"replicas": 0}, "unchanged"),
    ]
    assert report.before_after(found, detached=True) == (
        {
            "owners": {
                "ns/CronJob/c": {"suspend": False},
                "ns/DaemonSet/d": {"scheduled": True},
                "ns/StatefulSet/db": {"replicas": 0},
            },
            "pods": [],
        },
        {
            "owners": {
                "ns/CronJob/c": {"suspend": True},
                "ns/DaemonSet/d": {"scheduled": False},
                "ns/StatefulSet/db": {"replicas": 0},
            },
            "pods": [],
        },
    )


def test_owners_that_get_something_back():
    made = Step(owner("Deployment", "web", replicas=2), {"replicas": 2}, missing=True)
    found = plan(scale_up_patch(DB), scale_up_patch(daemon("d")), made)
    assert report.owner_lines(found, detached=False) == [
        line("StatefulSet", "db", {"replicas": 3}, {"replicas": 3}, "attached"),
        line("DaemonSet", "d", {"scheduled": True}, {"scheduled": True}, "attached"),
        line("Deployment", "web", {"replicas": 2}, {"replicas": 2}, "created"),
    ]
    before, after = report.before_after(found, detached=False)
    assert before["owners"] == {
        "ns/StatefulSet/db": {"replicas": 0},
        "ns/DaemonSet/d": {"scheduled": False},
        "ns/Deployment/web": None,
    }
    assert after["owners"] == {
        "ns/StatefulSet/db": {"replicas": 3},
        "ns/DaemonSet/d": {"scheduled": True},
        "ns/Deployment/web": {"replicas": 2},
    }


def test_what_is_not_remembered_stays_as_it_is():
    step = Step(owner("Deployment", "web", replicas=0), {}, {"metadata": {}})
    assert report.owner_lines(plan(step), detached=False) == [
        line("Deployment", "web", {}, {"replicas": 0}, "attached")
    ]


def test_deleted_pods_are_gone_afterwards():
    before, after = report.before_after(plan(deleted=(pod("a"), pod("b"))), detached=True)
    assert (before["pods"], after["pods"]) == (["ns/a", "ns/b"], [])


@pytest.mark.parametrize("detached", [True, False])
def test_where_nothing_is_done_both_ends_are_equal(detached):
    before, after = report.before_after(plan(), detached=detached)
    assert before == after


def test_a_line_per_volume():
    assert report.volume_lines(plan(), {"pv-a": [HELD], "pv-b": []}) == [
        {"name": "pv-a", "claim": "ns/a", "state": "held", "held_by": [AS_DICT]},
        {"name": "pv-b", "claim": "", "state": "free", "held_by": []},
    ]
    assert {one["state"] for one in report.volume_lines(plan(), {})} == {"free"}


def test_why_they_are_not_free():
    error = report.not_free(plan(), {"pv-a": [HELD], "pv-b": []}, 120)
    assert error.message == (
        "After 120 seconds 1 of 2 volume(s) are not free: pv-a of ns/a: "
        "postgres (pid 12) of pod ns/p on w1 has open /data/a/x."
    )
    assert "state=attached" in error.next_step
    assert error.details == [{"name": "pv-a", "claim": "ns/a", "state": "held", "held_by": [AS_DICT]}]


def test_volumes_that_come_and_go_are_told():
    assert report.left_out(plan()) == ()
    assert report.left_out(plan(fleeting=(A,))) == (
        "pv-a is not looked at: its claim ns/a comes and goes with its pod.",
    )
