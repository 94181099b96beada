"""The plan of a restore: what is done about each object, and why."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import Resource, Saved, key_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.restoring import (
    Observed,
    Request,
    defined,
    plan,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.steps.done_jobs import done_status
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.steps.step import Plan, Step
from ansible_collections.kindlab.volumes.tests.unit.support.api_server import BUILT_IN
from ansible_collections.kindlab.volumes.tests.unit.support.saved_objects import definition, deployment, saved

TYPES = {(found.group, found.kind): found for found in BUILT_IN}
BATCH = "batch/v1"
DEFAULT = {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}


def step(item: Object, *live: Object, **request: Any) -> Step:
    """The only step of a plan for one object."""
    found = Observed({key_of(other): other for other in live}, TYPES)
    (only,) = plan(Request(**request), Saved([item]), found).steps
    return only


def job(finished: bool = False, **spec: Any) -> Object:
    item = saved(
        "Job", "once", version=BATCH, spec={"template": {"metadata": {}, "spec": {}}, "suspend": False, **spec}
    )
    return {**item, "status": {"conditions": [{"type": "Complete", "status": "True"}]}} if finished else item


def outcome(found: Step) -> tuple[str, str]:
    row = found.row()
    return row["action"], row["why"]


@pytest.mark.parametrize("jobs", ["resume", "suspend", "skip"])
def test_a_job_that_is_done_is_not_done_again(jobs: str) -> None:
    found = step(job(finished=True), jobs=jobs)
    assert outcome(found) == ("create", "the Job was done, and is not run again")
    assert found.item["spec"]["suspend"] is True


def test_a_job_that_was_done_and_is_there_is_left_alone() -> None:
    assert outcome(step(job(finished=True), job(finished=True)))[0] == "unchanged"
    assert outcome(step(job(finished=True), job()))[0] == "unchanged"
    assert outcome(step(job(finished=True), job(suspend=True)))[0] == "finish"


@pytest.mark.parametrize(
    ("spec", "status"),
    [
        ({}, {"succeeded": 1}),
        ({"completions": 3}, {"succeeded": 3}),
        ({"completions": 3, "completionMode": "Indexed"}, {"succeeded": 3, "completedIndexes": "0-2"}),
        ({"completions": 1, "completionMode": "Indexed"}, {"succeeded": 1, "completedIndexes": "0"}),
    ],
)
def test_the_status_of_a_job_that_is_complete(spec: Object, status: Object) -> None:
    found = done_status(job(finished=True, **spec), "now")
    assert [condition["type"] for condition in found.pop("conditions")] == ["SuccessCriteriaMet", "Complete"]
    assert found == {"startTime": "now", "completionTime": "now", **status}


def test_the_status_of_a_job_that_has_failed() -> None:
    failed = {**job(), "status": {"conditions": [{"type": "Failed", "status": "True"}]}}
    found = done_status(failed, "now")
    assert [condition["type"] for condition in found.pop("conditions")] == ["FailureTarget", "Failed"]
    assert found == {"startTime": "now", "failed": 1}


@pytest.mark.parametrize(
    ("jobs", "action", "why", "suspended"),
    [
        ("resume", "create", "", False),
        ("suspend", "create", "the Job was not done, and is suspended", True),
        ("skip", "skip", "the Job was not done (jobs=skip)", False),
    ],
)
def test_a_job_that_was_not_done(jobs: str, action: str, why: str, suspended: bool) -> None:
    found = step(job(), jobs=jobs)
    assert outcome(found) == (action, why)
    assert found.item["spec"]["suspend"] is suspended


def test_a_job_that_people_suspended_is_no_exception() -> None:
    assert outcome(step(job(suspend=True), jobs="suspend")) == ("create", "")


def test_a_pod_that_has_ended_is_not_started_again() -> None:
    pod = {**saved("Pod", "once", spec={}), "status": {"phase": "Succeeded"}}
    assert outcome(step(pod)) == ("skip", "the pod has ended")


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_who_uses_claims_is_scaled_to_zero_as_volume_detach_does(kind: str) -> None:
    item = {**deployment(claim="data"), "kind": kind}
    found = step(item, down=True)
    assert found.item["spec"]["replicas"] == 0
    assert found.item["metadata"]["labels"] == {"kindlab.volumes/detached": "replicas.3"}
    assert (outcome(found), found.saved) == (("create", ""), item)
    assert step(item).item == item
    assert step(deployment(), down=True).item == deployment()


def test_a_pod_that_uses_claims_cannot_be_scaled_to_zero() -> None:
    pod = saved("Pod", "a", spec={"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]})
    assert outcome(step(pod, down=True)) == ("skip", "it uses a claim, and a pod cannot be scaled to zero")
    assert outcome(step(pod)) == ("create", "")


def test_there_is_one_default_class() -> None:
    mine = saved("StorageClass", "fast", "", "storage.k8s.io/v1", metadata=DEFAULT)
    other = saved("StorageClass", "standard", "", "storage.k8s.io/v1", metadata=DEFAULT)
    found = step(mine, other)
    assert found.item["metadata"]["annotations"] == {"storageclass.kubernetes.io/is-default-class": "false"}
    assert outcome(found) == ("create", "standard is the cluster's default class")
    assert outcome(step(mine)) == ("create", "")


def test_a_class_that_is_there_is_left_to_its_provisioner() -> None:
    mine = saved("StorageClass", "fast", "", "storage.k8s.io/v1", reclaimPolicy="Retain")
    live = {**mine, "reclaimPolicy": "Delete"}
    assert outcome(step(mine, live, existing="replace")) == ("keep", "it exists, and differs in reclaimPolicy")


def test_an_object_that_is_being_deleted_is_refused() -> None:
    item = saved("ConfigMap", "a", data={})
    live = {**item, "metadata": {**item["metadata"], "deletionTimestamp": "2026-01-02T03:04:05Z"}}
    found = step(item, live)
    assert outcome(found) == ("refuse", "it is being deleted")
    assert found.next_step == "Wait: kubectl wait --for=delete configmap/a -n shop"


def test_types_that_the_backup_defines_are_known() -> None:
    assert defined([definition(), deployment()]) == {
        ("example.org", "Widget"): Resource("example.org", "v1", "Widget", "widgets", True)
    }


def test_a_definition_is_served_in_the_version_that_is_stored() -> None:
    item = definition()
    versions = [("v1alpha1", False, False), ("v1beta1", True, False), ("v1", True, True)]
    fields = ("name", "served", "storage")
    item["spec"]["versions"] = [dict(zip(fields, version, strict=True)) for version in versions]
    assert defined([item])["example.org", "Widget"].version == "v1"
    item["spec"]["versions"][2]["served"] = False
    assert defined([item])["example.org", "Widget"].version == "v1beta1"


def test_results_are_counted() -> None:
    steps = [step(item) for item in (job(), job(finished=True), deployment())]
    assert Plan("refuse", tuple(steps)).result()["counts"] == {"adapted": 1, "equal": 2}
