"""What happens to each pod of a node, told beforehand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kindlab.volumes.plugins.module_utils._core.drain.plan import (
    lanes,
    plan_drain,
    plan_schedulable,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.tests.unit.support.drains import (
    ANYWHERE,
    HELD,
    NODES,
    WEB,
    budget,
    claim,
    master,
    node,
    owner,
    pod,
    seen,
    using,
    volume,
)

AGENT = owner("DaemonSet", "agent")
SET = owner("StatefulSet", "db")
STATIC = {"kubernetes.io/config.mirror": "hash"}
WAITS = ": its replacement waits until w1 is schedulable"
HELD_BY = "its volume pv-c (claim ns/c) is on w1"


def only(objects, name="w1", selected=None):
    (line,) = plan_drain(seen(*objects), name, selected)
    return line


@pytest.mark.parametrize(
    ("objects", "result", "why"),
    [
        ([WEB, pod("p")], "evicted", ""),
        ([AGENT, pod("p", owner="DaemonSet agent")], "daemon", "its DaemonSet would make it again on this node"),
        ([AGENT, pod("p", owner="DaemonSet agent", phase="Failed")], "evicted", "it has ended"),
        ([pod("p", owner="DaemonSet agent")], "evicted", "nothing makes it again"),
        (
            [pod("p", owner="Node w1", annotations=STATIC)],
            "left",
            "it is static: the node's kubelet runs it from a file",
        ),
        ([pod("p", owner="")], "evicted", "nothing makes it again"),
        ([pod("p", owner="", phase="Succeeded")], "evicted", "it has ended"),
        ([pod("p", owner="", deletionTimestamp="now")], "evicted", "it is ending already"),
        ([WEB, *HELD, pod("p", volumes=using("c"))], "cannot_move", HELD_BY + WAITS),
        ([*HELD, pod("p", owner="", volumes=using("c"))], "evicted", "nothing makes it again"),
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
            "it tolerates the taint node.kubernetes.io/unschedulable: another one may come to this node",
        ),
    ],
)
def test_one_pod(objects, result, why):
    line = only(objects)
    assert (line.result, line.why, line.blocked) == (result, why, "")
    assert line.goes is (result in ("evicted", "cannot_move"))


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
            "its volume pv-c (claim ns/c) is on w1 and w2; w2 is not schedulable",
        ),
    ],
)
def test_why_no_other_node_can_take_it(nodes, volumes, why):
    line = only([*nodes, *volumes, claim("c"), WEB, pod("p", volumes=using("c"))])
    assert (line.result, line.why, line.other_nodes) == ("cannot_move", why + WAITS, ())


def test_a_line_as_it_is_returned():
    assert only([WEB, *HELD, pod("p", volumes=using("c"))]).as_dict() == {
        "namespace": "ns",
        "name": "p",
        "owner": "Deployment/web",
        "result": "cannot_move",
        "why": HELD_BY + WAITS,
        "other_nodes": [],
        "volumes": [{"volume": "pv-c", "claim": "ns/c", "nodes": ["w1"]}],
    }
    assert only([WEB, pod("p")]).as_dict()["other_nodes"] == ["w2"]


def test_two_volumes_on_two_nodes():
    both = [volume("c", "w1"), volume("d", "w1", "w2"), claim("c"), claim("d")]
    assert only([WEB, *both, pod("p", volumes=using("c", "d"))]).why == HELD_BY + WAITS


def test_pods_of_other_nodes_are_not_touched_and_the_order_is_by_name():
    objects = [WEB, pod("b"), pod("a"), pod("c", "w2"), pod("d", None), pod("z", namespace="a")]
    assert [line.key for line in plan_drain(seen(*objects), "w1")] == ["a/z", "ns/a", "ns/b"]


def test_a_selector_leaves_the_others_where_they_are():
    lines = plan_drain(seen(WEB, pod("a"), pod("b")), "w1", frozenset({"uid-b"}))
    assert [(line.result, line.why) for line in lines] == [("left", "pod_selector leaves it out"), ("evicted", "")]


@pytest.mark.parametrize("plan", [plan_drain, plan_schedulable])
def test_a_node_that_is_not_there(plan):
    with pytest.raises(BadInput, match="There is no node w9") as caught:
        plan(seen(), "w9")
    assert "c, w1, w2" in caught.value.next_step


def blocked(*objects):
    return {line.pod["metadata"]["name"]: line.blocked for line in plan_drain(seen(*objects), "w1") if line.blocked}


PAIR = (WEB, pod("a"), pod("b"))
TRIO = (SET, *(pod(f"db-{n}", owner="StatefulSet db", volumes=using(f"c{n}")) for n in range(3)))
TRIO_HELD = (*TRIO, *(volume(f"c{n}", "w1") for n in range(3)), *(claim(f"c{n}") for n in range(3)))


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
        ([*TRIO_HELD, budget("db", desired=2, healthy=3, expected=3)], "db-1 db-2"),
        ([*TRIO_HELD, budget("db", desired=1, healthy=3, expected=3)], "db-2"),
        ([*TRIO_HELD, budget("db", desired=0, healthy=3, expected=3)], ""),
    ],
)
def test_pods_that_budgets_never_let_go(objects, names):
    assert " ".join(blocked(*objects)) == names


def test_a_pod_that_waits_for_its_volume_uses_up_what_the_budget_allows():
    waiting = pod("db-3", None, "StatefulSet db", volumes=using("c3"))
    away = (waiting, volume("c3", "w1"), claim("c3"))
    objects = [*TRIO_HELD, *away, budget("db", desired=3, healthy=3, expected=4)]
    assert list(blocked(*objects)) == ["db-0", "db-1", "db-2"]


def test_movable_pods_go_although_held_ones_use_up_the_budget():
    objects = [WEB, *HELD, pod("a", volumes=using("c")), pod("b"), budget("web")]
    assert blocked(*objects) == {}
    assert list(blocked(*objects, pod("d", volumes=using("c")))) == ["d"]


def test_why_a_budget_does_not_let_go():
    whys = blocked(*PAIR, budget("web", ("maxUnavailable", 0), 2))
    counts = "(maxUnavailable 0: 2 of 2 must be healthy, 2 are, 0 may go now)"
    assert whys["a"] == f"the disruption budget ns/web {counts} does not let it go"
    whys = blocked(*TRIO_HELD, budget("db", desired=2, healthy=3, expected=3))
    assert whys["db-1"].endswith("does not let it go: pods that have no other node to go to use up what it allows")
    (held, *_others) = plan_drain(seen(*TRIO_HELD, budget("db", ("maxUnavailable", 0), 3, 3, 3)), "w1")
    shown = held.as_dict()
    assert shown["result"] == "blocked"
    assert shown["why"] == f"{held.blocked}; {held.why}"
    assert "is on w1" in held.why


def test_a_budget_that_allows_none_at_this_moment():
    line = plan_drain(seen(*PAIR, budget("web", healthy=1)), "w1")[0]
    assert (line.result, line.blocked) == ("evicted", "")
    assert line.why.startswith(
        "when the disruption budget ns/web (maxUnavailable 1: 1 of 2 must be healthy, 1 are, 0 may"
    )


def shown(objects):
    return [[line.pod["metadata"]["name"] for line in lane] for lane in lanes(plan_drain(seen(*objects), "w1"))]


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        ([], []),
        ([*PAIR], [["a"], ["b"]]),
        ([*PAIR, budget("web")], [["a", "b"]]),
        ([AGENT, *PAIR, pod("d", owner="DaemonSet agent")], [["a"], ["b"]]),
        ([WEB, *HELD, pod("a", volumes=using("c")), pod("b"), budget("web")], [["b", "a"]]),
        ([*PAIR, pod("z", ready=False), budget("web")], [["z", "a", "b"]]),
        ([*PAIR, SET, pod("db-0", owner="StatefulSet db"), budget("web"), budget("db")], [["a", "b"], ["db-0"]]),
    ],
)
def test_lanes_are_evicted_side_by_side(objects, expected):
    assert shown(objects) == expected


@given(
    st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), max_size=6),
    st.integers(0, 4),
    st.integers(0, 6),
)
def test_every_pod_has_one_line_and_everyone_who_goes_one_lane(kinds, desired, expected):
    made = [
        pod(f"p{n}", owner="ReplicaSet web" if owned else "", ready=ready, volumes=using("c") if held else [])
        for n, (owned, held, ready) in enumerate(kinds)
    ]
    lines = plan_drain(seen(WEB, *HELD, *made, budget("web", desired=desired, expected=expected)), "w1")
    assert [line.pod["metadata"]["name"] for line in lines] == sorted(p["metadata"]["name"] for p in made)
    assert sorted(line.key for lane in lanes(lines) for line in lane) == [line.key for line in lines if line.goes]
    assert all(line.why or line.other_nodes for line in lines)


CLOSED = (NODES[0], node("w1", cordoned=True), node("w2"))


@pytest.mark.parametrize(
    ("objects", "why"),
    [
        ([], None),
        ([pod("p", None)], None),
        ([pod("p", None, volumes=using("c")), *HELD], HELD_BY),
        ([pod("p", "w2", volumes=using("c")), *HELD], None),
        ([pod("p", None, volumes=using("c"), deletionTimestamp="now"), *HELD], None),
        ([pod("p", None, volumes=using("c")), volume("c", "w2"), claim("c")], None),
        ([pod("p", None, volumes=using("c")), volume("c", "gone"), claim("c")], None),
        ([pod("p", None, volumes=using("c")), volume("c", "w1"), claim("c", False)], None),
        ([pod("p", None, volumes=using("c"), nodeSelector={"zone": "a"}), *HELD], None),
        (
            [pod("p", None, nodeSelector={"kubernetes.io/hostname": "w1"})],
            "c does not fit its node selector; w2 does not fit its node selector",
        ),
    ],
)
def test_pods_that_wait_for_the_node(objects, why):
    lines = plan_schedulable(seen(*CLOSED, WEB, *objects), "w1")
    assert [(line.result, line.why) for line in lines] == ([] if why is None else [("waiting", why)])
