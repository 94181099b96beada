"""A saved object compared with that of a cluster."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, merged
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.steps.comparing import (
    differences,
    differing,
    is_equal,
    missing_owners,
)
from ansible_collections.kindlab.volumes.tests.unit.support.saved_objects import deployment, saved, service

OWNER = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}


def live(item: Object, change: Object | None = None) -> Object:
    """The object as an API server shows it."""
    server = {"uid": "u", "resourceVersion": "7", "generation": 2, "creationTimestamp": "2026-01-02T03:04:05Z"}
    return dict(merged(merged(item, {"metadata": server, "status": {"ready": 1}}), change or {}))


@pytest.mark.parametrize(
    ("item", "change", "fields"),
    [
        (deployment(), {}, []),
        (deployment(), {"spec": {"replicas": 4}}, ["spec.replicas"]),
        (deployment(), {"spec": {"replicas": None}}, ["spec.replicas"]),
        (deployment(), {"spec": {"template": {"spec": {"containers": []}}}}, ["spec.template.spec.containers"]),
        (service(), {"spec": {"clusterIP": "10.96.0.9", "clusterIPs": ["10.96.0.9"]}}, []),
        (service(), {"spec": {"ports": [{"port": 81, "protocol": "TCP", "targetPort": 80, "nodePort": 30080}]}},
         ["spec.ports[0].port"]),
        (saved("Service", "a", spec={"clusterIP": "None"}), {"spec": {"clusterIP": "10.96.0.9"}}, ["spec.clusterIP"]),
        (saved("ConfigMap", "a", metadata={"labels": {"a": "1"}}), {"metadata": {"labels": None}}, ["metadata.labels"]),
        (saved("ConfigMap", "a", data={}), {"data": None}, []),
    ],
    ids=str,
)  # fmt: skip
def test_fields_that_are_lost_or_changed(item: Object, change: Object, fields: list[str]) -> None:
    found = live(item, change)
    assert differences(item, found) == fields
    if fields:
        assert differing(item, found) == ", ".join(fields)
    assert is_equal(item, found) == (not fields and "data" not in change)


def test_further_fields_are_no_loss_but_no_equality_either() -> None:
    item = saved("ConfigMap", "a", data={"a": "1"})
    found = live(item, {"data": {"b": "2"}, "metadata": {"annotations": {"c": "3"}}})
    assert (differences(item, found), is_equal(item, found)) == ([], False)
    assert differing(item, found) == "metadata.annotations, data.b"


def test_many_fields_are_counted() -> None:
    item = saved("ConfigMap", "a", data=dict.fromkeys("abcdef", "1"))
    found = live(item, {"data": dict.fromkeys("abcdef", "2")})
    assert differing(item, found) == "data.a, data.b, data.c and 3 more fields"


def test_finalizers_may_be_more_but_not_fewer() -> None:
    item = saved("Widget", "a", version="example.org/v1", metadata={"finalizers": ["example.org/a"]})
    assert is_equal(item, live(item, {"metadata": {"finalizers": ["example.org/b", "example.org/a"]}}))
    assert not is_equal(item, live(item, {"metadata": {"finalizers": ["example.org/b"]}}))


def test_owners_are_compared_without_their_uids() -> None:
    item = saved("Secret", "a", metadata={"ownerReferences": [OWNER]})
    assert missing_owners(item, live(item, {"metadata": {"ownerReferences": [{**OWNER, "uid": "x"}]}})) == []
    assert missing_owners(item, live(item, {"metadata": {"ownerReferences": None}})) == [OWNER]
