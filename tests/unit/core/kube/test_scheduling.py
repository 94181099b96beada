"""Nodes that could take a pod: selectors, affinities, taints, as Kubernetes has them."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.scheduling import (
    affinity_fits,
    is_schedulable,
    obstacle,
    selects,
    tolerates,
)
from ansible_collections.kindlab.volumes.tests.unit.support.drains import (
    ANYWHERE,
    CORDON_TAINT,
    MASTER_TAINT,
    master,
    node,
    pod,
)


def expression(key, operator, *values):
    return {"key": key, "operator": operator, "values": list(values)}


@pytest.mark.parametrize(
    ("selector", "fits"),
    [
        (None, False),
        ({}, True),
        ({"matchLabels": {}}, True),
        ({"matchLabels": {"app": "web"}}, True),
        ({"matchLabels": {"app": "web", "tier": "x"}}, False),
        ({"matchExpressions": [expression("app", "In", "web", "db")]}, True),
        ({"matchExpressions": [expression("app", "NotIn", "web")]}, False),
        ({"matchExpressions": [expression("tier", "NotIn", "web")]}, True),
        ({"matchExpressions": [expression("app", "Exists")]}, True),
        ({"matchExpressions": [expression("app", "DoesNotExist")]}, False),
        ({"matchLabels": {"app": "web"}, "matchExpressions": [expression("app", "DoesNotExist")]}, False),
    ],
)
def test_label_selectors_of_budgets(selector, fits):
    assert selects(selector, {"app": "web"}) is fits


@pytest.mark.parametrize(
    ("terms", "fits"),
    [
        (None, True),
        ([], False),
        ([{}], False),
        ([{"matchExpressions": [expression("zone", "In", "a")]}], True),
        ([{"matchExpressions": [expression("zone", "In", "b")]}], False),
        (
            [
                {"matchExpressions": [expression("zone", "In", "b")]},
                {"matchExpressions": [expression("disk", "Exists")]},
            ],
            True,
        ),
        ([{"matchExpressions": [expression("zone", "In", "a"), expression("disk", "DoesNotExist")]}], False),
        ([{"matchFields": [expression("metadata.name", "In", "n")]}], True),
        ([{"matchFields": [expression("metadata.name", "NotIn", "n")]}], False),
        (
            [
                {
                    "matchFields": [expression("metadata.name", "In", "n")],
                    "matchExpressions": [expression("x", "Exists")],
                }
            ],
            False,
        ),
        ([{"matchExpressions": [expression("disk", "Gt", "9")]}], True),
        ([{"matchExpressions": [expression("disk", "Gt", "10")]}], False),
        ([{"matchExpressions": [expression("disk", "Lt", "11")]}], True),
        ([{"matchExpressions": [expression("zone", "Gt", "1")]}], False),
        ([{"matchExpressions": [expression("none", "Lt", "1")]}], False),
    ],
)
def test_terms_are_alternatives_and_requirements_hold_together(terms, fits):
    required = None if terms is None else {"nodeSelectorTerms": terms}
    assert affinity_fits(required, node("n", zone="a", disk="10")) is fits


@pytest.mark.parametrize(
    ("toleration", "fits"),
    [
        ({"operator": "Exists"}, True),
        ({"key": "k", "operator": "Exists"}, True),
        ({"key": "other", "operator": "Exists"}, False),
        ({"key": "k", "value": "v"}, True),
        ({"key": "k", "operator": "Equal", "value": "v", "effect": "NoSchedule"}, True),
        ({"key": "k", "operator": "Equal", "value": "v", "effect": "NoExecute"}, False),
        ({"key": "k"}, False),
        ({}, False),
    ],
)
def test_tolerations(toleration, fits):
    taint = {"key": "k", "value": "v", "effect": "NoSchedule"}
    assert tolerates([toleration], taint) is fits
    assert tolerates([], taint) is False
    assert tolerates([{}, toleration], taint) is fits


def test_a_taint_without_a_value():
    assert tolerates([{"key": MASTER_TAINT["key"], "effect": "NoSchedule"}], MASTER_TAINT)


required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{}]}}


@pytest.mark.parametrize(
    ("spec", "place", "why"),
    [
        ({}, node("n"), ""),
        ({}, node("n", ready=False), "is not ready"),
        ({}, node("n", cordoned=True), "is not schedulable"),
        ({}, master(), "has the taint node-role.kubernetes.io/control-plane:NoSchedule"),
        ({"tolerations": ANYWHERE}, master(), ""),
        ({"tolerations": ANYWHERE}, node("n", cordoned=True), "is not schedulable"),
        ({}, node("n", {"key": "k", "effect": "PreferNoSchedule"}), ""),
        ({}, node("n", {"key": "k", "effect": "NoExecute"}), "has the taint k:NoExecute"),
        ({"nodeSelector": {"zone": "a"}}, node("n", zone="a"), ""),
        ({"nodeSelector": {"zone": "a"}}, node("n", zone="b"), "does not fit its node selector"),
        ({"affinity": {"nodeAffinity": required}}, node("n"), "does not fit its node affinity"),
        ({"affinity": {"podAntiAffinity": {}}}, node("n"), ""),
    ],
)
def test_what_keeps_a_node_from_taking_a_pod(spec, place, why):
    assert obstacle(pod("p", **spec), place) == why


@pytest.mark.parametrize(
    ("place", "why"),
    [
        (node("n", cordoned=True), ""),
        (node("n", cordoned=True, ready=False), "is not ready"),
        (node("n", MASTER_TAINT, cordoned=True), "has the taint node-role.kubernetes.io/control-plane:NoSchedule"),
    ],
)
def test_a_node_as_if_it_were_schedulable(place, why):
    assert obstacle(pod("p"), place, opened=True) == why
    assert not is_schedulable(place)


def test_the_taint_alone_keeps_out_too():
    assert obstacle(pod("p"), node("n", CORDON_TAINT)).startswith("has the taint")
