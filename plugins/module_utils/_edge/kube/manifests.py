# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Manifests as YAML text."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object

MAX_DEPTH = 100
# Values in one object; the API server accepts far fewer.
MAX_VALUES = 100_000
# Errors that the constructors of YAML's types raise.
_INVALID = (ValueError, LookupError, TypeError, AttributeError)

try:
    import yaml

    # The C versions are ten times as fast.
    _SAFE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    MISSING = ""

    class LOADER(_SAFE):  # type: ignore[misc]
        """Limits the nesting: deep nesting crashes the C loader."""

        depth = 0

        def descend_resolver(self, _parent: Any, _index: Any) -> None:
            """Called before each nested value."""
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise yaml.YAMLError(f"it is nested deeper than {MAX_DEPTH}")

        def ascend_resolver(self) -> None:
            """Called after it."""
            self.depth -= 1

except ImportError as error:
    MISSING = str(error)


def to_text(objects: Iterable[Object]) -> str:
    """One document per object, with sorted keys: equal objects give equal texts."""
    _require()
    text: str = yaml.dump_all(objects, Dumper=DUMPER, explicit_start=True, sort_keys=True, allow_unicode=True)
    return text


def plain_text(value: Object) -> str:
    """A value for people to edit, in its own order."""
    _require()
    text: str = yaml.dump(value, Dumper=DUMPER, sort_keys=False, allow_unicode=True, width=120)
    return text


def from_text(text: str | bytes, where: str = "The text") -> list[Object]:
    """The objects of a text that to_text wrote. where: its file, for errors. Raises BadInput if it is invalid."""
    _require()
    try:
        objects = list(yaml.load_all(text, Loader=LOADER))
    except (yaml.YAMLError, *_INVALID) as error:
        why = " ".join(str(error).split()) or type(error).__name__
    else:
        why = "" if all(isinstance(item, dict) and _is_plain(item) for item in objects) else "not a Kubernetes object"
    if why:
        raise BadInput(
            f"{where} does not contain valid manifests: {why}",
            next_step="Restore it from a copy, or use another generation of this backup.",
        )
    return objects


def manifests_of(text: str) -> list[Object]:
    """The objects of any text; [] unless all of them are manifests with a kind and a name."""
    _require()
    try:
        objects = [item for item in yaml.load_all(text, Loader=LOADER) if item is not None]
        valid = all(isinstance(item["kind"], str) and isinstance(item["metadata"]["name"], str) for item in objects)
    except (yaml.YAMLError, *_INVALID):
        return []
    return objects if valid else []


def yaml_value(text: str) -> tuple[Any, str]:
    """(the first value of any YAML text, ''), or (None, why it is not valid YAML)."""
    _require()
    try:
        return next(yaml.load_all(text, Loader=LOADER), None), ""
    except (yaml.YAMLError, RecursionError, *_INVALID) as error:
        return None, " ".join(str(error).split()) or type(error).__name__


def yaml_values(text: str) -> list[Any]:
    """All values of any YAML text, [] if it is not valid YAML."""
    _require()
    try:
        return list(yaml.load_all(text, Loader=LOADER))
    except (yaml.YAMLError, RecursionError, *_INVALID):
        return []


def _is_plain(item: Object) -> bool:
    """True if JSON can represent it; not for recursive values, or aliases that expand to too many values."""
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
        if seen > MAX_VALUES:
            return False
    return True


def _require() -> None:
    if MISSING:
        raise BadInput(
            f"The Python library yaml cannot be imported by {sys.executable}: {MISSING}",
            next_step=f"{sys.executable} -m pip install PyYAML",
        )
