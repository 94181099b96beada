# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files of a generation that hold objects: their paths and texts, and a check of what a restore reads."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import (
    Change,
    Key,
    LeftOut,
    Saved,
    key_of,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.shape.fits import fits

TOP = "objects/"
CHANGES = f"{TOP}changes.json"
# Instead of a namespace, for objects that are in none: no namespace can have this name.
CLUSTER_SCOPED = "_cluster"
_LONGEST = 200

# Schemas: see shape.fits.
_TEXTS = {"*": str}
_REFERENCE = {"apiVersion!": str, "kind!": str, "name!": str}
_METADATA = {
    "name!": str,
    "namespace": str,
    "labels": _TEXTS,
    "annotations": _TEXTS,
    "finalizers": [str],
    "ownerReferences": [_REFERENCE],
    "managedFields": [{}],
}
_LIST = {"items!": [{"apiVersion!": str, "kind!": str, "metadata!": _METADATA}]}
_KEY = {"group!": str, "kind!": str, "namespace!": str, "name!": str}
_CHANGES = {"changes!": [{**_KEY, "apiVersion!": str, "patch!": {}, "before": {}}]}


def path_of(key: Key) -> str:
    """The file that holds an object: one for each kind in each namespace."""
    kind = f"{key.kind}.{key.group}" if key.group else key.kind
    if len(kind) > _LONGEST:
        kind = f"{kind[: _LONGEST - 20]}-{hashlib.sha256(kind.encode()).hexdigest()[:16]}"
    return f"{TOP}{key.namespace or CLUSTER_SCOPED}/{kind}.json"


def to_texts(saved: Saved) -> dict[str, str]:
    """Path in the generation -> text. Each object has a line, so that two generations can be compared by lines."""
    files: dict[str, list[tuple[Key, Object]]] = {}
    for item in saved.made:
        key = key_of(item)
        files.setdefault(path_of(key), []).append((key, item))
    head = {"apiVersion": "v1", "kind": "List"}
    texts = {
        path: _lines(head, "items", [item for _key, item in sorted(items, key=lambda pair: pair[0])])
        for path, items in sorted(files.items())
    }
    if saved.changed:
        rows = [
            {
                **change.key._asdict(),
                "apiVersion": change.api_version,
                "patch": change.patch,
                **({} if change.before is None else {"before": change.before}),
            }
            for change in sorted(saved.changed, key=lambda change: change.key)
        ]
        texts[CHANGES] = _lines({}, "changes", rows)
    return texts


def from_texts(texts: Mapping[str, str | bytes], left_out: Iterable[LeftOut] = ()) -> Saved:
    """What to_texts() wrote. Raises BadInput if a file does not hold that."""
    made: list[Object] = []
    changed: list[Change] = []
    for path, text in sorted(texts.items()):
        if path == CHANGES:
            changed = [
                Change(Key(*(row[field] for field in Key._fields)), row["apiVersion"], row["patch"], row.get("before"))
                for row in _loaded(path, text, _CHANGES)["changes"]
            ]
            continue
        items = _loaded(path, text, _LIST)["items"]
        strange = next((item for item in items if path_of(key_of(item)) != path), None)
        if strange is not None:
            raise _invalid(path, f"{key_of(strange)} is not an object of this file")
        made += items
    return Saved(tuple(made), tuple(changed), tuple(left_out))


def is_objects(path: str) -> bool:
    """True for a file that holds objects."""
    return path.startswith(TOP)


def _lines(head: Mapping[str, Any], field: str, rows: Iterable[Any]) -> str:
    """The head as JSON with one field more, whose elements have a line each."""
    begin = json.dumps({**head, field: []})[:-2]
    return "".join((begin, "\n", ",\n".join(json.dumps(row, sort_keys=True) for row in rows), "\n]}\n"))


def _loaded(path: str, text: str | bytes, schema: Any) -> Any:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _invalid(path, str(error)) from None
    if not fits(data, schema):
        raise _invalid(path, "a field is missing, or has another type")
    return data


def _invalid(path: str, why: str) -> BadInput:
    return BadInput(
        f"{path} of the backup does not contain valid objects: {why}.",
        next_step="Restore it from a copy, or use another generation of this backup.",
    )
