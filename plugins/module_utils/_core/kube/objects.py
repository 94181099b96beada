# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Objects as they are wanted against objects as they live: is one part of the other, and merging."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Object = dict[str, Any]
# (kind, namespace, name); namespace is '' for what belongs to the whole cluster.
Ref = tuple[str, str, str]

_NEVER_CHANGED = {
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
    """What an object is called."""
    return item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"]


def ref_text(ref: Ref) -> str:
    """'Kind namespace/name', for people."""
    return f"{ref[0]} {'/'.join(filter(None, ref[1:]))}"


def by_ref(items: Iterable[Object]) -> dict[Ref, Object]:
    return {ref_of(item): item for item in items}


def is_subset(wanted: Any, live: Any) -> bool:
    """True where all fields of wanted are so in live; fields that only live has (the API's defaults) don't count.

    None is wanted to be absent. Lists are equal in length and order.
    """
    if isinstance(wanted, Mapping):
        return isinstance(live, Mapping) and all(is_subset(value, live.get(key)) for key, value in wanted.items())
    if isinstance(wanted, (list, tuple)):
        if not isinstance(live, (list, tuple)) or len(wanted) != len(live):
            return False
        return all(is_subset(one, other) for one, other in zip(wanted, live, strict=True))
    return bool(wanted == live)


def merged(live: Any, change: Any) -> Any:
    """A JSON merge patch, applied (RFC 7386): mappings are merged, None removes, anything else is replaced."""
    if not isinstance(change, Mapping):
        return change
    result = dict(live) if isinstance(live, Mapping) else {}
    for key, value in change.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def without_nulls(wanted: Object) -> Object:
    """The object as it is created: without the fields that are wanted absent."""
    return dict(merged({}, wanted))


def must_be_replaced(wanted: Object, live: Object) -> bool:
    """True where a field differs that the API server never lets change: the object must be deleted and made anew."""
    if "deletionTimestamp" in live["metadata"]:
        return True
    return any(_at(wanted, path) != _at(live, path) for path in _NEVER_CHANGED.get(wanted["kind"], ()))


def _at(item: Mapping[str, Any], path: str) -> Any:
    found: Any = item
    for key in path.split("."):
        found = (found or {}).get(key)
    return found or _DEFAULTS.get(path)
