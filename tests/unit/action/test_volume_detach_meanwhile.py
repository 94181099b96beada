"""volume_detach in a cluster where others start and scale things while it runs."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Conflict, Declined, TimedOut
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube import workloads
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Completed
from ansible_collections.kindlab.volumes.tests.unit.support.detaching import (
    C,
    Nodes,
    attach,
    play,
    results,
    running,
    scaling,
    specs,
    states,
)
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import ScriptedRunner, merge
from ansible_collections.kindlab.volumes.tests.unit.support.workloads import (
    Controlled,
    bound,
    made_by,
    pod,
    stateful,
    workload,
)

NIGHTLY = workload("CronJob", "nightly", "c")
RUN = workload("Job", "nightly-1", "c", metadata=made_by("CronJob", "nightly"))
OWNED = made_by("Postgres", "db", "acid.example.com")


def starting(what, *, at):
    """A cluster in which something is put just before a workload of this kind is scaled, once."""

    class Late(Controlled):
        def patch(self, kind, name, change, namespace="", subresource=""):
            if kind == at and what["metadata"]["name"] not in self.late:
                self.late.append(what["metadata"]["name"])
                self.put(what)
            return super().patch(kind, name, change, namespace, subresource)

        late: list[str]

        def __init__(self, *objects, **how):
            self.late = []
            super().__init__(*objects, **how)

    return Late


def test_a_job_that_starts_between_look_and_patch_is_suspended_and_comes_back():
    cluster = running(*C, NIGHTLY, cluster=starting(RUN, at="CronJob"))
    done = play(cluster)
    assert results(done) == {"CronJob/nightly": "detached", "Job/nightly-1": "detached"}
    assert (states(done), cluster.get("Job", "nightly-1", "ns")["spec"]["suspend"]) == ({"pv-c": "free"}, True)
    assert results(attach(cluster)) == {"CronJob/nightly": "attached", "Job/nightly-1": "attached"}
    assert cluster.get("Job", "nightly-1", "ns")["spec"]["suspend"] is False


def test_a_workload_that_is_created_meanwhile_is_scaled_too():
    late = workload("Deployment", "late", "c", "d")
    cluster = running(*C, *bound("d"), workload("Deployment", "web", "c"), cluster=starting(late, at="Deployment"))
    done = play(cluster, names=["ns/c"])
    assert results(done) == {"Deployment/late": "detached", "Deployment/web": "detached"}
    assert {row["name"] for row in done.facts["reclaim_policies"]} == {"pv-c", "pv-d"}


def test_a_pod_without_a_controller_that_appears_meanwhile_is_refused():
    cluster = running(*C, workload("Deployment", "web", "c"), cluster=starting(pod("bare", "c"), at="Deployment"))
    with pytest.raises(Declined, match=r"scaled down stay at zero:\n- ns/bare"):
        play(cluster)
    assert states(play(cluster, unmanaged="delete")) == {"pv-c": "free"}


def operated(cluster=Controlled):
    return running(*bound("data-db-0"), stateful("db", metadata=OWNED), cluster=cluster)


@pytest.mark.parametrize("check", [True, False])
def test_a_stateful_set_of_an_operator_is_refused(check):
    cluster = operated()
    with pytest.raises(Declined, match="ns/db-0: its StatefulSet/db is controlled by Postgres/db") as caught:
        play(cluster, check)
    assert "unmanaged=delete" in caught.value.next_step
    assert cluster.writes == []


def test_or_scaled_to_zero_and_back():
    cluster = operated()
    before = specs(cluster)
    done = play(cluster, unmanaged="delete")
    assert (results(done), done.facts["deleted_pods"]) == ({"StatefulSet/db": "detached"}, [])
    assert states(done) == {"pv-data-db-0": "free"}
    attach(cluster, wait=True)
    assert specs(cluster) == before


def scaled_up_again(cluster):
    """What an operator does that runs."""
    item = cluster.get("StatefulSet", "db", "ns")
    if item["spec"]["replicas"] == 0:
        fields = [{"manager": "postgres-operator", "time": "2026", "fieldsV1": {"f:spec": {"f:replicas": {}}}}]
        cluster.put(merge(item, {"spec": {"replicas": 1}, "metadata": {"managedFields": fields}}))
    cluster.control()


@pytest.mark.parametrize("owner", [OWNED, {}])
def test_whoever_scales_it_up_again_is_named_at_once(owner):
    cluster = running(*bound("data-db-0"), stateful("db", metadata=owner))
    cluster.react = scaled_up_again
    with pytest.raises(Conflict, match="1 workload is scaled up again by somebody else: ns/StatefulSet/db") as caught:
        play(cluster, unmanaged="delete")
    assert "last written by postgres-operator" in caught.value.message
    assert ("controlled by Postgres/db" in caught.value.message) is bool(owner)
    assert caught.value.details == [{"kind": "StatefulSet", "namespace": "ns", "name": "db"}]
    assert len([write for write in scaling(cluster) if write[0] == "patch"]) == 1


def test_a_pod_that_ends_late_is_waited_for_without_an_error():
    """The ReplicaSet's controller made it before it knew."""
    item = workload("ReplicaSet", "web", "c")
    late = pod("web-late", "c", metadata=made_by("ReplicaSet", "web"))
    cluster = running(*C, item, cluster=starting(late, at="ReplicaSet"))
    assert states(play(cluster)) == {"pv-c": "free"}


def test_a_pod_that_comes_and_goes_while_it_waits_is_no_error():
    """A CronJob's pod that was created before the suspension, and ends before the next look."""

    class Passing(Controlled):
        seen = 0

        def lists(self, *kinds):
            if kinds != ("Pod", "VolumeAttachment") or not scaling(self) or self.seen:
                return super().lists(*kinds)
            self.seen += 1
            late = self.put(pod("nightly-1-x", "c", metadata=made_by("Job", "nightly-1")))
            found = super().lists(*kinds)
            self.delete("Pod", late["metadata"]["name"], "ns")
            return found

    cluster = running(*C, NIGHTLY, cluster=Passing)
    assert (states(play(cluster)), cluster.seen) == ({"pv-c": "free"}, 1)


def appearing(*found, turns=1):
    """A cluster in which something is put before each of the first looks at who uses the volumes."""

    class Late(Controlled):
        looks = 0

        def lists(self, *kinds):
            if kinds == ("Pod", "VolumeAttachment"):
                self.looks += 1
                for item in found if self.looks <= turns else ():
                    name = f"{item['metadata']['name']}{self.looks}"
                    self.put({**item, "metadata": {**item["metadata"], "name": name, "uid": f"uid-{name}"}})
            return super().lists(*kinds)

    return Late


@pytest.mark.parametrize("turns", [1, 2])
def test_check_mode_plans_again_for_a_pod_that_started_since(turns):
    """A CronJob's, or one that replaces another in a rollout."""
    late = pod("nightly-1-x", "c", metadata=made_by("Job", "nightly-1"))
    cluster = running(*C, NIGHTLY, RUN, cluster=appearing(late, turns=turns))
    checked = play(cluster, True)
    assert states(checked) == {"pv-c": "free"}
    assert (cluster.writes, cluster.looks) == ([], turns + 1)


def test_check_mode_refuses_a_pod_that_started_since_and_cannot_be_stopped():
    cluster = running(*C, workload("Deployment", "web", "c"), cluster=appearing(pod("bare", "c")))
    with pytest.raises(Declined, match="ns/bare1"):
        play(cluster, True)


def test_check_mode_does_not_plan_for_ever():
    late = pod("nightly-1-x", "c", metadata=made_by("Job", "nightly-1"))
    cluster = running(*C, NIGHTLY, RUN, cluster=appearing(late, turns=99))
    assert states(play(cluster, True)) == {"pv-c": "free"}
    assert cluster.looks == 3


def test_what_never_ends_is_told_when_the_time_is_over():
    cluster = running(*C, workload("ReplicaSet", "web", "c"), deaf=["web-0"])
    with pytest.raises(TimedOut, match="is terminating"):
        play(cluster)


def test_the_last_look_into_a_node_has_time_to_tell_who_is_left(monkeypatch):
    """Waiting for the pod used up the deadline, and the engine is busy."""
    answer, bounds = ScriptedRunner.run, []

    def noted(self, argv, **options):
        bounds.append(options.get("timeout"))
        return Completed(0) if argv[-1] == "probe" else answer(self, argv, **options)

    class Asked(Nodes):
        def probe(self, runner, *where):
            runner.run(["probe"])
            return super().probe(runner, *where)

    monkeypatch.setattr(ScriptedRunner, "run", noted)
    cluster = running(*C, workload("ReplicaSet", "web", "c"), deaf=["web-0"])
    with pytest.raises(TimedOut, match="pod ns/web-0 uses it and is terminating"):
        play(cluster, nodes=Asked())
    assert (cluster.now, bounds[-1]) == (60, 30)


def test_workloads_that_were_at_zero_stay_there():
    down = workload("Deployment", "down", "c", replicas=0)
    job = workload("Job", "held", "c", suspend=True)
    cluster = running(*C, down, job, workload("Deployment", "web", "c"))
    before = specs(cluster)
    play(cluster)
    attach(cluster)
    cluster.control()
    assert specs(cluster) == before
    saved = workloads.saved_workloads([down, job], ["ns/c"])
    assert [workloads.state(item) for item in saved] == [{"replicas": 0}, {"suspend": True}]
