# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Carry what people changed of an object over to the object as another version of Kubernetes brings it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, merged
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.baseline import merge_patch
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import Change

# What tells the elements of a list apart, by Kubernetes' own merge keys: the first that all of them have.
_KEYS: tuple[tuple[str, ...], ...] = (
    *(("name",), ("mountPath",), ("devicePath",), ("ip",)),
    *(("containerPort", "protocol"), ("port", "protocol")),
)
_MISSING = object()


def touched(item: Mapping[str, Any], patch: Mapping[str, Any]) -> Object:
    """The part of an object that a merge patch changes."""
    within = {name: item[name] for name in patch if name in item}
    return {
        name: touched(value, patch[name]) if isinstance(value, Mapping) and isinstance(patch[name], Mapping) else value
        for name, value in within.items()
    }


def carried_patch(change: Change, live: Mapping[str, Any]) -> tuple[Object, list[str]]:
    """The merge patch that makes the object one with what people changed, and what it lacks, see carried()."""
    wanted, lost = carried(change, live)
    return merge_patch(live, wanted), lost


def carried(change: Change, live: Mapping[str, Any]) -> tuple[Object, list[str]]:
    """The object with what people changed, and the elements of lists that it lacks, so that a change of them is lost.

    Lists are merged by element: what the version brings stays, and what people changed wins. A backup that does not
    have what the list was before replaces it as a whole.
    """
    if change.before is None:
        return dict(merged(live, change.patch)), []
    lost: list[str] = []
    return dict(_mapping(change.before, merged(change.before, change.patch), live, "", lost)), lost


def _value(before: Any, ours: Any, live: Any, path: str, lost: list[str]) -> Any:
    """One value: what it was, what people made of it, and what it is in this cluster."""
    if ours == before:
        return live
    if isinstance(ours, Mapping) and isinstance(live, Mapping):
        return _mapping(before if isinstance(before, Mapping) else {}, ours, live, path, lost)
    if isinstance(ours, list) and isinstance(live, list):
        return _list(before, ours, live, path, lost)
    return ours


def _mapping(
    before: Mapping[str, Any], ours: Mapping[str, Any], live: Mapping[str, Any], path: str, lost: list[str]
) -> Object:
    found = {}
    for name in dict.fromkeys((*live, *ours)):
        was, is_ours, is_live = (side.get(name, _MISSING) for side in (before, ours, live))
        found[name] = _value(was, is_ours, is_live, f"{path}.{name}" if path else name, lost)
    return {name: value for name, value in found.items() if value is not _MISSING}


def _list(before: Any, ours: list[Any], live: list[Any], path: str, lost: list[str]) -> list[Any]:
    """A list whose elements can be told apart, merged; else that of people."""
    if before == live:
        return ours
    for fields in (*_KEYS, ()):
        sides = [_indexed(side, fields) for side in (before if isinstance(before, list) else [], ours, live)]
        if None not in sides:
            break
    else:
        return ours
    old, mine, theirs = (side or {} for side in sides)
    # What it was may not be known: nothing then tells what people removed from what this version adds.
    if not fields and (not isinstance(before, list) or _replaced(old, mine, theirs)):
        return ours
    paths = {key: f"{path}[{value[fields[0]]}]" if fields else path for key, value in {**mine, **theirs}.items()}
    lost += [paths[key] for key in mine if key in old and key not in theirs and old[key] != mine[key]]
    values = {
        key: _value(old.get(key, _MISSING), mine.get(key, _MISSING), value, paths[key], lost)
        for key, value in theirs.items()
    }
    added = {key: value for key, value in mine.items() if key not in old}
    return [{**added, **values}[key] for key in _order(old, [*mine], theirs, added)]


def _indexed(elements: Sequence[Any], fields: Sequence[str]) -> dict[str, Any] | None:
    """The elements by these fields, by their whole value for none; None if that does not tell them apart."""
    found = {}
    for element in elements:
        if fields and not (isinstance(element, Mapping) and element.keys() >= {*fields}):
            return None
        found[json.dumps([element[name] for name in fields] if fields else element, sort_keys=True)] = element
    return found if len(found) == len(elements) else None


def _replaced(old: Mapping[str, Any], mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
    """True if people replaced what this version has no more, or has never had: nothing says where theirs belongs."""
    added = mine.keys() - old.keys() - theirs.keys()
    return bool(added) and (not old or bool(old.keys() - mine.keys() - theirs.keys()))


def _order(
    old: Mapping[str, Any], mine: Sequence[str], theirs: Mapping[str, Any], added: Mapping[str, Any]
) -> list[str]:
    """The keys in the version's order, with those that people added behind what they put them behind."""
    if old.keys() == theirs.keys():
        return list(mine)
    order = [key for key in theirs if key in mine or key not in old]
    for previous, key in zip(("", *mine), mine):
        if key in added and key not in theirs:
            place = order.index(previous) + 1 if previous in order else 0 if not previous else len(order)
            order.insert(place, key)
    return order
