"""node_drain against a cluster in memory: what is written, when, and what is returned."""

from __future__ import annotations

import pytest
import yaml

from ansible_collections.kindlab.volumes.plugins.module_utils._action.node_drain import ARGUMENTS, run
from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    BadInput,
    Declined,
    KindlabError,
    TimedOut,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import defaults
from ansible_collections.kindlab.volumes.plugins.modules import node_drain as module
from ansible_collections.kindlab.volumes.tests.unit.support.backups import inspected
from ansible_collections.kindlab.volumes.tests.unit.support.drains import (
    ANYWHERE,
    NODES,
    WEB,
    Server,
    budget,
    claim,
    node,
    pod,
    using,
    volume,
    workload,
)
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import CA, Killed
from ansible_collections.kindlab.volumes.tests.unit.support.nodes import showing

OPTIONS = {**defaults(ARGUMENTS), "engine": "docker", "node": "w1", "cluster": "lab", "wait_timeout": 60}
RETURNED = yaml.safe_load(module.RETURN)
AGENT = workload("DaemonSet", "agent")
BOUND = workload("ReplicaSet", "bound", "Deployment bound")
ON_W1 = (BOUND, volume("c", "w1"), claim("c"), pod("fixed", owner="ReplicaSet bound", volumes=using("c")))
LIFE = (*NODES, AGENT, WEB, *ON_W1, pod("agent", owner="DaemonSet agent"), pod("a"), pod("b"))
NEVER = budget("web", ("maxUnavailable", 0), 2)


def server(*objects, **how):
    how.setdefault("stuck", ["bound"])
    return Server(*LIFE, *objects, **how)


def play(cluster, check_mode=False, **options):
    assert options.keys() <= OPTIONS.keys()
    return run(
        {**OPTIONS, **options},
        check_mode,
        runner=showing(inspected("c", "lab", "control-plane"), inspected("w1", "lab", "worker")),
        connect=lambda *_where: cluster,
        new_deadline=lambda seconds: Deadline(seconds, cluster.clock),
        sleep=cluster.sleep,
    )


def is_schedulable(cluster, name="w1"):
    return not cluster.get("Node", name)["spec"].get("unschedulable")


def results(outcome):
    return {line["name"]: line["result"] for line in outcome.facts["pods"]}


DRAINED = {"a": "evicted", "agent": "daemon", "b": "evicted", "fixed": "cannot_move"}


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
        ("evict", "Pod", "ns/fixed"),
    ]
    assert not is_schedulable(cluster)
    written = list(cluster.writes)
    again = play(cluster)
    assert (again.changed, again.before, again.after) == (False, done.after, done.after)
    assert results(again) == {"agent": "daemon"}
    assert play(cluster, True) == again
    assert cluster.writes == written


def running(cluster):
    """The scheduler, and the kubelet of w1: pods that wait for w1 run once it is schedulable."""
    for item in cluster.list("Pod"):
        if "nodeName" not in item["spec"] and is_schedulable(cluster):
            cluster.put({**pod(item["metadata"]["name"]), "metadata": item["metadata"]})


def test_uncordon_check_run_run_check():
    cluster = server()
    play(cluster)
    cluster.writes.clear()
    cluster.react = running
    checked = play(cluster, True, state="uncordoned")
    assert (checked.changed, cluster.writes) == (True, [])
    (row,) = checked.facts["pods"]
    assert (row["workload"], row["result"]) == ("Deployment/bound", "returned")
    assert row["why"] == "its claim ns/c (volume pv-c) is on w1"
    assert play(cluster, state="uncordoned") == checked
    assert cluster.writes == [("patch", "Node", "w1")]
    assert "unschedulable" not in cluster.get("Node", "w1")["spec"]
    again = play(cluster, state="uncordoned")
    assert (again.changed, again.facts["pods"], again.before) == (False, [], again.after)
    assert play(cluster, True, state="uncordoned") == again
    assert cluster.writes == [("patch", "Node", "w1")]


def test_cordon_check_run_run_check():
    cluster = server()
    checked = play(cluster, True, state="cordoned")
    assert (checked.changed, cluster.writes, is_schedulable(cluster)) == (True, [], True)
    assert play(cluster, state="cordoned") == checked
    assert (cluster.writes, is_schedulable(cluster), cluster.graces) == ([("patch", "Node", "w1")], False, {})
    again = play(cluster, state="cordoned")
    assert (again.changed, again.before, again.after) == (False, checked.after, checked.after)
    assert play(cluster, True, state="cordoned") == again
    assert cluster.writes == [("patch", "Node", "w1")]


def test_a_cordoned_node_is_drained_and_uncordoned():
    cluster = server()
    play(cluster, state="cordoned")
    drained = play(cluster)
    assert (drained.changed, drained.before["schedulable"], results(drained)) == (True, False, DRAINED)
    assert not play(cluster, state="cordoned").changed
    assert play(cluster, state="uncordoned", wait=False).changed
    assert is_schedulable(cluster)


@pytest.mark.parametrize("node_name", ["w1", "c"])
def test_a_cordon_refuses_nothing(node_name):
    cluster = server(pod("bare", owner=""), pod("p", volumes=[{"name": "tmp", "emptyDir": {}}]))
    assert play(cluster, node=node_name, state="cordoned").changed


@pytest.mark.parametrize("state", ["drained", "cordoned", "uncordoned"])
def test_what_is_returned_is_documented(state):
    cluster = server(node("w1", cordoned=state == "uncordoned"), pod("waiting", None, volumes=using("c")))
    facts = play(cluster, True, state=state).facts
    assert [*facts, "moved_volumes"] == list(RETURNED)
    assert all(list(row) == list(RETURNED["pods"]["contains"]) for row in facts["pods"])


def test_it_waits_only_if_asked():
    cluster = server()
    play(cluster)
    outcome = play(cluster, state="uncordoned", wait=False)
    assert [(p["workload"], p["result"]) for p in outcome.facts["pods"]] == [("Deployment/bound", "waiting")]


def test_a_pod_that_does_not_return_is_explained():
    cluster = server()
    play(cluster)
    with pytest.raises(TimedOut) as caught:
        play(cluster, state="uncordoned")
    (waiting,) = (key[2] for key in cluster.objects if key[0] == "Pod" and key[2].startswith("bound"))
    late = f"Node w1 is schedulable, but 1 pod is not ready after 60 seconds: ns/Pod/{waiting}."
    assert caught.value.message == late
    assert caught.value.next_step == f"kubectl -n ns describe pod {waiting}"
    assert is_schedulable(cluster)


def test_a_pod_that_cannot_start_is_explained_at_once():
    cluster = server()
    play(cluster)
    message = 'secret "s" not found'
    state = {"waiting": {"reason": "CreateContainerConfigError", "message": message}}
    failed = {"phase": "Pending", "containerStatuses": [{"name": "c", "ready": False, "state": state}]}

    def fail(watched):
        for item in watched.list("Pod"):
            if item["metadata"]["name"].startswith("bound"):
                watched.put({**item, "status": failed})

    cluster.react = fail
    with pytest.raises(KindlabError) as caught:
        play(cluster, state="uncordoned")
    assert caught.value.message.startswith("Node w1 is schedulable, but 1 pod cannot start, and will not without")
    assert f"is CreateContainerConfigError: {message}" in caught.value.message
    assert cluster.now < 12


def test_a_pod_that_a_rollout_replaces_is_not_waited_for():
    cluster = server()
    play(cluster)

    def replace_pods(watched):
        for item in watched.list("Pod"):
            if item["metadata"]["name"].startswith("bound-new"):
                del watched.objects["Pod", "ns", item["metadata"]["name"]]
                watched.put(pod("bound-another"))

    cluster.react = replace_pods
    assert play(cluster, state="uncordoned").changed
    assert cluster.now < 5


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
    ("on_failure", "cordoned", "schedulable", "note"),
    [
        ("restore", False, True, "Node w1 was uncordoned again."),
        ("keep", False, False, "Node w1 stays cordoned."),
        ("restore", True, False, "Node w1 stays cordoned, as before."),
    ],
)
def test_a_budget_that_never_allows(on_failure, cordoned, schedulable, note):
    cluster = server(NEVER, node("w1", cordoned=cordoned))
    with pytest.raises(TimedOut) as caught:
        play(cluster, on_failure=on_failure)
    error = caught.value
    assert error.message.startswith(
        "2 pods are still on node w1 after 60 seconds: ns/a, ns/b: the disruption budget ns/web"
    )
    assert "(maxUnavailable 0: 2 of 2 must be healthy, 2 are, 0 may be evicted now)" in error.message
    assert error.message.endswith(f" {note}")
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
    with pytest.raises(TimedOut, match="ns/a: was evicted but is still terminating") as caught:
        play(cluster)
    assert caught.value.message.endswith("Node w1 was uncordoned again.")
    assert is_schedulable(cluster)


def test_a_node_that_can_not_be_restored():
    class Down(Server):
        def patch(self, kind, name, change, namespace="", subresource=""):
            if change["spec"]["unschedulable"] is None:
                raise KindlabError("it does not answer")
            return super().patch(kind, name, change, namespace, subresource)

    with pytest.raises(TimedOut) as caught:
        play(Down(*LIFE, NEVER))
    assert caught.value.message.endswith("Node w1 is still cordoned (it does not answer): kubectl uncordon w1")


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
        ([], {"node": "w9"}, BadInput, "no node w9"),
        ([], {"node": "w9", "state": "cordoned"}, BadInput, "no node w9"),
        ([], {"node": "w9", "state": "uncordoned"}, BadInput, "no node w9"),
        ([], {"wait_timeout": 0}, BadInput, "wait_timeout"),
        ([], {"terminate_grace_period": -1}, BadInput, "terminate_grace_period"),
        ([], {"node": "c"}, Declined, "the only control plane node"),
        ([pod("bare", owner="")], {}, Declined, "ns/bare: no controller recreates this pod"),
        ([pod("p", volumes=SCRATCH)], {}, Declined, "ns/p: the data in its volumes tmp would be lost"),
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
def test_options_override_refusals(objects, options):
    cluster = server(*objects)
    assert play(cluster, **options).changed
    assert not play(cluster, **options).changed


def test_nothing_is_refused_if_nothing_is_done():
    cluster = server()
    play(cluster, node="c", force=True)
    assert not play(cluster, node="c").changed


def test_only_selected_pods_are_evicted():
    cluster = server(pod("bare", owner=""))
    outcome = play(cluster, pod_selectors=["app=web"])
    assert results(outcome) == {"a": "evicted", "agent": "daemon", "b": "evicted", "bare": "left", "fixed": "left"}
    assert not play(cluster, pod_selectors=["app=web"]).changed
    assert outcome.after["pods"] == ["ns/agent", "ns/bare", "ns/fixed"]


def test_a_selected_pod_matches_all_selectors():
    cluster = server(pod("front", labels={"app": "web", "tier": "front"}))
    outcome = play(cluster, pod_selectors=["app=web", "tier=front"])
    assert results(outcome) == {"a": "left", "agent": "daemon", "b": "left", "fixed": "left", "front": "evicted"}


def late(made):
    """The scheduler, which sends a pod to w1 after that was made unschedulable; once."""

    def react(cluster):
        if made["metadata"]["name"] not in cluster.graces:
            cluster.put(made)

    return react


def test_a_pod_that_came_late_is_evicted_too():
    cluster = server()
    cluster.react = late(pod("late"))
    assert results(play(cluster)) == {**DRAINED, "late": "evicted"}
    assert not play(cluster).changed


def test_a_pod_that_came_late_and_would_be_lost_is_refused_and_the_node_restored():
    cluster = server()
    cluster.react = late(pod("late", owner=""))
    with pytest.raises(Declined, match="ns/late") as caught:
        play(cluster)
    assert caught.value.message.endswith("Node w1 was uncordoned again.")
    assert is_schedulable(cluster)


def test_a_pod_that_returns_again_and_again_is_not_evicted_for_ever():
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


@pytest.mark.parametrize("state", ["drained", "cordoned", "uncordoned"])
def test_a_node_of_another_cluster_is_left_alone(state):
    cluster = server()
    cluster.ca = CA.replace("S2lu", "S2xu")
    for check_mode in (True, False):
        with pytest.raises(BadInput, match="another cluster than lab"):
            play(cluster, check_mode, state=state)
    assert cluster.writes == []
