# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Kubernetes objects: names, comparison and merging."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Object = dict[str, Any]
# (kind, namespace, name); namespace is '' for a cluster-scoped object.
Ref = tuple[str, str, str]

_IMMUTABLE = {
    "Deployment": ("spec.selector",),
    "RoleBinding": ("roleRef",),
    "ClusterRoleBinding": ("roleRef",),
    "StorageClass": ("provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"),
}
_DEFAULTS = {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"}


def namespaced_name(item: Mapping[str, Any]) -> str:
    """'namespace/name' of a namespaced object."""
    return f"{item['metadata'].get('namespace', 'default')}/{item['metadata']['name']}"


def uid_of(item: Mapping[str, Any]) -> str:
    """The uid that the API server gave it."""
    return str(item["metadata"]["uid"])


def ref_of(item: Mapping[str, Any]) -> Ref:
    """Kind, namespace and name of an object."""
    return item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"]


def ref_text(ref: Ref) -> str:
    """'Kind namespace/name', or 'Kind name'."""
    return f"{ref[0]} {'/'.join(filter(None, ref[1:]))}"


def by_ref(items: Iterable[Object]) -> dict[Ref, Object]:
    """Objects by kind, namespace and name."""
    return {ref_of(item): item for item in items}


def is_subset(requested: Any, live: Any) -> bool:
    """True if live has all requested fields; further fields of live, e.g. the API's defaults, are ignored.

    None stands for a field that must be absent. Lists must be equal in length and order.
    """
    if isinstance(requested, Mapping):
        return isinstance(live, Mapping) and all(is_subset(value, live.get(key)) for key, value in requested.items())
    if isinstance(requested, (list, tuple)):
        if not isinstance(live, (list, tuple)) or len(requested) != len(live):
            return False
        return all(is_subset(one, other) for one, other in zip(requested, live))
    return bool(requested == live)


def merged(live: Any, change: Any) -> Any:
    """Apply a JSON merge patch (RFC 7386): mappings are merged, None removes, anything else is replaced."""
    if not isinstance(change, Mapping):
        return change
    result = dict(live) if isinstance(live, Mapping) else {}
    for key, value in change.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def without_nulls(requested: Object) -> Object:
    """The object to create: without the fields that must be absent."""
    return dict(merged({}, requested))


def must_be_replaced(requested: Object, live: Object) -> bool:
    """True if an immutable field differs, or live is being deleted: it must be deleted and created again."""
    if "deletionTimestamp" in live["metadata"]:
        return True
    return any(_at(requested, path) != _at(live, path) for path in _IMMUTABLE.get(requested["kind"], ()))


def _at(item: Mapping[str, Any], path: str) -> Any:
    value: Any = item
    for key in path.split("."):
        value = (value or {}).get(key)
    return value or _DEFAULTS.get(path)
