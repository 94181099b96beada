"""volume_detach against a cluster in memory: what is written, what is proved, and what is said."""

from __future__ import annotations

import pytest
import yaml

from ansible_collections.kindlab.volumes.plugins.module_utils._action import volume_detach
from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.node_holders import Holder
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Conflict, Declined, TimedOut
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube import workloads
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.pods import MIRROR
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
    results,
    running,
    specs,
    states,
)
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import FakeCluster, ScriptedRunner, merge
from ansible_collections.kindlab.volumes.tests.unit.support.workloads import (
    Controlled,
    as_served,
    bound,
    made_by,
    owner,
    pod,
    stateful,
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
    assert sorted(cluster.writes) == sorted(
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
        assert [line["had"] for line in again.facts["owners"]] == [line["had"] for line in done.facts["owners"]]
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
    assert len(cluster.writes) == len(STOPPED)
    assert specs(cluster) == before
    cluster.writes.clear()
    for check in (False, True):
        again = attach(cluster, check, wait=True)
        assert (again.changed, again.facts["owners"], again.before) == (False, [], again.after)
    assert (cluster.writes, specs(cluster)) == ([], before)


DATABASE = (*bound("data-db-0"), stateful("db", replicas=1))


def conforms(value, documented):
    """Whether a value has the shape that a module's RETURN documents."""
    assert isinstance(value, {"str": str, "int": int, "dict": dict, "list": list}[documented["type"]]), value
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
    held = Nodes(**{"pv-data-db-0": [Holder("k-worker", 7, "sh", "", "is in /data/data-db-0")]}) if check else None
    done = play(cluster, check, unmanaged="delete", nodes=held)
    assert sorted(done.facts) == sorted(RETURNED)
    back = attach(cluster, check)
    assert sorted(back.facts) == ["owners", "seconds"]
    for outcome in (done, back):
        for name, value in outcome.facts.items():
            conforms(value, RETURNED[name])
        assert list(outcome.before["owners"]) == list(outcome.after["owners"])
    assert list(done.facts["seconds"]) == ["observe", *([] if check else ["stop", "wait", "prove"])]
    assert list(back.facts["seconds"]) == ["observe", *([] if check else ["give back"])]


def test_a_line_per_owner_and_volume():
    cluster = running(*DATABASE, pod("bare", "data-db-0"))
    done = play(cluster, unmanaged="delete")
    assert done.facts["owners"] == [
        {
            "kind": "StatefulSet",
            "namespace": "ns",
            "name": "db",
            "had": {"replicas": 1},
            "has": {"replicas": 0},
            "result": "detached",
        }
    ]
    assert done.facts["volumes"] == [
        {"name": "pv-data-db-0", "claim": "ns/data-db-0", "state": "free", "held_by": []},
    ]
    assert done.facts["deleted_pods"] == ["ns/bare"]
    assert done.before == {"owners": {"ns/StatefulSet/db": {"replicas": 1}}, "pods": ["ns/bare"]}
    assert done.after == {"owners": {"ns/StatefulSet/db": {"replicas": 0}}, "pods": []}


class Busy(Controlled):
    """A cluster where somebody changes an owner just before each of the first patches of it."""

    def __init__(self, *objects, times=1, change=None):
        super().__init__(*objects)
        self.times = times
        self.change = change or (lambda item: merge(item, {"metadata": {"labels": {"new": "label"}}}))

    def patch(self, kind, name, change, namespace="", subresource=""):
        if self.times:
            self.times -= 1
            now = self.change(self.get(kind, name, namespace))
            if now is None:
                del self.objects[kind, namespace, name]
            else:
                self.put(now)
        return super().patch(kind, name, change, namespace, subresource)


def scaled(replicas):
    return lambda item: merge(item, {"spec": {"replicas": replicas}})


@pytest.mark.parametrize("times", [1, volume_detach.ATTEMPTS - 1])
def test_a_conflict_is_tried_again_with_what_the_owner_has_then(times):
    cluster = running(*C, owner("Deployment", "web", "c"), cluster=Busy, times=times, change=scaled(4))
    done = play(cluster)
    (line,) = done.facts["owners"]
    assert (line["had"], line["has"], line["result"]) == ({"replicas": 4}, {"replicas": 0}, "detached")
    assert len(cluster.writes) == times + 1
    attach(cluster)
    assert cluster.get("Deployment", "web", "ns")["spec"]["replicas"] == 4


def test_a_change_of_ours_is_not_tried_for_ever():
    cluster = running(*C, owner("Deployment", "web", "c"), cluster=Busy, times=99)
    with pytest.raises(Conflict):
        play(cluster)
    assert len(cluster.writes) == volume_detach.ATTEMPTS
    assert cluster.get("Deployment", "web", "ns")["spec"]["replicas"] == 1


@pytest.mark.parametrize(
    "change",
    [
        # Somebody else brings it to zero.
        scaled(0),
        # Its number is the same in the end, and so is what is remembered.
        lambda item: merge(item, workloads.scale_down_patch(item)),
    ],
)
def test_somebody_else_may_have_done_it(change):
    cluster = running(*C, owner("Deployment", "web", "c"), cluster=Busy, change=change)
    done = play(cluster)
    assert (done.changed, results(done), done.before) == (False, {"Deployment/web": "unchanged"}, done.after)


def test_an_owner_may_be_gone_meanwhile():
    job = owner("Job", "once", "c")
    cluster = running(*C, job, owner("Deployment", "web", "c"), cluster=Busy, change=lambda _item: None)
    done = play(cluster)
    assert results(done) == {"Deployment/web": "unchanged", "Job/once": "detached"}


def test_an_owner_that_is_gone_after_a_conflict():
    class Late(Busy):
        def get(self, kind, name, namespace=""):
            if self.writes:
                self.objects.pop((kind, namespace, name), None)
            return super().get(kind, name, namespace)

    cluster = running(*C, owner("ReplicaSet", "web", "c"), cluster=Late)
    assert results(play(cluster)) == {"ReplicaSet/web": "unchanged"}


STATIC = pod("etcd", "c", metadata={"annotations": {MIRROR: "hash"}, **made_by("Node", "k-worker")})
FOREIGN = pod("db-0", "c", metadata=made_by("Postgres", "db"))


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("options", "objects", "error", "said"),
    [
        ({}, [pod("bare", "c")], Declined, "ns/bare: nothing makes this pod again"),
        ({}, [FOREIGN], Declined, "ns/db-0: it is made by Postgres/db, which is not known here"),
        ({}, [STATIC], Declined, "ns/etcd: it is a static pod"),
        ({"unmanaged": "delete"}, [STATIC, pod("bare", "c")], Declined, "1 pod.* ns/etcd: it is a static pod"),
        ({"names": ["nobody"]}, [], BadInput, "nobody"),
        ({"timeout": 0}, [], BadInput, "timeout is 0"),
        (
            {"state": "attached", "path": "/nowhere/at/all"},
            [],
            BadInput,
            "Cannot read the backup directory /nowhere/at/all",
        ),
        ({"state": "attached", "names": ["ns/x"]}, [], BadInput, "ns/x"),
        (
            {},
            [owner("Deployment", "z", "c", replicas=0, metadata={"labels": {workloads.RECORDED: "replicas"}})],
            BadInput,
            "ns/Deployment/z can't be scaled back up",
        ),
    ],
)
def test_nothing_is_written_where_something_is_refused(check, options, objects, error, said):
    cluster = running(*C, owner("Deployment", "web", "c"), *objects)
    before = specs(cluster)
    with pytest.raises(error, match=said) as caught:
        play(cluster, check, **options)
    assert caught.value.next_step
    assert (cluster.writes, specs(cluster)) == ([], before)


def test_options_that_do_not_matter():
    cluster = running(*C, owner("Deployment", "web", "c"))
    assert play(cluster, path="/nowhere/at/all", timeout=1).changed


def test_another_cluster_is_refused():
    cluster = FakeCluster({**NODE, "metadata": {"name": "x"}}, *C, owner("Deployment", "web", "c"))
    with pytest.raises(BadInput, match="another cluster than k"):
        play(cluster)
    nowhere = ScriptedRunner([(["docker", "ps"], "")])
    with pytest.raises(BadInput, match="no node of a kind cluster named k"):
        volume_detach.run(OPTIONS, False, runner=nowhere, connect=lambda *_where: running(*C))
    assert cluster.writes == []


def test_pods_that_nothing_makes_are_deleted_once():
    cluster = running(*C, *bound("d"), owner("Deployment", "web", "c"), pod("bare", "c"), FOREIGN, pod("x", "d"))
    checked = play(cluster, True, names=["ns/c"], unmanaged="delete")
    assert cluster.writes == []
    done = play(cluster, names=["ns/c"], unmanaged="delete")
    assert done.facts["deleted_pods"] == checked.facts["deleted_pods"] == ["ns/bare", "ns/db-0"]
    assert cluster.writes == [
        ("patch", "Deployment", "ns/web"),
        ("delete", "Pod", "ns/bare"),
        ("delete", "Pod", "ns/db-0"),
    ]
    again = play(cluster, names=["ns/c"], unmanaged="delete")
    assert (again.changed, again.facts["deleted_pods"], again.before) == (False, [], again.after)


def test_deleting_alone_is_a_change():
    done = play(running(*C, pod("bare", "c")), unmanaged="delete")
    assert (done.changed, done.facts["owners"], done.facts["deleted_pods"]) == (True, [], ["ns/bare"])


def test_pods_that_come_back_hold_their_volume():
    def operator(cluster):
        cluster.control()
        cluster.put(FOREIGN)

    cluster = running(*C)
    cluster.put(FOREIGN)
    cluster.react = operator
    with pytest.raises(TimedOut, match="pv-c of ns/c: pod ns/db-0 uses it"):
        play(cluster, unmanaged="delete")
    assert cluster.writes == [("delete", "Pod", "ns/db-0")]


def test_pods_that_are_not_made_yet_are_never_made():
    cluster = Controlled(*BASE, *C, owner("Deployment", "web", "c", replicas=5), owner("CronJob", "nightly", "c"))
    assert results(play(cluster)) == {"CronJob/nightly": "detached", "Deployment/web": "detached"}
    cluster.control()
    assert cluster.list("Pod") == []


def test_a_pod_that_is_ending_is_waited_for():
    ending = pod("p", "c", metadata={**made_by("ReplicaSet", "gone"), "deletionTimestamp": "now"})
    cluster = running(*C, ending, deaf=["p"])
    with pytest.raises(TimedOut, match="pv-c of ns/c: pod ns/p uses it, and is ending"):
        play(cluster)
    cluster.deaf = ()
    done = play(cluster)
    assert (done.changed, states(done)) == (False, {"pv-c": "free"})


def test_claims_that_come_and_go_with_a_pod_are_told():
    scratch = {"volumes": [{"name": "scratch", "ephemeral": {"volumeClaimTemplate": {}}}]}
    cluster = running(*bound("p-scratch", own=True), pod("p", **scratch))
    done = play(cluster)
    assert (done.changed, done.facts["volumes"], done.facts["owners"]) == (False, [], [])
    assert done.warnings == ("pv-p-scratch is not looked at: its claim ns/p-scratch comes and goes with its pod.",)
    assert cluster.get("Pod", "p", "ns")


def host_path(path):
    return pod("host", volumes=[{"name": "v", "hostPath": {"path": path}}])


def helper():
    return pod("helper", containers=[{"name": "h", "env": [{"name": "VOL_DIR", "value": "/data/c"}]}])


ATTACHED = {
    "kind": "VolumeAttachment",
    "metadata": {"name": "csi-1"},
    "spec": {"nodeName": "k-worker2", "source": {"persistentVolumeName": "pv-c"}},
}
OF_WEB = Holder("k-worker", 7, "nginx", "uid-web", "has mounted /data/c")
STRANGE = Holder("k-worker", 9, "sh", "", "is in /data/c/sub")


@pytest.mark.parametrize(
    ("objects", "nodes", "said", "what"),
    [
        (
            [host_path("/data/c/sub")],
            Nodes(),
            "pod ns/host has /data/c/sub",
            {"node": "k-worker", "pod": "ns/host", "process": "", "pid": 0},
        ),
        (
            [helper()],
            Nodes(),
            "pod ns/helper has /data/c",
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
            Nodes(**{"pv-c": [Holder("k-worker", 7, "cat", "uid-other", "has open /data/c/f")]}),
            "cat (pid 7) of pod ns/x on k-worker has open /data/c/f",
            {"node": "k-worker", "pod": "ns/x", "process": "cat", "pid": 7},
        ),
        (
            [],
            Nodes("paused"),
            "k-worker is paused: what its processes hold can't be seen",
            {"node": "k-worker", "pod": "", "process": "", "pid": 0},
        ),
    ],
)
def test_what_holds_a_volume_is_named(objects, nodes, said, what):
    cluster = running(*C, *bound("d", nodeAffinity={}, hostPath={"path": "/elsewhere"}), *objects)
    cluster.put(owner("Deployment", "web", "c"))
    cluster.control()
    options = {"names": ["ns/c"], "nodes": nodes, "timeout": 7}
    foreseen = play(cluster, True, **options)
    with pytest.raises(TimedOut) as caught:
        play(cluster, **options)
    error = caught.value
    assert error.message == f"After 7 seconds 1 of 1 volume(s) are not free: pv-c of ns/c: {said}."
    assert "state=attached" in error.next_step
    conforms(error.details, RETURNED["volumes"])
    (line,) = error.details
    (held,) = line.pop("held_by")
    assert line == {"name": "pv-c", "claim": "ns/c", "state": "held"}
    assert {field: held[field] for field in what} == what
    assert held["text"] == said
    # In check mode the same is left when the pods of web are gone.
    assert foreseen.facts["volumes"] == [{**line, "held_by": [held]}]
    assert cluster.get("Deployment", "web", "ns")["spec"]["replicas"] == 0
    attach(cluster)
    assert cluster.get("Deployment", "web", "ns")["spec"]["replicas"] == 1


def test_a_pod_that_does_not_end_holds_its_volume_and_another_run_goes_on():
    cluster = running(*C, owner("ReplicaSet", "web", "c"), owner("ReplicaSet", "fine", "c"), deaf=["web-0"])
    with pytest.raises(TimedOut, match="pv-c of ns/c: pod ns/web-0 uses it, and is ending"):
        play(cluster)
    cluster.deaf = ()
    done = play(cluster)
    assert (done.changed, states(done)) == (False, {"pv-c": "free"})
    assert [line["had"] for line in done.facts["owners"]] == [{"replicas": 1}] * 2


def test_in_check_mode_processes_of_pods_that_will_be_gone_do_not_count():
    cluster = running(*C, owner("ReplicaSet", "web", "c"))
    uid = cluster.get("Pod", "web-0", "ns")["metadata"]["uid"]
    nodes = Nodes(**{"pv-c": [Holder("k-worker", 7, "nginx", uid, "has mounted /data/c"), STRANGE]})
    (line,) = play(cluster, True, nodes=nodes).facts["volumes"]
    assert [held["process"] for held in line["held_by"]] == ["sh"]


def test_an_exited_node_holds_nothing_once_its_pods_are_gone():
    nodes = Nodes("exited")
    assert states(play(running(*C, owner("ReplicaSet", "web", "c")), nodes=nodes)) == {"pv-c": "free"}
    assert nodes.asked == []


def test_each_node_is_looked_into_once_for_all_volumes():
    nodes = Nodes()
    play(running(*EVERYTHING), nodes=nodes)
    names = ("c", "data-db-0", "data-db-1")
    assert nodes.asked == [("k-worker", {f"pv-{name}": f"/data/{name}" for name in names}, ["/data"])]


def test_only_the_chosen_volumes_are_freed_and_given_back():
    objects = (*C, *bound("d"), owner("Deployment", "c", "c"), owner("Deployment", "d", "d"), pod("bare", "d"))
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
    (line,) = attach(cluster, wait=True).facts["owners"]
    assert (line["had"], line["has"], line["result"]) == ({"replicas": 3}, {"replicas": 3}, "attached")
    found, pods_there = specs(cluster)
    assert found["ns/StatefulSet/a"] == as_served(stateful("a", replicas=3, scaled="Delete"))
    assert {f"ns/PersistentVolumeClaim/data-a-{number}" for number in range(3)} <= found.keys()
    assert pods_there == ["a-0", "a-1", "a-2"]


def test_it_is_waited_for_only_where_that_is_asked():
    for wait in (False, True):
        cluster = running(*C, owner("Deployment", "web", "c"))
        play(cluster)
        cluster.react = lambda _cluster: None
        if wait:
            with pytest.raises(TimedOut, match="web"):
                attach(cluster, wait=True)
        else:
            assert attach(cluster).changed
        assert cluster.get("Deployment", "web", "ns")["spec"]["replicas"] == 1
