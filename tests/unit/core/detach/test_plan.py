"""Who is brought to zero so that volumes are free, who gets something back, and what is refused."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.plan import (
    SEEN,
    observed,
    plan_attached,
    plan_detached,
    reread,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube import workloads
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.pods import MIRROR
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import merge
from ansible_collections.kindlab.volumes.tests.unit.support.workloads import (
    bound,
    daemon,
    made_by,
    owner,
    pod,
    stateful,
)

OPTIONS = {"cluster": "k", "names": None, "namespaces": None, "storage_classes": None, "unmanaged": "refuse"}
C = bound("c")
ENDING = {"deletionTimestamp": "now"}
STATIC = {"annotations": {MIRROR: "hash"}, **made_by("Node", "k-worker")}
FINISHED = {"status": {"conditions": [{"type": "Complete", "status": "True"}]}}


def seen(*objects):
    return observed(*([item for item in objects if item["kind"] == kind] for kind in SEEN))


def detached(*objects, **options):
    return plan_detached(seen(*objects), {**OPTIONS, **options})


def attached(*objects, saved=(), **options):
    return plan_attached(seen(*objects), saved, {**OPTIONS, **options})


def zeroed(item):
    return merge(item, workloads.scale_down_patch(item))


def steps(plan):
    """Of each owner: whether something is written."""
    return {workloads.key(step.item): step.writes for step in plan.steps}


def names(objects):
    return [item["metadata"]["name"] for item in objects]


WEB = owner("Deployment", "web", "c")
WEB_1 = owner("ReplicaSet", "web-1", "c", metadata=made_by("Deployment", "web"))
NIGHTLY = owner("CronJob", "nightly", "c")
NIGHTLY_1 = owner("Job", "nightly-1", "c", metadata=made_by("CronJob", "nightly"))
DB = (stateful("db"), *bound("data-db-0"))


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        ([], {}),
        ([WEB, WEB_1, pod("p", "c", metadata=made_by("ReplicaSet", "web-1"))], {"ns/Deployment/web": True}),
        # Pods that are not made yet.
        ([WEB, WEB_1], {"ns/Deployment/web": True}),
        ([WEB], {"ns/Deployment/web": True}),
        ([owner("ReplicaSet", "r", "c")], {"ns/ReplicaSet/r": True}),
        ([owner("ReplicationController", "r", "c")], {"ns/ReplicationController/r": True}),
        ([daemon("d", "c")], {"ns/DaemonSet/d": True}),
        ([DB[0], *DB[1:]], {"ns/StatefulSet/db": True}),
        ([NIGHTLY], {"ns/CronJob/nightly": True}),
        ([NIGHTLY, NIGHTLY_1], {"ns/CronJob/nightly": True, "ns/Job/nightly-1": True}),
        (
            [NIGHTLY, NIGHTLY_1, pod("p", "c", metadata=made_by("Job", "nightly-1"))],
            {"ns/CronJob/nightly": True, "ns/Job/nightly-1": True},
        ),
        (
            [owner("CronJob", "nightly", "c", suspend=True), NIGHTLY_1],
            {"ns/CronJob/nightly": False, "ns/Job/nightly-1": True},
        ),
        ([NIGHTLY, {**NIGHTLY_1, **FINISHED}], {"ns/CronJob/nightly": True}),
        # Something gave the claim to its pod alone.
        (
            [
                owner("CronJob", "nightly"),
                owner("Job", "nightly-1", metadata=made_by("CronJob", "nightly")),
                pod("p", "c", metadata=made_by("Job", "nightly-1")),
            ],
            {"ns/CronJob/nightly": True, "ns/Job/nightly-1": True},
        ),
        ([{**owner("Job", "once", "c"), **FINISHED}], {}),
        (
            # Its last pod is on its way out.
            [
                {**owner("Job", "once", "c"), **FINISHED},
                pod("p", "c", metadata={**made_by("Job", "once"), **ENDING}),
            ],
            {},
        ),
        ([owner("Deployment", "web", "c", replicas=0)], {"ns/Deployment/web": False}),
        ([zeroed(WEB)], {"ns/Deployment/web": False}),
        # Its template no longer names the claim, but an older pod has it.
        (
            [owner("Deployment", "web"), WEB_1, pod("p", "c", metadata=made_by("ReplicaSet", "web-1"))],
            {"ns/Deployment/web": True},
        ),
        # Of other claims.
        ([owner("Deployment", "x", "x"), owner("CronJob", "y"), stateful("z"), daemon("d", "cc")], {}),
        ([owner("Deployment", "x", "c", metadata={"namespace": "other"})], {}),
        # The owner is gone, its pods will be.
        ([pod("p", "c", metadata=made_by("ReplicaSet", "gone"))], {}),
        ([WEB_1, pod("p", "c", metadata=made_by("ReplicaSet", "web-1"))], {}),
    ],
)
def test_what_is_brought_to_zero(objects, expected):
    plan = detached(*C, *objects)
    assert steps(plan) == expected
    assert list(steps(plan)) == sorted(expected)
    assert plan.deleted == plan.fleeting == ()


def test_a_step_has_what_it_had_and_the_change():
    at_zero = zeroed(owner("Deployment", "b", "c", replicas=4))
    one, other = detached(*C, at_zero, owner("Deployment", "a", "c", replicas=2)).steps
    assert (one.had, one.change["spec"], one.missing) == ({"replicas": 2}, {"replicas": 0}, False)
    assert (other.had, other.change, other.missing) == ({"replicas": 4}, None, False)


def test_a_step_is_made_again_for_what_the_owner_has_then():
    (step,) = detached(*C, WEB).steps
    now = merge(WEB, {"metadata": {"resourceVersion": "9"}, "spec": {"replicas": 5}})
    again = reread(step, now)
    assert (again.had, again.change["metadata"]["resourceVersion"]) == ({"replicas": 5}, "9")
    assert not reread(step, zeroed(now)).writes


def test_users_are_the_pods_that_have_not_ended():
    ending = pod("ending", "c", metadata={**made_by("ReplicaSet", "web-1"), **ENDING})
    own = [pod(name, "c", metadata=made_by("ReplicaSet", "web-1")) for name in ("a", "b")]
    plan = detached(
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
    assert names(plan.users) == ["a", "b", "ending"]


BARE = pod("bare", "c")
FOREIGN = pod("db-0", "c", metadata=made_by("Postgres", "db"))
ROLLOUT = [
    owner("ReplicaSet", "r", "c", metadata=made_by("Rollout", "r")),
    pod("r-1", "c", metadata=made_by("ReplicaSet", "r")),
]
FIXED = pod("etcd", "c", metadata=STATIC)
HAND = "nothing makes this pod again"


@pytest.mark.parametrize(
    ("objects", "pod_name", "why", "way_out"),
    [
        ([BARE], "ns/bare", HAND, "unmanaged=delete"),
        ([FOREIGN], "ns/db-0", "it is made by Postgres/db, which is not known here", "by its own means"),
        (ROLLOUT, "ns/r-1", "it is made by Rollout/r, which is not known here", "by its own means"),
        (
            [pod("v-0", "c", metadata=made_by("Job", "v", "batch.volcano.sh"))],
            "ns/v-0",
            "it is made by Job/v, which is not known here",
            "by its own means",
        ),
        (
            [pod("p", "c", metadata=made_by("ConfigMap", "odd"))],
            "ns/p",
            "it is made by ConfigMap/odd, which is not known here",
            "by its own means",
        ),
        ([FIXED], "ns/etcd", "it is a static pod of its node", "/etc/kubernetes/manifests"),
    ],
)
def test_pods_that_nothing_known_makes_are_refused(objects, pod_name, why, way_out):
    with pytest.raises(Declined) as caught:
        detached(*C, WEB, *objects)
    error = caught.value
    assert error.message == f"1 pod(s) that use volumes are not stopped: {pod_name}: {why}. Nothing was changed."
    assert way_out in error.next_step
    (line,) = error.details
    assert line == {"pod": pod_name, "why": why, "way_out": error.next_step, "static": objects == [FIXED]}


def test_ten_that_are_refused_are_all():
    with pytest.raises(Declined) as caught:
        detached(*C, *(pod(f"bare-{number:02}", "c") for number in range(10)))
    assert caught.value.message.endswith(f"ns/bare-09: {HAND}. Nothing was changed.")


def test_all_that_is_refused_is_told_at_once():
    with pytest.raises(Declined) as caught:
        detached(*C, *(pod(f"bare-{number:02}", "c") for number in range(12)), FIXED)
    error = caught.value
    assert error.message.startswith("13 pod(s)")
    assert f"ns/bare-09: {HAND}; and 3 more. Nothing" in error.message
    assert len(error.details) == 13
    assert error.next_step.count("unmanaged=delete") == 1
    assert "/etc/kubernetes/manifests" in error.next_step


@pytest.mark.parametrize("objects", [[BARE], [FOREIGN], ROLLOUT, [BARE, FOREIGN, *ROLLOUT]])
def test_they_are_deleted_where_that_is_asked_for(objects):
    own = pod("p", "c", metadata=made_by("ReplicaSet", "web-1"))
    plan = detached(*C, WEB, WEB_1, own, *objects, unmanaged="delete")
    expected = [item["metadata"]["name"] for item in objects if item["kind"] == "Pod"]
    assert names(plan.deleted) == expected
    assert names(plan.users) == ["p", *expected]
    assert steps(plan) == {"ns/Deployment/web": True}


def test_static_pods_are_refused_alone():
    with pytest.raises(Declined, match=r"^1 pod\(s\) .* ns/etcd: it is a static pod") as caught:
        detached(*C, BARE, FIXED, unmanaged="delete")
    assert "unmanaged=delete" not in caught.value.next_step


@pytest.mark.parametrize("unmanaged", ["refuse", "delete"])
@pytest.mark.parametrize("who", [{}, made_by("Postgres", "db"), made_by("Job", "v", "batch.volcano.sh")])
def test_pods_that_are_ending_are_only_waited_for(unmanaged, who):
    plan = detached(*C, pod("p", "c", metadata={**who, **ENDING}), unmanaged=unmanaged)
    assert (names(plan.users), plan.deleted, plan.steps) == (["p"], (), ())


def test_bare_pods_of_other_claims_are_nobodys_business():
    assert detached(*C, pod("x", "x"), pod("y"), pod("etcd", metadata=STATIC)).users == ()


def test_a_job_of_something_unknown_is_suspended_too():
    """Nothing but the Job makes its pods again, whoever made the Job."""
    job = owner("Job", "j", "c", metadata=made_by("Workflow", "w"))
    assert steps(detached(*C, job)) == {"ns/Job/j": True}
    with pytest.raises(Declined, match="made by Workflow/w"):
        detached(*C, job, pod("p", "c", metadata=made_by("Job", "j")))


EPHEMERAL = {"volumes": [{"name": "scratch", "ephemeral": {"volumeClaimTemplate": {}}}]}


def test_claims_that_come_and_go_with_a_pod_are_left_out():
    own = bound("p-scratch", own=True)
    plan = detached(*C, *own, WEB, pod("p", **EPHEMERAL))
    assert [v.name for v in plan.volumes] == ["pv-c"]
    assert [v.name for v in plan.fleeting] == ["pv-p-scratch"]
    assert plan.users == ()
    assert [v.name for v in attached(*C, *own).fleeting] == ["pv-p-scratch"]


def test_a_claim_that_goes_with_its_statefulset_is_not_left_out():
    """With whenDeleted Delete the StatefulSet controls its claims."""
    pv, claim = bound("data-db-0")
    claim = merge(claim, {"metadata": made_by("StatefulSet", "db")})
    plan = detached(pv, claim, DB[0])
    assert ([v.name for v in plan.volumes], plan.fleeting, steps(plan)) == (
        ["pv-data-db-0"],
        (),
        {"ns/StatefulSet/db": True},
    )


def test_a_claim_that_only_looks_ephemeral_is_held():
    """Kubernetes lets no pod start whose ephemeral volume has a claim of somebody else, but there it is."""
    plan = detached(*bound("p-scratch"), pod("p", **EPHEMERAL), unmanaged="delete")
    assert (names(plan.deleted), plan.fleeting) == (["p"], ())


def test_a_volume_whose_claim_is_gone_has_no_users():
    pv, _claim = C
    plan = detached(pv, WEB, pod("p", "c"))
    assert ([v.name for v in plan.volumes], plan.users, plan.steps) == (["pv-c"], (), ())


D = bound("d", storageClassName="fast")
OTHER = owner("Deployment", "other", "d")


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
    assert detached(*C, *D, pod("bare", "d"), FIXED | {"spec": pod("x", "d")["spec"]}, names=["ns/c"]).users == ()


@pytest.mark.parametrize("plan", [detached, attached])
def test_names_that_there_are_not(plan):
    with pytest.raises(BadInput, match=r"The cluster k has no volume of this name, .*: ns/x, y") as caught:
        plan(*C, names=["pv-c", "y", "ns/x"])
    assert (caught.value.tried, bool(caught.value.next_step)) == ("kubectl get persistentvolumes", True)


def test_only_what_was_brought_to_zero_gets_something_back():
    by_hand = owner("Deployment", "hand", "c", replicas=0)
    job = zeroed(NIGHTLY_1)
    plan = attached(*C, zeroed(WEB), by_hand, OTHER, zeroed(NIGHTLY), job)
    assert steps(plan) == {"ns/CronJob/nightly": True, "ns/Deployment/web": True, "ns/Job/nightly-1": True}
    (step,) = (step for step in plan.steps if step.item["kind"] == "Deployment")
    assert (step.had, step.change["spec"]) == ({"replicas": 1}, {"replicas": 1})
    assert plan.users == plan.deleted == ()


def test_what_others_make_is_not_ours_to_give():
    """A Deployment's ReplicaSet, whatever its labels say."""
    label = {"labels": {workloads.RECORDED: "replicas.3"}}
    copied = merge(WEB_1, {"metadata": label, "spec": {"replicas": 0}})
    assert attached(*C, copied).steps == ()


def test_everything_gets_it_back_even_without_its_volumes():
    assert steps(attached(zeroed(WEB))) == {"ns/Deployment/web": True}
    assert steps(attached(saved=[WEB])) == {"ns/Deployment/web": True}
    assert attached(*D, zeroed(WEB), storage_classes=["fast"]).steps == ()


def test_what_it_was_given_since_is_left_to_it():
    since = merge(zeroed(WEB), {"spec": {"replicas": 5}})
    (step,) = attached(*C, since).steps
    assert (step.had, step.change["spec"], step.writes) == ({"replicas": 5}, {}, True)


def test_of_a_backup_only_what_is_missing_is_made():
    here = owner("Deployment", "web", "c", replicas=7)
    saved = [workloads.to_saved(item) for item in (WEB, OTHER, NIGHTLY)]
    plan = attached(*C, *D, here, zeroed(NIGHTLY), saved=saved)
    assert steps(plan) == {"ns/CronJob/nightly": True, "ns/Deployment/other": True}
    cron, other = plan.steps
    assert (cron.missing, other.missing) == (False, True)
    assert (other.item, other.had, other.change) == (saved[1], {"replicas": 1}, None)


MAKERS = st.sampled_from(["Deployment", "ReplicaSet", "StatefulSet", "ReplicationController", "DaemonSet", "Job"])


@given(st.dictionaries(st.sampled_from("abcdef"), st.tuples(MAKERS, st.sampled_from(["c", "d", ""]), st.booleans())))
def test_after_a_plan_nothing_is_left_to_do(makers):
    """And it is of the chosen volumes: what makes pods with them, and with no other."""
    items = {}
    for name, (kind, claim, with_pod) in makers.items():
        items[name] = [owner(kind, name, *([claim] if claim else []))]
        if with_pod:
            items[name].append(pod(f"{name}-0", *([claim] if claim else []), metadata=made_by(kind, name)))
    objects = [item for those in items.values() for item in those]
    before = copy.deepcopy(objects)
    plan = detached(*C, *D, *objects, names=["pv-c"])
    assert objects == before
    assert sorted(names(step.item for step in plan.steps)) == sorted(n for n, m in makers.items() if m[1] == "c")
    changed = {workloads.key(step.item): merge(step.item, step.change) for step in plan.steps}
    left = [changed.get(workloads.key(item), item) for item in objects if item["kind"] != "Pod"]
    assert not any(step.writes for step in detached(*C, *D, *left, names=["pv-c"]).steps)
    assert sorted(steps(attached(*C, *D, *left))) == sorted(changed)
