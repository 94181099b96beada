# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The shape of saved objects: the fields that a restore reads, so that it never meets one of another type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# A type; [what each item is]; or fields by name, '*' for all of them, with '!' for those that are never missing.
_METADATA = {"name!": str, "namespace": str, "annotations": {"*": str}}
_REQUIREMENT = {"key": str, "operator": str, "values": [str]}
_TERM = {"matchFields": [_REQUIREMENT], "matchExpressions": [_REQUIREMENT]}
_SPECS: Mapping[str, Mapping[str, Any]] = {
    "Namespace": {},
    "StorageClass": {},
    "PersistentVolume": {
        "spec!": {
            "accessModes": [str],
            "capacity": {"*": str},
            "claimRef": {"namespace!": str, "name!": str, "*": str},
            "hostPath": {"path!": str},
            "local": {"path!": str},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [_TERM]}},
            "persistentVolumeReclaimPolicy": str,
            "storageClassName": str,
        }
    },
    "PersistentVolumeClaim": {"spec!": {"accessModes": [str], "storageClassName": str, "volumeName": str}},
}


def is_saved(kind: str, item: Mapping[str, Any]) -> bool:
    """True for an object of that kind as a backup keeps it; of kinds that are not known, for any with a name."""
    if kind in _SPECS and item.get("kind") != kind:
        return False
    return _fits(item, {"kind!": str, "metadata!": _METADATA, **_SPECS.get(kind, {})})


def _fits(value: Any, shape: Any) -> bool:
    if isinstance(shape, type):
        return isinstance(value, shape)
    if isinstance(shape, list):
        return isinstance(value, list) and all(_fits(item, shape[0]) for item in value)
    if not isinstance(value, dict) or any(name[:-1] not in value for name in shape if name.endswith("!")):
        return False
    shapes = {name.removesuffix("!"): wanted for name, wanted in shape.items()}
    others = shapes.pop("*", None)
    return all(_fits(value[name], wanted) for name, wanted in shapes.items() if name in value) and (
        others is None or all(_fits(item, others) for item in value.values())
    )
