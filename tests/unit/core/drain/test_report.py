"""What is said of a node: results, before and after, and what was in the way."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._core.drain.plan import plan_drain, plan_schedulable
from ansible_collections.kindlab.volumes.plugins.module_utils._core.drain.report import (
    drained,
    not_drained,
    schedulable,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.budgets import read_budgets
from ansible_collections.kindlab.volumes.tests.unit.support.drains import (
    HELD,
    WEB,
    budget,
    node,
    owner,
    pod,
    seen,
    using,
)

AGENT = owner("DaemonSet", "agent")
NEVER = budget("web", ("maxUnavailable", 0), 1, 1, 1)


def plan(*objects):
    return plan_drain(seen(AGENT, WEB, *objects), "w1")


def results(outcome):
    return [(line["name"], line["result"]) for line in outcome.facts["pods"]]


def test_before_and_after_name_the_pods_of_the_node():
    outcome = drained("w1", True, plan(pod("b"), pod("a", owner="DaemonSet agent")), timeout=9, check_mode=False)
    assert outcome.changed
    assert outcome.before == {"node": "w1", "schedulable": True, "pods": ["ns/a", "ns/b"]}
    assert outcome.after == {"node": "w1", "schedulable": False, "pods": ["ns/a"]}
    assert results(outcome) == [("a", "daemon"), ("b", "evicted")]
    assert (outcome.facts["node"], outcome.facts["schedulable"]) == ("w1", False)


def test_what_is_done_already():
    outcome = drained("w1", False, plan(pod("a", owner="DaemonSet agent")), timeout=9, check_mode=False)
    assert not outcome.changed
    assert outcome.before == outcome.after


def test_a_budget_that_never_allows_is_a_warning_beforehand():
    lines = plan(pod("a"), NEVER)
    checked = drained("w1", True, lines, timeout=9, check_mode=True)
    assert results(checked) == [("a", "blocked")]
    (warning,) = checked.warnings
    assert warning.startswith("ns/a would still be on w1 after 9 seconds: the disruption budget ns/web")
    # It went all the same: somebody changed the budget meanwhile.
    done = drained("w1", True, lines, timeout=9, check_mode=False)
    assert (results(done), done.warnings) == ([("a", "evicted")], ())


def test_what_is_left_is_named_with_its_budget_and_the_next_step():
    lines = plan(pod("a"), pod("b"), pod("d", labels={}), budget("web", ("maxUnavailable", 0), 2))
    now = read_budgets([budget("web", ("maxUnavailable", 0), 2, 1)])
    error = not_drained("w1", lines, {"ns/a": "it needs 2", "ns/b": "it needs 2"}, now, 9)
    counts = "(maxUnavailable 0: 2 of 2 must be healthy, 1 are, 0 may go now)"
    assert error.message == (
        f"After 9 seconds 2 pod(s) are still on w1: the disruption budget ns/web {counts} keeps ns/a, ns/b."
    )
    assert error.next_step == "Let the budget allow a disruption (kubectl -n ns edit pdb web). Then run this again."
    assert [(p["name"], p["result"]) for p in error.details["pods"]] == [
        ("a", "blocked"),
        ("b", "blocked"),
        ("d", "evicted"),
    ]
    assert error.details["pods"][0]["why"] == "it needs 2"
    assert error.details["budgets"] == [now[0].as_dict()]


def test_a_budget_that_could_allow_more_with_more_pods():
    error = not_drained("w1", plan(pod("a"), budget("web")), {"ns/a": "no"}, read_budgets([budget("web")]), 9)
    assert "edit pdb web), or run more healthy pods of it on other nodes." in error.next_step


def test_pods_that_have_no_other_node_are_part_of_the_next_step():
    objects = [pod("a", volumes=using("c")), *HELD, budget("web", ("maxUnavailable", 0), 2)]
    error = not_drained("w1", plan(*objects), {"ns/a": "no"}, (), 9)
    assert "No other node can take ns/a: the list of pods says why." in error.next_step
    assert error.details["pods"][0]["why"].startswith("no; its volume pv-c (claim ns/c) is on w1")


def test_more_than_one_budget():
    two = [budget("web"), {**budget("web"), "metadata": {"name": "x", "namespace": "ns", "generation": 1}}]
    error = not_drained("w1", plan(pod("a"), *two), {"ns/a": "More than one."}, read_budgets(two), 9)
    assert error.message == "After 9 seconds 1 pod(s) are still on w1: More than one. Thus kept: ns/a."
    assert error.next_step.startswith(
        "Let one budget select each pod. Let the budget allow a disruption (kubectl -n ns"
    )
    assert [b["name"] for b in error.details["budgets"]] == ["web", "x"]


def test_pods_that_do_not_end():
    slow = pod("a", terminationGracePeriodSeconds=600)
    kept = pod("b")
    kept["metadata"]["finalizers"] = ["example.com/keep"]
    error = not_drained("w1", plan(slow, kept), {"ns/a": "", "ns/b": ""}, (), 9)
    assert error.message == (
        "After 9 seconds 2 pod(s) are still on w1: "
        "ns/a was let go and has not ended (its own grace period is 600 s); "
        "ns/b was let go and has not ended (its finalizers are example.com/keep)."
    )
    assert "kubectl -n ns describe pod a" in error.next_step
    assert "terminate_grace_period=0" in error.next_step
    assert {p["result"] for p in error.details["pods"]} == {"left"}


def test_pods_that_came_back():
    found = seen(node("w1", cordoned=True), node("w2"), WEB, *HELD, pod("a", None, volumes=using("c")))
    lines = plan_schedulable(found, "w1")
    waited = schedulable("w1", False, lines, wait=True)
    assert (waited.changed, results(waited)) == (True, [("a", "returned")])
    assert waited.before == {"node": "w1", "schedulable": False}
    assert waited.after == {"node": "w1", "schedulable": True}
    unwaited = schedulable("w1", True, lines, wait=False)
    assert (unwaited.changed, results(unwaited)) == (False, [("a", "waiting")])
    assert unwaited.before == unwaited.after
