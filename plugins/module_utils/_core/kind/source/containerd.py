# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A patch of containerd's configuration as TOML, as kind takes it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from .patches import merge_patch

# What the node's entrypoint sets where the engine runs without all privileges.
_AUTOMATIC = "restrict_oom_score_adj"


def containerd_patch(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, list[str]]:
    """(the patch that makes after of before, '' if they are equal; the fields that a patch in TOML cannot remove)."""
    patch = _without_automatic(merge_patch(before, after))
    return "\n".join(_table(patch, ())), list(_removed(patch, ""))


def _without_automatic(patch: Mapping[str, Any]) -> dict[str, Any]:
    """The patch without what nodes set by themselves, and without tables that are empty then."""
    fields = {
        key: _without_automatic(value) if isinstance(value, Mapping) else value
        for key, value in patch.items()
        if key != _AUTOMATIC
    }
    return {key: value for key, value in fields.items() if value != {} or not patch[key]}


def _removed(patch: Mapping[str, Any], path: str) -> Iterator[str]:
    """TOML has no null."""
    for key, value in patch.items():
        if value is None:
            yield f"{path}{key}"
        elif isinstance(value, Mapping):
            yield from _removed(value, f"{path}{key}.")


def _table(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    values = {key: value for key, value in table.items() if value is not None and not isinstance(value, Mapping)}
    tables = {key: value for key, value in table.items() if isinstance(value, Mapping)}
    if path and (values or not tables):
        yield f"[{'.'.join(map(_text, path))}]"
    yield from (f"{_text(key)} = {_value(value)}" for key, value in values.items())
    for key, value in tables.items():
        yield from _table(value, (*path, key))


def _text(text: str) -> str:
    """A basic string of TOML, which JSON's are as well."""
    return json.dumps(text, ensure_ascii=False)


def _value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_text(key)} = {_value(item)}' for key, item in value.items())}}}"
    return json.dumps(value, ensure_ascii=False, default=str)
