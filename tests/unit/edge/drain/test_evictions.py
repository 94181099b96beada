"""Evictions against a server in memory: in which order, again, and until when."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.drain.plan import eviction_groups, plan
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.drain.evictions import PAUSE, Evictions
from ansible_collections.kindlab.volumes.tests.unit.support.drains import (
    WEB,
    Server,
    budget,
    claim,
    pod,
    request,
    seen,
    using,
    volume,
    workload,
)


def evict(server, timeout=60, grace_period=None):
    """The pods that are left of all that are evicted from w1."""
    return evictions(server, timeout, grace_period).run(groups(server))


def evictions(server, timeout=60, grace_period=None):
    return Evictions(server, "w1", Deadline(timeout, server.clock), grace_period, sleep=server.sleep)


def groups(server):
    return eviction_groups(plan(request(), seen(*server.objects.values())).pods)


def evicted(server):
    return [name.partition("/")[2] for _verb, _kind, name in server.writes]


def test_all_at_once_where_nothing_is_in_the_way():
    server = Server(WEB, pod("a"), pod("b"), pod("c", "w2"))
    assert evict(server) == {}
    assert sorted(evicted(server)) == ["a", "b"]
    assert server.now == 0


@pytest.mark.parametrize("grace_period", [None, 0, 7])
def test_the_grace_period_is_handed_on(grace_period):
    server = Server(WEB, pod("a"))
    evict(server, grace_period=grace_period)
    assert server.graces == {"a": grace_period}


def test_one_at_a_time_as_the_budget_allows():
    server = Server(WEB, *(pod(name) for name in "abc"), budget("web", desired=2, healthy=3, expected=3))
    assert evict(server) == {}
    assert evicted(server) == ["a", "b", "c"]
    assert server.refused == ["b", "c"]
    assert server.now == pytest.approx(2 * PAUSE)


def test_movable_pods_first_so_that_others_do_not_block_them():
    on_w1 = [volume("c", "w1"), claim("c")]
    server = Server(WEB, *on_w1, pod("a", volumes=using("c")), pod("b"), budget("web"), pod("x", "w2"))
    server.count()
    evict(server)
    assert evicted(server) == ["b", "a"]


def test_a_budget_that_never_allows_is_tried_until_the_time_is_over():
    server = Server(WEB, pod("a"), pod("b"), pod("d", owner=""), budget("web", ("maxUnavailable", 0), 2))
    left = evict(server, timeout=3)
    assert left == {"ns/a": "The disruption budget web allows none", "ns/b": "The disruption budget web allows none"}
    assert evicted(server) == ["d"]
    assert 3 <= server.now < 3 + 2 * PAUSE
    assert set(server.refused) == {"a"}


def test_a_budget_that_is_changed_meanwhile():
    server = Server(WEB, pod("a"), budget("web", ("maxUnavailable", 0), 1, 1, 1))

    def react(cluster):
        if cluster.now > 1:
            cluster.objects.pop(("PodDisruptionBudget", "ns", "web"), None)

    server.react = react
    assert evict(server) == {}
    assert 1 < server.now < 1 + 2 * PAUSE


def test_pods_that_were_evicted_and_do_not_end():
    server = Server(WEB, pod("a"), pod("b"), deaf=["b"])
    assert evict(server) == {"ns/b": ""}
    assert sorted(server.graces) == ["a", "b"]


def test_both_what_was_refused_and_what_does_not_end():
    server = Server(WEB, pod("a"), pod("d", owner=""), budget("web", ("maxUnavailable", 0), 1, 1, 1), deaf=["d"])
    assert evict(server, timeout=1) == {"ns/a": "The disruption budget web allows none", "ns/d": ""}


def test_a_pod_that_goes_by_itself_while_its_budget_says_no():
    server = Server(WEB, pod("a"), pod("b"), budget("web", ("maxUnavailable", 0), 2))

    def react(cluster):
        cluster.objects.pop(("Pod", "ns", "a"), None)
        if cluster.now > 1:
            cluster.objects.pop(("Pod", "ns", "b"), None)

    server.react = react
    assert evict(server) == {}
    assert server.refused[0] == "a"
    assert set(server.refused[1:]) == {"b"}
    assert evicted(server) == []


def test_another_pod_of_the_same_name_is_left_alone():
    """A StatefulSet's pod was recreated on this node between the plan and its eviction."""
    server = Server(workload("StatefulSet", "db"), pod("db-0", owner="StatefulSet db"))
    planned = groups(server)
    again = pod("db-0", owner="StatefulSet db")
    again["metadata"]["uid"] = "another"
    server.put(again)
    pods = evictions(server)
    assert pods.run(planned) == {}
    assert server.writes == []
    assert pods.pods_on_node() == {"another"}


def test_the_same_name_on_this_node_does_not_keep_it_waiting():
    server = Server(workload("StatefulSet", "db"), pod("db-0", owner="StatefulSet db"))
    assert evict(server) == {}
    assert server.get("Pod", "db-0", "ns")["metadata"]["uid"] != "uid-db-0"


def named(item, name):
    return {**item, "metadata": {**item["metadata"], "name": name}}


@pytest.mark.parametrize(
    ("budgets", "seen_until"),
    [
        ([budget("web", ("maxUnavailable", 0), 1, 1, 1)], ["other", "web", "x-other"]),
        ([budget("web")], ["other", "web"]),
        # Where several budgets select a pod, none of them can say when it may go.
        ([budget("web"), named(budget("web"), "x")], ["other", "web", "x", "x-other"]),
    ],
)
def test_the_watch_ends_by_a_budget_that_could_let_go(budgets, seen_until):
    class Refusing(Server):
        watched = ()

        def evict(self, *_which):
            return "no"

        def watch(self, kind, *how, **more):
            for change in super().watch(kind, *how, **more):
                self.watched += (change.object["metadata"]["name"],)
                yield change

    others = [named(budget("db"), "other"), named(budget("db"), "x-other")]
    server = Refusing(WEB, pod("a"), *budgets, *others)
    server.react = lambda _cluster: None
    assert evict(server, timeout=PAUSE) == {"ns/a": "no"}
    assert list(server.watched) == seen_until


def test_what_is_refused_for_good_is_raised():
    class Refusing(Server):
        def evict(self, name, *_which):
            raise KindlabError(f"{name} is forbidden")

    with pytest.raises(KindlabError, match="a is forbidden"):
        evict(Refusing(WEB, pod("a")))
