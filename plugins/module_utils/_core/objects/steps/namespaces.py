# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Restore into other namespaces: what names a namespace follows, and what only may name one is told."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.managed.fields import LAST_APPLIED
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import key_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.waves import DEFINITION

NAME_LABEL = "kubernetes.io/metadata.name"
# Kubernetes' own groups have no dot, or end so; in its kinds a field of this name is a namespace.
_OWN_GROUPS = ".k8s.io"
_FIELD = "namespace"
_LISTS = ("namespaces", "targetNamespaces")
# Maps with keys of people's own.
_FREE = frozenset(
    (
        "annotations",
        "labels",
        "matchLabels",
        "selector",
        "nodeSelector",
        "data",
        "stringData",
        "binaryData",
        "parameters",
    )
)
# Groups and users that stand for ServiceAccounts.
_SUBJECT = re.compile(r"system:serviceaccounts?:([a-z0-9-]+)(:.*)?")


def mapped(item: Object, names: Mapping[str, str]) -> Object:
    """The object in its new namespace, with the references that Kubernetes' own kinds have."""
    group, kind, namespace, name = key_of(item)
    metadata = {**item["metadata"]}
    if namespace in names:
        metadata["namespace"] = names[namespace]
    if (group, kind) == ("", "Namespace") and name in names:
        metadata["name"] = names[name]
        metadata["labels"] = {**(metadata.get("labels") or {}), NAME_LABEL: names[name]}
    applied = (metadata.get("annotations") or {}).get(LAST_APPLIED)
    if applied:
        metadata["annotations"] = {**metadata["annotations"], LAST_APPLIED: _applied(applied, names)}
    rest = {k: v for k, v in item.items() if k != "metadata"}
    if _is_own(group):
        rest = _definition(rest, names) if (group, kind) == DEFINITION else _mapped(rest, names)
    return {**rest, "metadata": metadata}


def unmapped(item: Object, names: Mapping[str, str]) -> list[str]:
    """The fields that still name an old namespace or a Service in it, e.g. in a custom resource or a command."""
    pattern = re.compile(rf"\.(?:{'|'.join(map(re.escape, names))})(?:\.svc\b|(?![\w.-]))") if names else None
    old = set(names)
    return [path for path, key, text in _texts(item, "", "") if _names(key, text, old, pattern, path)]


def _names(key: str, text: str, old: set[str], pattern: re.Pattern[str] | None, path: str) -> bool:
    if path.startswith(("metadata.managedFields", f"metadata.annotations.{LAST_APPLIED}")):
        return False
    if text in old:
        return "namespace" in key.lower() and not path.startswith("metadata.namespace")
    return bool(pattern and pattern.search(text))


def _texts(value: Any, key: str, path: str) -> Iterator[tuple[str, str, str]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _texts(inner, name, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _texts(inner, key, f"{path}[{number}]")
    elif isinstance(value, str):
        yield path, key, value


def _mapped(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_mapped(inner, names) for inner in value]
    if not isinstance(value, Mapping):
        return value
    found = {key: inner if key in _FREE else _mapped(inner, names) for key, inner in value.items()}
    if isinstance(value.get(_FIELD), str):
        found[_FIELD] = names.get(value[_FIELD], value[_FIELD])
    for key in _LISTS:
        if isinstance(value.get(key), list):
            found[key] = [names.get(name, name) if isinstance(name, str) else name for name in value[key]]
    if "namespaceSelector" in value:
        found["namespaceSelector"] = _selector(value["namespaceSelector"], names)
    if value.get("kind") in ("Group", "User") and isinstance(value.get("name"), str):
        found["name"] = _subject(value["name"], names)
    return found


def _selector(selector: Any, names: Mapping[str, str]) -> Any:
    """A selector of namespaces by their name."""
    if not isinstance(selector, Mapping):
        return selector
    labels = selector.get("matchLabels") or {}
    found = dict(selector)
    if NAME_LABEL in labels:
        found["matchLabels"] = {**labels, NAME_LABEL: names.get(labels[NAME_LABEL], labels[NAME_LABEL])}
    if selector.get("matchExpressions"):
        found["matchExpressions"] = [
            {**rule, "values": [names.get(value, value) for value in rule.get("values") or ()]}
            if rule.get("key") == NAME_LABEL and rule.get("values")
            else rule
            for rule in selector["matchExpressions"]
        ]
    return found


def _subject(name: str, names: Mapping[str, str]) -> str:
    match = _SUBJECT.fullmatch(name)
    if match is None or match[1] not in names:
        return name
    return f"{name[: match.start(1)]}{names[match[1]]}{match[2] or ''}"


def _definition(definition: Object, names: Mapping[str, str]) -> Object:
    """Of a CustomResourceDefinition only the service that converts: fields of its schema may be called alike."""
    spec = definition["spec"]
    return {**definition, "spec": {**spec, "conversion": _mapped(spec.get("conversion"), names)}}


def _applied(text: str, names: Mapping[str, str]) -> str:
    """What kubectl recorded, as it would have recorded it; a text that is not its own stays."""
    try:
        recorded = json.loads(text)
        found = mapped(recorded, names)
    except (ValueError, LookupError, TypeError, AttributeError):
        return text
    return text if found == recorded else json.dumps(found, sort_keys=True, separators=(",", ":")) + "\n"


def _is_own(group: str) -> bool:
    return "." not in group or group.endswith(_OWN_GROUPS)
