"""Results and diffs of a drain, and the error that names what is left."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.drain.plan import plan as make_plan
from ansible_collections.kindlab.volumes.plugins.module_utils._core.drain.report import not_drained
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.budgets import read_budget
from ansible_collections.kindlab.volumes.tests.unit.support.drains import (
    ON_W1,
    WEB,
    budget,
    node,
    pod,
    request,
    seen,
    using,
    workload,
)

AGENT = workload("DaemonSet", "agent")
NEVER = budget("web", ("maxUnavailable", 0), 1, 1, 1)


CORDONED = (node("w1", cordoned=True), node("w2"))


def plan(*objects, **how):
    return make_plan(request(**how), seen(AGENT, WEB, *objects))


def error_for(planned, left, *budgets):
    return not_drained(planned.request, planned.pods, left, budgets, 9)


def results(planned):
    return [(row["name"], row["result"]) for row in planned.result()["pods"]]


def test_the_diff_names_the_pods_of_the_node():
    planned = plan(pod("b"), pod("a", owner="DaemonSet agent"))
    assert planned.changed
    assert planned.diff() == (
        {"node": "w1", "schedulable": True, "pods": ["ns/a", "ns/b"]},
        {"node": "w1", "schedulable": False, "pods": ["ns/a"]},
    )
    assert results(planned) == [("a", "daemon"), ("b", "evicted")]
    assert (planned.result()["node"], planned.result()["schedulable"]) == ("w1", False)


def test_a_drained_node():
    planned = plan(*CORDONED, pod("a", owner="DaemonSet agent"))
    before, after = planned.diff()
    assert (planned.changed, before) == (False, after)


def test_a_budget_that_never_allows_is_a_warning_beforehand():
    planned = plan(pod("a"), NEVER)
    assert results(planned) == [("a", "blocked")]
    (warning,) = planned.warnings()
    assert warning.startswith("ns/a would still be on node w1 after 9 seconds: the disruption budget ns/web")
    # It was evicted all the same: somebody changed the budget meanwhile.
    done = planned.carried_out(planned.pods)
    assert (results(done), done.warnings()) == ([("a", "evicted")], ())


def test_pods_that_came_later_are_sorted_in():
    planned = plan(pod("b"))
    late = plan(pod("a")).pods
    assert [name for name, _result in results(planned.carried_out([*planned.pods, *late]))] == ["a", "b"]


def test_what_is_left_is_named_with_its_budget_and_the_next_step():
    planned = plan(pod("a"), pod("b"), pod("d", labels={}), budget("web", ("maxUnavailable", 0), 2))
    now = budget("web", ("maxUnavailable", 0), 2, 1)
    error = error_for(planned, {"ns/a": "it needs 2", "ns/b": "it needs 2"}, now)
    counts = "(maxUnavailable 0: 2 of 2 must be healthy, 1 are, 0 may be evicted now)"
    assert error.message == (
        "2 pods are still on node w1 after 9 seconds: "
        f"ns/a, ns/b: the disruption budget ns/web {counts} does not allow it."
    )
    assert error.next_step == "Allow a disruption (kubectl -n ns edit pdb web). Then run this again."
    assert [(p["name"], p["result"]) for p in error.details["pods"]] == [
        ("a", "blocked"),
        ("b", "blocked"),
        ("d", "evicted"),
    ]
    assert error.details["pods"][0]["why"] == "it needs 2"
    assert error.details["budgets"] == [read_budget(now).as_dict()]


def test_a_budget_that_could_allow_more_with_more_pods():
    error = error_for(plan(pod("a"), budget("web")), {"ns/a": "no"}, budget("web"))
    assert "edit pdb web), or run more healthy pods on other nodes." in error.next_step


def test_pods_that_have_no_other_node_are_part_of_the_next_step():
    objects = [pod("a", volumes=using("c")), *ON_W1, budget("web", ("maxUnavailable", 0), 2)]
    error = error_for(plan(*objects), {"ns/a": "no"})
    assert "No other node can run ns/a" in error.next_step
    assert error.details["pods"][0]["why"].startswith("no; its claim ns/c (volume pv-c) is on w1")


def test_more_than_one_budget():
    two = [budget("web"), {**budget("web"), "metadata": {"name": "x", "namespace": "ns", "generation": 1}}]
    error = error_for(plan(pod("a"), *two), {"ns/a": "more than one"}, *two)
    assert error.message.endswith("ns/a: eviction refused by the API server (more than one).")
    assert error.next_step.startswith("Change the disruption budgets so that only one selects each pod.")
    assert "kubectl -n ns edit pdb web and kubectl -n ns edit pdb x" in error.next_step
    assert [b["name"] for b in error.details["budgets"]] == ["web", "x"]


def test_pods_that_do_not_end():
    slow = pod("a", terminationGracePeriodSeconds=600)
    kept = pod("b")
    kept["metadata"]["finalizers"] = ["example.com/keep"]
    error = error_for(plan(slow, kept), {"ns/a": "", "ns/b": ""})
    assert error.message == (
        "2 pods are still on node w1 after 9 seconds: "
        "ns/a: was evicted but is still terminating (grace period 600 s); "
        "ns/b: was evicted but is still terminating (finalizers example.com/keep)."
    )
    assert "kubectl -n ns describe pod a" in error.next_step
    assert "terminate_grace_period=0" in error.next_step
    assert {p["result"] for p in error.details["pods"]} == {"left"}


@pytest.mark.parametrize("wait", [True, False])
def test_pods_that_return(wait):
    waiting = (*ON_W1, pod("a", None, volumes=using("c")))
    planned = plan(*CORDONED, *waiting, state="uncordoned", wait=wait)
    assert (planned.changed, results(planned)) == (True, [("a", "returned" if wait else "waiting")])
    assert planned.diff() == ({"node": "w1", "schedulable": False}, {"node": "w1", "schedulable": True})
    again = plan(node("w1"), node("w2"), *waiting, state="uncordoned", wait=wait)
    before, after = again.diff()
    assert (again.changed, before) == (False, after)


def test_a_cordon():
    planned = plan(pod("a"), state="cordoned")
    assert (planned.changed, results(planned), planned.warnings()) == (True, [], ())
    assert planned.diff() == ({"node": "w1", "schedulable": True}, {"node": "w1", "schedulable": False})
    again = plan(*CORDONED, pod("a"), state="cordoned")
    before, after = again.diff()
    assert (again.changed, before) == (False, after)


def test_replicas_of_one_budget_are_told_apart():
    """One is terminating, the eviction of the other is refused."""
    objects = [pod("a"), pod("b"), budget("web", ("maxUnavailable", 1), 2)]
    error = error_for(plan(*objects), {"ns/a": "", "ns/b": "it needs 2"}, objects[-1])
    assert "ns/a: was evicted but is still terminating" in error.message
    assert "kubectl -n ns describe pod a" in error.next_step
