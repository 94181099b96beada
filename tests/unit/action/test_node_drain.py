"""node_drain against a cluster in memory: what is written, when, and what is said."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._action.node_drain import run
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    BadInput,
    Declined,
    KindlabError,
    TimedOut,
)
from ansible_collections.kindlab.volumes.tests.unit.support.drains import (
    ANYWHERE,
    NODES,
    WEB,
    Server,
    budget,
    claim,
    node,
    owner,
    pod,
    using,
    volume,
)
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import Killed

OPTIONS = {
    "node": "w1",
    "state": "drained",
    "cluster": "lab",
    "kubeconfig": None,
    "context": None,
    "timeout": 60,
    "terminate_grace_period": None,
    "delete_emptydir_data": False,
    "force": False,
    "pod_selector": None,
    "on_failure": "restore",
    "wait": True,
}
AGENT = owner("DaemonSet", "agent")
HOLDER = owner("ReplicaSet", "holder", "Deployment holder")
HELD = (HOLDER, volume("c", "w1"), claim("c"), pod("held", owner="ReplicaSet holder", volumes=using("c")))
LIFE = (*NODES, AGENT, WEB, *HELD, pod("agent", owner="DaemonSet agent"), pod("a"), pod("b"))
NEVER = budget("web", ("maxUnavailable", 0), 2)


def server(*objects, **how):
    how.setdefault("stuck", ["holder"])
    return Server(*LIFE, *objects, **how)


def play(cluster, check_mode=False, **options):
    assert options.keys() <= OPTIONS.keys()
    return run({**OPTIONS, **options}, check_mode, cluster=cluster, clock=cluster.clock, pause=cluster.pause)


def is_schedulable(cluster, name="w1"):
    return not cluster.get("Node", name)["spec"].get("unschedulable")


def results(outcome):
    return {line["name"]: line["result"] for line in outcome.facts["pods"]}


DRAINED = {"a": "evicted", "agent": "daemon", "b": "evicted", "held": "cannot_move"}


def test_check_run_run_check():
    cluster = server()
    checked = play(cluster, True)
    assert (checked.changed, cluster.writes, results(checked)) == (True, [], DRAINED)
    done = play(cluster)
    assert done == checked
    assert cluster.writes[0] == ("patch", "Node", "w1")
    assert sorted(cluster.writes[1:]) == [
        ("evict", "Pod", "ns/a"),
        ("evict", "Pod", "ns/b"),
        ("evict", "Pod", "ns/held"),
    ]
    assert not is_schedulable(cluster)
    written = list(cluster.writes)
    again = play(cluster)
    assert (again.changed, again.before, again.after) == (False, done.after, done.after)
    assert results(again) == {"agent": "daemon"}
    assert play(cluster, True) == again
    assert cluster.writes == written


def running(cluster):
    """The scheduler, and the kubelet of w1: what waits for w1 runs where that is schedulable."""
    for item in cluster.list("Pod"):
        if "nodeName" not in item["spec"] and is_schedulable(cluster):
            cluster.put({**pod(item["metadata"]["name"]), "metadata": item["metadata"]})


def test_back_again_check_run_run_check():
    cluster = server()
    play(cluster)
    cluster.writes.clear()
    cluster.react = running
    checked = play(cluster, True, state="schedulable")
    assert (checked.changed, cluster.writes) == (True, [])
    (line,) = checked.facts["pods"]
    assert (line["owner"], line["result"]) == ("Deployment/holder", "returned")
    assert line["why"] == "its volume pv-c (claim ns/c) is on w1"
    assert play(cluster, state="schedulable") == checked
    assert cluster.writes == [("patch", "Node", "w1")]
    assert "unschedulable" not in cluster.get("Node", "w1")["spec"]
    again = play(cluster, state="schedulable")
    assert (again.changed, again.facts["pods"], again.before) == (False, [], again.after)
    assert play(cluster, True, state="schedulable") == again
    assert cluster.writes == [("patch", "Node", "w1")]


def test_nobody_is_waited_for_unless_asked():
    cluster = server()
    play(cluster)
    outcome = play(cluster, state="schedulable", wait=False)
    assert [(p["owner"], p["result"]) for p in outcome.facts["pods"]] == [("Deployment/holder", "waiting")]


def test_a_pod_that_does_not_come_back_is_explained():
    cluster = server()
    play(cluster)
    with pytest.raises(TimedOut, match="w1 is schedulable, but after 60 seconds 1 pod") as caught:
        play(cluster, state="schedulable")
    (waiting,) = (key[2] for key in cluster.objects if key[0] == "Pod" and key[2].startswith("holder"))
    assert f"do not run: ns/{waiting}; pod {waiting} is Pending." in caught.value.message
    assert caught.value.next_step == f"kubectl -n ns describe pod {waiting}"
    assert is_schedulable(cluster)


@pytest.mark.parametrize("grace_period", [None, 0])
def test_no_grace_is_none_at_all(grace_period):
    cluster = server()
    play(cluster, terminate_grace_period=grace_period)
    assert set(cluster.graces.values()) == {grace_period}


def test_budgets_are_retried_until_they_allow():
    cluster = server(budget("web", desired=2, healthy=3, expected=3), pod("x", "w2"))
    assert results(play(cluster)) == DRAINED
    assert cluster.refused
    assert cluster.now < 60


@pytest.mark.parametrize(
    ("on_failure", "closed", "schedulable", "said"),
    [
        ("restore", False, True, "w1 is schedulable again."),
        ("keep", False, False, "w1 stays unschedulable."),
        ("restore", True, False, "w1 stays unschedulable, as it was."),
    ],
)
def test_a_budget_that_never_allows(on_failure, closed, schedulable, said):
    cluster = server(NEVER, node("w1", cordoned=closed))
    with pytest.raises(TimedOut) as caught:
        play(cluster, on_failure=on_failure)
    error = caught.value
    assert error.message.startswith("After 60 seconds 2 pod(s) are still on w1: the disruption budget ns/web")
    assert "(maxUnavailable 0: 2 of 2 must be healthy, 2 are, 0 may go now) keeps ns/a, ns/b." in error.message
    assert error.message.endswith(f" {said}")
    assert "kubectl -n ns edit pdb web" in error.next_step
    found = {line["name"]: line["result"] for line in error.details["pods"]}
    assert found == {**DRAINED, "a": "blocked", "b": "blocked"}
    assert is_schedulable(cluster) is schedulable
    assert 60 <= cluster.now < 61


def test_a_budget_that_never_allows_is_predicted():
    cluster = server(NEVER)
    checked = play(cluster, True)
    assert results(checked) == {**DRAINED, "a": "blocked", "b": "blocked"}
    assert len(checked.warnings) == 2
    assert cluster.writes == []


def test_pods_that_do_not_end():
    cluster = server(deaf=["a"])
    with pytest.raises(TimedOut, match="ns/a was let go and has not ended") as caught:
        play(cluster)
    assert caught.value.message.endswith("w1 is schedulable again.")
    assert is_schedulable(cluster)


def test_a_node_that_can_not_be_restored():
    class Down(Server):
        def patch(self, kind, name, change, namespace="", subresource=""):
            if change["spec"]["unschedulable"] is None:
                raise KindlabError("it does not answer")
            return super().patch(kind, name, change, namespace, subresource)

    with pytest.raises(TimedOut) as caught:
        play(Down(*LIFE, NEVER))
    assert caught.value.message.endswith("w1 is still unschedulable (it does not answer): kubectl uncordon w1")


def test_any_error_restores_the_node():
    class Broken(Server):
        def evict(self, name, *_which):
            raise RuntimeError(name)

    cluster = Broken(*LIFE)
    with pytest.raises(RuntimeError):
        play(cluster)
    assert is_schedulable(cluster)


SCRATCH = [{"name": "tmp", "emptyDir": {}}]


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(
    ("objects", "options", "error", "said"),
    [
        ([], {"node": "w9"}, BadInput, "There is no node w9"),
        ([], {"node": "w9", "state": "schedulable"}, BadInput, "There is no node w9"),
        ([], {"timeout": 0}, BadInput, "timeout is 0"),
        ([], {"terminate_grace_period": -1}, BadInput, "terminate_grace_period is -1"),
        ([], {"node": "c"}, Declined, "the only control plane node"),
        ([pod("bare", owner="")], {}, Declined, "ns/bare: nothing makes this pod again"),
        ([pod("p", volumes=SCRATCH)], {}, Declined, "ns/p: the data in tmp goes with the pod"),
    ],
)
def test_refused_before_anything_is_changed(objects, options, error, said, check_mode):
    cluster = server(*objects)
    with pytest.raises(error, match=said):
        play(cluster, check_mode, **options)
    assert cluster.writes == []


@pytest.mark.parametrize(
    ("objects", "options"),
    [
        ([], {"node": "c", "force": True}),
        ([pod("bare", owner="")], {"force": True}),
        ([pod("p", volumes=SCRATCH)], {"delete_emptydir_data": True}),
    ],
)
def test_done_where_it_was_asked_for(objects, options):
    cluster = server(*objects)
    assert play(cluster, **options).changed
    assert not play(cluster, **options).changed


def test_nothing_is_refused_where_nothing_is_done():
    cluster = server()
    play(cluster, node="c", force=True)
    assert not play(cluster, node="c").changed


def test_only_selected_pods_go():
    cluster = server(pod("bare", owner=""))
    outcome = play(cluster, pod_selector="app=web")
    assert results(outcome) == {"a": "evicted", "agent": "daemon", "b": "evicted", "bare": "left", "held": "left"}
    assert not play(cluster, pod_selector="app=web").changed
    assert outcome.after["pods"] == ["ns/agent", "ns/bare", "ns/held"]


def late(made):
    """The scheduler, which sends a pod to w1 after that was made unschedulable; once."""

    def react(cluster):
        if made["metadata"]["name"] not in cluster.graces:
            cluster.put(made)

    return react


def test_a_pod_that_came_late_goes_too():
    cluster = server()
    cluster.react = late(pod("late"))
    assert results(play(cluster)) == {**DRAINED, "late": "evicted"}
    assert not play(cluster).changed


def test_a_pod_that_came_late_and_would_be_lost_is_refused_and_the_node_restored():
    cluster = server()
    cluster.react = late(pod("late", owner=""))
    with pytest.raises(Declined, match="ns/late") as caught:
        play(cluster)
    assert caught.value.message.endswith("w1 is schedulable again.")
    assert is_schedulable(cluster)


def test_a_pod_that_comes_again_and_again_is_not_hunted():
    cluster = server()
    cluster.react = lambda watched: watched.put(pod(f"again-{len(watched.writes)}", tolerations=ANYWHERE))
    assert "again" not in results(play(cluster))
    assert [name for name in cluster.graces if name.startswith("again")] == []


def test_after_any_kill_the_next_run_completes():
    whole = server()
    play(whole)
    for writes in range(len(whole.writes)):
        cluster = server()
        cluster.kill_after = writes
        with pytest.raises(Killed):
            play(cluster)
        cluster.kill_after = None
        done = play(cluster)
        assert done.changed
        assert not is_schedulable(cluster)
        assert play(cluster).changed is False
