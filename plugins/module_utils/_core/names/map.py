# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options that map names, exactly or by patterns: which new name each old one gets."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed

ANY = "*"


def expanded(option: str, given: Mapping[str, Any] | None, known: Collection[str]) -> dict[str, str]:
    """Old name -> new name: the exact keys, and each known name that a pattern matches.

    '*' in a key matches any text without a slash; in the new name each '*' stands for what the one in its place
    matched. An exact key comes before patterns, an earlier pattern before later ones. Raises BadInput for patterns that
    match nothing, if any name is known, and for a '*' that stands for nothing.
    """
    names = {str(old): str(new) for old, new in (given or {}).items()}
    exact = {old: new for old, new in names.items() if ANY not in old}
    found: dict[str, str] = {}
    for old, new in names.items():
        if new.count(ANY) > old.count(ANY):
            raise BadInput(
                f"{option} maps {old} to {new}, which has more '*' than what it replaces.",
                next_step=f"Correct {option}.",
            )
        if ANY in old:
            matching = _matching(old, new, known)
            if known and not matching:
                raise BadInput(
                    f"{option} has the pattern {old}, which matches none of {listed(sorted(known))}.",
                    next_step=f"Correct {option}; '*' matches any text without a slash.",
                )
            found = {**matching, **found}
    return {**found, **exact}


def collisions(names: Iterable[str], new_names: Mapping[str, str]) -> dict[str, list[str]]:
    """New name -> the names that all get it, if they are several."""
    by_new: dict[str, list[str]] = {}
    for name in sorted(set(names)):
        by_new.setdefault(new_names.get(name, name), []).append(name)
    return {new: old for new, old in by_new.items() if len(old) > 1}


def _matching(old: str, new: str, known: Iterable[str]) -> dict[str, str]:
    pattern = re.compile("([^/]*)".join(map(re.escape, old.split(ANY))))
    matches = ((name, pattern.fullmatch(name)) for name in sorted(known))
    return {name: _filled(new, match.groups()) for name, match in matches if match}


def _filled(new: str, texts: Iterable[str]) -> str:
    """The new name with a text for each '*'."""
    first, *rest = new.split(ANY)
    return first + "".join(text + part for text, part in zip(texts, rest))
