# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""JSON merge patches (RFC 7386): the one that leads from one value to another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def merge_patch(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The patch that makes after of before, {} if they are equal. Fields that after does not have become None."""
    patch: dict[str, Any] = {field: None for field in before if field not in after}
    for field, value in after.items():
        old = before.get(field)
        if isinstance(value, Mapping):
            own = merge_patch(old if isinstance(old, Mapping) else {}, value)
            if own or not isinstance(old, Mapping):
                patch[field] = own
        elif field not in before or old != value or type(old) is not type(value):
            patch[field] = value
    return patch


def merged(before: Any, patch: Any) -> Any:
    """A value with a patch applied."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(before) if isinstance(before, Mapping) else {}
    for field, value in patch.items():
        if value is None:
            result.pop(field, None)
        else:
            result[field] = merged(result.get(field), value)
    return result


def pruned(value: Any) -> Any:
    """A value without fields that are None or empty mappings: they mean the same as none."""
    if isinstance(value, Mapping):
        fields = {field: pruned(item) for field, item in value.items()}
        return {field: item for field, item in fields.items() if item is not None and item != {}}
    return [pruned(item) for item in value] if isinstance(value, list) else value
