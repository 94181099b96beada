"""Result and diff of a plan, and the error that names the volumes in use."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.model import (
    Request,
    Step,
    created,
    scaled_down,
    scaled_up,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.plan import Plan
from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.report import still_in_use, summary
from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.usage import VolumeUser
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube import workloads
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import merge
from ansible_collections.kindlab.volumes.tests.unit.support.workloads import daemon, pod, stateful, workload

A, B = Volume("pv-a", "ns/a"), Volume("pv-b")
USER = VolumeUser("has open /data/a/x", "w1", "ns/p", "postgres", 12)
AS_DICT = {
    "why": "has open /data/a/x",
    "node": "w1",
    "pod": "ns/p",
    "process": "postgres",
    "pid": 12,
    "text": "postgres (pid 12) of pod ns/p on w1 has open /data/a/x",
}


def plan(*steps, state="detached", **more):
    return Plan(Request("k", state=state), (A, B), steps, **more)


def scaling_up(item):
    now = merge(item, workloads.scale_down_patch(item))
    return scaled_up(now, workloads.recorded(now))


def row(kind, name, before, after, result):
    return {"kind": kind, "namespace": "ns", "name": name, "before": before, "after": after, "result": result}


DB = stateful("db", replicas=3, scaled="Delete")


def test_workloads_that_are_scaled_to_zero():
    at_zero = scaled_down(merge(DB, workloads.scale_down_patch(DB)))
    assert at_zero.before == {"replicas": 3, "whenScaled": "Delete"}
    found = plan(scaled_down(workload("CronJob", "c")), scaled_down(daemon("d")), at_zero)
    assert found.result()["workloads"] == [
        row("CronJob", "c", {"suspend": False}, {"suspend": True}, "detached"),
        row("DaemonSet", "d", {"scheduled": True}, {"scheduled": False}, "detached"),
        row("StatefulSet", "db", {"replicas": 3}, {"replicas": 0}, "unchanged"),
    ]
    assert found.diff() == (
        {
            "workloads": {
                "ns/CronJob/c": {"suspend": False},
                "ns/DaemonSet/d": {"scheduled": True},
                "ns/StatefulSet/db": {"replicas": 0},
            },
            "pods": [],
            "reclaim_policies": {},
        },
        {
            "workloads": {
                "ns/CronJob/c": {"suspend": True},
                "ns/DaemonSet/d": {"scheduled": False},
                "ns/StatefulSet/db": {"replicas": 0},
            },
            "pods": [],
            "reclaim_policies": {},
        },
    )
    assert found.changed
    assert not plan(at_zero).changed


def test_workloads_that_are_scaled_back_up():
    web = created(workload("Deployment", "web", replicas=2))
    found = plan(scaling_up(DB), scaling_up(daemon("d")), web, state="attached")
    assert found.result() == {
        "reclaim_policies": [],
        "workloads": [
            row("StatefulSet", "db", {"replicas": 3}, {"replicas": 3}, "attached"),
            row("DaemonSet", "d", {"scheduled": True}, {"scheduled": True}, "attached"),
            row("Deployment", "web", {"replicas": 2}, {"replicas": 2}, "created"),
        ],
    }
    before, after = found.diff()
    assert before["workloads"] == {
        "ns/StatefulSet/db": {"replicas": 0},
        "ns/DaemonSet/d": {"scheduled": False},
        "ns/Deployment/web": None,
    }
    assert after["workloads"] == {
        "ns/StatefulSet/db": {"replicas": 3},
        "ns/DaemonSet/d": {"scheduled": True},
        "ns/Deployment/web": {"replicas": 2},
    }


def test_what_is_not_recorded_stays_as_it_is():
    item = workload("Deployment", "web", replicas=0)
    step = Step(item, {}, scaled_up(item, {}).after, {"metadata": {}})
    assert plan(step, state="attached").result()["workloads"] == [
        row("Deployment", "web", {}, {"replicas": 0}, "attached")
    ]


def test_deleted_pods_are_gone_afterwards():
    found = plan(deleted=(pod("a"), pod("b")))
    before, after = found.diff()
    assert (before["pods"], after["pods"], found.changed) == (["ns/a", "ns/b"], [], True)
    assert found.result()["deleted_pods"] == ["ns/a", "ns/b"]


@pytest.mark.parametrize("state", ["detached", "attached"])
def test_if_nothing_is_done_both_ends_are_equal(state):
    before, after = plan(state=state).diff()
    assert before == after
    assert not plan(state=state).changed


def test_a_row_per_volume():
    assert plan(users={"pv-a": [USER], "pv-b": []}).result()["volumes"] == [
        {"name": "pv-a", "claim": "ns/a", "ephemeral": False, "state": "in use", "in_use_by": [AS_DICT]},
        {"name": "pv-b", "claim": "", "ephemeral": False, "state": "free", "in_use_by": []},
    ]
    assert {one["state"] for one in plan().result()["volumes"]} == {"free"}


def test_users_that_remain_once_the_pods_are_gone():
    other = VolumeUser("is in /data/a", "w1", "", "sh", 8)
    assert plan(pods=(pod("p"),)).remaining({"pv-a": [USER, other]}) == {"pv-a": [other]}
    assert plan().remaining({"pv-a": [USER]}) == {"pv-a": [USER]}


def test_volumes_still_in_use():
    error = still_in_use((A, B), {"pv-a": [USER], "pv-b": []}, 120)
    assert error.message == f"1 of 2 volumes is still in use after 120 seconds: ns/a (pv-a): {USER.text()}."
    assert "state=attached" in error.next_step
    assert error.details == [
        {"name": "pv-a", "claim": "ns/a", "ephemeral": False, "state": "in use", "in_use_by": [AS_DICT]}
    ]


def test_a_summary():
    users = {
        name: [VolumeUser(f"pod ns/{n} uses it") for n in range(number)]
        for name, number in (("a", 1), ("b", 0), ("c", 3), ("d", 4))
    }
    volumes = [Volume("a", "ns/claim"), Volume("b"), Volume("c"), Volume("d")]
    three = "pod ns/0 uses it, pod ns/1 uses it, pod ns/2 uses it"
    assert summary(volumes, users) == f"ns/claim (a): pod ns/0 uses it; c: {three}; d: {three}, and 1 more"
    assert summary(volumes, {"a": []}) == ""


def test_a_summary_of_many_is_cut():
    volumes = [Volume(str(number)) for number in range(12)]
    users = {volume.name: [VolumeUser("why")] for volume in volumes}
    assert summary(volumes, users).endswith("9: why; and 2 more")
    assert summary(volumes, users).count("why") == 10
    assert summary(volumes[:10], users).endswith("9: why")


def test_ephemeral_volumes_are_shown():
    assert plan().warnings() == ()
    scratch = Volume("pv-0", "ns/p-scratch", is_ephemeral=True)
    rows = plan(ephemeral=(scratch,)).result()["volumes"]
    assert [(row["name"], row["ephemeral"]) for row in rows] == [("pv-0", True), ("pv-a", False), ("pv-b", False)]
