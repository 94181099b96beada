# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Manifests as YAML text, as kubectl reads it; the only importer of yaml in a backup."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object

DEEPEST = 100
# Values in one object: far above what the API server takes.
MOST = 100_000
# YAML's own types raise what Python raises.
_NO_YAML = (ValueError, LookupError, TypeError, AttributeError)

try:
    import yaml

    # In C they are ten times as fast.
    _SAFE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    MISSING = ""

    class LOADER(_SAFE):  # type: ignore[misc]
        """Refuses what is nested deep: without a limit the one in C ends the whole process."""

        depth = 0

        def descend_resolver(self, _parent: Any, _index: Any) -> None:
            """Called before each value that lies in another one."""
            self.depth += 1
            if self.depth > DEEPEST:
                raise yaml.YAMLError(f"it is nested deeper than {DEEPEST}")

        def ascend_resolver(self) -> None:
            """Called behind it."""
            self.depth -= 1

except ImportError as error:
    MISSING = str(error)


def to_text(objects: Iterable[Object]) -> str:
    """One document per object, keys in order as kubectl shows them: equal objects give equal texts."""
    _require()
    text: str = yaml.dump_all(objects, Dumper=DUMPER, explicit_start=True, sort_keys=True, allow_unicode=True)
    return text


def from_text(text: str | bytes, where: str = "The text") -> list[Object]:
    """The objects of a text that to_text wrote. where: its file, for errors. Raises BadInput for any other text."""
    _require()
    try:
        found = list(yaml.load_all(text, Loader=LOADER))
    except (yaml.YAMLError, *_NO_YAML) as error:
        why = " ".join(str(error).split()) or type(error).__name__
    else:
        why = "" if all(isinstance(item, dict) and _is_plain(item) for item in found) else "it is no object of an API"
    if why:
        raise BadInput(
            f"{where} holds no manifests: {why}",
            next_step="Restore it from a copy, or use another generation of this backup.",
        )
    return found


def manifests_of(text: str) -> list[Object]:
    """The objects of a text that anybody may have written; none where they are no manifests, each with a name."""
    _require()
    try:
        found = [item for item in yaml.load_all(text, Loader=LOADER) if item is not None]
        named = all(isinstance(item["kind"], str) and isinstance(item["metadata"]["name"], str) for item in found)
    except (yaml.YAMLError, *_NO_YAML):
        return []
    return found if named else []


def _is_plain(item: Object) -> bool:
    """True for what JSON has a form for; not for what contains itself, or the same so often that it has no end."""
    todo: list[Any] = [item]
    seen = 0
    while todo:
        value = todo.pop()
        seen += 1
        if isinstance(value, dict) and all(isinstance(key, str) for key in value):
            todo += value.values()
        elif isinstance(value, list):
            todo += value
        elif not isinstance(value, (str, int, float, type(None))):
            return False
        if seen > MOST:
            return False
    return True


def _require() -> None:
    if MISSING:
        raise BadInput(
            f"The Python library yaml can't be imported by {sys.executable}: {MISSING}",
            next_step=f"{sys.executable} -m pip install PyYAML",
        )
