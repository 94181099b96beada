# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The request, and the volumes that it selects from a backup."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import Catalog
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, namespaced_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import (
    ORIGINAL_POLICY,
    Volume,
    read_volumes,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.selection import Selection

from .model import Generation, SelectedVolume
from .node_map import renamed


@dataclass(frozen=True)
class Request:
    """The options of volume_restore. wait_timeout: seconds."""

    cluster: str
    selection: Selection = field(default_factory=Selection)
    claims: bool = True
    verify: str = "full"
    reclaim_policy: str = "keep"
    node_map: Mapping[str, str] = field(default_factory=dict)
    create_namespaces: bool = True
    create_storage_classes: bool = True
    wait_timeout: float = 120

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Request:
        """From the module's options."""
        names = ("cluster", "claims", "verify", "reclaim_policy", "create_namespaces", "create_storage_classes")
        return cls(
            selection=Selection.from_options(options),
            node_map=options["node_map"] or {},
            wait_timeout=options["wait_timeout"],
            **{name: options[name] for name in names},
        )


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
