# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compare saved objects with those of a cluster: what the API server or a controller fills in is no difference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.cleaning import cleaned
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import Key, key_of

MISSING = object()
# Whoever owns, finalizes or manages an object is compared apart from what it is.
_APART = ("finalizers", "managedFields", "ownerReferences", "resourceVersion")
_ADDRESSES = ("clusterIP", "clusterIPs")


def compared(item: Mapping[str, Any]) -> Object:
    """The part of a clean object that is compared in both directions; its status is its controller's."""
    metadata = {k: v for k, v in item["metadata"].items() if k not in _APART}
    plain = {**{k: v for k, v in item.items() if k not in ("apiVersion", "status")}, "metadata": metadata}
    if key_of(item)[:2] == ("", "Service") and (item["spec"].get("clusterIP") or "None") != "None":
        plain["spec"] = {k: v for k, v in item["spec"].items() if k not in _ADDRESSES}
    return plain


def is_equal(saved: Mapping[str, Any], live: Mapping[str, Any]) -> bool:
    """True if both are the same, except for what is compared apart. live: as the API server shows it."""
    return compared(saved) == compared(cleaned(live)) and set(_finalizers(saved)) <= set(_finalizers(live))


def differences(saved: Mapping[str, Any], live: Mapping[str, Any]) -> list[str]:
    """The fields, as 'spec.ports[0].port', that live lacks or has with another value; further ones do not count."""
    return list(_differences(compared(saved), compared(cleaned(live)), ""))


def differing(saved: Mapping[str, Any], live: Mapping[str, Any], most: int = 3) -> str:
    """The first fields in which they differ, or that only live has, as text."""
    ours, theirs = compared(saved), compared(cleaned(live))
    lost = list(_differences(ours, theirs, ""))
    fields = lost + [path for path in _differences(theirs, ours, "") if path not in lost]
    fields = fields or ["metadata.finalizers"]
    return ", ".join(fields[:most]) + (f" and {len(fields) - most} more fields" if len(fields) > most else "")


def missing_owners(saved: Mapping[str, Any], live: Mapping[str, Any]) -> list[Object]:
    """The saved ownerReferences that live does not have."""
    found = [_owner(reference) for reference in live["metadata"].get("ownerReferences") or ()]
    return [r for r in saved["metadata"].get("ownerReferences") or () if _owner(r) not in found]


def owner_keys(key: Key, reference: Mapping[str, Any]) -> list[Key]:
    """The keys that an owner of this object may have: it is in the same namespace, or in none."""
    group = reference["apiVersion"].rpartition("/")[0]
    return [Key(group, reference["kind"], namespace, reference["name"]) for namespace in (key.namespace, "")]


def address_of(service: Mapping[str, Any]) -> str:
    """The cluster IP of a Service, '' for an object without one."""
    return str((service.get("spec") or {}).get("clusterIP") or "") if service.get("kind") == "Service" else ""


def _finalizers(item: Mapping[str, Any]) -> list[str]:
    return item["metadata"].get("finalizers") or []


def _owner(reference: Mapping[str, Any]) -> tuple[str, str, str]:
    return reference["apiVersion"].partition("/")[0], reference["kind"], reference["name"]


def _differences(saved: Any, live: Any, path: str) -> Iterator[str]:
    if isinstance(saved, Mapping) and isinstance(live, Mapping):
        for key, value in saved.items():
            yield from _differences(value, live.get(key, MISSING), f"{path}.{key}" if path else key)
    elif isinstance(saved, list) and isinstance(live, list) and len(saved) == len(live):
        for number, (one, other) in enumerate(zip(saved, live)):
            yield from _differences(one, other, f"{path}[{number}]")
    elif saved != live and not (live is MISSING and saved in (None, "", [], {})):
        yield path
