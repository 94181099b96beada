"""What people changed, as far as the managers of fields tell."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.managed.fields import without_managers
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.baseline import merge_patch
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.changes.managed import without_others
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.cleaning import cleaned
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.selection import select
from ansible_collections.kindlab.volumes.tests.unit.support.any_objects import TYPES, thing

Object = dict[str, Any]


def entry(manager: str, fields: Object, **more: str) -> Object:
    return {"manager": manager, "operation": "Update", "fieldsV1": fields, **more}


def coredns(*entries: Object) -> Object:
    item = thing(
        "apps/v1",
        "Deployment",
        "coredns",
        "kube-system",
        labels={"k8s-app": "kube-dns", "team": "a"},
        spec={
            "replicas": 1,
            "selector": {},
            "template": {"spec": {"containers": [{"name": "coredns", "image": "coredns"}], "nodeSelector": {"a": "b"}}},
        },
    )
    own = entry("kubeadm", {"f:spec": {"f:replicas": {}}, "f:metadata": {"f:labels": {".": {}, "f:k8s-app": {}}}})
    item["metadata"]["managedFields"] = [own, *entries]
    return item


@pytest.mark.parametrize(
    "entries, expected",
    [
        ([], {}),
        ([entry("kube-controller-manager", {"f:spec": {"f:replicas": {}}})], {}),
        ([entry("kubectl", {"f:spec": {"f:replicas": {}}}, subresource="scale")], {"spec": {"replicas": 1}}),
        ([entry("x", {"f:status": {"f:replicas": {}}}, subresource="status")], {}),
        (
            [entry("kubectl-label", {"f:metadata": {"f:labels": {"f:team": {}}}})],
            {"metadata": {"labels": {"team": "a"}}},
        ),
        (
            [entry("edit", {"f:spec": {"f:template": {"f:spec": {"f:nodeSelector": {}}}}})],
            {"spec": {"template": {"spec": {"nodeSelector": {"a": "b"}}}}},
        ),
        # An element that only others own was added by them.
        (
            [
                entry(
                    "edit",
                    {"f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"coredns"}': {".": {}}}}}}},
                )
            ],
            {"spec": {"template": {"spec": {"containers": [{"name": "coredns", "image": "coredns"}]}}}},
        ),
        # What is gone since, or was cleaned, is no change.
        ([entry("edit", {"f:metadata": {"f:labels": {"f:gone": {}}}, "f:data": {"f:a": {}}})], {}),
        ([entry("edit", {"f:spec": {"f:selector": {}}})], {"spec": {"selector": {}}}),
        (
            [
                entry("a", {"f:spec": {"f:replicas": {}}}),
                entry("b", {"f:metadata": {"f:labels": {"f:team": {}}}}, subresource="scale"),
            ],
            {"spec": {"replicas": 1}, "metadata": {"labels": {"team": "a"}}},
        ),
        ([{"manager": "odd"}], {}),
    ],
)
def test_the_fields_of_others(entries: list[Object], expected: Object) -> None:
    item = coredns(*entries)
    saved = without_managers(cleaned(item))
    assert merge_patch(without_others(item, saved, {"kubeadm", "kube-controller-manager"}), saved) == expected
    # A cluster without a baseline has no other way to know.
    changed = select([item], TYPES, None).changed
    assert [change.patch for change in changed] == ([expected] if expected else [])
    assert select([item], TYPES, {}).changed == ()


def test_what_kind_installed_by_kubectl_is_its_own() -> None:
    def config(manager: str) -> Object:
        item = thing("v1", "ServiceAccount", "kindnet", "kube-system", labels={"a": "b"})
        item["metadata"]["managedFields"] = [entry(manager, {"f:metadata": {"f:labels": {"f:a": {}}}})]
        return item

    assert select([config("kubectl-create")], TYPES, None).changed == ()
    (change,) = select([config("kubectl-label")], TYPES, None).changed
    assert change.patch == {"metadata": {"labels": {"a": "b"}}}


def test_what_others_changed_of_an_element_is_told_from_the_rest_of_it() -> None:
    def of_containers(fields: Object) -> Object:
        return {"f:spec": {"f:template": {"f:spec": {"f:containers": fields}}}}

    coredns_key, other_key = 'k:{"name":"coredns"}', 'k:{"name":"other"}'
    item = coredns(
        entry("kubeadm", of_containers({coredns_key: {".": {}, "f:name": {}, "f:image": {}, "f:args": {}}})),
        # One that applies an element from the server side owns its name, too.
        entry("people", of_containers({coredns_key: {".": {}, "f:name": {}, "f:resources": {"f:limits": {}}}})),
        entry("more", of_containers({other_key: {".": {}, "f:name": {}}, coredns_key: {"f:args": {}}})),
        entry("more", {"f:metadata": {"f:finalizers": {'v:"theirs"': {}}}}),
    )
    container = item["spec"]["template"]["spec"]["containers"][0]
    container |= {"args": ["-x"], "resources": {"limits": {"memory": "1Gi"}, "requests": {}}}
    item["spec"]["template"]["spec"]["containers"].append({"name": "other"})
    item["metadata"]["finalizers"] = ["theirs", "own"]
    (change,) = select([item], TYPES, None).changed
    assert change.before == {
        "metadata": {"finalizers": ["own"]},
        "spec": {
            "template": {
                "spec": {"containers": [{"name": "coredns", "image": "coredns", "resources": {"requests": {}}}]}
            }
        },
    }
    assert change.patch["spec"]["template"]["spec"]["containers"] == item["spec"]["template"]["spec"]["containers"]
    assert change.patch["metadata"] == {"finalizers": ["theirs", "own"]}
