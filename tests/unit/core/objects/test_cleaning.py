"""What is left of an object when it is saved."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.workloads import (
    RECORDED,
    has_finished,
    scale_down_patch,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.cleaning import cleaned
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import merge

Object = dict[str, Any]
SERVER: Object = {
    "uid": "u1",
    "resourceVersion": "7",
    "generation": 2,
    "creationTimestamp": "2026-11-30T05:00:00Z",
    "selfLink": "/api/v1/x",
    "deletionTimestamp": "2026-11-30T05:00:00Z",
    "deletionGracePeriodSeconds": 30,
    "managedFields": [{"manager": "kubectl", "operation": "Update", "fieldsV1": {}}],
}


def item(api_version: str, kind: str, *, metadata: Object | None = None, **fields: Any) -> Object:
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": "x", "namespace": "shop", **SERVER, **(metadata or {})},
        **fields,
    }


def job(*conditions: str, **spec: Any) -> Object:
    labels = {"controller-uid": "u1", "batch.kubernetes.io/controller-uid": "u1", "job-name": "x", "app": "shop"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c"}]}}
    said = [{"type": condition, "status": "True", "reason": "Done"} for condition in conditions]
    return item(
        "batch/v1",
        "Job",
        metadata={"labels": dict(labels)},
        spec={"selector": {"matchLabels": {"controller-uid": "u1"}}, "template": template, **spec},
        status={"conditions": said, "active": 1},
    )


def test_server_fields_and_status_are_dropped() -> None:
    found = cleaned(item("v1", "ConfigMap", data={"a": "1"}, status={"x": 1}))
    assert found == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "x", "namespace": "shop"},
        "data": {"a": "1"},
    }


def test_a_type_without_a_status_part_keeps_what_it_calls_status() -> None:
    """Controllers that store their state there would begin again without it."""
    found = cleaned(item("argoproj.io/v1alpha1", "Workflow", status={"phase": "Succeeded"}), keep_status=True)
    assert found["status"] == {"phase": "Succeeded"}


@pytest.mark.parametrize("value", [None, {}])
def test_labels_and_annotations_may_be_missing_or_empty(value: Object | None) -> None:
    found = cleaned(item("v1", "Secret", metadata={"labels": value, "annotations": value, "finalizers": None}))
    assert found["metadata"] == {"name": "x", "namespace": "shop"}


def test_annotations_of_people_and_tools_are_kept() -> None:
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": "{}", "meta.helm.sh/release-name": "shop"}
    dropped = {"deployment.kubernetes.io/revision": "3", "control-plane.alpha.kubernetes.io/leader": "{}"}
    found = cleaned(item("v1", "ConfigMap", metadata={"annotations": {**annotations, **dropped}}))
    assert found["metadata"]["annotations"] == annotations


def test_the_revision_of_a_replica_set_is_kept() -> None:
    revision = {"deployment.kubernetes.io/revision": "3"}
    found = cleaned(item("apps/v1", "ReplicaSet", metadata={"annotations": revision}, spec={"replicas": 1}))
    assert found["metadata"]["annotations"] == revision


def test_finalizers_of_others_are_kept() -> None:
    names = ["customresourcecleanup.apiextensions.k8s.io", "resources-finalizer.argocd.argoproj.io"]
    found = cleaned(item("argoproj.io/v1alpha1", "Application", metadata={"finalizers": names}))
    assert found["metadata"]["finalizers"] == ["resources-finalizer.argocd.argoproj.io"]


def test_a_namespace_has_no_spec() -> None:
    labels = {"team": "a"}
    found = cleaned(
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": "shop", "labels": labels, "uid": "u"},
            "spec": {"finalizers": ["kubernetes"]},
            "status": {"phase": "Active"},
        }
    )
    assert found == {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": labels}}


def test_owners_that_are_saved_too_are_kept_without_uid() -> None:
    one = {"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": "u2", "controller": True}
    other = {"apiVersion": "v1", "kind": "ConfigMap", "name": "b", "uid": "u3"}
    owned = item("v1", "Secret", metadata={"ownerReferences": [one, other]})
    kept = {"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "controller": True}
    assert cleaned(owned, {"u2"})["metadata"]["ownerReferences"] == [kept]
    assert "ownerReferences" not in cleaned(owned)["metadata"]


def test_fields_applied_from_the_server_side_are_kept() -> None:
    applied = {"manager": "argocd", "operation": "Apply", "apiVersion": "v1", "fieldsV1": {"f:data": {}}}
    fields = [applied, {**applied, "subresource": "status"}, {**applied, "operation": "Update"}]
    assert cleaned(item("v1", "ConfigMap", metadata={"managedFields": fields}))["metadata"]["managedFields"] == [
        applied
    ]


@pytest.mark.parametrize("manual", [False, True])
def test_a_job_loses_what_its_controller_set(manual: bool) -> None:
    found = cleaned(job(**({"manualSelector": True} if manual else {})))
    labels = found["spec"]["template"]["metadata"]["labels"]
    assert ("selector" in found["spec"]) is manual
    assert (labels == {"app": "shop"}) is not manual
    assert (found["metadata"]["labels"] == {"app": "shop"}) is not manual
    assert "status" not in found


@pytest.mark.parametrize("how", ["Complete", "Failed"])
def test_a_job_that_is_done_says_so(how: str) -> None:
    found = cleaned(job("SuccessCriteriaMet", how))
    assert found["status"] == {"conditions": [{"type": how, "status": "True"}]}
    assert has_finished(found)


def pod(**spec: Any) -> Object:
    token = {"name": "kube-api-access-4xk2p", "projected": {"sources": []}}
    mounts = [
        {"name": "kube-api-access-4xk2p", "mountPath": "/var/run/secrets"},
        {"name": "data", "mountPath": "/data"},
    ]
    given = {
        "nodeName": "lab-worker",
        "priority": 0,
        "preemptionPolicy": "PreemptLowerPriority",
        "volumes": [{"name": "data", "emptyDir": {}}, token],
        "containers": [{"name": "c", "volumeMounts": mounts}, {"name": "d", "volumeMounts": mounts[:1]}],
        **spec,
    }
    return item("v1", "Pod", spec=given, status={"phase": "Running"})


def test_a_pod_loses_its_node_and_its_token() -> None:
    assert cleaned(pod())["spec"] == {
        "volumes": [{"name": "data", "emptyDir": {}}],
        "containers": [
            {"name": "c", "volumeMounts": [{"name": "data", "mountPath": "/data"}]},
            {"name": "d"},
        ],
    }


def test_a_volume_that_is_only_called_like_a_token_stays() -> None:
    volumes = [{"name": "kube-api-access-mine", "emptyDir": {}}]
    assert cleaned(pod(volumes=volumes, containers=[]))["spec"]["volumes"] == volumes


@pytest.mark.parametrize("phase, kept", [("Succeeded", True), ("Failed", True), ("Running", False), ("Pending", False)])
def test_a_pod_that_is_done_says_so(phase: str, kept: bool) -> None:
    found = cleaned({**pod(), "status": {"phase": phase, "podIP": "10.0.0.1"}})
    assert found.get("status") == ({"phase": phase} if kept else None)


def test_the_data_of_tokens_is_not_saved() -> None:
    annotations = {"kubernetes.io/service-account.name": "ci", "kubernetes.io/service-account.uid": "u9"}
    token = item(
        "v1",
        "Secret",
        type="kubernetes.io/service-account-token",
        data={"token": "c2VjcmV0"},
        metadata={"annotations": annotations},
    )
    found = cleaned(token)
    assert "data" not in found
    assert found["metadata"]["annotations"] == {"kubernetes.io/service-account.name": "ci"}
    assert cleaned({**token, "type": "Opaque"})["data"] == {"token": "c2VjcmV0"}


def test_the_rules_of_aggregated_roles_are_not_saved() -> None:
    role = item("rbac.authorization.k8s.io/v1", "ClusterRole", rules=[{"verbs": ["get"]}])
    assert "rules" in cleaned(role)
    assert "rules" not in cleaned({**role, "aggregationRule": {"clusterRoleSelectors": []}})


def test_a_service_keeps_its_addresses_and_ports() -> None:
    spec = {"clusterIP": "10.96.0.7", "clusterIPs": ["10.96.0.7"], "ports": [{"port": 80, "nodePort": 30080}]}
    assert cleaned(item("v1", "Service", spec=spec, status={"loadBalancer": {}}))["spec"] == spec


@pytest.mark.parametrize(
    "kind, spec",
    [
        ("Deployment", {"replicas": 3, "template": {"spec": {}}}),
        ("StatefulSet", {"replicas": 2, "template": {"spec": {}}}),
        ("DaemonSet", {"template": {"spec": {"containers": []}}}),
        ("DaemonSet", {"template": {"spec": {"nodeSelector": {"disk": "ssd"}}}}),
    ],
)
def test_workloads_that_are_scaled_to_zero_are_saved_as_they_were(kind: str, spec: Object) -> None:
    before = item("apps/v1", kind, spec=spec)
    detached = merge(before, scale_down_patch(before))
    assert RECORDED in detached["metadata"]["labels"]
    assert cleaned(detached) == cleaned(before)


def test_a_custom_kind_that_is_called_like_a_workload_is_left_as_it_is() -> None:
    spec = {"anything": [1, 2]}
    assert cleaned(item("batch.volcano.sh/v1alpha1", "Job", spec=spec))["spec"] == spec


def test_the_object_itself_is_not_changed() -> None:
    given = job("Complete")
    before = merge({}, given)
    cleaned(given)
    assert given == before


def test_a_pod_keeps_the_node_that_people_chose() -> None:
    """The scheduler, which chooses it otherwise, is no manager of the field."""
    chosen = {"manager": "kubectl-create", "operation": "Update", "fieldsV1": {"f:spec": {"f:nodeName": {}}}}
    given = pod()
    given["metadata"]["managedFields"] = [{**chosen, "subresource": "status"}, {"manager": "kubelet"}]
    assert "nodeName" not in cleaned(given)["spec"]
    given["metadata"]["managedFields"].append(chosen)
    assert cleaned(given)["spec"]["nodeName"] == "lab-worker"
    assert "priority" not in cleaned(given)["spec"]
