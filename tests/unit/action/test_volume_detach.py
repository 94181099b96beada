"""volume_detach against a cluster in memory: what is written, what is checked, and what is returned."""

from __future__ import annotations

import pytest
import yaml

from ansible_collections.kindlab.volumes.plugins.module_utils._action import volume_detach
from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.usage import VolumeUser
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    BadInput,
    Conflict,
    Declined,
    KindlabError,
    TimedOut,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube import workloads
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.pods import MIRROR
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.detach.workloads import ATTEMPTS
from ansible_collections.kindlab.volumes.plugins.modules import volume_detach as module
from ansible_collections.kindlab.volumes.tests.unit.support.detaching import (
    BASE,
    EVERYTHING,
    NODE,
    OPTIONS,
    STOPPED,
    UNTOUCHED,
    C,
    Nodes,
    attach,
    play,
    policies,
    results,
    running,
    scaling,
    specs,
    states,
)
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import FakeCluster, ScriptedRunner, merge
from ansible_collections.kindlab.volumes.tests.unit.support.workloads import (
    Controlled,
    as_served,
    bound,
    made_by,
    pod,
    stateful,
    workload,
)

RETURNED = yaml.safe_load(module.RETURN)


def test_check_run_run_check():
    cluster = running(*EVERYTHING)
    before = specs(cluster)
    checked = play(cluster, True)
    assert (checked.changed, cluster.writes, specs(cluster)) == (True, [], before)
    done = play(cluster)
    assert (done.changed, done.before, done.after) == (True, checked.before, checked.after)
    assert {**done.facts, "seconds": {}} == {**checked.facts, "seconds": {}}
    assert results(done) == {**dict.fromkeys(STOPPED, "detached"), "Deployment/idle": "unchanged"}
    assert states(done) == dict.fromkeys(["pv-c", "pv-data-db-0", "pv-data-db-1"], "free")
    assert sorted(scaling(cluster)) == sorted(
        ("patch", kind, f"ns/{name}") for kind, _slash, name in (text.partition("/") for text in STOPPED)
    )
    after, pods_left = specs(cluster)
    assert pods_left == UNTOUCHED
    for name in ("Deployment/other", "Deployment/stateless", "Deployment/idle", "StatefulSet/cache", "Job/done"):
        assert after[f"ns/{name}"] == before[0][f"ns/{name}"]
    cluster.writes.clear()
    for check in (False, True):
        again = play(cluster, check)
        assert (again.changed, again.before, again.after) == (False, done.after, done.after)
        assert set(results(again).values()) == {"unchanged"}
        assert [row["before"] for row in again.facts["workloads"]] == [row["before"] for row in done.facts["workloads"]]
    assert (cluster.writes, specs(cluster)) == ([], (after, pods_left))


def test_back_again_check_run_run_check():
    cluster = running(*EVERYTHING)
    before = specs(cluster)
    play(cluster)
    detached = specs(cluster)
    cluster.writes.clear()
    checked = attach(cluster, True, wait=True)
    assert (checked.changed, cluster.writes, specs(cluster)) == (True, [], detached)
    done = attach(cluster, wait=True)
    assert (done.changed, done.before, done.after) == (True, checked.before, checked.after)
    assert results(done) == results(checked) == dict.fromkeys(STOPPED, "attached")
    assert len(scaling(cluster)) == len(STOPPED)
    assert specs(cluster) == before
    cluster.writes.clear()
    for check in (False, True):
        again = attach(cluster, check, wait=True)
        assert (again.changed, again.facts["workloads"], again.before) == (False, [], again.after)
    assert (cluster.writes, specs(cluster)) == ([], before)


DATABASE = (*bound("data-db-0"), stateful("db", replicas=1))


def conforms(value, documented):
    """Whether a value has the shape that a module's RETURN documents."""
    assert isinstance(value, {"str": str, "int": int, "bool": bool, "dict": dict, "list": list}[documented["type"]]), (
        value
    )
    for element in value if documented["type"] == "list" else ():
        if documented["elements"] == "dict":
            assert list(element) == list(documented["contains"])
            for field, inner in documented["contains"].items():
                conforms(element[field], inner)
        else:
            assert isinstance(element, str)


@pytest.mark.parametrize("check", [True, False])
def test_what_is_returned_is_documented(check):
    cluster = running(*DATABASE, pod("bare", "data-db-0"))
    busy = Nodes(**{"pv-data-db-0": [VolumeUser("is in /data/data-db-0", "k-worker", "", "sh", 7)]}) if check else None
    done = play(cluster, check, unmanaged="delete", nodes=busy)
    assert sorted(done.facts) == sorted(RETURNED)
    back = attach(cluster, check)
    assert sorted(back.facts) == ["reclaim_policies", "seconds", "workloads"]
    for outcome in (done, back):
        for name, value in outcome.facts.items():
            conforms(value, RETURNED[name])
        assert list(outcome.before["workloads"]) == list(outcome.after["workloads"])
    assert list(done.facts["seconds"]) == ["observe", *([] if check else ["scale_down", "wait", "verify"])]
    assert list(back.facts["seconds"]) == ["observe", *([] if check else ["scale_up"])]


def test_a_row_per_workload_and_volume():
    cluster = running(*DATABASE, pod("bare", "data-db-0"))
    done = play(cluster, unmanaged="delete")
    assert done.facts["workloads"] == [
        {
            "kind": "StatefulSet",
            "namespace": "ns",
            "name": "db",
            "before": {"replicas": 1},
            "after": {"replicas": 0},
            "result": "detached",
        }
    ]
    assert done.facts["volumes"] == [
        {"name": "pv-data-db-0", "claim": "ns/data-db-0", "ephemeral": False, "state": "free", "in_use_by": []},
    ]
    assert done.facts["deleted_pods"] == ["ns/bare"]
    assert done.before == {
        "reclaim_policies": {"pv-data-db-0": "Delete"},
        "workloads": {"ns/StatefulSet/db": {"replicas": 1}},
        "pods": ["ns/bare"],
    }
    assert done.after == {
        "reclaim_policies": {"pv-data-db-0": "Retain"},
        "workloads": {"ns/StatefulSet/db": {"replicas": 0}},
        "pods": [],
    }
    (row,) = done.facts["reclaim_policies"]
    assert row == {"name": "pv-data-db-0", "claim": "ns/data-db-0", "before": "Delete", "after": "Retain"}


class Busy(Controlled):
    """A cluster where somebody changes a workload just before each of its first patches."""

    def __init__(self, *objects, times=1, change=None):
        super().__init__(*objects)
        self.times = times
        self.change = change or (lambda item: merge(item, {"metadata": {"labels": {"new": "label"}}}))

    def patch(self, kind, name, change, namespace="", subresource=""):
        if self.times and kind != "PersistentVolume":
            self.times -= 1
            now = self.change(self.get(kind, name, namespace))
            if now is None:
                del self.objects[kind, namespace, name]
            else:
                self.put(now)
        return super().patch(kind, name, change, namespace, subresource)


def scaled(replicas):
    return lambda item: merge(item, {"spec": {"replicas": replicas}})


@pytest.mark.parametrize("times", [1, ATTEMPTS - 1])
def test_a_conflict_is_retried_with_the_changed_workload(times):
    cluster = running(*C, workload("Deployment", "web", "c"), cluster=Busy, times=times, change=scaled(4))
    done = play(cluster)
    (row,) = done.facts["workloads"]
    assert (row["before"], row["after"], row["result"]) == ({"replicas": 4}, {"replicas": 0}, "detached")
    assert len(scaling(cluster)) == times + 1
    attach(cluster)
    assert cluster.get("Deployment", "web", "ns")["spec"]["replicas"] == 4


def test_a_conflict_is_not_retried_for_ever():
    cluster = running(*C, workload("Deployment", "web", "c"), cluster=Busy, times=99)
    with pytest.raises(Conflict):
        play(cluster)
    assert len(scaling(cluster)) == ATTEMPTS
    assert cluster.get("Deployment", "web", "ns")["spec"]["replicas"] == 1


@pytest.mark.parametrize(
    "change",
    [
        # Somebody else scales it to zero.
        scaled(0),
        # With the same record.
        lambda item: merge(item, workloads.scale_down_patch(item)),
    ],
)
def test_somebody_else_may_have_scaled_it(change):
    cluster = running(*C, workload("Deployment", "web", "c"), cluster=Busy, change=change)
    done = play(cluster)
    assert results(done) == {"Deployment/web": "unchanged"}
    assert done.before["workloads"] == done.after["workloads"]


def test_a_workload_may_be_deleted_meanwhile():
    job = workload("Job", "once", "c")
    cluster = running(*C, job, workload("Deployment", "web", "c"), cluster=Busy, change=lambda _item: None)
    done = play(cluster)
    assert results(done) == {"Deployment/web": "unchanged", "Job/once": "detached"}


def test_a_workload_that_is_gone_after_a_conflict():
    class Late(Busy):
        def get(self, kind, name, namespace=""):
            if scaling(self):
                self.objects.pop((kind, namespace, name), None)
            return super().get(kind, name, namespace)

    cluster = running(*C, workload("ReplicaSet", "web", "c"), cluster=Late)
    assert results(play(cluster)) == {"ReplicaSet/web": "unchanged"}


STATIC = pod("etcd", "c", metadata={"annotations": {MIRROR: "hash"}, **made_by("Node", "k-worker")})
FOREIGN = pod("db-0", "c", metadata=made_by("Postgres", "db"))


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("options", "objects", "error", "said"),
    [
        ({}, [pod("bare", "c")], Declined, "ns/bare: no controller recreates this pod"),
        ({}, [FOREIGN], Declined, "ns/db-0: it is controlled by Postgres/db"),
        ({}, [STATIC], Declined, "ns/etcd: it is a static pod"),
        (
            {"unmanaged": "delete"},
            [STATIC, pod("bare", "c")],
            Declined,
            "1 pod using(.|\\n)*ns/etcd: it is a static pod",
        ),
        ({"names": ["nobody"]}, [], BadInput, "nobody"),
        ({"wait_timeout": 0}, [], BadInput, "wait_timeout"),
        (
            {"state": "attached", "path": "/nowhere/at/all"},
            [],
            BadInput,
            "Cannot read the backup directory /nowhere/at/all",
        ),
        ({"state": "attached", "names": ["ns/x"]}, [], BadInput, "ns/x"),
        (
            {},
            [workload("Deployment", "z", "c", replicas=0, metadata={"labels": {workloads.RECORDED: "replicas"}})],
            BadInput,
            "ns/Deployment/z cannot be scaled back up",
        ),
    ],
)
def test_nothing_is_written_if_something_is_refused(check, options, objects, error, said):
    cluster = running(*C, workload("Deployment", "web", "c"), *objects)
    before = specs(cluster)
    with pytest.raises(error, match=said) as caught:
        play(cluster, check, **options)
    assert caught.value.next_step
    assert (cluster.writes, specs(cluster)) == ([], before)


def test_options_that_do_not_matter():
    cluster = running(*C, workload("Deployment", "web", "c"))
    assert play(cluster, path="/nowhere/at/all", wait_timeout=1).changed


def test_another_cluster_is_refused():
    cluster = FakeCluster({**NODE, "metadata": {"name": "x"}}, *C, workload("Deployment", "web", "c"))
    with pytest.raises(BadInput, match="another cluster than k"):
        play(cluster)
    nowhere = ScriptedRunner([(["docker", "ps"], "")])
    with pytest.raises(BadInput, match="no node of a kind cluster named k"):
        volume_detach.run(OPTIONS, False, runner=nowhere, connect=lambda *_where: running(*C))
    assert cluster.writes == []


def test_pods_without_a_known_workload_are_deleted_once():
    cluster = running(*C, *bound("d"), workload("Deployment", "web", "c"), pod("bare", "c"), FOREIGN, pod("x", "d"))
    checked = play(cluster, True, names=["ns/c"], unmanaged="delete")
    assert cluster.writes == []
    done = play(cluster, names=["ns/c"], unmanaged="delete")
    assert done.facts["deleted_pods"] == checked.facts["deleted_pods"] == ["ns/bare", "ns/db-0"]
    assert scaling(cluster) == [
        ("patch", "Deployment", "ns/web"),
        ("delete", "Pod", "ns/bare"),
        ("delete", "Pod", "ns/db-0"),
    ]
    again = play(cluster, names=["ns/c"], unmanaged="delete")
    assert (again.changed, again.facts["deleted_pods"], again.before) == (False, [], again.after)


def test_deleting_alone_is_a_change():
    done = play(running(*C, pod("bare", "c")), unmanaged="delete")
    assert (done.changed, done.facts["workloads"], done.facts["deleted_pods"]) == (True, [], ["ns/bare"])


def test_pods_that_come_back_use_their_volume():
    def operator(cluster):
        cluster.control()
        cluster.put(FOREIGN)

    cluster = running(*C)
    cluster.put(FOREIGN)
    cluster.react = operator
    with pytest.raises(Conflict, match="ns/db-0 by Postgres/db") as caught:
        play(cluster, unmanaged="delete")
    assert "stop its operator" in caught.value.next_step
    assert scaling(cluster) == [("delete", "Pod", "ns/db-0")]


def test_pods_that_do_not_exist_yet_are_never_created():
    cluster = Controlled(*BASE, *C, workload("Deployment", "web", "c", replicas=5), workload("CronJob", "nightly", "c"))
    assert results(play(cluster)) == {"CronJob/nightly": "detached", "Deployment/web": "detached"}
    cluster.control()
    assert cluster.list("Pod") == []


def test_a_terminating_pod_is_waited_for():
    ending = pod("p", "c", metadata={**made_by("ReplicaSet", "gone"), "deletionTimestamp": "now"})
    cluster = running(*C, ending, deaf=["p"])
    with pytest.raises(TimedOut, match=r"ns/c \(pv-c\): pod ns/p uses it and is terminating"):
        play(cluster)
    cluster.deaf = ()
    done = play(cluster)
    assert (done.changed, states(done)) == (False, {"pv-c": "free"})


def test_ephemeral_volumes_are_stopped_with_their_pods():
    scratch = {"volumes": [{"name": "scratch", "ephemeral": {"volumeClaimTemplate": {}}}]}
    cluster = running(*bound("p-scratch", own=True), pod("p", **scratch))
    nodes = Nodes(**{"pv-p-scratch": [VolumeUser("is in /data/p-scratch", "k-worker", "", "rm", 9)]})
    with pytest.raises(Declined, match="ns/p: no controller recreates this pod"):
        play(cluster, nodes=nodes)
    done = play(cluster, nodes=nodes, unmanaged="delete")
    (row,) = done.facts["volumes"]
    assert (row["name"], row["ephemeral"], row["state"]) == ("pv-p-scratch", True, "free")
    assert (done.facts["deleted_pods"], nodes.asked) == (["ns/p"], [])
    assert policies(cluster) == {"pv-p-scratch": ("Delete", {})}


def test_the_deletion_of_ephemeral_volumes_is_awaited(monkeypatch):
    """A backup that follows would look for the data of one that its provisioner is deleting."""
    scratch = {"volumes": [{"name": "scratch", "ephemeral": {"volumeClaimTemplate": {}}}]}
    cluster = running(*bound("p-scratch", own=True), pod("p", **scratch))
    awaited = []

    def left_after(_cluster, kind, names, *_how, **_more):
        awaited.append((kind, set(names)))
        return set()

    monkeypatch.setattr(type(cluster), "left_after", left_after)
    play(cluster, unmanaged="delete")
    assert ("PersistentVolume", {("", "pv-p-scratch")}) in awaited


def test_an_ephemeral_volume_that_was_named_is_gone_with_its_pod():
    scratch = {"volumes": [{"name": "scratch", "ephemeral": {"volumeClaimTemplate": {}}}]}

    class Collected(Controlled):
        def delete(self, kind, name, namespace="", *, propagation="Background"):
            super().delete(kind, name, namespace, propagation=propagation)
            for gone in (("PersistentVolumeClaim", "ns", "p-scratch"), ("PersistentVolume", "", "pv-p-scratch")):
                self.objects.pop(gone, None)

    cluster = running(*bound("p-scratch", own=True), pod("p", **scratch), cluster=Collected)
    assert play(cluster, names=["ns/p-scratch"], unmanaged="delete").facts["deleted_pods"] == ["ns/p"]


def host_path(path):
    return pod("host", volumes=[{"name": "v", "hostPath": {"path": path}}])


def helper():
    return pod("helper", containers=[{"name": "h", "env": [{"name": "VOL_DIR", "value": "/data/c"}]}])


ATTACHED = {
    "kind": "VolumeAttachment",
    "metadata": {"name": "csi-1"},
    "spec": {"nodeName": "k-worker2", "source": {"persistentVolumeName": "pv-c"}},
}
STRANGE = VolumeUser("is in /data/c/sub", "k-worker", "", "sh", 9)


@pytest.mark.parametrize(
    ("objects", "nodes", "said", "what"),
    [
        (
            [host_path("/data/c/sub")],
            Nodes(),
            "pod ns/host uses /data/c/sub",
            {"node": "k-worker", "pod": "ns/host", "process": "", "pid": 0},
        ),
        (
            [helper()],
            Nodes(),
            "pod ns/helper uses /data/c",
            {"node": "k-worker", "pod": "ns/helper", "process": "", "pid": 0},
        ),
        (
            [ATTACHED],
            Nodes(),
            "it is attached to k-worker2 (VolumeAttachment)",
            {"node": "k-worker2", "pod": "", "process": "", "pid": 0},
        ),
        (
            [],
            Nodes(**{"pv-c": [STRANGE]}),
            "sh (pid 9) on k-worker is in /data/c/sub",
            {"node": "k-worker", "pod": "", "process": "sh", "pid": 9},
        ),
        (
            [pod("x", metadata={"uid": "uid-other"})],
            Nodes(**{"pv-c": [VolumeUser("has open /data/c/f", "k-worker", "uid-other", "cat", 7)]}),
            "cat (pid 7) of pod ns/x on k-worker has open /data/c/f",
            {"node": "k-worker", "pod": "ns/x", "process": "cat", "pid": 7},
        ),
        (
            [],
            Nodes("paused"),
            "node k-worker is paused: its processes cannot be read",
            {"node": "k-worker", "pod": "", "process": "", "pid": 0},
        ),
    ],
)
def test_what_uses_a_volume_is_named(objects, nodes, said, what):
    cluster = running(*C, *bound("d", nodeAffinity={}, hostPath={"path": "/elsewhere"}), *objects)
    cluster.put(workload("Deployment", "web", "c"))
    cluster.control()
    options = {"names": ["ns/c"], "nodes": nodes, "wait_timeout": 7}
    foreseen = play(cluster, True, **options)
    with pytest.raises(TimedOut) as caught:
        play(cluster, **options)
    error = caught.value
    assert error.message == f"1 of 1 volume is still in use after 7 seconds: ns/c (pv-c): {said}."
    assert "state=attached" in error.next_step
    conforms(error.details, RETURNED["volumes"])
    (row,) = error.details
    (user,) = row.pop("in_use_by")
    assert row == {"name": "pv-c", "claim": "ns/c", "ephemeral": False, "state": "in use"}
    assert {field: user[field] for field in what} == what
    assert user["text"] == said
    # In check mode the same is left when the pods of web are gone.
    assert foreseen.facts["volumes"] == [{**row, "in_use_by": [user]}]
    assert cluster.get("Deployment", "web", "ns")["spec"]["replicas"] == 0
    attach(cluster)
    assert cluster.get("Deployment", "web", "ns")["spec"]["replicas"] == 1


def test_a_pod_that_does_not_end_uses_its_volume_and_another_run_completes():
    cluster = running(*C, workload("ReplicaSet", "web", "c"), workload("ReplicaSet", "fine", "c"), deaf=["web-0"])
    with pytest.raises(TimedOut, match=r"ns/c \(pv-c\): pod ns/web-0 uses it and is terminating"):
        play(cluster)
    cluster.deaf = ()
    done = play(cluster)
    assert (done.changed, states(done)) == (False, {"pv-c": "free"})
    assert [row["before"] for row in done.facts["workloads"]] == [{"replicas": 1}] * 2


def test_in_check_mode_processes_of_pods_that_will_be_gone_do_not_count():
    cluster = running(*C, workload("ReplicaSet", "web", "c"))
    uid = cluster.get("Pod", "web-0", "ns")["metadata"]["uid"]
    nodes = Nodes(**{"pv-c": [VolumeUser("has mounted /data/c", "k-worker", uid, "nginx", 7), STRANGE]})
    (row,) = play(cluster, True, nodes=nodes).facts["volumes"]
    assert [user["process"] for user in row["in_use_by"]] == ["sh"]


def test_an_exited_node_uses_nothing_once_its_pods_are_gone():
    nodes = Nodes("exited")
    assert states(play(running(*C, workload("ReplicaSet", "web", "c")), nodes=nodes)) == {"pv-c": "free"}
    assert nodes.asked == []


def test_each_node_is_probed_once_for_all_volumes():
    nodes = Nodes()
    play(running(*EVERYTHING), nodes=nodes)
    names = ("c", "data-db-0", "data-db-1")
    assert nodes.asked == [("k-worker", {f"pv-{name}": f"/data/{name}" for name in names}, ["/data"])]


def test_only_the_selected_volumes_are_detached_and_attached():
    objects = (*C, *bound("d"), workload("Deployment", "c", "c"), workload("Deployment", "d", "d"), pod("bare", "d"))
    cluster = running(*objects)
    before = specs(cluster)
    done = play(cluster, names=["ns/c"])
    assert (results(done), states(done)) == ({"Deployment/c": "detached"}, {"pv-c": "free"})
    assert results(attach(cluster, names=["ns/d"])) == {}
    assert results(attach(cluster, names=["ns/c"], wait=True)) == {"Deployment/c": "attached"}
    assert specs(cluster) == before


def test_scaled_up_since_it_keeps_its_claims_and_its_number():
    cluster = running(*bound("data-a-0"), stateful("a", replicas=1, scaled="Delete"))
    play(cluster)
    for item in (*bound("data-a-1"), *bound("data-a-2"), scaled(3)(cluster.get("StatefulSet", "a", "ns"))):
        cluster.put(item)
    cluster.control()
    (row,) = attach(cluster, wait=True).facts["workloads"]
    assert (row["before"], row["after"], row["result"]) == ({"replicas": 3}, {"replicas": 3}, "attached")
    found, pods_there = specs(cluster)
    assert found["ns/StatefulSet/a"] == as_served(stateful("a", replicas=3, scaled="Delete"))
    assert {f"ns/PersistentVolumeClaim/data-a-{number}" for number in range(3)} <= found.keys()
    assert pods_there == ["a-0", "a-1", "a-2"]


def test_it_waits_only_if_asked():
    for wait in (False, True):
        cluster = running(*C, workload("Deployment", "web", "c"))
        play(cluster)
        cluster.react = lambda _cluster: None
        if wait:
            with pytest.raises(TimedOut, match="web"):
                attach(cluster, wait=True)
        else:
            assert attach(cluster).changed
        assert cluster.get("Deployment", "web", "ns")["spec"]["replicas"] == 1


@pytest.mark.parametrize("check", [True, False])
def test_a_webhook_that_points_nowhere_is_known_before_anything_is_stopped(check):
    cluster = running(*C, workload("Deployment", "web", "c"), workload("Deployment", "other", "c"))
    refused = (
        'The API server refused (500): Internal error occurred: failed calling webhook "a.b": service "x" not found'
    )
    cluster.unpatched["Deployment ns/web"] = KindlabError(refused, next_step="Use another kubeconfig.")
    with pytest.raises(
        Declined, match="Cannot scale down 1 workload; nothing was changed:\n- Deployment ns/web: "
    ) as error:
        play(cluster, check)
    assert 'failed calling webhook "a.b"' in error.value.message
    assert error.value.next_step == "Use another kubeconfig."
    assert cluster.writes == []
    # Whoever must not be called without effect is not asked.
    cluster.unpatched["Deployment ns/web"] = KindlabError('admission webhook "a.b" does not support dry run')
    assert play(cluster, check).changed
