"""Plans: what happens to each pod of a node, and in which order pods are evicted."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kindlab.volumes.plugins.module_utils._core.drain.plan import (
    eviction_groups,
    plan,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.tests.unit.support.drains import (
    ANYWHERE,
    NODES,
    ON_W1,
    WEB,
    budget,
    claim,
    master,
    node,
    pod,
    request,
    seen,
    using,
    volume,
    workload,
)

AGENT = workload("DaemonSet", "agent")
SET = workload("StatefulSet", "db")
STATIC = {"kubernetes.io/config.mirror": "hash"}
WAITS = ": its replacement waits until w1 is schedulable"
ITS_VOLUME = "its claim ns/c (volume pv-c) is on w1"


def decisions(*objects, selected=None, **how):
    return plan(request(**how), replace(seen(*objects), selected=selected)).pods


def only(objects):
    (decision,) = decisions(*objects)
    return decision


@pytest.mark.parametrize(
    ("objects", "result", "why"),
    [
        ([WEB, pod("p")], "evicted", ""),
        ([AGENT, pod("p", owner="DaemonSet agent")], "daemon", "its DaemonSet would recreate it on this node"),
        ([AGENT, pod("p", owner="DaemonSet agent", phase="Failed")], "evicted", "it has ended"),
        ([pod("p", owner="DaemonSet agent")], "evicted", "no controller recreates it"),
        (
            [pod("p", owner="Node w1", annotations=STATIC)],
            "left",
            "it is a static pod",
        ),
        ([pod("p", owner="")], "evicted", "no controller recreates it"),
        ([pod("p", owner="", phase="Succeeded")], "evicted", "it has ended"),
        ([pod("p", owner="", deletionTimestamp="now")], "evicted", "it is already terminating"),
        ([WEB, *ON_W1, pod("p", volumes=using("c"))], "cannot_move", ITS_VOLUME + WAITS),
        ([*ON_W1, pod("p", owner="", volumes=using("c"))], "evicted", "no controller recreates it"),
        ([WEB, volume("c"), claim("c"), pod("p", volumes=using("c"))], "evicted", ""),
        ([WEB, volume("c", "w1", "w2"), claim("c"), pod("p", volumes=using("c"))], "evicted", ""),
        ([WEB, volume("c", "w1"), claim("c", False), pod("p", volumes=using("c"))], "evicted", ""),
        (
            [WEB, pod("p", nodeSelector={"kubernetes.io/hostname": "w1"})],
            "cannot_move",
            f"c does not fit its node selector; w2 does not fit its node selector{WAITS}",
        ),
        (
            [WEB, pod("p", tolerations=ANYWHERE)],
            "evicted",
            "it tolerates the taint node.kubernetes.io/unschedulable: its replacement may run on this node",
        ),
    ],
)
def test_one_pod(objects, result, why):
    decision = only(objects)
    assert (decision.result, decision.why, decision.blocked) == (result, why, "")
    assert decision.is_evicted is (result in ("evicted", "cannot_move"))


@pytest.mark.parametrize(
    ("nodes", "volumes", "why"),
    [
        ([node("w1")], [], "there is no other node"),
        ([node("w1"), node("w2", cordoned=True)], [], "w2 is not schedulable"),
        ([node("w1"), node("w2", ready=False)], [], "w2 is not ready"),
        ([node("w1"), master()], [], "c has the taint node-role.kubernetes.io/control-plane:NoSchedule"),
        ([node("w1")], [volume("c", "w1")], "there is no other node"),
        (
            [node("w1"), node("w2", cordoned=True), node("w3")],
            [volume("c", "w1", "w2")],
            "its claim ns/c (volume pv-c) is on w1 and w2; w2 is not schedulable",
        ),
    ],
)
def test_why_no_other_node_can_take_it(nodes, volumes, why):
    decision = only([*nodes, *volumes, claim("c"), WEB, pod("p", volumes=using("c"))])
    assert (decision.result, decision.why, decision.other_nodes) == ("cannot_move", why + WAITS, ())


def test_a_row_of_the_result():
    assert only([WEB, *ON_W1, pod("p", volumes=using("c"))]).as_dict() == {
        "namespace": "ns",
        "name": "p",
        "workload": "Deployment/web",
        "result": "cannot_move",
        "why": ITS_VOLUME + WAITS,
        "other_nodes": [],
        "volumes": [{"volume": "pv-c", "claim": "ns/c", "nodes": ["w1"]}],
    }
    assert only([WEB, pod("p")]).as_dict()["other_nodes"] == ["w2"]


def test_two_volumes_on_two_nodes():
    both = [volume("c", "w1"), volume("d", "w1", "w2"), claim("c"), claim("d")]
    assert only([WEB, *both, pod("p", volumes=using("c", "d"))]).why == ITS_VOLUME + WAITS


def test_pods_of_other_nodes_are_not_touched_and_the_order_is_by_name():
    objects = [WEB, pod("b"), pod("a"), pod("c", "w2"), pod("d", None), pod("z", namespace="a")]
    assert [pod.name for pod in decisions(*objects)] == ["a/z", "ns/a", "ns/b"]


def test_a_selector_leaves_the_others_where_they_are():
    found = decisions(WEB, pod("a"), pod("b"), selected=frozenset({"uid-b"}))
    assert [(d.result, d.why) for d in found] == [("left", "pod_selectors does not match it"), ("evicted", "")]


@pytest.mark.parametrize("state", ["drained", "cordoned", "uncordoned"])
def test_an_unknown_node(state):
    with pytest.raises(BadInput, match="no node w9") as caught:
        plan(request("w9", state), seen())
    assert "c, w1, w2" in caught.value.next_step


def blocked(*objects):
    return {d.pod["metadata"]["name"]: d.blocked for d in decisions(*objects) if d.blocked}


PAIR = (WEB, pod("a"), pod("b"))
TRIO = (SET, *(pod(f"db-{n}", owner="StatefulSet db", volumes=using(f"c{n}")) for n in range(3)))
TRIO_ON_W1 = (*TRIO, *(volume(f"c{n}", "w1") for n in range(3)), *(claim(f"c{n}") for n in range(3)))


@pytest.mark.parametrize(
    ("objects", "names"),
    [
        ([*PAIR], ""),
        ([*PAIR, budget("web")], ""),
        ([*PAIR, budget("web", healthy=1)], ""),
        ([*PAIR, budget("web", ("maxUnavailable", 0), 2)], "a b"),
        ([*PAIR, budget("web", ("minAvailable", 2), 2)], "a b"),
        ([*PAIR, budget("web", ("minAvailable", 2), 2, seen=False)], ""),
        ([*PAIR, budget("db", ("maxUnavailable", 0), 2)], ""),
        ([WEB, pod("a", phase="Failed"), budget("web", ("maxUnavailable", 0), 1)], ""),
        ([WEB, pod("a", deletionTimestamp="now"), budget("web", ("maxUnavailable", 0), 1)], ""),
        (
            [*PAIR, budget("web"), {**budget("web"), "metadata": {"name": "x", "namespace": "ns", "generation": 1}}],
            "a b",
        ),
        ([*TRIO, budget("db", desired=2, healthy=3, expected=3)], ""),
        ([*TRIO_ON_W1, budget("db", desired=2, healthy=3, expected=3)], "db-1 db-2"),
        ([*TRIO_ON_W1, budget("db", desired=1, healthy=3, expected=3)], "db-2"),
        ([*TRIO_ON_W1, budget("db", desired=0, healthy=3, expected=3)], ""),
    ],
)
def test_pods_whose_eviction_budgets_never_allow(objects, names):
    assert " ".join(blocked(*objects)) == names


def test_a_pod_that_waits_for_its_volume_uses_up_what_the_budget_allows():
    waiting = pod("db-3", None, "StatefulSet db", volumes=using("c3"))
    away = (waiting, volume("c3", "w1"), claim("c3"))
    objects = [*TRIO_ON_W1, *away, budget("db", desired=3, healthy=3, expected=4)]
    assert list(blocked(*objects)) == ["db-0", "db-1", "db-2"]


def test_movable_pods_are_evicted_although_others_use_up_the_budget():
    objects = [WEB, *ON_W1, pod("a", volumes=using("c")), pod("b"), budget("web")]
    assert blocked(*objects) == {}
    assert list(blocked(*objects, pod("d", volumes=using("c")))) == ["d"]


def test_why_a_budget_does_not_allow_it():
    whys = blocked(*PAIR, budget("web", ("maxUnavailable", 0), 2))
    counts = "(maxUnavailable 0: 2 of 2 must be healthy, 2 are, 0 may be evicted now)"
    assert whys["a"] == f"the disruption budget ns/web {counts} does not allow it"
    whys = blocked(*TRIO_ON_W1, budget("db", desired=2, healthy=3, expected=3))
    assert whys["db-1"].endswith("does not allow it: pods that cannot move use up its disruptions")
    (first, *_others) = decisions(*TRIO_ON_W1, budget("db", ("maxUnavailable", 0), 3, 3, 3))
    shown = first.as_dict()
    assert shown["result"] == "blocked"
    assert shown["why"] == f"{first.blocked}; {first.why}"
    assert "is on w1" in first.why


def test_a_budget_that_allows_none_at_this_moment():
    decision = decisions(*PAIR, budget("web", healthy=1))[0]
    assert (decision.result, decision.blocked) == ("evicted", "")
    assert decision.why.startswith(
        "once the disruption budget ns/web (maxUnavailable 1: 1 of 2 must be healthy, 1 are, 0 may"
    )


def shown(objects):
    return [[d.pod["metadata"]["name"] for d in group] for group in eviction_groups(decisions(*objects))]


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        ([], []),
        ([*PAIR], [["a"], ["b"]]),
        ([*PAIR, budget("web")], [["a", "b"]]),
        ([AGENT, *PAIR, pod("d", owner="DaemonSet agent")], [["a"], ["b"]]),
        ([WEB, *ON_W1, pod("a", volumes=using("c")), pod("b"), budget("web")], [["b", "a"]]),
        ([*PAIR, pod("z", ready=False), budget("web")], [["z", "a", "b"]]),
        ([*PAIR, SET, pod("db-0", owner="StatefulSet db"), budget("web"), budget("db")], [["a", "b"], ["db-0"]]),
    ],
)
def test_eviction_groups(objects, expected):
    assert shown(objects) == expected


@given(
    st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), max_size=6),
    st.integers(0, 4),
    st.integers(0, 6),
)
def test_every_pod_has_one_decision_and_every_evicted_one_a_group(kinds, desired, expected):
    made = [
        pod(f"p{n}", owner="ReplicaSet web" if owned else "", ready=ready, volumes=using("c") if held else [])
        for n, (owned, held, ready) in enumerate(kinds)
    ]
    found = decisions(WEB, *ON_W1, *made, budget("web", desired=desired, expected=expected))
    assert [d.pod["metadata"]["name"] for d in found] == sorted(p["metadata"]["name"] for p in made)
    assert sorted(d.name for group in eviction_groups(found) for d in group) == [d.name for d in found if d.is_evicted]
    assert all(d.why or d.other_nodes for d in found)


CORDONED = (NODES[0], node("w1", cordoned=True), node("w2"))


@pytest.mark.parametrize(
    ("objects", "why"),
    [
        ([], None),
        ([pod("p", None)], None),
        ([pod("p", None, volumes=using("c")), *ON_W1], ITS_VOLUME),
        ([pod("p", "w2", volumes=using("c")), *ON_W1], None),
        ([pod("p", None, volumes=using("c"), deletionTimestamp="now"), *ON_W1], None),
        ([pod("p", None, volumes=using("c")), volume("c", "w2"), claim("c")], None),
        ([pod("p", None, volumes=using("c")), volume("c", "gone"), claim("c")], None),
        ([pod("p", None, volumes=using("c")), volume("c", "w1"), claim("c", False)], None),
        ([pod("p", None, volumes=using("c"), nodeSelector={"zone": "a"}), *ON_W1], None),
        (
            [pod("p", None, nodeSelector={"kubernetes.io/hostname": "w1"})],
            "c does not fit its node selector; w2 does not fit its node selector",
        ),
    ],
)
def test_pods_that_wait_for_the_node(objects, why):
    for wait, result in ((True, "returned"), (False, "waiting")):
        found = decisions(*CORDONED, WEB, *objects, state="uncordoned", wait=wait)
        assert [(d.result, d.why) for d in found] == ([] if why is None else [(result, why)])


def test_a_cordon_says_nothing_about_pods():
    planned = plan(request("c", "cordoned", force=False), seen(WEB, pod("p"), pod("q", None)))
    assert (planned.changed, planned.pods, planned.schedulable) == (True, (), False)
    assert not plan(request(state="cordoned"), seen(*CORDONED)).changed
