"""Which workloads are scaled to zero or back up, which pods are deleted, and what is refused."""

from __future__ import annotations

import copy
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.model import (
    READ,
    Observed,
    Request,
    scaled_down,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.plan import plan
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube import workloads
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.pods import MIRROR
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import merge
from ansible_collections.kindlab.volumes.tests.unit.support.workloads import (
    bound,
    daemon,
    made_by,
    pod,
    stateful,
    workload,
)

OPTIONS = {
    "cluster": "k",
    "names": None,
    "namespaces": None,
    "storage_classes": None,
    "unmanaged": "refuse",
    "wait": False,
    "wait_timeout": 60,
}
C = bound("c")
TERMINATING = {"deletionTimestamp": "now"}
STATIC = {"annotations": {MIRROR: "hash"}, **made_by("Node", "k-worker")}
FINISHED = {"status": {"conditions": [{"type": "Complete", "status": "True"}]}}


def planned(*objects, saved=(), **options):
    by_kind = {kind: [item for item in objects if item["kind"] == kind] for kind in READ}
    return plan(Request.from_options({**OPTIONS, **options}), Observed.from_objects(by_kind, saved))


def detached(*objects, **options):
    return planned(*objects, state="detached", **options)


def attached(*objects, **options):
    return planned(*objects, state="attached", **options)


def zeroed(item):
    return merge(item, workloads.scale_down_patch(item))


def steps(found):
    """Of each workload: whether something is written."""
    return {workloads.key(step.item): step.writes for step in found.steps}


def names(objects):
    return [item["metadata"]["name"] for item in objects]


WEB = workload("Deployment", "web", "c")
WEB_1 = workload("ReplicaSet", "web-1", "c", metadata=made_by("Deployment", "web"))
NIGHTLY = workload("CronJob", "nightly", "c")
NIGHTLY_1 = workload("Job", "nightly-1", "c", metadata=made_by("CronJob", "nightly"))
DB = (stateful("db"), *bound("data-db-0"))


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        ([], {}),
        ([WEB, WEB_1, pod("p", "c", metadata=made_by("ReplicaSet", "web-1"))], {"ns/Deployment/web": True}),
        # Without pods yet.
        ([WEB, WEB_1], {"ns/Deployment/web": True}),
        ([WEB], {"ns/Deployment/web": True}),
        ([workload("ReplicaSet", "r", "c")], {"ns/ReplicaSet/r": True}),
        ([workload("ReplicationController", "r", "c")], {"ns/ReplicationController/r": True}),
        ([daemon("d", "c")], {"ns/DaemonSet/d": True}),
        ([DB[0], *DB[1:]], {"ns/StatefulSet/db": True}),
        ([NIGHTLY], {"ns/CronJob/nightly": True}),
        ([NIGHTLY, NIGHTLY_1], {"ns/CronJob/nightly": True, "ns/Job/nightly-1": True}),
        (
            [NIGHTLY, NIGHTLY_1, pod("p", "c", metadata=made_by("Job", "nightly-1"))],
            {"ns/CronJob/nightly": True, "ns/Job/nightly-1": True},
        ),
        (
            [workload("CronJob", "nightly", "c", suspend=True), NIGHTLY_1],
            {"ns/CronJob/nightly": False, "ns/Job/nightly-1": True},
        ),
        ([NIGHTLY, {**NIGHTLY_1, **FINISHED}], {"ns/CronJob/nightly": True}),
        # Something gave the claim to its pod alone.
        (
            [
                workload("CronJob", "nightly"),
                workload("Job", "nightly-1", metadata=made_by("CronJob", "nightly")),
                pod("p", "c", metadata=made_by("Job", "nightly-1")),
            ],
            {"ns/CronJob/nightly": True, "ns/Job/nightly-1": True},
        ),
        ([{**workload("Job", "once", "c"), **FINISHED}], {}),
        (
            # Its last pod is terminating.
            [
                {**workload("Job", "once", "c"), **FINISHED},
                pod("p", "c", metadata={**made_by("Job", "once"), **TERMINATING}),
            ],
            {},
        ),
        ([workload("Deployment", "web", "c", replicas=0)], {"ns/Deployment/web": False}),
        ([zeroed(WEB)], {"ns/Deployment/web": False}),
        # Its template no longer names the claim, but an older pod has it.
        (
            [workload("Deployment", "web"), WEB_1, pod("p", "c", metadata=made_by("ReplicaSet", "web-1"))],
            {"ns/Deployment/web": True},
        ),
        # Of other claims.
        ([workload("Deployment", "x", "x"), workload("CronJob", "y"), stateful("z"), daemon("d", "cc")], {}),
        ([workload("Deployment", "x", "c", metadata={"namespace": "other"})], {}),
        # The workload is gone, its pods will be.
        ([pod("p", "c", metadata=made_by("ReplicaSet", "gone"))], {}),
        ([WEB_1, pod("p", "c", metadata=made_by("ReplicaSet", "web-1"))], {}),
    ],
)
def test_what_is_scaled_to_zero(objects, expected):
    found = detached(*C, *objects)
    assert steps(found) == expected
    assert list(steps(found)) == sorted(expected)
    assert found.deleted == found.ephemeral == ()


def test_a_step_records_the_fields_before_and_the_change():
    at_zero = zeroed(workload("Deployment", "b", "c", replicas=4))
    one, other = detached(*C, at_zero, workload("Deployment", "a", "c", replicas=2)).steps
    assert (one.before, one.after, one.change["spec"], one.missing) == (
        {"replicas": 2},
        {"replicas": 0},
        {"replicas": 0},
        False,
    )
    assert (other.before, other.after, other.change, other.missing) == ({"replicas": 4}, {"replicas": 0}, None, False)


def test_a_step_for_a_workload_that_was_changed_meanwhile():
    now = merge(WEB, {"metadata": {"resourceVersion": "9"}, "spec": {"replicas": 5}})
    again = scaled_down(now)
    assert (again.before, again.change["metadata"]["resourceVersion"]) == ({"replicas": 5}, "9")
    assert not scaled_down(zeroed(now)).writes


def test_users_are_the_pods_that_have_not_ended():
    ending = pod("ending", "c", metadata={**made_by("ReplicaSet", "web-1"), **TERMINATING})
    own = [pod(name, "c", metadata=made_by("ReplicaSet", "web-1")) for name in ("a", "b")]
    found = detached(
        *C,
        WEB,
        WEB_1,
        *own,
        ending,
        pod("done", "c", phase="Succeeded"),
        pod("failed", "c", phase="Failed"),
        pod("other", "x"),
        pod("none"),
    )
    assert names(found.pods) == ["a", "b", "ending"]


BARE = pod("bare", "c")
FOREIGN = pod("db-0", "c", metadata=made_by("Postgres", "db"))
ROLLOUT = [
    workload("ReplicaSet", "r", "c", metadata=made_by("Rollout", "r")),
    pod("r-1", "c", metadata=made_by("ReplicaSet", "r")),
]
FIXED = pod("etcd", "c", metadata=STATIC)
BY_HAND = "no controller recreates this pod"


@pytest.mark.parametrize(
    ("objects", "name", "why", "next_step"),
    [
        ([BARE], "ns/bare", BY_HAND, "unmanaged=delete"),
        (
            [FOREIGN],
            "ns/db-0",
            "it is controlled by Postgres/db, which this module cannot scale",
            "Scale down their controller",
        ),
        (
            ROLLOUT,
            "ns/r-1",
            "its ReplicaSet/r is controlled by Rollout/r, which may scale it up again",
            "Scale down their controller",
        ),
        (
            [pod("v-0", "c", metadata=made_by("Job", "v", "batch.volcano.sh"))],
            "ns/v-0",
            "it is controlled by Job.batch.volcano.sh/v, which this module cannot scale",
            "Scale down their controller",
        ),
        (
            [pod("p", "c", metadata=made_by("ConfigMap", "odd"))],
            "ns/p",
            "it is controlled by ConfigMap/odd, which this module cannot scale",
            "Scale down their controller",
        ),
        (
            [
                workload("ReplicaSet", "one", metadata=made_by("Job", "two")),
                workload("Job", "two", metadata=made_by("ReplicaSet", "one")),
                pod("p", "c", metadata=made_by("ReplicaSet", "one")),
            ],
            "ns/p",
            "its controllers are controlled by each other",
            "Scale down their controller",
        ),
        ([FIXED], "ns/etcd", "it is a static pod", "/etc/kubernetes/manifests"),
    ],
)
def test_pods_that_no_known_workload_recreates_are_refused(objects, name, why, next_step):
    with pytest.raises(Declined) as caught:
        detached(*C, WEB, *objects)
    error = caught.value
    assert "1 pod using the volumes" in error.message
    assert next_step in error.next_step
    (row,) = error.details
    assert row["next_step"] in error.next_step
    assert ("kubectl -n ns delete pod bare" in error.next_step) == (objects == [BARE])
    kinds = {"static": objects == [FIXED], "by_workload": objects == ROLLOUT}
    assert row == {"name": name, "why": why, "next_step": row["next_step"], **kinds}


@pytest.mark.parametrize("unmanaged", ["refuse", "delete"])
@pytest.mark.parametrize("how", [{}, TERMINATING])
def test_pods_on_a_node_that_is_not_ready_are_refused(unmanaged, how):
    """Its kubelet ends none of them, and the whole time would be waited in vain."""
    condition = {"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown"}
    node = {"kind": "Node", "metadata": {"name": "k-worker"}, "status": {"conditions": [condition]}}
    mine = pod("p", "c", metadata={**made_by("ReplicaSet", "web-1"), **how})
    with pytest.raises(Declined, match=r"ns/p: its node k-worker is NotReady \(NodeStatusUnknown\)") as caught:
        detached(*C, WEB, WEB_1, node, mine, unmanaged=unmanaged)
    assert "kubectl describe node k-worker" in caught.value.next_step
    condition["status"] = "True"
    assert names(detached(*C, WEB, WEB_1, node, mine).pods) == ["p"]


def test_ten_that_are_refused_are_all():
    with pytest.raises(Declined) as caught:
        detached(*C, *(pod(f"bare-{number:02}", "c") for number in range(10)))
    assert caught.value.message.endswith(f"ns/bare-09: {BY_HAND}")


def test_all_refusals_are_listed_at_once():
    with pytest.raises(Declined) as caught:
        detached(*C, *(pod(f"bare-{number:02}", "c") for number in range(12)), FIXED)
    error = caught.value
    assert "13 pods" in error.message
    assert error.message.endswith(f"ns/bare-09: {BY_HAND}\n- and 3 more")
    assert len(error.details) == 13
    assert error.next_step.count("unmanaged=delete") == 1
    assert f"kubectl -n ns delete pod {' '.join(f'bare-{number:02}' for number in range(12))}" in error.next_step
    assert "/etc/kubernetes/manifests" in error.next_step


@pytest.mark.parametrize("objects", [[BARE], [FOREIGN], [BARE, FOREIGN]])
def test_they_are_deleted_where_that_is_asked_for(objects):
    own = pod("p", "c", metadata=made_by("ReplicaSet", "web-1"))
    found = detached(*C, WEB, WEB_1, own, *objects, unmanaged="delete")
    expected = [item["metadata"]["name"] for item in objects if item["kind"] == "Pod"]
    assert names(found.deleted) == expected
    assert names(found.pods) == ["p", *expected]
    assert steps(found) == {"ns/Deployment/web": True}


def test_static_pods_are_refused_alone():
    with pytest.raises(Declined, match="1 pod using") as caught:
        detached(*C, BARE, FIXED, unmanaged="delete")
    assert [row["name"] for row in caught.value.details] == ["ns/etcd"]
    assert "unmanaged=delete" not in caught.value.next_step


@pytest.mark.parametrize("unmanaged", ["refuse", "delete"])
@pytest.mark.parametrize("who", [{}, made_by("Postgres", "db"), made_by("Job", "v", "batch.volcano.sh")])
def test_terminating_pods_are_only_waited_for(unmanaged, who):
    found = detached(*C, pod("p", "c", metadata={**who, **TERMINATING}), unmanaged=unmanaged)
    assert (names(found.pods), found.deleted, found.steps) == (["p"], (), ())


def test_bare_pods_of_other_claims_are_ignored():
    assert detached(*C, pod("x", "x"), pod("y"), pod("etcd", metadata=STATIC)).pods == ()


def test_a_job_of_something_unknown_is_suspended_too():
    """Only the Job recreates its pods, whoever controls the Job."""
    job = workload("Job", "j", "c", metadata=made_by("Workflow", "w"))
    assert steps(detached(*C, job)) == {"ns/Job/j": True}
    with pytest.raises(Declined, match="its Job/j is controlled by Workflow/w"):
        detached(*C, job, pod("p", "c", metadata=made_by("Job", "j")))


EPHEMERAL = {"volumes": [{"name": "scratch", "ephemeral": {"volumeClaimTemplate": {}}}]}


def test_ephemeral_volumes_are_stopped_with_their_pods_and_never_retained():
    own = bound("p-scratch", own=True)
    mine = pod("p", metadata=made_by("ReplicaSet", "web-1"), **EPHEMERAL)
    found = detached(*C, *own, WEB, WEB_1, mine)
    assert [v.name for v in found.volumes] == ["pv-c"]
    assert [v.name for v in found.ephemeral] == ["pv-p-scratch"]
    assert (names(found.pods), steps(found)) == (["p"], {"ns/Deployment/web": True})
    assert list(found.policies.patches) == ["pv-c"]
    assert [v.name for v in attached(*C, *own).ephemeral] == ["pv-p-scratch"]


def test_a_claim_that_its_statefulset_controls_is_not_skipped():
    """With whenDeleted Delete the StatefulSet controls its claims."""
    pv, claim = bound("data-db-0")
    claim = merge(claim, {"metadata": made_by("StatefulSet", "db")})
    found = detached(pv, claim, DB[0])
    assert ([v.name for v in found.volumes], found.ephemeral, steps(found)) == (
        ["pv-data-db-0"],
        (),
        {"ns/StatefulSet/db": True},
    )


def test_a_claim_that_only_looks_ephemeral_is_in_use():
    """Kubernetes lets no pod start whose ephemeral volume has a claim of somebody else, but there it is."""
    found = detached(*bound("p-scratch"), pod("p", **EPHEMERAL), unmanaged="delete")
    assert (names(found.deleted), found.ephemeral) == (["p"], ())


def test_a_volume_whose_claim_is_gone_has_no_users():
    pv, _claim = C
    found = detached(pv, WEB, pod("p", "c"))
    assert ([v.name for v in found.volumes], found.pods, found.steps) == (["pv-c"], (), ())


D = bound("d", storageClassName="fast")
OTHER = workload("Deployment", "other", "d")


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ({}, ["other", "web"]),
        ({"names": ["ns/c"]}, ["web"]),
        ({"names": ["pv-d"]}, ["other"]),
        ({"namespaces": ["ns"]}, ["other", "web"]),
        ({"storage_classes": ["fast"]}, ["other"]),
        ({"storage_classes": ["fast"], "names": ["pv-c"]}, []),
        ({"namespaces": ["none"]}, []),
    ],
)
def test_selections(selection, expected):
    assert names(step.item for step in detached(*C, *D, WEB, OTHER, **selection).steps) == expected
    stopped = [zeroed(WEB), zeroed(OTHER)]
    assert names(step.item for step in attached(*C, *D, *stopped, **selection).steps) == expected
    assert names(step.item for step in attached(*C, *D, saved=[WEB, OTHER], **selection).steps) == expected


def test_what_is_not_selected_may_have_pods_of_any_kind():
    assert detached(*C, *D, pod("bare", "d"), FIXED | {"spec": pod("x", "d")["spec"]}, names=["ns/c"]).pods == ()


@pytest.mark.parametrize("planning", [detached, attached])
def test_unknown_names(planning):
    with pytest.raises(BadInput, match="ns/x, y") as caught:
        planning(*C, names=["pv-c", "y", "ns/x"])
    assert (caught.value.details, bool(caught.value.next_step)) == (["ns/x", "y"], True)


def test_only_what_was_scaled_to_zero_is_scaled_up():
    by_hand = workload("Deployment", "hand", "c", replicas=0)
    job = zeroed(NIGHTLY_1)
    found = attached(*C, zeroed(WEB), by_hand, OTHER, zeroed(NIGHTLY), job)
    assert steps(found) == {"ns/CronJob/nightly": True, "ns/Deployment/web": True, "ns/Job/nightly-1": True}
    (step,) = (step for step in found.steps if step.item["kind"] == "Deployment")
    assert (step.before, step.after, step.change["spec"]) == ({"replicas": 1}, {"replicas": 1}, {"replicas": 1})
    assert found.pods == found.deleted == ()


def test_what_has_a_controller_is_not_scaled():
    """A Deployment's ReplicaSet, whatever its labels say."""
    label = {"labels": {workloads.RECORDED: "replicas.3"}}
    copied = merge(WEB_1, {"metadata": label, "spec": {"replicas": 0}})
    assert attached(*C, copied).steps == ()


def test_without_a_selection_everything_is_scaled_up_even_without_its_volumes():
    assert steps(attached(zeroed(WEB))) == {"ns/Deployment/web": True}
    assert steps(attached(saved=[WEB])) == {"ns/Deployment/web": True}
    assert attached(*D, zeroed(WEB), storage_classes=["fast"]).steps == ()


def test_what_was_scaled_up_since_keeps_its_replicas():
    since = merge(zeroed(WEB), {"spec": {"replicas": 5}})
    (step,) = attached(*C, since).steps
    assert (step.before, step.change["spec"], step.writes) == ({"replicas": 5}, {}, True)


def test_of_a_backup_only_what_is_missing_is_created():
    here = workload("Deployment", "web", "c", replicas=7)
    saved = [workloads.to_saved(item) for item in (WEB, OTHER, NIGHTLY)]
    found = attached(*C, *D, here, zeroed(NIGHTLY), saved=saved)
    assert steps(found) == {"ns/CronJob/nightly": True, "ns/Deployment/other": True}
    cron, other = found.steps
    assert (cron.missing, other.missing) == (False, True)
    assert (other.item, other.before, other.change) == (saved[1], {"replicas": 1}, None)


MAKERS = st.sampled_from(["Deployment", "ReplicaSet", "StatefulSet", "ReplicationController", "DaemonSet", "Job"])


@given(st.dictionaries(st.sampled_from("abcdef"), st.tuples(MAKERS, st.sampled_from(["c", "d", ""]), st.booleans())))
def test_after_a_plan_nothing_is_left_to_do(makers):
    """And only workloads that use the selected volumes are scaled."""
    items = {}
    for name, (kind, claim, with_pod) in makers.items():
        items[name] = [workload(kind, name, *([claim] if claim else []))]
        if with_pod:
            items[name].append(pod(f"{name}-0", *([claim] if claim else []), metadata=made_by(kind, name)))
    objects = [item for those in items.values() for item in those]
    before = copy.deepcopy(objects)
    found = detached(*C, *D, *objects, names=["pv-c"])
    assert objects == before
    assert sorted(names(step.item for step in found.steps)) == sorted(n for n, m in makers.items() if m[1] == "c")
    changed = {workloads.key(step.item): merge(step.item, step.change) for step in found.steps}
    left = [changed.get(workloads.key(item), item) for item in objects if item["kind"] != "Pod"]
    assert not any(step.writes for step in detached(*C, *D, *left, names=["pv-c"]).steps)
    assert sorted(steps(attached(*C, *D, *left))) == sorted(changed)


class TestForAWhile:
    """A caller stops what uses some claims, and starts it again: nothing else, and nothing that others stopped."""

    ASKED: ClassVar = {"claims": frozenset({"ns/c"}), "purpose": "restore"}
    WEB = workload("Deployment", "web", "c")

    def mine(self, item):
        return merge(item, workloads.scale_down_patch(item, "restore"))

    def test_only_what_uses_the_claims_is_stopped(self):
        found = detached(*C, *bound("d"), self.WEB, workload("Deployment", "other", "d"), **self.ASKED)
        assert [volume.name for volume in found.volumes] == ["pv-c"]
        ((step,), record) = found.steps, found.steps[0].change["metadata"]["labels"]
        assert (step.item["metadata"]["name"], record) == ("web", {workloads.RECORDED: "replicas.1.purpose.restore"})

    def test_a_claim_without_a_volume_counts(self):
        waiting = [item for item in C if item["kind"] == "PersistentVolumeClaim"]
        found = detached(*waiting, self.WEB, pod("p", "c", metadata=made_by("Deployment", "web")), **self.ASKED)
        assert (found.volumes, len(found.steps), len(found.pods)) == ((), 1, 1)

    def test_a_conflict_keeps_the_purpose(self):
        step = scaled_down(self.WEB, "restore")
        assert scaled_down(self.WEB, step.purpose).change == step.change

    def test_only_its_own_are_started(self):
        others = zeroed(workload("Deployment", "by-hand", "c"))
        of_others = self.mine(workload("Deployment", "of-d", "d"))
        found = attached(*C, *bound("d"), self.mine(self.WEB), others, of_others, **self.ASKED)
        assert [step.item["metadata"]["name"] for step in found.steps] == ["web"]

    def test_what_it_stopped_is_started_although_it_uses_the_claims_no_more(self):
        changed = self.mine(workload("Deployment", "web", "e"))
        found = attached(*C, changed, **self.ASKED, stopped=frozenset({"ns/Deployment/web"}))
        assert len(found.steps) == 1
        assert attached(*C, changed, **self.ASKED).steps == ()

    def test_policies_of_volumes_whose_workloads_stay_down_are_kept(self):
        annotations = {
            "kindlab.volumes/retained-until": "attached",
            "kindlab.volumes/original-reclaim-policy": "Delete",
        }
        kept = {"metadata": {"annotations": annotations}, "spec": {"persistentVolumeReclaimPolicy": "Retain"}}
        volume, its_claim = C
        at_zero = [merge(volume, kept), its_claim]
        assert attached(*at_zero, zeroed(self.WEB), **self.ASKED).policies.patches == {}
        assert list(attached(*at_zero, self.mine(self.WEB), **self.ASKED).policies.patches) == ["pv-c"]
