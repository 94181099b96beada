"""Discovery documents of new and old servers."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects import discovery
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import Key, Resource
from ansible_collections.kindlab.volumes.tests.unit.support.discovered import VERBS, documents, kind


def group(name: str, *versions: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "APIGroupDiscoveryList", "items": [{"metadata": {"name": name}, "versions": list(versions)}]}


def version(name: str, *resources: dict[str, Any], freshness: str = "Current") -> dict[str, Any]:
    return {"version": name, "resources": list(resources), "freshness": freshness}


def resource(plural: str, kind: str, *, verbs: Any = VERBS, **fields: Any) -> dict[str, Any]:
    said = {"resource": plural, "responseKind": {"kind": kind}, "scope": "Namespaced", "verbs": sorted(verbs)}
    return {**said, **fields}


def names(found: tuple[Resource, ...]) -> list[str]:
    return [f"{one.api_version} {one.kind}" for one in found]


def test_describes_types_of_both_documents() -> None:
    types = (
        kind("v1", "Pod", "pods"),
        kind("apps/v1", "Deployment", "deployments"),
        kind("storage.k8s.io/v1", "StorageClass", "storageclasses", namespaced=False),
    )
    assert set(discovery.resources(documents(types).values())) == set(types)


def test_takes_the_preferred_version_that_has_the_type() -> None:
    """The first version is the preferred one; a type may exist in a later one only."""
    document = group(
        "batch.example",
        version("v1", resource("jobs", "Job")),
        version("v1beta1", resource("jobs", "Job"), resource("tasks", "Task")),
    )
    assert names(discovery.resources([document])) == ["batch.example/v1 Job", "batch.example/v1beta1 Task"]


@pytest.mark.parametrize("missing", ["get", "list", "create"])
def test_leaves_out_what_cannot_be_saved_and_restored(missing: str) -> None:
    document = group("x", version("v1", resource("things", "Thing", verbs=VERBS - {missing})))
    assert discovery.resources([document]) == ()


def test_a_later_version_that_can_be_created_replaces_one_that_cannot() -> None:
    read_only = resource("things", "Thing", verbs={"get", "list"})
    document = group("x", version("v2", read_only), version("v1", resource("things", "Thing")))
    assert names(discovery.resources([document])) == ["x/v1 Thing"]


def test_a_type_without_a_kind_has_only_subresources() -> None:
    said = {"resource": "things", "scope": "Cluster", "verbs": [], "subresources": [{"subresource": "scale"}]}
    assert discovery.resources([group("x", version("v1", said))]) == ()


def test_names_groups_whose_server_does_not_answer() -> None:
    document = group("metrics.k8s.io", version("v1beta1", freshness="Stale"))
    (row,) = discovery.unanswered([document, *documents([kind("v1", "Pod", "pods")]).values()])
    assert (row.key, str(row.key)) == (Key("metrics.k8s.io", "*", "", ""), "*.metrics.k8s.io")


def test_a_stale_group_with_known_types_is_read() -> None:
    document = group("x", version("v1", resource("things", "Thing"), freshness="Stale"))
    assert discovery.unanswered([document]) == []
    assert names(discovery.resources([document])) == ["x/v1 Thing"]


def test_older_servers_describe_each_version() -> None:
    core = {"kind": "APIVersions", "versions": ["v1"]}
    groups = {
        "kind": "APIGroupList",
        "groups": [
            {
                "name": "autoscaling",
                "versions": [{"groupVersion": "autoscaling/v1"}, {"groupVersion": "autoscaling/v2"}],
                "preferredVersion": {"groupVersion": "autoscaling/v2"},
            }
        ],
    }
    assert not any(map(discovery.is_aggregated, (core, groups)))
    paths = discovery.version_paths([core, groups])
    assert paths == ["/api/v1", "/apis/autoscaling/v2", "/apis/autoscaling/v1"]
    verbs = sorted(VERBS)
    scaler = {"name": "horizontalpodautoscalers", "kind": "HorizontalPodAutoscaler", "namespaced": True, "verbs": verbs}
    lists = [
        {
            "groupVersion": "v1",
            "resources": [
                {"name": "pods", "kind": "Pod", "namespaced": True, "verbs": verbs},
                {"name": "pods/status", "kind": "Pod", "namespaced": True, "verbs": ["get"]},
                {"name": "bindings", "kind": "Binding", "namespaced": True, "verbs": ["create"]},
            ],
        },
        {"groupVersion": "autoscaling/v2", "resources": [scaler]},
        {"groupVersion": "autoscaling/v1", "resources": [scaler]},
    ]
    found = discovery.older_resources(lists)
    assert names(found) == ["v1 Pod", "autoscaling/v2 HorizontalPodAutoscaler"]
    assert [one.status for one in found] == [True, False]
