# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The baseline: what a cluster had when it was created, in ConfigMaps, and what people changed of it since."""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.managed.fields import without_managers
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.shape.fits import fits

from .model import Key, key_of

NAME, NAMESPACE = "kindlab-baseline", "kube-system"
# On each of the ConfigMaps: how many there are.
PARTS = "kindlab.volumes/parts"
_CONTENT = "objects.json.gz"
# An object takes 1 MiB with its text in base64.
_PART_BYTES = 700_000
_ITEM = {"apiVersion!": str, "kind!": str, "metadata!": {"name!": str, "namespace": str}}

Baseline = Mapping[Key, Object]


def config_maps(items: Iterable[Object]) -> list[Object]:
    """The ConfigMaps that keep these objects, cleaned."""
    content = json.dumps([without_managers(item) for item in items], sort_keys=True, separators=(",", ":"))
    # Equal objects give equal bytes: no time in the header.
    packed = gzip.compress(content.encode(), mtime=0)
    parts = [packed[start : start + _PART_BYTES] for start in range(0, len(packed), _PART_BYTES)]
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": _name(index), "namespace": NAMESPACE, "annotations": {PARTS: str(len(parts))}},
            "binaryData": {_CONTENT: base64.b64encode(part).decode()},
        }
        for index, part in enumerate(parts)
    ]


def read(stored: Iterable[Mapping[str, Any]]) -> Baseline | None:
    """The baseline from the ConfigMaps of a cluster, None if it has none. Raises BadInput if it is damaged."""
    named = {
        item["metadata"]["name"]: item
        for item in stored
        if item["metadata"].get("namespace") == NAMESPACE and is_record(item["metadata"]["name"])
    }
    first = named.get(NAME)
    if first is None:
        return None
    try:
        names = [NAME, *other_parts(first)]
        packed = b"".join(base64.b64decode(named[name]["binaryData"][_CONTENT], validate=True) for name in names)
        items = json.loads(gzip.decompress(packed))
    except (LookupError, TypeError, ValueError, OSError, EOFError, zlib.error, binascii.Error, RecursionError):
        items = None
    if not fits(items, [_ITEM]):
        raise BadInput(
            f"ConfigMap {NAMESPACE}/{NAME} does not contain the objects of a new cluster any more.",
            tried=f"kubectl -n {NAMESPACE} get configmap {NAME} -o yaml",
            next_step="Delete it to treat the cluster like one of another tool: "
            f"kubectl -n {NAMESPACE} delete configmap {NAME}",
        )
    return {key_of(item): item for item in items}


def other_parts(first: Mapping[str, Any]) -> list[str]:
    """The names of the other ConfigMaps, as the first one says."""
    number = str((first["metadata"].get("annotations") or {}).get(PARTS, ""))
    return [_name(index) for index in range(1, int(number))] if number.isdecimal() and len(number) < 4 else []


def is_record(name: str) -> bool:
    """True for the name of one of the ConfigMaps."""
    return name == NAME or (name.startswith(f"{NAME}-") and name.removeprefix(f"{NAME}-").isdigit())


def merge_patch(before: Mapping[str, Any], after: Mapping[str, Any]) -> Object:
    """The JSON merge patch (RFC 7386) that makes one object the other; {} if they are equal."""
    patch: Object = {field: None for field in before if field not in after}
    for field, value in after.items():
        earlier = before.get(field)
        if field in before and earlier == value:
            continue
        if isinstance(value, Mapping) and isinstance(earlier, Mapping):
            patch[field] = merge_patch(earlier, value)
        else:
            patch[field] = value
    return patch


def change_of(item: Object, before: Object) -> Object:
    """What people changed of an object that was cleaned, as a merge patch against what it was; {} for nothing."""
    patch = merge_patch(without_managers(before), without_managers(item))
    # The version of its API is the server's choice.
    patch.pop("apiVersion", None)
    return patch


def gone(baseline: Baseline, present: Sequence[Key]) -> list[Key]:
    """What the cluster had and people deleted."""
    return sorted(baseline.keys() - set(present))


def _name(index: int) -> str:
    return f"{NAME}-{index}" if index else NAME
