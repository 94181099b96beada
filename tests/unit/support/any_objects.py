"""Objects of any kind, as an API server shows them: with uid, owners and managers."""

from __future__ import annotations

import itertools
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import Resource, key_of
from ansible_collections.kindlab.volumes.tests.unit.support.discovered import CORE, kind
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import FakeCluster

_uids = itertools.count(1)
CUSTOM = (
    kind("example.com/v1", "Database", "databases"),
    kind("argoproj.io/v1alpha1", "Application", "applications", status=False),
)
TYPES: tuple[Resource, ...] = (*FakeCluster().types, *CORE, *CUSTOM)
CLUSTER_SCOPED = {one.kind for one in TYPES if not one.namespaced}


def thing(api_version: str, kind: str, name: str, namespace: str = "shop", **fields: Any) -> Object:
    """An object; its metadata has a uid, and what fields say of it: owners, managers, labels, annotations, ..."""
    owners = fields.pop("owners", ())
    managers = fields.pop("managers", ("kubectl-client-side-apply",))
    metadata: Object = {"name": name, "uid": f"u{next(_uids)}", "resourceVersion": "1"}
    if kind not in CLUSTER_SCOPED:
        metadata["namespace"] = namespace
    if owners:
        metadata["ownerReferences"] = list(owners)
    metadata["managedFields"] = [{"manager": manager, "operation": "Update"} for manager in managers]
    for field in ("labels", "annotations", "deletionTimestamp", "finalizers"):
        if field in fields:
            metadata[field] = fields.pop(field)
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}


def owner(item: Object, *, controls: bool = True) -> Object:
    """What another object says of this one if it belongs to it."""
    said = {"apiVersion": item["apiVersion"], "kind": item["kind"], "name": item["metadata"]["name"]}
    return {**said, "uid": item["metadata"]["uid"], **({"controller": True} if controls else {})}


def namespace(name: str, **fields: Any) -> Object:
    """A namespace."""
    return thing("v1", "Namespace", name, **fields)


def names(items: Any) -> list[str]:
    """Objects as their keys' texts."""
    return sorted(str(key_of(item)) for item in items)
