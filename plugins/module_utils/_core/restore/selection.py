# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The volumes that a request selects from a backup, and the namespaces and storage classes that they need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import Catalog
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.conditions import (
    DEFAULT_ANNOTATIONS,
    is_default_class,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, namespaced_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import (
    ORIGINAL_POLICY,
    Volume,
    read_volumes,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed

from .model import UNCHANGED, Generation, Observed, Request, SelectedVolume, Step
from .node_map import renamed


def select(request: Request, generation: Generation) -> tuple[tuple[SelectedVolume, ...], tuple[str, ...]]:
    """The volumes to restore, by name; and a warning for each that is left out.

    Raises BadInput for names and nodes that are not in the backup, and for volumes without a manifest.
    """
    catalog = generation.catalog
    pvs = {pv["metadata"]["name"]: pv for pv in generation.manifests["PersistentVolume"]}
    claims = {namespaced_name(claim): claim for claim in generation.manifests["PersistentVolumeClaim"]}
    saved = {volume.name: volume for volume in catalog.volumes}
    missing = sorted(saved.keys() - pvs.keys())
    if missing:
        raise BadInput(f"The backup has no manifest of {listed(missing)}.", next_step="Use another generation of it.")
    _check_node_map(catalog, request.node_map)
    if request.node_map:
        pvs = {name: renamed(pv, request.node_map) for name, pv in pvs.items()}
    volumes = request.selection.select(
        read_volumes((pvs[name] for name in saved), claims.values()),
        "The backup",
        "List its volumes: run kindlab.volumes.volume_restore in check mode without names.",
    )
    warnings = [] if volumes else ["No volume in the backup matches the selection; nothing is restored."]
    bound = {v.claim: v.name for v in volumes if _is_bound(v, claims.get(v.claim))}
    selected = []
    for volume in volumes:
        other = bound.get(volume.claim, volume.name)
        if other != volume.name:
            warnings.append(
                f"{volume.name} is not restored: in the backup its claim {volume.claim} is bound to {other}. "
                f"To restore {volume.name} instead, select only that volume with names."
            )
            continue
        claim = claims.get(volume.claim) if request.claims and volume.claim in bound else None
        pv = _with_policy(pvs[volume.name], saved[volume.name].reclaim_policy)
        selected.append(SelectedVolume(volume, pv, claim, saved[volume.name]))
    return tuple(selected), tuple(warnings)


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


def _check_node_map(catalog: Catalog, node_map: Mapping[str, str]) -> None:
    known = {node.name for node in catalog.cluster.nodes} | {name for v in catalog.volumes for name in v.nodes}
    unknown = sorted(node_map.keys() - known)
    if unknown:
        raise BadInput(
            f"node_map maps nodes that are not in the backup: {listed(unknown)}.",
            next_step=f"Use the backup's nodes as keys: {', '.join(sorted(known))}.",
        )


def _is_bound(volume: Volume, claim: Object | None) -> bool:
    return claim is not None and claim["spec"].get("volumeName") == volume.name


def _with_policy(pv: Object, policy: str) -> Object:
    """The volume with its original reclaim policy in an annotation: it is restored with Retain."""
    if policy == "Retain":
        return pv
    annotations = {**(pv["metadata"].get("annotations") or {}), ORIGINAL_POLICY: policy}
    return {**pv, "metadata": {**pv["metadata"], "annotations": annotations}}


def _not_default(storage_class: Object) -> Object:
    """A cluster has one default class: a second one would get the claims that name none."""
    default, beta = DEFAULT_ANNOTATIONS
    metadata = storage_class["metadata"]
    annotations = {key: value for key, value in metadata["annotations"].items() if key != beta}
    return {**storage_class, "metadata": {**metadata, "annotations": {**annotations, default: "false"}}}
