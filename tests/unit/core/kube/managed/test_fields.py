"""Who manages the fields of an object."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.managed.fields import (
    CLIENT_SIDE,
    creator,
    has_managers,
    managers,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, merged
from ansible_collections.kindlab.volumes.tests.unit.support.saved_objects import LAST_APPLIED, applied, deployment


def live(item: Object, change: Object | None = None) -> Object:
    return dict(merged(item, change or {}))


def test_managers_are_those_who_apply() -> None:
    item = deployment(managedFields=applied("kubectl"))
    other = {"manager": "kubectl-edit", "operation": "Update", "fieldsV1": {}}
    status = {"manager": "kube-controller-manager", "operation": "Update", "subresource": "status", "fieldsV1": {}}
    ours = {"manager": "kindlab.volumes", "operation": "Update", "fieldsV1": {}}
    found = live(item, {"metadata": {"managedFields": [ours, other, status]}})
    assert not has_managers(item, found)
    assert managers(item, found, {"kindlab.volumes"}) == [*applied("kubectl"), other, status]
    assert has_managers(item, live(item)) and has_managers(deployment(), found)
    fewer = live(item, {"metadata": {"managedFields": applied("kubectl", replicas=False)}})
    assert not has_managers(item, fewer)
    assert managers(item, fewer, {"kindlab.volumes"}) == applied("kubectl")


def test_kubectl_finds_what_it_applied_by_itself() -> None:
    assert creator(deployment(annotations={LAST_APPLIED: "{}"}), "ours") == CLIENT_SIDE
    assert creator(deployment(), "ours") == creator({}, "ours") == "ours"
