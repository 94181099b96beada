# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""When nodes and storage classes are ready for use, told from the objects alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DEFAULT_ANNOTATIONS = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)


def has_condition(item: Mapping[str, Any], condition: str) -> bool:
    """True where the object's status says that the condition holds."""
    conditions = (item.get("status") or {}).get("conditions") or ()
    return any(c["type"] == condition and c["status"] == "True" for c in conditions)


def node_ready(node: Mapping[str, Any]) -> bool:
    """True for a node that runs pods."""
    return has_condition(node, "Ready")


def is_default_class(storage_class: Mapping[str, Any]) -> bool:
    """True for a storage class that claims without one get; Kubernetes still honours the beta annotation."""
    annotations = storage_class["metadata"].get("annotations") or {}
    return any(annotations.get(name) == "true" for name in DEFAULT_ANNOTATIONS)
