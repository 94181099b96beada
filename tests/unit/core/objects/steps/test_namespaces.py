"""Objects restored into other namespaces: what Kubernetes refers to follows, what may be meant is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.steps.namespaces import mapped, unmapped
from ansible_collections.kindlab.volumes.tests.unit.support.saved_objects import (
    LAST_APPLIED,
    definition,
    deployment,
    namespace,
    saved,
    webhook,
)

NAMES = {"shop": "shop2"}
RBAC = "rbac.authorization.k8s.io/v1"
NET = "networking.k8s.io/v1"
LABEL = "kubernetes.io/metadata.name"


def account(of: str) -> dict[str, str]:
    return {"kind": "ServiceAccount", "name": "web", "namespace": of}


def policy(selector: dict[str, Any]) -> dict[str, Any]:
    return saved("NetworkPolicy", "a", "other", NET, spec={"ingress": [{"from": [{"namespaceSelector": selector}]}]})


def affinity(term: dict[str, Any]) -> dict[str, Any]:
    spec = {"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}}
    return saved("Deployment", "a", "other", "apps/v1", spec={"template": {"spec": spec}})


def test_an_object_moves() -> None:
    assert mapped(saved("ConfigMap", "a", data={}), NAMES)["metadata"] == {"name": "a", "namespace": "shop2"}


def test_an_object_elsewhere_stays() -> None:
    item = saved("ConfigMap", "shop", "other", data={"namespace": "shop"})
    assert mapped(item, NAMES) == item


def test_a_namespace_gets_the_new_name() -> None:
    moved = mapped(namespace(labels={"team": "a"}), NAMES)
    assert moved["metadata"] == {"name": "shop2", "labels": {LABEL: "shop2", "team": "a"}}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (account("shop"), account("shop2")),
        (account("other"), account("other")),
        ({"kind": "Group", "name": "system:serviceaccounts:shop"}, {"name": "system:serviceaccounts:shop2"}),
        ({"kind": "User", "name": "system:serviceaccount:shop:web"}, {"name": "system:serviceaccount:shop2:web"}),
        ({"kind": "Group", "name": "system:serviceaccounts"}, {"name": "system:serviceaccounts"}),
        ({"kind": "User", "name": "shop"}, {"name": "shop"}),
    ],
)
@pytest.mark.parametrize("kind", ["RoleBinding", "ClusterRoleBinding"])
def test_subjects_follow(kind: str, before: dict[str, str], after: dict[str, str]) -> None:
    binding = saved(kind, "web", "" if kind.startswith("Cluster") else "shop", RBAC, roleRef={}, subjects=[before])
    assert mapped(binding, NAMES)["subjects"] == [{**before, **after}]


@pytest.mark.parametrize(
    "item",
    [
        webhook(),
        saved("APIService", "v1.x", "", "apiregistration.k8s.io/v1", spec={"service": {"namespace": "shop"}}),
        policy({"matchLabels": {LABEL: "shop"}}),
        policy({"matchExpressions": [{"key": LABEL, "operator": "In", "values": ["shop"]}]}),
        affinity({"namespaces": ["shop"]}),
        affinity({"namespaceSelector": {"matchLabels": {LABEL: "shop"}}}),
        saved("Endpoints", "a", "other", subsets=[{"addresses": [{"targetRef": {"namespace": "shop"}}]}]),
        saved("Gateway", "a", "other", "gateway.networking.k8s.io/v1", spec={"ref": {"namespace": "shop"}}),
    ],
    ids=lambda item: item["kind"],
)
def test_references_of_kubernetes_follow(item: dict[str, Any]) -> None:
    moved = mapped(item, NAMES)
    text = json.dumps(item, sort_keys=True)
    assert json.dumps(moved, sort_keys=True) == text.replace('"shop"', '"shop2"')
    assert moved != item and unmapped(moved, NAMES) == []


def test_the_converter_of_a_definition_follows_but_not_its_schema() -> None:
    item = definition()
    service = {"namespace": "shop", "name": "converter"}
    item["spec"]["conversion"] = {"strategy": "Webhook", "webhook": {"clientConfig": {"service": service}}}
    item["spec"]["versions"][0]["schema"] = {"default": {"namespace": "shop"}}
    moved = mapped(item, NAMES)["spec"]
    assert moved["conversion"]["webhook"]["clientConfig"]["service"]["namespace"] == "shop2"
    assert moved["versions"][0]["schema"] == {"default": {"namespace": "shop"}}


def test_labels_that_happen_to_be_called_so_stay() -> None:
    item = saved("Service", "a", spec={"selector": {"namespace": "shop"}}, metadata={"labels": {"namespace": "shop"}})
    moved = mapped(item, NAMES)
    assert moved["spec"] == item["spec"] and moved["metadata"]["labels"] == {"namespace": "shop"}


def test_what_kubectl_recorded_names_the_new_namespace() -> None:
    metadata = {"name": "a", "namespace": "shop"}
    recorded = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"b": "é<"}}
    item = saved("ConfigMap", "a", metadata={"annotations": {LAST_APPLIED: json.dumps(recorded)}})
    found = mapped(item, NAMES)["metadata"]["annotations"][LAST_APPLIED]
    assert json.loads(found) == {**recorded, "metadata": {"name": "a", "namespace": "shop2"}}
    assert found.endswith("}\n")
    damaged = saved("ConfigMap", "a", metadata={"annotations": {LAST_APPLIED: "[1]"}})
    assert mapped(damaged, NAMES)["metadata"]["annotations"] == {LAST_APPLIED: "[1]"}


def test_what_cannot_be_known_is_told() -> None:
    spec = {"destination": {"namespace": "shop", "name": "shop"}}
    custom = mapped(saved("Application", "a", version="argoproj.io/v1", spec=spec), NAMES)
    assert (custom["spec"], unmapped(custom, NAMES)) == (spec, ["spec.destination.namespace"])
    settings = saved("ConfigMap", "a", data={"url": "http://web.shop.svc:80", "other": "web.shop2.svc", "shop": "shop"})
    assert unmapped(mapped(settings, NAMES), NAMES) == ["data.url"]
    workload = deployment()
    env = [{"name": "DB", "value": "db.shop"}, {"name": "X", "value": "x.shopping.svc"}, {"name": "Y", "value": "shop"}]
    workload["spec"]["template"]["spec"]["containers"][0]["env"] = env
    assert unmapped(mapped(workload, NAMES), NAMES) == ["spec.template.spec.containers[0].env[0].value"]
