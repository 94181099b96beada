# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What people changed of an object that a cluster brought, by the managers of its fields, where no baseline tells."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, merged


def changes_of_others(item: Mapping[str, Any], saved: Object, own: Collection[str]) -> Object:
    """The fields that managers other than the cluster's own have set, as a merge patch; {} for none.

    saved: the object, cleaned. own: the names of the cluster's managers. What others removed is not known.
    """
    patch: Object = {}
    for entry in item["metadata"].get("managedFields") or ():
        # A scale is set by a subresource; other subresources are status.
        if entry.get("manager") not in own and entry.get("subresource", "scale") == "scale":
            patch = merged(patch, _values(entry.get("fieldsV1") or {}, saved))
    return patch


def _values(fields: Mapping[str, Any], value: Any) -> Object:
    """The part of an object that a set of fields names; a list as a whole."""
    found: Object = {}
    for field, below in fields.items():
        name = field.removeprefix("f:")
        if field == name or not isinstance(value, Mapping) or name not in value:
            continue
        within = value[name]
        is_whole = not isinstance(within, Mapping) or not any(key.startswith("f:") for key in below)
        part = within if is_whole else _values(below, within)
        if part != {} or within == {}:
            found[name] = part
    return found
