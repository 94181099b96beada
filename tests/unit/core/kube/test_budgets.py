"""Disruption budgets read as they are, and when they are asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.budgets import (
    Budget,
    BudgetIndex,
    read_budget,
    read_budgets,
)
from ansible_collections.kindlab.volumes.tests.unit.support.drains import budget, pod


def test_a_budget_with_its_numbers():
    read = read_budget(budget("web", ("minAvailable", "50%"), 2, 3, 4))
    assert read.text() == "ns/web (minAvailable 50%: 2 of 4 must be healthy, 3 are, 1 may be evicted now)"
    assert read.as_dict() == {
        "namespace": "ns",
        "name": "web",
        "wants": "minAvailable 50%",
        "desired_healthy": 2,
        "current_healthy": 3,
        "expected_pods": 4,
        "disruptions_allowed": 1,
    }
    assert (read.max_disruptions, read.counted, read.any_unhealthy) == (2, True, False)


def test_what_a_budget_was_not_counted_for():
    assert read_budget(budget("web", seen=False)).counted is False
    new = budget("web")
    del new["status"]
    assert (read_budget(new).counted, read_budget(new).max_disruptions) == (False, 0)


def test_more_wanted_than_there_are():
    assert read_budget(budget("web", ("minAvailable", 5), 5, 2, 2)).max_disruptions == 0


def test_budgets_come_by_name():
    assert [b.key for b in read_budgets([budget("web"), budget("db")])] == ["ns/db", "ns/web"]


@pytest.mark.parametrize(
    ("other", "guarded"),
    [
        (pod("p"), True),
        (pod("p", namespace="other"), False),
        (pod("p", labels={"app": "db"}), False),
        (pod("p", labels={}), False),
    ],
)
def test_the_pods_that_a_budget_guards(other, guarded):
    assert read_budget(budget("web")).selects_pod(other) is guarded


UNREADY = pod("p", ready=False)


@pytest.mark.parametrize(
    ("other", "how", "asks"),
    [
        (pod("p"), {}, True),
        (pod("p", None), {}, False),
        (pod("p", phase="Succeeded"), {}, False),
        (pod("p", phase="Failed"), {}, False),
        (pod("p", deletionTimestamp="now"), {}, False),
        (UNREADY, {}, False),
        (UNREADY, {"healthy": 0}, True),
        (UNREADY, {"desired": 0, "healthy": 0}, True),
        (UNREADY, {"healthy": 0, "unhealthyPodEvictionPolicy": "AlwaysAllow"}, False),
        (pod("p"), {"unhealthyPodEvictionPolicy": "AlwaysAllow"}, True),
    ],
)
def test_evictions_that_need_permission(other, how, asks):
    assert read_budget(budget("web", **how)).applies_to(other) is asks


@pytest.mark.parametrize(("selector", "selects"), [({}, True), (None, False), ({"matchLabels": {"app": "db"}}, False)])
def test_which_pods_a_budget_selects(selector, selects):
    item = budget("web")
    item["spec"]["selector"] = selector
    assert read_budget(item).selects_pod({"metadata": {"namespace": "ns", "name": "p"}}) is selects
    assert not read_budget(item).selects_pod({"metadata": {"namespace": "other", "name": "p"}})


LABELS = st.dictionaries(st.sampled_from("ab"), st.sampled_from("xy"))
SELECTORS = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "matchLabels": LABELS,
        "matchExpressions": st.lists(st.just({"key": "a", "operator": "Exists"}), max_size=1),
    },
)


@given(st.lists(st.tuples(st.sampled_from(("ns", "other")), SELECTORS), max_size=6), LABELS)
def test_the_index_finds_what_looking_at_each_budget_finds(selectors, labels):
    budgets = [Budget(namespace, f"b{number}", selector=s) for number, (namespace, s) in enumerate(selectors)]
    pod = {"metadata": {"namespace": "ns", "name": "p", "labels": labels}}
    assert BudgetIndex(budgets).of(pod) == tuple(b for b in budgets if b.selects_pod(pod))
