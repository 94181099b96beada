"""Workloads: scaled to zero, scaled back up, and saved in a backup as they were."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube import workloads
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import merge
from ansible_collections.kindlab.volumes.tests.unit.support.workloads import (
    SSD,
    as_served,
    daemon,
    made_by,
    stateful,
    volumes,
    workload,
)

FINISHED = {"conditions": [{"type": "Complete", "status": "True"}]}
FAILED = {"conditions": [{"type": "Failed", "status": "True"}]}


def labelled(**selector):
    return {"template": {"spec": {"nodeSelector": selector}}}


# What it had, how its label says so, and the spec that scales it to zero.
EVERY_KIND = {
    "Deployment": (workload("Deployment", "a", "c", replicas=3), {"replicas": 3}, "replicas.3", {"replicas": 0}),
    "ReplicaSet": (workload("ReplicaSet", "a", "c"), {"replicas": 1}, "replicas.1", {"replicas": 0}),
    "ReplicationController": (
        workload("ReplicationController", "a", "c", replicas=20),
        {"replicas": 20},
        "replicas.20",
        {"replicas": 0},
    ),
    "StatefulSet": (stateful("a", replicas=3), {"replicas": 3}, "replicas.3", {"replicas": 0}),
    "StatefulSet that gives up claims": (
        stateful("a", replicas=3, scaled="Delete"),
        {"replicas": 3, "whenScaled": "Delete"},
        "replicas.3.whenScaled.Delete",
        {"replicas": 0, "persistentVolumeClaimRetentionPolicy": {"whenScaled": "Retain"}},
    ),
    "Job": (workload("Job", "a", "c"), {"suspend": False}, "suspend.false", {"suspend": True}),
    "CronJob": (workload("CronJob", "a", "c"), {"suspend": False}, "suspend.false", {"suspend": True}),
    "DaemonSet": (daemon("a", "c"), {"scheduled": True}, "scheduled.true", labelled(**{workloads.NOWHERE: "true"})),
    "DaemonSet of some nodes": (
        daemon("a", "c", selector=SSD),
        {"scheduled": True},
        "scheduled.true",
        labelled(**{workloads.NOWHERE: "true"}),
    ),
}
each_kind = pytest.mark.parametrize("item", [item for item, *_more in EVERY_KIND.values()], ids=EVERY_KIND)


def stopped(item):
    """The workload after it was scaled to zero."""
    return merge(item, workloads.scale_down_patch(item))


def given_back(item):
    return merge(item, workloads.scale_up_patch(item, workloads.recorded(item)))


def labelled_with(text, item):
    """A workload scaled to zero with this label."""
    change = {"metadata": {"labels": {workloads.RECORDED: text}}}
    return merge(merge(item, {"spec": workloads.scale_down_patch(item)["spec"]}), change)


@pytest.mark.parametrize(("item", "had", "text", "zero"), EVERY_KIND.values(), ids=EVERY_KIND)
def test_one_patch_brings_it_to_zero_and_remembers(item, had, text, zero):
    change = workloads.scale_down_patch(merge(item, {"metadata": {"resourceVersion": "7"}}))
    assert json.dumps(change["spec"]) == json.dumps(zero)
    assert change["metadata"] == {"resourceVersion": "7", "labels": {workloads.RECORDED: text}}
    assert re.fullmatch("[A-Za-z0-9][-A-Za-z0-9_.]{,61}[A-Za-z0-9]", text)
    assert json.dumps(workloads.recorded(stopped(item))) == json.dumps(had)


@each_kind
def test_at_zero_there_is_nothing_to_do(item):
    assert workloads.recorded(item) is None
    now = stopped(item)
    assert workloads.state(now) == workloads.scaled_to_zero(item) == workloads.scaled_to_zero(now)
    assert workloads.scale_down_patch(now) is None


@each_kind
def test_it_gets_back_exactly_what_it_had(item):
    kept = merge(item, {"metadata": {"annotations": {"its": "own"}, "labels": {"app": "a"}}})
    for before in (item, kept):
        assert as_served(given_back(stopped(before))) == as_served(before)
    assert workloads.scale_up_patch(item, workloads.state(item)) is None


@each_kind
def test_it_says_what_it_is_at_zero_for(item):
    now = merge(item, workloads.scale_down_patch(item, "restore"))
    assert workloads.recorded(now)[workloads.PURPOSE] == "restore"
    assert re.fullmatch("[A-Za-z0-9][-A-Za-z0-9_.]{,61}[A-Za-z0-9]", now["metadata"]["labels"][workloads.RECORDED])
    assert as_served(given_back(now)) == as_served(item)


@each_kind
def test_whoever_scales_it_to_zero_next_says_so(item):
    """It was scaled up by hand meanwhile, with the record."""
    up = merge(item, {"metadata": {"labels": {workloads.RECORDED: f"{record(item)}.purpose.restore"}}})
    assert workloads.PURPOSE not in workloads.recorded(stopped(up))


def record(item):
    return stopped(item)["metadata"]["labels"][workloads.RECORDED]


@pytest.mark.parametrize(
    "item",
    [
        workload("Deployment", "a", replicas=0),
        stateful("a", replicas=0, scaled="Delete"),
        workload("CronJob", "a", suspend=True),
        workload("Job", "a", suspend=True),
    ],
)
def test_what_was_at_zero_before_is_not_ours(item):
    assert workloads.scale_down_patch(item) is None
    assert workloads.recorded(item) is None


@pytest.mark.parametrize("kind", workloads.SCALED)
def test_without_a_count_it_has_one_pod(kind):
    item = workload(kind, "a", replicas=None)
    assert workloads.state(item) == {"replicas": 1}
    assert given_back(stopped(item))["spec"]["replicas"] == 1


def test_an_old_statefulset_has_no_policy():
    item = stateful("a", persistentVolumeClaimRetentionPolicy=None)
    assert workloads.scale_down_patch(item)["spec"] == {"replicas": 0}
    assert as_served(given_back(stopped(item))) == as_served(item)


def test_it_can_be_given_what_it_does_not_remember():
    item = workload("Deployment", "a", replicas=0)
    assert workloads.scale_up_patch(item, {"replicas": 2})["spec"] == {"replicas": 2}


def test_suspend_may_be_left_out():
    assert workloads.state(workload("CronJob", "a", suspend=None)) == {"suspend": False}


@pytest.mark.parametrize("scaled", ["Retain", "Delete"])
def test_what_it_was_given_since_counts(scaled):
    """Also where it only gets back what it had: scaled down then, a StatefulSet would lose claims."""
    item = stateful("a", replicas=3, scaled=scaled)
    since = merge(stopped(item), {"spec": {"replicas": 5}})
    as_it_is = stateful("a", replicas=5, scaled=scaled)
    assert as_served(given_back(since)) == as_served(as_it_is)
    assert "replicas" not in workloads.scale_up_patch(since, workloads.recorded(since))["spec"]
    again = stopped(since)
    assert workloads.state(again) == {"replicas": 0}
    assert again["spec"]["persistentVolumeClaimRetentionPolicy"]["whenScaled"] == "Retain"
    assert as_served(given_back(again)) == as_served(as_it_is)
    assert workloads.to_saved(since) == workloads.to_saved(again) == workloads.to_saved(as_it_is)


def test_a_suspended_job_that_was_resumed_by_hand_is_stopped_again():
    item = workload("Job", "a", "c")
    since = merge(stopped(item), {"spec": {"suspend": False}})
    assert workloads.scale_down_patch(since)["spec"] == {"suspend": True}
    assert as_served(given_back(since)) == as_served(item)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        *(("StatefulSet", text) for text in ["", "replicas", "3", "replicas.", "replicas.x", "replicas.true"]),
        *(("StatefulSet", text) for text in ["suspend.false", "replicas.3.whenScaled", "whenScaled.Delete"]),
        *(("Job", text) for text in ["suspend.1", "suspend.False", "replicas.1", "scheduled.true"]),
        *(("DaemonSet", text) for text in ["scheduled.3", "suspend.false"]),
    ],
)
@pytest.mark.parametrize("look", [workloads.recorded, workloads.to_saved])
def test_a_label_that_somebody_damaged(look, kind, text):
    with pytest.raises(BadInput, match=rf"ns/{kind}/a cannot be scaled back up: .*/detached has .* '{text}'") as error:
        look(labelled_with(text, workload(kind, "a")))
    assert error.value.tried == f"kubectl -n ns get {kind.lower()} a -o yaml"
    assert error.value.next_step


def test_what_is_remembered_besides_is_left_alone():
    """Another version of this collection may remember more."""
    item = labelled_with("replicas.3.paused.true", workload("Deployment", "a"))
    assert workloads.scale_up_patch(item, workloads.recorded(item))["spec"] == {"replicas": 3}


# What the API server and the controllers write, and a backup must not have.
OF_THE_CLUSTER = {
    "metadata": {
        "resourceVersion": "7",
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "annotations": {
            "deployment.kubernetes.io/revision": "4",
            "deprecated.daemonset.template.generation": "9",
        },
    },
    "status": {"observedGeneration": 1},
}


def test_kubectl_apply_goes_on_with_a_restored_workload():
    noted = {"kubectl.kubernetes.io/last-applied-configuration": "{}"}
    item = merge(workload("Deployment", "a"), {"metadata": {"annotations": noted}})
    assert workloads.to_saved(item)["metadata"]["annotations"] == noted


@each_kind
def test_a_backup_keeps_what_it_had(item):
    """The same whether or not it is scaled to zero: a backup would be written again each time otherwise."""
    kept = workloads.to_saved(merge(item, OF_THE_CLUSTER))
    assert (
        kept
        == workloads.to_saved(merge(stopped(item), OF_THE_CLUSTER))
        == workloads.to_saved(given_back(stopped(item)))
    )
    assert kept["apiVersion"] == item["apiVersion"]
    assert kept["metadata"].keys() <= {"name", "namespace", "labels"}
    assert "status" not in kept
    if item["kind"] != "Job":
        assert kept["spec"] == item["spec"]


@each_kind
def test_what_is_saved_is_not_changed(item):
    before = json.dumps(stopped(item))
    now = json.loads(before)
    workloads.to_saved(now)
    assert json.dumps(now) == before


def test_annotations_and_selectors_of_people_are_kept():
    item = daemon("a", "c", selector=SSD, metadata={"annotations": {"its": "own"}, "labels": {"app": "a"}})
    kept = workloads.to_saved(stopped(item))
    assert (kept["metadata"]["annotations"], kept["metadata"]["labels"]) == ({"its": "own"}, {"app": "a"})
    assert kept["spec"]["template"]["spec"]["nodeSelector"] == SSD


def test_a_saved_job_names_no_pods_of_the_old_one():
    own = {"controller-uid": "u", "batch.kubernetes.io/job-name": "a", "app": "a"}
    kept = workloads.to_saved(stopped(workload("Job", "a", "c", metadata={"labels": own})))
    assert "selector" not in kept["spec"]
    assert kept["spec"]["template"]["metadata"]["labels"] == kept["metadata"]["labels"] == {"app": "a"}
    assert (kept["spec"]["completions"], kept["spec"]["suspend"]) == (1, False)


def test_a_saved_job_that_chooses_its_pods_itself_keeps_its_selector():
    item = workload("Job", "a", "c", manualSelector=True, selector={"matchLabels": {"job-name": "mine"}})
    kept = workloads.to_saved(item)
    assert kept["spec"] == item["spec"]


def test_the_jobs_of_a_cronjob_keep_their_labels():
    labels = {"template": {"metadata": {"labels": {"job-name": "by hand"}}, "spec": {"volumes": volumes("c")}}}
    item = workload("CronJob", "a", jobTemplate={"spec": labels})
    assert workloads.to_saved(item)["spec"] == item["spec"]


def with_volumes(*named):
    return workload("Deployment", "a", template={"spec": {"volumes": [*named, {"name": "x", "emptyDir": {}}]}})


@pytest.mark.parametrize(
    ("item", "claims", "named"),
    [
        (workload("Deployment", "a", "c", "d"), ["ns/c", "ns/d", "ns/e"], ["ns/c", "ns/d"]),
        (workload("Deployment", "a", "c"), ["other/c"], []),
        (workload("CronJob", "a", "c"), ["ns/c"], ["ns/c"]),
        (workload("Job", "a", "c"), ["ns/c"], ["ns/c"]),
        (daemon("a", "c"), ["ns/c"], ["ns/c"]),
        (workload("ReplicationController", "a", template=None), ["ns/c"], []),
        (with_volumes(), ["ns/c"], []),
        (with_volumes({"name": "c", "ephemeral": {"volumeClaimTemplate": {}}}), ["ns/c", "ns/a-c", "ns/-c"], []),
        (
            stateful("db", replicas=0),
            ["ns/data-db-0", "ns/data-db-17", "ns/data-db-x", "ns/data-db", "ns/data-db-", "other/data-db-1"],
            ["ns/data-db-0", "ns/data-db-17"],
        ),
        (stateful("db"), ["ns/data-db-0-0", "ns/more-data-db-0", "ns/data-d-0", "ns/data-db-1x", "ns/dato-db-0"], []),
        (
            stateful("db", volumeClaimTemplates=[{}, {"metadata": {"generateName": "x"}}]),
            ["ns/data-db-0", "ns/-db-0"],
            [],
        ),
        (
            workload("Deployment", "db", "c", volumeClaimTemplates=[{"metadata": {"name": "data"}}]),
            ["ns/data-db-0"],
            [],
        ),
    ],
)
def test_claims_that_its_pods_use_or_would_use(item, claims, named):
    assert workloads.used_claims(item, claims) == set(named)


def test_a_statefulset_may_name_claims_in_both_ways():
    item = stateful("db", template={"spec": {"volumes": volumes("shared")}})
    assert workloads.used_claims(item, ["ns/shared", "ns/data-db-3", "ns/x"]) == {"ns/shared", "ns/data-db-3"}


@pytest.mark.parametrize(
    ("item", "status", "finished"),
    [
        (workload("Job", "a"), {}, False),
        (workload("Job", "a"), None, False),
        (workload("Job", "a"), FINISHED, True),
        (workload("Job", "a"), FAILED, True),
        (workload("Job", "a"), {"conditions": [{"type": "Failed", "status": "False"}]}, False),
        (workload("Job", "a"), {"conditions": [{"type": "Suspended", "status": "True"}]}, False),
        (workload("Deployment", "a"), FINISHED, False),
    ],
)
def test_finished(item, status, finished):
    assert workloads.has_finished({**item, "status": status}) is finished


def test_saved_are_those_that_make_pods_with_the_claims():
    above = made_by("Deployment", "web")
    items = [
        stateful("db"),
        workload("Deployment", "web", "c"),
        workload("ReplicaSet", "web-1", "c", metadata=above),
        workload("Job", "nightly-1", "c", metadata=made_by("CronJob", "nightly")),
        {**workload("Job", "done", "c"), "status": FINISHED},
        workload("Job", "running", "c"),
        workload("CronJob", "nightly", "c"),
        workload("Deployment", "other", "x"),
    ]
    kept = workloads.saved_workloads(items, ["ns/c", "ns/data-db-0"])
    assert [workloads.key(item) for item in kept] == [
        "ns/CronJob/nightly",
        "ns/Deployment/web",
        "ns/Job/nightly-1",
        "ns/Job/running",
        "ns/StatefulSet/db",
    ]
    (reference,) = kept[2]["metadata"]["ownerReferences"]
    assert reference == {"apiVersion": "batch/v1", "kind": "CronJob", "name": "nightly", "controller": True}
    assert workloads.saved_workloads(items, []) == []


def test_what_is_not_saved_need_not_be_readable():
    assert workloads.saved_workloads([labelled_with("?", workload("Deployment", "a", "x"))], ["ns/c"]) == []


counts = st.integers(0, 5)


@given(
    st.sampled_from(["Retain", "Delete"]), st.lists(counts | st.sampled_from(["scale down", "scale up"]), max_size=8)
)
def test_however_it_is_scaled_in_between(scaled, life):
    """The last number that somebody else gave it, and its policy, are what it has at the end."""
    item = stateful("a", replicas=2, scaled=scaled)
    wanted = 2
    for event in life:
        if event == "scale down":
            change = workloads.scale_down_patch(item)
        elif event == "scale up":
            had = workloads.recorded(item)
            change = None if had is None else workloads.scale_up_patch(item, had)
        else:
            # Nobody says what the zero of a stopped one means that is scaled to zero: it is at zero already.
            change = {"spec": {"replicas": event}} if event or workloads.recorded(item) is None else None
            wanted = event if change else wanted
        item = merge(item, change or {})
        if workloads.recorded(item) is not None and workloads.state(item) == {"replicas": 0}:
            assert item["spec"]["persistentVolumeClaimRetentionPolicy"]["whenScaled"] == "Retain"
    had = workloads.recorded(item)
    item = merge(item, workloads.scale_up_patch(item, had)) if had is not None else item
    assert as_served(item) == as_served(stateful("a", replicas=wanted, scaled=scaled))
