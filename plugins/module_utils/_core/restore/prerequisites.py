# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Namespaces and storage classes that restored volumes need."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.conditions import (
    DEFAULT_ANNOTATIONS,
    is_default_class,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object

from .model import UNCHANGED, Observed, Step
from .selection import Request


def prerequisites(request: Request, observed: Observed, steps: Iterable[Step]) -> tuple[Object, ...]:
    """The namespaces and storage classes to create, as backed up; a namespace that is not in the backup is empty."""
    selected = [step.selected for step in steps if step.action != UNCHANGED]
    namespaces = {s.volume.claim.partition("/")[0] for s in selected if s.claim} - observed.namespaces.keys()
    classes = {s.volume.storage_class for s in selected} - observed.storage_classes.keys()
    created: list[Object] = []
    if request.create_namespaces:
        saved = {item["metadata"]["name"]: item for item in observed.generation.manifests["Namespace"]}
        bare = {"apiVersion": "v1", "kind": "Namespace"}
        created += (saved.get(name) or {**bare, "metadata": {"name": name}} for name in sorted(namespaces))
    if request.create_storage_classes:
        has_default = any(map(is_default_class, observed.storage_classes.values()))
        for item in observed.generation.manifests["StorageClass"]:
            if item["metadata"]["name"] in classes:
                created.append(_not_default(item) if has_default and is_default_class(item) else item)
    return tuple(created)


def _not_default(storage_class: Object) -> Object:
    """A cluster has one default class: a second one would get the claims that name none."""
    default, beta = DEFAULT_ANNOTATIONS
    metadata = storage_class["metadata"]
    annotations = {key: value for key, value in metadata["annotations"].items() if key != beta}
    return {**storage_class, "metadata": {**metadata, "annotations": {**annotations, default: "false"}}}
