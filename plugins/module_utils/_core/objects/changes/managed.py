# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a cluster brought of an object that people changed, by the managers of its fields, where no baseline tells."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, merged

_Fields = Mapping[str, Any]


def without_others(item: Mapping[str, Any], saved: Object, own: Collection[str]) -> Object:
    """The object without the fields that managers other than the cluster's own have set.

    saved: the object, cleaned. own: the names of the cluster's managers. What others removed is not known.
    """
    theirs: Object = {}
    ours: Object = {}
    for entry in item["metadata"].get("managedFields") or ():
        # A scale is set by a subresource; other subresources are status.
        if entry.get("subresource", "scale") != "scale":
            continue
        if entry.get("manager") in own:
            ours = merged(ours, entry.get("fieldsV1") or {})
        else:
            theirs = merged(theirs, entry.get("fieldsV1") or {})
    return _mapping(saved, theirs, ours)


def _mapping(value: Mapping[str, Any], theirs: _Fields, ours: _Fields) -> Object:
    found = {}
    for name, within in value.items():
        field = f"f:{name}"
        if field not in theirs:
            found[name] = within
        elif any(part[:2] in ("f:", "k:", "v:") for part in theirs[field]):
            if isinstance(within, Mapping):
                found[name] = _mapping(within, theirs[field], ours.get(field) or {})
            elif isinstance(within, list):
                found[name] = _list(within, theirs[field], ours.get(field) or {})
    return found


def _list(elements: list[Any], theirs: _Fields, ours: _Fields) -> list[Any]:
    """The elements without those that others added, and without what they changed of the rest."""
    found = []
    for element in elements:
        key = next((key for key in theirs if _names(key, element)), "")
        if not key:
            found.append(element)
        elif key in ours or (theirs[key] and "." not in theirs[key]):
            name = {f"f:{field}" for field in json.loads(key[2:])} if key.startswith("k:") else ()
            rest = {field: below for field, below in theirs[key].items() if field not in name}
            found.append(_mapping(element, rest, ours.get(key) or {}) if rest else element)
    return found


def _names(key: str, element: Any) -> bool:
    """True if a key of a set of fields names this element: 'k:{"name":"web"}', 'v:"a"'."""
    if key.startswith("v:"):
        return bool(json.loads(key[2:]) == element)
    return key.startswith("k:") and isinstance(element, Mapping) and json.loads(key[2:]).items() <= element.items()
