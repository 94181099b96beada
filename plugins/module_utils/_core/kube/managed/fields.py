# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who manages the fields of an object: those who apply it find them again in another cluster."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object

# What kubectl records where it applies without the server's help, and how it is called then.
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
CLIENT_SIDE = "kubectl-client-side-apply"


def applied_fields(item: Mapping[str, Any]) -> list[Object]:
    """The managedFields of those who apply from the server side, without those of its status."""
    fields = item["metadata"].get("managedFields") or ()
    return [dict(entry) for entry in fields if entry.get("operation") == "Apply" and not entry.get("subresource")]


def creator(item: Mapping[str, Any], ours: str) -> str:
    """Who is said to own the fields of a new object: kubectl, which finds them again, for what it applied."""
    annotations = (item.get("metadata") or {}).get("annotations") or {}
    return CLIENT_SIDE if LAST_APPLIED in annotations else ours


def has_managers(saved: Mapping[str, Any], live: Mapping[str, Any]) -> bool:
    """True if those who apply an object from its server side own the same fields as when it was saved."""
    wanted, found = applied_fields(saved), applied_fields(live)
    return not wanted or {_owned(entry) for entry in wanted} <= {_owned(entry) for entry in found}


def managers(saved: Mapping[str, Any], live: Mapping[str, Any], ours: Collection[str]) -> list[Object]:
    """Its managedFields with the saved appliers, and without what they or those in `ours` have now."""
    appliers = applied_fields(saved)
    names = {entry["manager"] for entry in appliers}
    return appliers + [
        entry
        for entry in live["metadata"].get("managedFields") or ()
        if entry.get("subresource")
        or (entry["manager"] not in ours and not (entry["operation"] == "Apply" and entry["manager"] in names))
    ]


def without_managers(item: Mapping[str, Any]) -> Object:
    """The object without managedFields: for a comparison, or as it can be created."""
    return {**item, "metadata": {k: v for k, v in item["metadata"].items() if k != "managedFields"}}


def _owned(entry: Mapping[str, Any]) -> tuple[str, str]:
    return entry["manager"], repr(_sorted(entry.get("fieldsV1") or {}))


def _sorted(value: Any) -> Any:
    return {k: _sorted(v) for k, v in sorted(value.items())} if isinstance(value, Mapping) else value
