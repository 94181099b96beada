# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Manifests as YAML text, as kubectl reads it; the only importer of yaml in a backup."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput

try:
    import yaml

    # In C they are ten times as fast.
    LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    MISSING = ""
except ImportError as error:
    MISSING = str(error)

Object = dict[str, Any]


def to_text(objects: Iterable[Object]) -> str:
    """One document per object, keys in order as kubectl shows them: equal objects give equal texts."""
    _require()
    text: str = yaml.dump_all(objects, Dumper=DUMPER, explicit_start=True, sort_keys=True, allow_unicode=True)
    return text


def from_text(text: str | bytes) -> list[Object]:
    """The objects of a text that to_text wrote."""
    _require()
    return list(yaml.load_all(text, Loader=LOADER))


def manifests_of(text: str) -> list[Object]:
    """The objects of a text that anybody may have written; none where they are no manifests, each with a name."""
    _require()
    try:
        found = [item for item in yaml.load_all(text, Loader=LOADER) if item is not None]
        named = all(isinstance(item["kind"], str) and isinstance(item["metadata"]["name"], str) for item in found)
    except (yaml.YAMLError, LookupError, TypeError):
        return []
    return found if named else []


def _require() -> None:
    if MISSING:
        raise BadInput(
            f"The Python library yaml can't be imported by {sys.executable}: {MISSING}",
            next_step=f"{sys.executable} -m pip install PyYAML",
        )
