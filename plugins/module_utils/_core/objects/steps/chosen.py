# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which saved objects are restored: by namespace, kind and label; what they need; and in which namespaces."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.scheduling import selects
from ansible_collections.kindlab.volumes.plugins.module_utils._core.names.map import expanded
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import Change, Key, Saved, key_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.selection import Selection
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.waves import DEFINITION
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed

from .namespaces import mapped, unmapped
from .step import NAMESPACE, kind_text, type_of

Type = tuple[str, str]
_TERMS = re.compile(r"[^,(]+(?:\([^)]*\))?")
_SET = re.compile(r"(\S+)\s+(in|notin)\s*\(([^)]*)\)")
_EQUAL = re.compile(r"([^\s=!]+)\s*(==?|!=)\s*([^\s=!]*)")
_EXISTS = re.compile(r"(!?)\s*([^\s=!()]+)")


@dataclass(frozen=True)
class Chosen:
    """What is restored. needed: created if the cluster lacks it, and otherwise left as it is. notes: by key."""

    saved: Saved
    needed: tuple[Object, ...]
    notes: Mapping[Key, str]


def choose(saved: Saved, selection: Selection, names: Mapping[str, str], plurals: Mapping[Type, str]) -> Chosen:
    """The selected objects, in their new namespaces. plurals: by group and kind.

    names: old -> new namespace, also by patterns. Raises BadInput for namespaces and kinds of which nothing is saved,
    and for namespaces that would be mixed up.
    """
    keys = [key_of(item) for item in saved.made] + [change.key for change in saved.changed]
    spaces = {key.namespace for key in keys} | {key.name for key in keys if key[:2] == NAMESPACE}
    names = expanded("namespace_map", names, spaces - {""})
    _check_namespaces([*selection.namespaces, *names], spaces - {""})
    kinds = _kinds(selection.kinds, {key[:2] for key in keys}, plurals)
    labels = _requirements(selection.labels)

    def holds(key: Key, item: Mapping[str, Any] | None) -> bool:
        found = (item or {}).get("metadata", {}).get("labels") or {}
        return selection.holds(key, ()) and (not kinds or key[:2] in kinds) and (not labels or selects(labels, found))

    made = [item for item in saved.made if holds(key_of(item), item)]
    changed = tuple(change for change in saved.changed if holds(change.key, None))
    needed = _needed(made, [change.key.namespace for change in changed], saved.made)
    if names:
        made, needed = [mapped(item, names) for item in made], [mapped(item, names) for item in needed]
        changed = tuple(_moved(change, names) for change in changed)
    _check_distinct([*(key_of(item) for item in made), *(change.key for change in changed)])
    notes = {key_of(item): note for item in made if (note := _note(item, names))}
    return Chosen(Saved(made, changed, saved.left_out), tuple(needed), notes)


def _needed(made: Iterable[Object], spaces: Iterable[str], saved: Iterable[Object]) -> list[Object]:
    """The saved namespaces and definitions of what is chosen, that are not chosen themselves."""
    keys = {key_of(item) for item in made}
    inhabited = {key.namespace for key in keys}.union(spaces)
    types = {key[:2] for key in keys}
    return [
        item
        for item in saved
        if (key := key_of(item)) not in keys
        and ((key[:2] == NAMESPACE and key.name in inhabited) or (key[:2] == DEFINITION and type_of(item) in types))
    ]


def _moved(change: Change, names: Mapping[str, str]) -> Change:
    if change.key.namespace not in names:
        return change
    return replace(change, key=change.key._replace(namespace=names[change.key.namespace]))


def _note(item: Object, names: Mapping[str, str]) -> str:
    fields = unmapped(item, names) if names else []
    return f"it still names {' or '.join(sorted(names))} in {listed(fields, 3)}" if fields else ""


def _check_namespaces(wanted: Iterable[str], known: set[str]) -> None:
    unknown = sorted(set(wanted) - known)
    if unknown:
        raise BadInput(
            f"The backup has no objects of the namespace {listed(unknown)}.",
            next_step=f"Its namespaces are {listed(sorted(known), 30)}." if known else "",
        )


def _check_distinct(keys: Iterable[Key]) -> None:
    twice = sorted(str(key) for key, number in Counter(keys).items() if number > 1)
    if twice:
        raise BadInput(
            f"namespace_map puts several objects into one place: {listed(twice, 3)}.",
            next_step="Map each namespace to one of its own, or limit namespaces.",
        )


def _kinds(words: Iterable[str], saved: set[Type], plurals: Mapping[Type, str]) -> set[Type]:
    """The saved kinds that these words name, as kubectl takes them: Deployment, deployments, deployments.apps."""
    chosen = set()
    for word in words:
        name, _dot, group = word.lower().partition(".")
        found = {
            kind
            for kind in saved
            if name in (kind[1].lower(), plurals.get(kind, f"{kind[1].lower()}s")) and group in ("", kind[0])
        }
        if not found:
            names = sorted(kind_text(Key(*kind, "", "")) for kind in saved)
            raise BadInput(f"The backup has no {word}.", next_step=f"Correct kinds; it has {listed(names, 60)}.")
        chosen |= found
    return chosen


def _requirements(labels: str) -> Object:
    """A selector as `kubectl --selector` takes it, as an object has it; {} for none. Raises BadInput."""
    return {"matchExpressions": [_requirement(term.strip()) for term in _TERMS.findall(labels)]} if labels else {}


def _requirement(term: str) -> Object:
    if match := _SET.fullmatch(term):
        values = [value.strip() for value in match[3].split(",")]
        return {"key": match[1], "operator": {"in": "In", "notin": "NotIn"}[match[2]], "values": values}
    if match := _EQUAL.fullmatch(term):
        return {"key": match[1], "operator": "NotIn" if match[2] == "!=" else "In", "values": [match[3]]}
    if match := _EXISTS.fullmatch(term):
        return {"key": match[2], "operator": "DoesNotExist" if match[1] else "Exists"}
    raise BadInput(
        f"label_selectors has {term!r}, which is not a label selector.",
        next_step="Use a form of `kubectl --selector`: key=value, key!=value, key in (a, b), key, !key.",
    )
